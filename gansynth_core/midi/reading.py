"""MIDI files -> Song."""

import os
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from operator import itemgetter
from pathlib import Path
from typing import NamedTuple

import numpy as np

from gansynth_core.errors import InputError
from gansynth_core.midi import smf
from gansynth_core.midi.note_offs import with_note_offs
from gansynth_core.midi.smf import Event, Score, several
from gansynth_core.midi.song import (
    DEFAULT_EXPRESSION,
    DEFAULT_VOLUME,
    DRUM_CHANNEL,
    PAN_MIDDLE,
    Curve,
    Part,
    Song,
    SongNote,
    amplitude,
    pan_place,
)

MOST_BYTES = 5_000_000
MOST_SECONDS = 3600.0
MOST_SOUNDING_SECONDS = 500_000.0  # of all notes together: an hour of 140 voices
MOST_PARTS = 64
CHANNELS = range(1, 17)
SMPTE_TICKS_A_SECOND = {24: 24.0, 25: 25.0, 29: 30000 / 1001, 30: 30.0}  # frames a second, by how they are written
DEFAULT_TEMPO = 500_000  # microseconds a quarter note, until the file says otherwise
RAMP_SECONDS = 0.02  # from one value of a controller or bend to the next: steps would click

VOLUME, PAN, EXPRESSION, PEDAL, SOUND_OFF, RESET, NOTES_OFF = 7, 10, 11, 64, 120, 121, 123  # controllers
DATA_HIGH, DATA_LOW, PARAMETER_LOW, PARAMETER_HIGH = 6, 38, 100, 101  # ... that set a registered parameter (RPN) ...
OTHER_PARAMETERS = (98, 99)  # ... and those that choose one that is not registered
BEND_RANGE, FINE_TUNING, COARSE_TUNING, NO_PARAMETER = (0, 0), (0, 1), (0, 2), (127, 127)
COARSE_MIDDLE = 64  # semitones without tuning
FINE_MIDDLE = 8192  # of 14 bits: bends, and tuning by 100 cents either way
DEFAULT_BEND_RANGE = (2, 0)  # semitones and cents either way


def read_midi(source: str | os.PathLike[str] | bytes) -> Song:
    """The song in a Standard MIDI File (type 0 or 1, or such a one in a .rmi file; at `source` or its bytes).

    All tracks and channels are played, in parts by track, channel and program. A note-off ends the oldest of equal
    notes of its track, or all of them where the file has too few (see `with_note_offs`); the sustain pedal holds notes
    of its channel until it is released or the key is struck again. Channels and the whole may be tuned (RPN 1 and 2,
    master tuning) and channels bent (as far as RPN 0 says), all but drums. What is damaged is played as
    far as it is whole. Raises InputError, in one sentence, for a file that cannot be read, is too long or too full, or
    damaged before its first note.
    """
    name, data = _read(source)
    score = smf.read_score(name, data)
    events, missing = with_note_offs(score.events)
    reader = _Reader(name)
    seconds = 0.0
    for seconds, event in _timed(name, score._replace(events=events)):
        reader.take(seconds, event)
    endless = reader.stop(seconds)
    notices = list(score.notices)
    if missing:
        notices.append(
            f"{several(missing, 'note')} without a note-off: stopped where the key is struck again or let go."
        )
    if endless:
        notices.append(f"{several(endless, 'note')} without an end in the file: stopped where the file ends.")
    notes, parts = _in_parts(reader.struck, score.names)
    if len(parts) < len({struck.source for struck in reader.struck}):
        notices.append(f"More than {MOST_PARTS} parts in the file: taken together by channel.")
    channels = [channel for channel in reader.channels.values() if channel.number != DRUM_CHANNEL]
    return Song(
        notes,
        parts,
        {channel.number: channel.level.curve() for channel in reader.channels.values()},
        {channel.number: channel.place.curve() for channel in reader.channels.values()},
        {channel.number: channel.pitch.curve() for channel in channels},
        tuple(notices),
    )


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


class _Source(NamedTuple):
    """What a note belongs to. track: from 0. A kit's program is not told apart: there is one kit."""

    track: int
    channel: int
    program: int


class _Struck(NamedTuple):
    start: float
    end: float
    pitch: int
    velocity: int
    source: _Source


class _Held(NamedTuple):
    start: float
    pitch: int
    velocity: int
    source: _Source


