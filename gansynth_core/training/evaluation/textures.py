"""How alive a note is: what a spectral distance does not see, or even punishes. A note that is the mean of many is near
to each of them, and still.

contrast: how far peaks and valleys of the spectrum are apart within an octave, frame by frame (Jiang, Lu, Zhang, Tao &
Cai 2002, "Music type classification by spectral contrast feature", ICME): smeared partials and averaged noise have
less. modulation: how much the levels of third-octave bands swing at 2 to 20 Hz while a note is held (after Dau,
Kollmeier & Kohlrausch 1997, JASA 102, who have such a filter bank behind each of the ear's)."""

import itertools
from typing import Any

import numpy as np
import numpy.typing as npt

from gansynth_core.sound import SILENCE_PEAK

Array = npt.NDArray[Any]

LOWEST_HZ = 62.5
OCTAVES = 7  # up to 8 kHz, which every set holds
EXTREME_SHARE = 0.2  # of an octave's bins: the loudest and the softest, whose means are compared
CONTRAST_SECONDS = 0.128  # of a window: bins of 8 Hz
FLOOR_DB = -80.0  # below a note's loudest bin
SOUNDING_DB = -40.0  # frames and bands that are softer, beside the loudest, do not count
MODULATION_SECONDS, STEP_SECONDS = 0.064, 0.008  # window and step of the bands' levels
STEADY = (0.3, 0.72)  # of a note: after the attack, before the key is let go
SWINGS_HZ = (2.0, 20.0)


def contrast_db(samples: Array, sample_rate: int) -> float:
    """Spectral contrast of one note, float [n]: the mean over octaves and sounding frames in dB; 0 for silence."""
    if np.abs(samples).max(initial=0.0) < SILENCE_PEAK:
        return 0.0
    power, hz = _power(samples, sample_rate, CONTRAST_SECONDS, CONTRAST_SECONDS / 4)
    level = 10 * np.log10(np.maximum(power / power.max(), 10 ** (FLOOR_DB / 10)))
    frames = power.sum(axis=1)
    level = level[frames > frames.max() * 10 ** (SOUNDING_DB / 10)]
    found = []
    for octave in range(OCTAVES):
        low = LOWEST_HZ * 2**octave
        bins = np.sort(level[:, (hz >= low) & (hz < 2 * low)], axis=1)
        extreme = max(1, round(EXTREME_SHARE * bins.shape[1]))
        found.append(bins[:, -extreme:].mean(axis=1) - bins[:, :extreme].mean(axis=1))
    return float(np.mean(found))


def modulation_db(samples: Array, sample_rate: int) -> float:
    """How much the levels of one note's bands swing at SWINGS_HZ while it is held, float [n]: RMS in dB over the bands
    that sound, each weighted by its energy. A smooth decay is no swing. 0 for silence."""
    steady = samples[round(STEADY[0] * len(samples)) : round(STEADY[1] * len(samples))]
    if np.abs(steady).max(initial=0.0) < SILENCE_PEAK:
        return 0.0
    power, hz = _power(steady, sample_rate, MODULATION_SECONDS, STEP_SECONDS)
    edges = LOWEST_HZ * 2 ** (np.arange(3 * OCTAVES + 1) / 3)
    bands = np.stack([power[:, (hz >= low) & (hz < high)].sum(axis=1) for low, high in itertools.pairwise(edges)])
    energy = bands.mean(axis=1)
    kept = energy > energy.max() * 10 ** (SOUNDING_DB / 10)
    level = 10 * np.log10(np.maximum(bands[kept], 1e-6 * bands[kept].max(axis=1, keepdims=True)))
    time = np.linspace(-1, 1, level.shape[1])
    level = level - np.polynomial.polynomial.polyval(time, np.polynomial.polynomial.polyfit(time, level.T, 2))
    window = np.hanning(level.shape[1])
    swing = np.square(np.abs(np.fft.rfft(level * window, axis=1))) * 2 / (window**2).sum() / level.shape[1]
    frequency = np.fft.rfftfreq(level.shape[1], STEP_SECONDS)
    asked = (frequency >= SWINGS_HZ[0]) & (frequency <= SWINGS_HZ[1])
    squares = swing[:, asked].sum(axis=1)
    return float(np.sqrt((energy[kept] * squares).sum() / energy[kept].sum()))


def _power(samples: Array, sample_rate: int, window_seconds: float, step_seconds: float) -> tuple[Array, Array]:
    """Power spectra [frames, bins] and the bins' frequencies in Hz."""
    size, step = round(window_seconds * sample_rate), round(step_seconds * sample_rate)
    frames = np.lib.stride_tricks.sliding_window_view(np.asarray(samples, np.float32), size)[::step]
    spectrum = np.fft.rfft(frames * np.hanning(size + 1)[:-1].astype(np.float32), axis=1)
    return np.square(np.abs(spectrum), dtype=np.float64), np.fft.rfftfreq(size, 1 / sample_rate)
