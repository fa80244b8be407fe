"""From wave to specgram and back, every step beside its inverse.

wave [batch, samples]  <->  STFT complex [batch, frames, bins]  <->  specgram [batch, 2, frames, bins]

A specgram's channel 0 is the log-magnitude scaled to [-1, 1]; channel 1 is the instantaneous frequency, the phase's
advance from frame to frame as a fraction of pi in [-1, 1]. As in GANSynth (Engel et al. 2019, arXiv 1902.08710,
section 2), frame 0 holds the phase itself, so that a running sum restores every phase.

There are two ways to write a specgram: the studio's own (`SpecgramSpec`), and Magenta's with frequency on a mel scale
(`MelSpecgramSpec`), which models from there need to the letter.
"""

import functools
import itertools
import math
from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from gansynth_core.errors import ModelError
from gansynth_core.threads import together

PARTS = 4  # of a note's frames, which are transformed side by side; one of them fits into a core's cache


class Representation:
    """What both kinds have in common; the constants are the subclasses' fields."""

    griffin_lim_steps: ClassVar[int]  # the default of a Synth
    sample_rate: int
    samples: int
    n_fft: int
    hop: int
    pad_front: int
    pad_back: int

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

    @property
    def bins_hz(self) -> NDArray[np.float64]:
        """The frequencies in Hz that a specgram's bins stand for, float64 [bins]."""
        return np.arange(1, self.bins + 1, dtype=np.float64) * self.bin_hz

    def to_json(self) -> dict[str, Any]:
        """The constants, as a card keeps them; `representation_from_json` is the inverse."""
        raise NotImplementedError

    def stft(self, wave: Tensor) -> Tensor:
        """wave float [batch, samples] -> complex [batch, frames, bins]."""
        return self._transformed(self._padded(wave))[..., 1:]

    def istft(self, stft: Tensor) -> Tensor:
        """complex [batch, frames, bins] -> wave [batch, samples]."""
        pieces = self._in_parts(stft, lambda frames: self._pieces(functional.pad(stft[:, frames], (1, 0))))
        return self._joined(pieces)

    def _padded(self, wave: Tensor) -> Tensor:
        return functional.pad(wave, (self.pad_front, self.pad_back))

    def _transformed(self, padded: Tensor) -> Tensor:
        """wave [batch, n_fft + hop * (frames - 1)] -> complex [batch, frames, 1 + bins], the constant part first."""
        whole: Tensor = torch.fft.rfft(padded.unfold(-1, self.n_fft, self.hop) * self._window(padded))
        return whole

    def _pieces(self, whole: Tensor) -> Tensor:
        """complex [batch, frames, 1 + bins] -> pieces of a wave [batch, frames, n_fft] to be added up."""
        wave: Tensor = torch.fft.irfft(whole, n=self.n_fft)
        return wave * self._synthesis_window(wave)

    def _synthesis_window(self, like: Tensor) -> Tensor:
        """What a piece is multiplied with before they are added up, [n_fft]."""
        raise NotImplementedError

    def _joined(self, pieces: Tensor) -> Tensor:
        """Pieces [batch, frames, n_fft] -> wave [batch, samples]."""
        raise NotImplementedError

    def _in_parts(self, stft: Tensor, pieces: Callable[[slice], Tensor]) -> Tensor:
        """`pieces`, which gives those of some frames of `stft`, of all of them: [batch, frames, n_fft]."""
        whole = stft.real.new_empty(*stft.shape[:2], self.n_fft)
        edges = [round(part * stft.shape[1] / PARTS) for part in range(PARTS + 1)]

        def fill(frames: slice) -> None:
            whole[:, frames] = pieces(frames)

        together([functools.partial(fill, slice(*pair)) for pair in itertools.pairwise(sorted(set(edges)))])
        return whole

    def to_specgram(self, stft: Tensor) -> Tensor:
        """complex [batch, frames, bins] -> specgram [batch, 2, frames, bins]."""
        raise NotImplementedError

    def from_specgram(self, specgram: Tensor) -> Tensor:
        """specgram [batch, 2, frames, bins] -> complex [batch, frames, bins]."""
        raise NotImplementedError

    def _overlap_add(self, frames: Tensor) -> Tensor:
        """[batch, frames, n_fft] -> [batch, padded_samples]."""
        batch, count, _ = frames.shape
        parts = self.n_fft // self.hop
        blocks = frames.reshape(batch, count, parts, self.hop)
        out = frames.new_empty(batch, count + parts - 1, self.hop)
        out[:, :count], out[:, count:] = blocks[:, :, 0], 0
        for part in range(1, parts):
            out[:, part : part + count] += blocks[:, :, part]
        return out.reshape(batch, -1)

    def _window(self, like: Tensor) -> Tensor:
        return _hann(self.n_fft, like.dtype, like.device)

    def encode(self, wave: Tensor) -> Tensor:
        """wave float [batch, samples] -> specgram [batch, 2, frames, bins]."""
        return self.to_specgram(self.stft(wave))

    def decode(self, specgram: Tensor, griffin_lim_steps: int = 0) -> Tensor:
        """specgram -> wave [batch, samples], see `invert`."""
        return self.invert(self.from_specgram(specgram), griffin_lim_steps)

    def invert(self, stft: Tensor, griffin_lim_steps: int = 0) -> Tensor:
        """complex [batch, frames, bins] -> wave [batch, samples].

        Each Griffin-Lim step (Griffin & Lim 1984) moves the phases closer to ones that a real wave can have and keeps
        the magnitudes.
        """
        wave = self.istft(stft)
        if griffin_lim_steps:
            magnitude = functional.pad(modulus(stft), (1, 0))
            for _ in range(griffin_lim_steps):
                closer = functools.partial(self._closer, magnitude, self._padded(wave))
                wave = self._joined(self._in_parts(stft, closer))
        return wave

    def _closer(self, magnitude: Tensor, padded: Tensor, frames: slice) -> Tensor:
        """The pieces of some `frames` with the phases that the padded wave has and their `magnitude`."""
        there = padded[:, frames.start * self.hop : (frames.stop - 1) * self.hop + self.n_fft]
        consistent = self._transformed(there)
        return self._pieces(consistent * (magnitude[:, frames] / modulus(consistent).clamp_min(1e-8)))