class _Line:
    """Collects the points of a Curve, in order of time."""

    def __init__(self, value: float) -> None:
        self.points = [(-1.0, value)]

    def go(self, seconds: float, value: float) -> None:
        """A straight line to `value` that ends now, so that a note that begins now has it from the start."""
        last, before = self.points[-1]
        if seconds <= last:
            self.points[-1] = (last, value)
        elif value != before:
            self.points.append((max(last, seconds - RAMP_SECONDS), before))
            self.points.append((seconds, value))

    def curve(self) -> Curve:
        times, values = np.array(self.points).T
        return Curve(times, values)


@dataclass
class _Tuning:
    """fine: 14 bits. coarse: 7 bits."""

    fine: int = FINE_MIDDLE
    coarse: int = COARSE_MIDDLE

    @property
    def semitones(self) -> float:
        return self.coarse - COARSE_MIDDLE + (self.fine - FINE_MIDDLE) / FINE_MIDDLE


@dataclass
class _Channel:
    """The state of a channel, and what became of its level, its place and its pitch."""

    number: int
    program: int = 0
    # The keys that are down by (track, pitch), the oldest first, and those that the pedal holds, by pitch.
    keys: dict[tuple[int, int], deque[_Held]] = field(default_factory=dict)
    ringing: dict[int, list[_Held]] = field(default_factory=dict)
    pedal: bool = False
    volume: int = DEFAULT_VOLUME
    expression: int = DEFAULT_EXPRESSION
    parameter: tuple[int, int] = NO_PARAMETER  # the RPN that data is for
    bend: int = FINE_MIDDLE
    bend_range: tuple[int, int] = DEFAULT_BEND_RANGE
    tuning: _Tuning = field(default_factory=_Tuning)
    level: _Line = field(default_factory=lambda: _Line(amplitude(DEFAULT_VOLUME) * amplitude(DEFAULT_EXPRESSION)))
    place: _Line = field(default_factory=lambda: _Line(pan_place(PAN_MIDDLE)))
    pitch: _Line = field(default_factory=lambda: _Line(0.0))

    def set_level(self, seconds: float) -> None:
        self.level.go(seconds, amplitude(self.volume) * amplitude(self.expression))

    def set_pitch(self, seconds: float, master: _Tuning) -> None:
        bend = (self.bend - FINE_MIDDLE) / FINE_MIDDLE * (self.bend_range[0] + self.bend_range[1] / 100)
        self.pitch.go(seconds, master.semitones + self.tuning.semitones + bend)

    def set_parameter(self, control: int, value: int) -> None:
        """Choose a registered parameter, or set it; of these, the three that concern pitch."""
        high, low = self.parameter
        if control == PARAMETER_HIGH:
            self.parameter = (value, low)
        elif control == PARAMETER_LOW:
            self.parameter = (high, value)
        elif control in OTHER_PARAMETERS:
            self.parameter = NO_PARAMETER
        elif self.parameter == BEND_RANGE:
            semitones, cents = self.bend_range
            self.bend_range = (value, cents) if control == DATA_HIGH else (semitones, value)
        elif self.parameter == COARSE_TUNING and control == DATA_HIGH:
            self.tuning.coarse = value
        elif self.parameter == FINE_TUNING:
            fine = self.tuning.fine
            self.tuning.fine = value << 7 | fine & 127 if control == DATA_HIGH else fine & ~127 | value


