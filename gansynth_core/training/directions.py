"""The latent directions that change the sound most: what the app's sliders move along."""

import numpy as np
import torch
from torch import nn

from gansynth_core.cards import Direction
from gansynth_core.specgram import SpecgramSpec

FRAMES_HEARD, BANDS_HEARD = 16, 32
BATCH = 16


@torch.inference_mode()
def latent_directions(
    generator: nn.Module,
    spec: SpecgramSpec,
    instruments: int,
    pitches: tuple[int, int],
    *,
    count: int = 8,
    pairs: int = 1024,
    seed: int = 0,
) -> tuple[Direction, ...]:
    """The `count` strongest orthonormal directions of z, strongest first.

    z is drawn `pairs` times, each with a random instrument and a random pitch of `pitches` (lowest, highest MIDI), and
    rendered together with -z: half their difference is what z changed, without what instrument and pitch are. For
    normal z the mean of z times that change is the mean linear effect of z on the sound (Stein's lemma); its left
    singular vectors are the directions, as principal components are for a covariance.
    """
    device = next(generator.parameters()).device
    latent_size = generator.instrument_mean.shape[1]
    random = torch.Generator().manual_seed(seed)
    frames = torch.linspace(0, 0.8 * (spec.frames - 1), FRAMES_HEARD).long()  # the last fifth is release
    effect = torch.zeros(latent_size, FRAMES_HEARD * BANDS_HEARD)
    for start in range(0, pairs, BATCH):
        size = min(BATCH, pairs - start)
        z = torch.randn(size, latent_size, generator=random)
        chosen = torch.randint(instruments, (size,), generator=random)
        pitch = torch.randint(pitches[0], pitches[1] + 1, (size,), generator=random).float().to(device)
        weights = nn.functional.one_hot(chosen, instruments).float().to(device)
        basis = generator.harmonic_basis(pitch)
        heard = []
        for sign in (1, -1):
            features = generator.grow(generator.place(sign * z.to(device), weights), pitch)
            level = generator.spectrum(features[:, frames], basis).log_magnitude.clamp(-1, 1)
            heard.append(_bands(level, generator.band_weights).flatten(1))
        effect += z.T @ (heard[0] - heard[1]).cpu() / 2
    strongest, _, patterns = np.linalg.svd(effect.numpy() / pairs, full_matrices=False)
    directions = []
    for number, (vector, pattern) in enumerate(zip(strongest.T[:count], patterns[:count], strict=True), 1):
        upwards = np.sign(_tilt(pattern.reshape(FRAMES_HEARD, BANDS_HEARD))) or 1.0  # right is brighter
        directions.append(Direction(f"component {number}", tuple(np.round(vector * upwards, 5).tolist())))
    return tuple(directions)


def _bands(level: torch.Tensor, band_weights: torch.Tensor) -> torch.Tensor:
    """[batch, frames, bins] -> mean level in BANDS_HEARD groups of the generator's bands [batch, frames, bands]."""
    per_band = level @ (band_weights / band_weights.sum(dim=1, keepdim=True)).T
    return nn.functional.adaptive_avg_pool1d(per_band, BANDS_HEARD)


def _tilt(pattern: np.ndarray) -> float:
    """How much more [frames, bands] rises in high bands than in low ones."""
    half = pattern.shape[1] // 2
    return float(pattern[:, half:].mean() - pattern[:, :half].mean())
