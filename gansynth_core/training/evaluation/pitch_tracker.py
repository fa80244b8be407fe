"""What pitch a note is heard at, by a tracker that shares nothing with the model: Praat's autocorrelation method
(Boersma 1993, "Accurate short-term analysis of the fundamental frequency ...", Proc. IFA 17) as praat-parselmouth.

Chosen by trial on real held-out General MIDI notes from MIDI 24 to 84. Of the 301 that are neither percussion nor
effects, Praat heard 91 % within 25 cents of the key, alike in every octave (89 to 92 %), median error 2.3 cents, at 15
ms of CPU per note. Every other note that was checked really sounds elsewhere, at the same place for all variants of
the method: organs with a 16-foot stop an octave low, leads in fifths, the agogo. White, low-passed and decaying noise
counts as unpitched (under 3 % of its level is voiced), a muted guitar an instant long as pitched (22 %).
Praat's "very accurate" window (90 %, 79 ms) and its cross-correlation (90 %, 216 ms) are no better. On every fourth of
the notes, where Praat hears 92 %:
    CREPE (tiny network)      92 %, but median error 5.7 cents and 79 % in the lowest octave; 415 ms; wants torchaudio
    librosa's pYIN            91 %, on a grid of 10 cents; 690 ms (with a finer grid, seconds)
    WORLD's Harvest           as good on the few it was tried on; 1420 ms
praat-parselmouth is GPL-3: it is imported here only, for measuring, and nothing that plays needs it.
"""

from typing import Any, NamedTuple

import numpy as np
import numpy.typing as npt

from gansynth_core.errors import ToolError
from gansynth_core.pitches import pitch_hz

Samples = npt.NDArray[np.floating[Any]]

STEP_SECONDS = 0.02
WINDOW_SECONDS = 0.05  # over which the level beside a pitch is measured
SOUNDING = 0.1  # frames down to -20 dB below the loudest are the sounding part
PITCHED = 0.1  # least share of the sounding level that must be voiced; see the figures above
MARGIN = 3.0  # semitones searched beyond the lowest and highest pitch a set has


class Heard(NamedTuple):
    """hz: the note's pitch, NaN if it has none. voiced: share of its sounding level that has a pitch, 0 to 1."""

    hz: float
    voiced: float


def hear(samples: Samples, sample_rate: int, pitch_low: float = 24, pitch_high: float = 84) -> Heard:
    """The pitch of one note: `samples` float [n] at `sample_rate` in Hz, searched from `pitch_low` - 3 to `pitch_high`
    + 3 in MIDI. The tracker is not told what key was played.

    The whole note is judged by the median of its voiced frames' pitches, weighted by their level, over its sounding
    part: an unsteady attack or a fading tail weighs as little as it does to the ear. Raises ToolError without
    praat-parselmouth.
    """
    try:
        import parselmouth
    except ImportError as cause:
        raise ToolError(
            "Hearing pitches needs praat-parselmouth. Install it with: pip install praat-parselmouth"
        ) from cause
    if not np.any(samples):
        return Heard(float("nan"), 0.0)
    sound = parselmouth.Sound(np.asarray(samples, np.float64), sample_rate)
    track = sound.to_pitch_ac(
        time_step=STEP_SECONDS,
        pitch_floor=pitch_hz(pitch_low - MARGIN),
        pitch_ceiling=pitch_hz(pitch_high + MARGIN),
    )
    hz = track.selected_array["frequency"]
    level = _levels(np.asarray(samples, np.float64), sample_rate, track.xs())
    level[level < SOUNDING * level.max()] = 0
    voiced = (hz > 0) & (level > 0)
    share = float(level[voiced].sum() / level.sum())
    if share < PITCHED:
        return Heard(float("nan"), share)
    return Heard(_weighted_median(hz[voiced], level[voiced]), share)


def cents_off(hz: float, pitch: float) -> float:
    """How far `hz` lies above the MIDI `pitch`, in cents (A4 = 69 = 440 Hz); NaN for NaN."""
    return float(1200 * np.log2(hz / pitch_hz(pitch)))


def _levels(samples: Samples, sample_rate: int, seconds: Samples) -> Samples:
    """RMS of `samples` around each of `seconds`."""
    energy = np.concatenate([[0.0], np.cumsum(samples**2)])
    half = round(WINDOW_SECONDS * sample_rate / 2)
    centre = np.round(seconds * sample_rate).astype(int)
    first, last = (np.clip(centre + side, 0, len(samples)) for side in (-half, half))
    return np.asarray(np.sqrt((energy[last] - energy[first]) / np.maximum(last - first, 1)))


def _weighted_median(values: Samples, weights: Samples) -> float:
    order = np.argsort(values)
    total = np.cumsum(weights[order])
    return float(values[order][np.searchsorted(total, total[-1] / 2)])