class _Reader:
    """Takes events in order of time and collects the notes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.struck: list[_Struck] = []
        self.channels = {number: _Channel(number) for number in CHANNELS}
        self.master = _Tuning()
        self.sounding = 0.0

    def take(self, seconds: float, event: Event) -> None:
        if event.kind == smf.MASTER_TUNING:
            if event.first == smf.FINE:
                self.master.fine = event.second
            else:
                self.master.coarse = event.second
            for channel in self.channels.values():
                channel.set_pitch(seconds, self.master)
        if event.channel not in self.channels:
            return
        channel = self.channels[event.channel]
        if event.kind == smf.NOTE_ON:
            self._strike(seconds, channel, event)
        elif event.kind == smf.NOTE_OFF:
            self._lift(seconds, channel, (event.track, event.first))
        elif event.kind == smf.CONTROL:
            self._control(seconds, channel, event.first, event.second)
        elif event.kind == smf.PROGRAM:
            channel.program = event.first
        elif event.kind == smf.BEND:
            channel.bend = event.second << 7 | event.first
            channel.set_pitch(seconds, self.master)

    def _strike(self, seconds: float, channel: _Channel, event: Event) -> None:
        pitch = event.first
        for held in channel.ringing.pop(pitch, []):  # the same string is struck again
            self._add(held, seconds)
        program = 0 if channel.number == DRUM_CHANNEL else channel.program
        held = _Held(seconds, pitch, event.second, _Source(event.track, channel.number, program))
        channel.keys.setdefault((event.track, pitch), deque()).append(held)

    def _lift(self, seconds: float, channel: _Channel, key: tuple[int, int]) -> None:
        if key not in channel.keys:
            return
        held = channel.keys[key].popleft()
        if not channel.keys[key]:
            del channel.keys[key]
        if channel.pedal:
            channel.ringing.setdefault(held.pitch, []).append(held)
        else:
            self._add(held, seconds)

    def _control(self, seconds: float, channel: _Channel, control: int, value: int) -> None:
        if control == PEDAL:
            channel.pedal = value >= 64
            if not channel.pedal:
                self._silence(seconds, channel)
        elif control == VOLUME:
            channel.volume = value
            channel.set_level(seconds)
        elif control == EXPRESSION:
            channel.expression = value
            channel.set_level(seconds)
        elif control == PAN:
            channel.place.go(seconds, pan_place(value))
        elif control in (DATA_HIGH, DATA_LOW, PARAMETER_LOW, PARAMETER_HIGH, *OTHER_PARAMETERS):
            channel.set_parameter(control, value)
            channel.set_pitch(seconds, self.master)
        elif control == RESET:  # as MMA's RP-015 says, which leaves volume, pan and tuning as they are
            channel.parameter, channel.bend, channel.expression = NO_PARAMETER, FINE_MIDDLE, DEFAULT_EXPRESSION
            channel.set_pitch(seconds, self.master)
            channel.set_level(seconds)
            self._control(seconds, channel, PEDAL, 0)
        elif control in (SOUND_OFF, NOTES_OFF):
            for key in list(channel.keys):
                while key in channel.keys:
                    self._lift(seconds, channel, key)
            if control == SOUND_OFF:
                self._silence(seconds, channel)

    def _silence(self, seconds: float, channel: _Channel) -> None:
        for ringing in channel.ringing.values():
            for held in ringing:
                self._add(held, seconds)
        channel.ringing.clear()

    def _add(self, held: _Held, end: float) -> None:
        if end > MOST_SECONDS:
            raise InputError(f"{self.name} is longer than {MOST_SECONDS / 60:g} minutes, the limit.")
        self.sounding += end - held.start
        if self.sounding > MOST_SOUNDING_SECONDS:
            raise InputError(
                f"The notes of {self.name[0].lower()}{self.name[1:]} add up to more than "
                f"{MOST_SOUNDING_SECONDS / 3600:.0f} hours, the limit."
            )
        self.struck.append(_Struck(held.start, end, held.pitch, held.velocity, held.source))

    def stop(self, seconds: float) -> int:
        """End what still sounds at the last message, and say how many notes had no end."""
        endless = [held for channel in self.channels.values() for queue in channel.keys.values() for held in queue]
        for held in endless:
            self._add(held, seconds)
        for channel in self.channels.values():
            self._silence(seconds, channel)
        return len(endless)


def _in_parts(struck: Sequence[_Struck], names: dict[int, str]) -> tuple[tuple[SongNote, ...], tuple[Part, ...]]:
    """The notes in order, and the parts they belong to: by track, channel and program or, where these are too many, by
    channel and program, or by channel. A part takes the name of its track if that holds no other."""
    ordered = sorted(struck, key=lambda note: (note.start, note.source.channel, note.pitch))
    sources = list(dict.fromkeys(note.source for note in ordered))
    for told_apart in (itemgetter(0, 1, 2), itemgetter(1, 2), itemgetter(1)):
        groups: dict[object, list[_Source]] = {}
        for source in sources:
            groups.setdefault(told_apart(source), []).append(source)
        if len(groups) <= MOST_PARTS:
            break
    members = sorted(groups.values(), key=lambda group: (group[0].track, group[0].channel))
    tracks = [source.track for source in sources]
    parts = tuple(
        Part(
            group[0].track + 1,
            group[0].channel,
            group[0].program,
            names.get(group[0].track, "") if tracks.count(group[0].track) == 1 else "",
        )
        for group in members
    )
    number = {source: index for index, group in enumerate(members) for source in group}
    notes = tuple(SongNote(note.start, note.end, note.pitch, note.velocity, number[note.source]) for note in ordered)
    return notes, parts
