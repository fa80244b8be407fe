"""The loss of reconstruction: of both stages, how far made notes are from the real ones they reconstruct.

|log-magnitude error| (loud bins count more) + |error of the levels of whole bands| + squared error of the tonality,
weighted by magnitude.
"""

import math
from typing import Protocol

from torch import Tensor

from gansynth_core.generators.studio import Spectrum
from gansynth_core.generators.tone_and_noise import MEDIAN_TO_RMS, tonal_share
from gansynth_core.specgram import SpecgramSpec
from gansynth_core.training.config import StudioConfig


class Banded(Protocol):
    """What makes a Spectrum: a generator, or the head of its upper half. spec: whose levels it has; band_weights: its
    bands [bands, bins], triangles that sum to 1."""

    spec: SpecgramSpec
    band_weights: Tensor


def reconstruction_loss(
    spectrum: Spectrum,
    stored: Tensor,
    frames: Tensor,
    generator: Banded,
    config: StudioConfig,
) -> tuple[Tensor, dict[str, Tensor]]:
    """`reconstruction_losses` and `band_loss` as `config` weights them, and each of them by name."""
    magnitude, tonality = reconstruction_losses(spectrum, stored, frames, generator.spec)
    bands = band_loss(spectrum, stored, frames, generator)
    loss = magnitude + config.tonality_weight * tonality + config.band_weight * bands
    return loss, {"magnitude": magnitude, "tonality": tonality, "bands": bands}


def reconstruction_losses(
    spectrum: Spectrum, stored: Tensor, frames: Tensor, spec: SpecgramSpec
) -> tuple[Tensor, Tensor]:
    """Spectrum of the frames at `frames` [judged] and stored int8 [batch, 2, frames, bins] -> (mean weighted
    |log-magnitude error| in nepers, mean weighted squared error of the tonality)."""
    target = stored[:, 0, frames].float() / 127
    nepers = (spec.log_magnitude_high - spec.log_magnitude_low) / 2
    magnitude = nepers * (_audibility(target) * (spectrum.log_magnitude.float() - target).abs()).mean()

    # Frame 0 holds a phase, not an advance, so that the first change of the advance is that of frame 2.
    known = frames >= 2
    change = stored[:, 1, frames].float() - stored[:, 1, (frames - 1).clamp_min(0)].float()
    tonality = (change * (math.pi / 127)).cos()
    loud = (3.2 * (target - 0.4)).exp() * known[None, :, None]  # about the square root of the magnitude
    error = (spectrum.tonality.float() - tonality) ** 2
    return magnitude, (loud * error).sum() / loud.sum().clamp_min(1e-6)


def band_loss(spectrum: Spectrum, stored: Tensor, frames: Tensor, generator: Banded) -> Tensor:
    """Inputs as of `reconstruction_losses` -> mean weighted |error| of the level of each of the generator's bands, in
    nepers, all its bins together and with noise drawn.

    Bin by bin, the error is least at the median of what a bin may be: a partial that may lie in either of two bins is
    then in neither of them. Whole bands come out as loud as real ones.
    """
    spec = generator.spec
    target = stored[:, 0, frames].float() / 127
    tonal = tonal_share(spectrum.tonality.float())
    noise_drawn = tonal**2 + (1 - tonal**2) * math.exp(2 * MEDIAN_TO_RMS)
    bands = generator.band_weights.T
    faint = math.exp(2 * spec.log_magnitude_low)

    def level(power: Tensor) -> Tensor:
        return ((power @ bands) / bands.sum(dim=0) + faint).log() / 2

    made = level((2 * spec.denormalize(spectrum.log_magnitude.float().clamp(-1, 1))).exp() * noise_drawn)
    real = level((2 * spec.denormalize(target)).exp())
    return (_audibility(spec.normalize(real)) * (made - real).abs()).mean()


def _audibility(level: Tensor) -> Tensor:
    """Weight of an error at a normalised log-magnitude: 1.5 for the loudest, falling to 0.25 for those 70 dB below,
    which one hardly hears."""
    return 0.25 + 1.25 * ((level + 0.7) / 1.2).clamp(0, 1)
