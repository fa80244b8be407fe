"""A MIDI file as a player needs it: which notes sound, from when to when, and how loud."""

import os
from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from gansynth_core.errors import InputError
from gansynth_core.midi import smf
from gansynth_core.midi.note_offs import with_note_offs
from gansynth_core.midi.smf import Event, Score, several

DRUM_CHANNEL = 10  # General MIDI
MOST_BYTES = 5_000_000
MOST_SECONDS = 3600.0
MOST_SOUNDING_SECONDS = 500_000.0  # of all notes together: an hour of 140 voices
SMPTE_TICKS_A_SECOND = {24: 24.0, 25: 25.0, 29: 30000 / 1001, 30: 30.0}  # frames a second, by how they are written
DEFAULT_TEMPO = 500_000  # microseconds a quarter note, until the file says otherwise
DEFAULT_VOLUME, DEFAULT_EXPRESSION = 100, 127  # of General MIDI
LEVEL_RAMP_SECONDS = 0.02  # a step of volume, from one controller value to the next, would click

VOLUME, EXPRESSION, PEDAL, SOUND_OFF, RESET, NOTES_OFF = 7, 11, 64, 120, 121, 123  # controllers
DATA_HIGH, DATA_LOW, PARAMETER_LOW, PARAMETER_HIGH = 6, 38, 100, 101  # ... that set a registered parameter (RPN) ...
OTHER_PARAMETERS = (98, 99)  # ... and those that choose one that is not registered
FINE_TUNING, COARSE_TUNING, NO_PARAMETER = (0, 1), (0, 2), (127, 127)
FINE_MIDDLE, COARSE_MIDDLE = 8192, 64  # what these are without tuning: 100 cents in 8192 steps, and semitones


@dataclass(frozen=True)
class SongNote:
    """start, end: seconds from the start of the song; a note ends with its key or with the pedal that holds it.
    pitch, velocity: MIDI, 0-127 and 1-127. channel: 1-16. tuning: semitones by which the file tunes the key."""

    start: float
    end: float
    pitch: int
    velocity: int
    channel: int
    tuning: float = 0.0


@dataclass(frozen=True)
class Song:
    """notes: in order of their start. levels: by channel, the times (seconds, never falling) and amplitudes (0 to 1)
    between which its volume moves in straight lines. notices: sentences on what is not played as written."""

    notes: tuple[SongNote, ...]
    levels: dict[int, tuple[NDArray[np.float64], NDArray[np.float64]]]
    notices: tuple[str, ...] = ()

    @property
    def seconds(self) -> float:
        """When the last note ends; 0 without notes."""
        return max((note.end for note in self.notes), default=0.0)

    def level(self, channel: int, start: float, samples: int, sample_rate: int) -> NDArray[np.float64] | float:
        """Amplitude of `channel` from `start` seconds on: float64 [samples], or one number if it does not change."""
        if channel not in self.levels:
            return amplitude(DEFAULT_VOLUME) * amplitude(DEFAULT_EXPRESSION)
        times, gains = self.levels[channel]
        first, last = np.searchsorted(times, [start, start + samples / sample_rate])
        if first == last and (last == len(times) or gains[last - 1] == gains[last]):
            return float(gains[last - 1])
        between: NDArray[np.float64] = np.interp(start + np.arange(samples) / sample_rate, times, gains)
        return between


def amplitude(value: int) -> float:
    """What a velocity, volume or expression of 0-127 multiplies a wave by: 40 log10(value / 127) dB, as General MIDI
    recommends (MMA, "General MIDI System Level 1 Developer Guidelines", 1998)."""
    return (value / 127) ** 2


def read_midi(source: str | os.PathLike[str] | bytes) -> Song:
    """The song in a Standard MIDI File (type 0 or 1, or such a one in a .rmi file; at `source` or its bytes).

    All tracks and channels are played. A note-off ends the oldest of equal notes of its track, or all of them where
    the file has too few (see `with_note_offs`); the sustain pedal holds notes of its channel until it is released or
    the key is struck again. Channels and the whole may be tuned (RPN 1 and 2, master tuning), drums are not. Raises
    InputError, in one sentence, for a file that cannot be read, is damaged, of type 2, too long or too full.
    """
    name, data = _read(source)
    score = smf.read_score(name, data)
    events, missing = with_note_offs(score.events)
    song = _Reader(name)
    song.notices += score.notices
    if missing:
        song.notices.append(
            f"{several(missing, 'note')} without a note-off: stopped where the key is struck again or let go."
        )
    seconds = 0.0
    for seconds, event in _timed(name, score._replace(events=events)):
        song.take(seconds, event)
    return song.end(seconds)


