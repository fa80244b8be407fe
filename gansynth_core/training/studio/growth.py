"""New instruments in a model that has learned others.

A new instrument begins as what the model already makes of its notes: as the mixture of known instruments that its
encoder names them, at the mean of the places where it finds them. The known ones stay what they are.
"""

import torch
from torch import Tensor
from torch.nn import functional

from gansynth_core.errors import DataError
from gansynth_core.generators.encoder import StudioEncoder
from gansynth_core.generators.studio import StudioGenerator
from gansynth_core.training.data.dataset import NoteSet
from gansynth_core.training.studio.encoding import BATCH, some_of_each

NOTES_PER_INSTRUMENT = 64


@torch.inference_mode()
def grow_instruments(
    generator: StudioGenerator, encoder: StudioEncoder, data: NoteSet, seed: int = 0
) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """The states of `generator` and `encoder`, whose prior is not fitted, with all instruments of `data`, of which they
    know the first ones. Raises DataError if an instrument has no note to begin with."""
    known = len(generator.instrument_mean)
    states = generator.state_dict(), encoder.state_dict()
    if known == len(data.instruments):
        return states
    mixtures, places = _found(generator, encoder, data, seed)
    more = len(mixtures)
    spreads = mixtures @ generator.instrument_log_spread.exp()
    rows = {
        "instrument_mean": places,
        "instrument_log_spread": spreads.log(),
        "instrument_logits.weight": mixtures @ encoder.instrument_logits.weight,
        "instrument_logits.bias": mixtures @ encoder.instrument_logits.bias,
        "centre": torch.zeros(more, encoder.centre.shape[1]),
    }
    columns = {"instrument_in.weight": encoder.instrument_in.weight @ mixtures.T}
    for state in states:
        for name, value in state.items():
            if name in rows:
                state[name] = torch.cat([value, rows[name]])
            elif name in columns:
                state[name] = torch.cat([value, columns[name]], dim=1)
            elif name in ("prior.spread", "prior.register"):  # not fitted: alike for every instrument
                state[name] = torch.cat([value, value[:1].expand(more, *value.shape[1:])])
    return states


def _found(generator: StudioGenerator, encoder: StudioEncoder, data: NoteSet, seed: int) -> tuple[Tensor, Tensor]:
    """Of every new instrument: the mixture of known ones that its notes are taken for [new, known], and the mean that
    puts its notes where the networks find them [new, latent]."""
    known, more = len(generator.instrument_mean), len(data.instruments) - len(generator.instrument_mean)
    indices = data.training()
    indices = indices[data.notes["instrument"][indices] >= known]
    chosen = some_of_each(data, indices, NOTES_PER_INSTRUMENT, (seed, 3))
    owner = torch.from_numpy(data.notes["instrument"][chosen].astype(int)) - known
    owned = functional.one_hot(owner, more).float()
    counts = owned.sum(dim=0)
    if (counts == 0).any():
        missing = data.instruments[known + int(counts.argmin())]
        raise DataError(f"'{data.folder}' has no note of '{missing}' to learn from.")
    summaries = []
    for start in range(0, len(chosen), BATCH):
        heard = encoder.heard(data.specgram(chosen[start : start + BATCH]))
        summaries.append(encoder.summarize(heard))
    summary = torch.cat(summaries)
    named = encoder.instrument_logits(summary).softmax(dim=1)
    z, _ = encoder.locate_unfitted(summary, named)
    w = named @ generator.instrument_mean + (named @ generator.instrument_log_spread.exp()) * z
    of_each = owned.T / counts[:, None]
    mixtures = of_each @ named
    # As an instrument of its own a note is found at another z, and its place follows from that.
    own, _ = encoder.locate_unfitted(summary, mixtures[owner])
    spreads = mixtures @ generator.instrument_log_spread.exp()
    return mixtures, of_each @ (w - spreads[owner] * own)
