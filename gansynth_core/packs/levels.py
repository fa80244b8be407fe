"""How loud the notes of a pack are: peaks at -1 dBFS, or -12 LUFS if peaks allow."""

from collections.abc import Sequence

import numpy as np

from gansynth_core.sound import SILENCE_PEAK

PEAK = 10 ** (-1 / 20)  # -1 dBFS
LOUDNESS_LUFS = -12.0
QUIETEST_LUFS = -70.0  # the gate of BS.1770; nothing below it is measured


def loudness_lufs(wave: np.ndarray, sample_rate: int) -> float:
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


def gains(peaks: Sequence[float], loudness: Sequence[float] | None, level: str) -> list[float]:
    """The gain of each note of a sound, from the `peaks` of their samples and, if loudness counts, their `loudness` in
    LUFS; 1 for silence.

    By peaks alone: -1 dBFS. By loudness: -12 LUFS, or less where peaks would pass -1 dBFS (nothing is compressed).
    level "note": each by itself; "sound": one gain for all, by the highest peak and the mean loudness, so that they
    keep their balance.
    """
    tops = np.array(peaks, np.float64)
    heard = tops >= SILENCE_PEAK
    if not heard.any():
        return [1.0] * len(tops)
    found = PEAK / np.maximum(tops, SILENCE_PEAK)
    if level == "sound":
        found[:] = found[heard].min()
    if loudness is not None:
        loud = np.array(loudness, np.float64)
        if level == "sound":
            loud[:] = 10 * np.log10(np.mean(10 ** (loud[heard] / 10)))
        found = np.minimum(found, 10 ** ((LOUDNESS_LUFS - loud) / 20))
    return [float(gain) for gain in np.where(heard, found, 1.0)]
