"""The learning rate of both stages."""

from gansynth_core.training.config import StudioConfig

LEAST = 0.01  # of the full rate; what the last step of a run is made with


def learning_rate(config: StudioConfig, seen: int, begin: int = 0) -> float:
    """The learning rate after `seen` notes: zero before note `begin`, rising linearly over `config.warmup_notes`,
    constant, then falling linearly over the last `config.decay_share` of the run, down to LEAST of the full rate."""
    warmup = min(1.0, max(0, seen - begin + config.batch) / max(1, config.warmup_notes))
    decay = (config.notes - seen) / max(1.0, config.decay_share * config.notes)
    return config.learning_rate * min(warmup, max(LEAST, min(1.0, decay)))
