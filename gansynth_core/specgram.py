"""From wave to specgram and back, every step beside its inverse.

wave [batch, samples]  <->  STFT complex [batch, frames, bins]  <->  specgram [batch, 2, frames, bins]

A specgram's channel 0 is the log-magnitude scaled to [-1, 1]; channel 1 is the instantaneous frequency, the phase's
advance from frame to frame as a fraction of pi in [-1, 1]. As in GANSynth (Engel et al. 2019, arXiv 1902.08710,
section 2), frame 0 holds the phase itself, so that a running sum restores every phase.
"""

import math
from dataclasses import asdict, dataclass

import torch
from torch import Tensor

from gansynth_core.errors import ModelError


@dataclass(frozen=True)
class SpecgramSpec:
    """The constants of one representation; a model's card carries them.

    sample_rate: Hz. samples: length of a note. n_fft, hop: samples; the window is a periodic Hann of n_fft.
    pad_front, pad_back: zeros around the note, so that every sample lies under as many windows as its neighbours.
    log_magnitude_low, log_magnitude_high: nepers (ln of the STFT magnitude) that become -1 and 1.
    """

    sample_rate: int
    samples: int
    n_fft: int
    hop: int
    pad_front: int
    pad_back: int
    log_magnitude_low: float
    log_magnitude_high: float

    def __post_init__(self) -> None:
        if self.n_fft % self.hop or (self.padded_samples - self.n_fft) % self.hop:
            raise ModelError(
                f"This specgram cannot be inverted: hop {self.hop} does not divide window and note length."
            )

    @property
    def padded_samples(self) -> int:
        return self.pad_front + self.samples + self.pad_back

    @property
    def frames(self) -> int:
        return (self.padded_samples - self.n_fft) // self.hop + 1

    @property
    def bins(self) -> int:
        """Bins 1 .. n_fft/2: the constant part (bin 0) is dropped, as notes have none."""
        return self.n_fft // 2

    @property
    def seconds(self) -> float:
        return self.samples / self.sample_rate

    @property
    def bin_hz(self) -> float:
        """Distance between bins in Hz; bin b (counted from 0) lies at (b + 1) * bin_hz."""
        return self.sample_rate / self.n_fft

    def to_json(self) -> dict:
        return asdict(self)

    # --- wave <-> STFT -----------------------------------------------------------------------------------------

    def stft(self, wave: Tensor) -> Tensor:
        """wave float [batch, samples] -> complex [batch, frames, bins]."""
        padded = torch.nn.functional.pad(wave, (self.pad_front, self.pad_back))
        frames = padded.unfold(-1, self.n_fft, self.hop) * self._window(wave)
        return torch.fft.rfft(frames)[..., 1:]

    def istft(self, stft: Tensor) -> Tensor:
        """complex [batch, frames, bins] -> wave [batch, samples]: the nearest STFT's (Griffin & Lim 1984)."""
        with_dc = torch.nn.functional.pad(stft, (1, 0))
        window = self._window(stft.real)
        frames = torch.fft.irfft(with_dc, n=self.n_fft) * window
        wave = self._overlap_add(frames)
        weight = self._overlap_add((window**2).expand(1, self.frames, self.n_fft))
        return (wave / weight.clamp_min(1e-8))[..., self.pad_front : self.pad_front + self.samples]

    def _overlap_add(self, frames: Tensor) -> Tensor:
        """[batch, frames, n_fft] -> [batch, padded_samples]."""
        batch, count, _ = frames.shape
        parts = self.n_fft // self.hop
        blocks = frames.reshape(batch, count, parts, self.hop)
        out = frames.new_zeros(batch, count + parts - 1, self.hop)
        for part in range(parts):
            out[:, part : part + count] += blocks[:, :, part]
        return out.reshape(batch, -1)

    def _window(self, like: Tensor) -> Tensor:
        return torch.hann_window(self.n_fft, periodic=True, dtype=like.dtype, device=like.device)

    # --- STFT <-> specgram -------------------------------------------------------------------------------------

    def normalize(self, log_magnitude: Tensor) -> Tensor:
        """Nepers -> [-1, 1], clipped."""
        half = (self.log_magnitude_high - self.log_magnitude_low) / 2
        return ((log_magnitude - self.log_magnitude_low) / half - 1).clamp(-1, 1)

    def denormalize(self, normalized: Tensor) -> Tensor:
        """[-1, 1] -> nepers."""
        half = (self.log_magnitude_high - self.log_magnitude_low) / 2
        return (normalized + 1) * half + self.log_magnitude_low

    def to_specgram(self, stft: Tensor) -> Tensor:
        """complex [batch, frames, bins] -> specgram [batch, 2, frames, bins] in [-1, 1]."""
        log_magnitude = stft.abs().clamp_min(math.exp(self.log_magnitude_low)).log()
        return torch.stack([self.normalize(log_magnitude), instantaneous_frequency(stft.angle())], dim=1)

    def from_specgram(self, specgram: Tensor) -> Tensor:
        """specgram [batch, 2, frames, bins] -> complex [batch, frames, bins]; the lowest magnitude becomes silence."""
        log_magnitude = self.denormalize(specgram[:, 0])
        magnitude = torch.where(specgram[:, 0] <= -1, torch.zeros_like(log_magnitude), log_magnitude.exp())
        return torch.polar(magnitude, phase(specgram[:, 1]))

    # --- all the way -------------------------------------------------------------------------------------------

    def encode(self, wave: Tensor) -> Tensor:
        """wave float [batch, samples] -> specgram [batch, 2, frames, bins]."""
        return self.to_specgram(self.stft(wave))

    def decode(self, specgram: Tensor, griffin_lim_steps: int = 0) -> Tensor:
        """specgram -> wave [batch, samples].

        Each Griffin-Lim step (Griffin & Lim 1984) moves the phases nearer to ones that a real wave can have, and keeps
        the magnitudes.
        """
        stft = self.from_specgram(specgram)
        magnitude = stft.abs()
        wave = self.istft(stft)
        for _ in range(griffin_lim_steps):
            consistent = self.stft(wave)
            wave = self.istft(magnitude * consistent / consistent.abs().clamp_min(1e-8))
        return wave


def instantaneous_frequency(phases: Tensor) -> Tensor:
    """Phases in radians [..., frames, bins] -> advance per frame / pi in [-1, 1); frame 0 keeps its phase / pi."""
    advance = torch.diff(phases, dim=-2, prepend=torch.zeros_like(phases[..., :1, :])) / math.pi
    return torch.remainder(advance + 1, 2) - 1


def phase(frequency: Tensor) -> Tensor:
    """Inverse of `instantaneous_frequency`: phases in radians [..., frames, bins], unwrapped."""
    return torch.cumsum(frequency, dim=-2) * math.pi
