"""The studio voice at twice the rate: what lies above the upper end of its specgrams, by a head of its own.

A window twice as long at twice the rate has the same bins and the same frames, and as many bins again above. So a wider
voice is the voice there was, which stays what it is to the bit, and an upper half of the spectrum made from the same
features of every frame: smooth envelopes over a few bands, times the same functions of the distance to a harmonic, and
a coarse residual for what is not harmonic.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from gansynth_core.errors import ModelError
from gansynth_core.generators.studio import Spectrum, StudioGenerator
from gansynth_core.generators.tone_and_noise import MEDIAN_TO_RMS, NOISE_SEED, tonal_share, white_noise
from gansynth_core.pitches import pitch_hz
from gansynth_core.specgram import SpecgramSpec, modulus

COARSE = 16  # bins between two points of the residual
HIDDEN = 384
SILENT = -0.95  # normalised log-magnitude that an untrained head begins at: real notes have next to nothing up there


def lower_half(spec: SpecgramSpec) -> SpecgramSpec:
    """The specgrams of half the rate that have the same frames, and the lower half of the bins of `spec`."""
    numbers = (spec.sample_rate, spec.samples, spec.n_fft, spec.hop, spec.pad_front, spec.pad_back)
    if any(number % 2 for number in numbers):
        raise ModelError("A voice with an upper half needs specgrams of even numbers, so that half the rate has them.")
    rate, samples, n_fft, hop, front, back = (number // 2 for number in numbers)
    # As many samples again are as much again in every bin.
    low, high = spec.log_magnitude_low - math.log(2), spec.log_magnitude_high - math.log(2)
    return SpecgramSpec(rate, samples, n_fft, hop, front, back, low, high)


def upper_half(specgram: Tensor) -> Tensor:
    """Of specgrams, or whatever has its bins last: those of the upper half."""
    return specgram[..., specgram.shape[-1] // 2 :]


class UpperHead(nn.Module):
    """Features of every frame -> the Spectrum of the bins above `lower_half(spec)`."""

    band_weights: Tensor
    points: Tensor
    noise: Tensor

    def __init__(self, spec: SpecgramSpec, features: int, bands: int, functions: int) -> None:
        super().__init__()
        self.spec, self.functions = spec, functions
        self.first = spec.bins // 2  # bins below the head's, which are left out
        self.bins = spec.bins - self.first
        self.hidden = nn.Linear(features, HIDDEN)
        self.envelopes = nn.Linear(HIDDEN, 2 * bands * functions)
        points = self.bins // COARSE
        self.residual = nn.Linear(HIDDEN, 2 * points)
        with torch.no_grad():
            for layer in (self.envelopes, self.residual):
                layer.weight.mul_(0.3)
                layer.bias.zero_()
            self.residual.bias[:points] = SILENT
            self.residual.bias[points:] = 0.5
        self.register_buffer("band_weights", _triangles(bands, self.bins), persistent=False)
        self.register_buffer("points", _triangles(points, self.bins), persistent=False)
        random = torch.Generator().manual_seed(NOISE_SEED + 1)
        bank = upper_half(white_noise(spec, 1, 2 * spec.frames, random)[0]).contiguous()
        self.register_buffer("noise", bank, persistent=False)

    def forward(self, features: Tensor, pitch: Tensor) -> Spectrum:
        """features [batch, frames, features], pitch [batch] MIDI -> Spectrum of [batch, frames, bins]."""
        x = functional.leaky_relu(self.hidden(features), 0.2)
        basis = self._basis(pitch)
        log_magnitude, tonality = (envelopes @ basis for envelopes in self.envelopes(x).chunk(2, dim=2))
        loud, tonal = (coarse @ self.points for coarse in self.residual(x).chunk(2, dim=2))
        return Spectrum(log_magnitude + loud, tonality + tonal)

    def _places(self, pitch: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Bins [bins], the pitches' f0 in bins [batch, 1], and the nearest harmonic of each bin [batch, bins]."""
        place = torch.arange(self.first + 1, self.spec.bins + 1, device=pitch.device)
        f0 = pitch_hz(pitch)[:, None] / self.spec.bin_hz
        return place, f0, (place / f0).round().clamp_min(1)

    def _basis(self, pitch: Tensor) -> Tensor:
        """As StudioGenerator.harmonic_basis, of the upper bins and bands."""
        place, f0, harmonic = self._places(pitch)
        distance = place - harmonic * f0
        narrow, peak, wide = ((-((distance / width) ** 2)).clamp_min(-50).exp() for width in (0.8, 1.6, 3.5))
        shapes = [
            torch.ones_like(distance),
            narrow,
            peak,
            wide,
            peak * (1 - 2 * (harmonic % 2)),
            torch.cos(2 * math.pi * place / f0),
            2 * distance / 1.6 * peak,
            2 * distance / 3.5 * wide,
        ][: self.functions]
        weights = self.band_weights
        return (torch.stack(shapes, dim=1).to(weights.dtype)[:, :, None] * weights).flatten(1, 2)

    def stft(self, spectrum: Spectrum, pitch: Tensor) -> Tensor:
        """A Spectrum with phases and noise, complex [batch, frames, bins]; where the lowest magnitude is, silence."""
        spec = self.spec
        log_magnitude = spec.denormalize(spectrum.log_magnitude.clamp(-1, 1))
        tonal = tonal_share(spectrum.tonality)
        phase = self._running_phase(log_magnitude, pitch)
        shift = (pitch.round().long() * 7) % spec.frames  # another piece of the bank for every key
        # A note longer than the model's comes back to the bank's beginning, which in this octave nobody hears.
        places = shift[:, None] + torch.arange(log_magnitude.shape[1], device=shift.device)
        noise = self.noise[places % len(self.noise)]
        rest = (1 - tonal**2).clamp_min(0).sqrt()
        mixed = tonal * torch.complex(phase.cos(), phase.sin()) + rest * math.exp(MEDIAN_TO_RMS) * noise
        loud = (log_magnitude + mixed.abs().clamp_min(1e-4).log()).clamp_max(spec.log_magnitude_high).exp()
        magnitude = torch.where(spectrum.log_magnitude <= -1, 0.0, loud)
        return mixed * (magnitude / modulus(mixed).clamp_min(1e-12))

    def _running_phase(self, log_magnitude: Tensor, pitch: Tensor) -> Tensor:
        """Phases in radians [batch, frames, bins] if every bin belonged to a partial: each turns at the frequency of
        the harmonic it is near, or where it is near none, at its own."""
        place, f0, harmonic = self._places(pitch)
        distance = harmonic * f0 - place
        frequency = torch.where(distance.abs() < 2, harmonic * f0, place.to(f0.dtype))
        advance = frequency * (2 * math.pi * self.spec.hop / self.spec.n_fft)
        turns = torch.arange(log_magnitude.shape[1], device=pitch.device, dtype=torch.float64)
        # In double precision: the thousandth turn of a float has only three digits left of its angle.
        phase = (advance.double()[:, None] * turns[:, None]) % (2 * math.pi)
        scattered = torch.frac(harmonic * 0.6180339887498949) * 2 * math.pi + math.pi * (place % 2)
        return (phase + scattered[:, None]).to(log_magnitude.dtype)


