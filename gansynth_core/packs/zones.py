"""Which keys and velocities play each note of an instrument."""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from gansynth_core.sustain import Loop


@dataclass(frozen=True)
class Zone:
    """file: name of the WAV in the instrument's folder; frames: its length.

    root: the key it was made at. low, high: the keys that play it. low_velocity, high_velocity: how hard they are
    struck (all MIDI, inclusive). turn: which of `turns` takes of the same zone it is, counted from 1 (round robin).
    loop: what repeats while the key is held; None to play straight through.
    """

    file: str
    frames: int
    root: int
    low: int = 0
    high: int = 127
    low_velocity: int = 1
    high_velocity: int = 127
    turn: int = 1
    turns: int = 1
    loop: Loop | None = None


def key_ranges(roots: Sequence[int]) -> list[tuple[int, int]]:
    """(low, high) for each of the rising `roots`: neighbours meet halfway, and together they cover the keys 0-127."""
    highs = [(root + after) // 2 for root, after in pairwise(roots)] + [127]
    lows = [0] + [high + 1 for high in highs[:-1]]
    return list(zip(lows, highs, strict=True))


def velocity_ranges(layers: int) -> list[tuple[int, int]]:
    """(low, high) of each of `layers` equal parts of the velocities 1-127, the softest first."""
    edges = [round(127 * layer / layers) for layer in range(layers + 1)]
    return [(low + 1, high) for low, high in pairwise(edges)]
