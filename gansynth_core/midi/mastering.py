"""From the mix of a song to a file's level and sample rate."""

import numpy as np
from numpy.typing import NDArray

from gansynth_core.packs.levels import PEAK, peaks_around
from gansynth_core.sound import SILENCE_PEAK, Clip

SAMPLE_RATES = (44100, 48000)  # of songs, beside the model's own
BLOCK = 2**18  # frames at a time
OVERLAP = 64  # frames: more than the filter that finds true peaks reaches

Wave = NDArray[np.float32]


def mastered(mix: Wave, own_rate: int, rate: int) -> tuple[Clip, float]:
    """The `mix` float32 [n, 2] at `rate`, its true peak at -1 dBTP, and the gain that brought it there. It is a gain
    and nothing else, so that stems of the same gain add up to the song."""
    mix = resampled(mix, own_rate, rate)
    peak = song_peak(mix)
    gain = PEAK / peak if peak > SILENCE_PEAK else 1.0
    return Clip(mix * np.float32(gain), rate), gain


def resampled(wave: Wave, own_rate: int, rate: int) -> Wave:
    """`wave` float32 [n, 2] of `own_rate` at `rate`."""
    if rate == own_rate:
        return wave
    import soxr  # here, as a song at the model's own rate does not need it

    changed: Wave = soxr.resample(wave, own_rate, rate, quality="VHQ")
    return changed


def song_peak(wave: Wave) -> float:
    """The true peak of `wave` float32 [n, channels]: of all its frames, as a song has too many that are nearly as high
    as its highest for the short way of packs."""
    highest = 0.0
    for start in range(0, len(wave), BLOCK):
        first = max(0, start - OVERLAP)
        peaks = peaks_around(wave[first : start + BLOCK + OVERLAP])
        highest = max(highest, float(peaks[start - first :][:BLOCK].max()))
    return highest
