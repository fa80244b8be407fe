"""How loud the notes of a pack are: peaks at -1 dBTP, or a loudness in LUFS with a limiter for the peaks."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gansynth_core.sound import SILENCE_PEAK
from gansynth_core.sustain import Loop, crossfaded

Wave = NDArray[np.floating[Any]]

PEAK = 10 ** (-1 / 20)  # -1 dBTP, in full scales
LOUDNESS_LUFS = -12.0
LOUDNESS_RANGE = (-36.0, -6.0)
QUIETEST_LUFS = -70.0  # the gate of BS.1770; nothing below it is measured
MOST_LIMITED_DB = 12.0  # how far peaks are brought down, at most, for a loudness; what needs more stays quieter
NEAR_LU = 0.1  # to the loudness asked for
TRIES = 6

OVERSAMPLED = 4  # as BS.1770-4, annex 2, asks for; its filter has as many taps
_TAPS = 48
PIECE, HIGHEST = 32, 192  # frames of a piece of a note, and how many of those with the highest samples are looked at
# How far the limiter looks ahead, and as long behind a peak: whole periods of a low note, which would be distorted
# otherwise. Four, as the pipes of an organ sound up to two octaves below their key.
LOOK_AHEAD_SECONDS, LOOK_AHEAD_PERIODS = 0.005, 4


def loudness_lufs(wave: Wave, sample_rate: int) -> float:
    """Integrated loudness (ITU-R BS.1770-4) of `wave` float32 [n] or [n, channels], at least -70 LUFS.

    For 0.4 s or less, too short for the standard's blocks, it is computed from the mean power.
    """
    from pyloudnorm import Meter  # here, because it loads scipy

    meter = Meter(sample_rate)
    if len(wave) > meter.block_size * sample_rate:
        loudness = meter.integrated_loudness(wave.astype(np.float64))
    else:
        power = float(np.square(wave, dtype=np.float64).mean(axis=0).sum()) if len(wave) else 0.0
        loudness = -0.691 + 10 * np.log10(power + 1e-12)
    return max(float(loudness), QUIETEST_LUFS)


def true_peak(wave: Wave) -> float:
    """The highest value of `wave` [n] or [n, channels] between its samples and at them: BS.1770-4, annex 2. It is
    looked for around the highest samples alone, as a note has thousands that are far from it."""
    tops = np.abs(wave) if wave.ndim == 1 else np.abs(wave).max(axis=1)
    if len(wave) <= 2 * HIGHEST * PIECE:
        return float(peaks_around(wave).max(initial=0.0))
    count = len(wave) // PIECE
    pieces = np.argpartition(tops[: count * PIECE].reshape(count, PIECE).max(axis=1), -HIGHEST)[-HIGHEST:]
    starts = np.clip(pieces * PIECE - _TAPS // 2, 0, len(wave) - PIECE - _TAPS)
    around = wave[starts[:, None] + np.arange(PIECE + _TAPS)[None, :]]  # [pieces, frames] or [pieces, frames, channels]
    columns = np.moveaxis(around, 1, 0).reshape(PIECE + _TAPS, -1)
    found = peaks_around(columns, apart=True)
    inner = found[_TAPS // 4 : -_TAPS // 4]  # at the edges of a piece the filter lacks samples
    return max(float(inner.max()), float(tops.max()))


def peaks_around(wave: Wave, apart: bool = False) -> NDArray[np.float32]:
    """The highest value around each frame of `wave` [n] or [n, channels], halfway to its neighbours; of all channels,
    or of each `apart`."""
    from scipy.signal import resample_poly  # here, because playing a note does not need it

    if not len(wave):
        return np.zeros(0, np.float32)
    fine = np.abs(resample_poly(wave.astype(np.float32), OVERSAMPLED, 1, window=_window(), axis=0))
    if not apart:
        fine, wave = (x if x.ndim == 1 else x.max(axis=1) for x in (fine, np.abs(wave)))
    around = fine.reshape(-1, OVERSAMPLED, *fine.shape[1:]).max(axis=1)  # from the frame itself to the next
    highest: NDArray[np.float32] = np.maximum(
        np.maximum(around, np.concatenate([around[:1], around[:-1]])), np.abs(wave)
    )
    return highest.astype(np.float32)


def limited(wave: Wave, sample_rate: int, hz: float, loop: Loop | None = None) -> Wave:
    """`wave` float32 [n] or [n, channels], a note of the fundamental `hz` with `loop`, with no true peak above -1 dBTP.

    The gain that every peak needs is held for 2.5 ms (or two periods) to both sides and then smoothed over as much, so
    it has come down when the peak arrives. Where a loop ends it becomes what it is before the loop's start.
    """
    from scipy.ndimage import minimum_filter1d  # here, because playing a note does not need it
    from scipy.signal import fftconvolve

    if true_peak(wave) <= PEAK:
        return wave
    peaks = peaks_around(wave)
    reach = max(1, round(max(LOOK_AHEAD_SECONDS, LOOK_AHEAD_PERIODS / hz) * sample_rate / 2))
    needed = np.minimum(1.0, PEAK / np.maximum(peaks, 1e-9))
    window = np.hanning(2 * reach + 3)[1:-1]
    held = np.pad(minimum_filter1d(needed, 2 * reach + 1, mode="nearest"), reach, mode="edge")
    gain = np.minimum(1.0, fftconvolve(held, window / window.sum(), "valid")).astype(np.float32)
    gain = crossfaded(gain, loop) if loop else gain
    quieter = wave * gain.reshape(-1, *[1] * (wave.ndim - 1))
    left = true_peak(quieter)  # a gain that moves bends what lies between samples a little
    result: Wave = quieter * np.float32(min(1.0, PEAK / left))
    return result


def gains(peaks: Sequence[float], level: str) -> list[float]:
    """The gain of each note of a sound that brings the true `peaks` of its notes to -1 dBTP; 1 for silence. level
    "note": each by itself; "sound": one gain for all, by the highest, so that they keep their balance."""
    tops = np.array(peaks, np.float64)
    heard = tops >= SILENCE_PEAK
    if not heard.any():
        return [1.0] * len(tops)
    found = PEAK / np.maximum(tops, SILENCE_PEAK)
    if level == "sound":
        found[:] = found[heard].min()
    return [float(gain) for gain in np.where(heard, found, 1.0)]


def goals(loudness: Sequence[float], level: str, target: float) -> list[float]:
    """What loudness each note of a sound is to have, in LUFS, from what it has. level "note": `target`; "sound": their
    mean power at `target`, so that they keep their balance."""
    loud = np.array(loudness, np.float64)
    heard = loud > QUIETEST_LUFS
    if level == "note" or not heard.any():
        return [target] * len(loud)
    mean = 10 * np.log10(np.mean(10 ** (loud[heard] / 10)))
    return [float(own - mean + target) for own in loud]


def gain_for(wave: Wave, sample_rate: int, hz: float, loudness: float, goal: float) -> float:
    """The gain after which `limited` makes `wave` as loud as `goal`, in LUFS; `loudness` is what it has. Less if peaks
    would have to come down by more than 12 dB; 1 for silence."""
    peak = true_peak(wave)
    if peak < SILENCE_PEAK or loudness <= QUIETEST_LUFS:
        return 1.0
    most = 20 * np.log10(PEAK / peak) + MOST_LIMITED_DB
    gain_db = min(goal - loudness, most)
    for _ in range(TRIES):
        if peak * 10 ** (gain_db / 20) <= PEAK:
            break
        short = goal - loudness_lufs(limited(wave * np.float32(10 ** (gain_db / 20)), sample_rate, hz), sample_rate)
        if short <= NEAR_LU or gain_db >= most:
            break
        gain_db = min(gain_db + 1.2 * short, most)  # a little more, as more is then limited too
    return float(10 ** (gain_db / 20))


def _window() -> NDArray[np.float32]:
    from scipy.signal import firwin

    taps: NDArray[np.float32] = firwin(_TAPS + 1, 1 / OVERSAMPLED, window=("kaiser", 5.0)).astype(np.float32)
    return taps
