"""What an ear objects to at once: an attack that is heard before it comes, clicks, uneven levels."""

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gansynth_core.sound import SILENCE_PEAK

BLOCK_SECONDS = 0.002
ONSET_SECONDS = 0.02  # of sound before and after an onset, which are compared
ONSET_WITHIN_SECONDS = 1.5
FULL_DB = -12.0  # relative to the note's loudest sound; after an onset it is at least this loud
LOWEST_DB = -60.0  # anything softer before an onset is silence
SHARP_DB = -30.0  # the sound before the onset of a sharp attack is at most this loud relative to what comes after
CLICK_DB = -40.0  # a higher jump at the start or end, relative to the note's peak, is heard as a click


@dataclass(frozen=True)
class SoundCheck:
    """pre_echo_db: see `pre_echo_db`. start_db, end_db: the jumps from silence to the note's first sample, and from its
    last one back, relative to its peak."""

    pre_echo_db: float
    start_db: float
    end_db: float


def check(samples: npt.NDArray[Any], rate: int) -> SoundCheck:
    """Check one note, `samples` float [n] at `rate` Hz. Silence has no faults: -60 dB before its onset, no jumps."""
    peak = float(np.abs(samples).max(initial=0.0))
    if peak < SILENCE_PEAK:
        return SoundCheck(LOWEST_DB, LOWEST_DB, LOWEST_DB)
    start, end = (_db(abs(float(samples[place])) / peak) for place in (0, -1))
    return SoundCheck(pre_echo_db(samples, rate), start, end)


def pre_echo_db(samples: npt.NDArray[Any], rate: int) -> float:
    """How loud the 20 ms before a note's onset are relative to the 20 ms after it: dB from -60 (silence) to 0.

    The onset is where this is least, in the first 1.5 s, of the places after which the note is nearly as loud as it
    gets (within 12 dB of its loudest 20 ms). Before the note's first sample there is silence. A slow swell has a high
    value by nature: compare with the real note, and where that is sharp (-30 dB or less).
    """
    size = max(1, round(BLOCK_SECONDS * rate))
    blocks = np.square(np.asarray(samples, np.float64)[: len(samples) // size * size]).reshape(-1, size).mean(axis=1)
    width = round(ONSET_SECONDS / BLOCK_SECONDS)
    energy = np.cumsum(np.concatenate([np.zeros(width + 1), blocks]))
    around = (energy[width:] - energy[:-width]) / width  # mean of the blocks up to each place
    loudest = around.max(initial=0.0)
    if loudest <= 0:
        return LOWEST_DB
    places = min(len(around) - width, round(ONSET_WITHIN_SECONDS / BLOCK_SECONDS))
    before, after = around[:places], around[width : width + places]
    full = after >= loudest * 10 ** (FULL_DB / 10)
    ratio = 10 * np.log10(np.maximum(before, loudest * 10 ** (LOWEST_DB / 10)) / np.maximum(after, 1e-20))
    return float(np.clip(ratio[full].min(initial=0.0), LOWEST_DB, 0.0))


def spread_lufs(loudness: npt.NDArray[Any], instruments: list[str]) -> dict[str, float | None]:
    """How unevenly loud notes are, by `loudness` LUFS [n]: standard deviation in dB of all, of the instruments' means,
    and (root mean square over the instruments) of the keys of one."""
    names = np.array(instruments)
    groups = [loudness[names == name] for name in dict.fromkeys(instruments)]
    inner = [float(np.var(group, ddof=1)) for group in groups if len(group) > 1]
    return {
        "all": round(float(np.std(loudness)), 2),
        "instruments": round(float(np.std([group.mean() for group in groups])), 2),
        "keys": round(math.sqrt(float(np.mean(inner))), 2) if inner else None,
    }


def _db(ratio: float) -> float:
    return max(LOWEST_DB, 20 * math.log10(max(ratio, 1e-6)))