def _read(source: str | os.PathLike[str] | bytes) -> tuple[str, bytes]:
    """What to call the file in error messages, and its bytes from MThd on."""
    if isinstance(source, bytes):
        name, data = "This MIDI file", source
    else:
        name = f"The MIDI file '{source}'"
        try:
            with open(Path(source), "rb") as file:
                data = file.read(MOST_BYTES + 1)
        except (OSError, ValueError) as cause:
            raise InputError(f"Cannot read '{source}': {getattr(cause, 'strerror', None) or cause}.") from cause
    if len(data) > MOST_BYTES:
        raise InputError(f"{name} is larger than {MOST_BYTES / 1e6:g} MB, the limit.")
    data = smf.unwrapped(data)
    if not data.startswith(b"MThd"):
        what = "This" if isinstance(source, bytes) else f"'{source}'"
        raise InputError(f"{what} is not a MIDI file: it does not begin with 'MThd'.")
    return name, data


def _timed(name: str, score: Score) -> Iterator[tuple[float, Event]]:
    """The events of `score`, each with its time in seconds."""
    seconds, last_tick, tempo = 0.0, 0, DEFAULT_TEMPO
    for event in score.events:
        if event.tick > last_tick:
            seconds += (event.tick - last_tick) * _tick_seconds(name, score.division, tempo)
            last_tick = event.tick
        if event.kind == smf.TEMPO:
            tempo = event.first
        yield seconds, event


def _tick_seconds(name: str, division: int, tempo: int) -> float:
    """How long a tick lasts: `division` is ticks a quarter note or, where negative, SMPTE frames and their parts."""
    if division > 0:
        return tempo / 1e6 / division
    frames, parts = -(division >> 8), division & 0xFF
    if frames not in SMPTE_TICKS_A_SECOND or parts == 0:
        raise InputError(f"{name} is damaged: its header does not say how long a tick is.")
    return 1 / (SMPTE_TICKS_A_SECOND[frames] * parts)


@dataclass
class _Held:
    start: float
    pitch: int
    velocity: int
    tuning: float


@dataclass
class _Tuning:
    fine: int = FINE_MIDDLE
    coarse: int = COARSE_MIDDLE

    @property
    def semitones(self) -> float:
        return self.coarse - COARSE_MIDDLE + (self.fine - FINE_MIDDLE) / FINE_MIDDLE


