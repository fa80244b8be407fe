"""The warm start: the generator learns to reconstruct notes through an encoder and an instrument-conditional prior.

The adversarial stage takes over from its weights. Loss of a note: |log-magnitude error| (loud bins count more)
+ magnitude-weighted squared error of the tonality + a hinge on the nats its latent carries (after
Burgess et al. 2018, arXiv 1804.03599) + the encoder's cross-entropy on the instrument.
"""

import math

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gansynth_core.generators.encoder import FRAME_STEP, StudioEncoder
from gansynth_core.generators.studio import Spectrum, StudioGenerator
from gansynth_core.specgram import SpecgramSpec
from gansynth_core.training.config import TrainConfig


class WarmStart(nn.Module):
    """Generator and encoder with the loss that trains both."""

    def __init__(self, generator: StudioGenerator, encoder: StudioEncoder, config: TrainConfig) -> None:
        super().__init__()
        self.generator, self.encoder, self.config = generator, encoder, config

    def forward(
        self, stored: Tensor, pitch: Tensor, instrument: Tensor, frames: Tensor, draw: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """stored int8 [batch, 2, frames, bins], pitch float [batch], instrument int64 [batch], frames int64 [judged],
        draw standard normal [batch, latent] -> (loss, its parts for the progress line)."""
        config = self.config
        # A hidden slice of every second frame knows the sound; scaled like the generator's own log-magnitude.
        heard = stored[:, 0, ::FRAME_STEP].to(torch.bfloat16 if config.precision == "bf16" else torch.float32) / 127
        summary = self.encoder.summarize(heard)
        logits = self.encoder.instrument_logits(summary).float()
        weights = functional.one_hot(instrument, logits.shape[1]).to(pitch.dtype)
        mean, log_spread = self.encoder.locate(summary, weights)
        z = mean + log_spread.exp() * draw
        nats = 0.5 * (mean**2 + (2 * log_spread).exp() - 2 * log_spread - 1).sum(dim=1).mean()

        features = self.generator.grow(self.generator.place(z, weights), pitch)
        spectrum = self.generator.spectrum(features[:, frames], self.generator.harmonic_basis(pitch))
        magnitude, tonality = reconstruction_losses(spectrum, stored, frames, self.generator.spec)
        naming = functional.cross_entropy(logits, instrument)
        loss = (
            magnitude
            + config.tonality_weight * tonality
            + config.kl_weight * functional.relu(nats - config.kl_nats)
            + config.instrument_weight * naming
        )
        parts = {"magnitude": magnitude, "tonality": tonality, "nats": nats, "naming": naming}
        return loss, {name: part.detach() for name, part in parts.items()}


def reconstruction_losses(
    spectrum: Spectrum, stored: Tensor, frames: Tensor, spec: SpecgramSpec
) -> tuple[Tensor, Tensor]:
    """Spectrum of the frames at `frames` [judged] and stored int8 [batch, 2, frames, bins] -> (mean weighted
    |log-magnitude error| in nepers, mean weighted squared error of the tonality)."""
    target = stored[:, 0, frames].float() / 127
    # 1.5 for the loudest bins, falling to 0.25 for those 70 dB below, which the ear hardly reaches.
    weight = 0.25 + 1.25 * ((target + 0.7) / 1.2).clamp(0, 1)
    nepers = (spec.log_magnitude_high - spec.log_magnitude_low) / 2
    magnitude = nepers * (weight * (spectrum.log_magnitude.float() - target).abs()).mean()

    # Frame 0 holds a phase, not an advance, so that the first change of the advance is that of frame 2.
    known = frames >= 2
    change = stored[:, 1, frames].float() - stored[:, 1, (frames - 1).clamp_min(0)].float()
    tonality = (change * (math.pi / 127)).cos()
    loud = (3.2 * (target - 0.4)).exp() * known[None, :, None]  # about the square root of the magnitude
    error = (spectrum.tonality.float() - tonality) ** 2
    return magnitude, (loud * error).sum() / loud.sum().clamp_min(1e-6)


def judged_frames(total: int, count: int, seed: int, step: int) -> np.ndarray:
    """Sorted indices of the frames judged at `step`: a third out of the first quarter, where the attack is."""
    random = np.random.default_rng((seed, step, 1))
    early = total // 4
    first = min(count // 3, early)
    return np.sort(
        np.concatenate(
            [
                random.choice(early, first, replace=False),
                early + random.choice(total - early, min(count - first, total - early), replace=False),
            ]
        )
    )
