"""What a note must pass to go into a pack unasked: it is a sound, whole, undistorted, and not there twice.

Pitch is not judged: bells, drums and organs with a 16-foot stop rightly sound elsewhere than at their key, and the only
good judge of pitch here is the one of `evaluate`.
"""

from collections.abc import Sequence

import numpy as np

SILENT_PEAK = 1e-3  # -60 dBFS
SHORTEST_SECONDS = 0.05
FLAT_SAMPLES = 3  # that many at the very peak in a row are a wave that was cut off
TAIL_BELOW_DB = 60.0  # what stays this far below a note's peak until its end is silence

# A fingerprint is the level in dB of 24 bands in each of 16 equal parts of a note, in steps of a quarter dB.
PARTS, BANDS, LOWEST_HZ, FLOOR_DB, STEPS_A_DB = 16, 24, 40.0, 60.0, 4
# Mean difference. Seeds of one instrument of the studio voice differ by 0.8 to 20 dB (applause by 0.2 to 1.2), the
# eighths of a morph from violin to flute by 1 to 3.6 dB, its hundredths by 0.1.
ALIKE_DB = 0.3


def fault(wave: np.ndarray, sample_rate: int) -> str | None:
    """Why `wave` float32 [n], as the model made it, is no good, in a few words; None if it is."""
    if not np.isfinite(wave).all():
        return "not a number"
    levels = np.abs(wave)
    peak = levels.max(initial=0.0)
    if peak < SILENT_PEAK:
        return "silent"
    top = np.concatenate([[0], (levels == peak).astype(np.int8), [0]])
    edges = np.flatnonzero(np.diff(top))
    if (edges[1::2] - edges[::2]).max() >= FLAT_SAMPLES:
        return "clipped"
    if sounding(wave) < SHORTEST_SECONDS * sample_rate:
        return "shorter than 0.05 s"
    return None


def sounding(wave: np.ndarray) -> int:
    """Samples up to the last that is not silence beside the peak of `wave` [n]."""
    levels = np.abs(wave)
    heard = np.flatnonzero(levels > levels.max(initial=0.0) * 10 ** (-TAIL_BELOW_DB / 20))
    return int(heard[-1]) + 1 if len(heard) else 0


def fingerprint(wave: np.ndarray, sample_rate: int) -> np.ndarray:
    """uint8 [16, 24]: the level of each part and band below the loudest of them, at most 60 dB; a quarter dB a step."""
    length = len(wave) // PARTS
    power = np.abs(np.fft.rfft(wave[: PARTS * length].reshape(PARTS, length) * np.hanning(length))) ** 2
    edges = np.geomspace(LOWEST_HZ, sample_rate / 2, BANDS + 1) * length / sample_rate
    total = np.concatenate([np.zeros((PARTS, 1)), np.cumsum(power, axis=1)], axis=1)
    bands = np.diff(total[:, np.clip(edges.round().astype(int), 0, power.shape[1])], axis=1)
    loudest = max(bands.max(), 1e-20)  # of silence, so that it has a fingerprint too
    below = 10 * np.log10(loudest / np.maximum(bands, loudest * 10 ** (-FLOOR_DB / 10)))
    return np.round(below * STEPS_A_DB).astype(np.uint8)


def difference_db(a: np.ndarray, b: np.ndarray) -> float:
    """Mean difference of two fingerprints where at least one of them sounds."""
    sounds = np.minimum(a, b) < FLOOR_DB * STEPS_A_DB
    return float(np.abs(a.astype(int) - b)[sounds].sum() / max(1, sounds.sum()) / STEPS_A_DB)


class Heard:
    """The notes of a pack so far, to find one that is there already."""

    def __init__(self) -> None:
        self._names: dict[int, list[str]] = {}
        self._prints: dict[int, np.ndarray] = {}  # pitch -> uint8 [room, 16, 24]
        self._means: dict[int, np.ndarray] = {}  # pitch -> float32 [room, 24], the prints' means over the parts

    def add(self, name: str, pitch: int, print_: np.ndarray) -> None:
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

    def twin(self, pitch: int, print_: np.ndarray) -> str | None:
        """The sound whose note of the same pitch is within 0.3 dB of this one, on average; None if there is none."""
        names: Sequence[str] = self._names.get(pitch, ())
        if not names:
            return None
        limit = ALIKE_DB * STEPS_A_DB
        # The difference of the means is never more than the mean difference, so it rules out nearly all at once.
        near = np.abs(self._means[pitch][: len(names)] - print_.mean(axis=0, dtype=np.float32)).mean(axis=1) <= limit
        for row in np.flatnonzero(near):
            if difference_db(self._prints[pitch][row], print_) <= ALIKE_DB:
                return names[row]
        return None
