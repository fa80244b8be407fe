"""What the encoder beside a model says about a set's notes."""

import numpy as np
import torch
from torch import Tensor

from gansynth_core.generators.encoder import StudioEncoder
from gansynth_core.training.data.dataset import Indices, NoteSet

BATCH = 32


def some_of_each(data: NoteSet, indices: Indices, count: int, seed: int | tuple[int, ...]) -> Indices:
    """Up to `count` random `indices` of every instrument, sorted."""
    order = np.random.default_rng(seed).permutation(indices)
    owner = data.notes["instrument"][order]
    return np.sort(np.concatenate([order[owner == index][:count] for index in range(len(data.instruments))]))


@torch.inference_mode()
def located(encoder: StudioEncoder, data: NoteSet, indices: Indices) -> tuple[Tensor, Tensor]:
    """The posteriors of z of the notes at `indices`, means and log standard deviations [notes, latent] on the CPU: see
    StudioEncoder.locate."""
    device = encoder.centre.device
    found = []
    for start in range(0, len(indices), BATCH):
        batch = indices[start : start + BATCH]
        weights = data.weights(batch).to(device)
        heard = encoder.heard(data.specgram(batch)).to(device)
        pitch = torch.from_numpy(data.notes["pitch"][batch]).to(device)
        found.append([numbers.cpu() for numbers in encoder.locate(encoder.summarize(heard), weights, pitch)])
    means, spreads = zip(*found, strict=True)
    return torch.cat(means), torch.cat(spreads)
