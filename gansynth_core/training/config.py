"""What a training run is told: one frozen dataclass with named presets, and nothing else."""

import dataclasses
import math
import re
from dataclasses import dataclass

from gansynth_core.errors import InputError, nearest
from gansynth_core.specgram import SpecgramSpec

#: What the studio model hears and plays: 4 s at 24 kHz as 128 frames of 1536 bins.
STUDIO_SPEC = SpecgramSpec(
    sample_rate=24000,
    samples=96000,
    n_fft=3072,
    hop=768,
    pad_front=2304,
    pad_back=2304,
    log_magnitude_low=-6.2,
    log_magnitude_high=6.6,
)


@dataclass(frozen=True)
class TrainConfig:
    """All that decides the outcome of a run beside its data. Lengths of training are in notes seen, whatever the batch.

    model: id and title of the result. channels, features, bands: see StudioGenerator.
    notes: training notes to see; the learning rate falls linearly to zero over the last `decay_share` of them.
    judged_frames: frames of each note that the loss looks at, drawn anew each step, the attack more often than the
        tail; all frames are grown, but spectra are by far the largest arrays, and neighbouring frames teach the same.
    kl_nats: information a note may hand its latent, free of charge. Enough for what varies within an instrument, and
        little enough that latents drawn from the (fitted) prior sound as good as those of real notes.
    ema_notes: half-life of the averaged weights that snapshots hold.
    precision: "bf16" (autocast; also the faster one on recent CPUs) or "fp32".
    """

    model: str = "studio"
    family: str = "studio"
    latent_size: int = 512
    channels: int = 448
    features: int = 320
    bands: int = 48
    notes: int = 400_000
    batch: int = 16
    learning_rate: float = 1e-3
    warmup_notes: int = 4_000
    decay_share: float = 0.4
    judged_frames: int = 48
    tonality_weight: float = 0.5
    kl_nats: float = 40.0
    kl_weight: float = 0.02
    instrument_weight: float = 0.2
    ema_notes: int = 8_000
    precision: str = "bf16"
    seed: int = 0
    checkpoint_minutes: float = 5.0
    snapshot_notes: int = 50_000

    def __post_init__(self) -> None:
        if self.precision not in ("bf16", "fp32"):
            raise InputError(f"Precision '{self.precision}' is unknown: choose bf16 or fp32.")
        if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9_-]*", self.model):
            raise InputError(f"'{self.model}' is no name for a model: use letters, digits, _ and - only.")
        for name in _COUNTS:
            if getattr(self, name) < 1:
                raise InputError(f"Training option '{name}' is at least 1, not {getattr(self, name)}.")
        for name in _AMOUNTS:
            if not 0 <= getattr(self, name) < math.inf:  # also refuses NaN
                raise InputError(f"Training option '{name}' is a number of at least 0, not {getattr(self, name):g}.")
        if self.decay_share > 1:
            raise InputError(f"Training option 'decay_share' is at most 1, not {self.decay_share:g}.")

    def replace(self, **changes: object) -> "TrainConfig":
        """A copy with `changes`; unknown names and values of another type raise InputError."""
        fields = {f.name: f.type for f in dataclasses.fields(self)}
        for name, value in changes.items():
            if name not in fields:
                raise InputError(f"There is no training option '{name}'.{nearest(name, fields)}")
            current = getattr(self, name)
            if isinstance(current, float) and isinstance(value, int):
                changes[name] = value = float(value)
            if type(value) is not type(current):
                raise InputError(f"Training option '{name}' is a {type(current).__name__}, not {value!r}.")
        return dataclasses.replace(self, **changes)


_COUNTS = (
    "latent_size", "channels", "features", "bands", "notes", "batch", "judged_frames", "ema_notes", "snapshot_notes"
)  # fmt: skip
_AMOUNTS = (
    "learning_rate", "warmup_notes", "decay_share", "tonality_weight", "kl_nats", "kl_weight", "instrument_weight",
    "seed", "checkpoint_minutes",
)  # fmt: skip

PRESETS: dict[str, TrainConfig] = {
    "studio": TrainConfig(),
    # Learns little, but every part of a run in seconds: for tests and for trying out a data folder.
    "tiny": TrainConfig(
        model="tiny", channels=32, features=32, bands=12, notes=64, batch=4, judged_frames=8, snapshot_notes=32
    ),
}
