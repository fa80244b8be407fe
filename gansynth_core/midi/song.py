"""A song as a player needs it: its parts, and which notes sound from when to when, how loud, where, at what pitch."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from gansynth_core.instruments import GM_INSTRUMENTS

DRUM_CHANNEL = 10  # General MIDI
MOST_VALUE = 127  # of velocities and controllers
DEFAULT_VOLUME, DEFAULT_EXPRESSION, PAN_MIDDLE = 100, 127, 64  # of General MIDI


@dataclass(frozen=True)
class Part:
    """The notes that one instrument plays: those of a track, channel and program.

    track: counted from 1. channel: 1-16. program: General MIDI, 0-127; 0, a piano, where the file does not say. name:
    what the file calls the track, or nothing.
    """

    track: int
    channel: int
    program: int = 0
    name: str = ""

    @property
    def drums(self) -> bool:
        """Whether its keys are drums and not pitches."""
        return self.channel == DRUM_CHANNEL

    @property
    def instrument(self) -> str:
        """The General MIDI instrument of its program; "drums" if it has none."""
        return "drums" if self.drums else GM_INSTRUMENTS[self.program]


@dataclass(frozen=True)
class SongNote:
    """start, end: seconds from the start of the song; a note ends with its key or with the pedal that holds it.
    pitch, velocity: MIDI, 0-127 and 1-127. part: index of the part that it belongs to."""

    start: float
    end: float
    pitch: int
    velocity: int
    part: int = 0


@dataclass(frozen=True, eq=False)
class Curve:
    """What moves in straight lines between points: `times` in seconds, never falling, and `values`, float64 [n] each.
    Before the first and after the last it stays."""

    times: NDArray[np.float64]
    values: NDArray[np.float64]

    @classmethod
    def constant(cls, value: float) -> "Curve":
        return cls(np.array([0.0]), np.array([value]))

    def value(self, seconds: float) -> float:
        return float(np.interp(seconds, self.times, self.values))

    def at(self, start: float, samples: int, sample_rate: int) -> NDArray[np.float64] | float:
        """The values from `start` seconds on: float64 [samples], or one number if they do not change."""
        first, last = np.searchsorted(self.times, [start, start + samples / sample_rate])
        near = self.values[max(0, first - 1) : last + 1]
        if (near == near[0]).all():
            return float(near[0])
        between: NDArray[np.float64] = np.interp(start + np.arange(samples) / sample_rate, self.times, self.values)
        return between


@dataclass(frozen=True)
class Song:
    """notes: in order of their start. parts: in order of track and channel. By channel, where the file says anything:
    levels, amplitudes from 0 to 1 by volume and expression; pans, 0 left to 1 right; tunings, semitones by which
    tuning and bends raise its keys. notices: sentences on what is not played as written."""

    notes: tuple[SongNote, ...]
    parts: tuple[Part, ...]
    levels: Mapping[int, Curve] = field(default_factory=dict)
    pans: Mapping[int, Curve] = field(default_factory=dict)
    tunings: Mapping[int, Curve] = field(default_factory=dict)
    notices: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """When the last note ends; 0 without notes."""
        return max((note.end for note in self.notes), default=0.0)

    def level(self, channel: int) -> Curve:
        return self.levels.get(channel, _LEVEL)

    def pan(self, channel: int) -> Curve:
        return self.pans.get(channel, _PAN)

    def tuning(self, channel: int) -> Curve:
        return self.tunings.get(channel, _TUNING)


def amplitude(value: int) -> float:
    """What a velocity, volume or expression of 0-127 multiplies a wave by: 40 log10(value / 127) dB, as General MIDI
    recommends (MMA, "General MIDI System Level 1 Developer Guidelines", 1998), and FluidSynth plays. Not the curve of
    packs and the page, which ends at -40 dB at velocity 1 (packs/dynamics.py): whoever wrote a song balanced its parts
    on players of this one, while a hand on keys wants to hear its softest touch. They differ by less than 3 dB from
    velocity 40 up."""
    return (value / MOST_VALUE) ** 2


def pan_place(value: int) -> float:
    """Where a pan of 0-127 is, 0 left to 1 right: 0 and 1 are both hard left, 64 is the middle (MMA, "Default Pan
    Formula", RP-036)."""
    return max(0, value - 1) / (MOST_VALUE - 1)


_LEVEL = Curve.constant(amplitude(DEFAULT_VOLUME) * amplitude(DEFAULT_EXPRESSION))
_PAN = Curve.constant(pan_place(PAN_MIDDLE))
_TUNING = Curve.constant(0.0)