class _Reader:
    """Takes events in order of time and collects the notes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.notes: list[SongNote] = []
        self.notices: list[str] = []
        # By channel: the keys that are down by (track, pitch), the oldest first, and those that the pedal holds.
        self.keys: dict[int, dict[tuple[int, int], deque[_Held]]] = defaultdict(dict)
        self.ringing: dict[int, list[_Held]] = defaultdict(list)
        self.pedal: dict[int, bool] = defaultdict(bool)
        self.volume: dict[int, int] = defaultdict(lambda: DEFAULT_VOLUME)
        self.expression: dict[int, int] = defaultdict(lambda: DEFAULT_EXPRESSION)
        self.levels: dict[int, list[tuple[float, float]]] = {}
        self.parameter: dict[int, tuple[int, int]] = defaultdict(lambda: NO_PARAMETER)  # the RPN that data is for
        self.tuning: dict[int, _Tuning] = defaultdict(_Tuning)
        self.master = _Tuning()
        self.bends = self.retuned = 0
        self.sounding = 0.0

    def take(self, seconds: float, event: Event) -> None:
        if event.kind == smf.NOTE_ON:
            self._strike(seconds, event)
        elif event.kind == smf.NOTE_OFF:
            self._lift(seconds, event.channel, (event.track, event.first))
        elif event.kind == smf.CONTROL:
            self._control(seconds, event.channel, event.first, event.second)
        elif event.kind == smf.BEND:
            self.bends += (event.first, event.second) != (0, 64)
        elif event.kind == smf.MASTER_TUNING:
            fine, value = event.first == smf.FINE, event.second
            self._tune(self.master, "fine" if fine else "coarse", value, [*self.keys, *self.ringing])

    def _strike(self, seconds: float, event: Event) -> None:
        channel, pitch = event.channel, event.first
        for held in [held for held in self.ringing[channel] if held.pitch == pitch]:
            self.ringing[channel].remove(held)  # the same string is struck again
            self._add(held, seconds, channel)
        tuning = 0.0 if channel == DRUM_CHANNEL else self.tuning[channel].semitones + self.master.semitones
        held = _Held(seconds, pitch, event.second, tuning)
        self.keys[channel].setdefault((event.track, pitch), deque()).append(held)

    def _lift(self, seconds: float, channel: int, key: tuple[int, int]) -> None:
        if key not in self.keys[channel]:
            return
        held = self.keys[channel][key].popleft()
        if not self.keys[channel][key]:
            del self.keys[channel][key]
        if self.pedal[channel]:
            self.ringing[channel].append(held)
        else:
            self._add(held, seconds, channel)

    def _parameter(self, channel: int, control: int, value: int) -> None:
        """Of the registered parameters, the two that tune a channel."""
        high, low = self.parameter[channel]
        tuning = self.tuning[channel]
        if control == PARAMETER_HIGH:
            self.parameter[channel] = (value, low)
        elif control == PARAMETER_LOW:
            self.parameter[channel] = (high, value)
        elif control in OTHER_PARAMETERS:
            self.parameter[channel] = NO_PARAMETER
        elif (high, low) == COARSE_TUNING and control == DATA_HIGH:
            self._tune(tuning, "coarse", value, [channel])
        elif (high, low) == FINE_TUNING:
            fine = value << 7 | tuning.fine & 127 if control == DATA_HIGH else tuning.fine & ~127 | value
            self._tune(tuning, "fine", fine, [channel])

    def _tune(self, tuning: _Tuning, what: str, value: int, channels: Iterable[int]) -> None:
        """Set one of the numbers of `tuning`, which is for `channels`, from the next note on."""
        if getattr(tuning, what) != value:
            setattr(tuning, what, value)
            self.retuned += any(self.keys[channel] or self.ringing[channel] for channel in channels)

    def _control(self, seconds: float, channel: int, control: int, value: int) -> None:
        if control == PEDAL:
            self.pedal[channel] = value >= 64
            if not self.pedal[channel]:
                self._silence(seconds, channel)
        elif control == VOLUME:
            self.volume[channel] = value
            self._level(seconds, channel)
        elif control == EXPRESSION:
            self.expression[channel] = value
            self._level(seconds, channel)
        elif control in (DATA_HIGH, DATA_LOW, PARAMETER_LOW, PARAMETER_HIGH, *OTHER_PARAMETERS):
            self._parameter(channel, control, value)
        elif control == RESET:
            self.parameter[channel] = NO_PARAMETER
            self.expression[channel] = DEFAULT_EXPRESSION
            self._level(seconds, channel)
            self._control(seconds, channel, PEDAL, 0)
        elif control in (SOUND_OFF, NOTES_OFF):
            for key in list(self.keys[channel]):
                while key in self.keys[channel]:
                    self._lift(seconds, channel, key)
            if control == SOUND_OFF:
                self._silence(seconds, channel)

    def _silence(self, seconds: float, channel: int) -> None:
        for held in self.ringing.pop(channel, []):
            self._add(held, seconds, channel)

    def _level(self, seconds: float, channel: int) -> None:
        """A straight line to the new level that ends now, so that a note that begins now has it from the start."""
        gain = amplitude(self.volume[channel]) * amplitude(self.expression[channel])
        points = self.levels.setdefault(channel, [(-1.0, amplitude(DEFAULT_VOLUME) * amplitude(DEFAULT_EXPRESSION))])
        last, before = points[-1]
        if seconds > last:
            points.append((max(last, seconds - LEVEL_RAMP_SECONDS), before))
            points.append((seconds, gain))
        else:
            points[-1] = (last, gain)

    def _add(self, held: _Held, end: float, channel: int) -> None:
        if end > MOST_SECONDS:
            raise InputError(f"{self.name} is longer than {MOST_SECONDS / 60:g} minutes, the limit.")
        self.sounding += end - held.start
        if self.sounding > MOST_SOUNDING_SECONDS:
            raise InputError(
                f"The notes of {self.name[0].lower()}{self.name[1:]} add up to more than "
                f"{MOST_SOUNDING_SECONDS / 3600:.0f} hours, the limit."
            )
        self.notes.append(SongNote(held.start, end, held.pitch, held.velocity, channel, held.tuning))

    def end(self, seconds: float) -> Song:
        """The song, whose last message came at `seconds`: notes still sounding end there."""
        endless = 0
        for channel, keys in self.keys.items():
            for held in (held for queue in keys.values() for held in queue):
                endless += 1
                self._add(held, seconds, channel)
        for channel in list(self.ringing):
            self._silence(seconds, channel)
        if endless:
            self.notices.append(f"{several(endless, 'note')} without an end in the file: stopped where the file ends.")
        if self.bends:
            bends = several(self.bends, "pitch bend")
            self.notices.append(f"{bends} in the file: not played; every note keeps its pitch.")
        if self.retuned:
            changes = several(self.retuned, "change")
            self.notices.append(f"{changes} of tuning while notes sound: heard from the next note on.")
        levels = {channel: tuple(np.array(points).T) for channel, points in self.levels.items()}
        order = sorted(self.notes, key=lambda note: (note.start, note.channel, note.pitch))
        return Song(tuple(order), levels, tuple(self.notices))