@functools.lru_cache(maxsize=8)
def _hann(size: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    with torch.inference_mode(False):  # gradients may be asked for later
        return torch.hann_window(size, periodic=True, dtype=dtype, device=device)


@dataclass(frozen=True)
class SpecgramSpec(Representation):
    """The constants of the studio's specgrams; a model's card carries them.

    sample_rate: Hz. samples: length of a note. n_fft, hop: samples; the window is a periodic Hann of n_fft.
    pad_front, pad_back: zeros around the note, so that every sample lies under as many windows as its neighbours.
    log_magnitude_low, log_magnitude_high: nepers (ln of the STFT magnitude) that become -1 and 1.
    """

    griffin_lim_steps = 2
    sample_rate: int
    samples: int
    n_fft: int
    hop: int
    pad_front: int
    pad_back: int
    log_magnitude_low: float
    log_magnitude_high: float

    def to_json(self) -> dict[str, Any]:
        return asdict(self)

    def _synthesis_window(self, like: Tensor) -> Tensor:
        return self._window(like)

    def _joined(self, pieces: Tensor) -> Tensor:
        """The wave whose STFT is nearest (Griffin & Lim 1984)."""
        wave = self._overlap_add(pieces) * _evening(self, pieces.shape[1], pieces.dtype, pieces.device)
        return wave[:, self.pad_front : wave.shape[1] - self.pad_back]

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


@functools.lru_cache(maxsize=8)
def _evening(spec: SpecgramSpec, frames: int, dtype: torch.dtype, device: torch.device) -> Tensor:
    """What a wave of pieces is multiplied with so that each sample has the same weight: [samples, with padding]."""
    with torch.inference_mode(False):
        window = _hann(spec.n_fft, dtype, device).square().expand(1, frames, -1)
        return 1 / spec._overlap_add(window)[0].clamp_min(1e-8)


@dataclass(frozen=True)
class MelSpecgramSpec(Representation):
    """The constants of Magenta's specgrams (magenta/models/gansynth/lib/specgrams_helper.py, spectral_ops.py), whose
    every peculiarity a model has learned.

    Channel 0 is the log of mel *power*, channel 1 the instantaneous frequency of phases that were carried over to the
    mel scale by the same matrix. All the padding is in front, and the last n_fft - hop samples of a note fall
    to silence, because no further frame helps to carry them.

    sample_rate: Hz. samples: length of a note. n_fft, hop: samples; the window is a periodic Hann of n_fft.
    pad_front: zeros before the note. normalizer: one row (magnitude a, b, frequency a, b), or one for each mel bin;
    a specgram holds a * x + b.
    """

    griffin_lim_steps = 0  # the original does none
    kind: ClassVar[str] = "mel"  # tells the two apart in a card
    sample_rate: int
    samples: int
    n_fft: int
    hop: int
    pad_front: int
    normalizer: tuple[tuple[float, float, float, float], ...]

    def __post_init__(self) -> None:
        super().__post_init__()
        rows = np.array(self.normalizer, dtype=np.float64)
        if rows.shape not in ((1, 4), (self.bins, 4)) or not np.isfinite(rows).all() or (rows[:, ::2] == 0).any():
            raise ModelError(f"The specgram's normalizer must be 1 or {self.bins} rows of four numbers, a not 0.")

    @property
    def pad_back(self) -> int:  # type: ignore[override]  # always the same, and so no field
        return 0

    @property
    def bins_hz(self) -> NDArray[np.float64]:
        """The centres of the matrix's bands, which are its own (see `_linear_to_mel`); an empty band is at 0."""
        matrix = _linear_to_mel(self.bins, self.sample_rate)
        hz = np.arange(1, self.bins + 1) * self.bin_hz
        centres: NDArray[np.float64] = (hz @ matrix) / np.maximum(matrix.sum(axis=0), 1e-9)
        return centres

    def to_json(self) -> dict[str, Any]:
        return {"kind": self.kind} | asdict(self)

    def _synthesis_window(self, like: Tensor) -> Tensor:
        window = self._window(like)
        return window / (window.square().sum() / self.hop)  # Hann / 1.5: neighbouring pieces add up to 1

    def _joined(self, pieces: Tensor) -> Tensor:
        return self._overlap_add(pieces)[:, self.pad_front :]

    def normalize(self, mel: Tensor) -> Tensor:
        """Log mel power (nepers) and instantaneous frequency [batch, 2, frames, bins] -> specgram of the same shape."""
        scale, offset = self._constants(mel)
        return mel * scale + offset

    def denormalize(self, specgram: Tensor) -> Tensor:
        """Inverse of `normalize`."""
        scale, offset = self._constants(specgram)
        return (specgram - offset) / scale

    def _constants(self, like: Tensor) -> tuple[Tensor, Tensor]:
        rows = torch.tensor(self.normalizer, dtype=like.dtype, device=like.device)  # [1 or bins, 4]
        return rows[:, 0::2].T[:, None], rows[:, 1::2].T[:, None]

    def encode(self, wave: Tensor) -> Tensor:
        """wave float [batch, samples] -> specgram [batch, 2, frames, bins]; computed in float64, because running sums
        of phases lose what an advance is read from."""
        return super().encode(wave.double()).to(wave.dtype)

    def to_specgram(self, stft: Tensor) -> Tensor:
        """complex [batch, frames, bins] -> specgram [batch, 2, frames, bins]."""
        to_mel = torch.from_numpy(_linear_to_mel(self.bins, self.sample_rate)).to(stft.real)
        power = (stft.abs() + _MEL_FLOOR).square() @ to_mel
        phases = phase(_unwrapped_advance(phase(_unwrapped_advance(stft.angle())) @ to_mel))
        return self.normalize(torch.stack([(power + _MEL_FLOOR).log(), _unwrapped_advance(phases)], dim=1))

    def from_specgram(self, specgram: Tensor) -> Tensor:
        """specgram [batch, 2, frames, bins] -> complex [batch, frames, bins]."""
        mel = self.denormalize(specgram)
        magnitude = (self._to_linear(mel[:, 0].exp()) + _MEL_FLOOR).sqrt()
        return torch.polar(magnitude, self._to_linear(phase(mel[:, 1])))

    def _to_linear(self, mel: Tensor) -> Tensor:
        """The product with the matrix from mel to linear frequencies, in whose columns no more than two numbers
        differ from zero: [..., mel bins] -> [..., bins]."""
        places, weights = _mel_to_linear(self.bins, self.sample_rate)
        parts = zip(torch.from_numpy(places).to(mel.device), torch.from_numpy(weights).to(mel), strict=True)
        linear: Tensor = sum(mel.index_select(-1, place) * weight for place, weight in parts)
        return linear


_MEL_FLOOR = 1e-6


def _unwrapped_advance(phases: Tensor) -> Tensor:
    """Instantaneous frequency as Magenta writes it: half a turn keeps the sign of its step."""
    advance = instantaneous_frequency(phases)
    rising = torch.diff(phases, dim=-2, prepend=torch.zeros_like(phases[..., :1, :])) > 0
    return torch.where((advance == -1) & rising, torch.ones_like(advance), advance)


def _hz_to_mel(hz: float) -> float:
    return 1127.0 * float(np.log(1.0 + hz / 700.0))


def _mel_to_hz(mel: NDArray[np.float64]) -> NDArray[np.float64]:
    return 700.0 * (np.exp(mel / 1127.0) - 1.0)


@functools.lru_cache(maxsize=4)
def _linear_to_mel(bins: int, sample_rate: int) -> NDArray[np.float32]:
    """Triangles that carry linear to mel frequencies, float32 [bins, mel bins], as Magenta's models know them.

    Magenta's spectral_ops.linear_to_mel_weight_matrix widens bands narrower than 1.5 bins in place, in views of one
    array: each widening moves the edges and centres of the bands beside it, and so must this one. Its frequencies are
    also one bin off, those of bins 0 .. bins - 1 of an FFT with `bins` places, and the first is cut off.
    """
    hz = np.linspace(0.0, sample_rate / 2, bins)[1:, None]
    edges = np.linspace(_hz_to_mel(0.0), _hz_to_mel(sample_rate / 2), bins + 2)
    narrowest_hz = 1.5 * sample_rate / 2 / bins
    lower, centre, upper = edges[:-2], edges[1:-1], edges[2:]  # views on purpose: see above
    for band in range(bins):
        if _mel_to_hz(upper[band]) - _mel_to_hz(lower[band]) < narrowest_hz:
            half = 0.5 * narrowest_hz / (_mel_to_hz(centre[band]) + 700.0)
            half = 1127.0 * np.log(half + np.sqrt(1.0 + half**2))
            lower[band] = centre[band] - half
            upper[band] = centre[band] + half
    lower, centre, upper = (_mel_to_hz(edge)[None] for edge in (lower, centre, upper))
    triangles = np.maximum(0.0, np.minimum((hz - lower) / (centre - lower), (upper - hz) / (upper - centre)))
    return np.pad(triangles, [(1, 0), (0, 0)]).astype(np.float32)


@functools.lru_cache(maxsize=4)
def _mel_to_linear(bins: int, sample_rate: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Magenta's approximate inverse of `_linear_to_mel`, M^T diag(1 / column sums of M M^T), by its non-zero numbers:
    for each linear bin the mel bins it takes from and how much of each, both [most of them, bins]."""
    matrix = _linear_to_mel(bins, sample_rate)
    sums = (matrix @ matrix.T).sum(axis=0)
    inverse = matrix.T * np.divide(1.0, sums, out=sums.copy(), where=np.abs(sums) > 1e-8)
    most = int((inverse != 0).sum(axis=0).max())
    places = np.argsort(inverse == 0, axis=0, kind="stable")[:most]
    return places, np.take_along_axis(inverse, places, axis=0)


def representation_from_json(document: dict[str, Any]) -> Representation:
    """Inverse of `to_json`, of either kind; documents without a kind are the studio's. Raises ModelError, or TypeError
    where constants are missing or unknown."""
    kind = document.get("kind")
    if kind is None:
        return SpecgramSpec(**document)
    if kind != MelSpecgramSpec.kind:
        raise ModelError(f"This version has no specgrams of the kind '{kind}'.")
    constants = {name: value for name, value in document.items() if name != "kind"}
    return MelSpecgramSpec(**constants | {"normalizer": tuple(tuple(row) for row in constants["normalizer"])})


def modulus(z: Tensor) -> Tensor:
    """|z| of complex numbers whose squares stay in range: on a CPU, five times as fast as torch.abs."""
    return (z * z.conj()).real.sqrt()


def instantaneous_frequency(phases: Tensor) -> Tensor:
    """Phases in radians [..., frames, bins] -> advance per frame / pi in [-1, 1); frame 0 keeps its phase / pi."""
    advance = torch.diff(phases, dim=-2, prepend=torch.zeros_like(phases[..., :1, :])) / math.pi
    return torch.remainder(advance + 1, 2) - 1


def phase(frequency: Tensor) -> Tensor:
    """Inverse of `instantaneous_frequency`: phases in radians [..., frames, bins], unwrapped."""
    return torch.cumsum(frequency, dim=-2) * math.pi
