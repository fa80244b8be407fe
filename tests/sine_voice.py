"""A generator that plays sines: fast, exact and known to the ear, so that tests can drive the real Synth and app."""

import math

import numpy as np
import torch

from gansynth_core import DESCRIPTORS, Atlas, Direction, ModelCard, Synth
from gansynth_core.pitches import pitch_hz
from gansynth_core.training.config import STUDIO_SPEC

SPEC = STUDIO_SPEC
DYING = 500


class SineGenerator:
    """A sine at the pitch and one that tells the instrument: number n of the card adds harmonic 2 + n % 7, 12 dB lower.

    z[0] sets the level (0: -12 dBFS, each unit 3 dB). With z[DYING] above 3.9 the note dies away, by 20 dB a second.
    """

    spec = SPEC

    def __call__(self, z, pitch, instruments):
        return SPEC.encode(self.wave(z, pitch, instruments))

    def stft(self, z, pitch, instruments):
        return SPEC.from_specgram(self(z, pitch, instruments))

    def wave(self, z, pitch, instruments):
        seconds = torch.arange(SPEC.samples) / SPEC.sample_rate
        hz = pitch_hz(pitch)
        level = 10 ** ((-12 + 3 * z[:, :1].clamp(-3, 3)) / 20)
        wave = torch.sin(2 * math.pi * hz[:, None] * seconds)
        for number, weight in enumerate(instruments.T):
            if not weight.any():
                continue
            wave = wave + 0.25 * weight[:, None] * torch.sin(2 * math.pi * (2 + number % 7) * hz[:, None] * seconds)
        if z.shape[1] > DYING:
            wave = wave * 10 ** torch.where(z[:, DYING : DYING + 1] > 3.9, -seconds, 0.0)
        return level * wave

    def embed(self, z, pitch, instruments):
        return torch.cat([z[:, :8], 4 * instruments], dim=1)

    def to(self, device):
        return self


class QuickSines(SineGenerator):
    """The same sines with no specgram between them and what is heard, in a fifth of the time: pages ask for many."""

    def stft(self, z, pitch, instruments):
        return SPEC.stft(self.wave(z, pitch, instruments))


def sine_card(model: str = "sines", instruments: tuple[str, ...] = ("violin", "flute", "gunshot")) -> ModelCard:
    latent_size = 512
    directions = tuple(
        Direction(f"component {n + 1}", tuple(float(i == n) for i in range(latent_size))) for n in range(8)
    )
    return ModelCard(model, model.title(), "studio", latent_size, 24, 84, instruments, SPEC, {}, directions=directions)


def grid_atlas(card: ModelCard, points: int) -> Atlas:
    """A map whose layout by latent is a square grid, row by row, and whose layout by sound is the same one mirrored."""
    side = math.ceil(math.sqrt(points))
    number = np.arange(points)
    places = (np.stack([number % side, number // side], axis=1) + 0.5) / side
    shares = np.stack([(number * (7 + step) % points) / points for step in range(len(DESCRIPTORS))], axis=1)
    low, high = np.array([(descriptor.low, descriptor.high) for descriptor in DESCRIPTORS]).T
    kinds = max(1, len(card.instruments))
    return Atlas(
        card=card,
        pitch=60.0,
        layouts={"latent": places.astype(np.float32), "sound": (1 - places).astype(np.float32)},
        descriptors=(low + (high - low) * shares).astype(np.float32),
        descriptor_names=tuple(descriptor.name for descriptor in DESCRIPTORS),
        instruments=(number % kinds if card.instruments else np.full(points, -1)).astype(np.int16),
        seeds=number // kinds,
    )


def sine_synth(**options) -> Synth:
    return Synth(sine_card(), QuickSines(), device="cpu", **options)
