"""Which keys each note of an instrument stands for."""

from collections.abc import Sequence
from itertools import pairwise
from typing import NamedTuple


class Zone(NamedTuple):
    """file: name of the WAV in the instrument's folder. root: the key it was made at; low, high: the keys it plays
    (MIDI, inclusive)."""

    file: str
    root: int
    low: int
    high: int


def key_ranges(roots: Sequence[int]) -> list[tuple[int, int]]:
    """(low, high) for each of the rising `roots`: neighbours meet halfway, and together they take the keys 0-127."""
    highs = [(root + after) // 2 for root, after in pairwise(roots)] + [127]
    lows = [0] + [high + 1 for high in highs[:-1]]
    return list(zip(lows, highs, strict=True))