class WideStudioGenerator(StudioGenerator):
    """A studio generator for specgrams of twice the rate: what it plays below the middle is what StudioGenerator plays,
    number for number; an UpperHead plays what is above. Takes StudioGenerator's hyperparameters, and upper_bands, the
    bands of the head's envelopes. `spec` is the lower half's, `wide` the whole's."""

    bends = False  # notes whose pitch moves are resampled

    def __init__(
        self, spec: SpecgramSpec, instruments: int, latent_size: int = 512, *, upper_bands: int, **hyperparameters: int
    ) -> None:
        super().__init__(lower_half(spec), instruments, latent_size, **hyperparameters)
        self.wide = spec
        self.upper = UpperHead(spec, self.envelopes.in_features, upper_bands, self.functions)

    def forward(self, z: Tensor, pitch: Tensor, instruments: Tensor) -> Tensor:
        """As StudioGenerator.forward, of the whole: [batch, 2, frames, 2 * bins]."""
        return self.wide.to_specgram(self.stft(z, pitch, instruments))

    def stft(self, z: Tensor, pitch: Tensor, instruments: Tensor) -> Tensor:
        """As StudioGenerator.stft, of the whole: complex [batch, frames, 2 * bins]."""
        if not (self.training or torch.is_grad_enabled()):
            each = zip(z.split(1), pitch.split(1), instruments.split(1), strict=True)
            return torch.cat([self._note(*one) for one in each])
        features = self.grow(self.place(z, instruments, pitch), pitch)
        lower = self.played(self.spectrum(features, self.harmonic_basis(pitch)), pitch)
        upper = self.upper.stft(self.upper(features, pitch), pitch)
        return torch.cat([2 * lower, upper], dim=-1)

    def prolonged(
        self, z: Tensor, pitch: Tensor, instruments: Tensor, on: Tensor, after: int, only: Tensor | None = None
    ) -> Tensor:
        """As StudioGenerator.prolonged, of the whole: complex [1, after + n, 2 * bins], or `only` these frames."""
        features = self.notes.grown(z, pitch, instruments)
        upper = self.upper.stft(self.upper(torch.cat([features[:after], features[on]])[None], pitch), pitch)
        upper = upper if only is None else upper[:, only]
        return torch.cat([2 * self.notes.prolonged(features, pitch, on, after, only), upper], dim=-1)

    def _note(self, z: Tensor, pitch: Tensor, instruments: Tensor) -> Tensor:
        """One note, complex [1, frames, 2 * bins], from features that are grown once for both halves."""
        features = self.notes.grown(z, pitch, instruments)
        upper = self.upper.stft(self.upper(features[None], pitch), pitch)
        return torch.cat([2 * self.notes.played(features, pitch), upper], dim=-1)


def build_studio(
    spec: SpecgramSpec, instruments: int, latent_size: int = 512, *, upper_bands: int = 0, **hyperparameters: int
) -> StudioGenerator:
    """The studio family's network: with upper_bands a WideStudioGenerator, without a StudioGenerator."""
    if upper_bands:
        return WideStudioGenerator(spec, instruments, latent_size, upper_bands=upper_bands, **hyperparameters)
    return StudioGenerator(spec, instruments, latent_size, **hyperparameters)


def _triangles(count: int, bins: int) -> Tensor:
    """Overlapping triangles that sum to 1 over [count, bins], at even distances."""
    place = torch.linspace(0, count - 1, bins)
    return (1 - (place[None] - torch.arange(count)[:, None]).abs()).clamp_min(0)
