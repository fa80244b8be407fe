"""What a model's own sounds cannot say of a recording: a small correction of the spectrum that a Timbre carries.

It has a value in dB for every moment and band, in two parts that are added. The *body* stands at frequencies in Hz and
stays where it is at every pitch, as a resonance does. The *partials* stand at multiples of the pitch, half a harmonic
apart, and move with it: how loud each partial is and how deep the spectrum falls between two of them. So an imprint has
no pitch of its own, and imprints mix number by number.
"""

import base64
import binascii
import functools
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gansynth_core.errors import InputError
from gansynth_core.pitches import pitch_hz
from gansynth_core.specgram import Representation

# Of a note in seconds: an attack changes fast, what follows ever more slowly, and a key is let go after three.
MOMENTS = (0.0, 0.03, 0.06, 0.1, 0.15, 0.22, 0.3, 0.45, 0.65, 0.9, 1.25, 1.6, 2.0, 2.4, 2.8, 3.0, 3.1, 3.3, 3.6, 4.0)
BODY_BANDS = 24  # evenly spread on the ERB-rate scale (Glasberg & Moore 1990) over what is heard of a note
BODY_LOW_HZ, BODY_HIGH_HZ = 30.0, 12_000.0
PARTIALS = 32  # those that have values of their own; the ones above share those of the last
BANDS = BODY_BANDS + 2 * PARTIALS
SIZE = len(MOMENTS) * BANDS
STEP_DB = 0.25
LIMIT_DB = 127 * STEP_DB  # either way

Grid = NDArray[np.float32]


@dataclass(frozen=True)
class Imprint:
    """values: signed bytes, MOMENTS x BANDS (the body's, then the partials'), in steps of STEP_DB. Raises InputError
    for another number of them."""

    values: bytes

    def __post_init__(self) -> None:
        if not isinstance(self.values, bytes) or len(self.values) != SIZE:
            raise InputError(f"An imprint holds {SIZE} bytes.")

    @classmethod
    def of(cls, grid: NDArray[np.floating]) -> "Imprint | None":
        """The imprint of values in dB, float [MOMENTS, BANDS], rounded and kept within LIMIT_DB; None if all are 0."""
        steps = np.clip(np.round(np.asarray(grid, np.float64) / STEP_DB), -127, 127).astype(np.int8)
        return cls(steps.tobytes()) if steps.any() else None

    @property
    def grid(self) -> Grid:
        """Its values in dB, float32 [MOMENTS, BANDS]."""
        steps = np.frombuffer(self.values, np.int8).reshape(len(MOMENTS), BANDS)
        return steps.astype(np.float32) * np.float32(STEP_DB)

    def gains(self, spec: Representation, pitch: float) -> Grid:
        """The factor of every frame and bin of a note at `pitch` (MIDI): float32 [frames, bins]."""
        decibels = moments_of(spec) @ self.grid @ bands_of(spec, pitch)
        return np.power(10, decibels / 20).astype(np.float32)

    def to_text(self) -> str:
        """The values as text, which `from_text` turns back into the same imprint."""
        return base64.urlsafe_b64encode(zlib.compress(self.values, 9)).decode().rstrip("=")

    @classmethod
    def from_text(cls, text: object) -> "Imprint":
        """Inverse of `to_text`. Raises InputError."""
        try:
            packed = base64.urlsafe_b64decode(str(text) + "=" * (-len(str(text)) % 4))
            return cls(zlib.decompressobj().decompress(packed, SIZE + 1))
        except (ValueError, binascii.Error, zlib.error) as cause:
            raise InputError("The imprint of a sound is damaged.") from cause


def mixed(imprints: Sequence[Imprint | None], weights: Sequence[float]) -> Imprint | None:
    """The weighted sum of imprints in dB; None counts as no correction."""
    grid = np.zeros((len(MOMENTS), BANDS))
    for imprint, weight in zip(imprints, weights, strict=True):
        if imprint is not None:
            grid += weight * imprint.grid
    return Imprint.of(grid)


@functools.lru_cache(maxsize=8)
def moments_of(spec: Representation) -> Grid:
    """How much each moment counts in each frame, float32 [frames, MOMENTS]; linear in between."""
    middles = (np.arange(spec.frames) * spec.hop + spec.n_fft / 2 - spec.pad_front) / spec.sample_rate
    return _hats(middles, np.array(MOMENTS))


@functools.lru_cache(maxsize=64)
def bands_of(spec: Representation, pitch: float) -> Grid:
    """How much each band counts in each bin of a note at `pitch` (MIDI), float32 [BANDS, bins]; linear in between."""
    hz = spec.bins_hz
    body = _hats(_erb_rate(hz), np.linspace(_erb_rate(BODY_LOW_HZ), _erb_rate(BODY_HIGH_HZ), BODY_BANDS))
    harmonic = hz / float(pitch_hz(pitch))
    # Above the last partial the pattern of peak and valley goes on as it was there.
    place = np.where(harmonic > PARTIALS, PARTIALS - np.abs((harmonic - PARTIALS + 0.5) % 1 - 0.5), harmonic)
    partials = _hats(place, np.arange(1, 2 * PARTIALS + 1) / 2)
    return np.ascontiguousarray(np.concatenate([body, partials], axis=1).T)


def _erb_rate(hz: "NDArray[np.float64] | float") -> "NDArray[np.float64]":
    return 21.4 * np.log10(1 + 0.00437 * np.asarray(hz, np.float64))


def _hats(places: NDArray[np.float64], knots: NDArray[np.float64]) -> Grid:
    """Weights of linear interpolation, float32 [places, knots]; constant beyond the ends."""
    weights = [np.interp(places, knots, row) for row in np.eye(len(knots))]
    return np.stack(weights, axis=1).astype(np.float32)
