"""Fitting the prior: what a player draws should be spread like what real notes are found to be.

The warm start leaves the encoder free to use its few nats as it likes, and it puts them into a few directions of z in
which real notes lie much wider than N(0, 1), around a mean of their own for each instrument. A player's normal draw
would then be tamer than any real note. The fit moves and stretches z, in generator and encoder alike, until the
encoder's posteriors over the training notes have the mean and, in the widest directions, the spread of N(0, 1).
"""

import numpy as np
import torch
from torch.nn import functional

from gansynth_core.generators.encoder import FRAME_STEP, StudioEncoder
from gansynth_core.generators.studio import STRETCHED, StudioGenerator
from gansynth_core.training.dataset import NoteSet

NOTES_PER_INSTRUMENT = 24
BATCH = 32


@torch.inference_mode()
def fit_prior(generator: StudioGenerator, encoder: StudioEncoder, data: NoteSet, seed: int = 0) -> None:
    """Set `stretch`, `stretched` and the instruments' means of `generator` and `encoder` in place, from training notes.

    Does nothing if they are fitted already.
    """
    if bool((generator.stretch != 1).any()):
        return
    device = next(generator.parameters()).device
    chosen = _some_of_each(data, seed)
    instruments = torch.from_numpy(data.notes["instrument"][chosen].astype(np.int64))
    means, variances = [], []
    for start in range(0, len(chosen), BATCH):
        rows = slice(start, start + BATCH)
        heard = data.specgram(chosen[rows])[:, 0, ::FRAME_STEP].to(device)
        weights = functional.one_hot(instruments[rows], len(data.instruments)).float().to(device)
        mean, log_spread = encoder.locate(encoder.summarize(heard), weights)
        means.append(mean.cpu())
        variances.append((2 * log_spread).exp().cpu())
    mean, variance = torch.cat(means).double(), torch.cat(variances).double()

    owned = functional.one_hot(instruments, len(data.instruments)).double()
    counts = owned.sum(dim=0).clamp_min(1)[:, None]
    centres = owned.T @ mean / counts
    within = mean - centres[instruments]
    freedom = max(1, len(within) - int((counts > 1).sum()))  # each instrument's centre was taken from its own notes
    spread, directions = torch.linalg.eigh(within.T @ within / freedom + torch.diag(variance.mean(dim=0)))
    widest = spread.argsort(descending=True)[:STRETCHED]
    found = len(widest)  # fewer than STRETCHED only for a very small latent

    for network in (generator, encoder):
        network.stretched[:found] = directions.T[widest].to(network.stretched)
        network.stretch[:found] = spread[widest].sqrt().to(network.stretch)
    generator.instrument_mean += generator.instrument_log_spread.exp() * centres.to(generator.instrument_mean)
    encoder.centre += centres.to(encoder.centre)


@torch.no_grad()
def unfit_prior(generator: StudioGenerator, encoder: StudioEncoder) -> None:
    """Undo `fit_prior` in place: the warm start goes on with networks that are free to place notes where they like, and
    each of its snapshots is fitted anew. Every real note keeps its sound."""
    generator.instrument_mean -= generator.instrument_log_spread.exp() * encoder.centre
    encoder.centre.zero_()
    for network in (generator, encoder):
        network.stretched.zero_()
        network.stretch.fill_(1)


def _some_of_each(data: NoteSet, seed: int) -> np.ndarray:
    """Up to NOTES_PER_INSTRUMENT random training notes of every instrument, as sorted indices."""
    order = np.random.default_rng((seed, 2)).permutation(data.training())
    owner = data.notes["instrument"][order]
    kept = [order[owner == index][:NOTES_PER_INSTRUMENT] for index in range(len(data.instruments))]
    return np.sort(np.concatenate(kept))
