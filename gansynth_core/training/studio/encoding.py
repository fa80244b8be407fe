"""What the encoder beside a model says about a set's notes."""

import os
from pathlib import Path

import numpy as np
import safetensors
import safetensors.torch
import torch
from torch import Tensor

from gansynth_core.cards import ModelCard
from gansynth_core.errors import ModelError
from gansynth_core.generators.encoder import FRAME_STEP, StudioEncoder
from gansynth_core.specgram import SpecgramSpec
from gansynth_core.training.data.dataset import Indices, NoteSet

BATCH = 32


def load_encoder(folder: str | os.PathLike[str], card: ModelCard, device: str = "cpu") -> StudioEncoder | None:
    """The encoder beside a model's weights, or None where there is none. Raises ModelError if it is damaged."""
    path = Path(folder) / "encoder.safetensors"
    if not path.is_file():
        return None
    assert isinstance(card.specgram, SpecgramSpec)  # the studio's
    encoder = StudioEncoder(card.specgram, len(card.instruments), card.latent_size)
    try:
        weights = safetensors.torch.load_file(path)
        encoder.load_state_dict({name: value.float() for name, value in weights.items()}, strict=True)
    except (OSError, RuntimeError, safetensors.SafetensorError) as cause:
        raise ModelError(f"The encoder '{path}' is damaged or belongs to another model: {cause}") from cause
    return encoder.to(device).eval().requires_grad_(False)


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
        heard = data.specgram(batch)[:, 0, ::FRAME_STEP].to(device)
        pitch = torch.from_numpy(data.notes["pitch"][batch]).to(device)
        found.append([numbers.cpu() for numbers in encoder.locate(encoder.summarize(heard), weights, pitch)])
    means, spreads = zip(*found, strict=True)
    return torch.cat(means), torch.cat(spreads)
