"""Quality checks: a note of a pack must sound, be whole, undistorted, in tune, and not be there already.

Bells, drums and organs with a 16-foot stop do not sound at their key, and rightly so. A note counts as off its pitch
only if it is clearly periodic, at a period other than its key's or a fraction of that.
"""

import numpy as np
from numpy.typing import NDArray

from gansynth_core.pitches import pitch_hz
from gansynth_core.sound import SILENCE_PEAK

Fingerprint = NDArray[np.uint8]

SHORTEST_SECONDS = 0.05
FLAT_SAMPLES = 3  # this many in a row at the very peak: the wave was clipped
TAIL_BELOW_DB = 60.0  # from where a note stays this far below its peak, it is silence

TUNE_SECONDS = (0.3, 0.65)  # the part of a note whose periods are compared
PERIODIC = 0.93  # correlation of a part with itself a period later; below that there is no clear pitch
IN_TUNE_CENTS = 50.0
LAGS = (0.55, 1.85)  # in periods of the key; octaves above and below are not looked for

# A fingerprint is the level in dB of 24 bands in each of 16 equal parts of a note, in steps of a quarter dB.
PARTS, BANDS, LOWEST_HZ, FLOOR_DB, STEPS_A_DB = 16, 24, 40.0, 60.0, 4
# Mean difference. Seeds of one instrument of the studio voice differ by 0.8 to 20 dB (applause by 0.2 to 1.2), the
# eighths of a morph from violin to flute by 1 to 3.6 dB, its hundredths by 0.1.
ALIKE_DB = 0.3


def fault(wave: NDArray[np.float32], sample_rate: int, pitch: float) -> str | None:
    """Why `wave` float32 [n], as the model made it at the MIDI `pitch`, fails, in a few words; None if it passes."""
    if not np.isfinite(wave).all():
        return "not a number"
    levels = np.abs(wave)
    peak = levels.max(initial=0.0)
    if peak < SILENCE_PEAK:
        return "silent"
    top = np.concatenate([[0], (levels == peak).astype(np.int8), [0]])
    edges = np.flatnonzero(np.diff(top))
    if (edges[1::2] - edges[::2]).max() >= FLAT_SAMPLES:
        return "clipped"
    if sounding(wave) < SHORTEST_SECONDS * sample_rate:
        return "shorter than 0.05 s"
    if off_pitch(wave, sample_rate, pitch):
        return "off its pitch"
    return None


def off_pitch(wave: NDArray[np.float32], sample_rate: int, pitch: float) -> bool:
    """Whether `wave` float32 [n] clearly has a pitch other than the MIDI `pitch`; octaves off are fine."""
    period = sample_rate / pitch_hz(pitch)
    first, last = (round(seconds * sample_rate) for seconds in TUNE_SECONDS)
    part = wave[first:last].astype(np.float64)
    low, high = int(LAGS[0] * period), int(LAGS[1] * period) + 2
    if len(part) < 3 * high or np.abs(part).max() < SILENCE_PEAK:
        return False
    part = part - part.mean()
    room = 1 << int(np.ceil(np.log2(2 * len(part))))
    products = np.fft.irfft(np.abs(np.fft.rfft(part, room)) ** 2, room)[: high + 1]
    sums = np.concatenate([[0.0], np.cumsum(np.square(part))])
    lags = np.arange(high + 1)
    energy = np.sqrt(sums[len(part) - lags] * (sums[-1] - sums[lags]))
    alike = products / np.maximum(energy, 1e-12)
    if alike[low:].max() < PERIODIC:
        return False
    peaks = [lag for lag in range(max(low, 1), high) if alike[lag - 1] <= alike[lag] > alike[lag + 1]]
    strong = [lag + _summit(*alike[lag - 1 : lag + 2]) for lag in peaks if alike[lag] > alike[low:].max() - 0.03]
    return bool(strong) and all(abs(1200 * np.log2(lag / period)) > IN_TUNE_CENTS for lag in strong)


def _summit(before: float, at: float, after: float) -> float:
    """Where the parabola through three neighbours peaks, in steps from the middle one."""
    return 0.5 * (before - after) / min(before - 2 * at + after, -1e-12)


def sounding(wave: NDArray[np.float32]) -> int:
    """Length of `wave` [n] without the silence at its end, in samples."""
    levels = np.abs(wave)
    heard = np.flatnonzero(levels > levels.max(initial=0.0) * 10 ** (-TAIL_BELOW_DB / 20))
    return int(heard[-1]) + 1 if len(heard) else 0


def fingerprint(wave: NDArray[np.float32], sample_rate: int) -> Fingerprint:
    """uint8 [16, 24]: how far each part and band is below the loudest, up to 60 dB, in steps of a quarter dB."""
    length = len(wave) // PARTS
    power = np.abs(np.fft.rfft(wave[: PARTS * length].reshape(PARTS, length) * np.hanning(length))) ** 2
    edges = np.geomspace(LOWEST_HZ, sample_rate / 2, BANDS + 1) * length / sample_rate
    total = np.concatenate([np.zeros((PARTS, 1)), np.cumsum(power, axis=1)], axis=1)
    bands = np.diff(total[:, np.clip(edges.round().astype(int), 0, power.shape[1])], axis=1)
    loudest = max(bands.max(), 1e-20)  # so that silence has a fingerprint too
    below = 10 * np.log10(loudest / np.maximum(bands, loudest * 10 ** (-FLOOR_DB / 10)))
    steps: Fingerprint = np.round(below * STEPS_A_DB).astype(np.uint8)
    return steps


def difference_db(a: Fingerprint, b: Fingerprint) -> float:
    """Mean difference of two fingerprints where at least one of them sounds."""
    sounds = np.minimum(a, b) < FLOOR_DB * STEPS_A_DB
    return float(np.abs(a.astype(int) - b)[sounds].sum() / max(1, sounds.sum()) / STEPS_A_DB)


class Heard:
    """The notes of a pack so far, to recognise one that is there already."""

    def __init__(self) -> None:
        self._names: dict[int, list[str]] = {}
        self._prints: dict[int, Fingerprint] = {}  # pitch -> uint8 [room, 16, 24]
        self._means: dict[int, NDArray[np.float32]] = {}  # pitch -> float32 [room, 24], means over parts

    def add(self, name: str, pitch: int, print_: Fingerprint) -> None:
        """Remember a note of the sound `name` by its fingerprint."""
        names = self._names.setdefault(pitch, [])
        if pitch not in self._prints:
            self._prints[pitch] = np.zeros((8, PARTS, BANDS), np.uint8)
            self._means[pitch] = np.zeros((8, BANDS), np.float32)
        if len(names) == len(self._prints[pitch]):
            for table in (self._prints, self._means):
                table[pitch] = np.concatenate([table[pitch], np.zeros_like(table[pitch])])
        self._prints[pitch][len(names)] = print_
        self._means[pitch][len(names)] = print_.mean(axis=0)
        names.append(name)

    def twin(self, pitch: int, print_: Fingerprint) -> str | None:
        """The sound whose note of the same pitch is within 0.3 dB of this one, on average; None if there is none."""
        names = self._names.get(pitch, [])
        if not names:
            return None
        limit = ALIKE_DB * STEPS_A_DB
        # The difference of means never exceeds the mean difference, so this rules out nearly all at once.
        near = np.abs(self._means[pitch][: len(names)] - print_.mean(axis=0, dtype=np.float32)).mean(axis=1) <= limit
        for row in np.flatnonzero(near).tolist():
            if difference_db(self._prints[pitch][row], print_) <= ALIKE_DB:
                return names[row]
        return None
