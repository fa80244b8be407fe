"""A MIDI file as a player needs it: which notes sound, from when to when, and how loud."""

import os
import re
import struct
from collections import defaultdict, deque
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gansynth_core.errors import InputError

DRUM_CHANNEL = 10  # General MIDI
MOST_BYTES = 5_000_000
MOST_SECONDS = 3600.0
MOST_NOTES = 50_000
MOST_TICKS = 10**12  # from one message to the next
MOST_SOUNDING_SECONDS = 500_000.0  # of all notes together: an hour of 140 voices
SMPTE_TICKS_A_SECOND = {24: 24.0, 25: 25.0, 29: 30000 / 1001, 30: 30.0}  # frames a second, by how they are written
DEFAULT_TEMPO = 500_000  # microseconds a quarter note, until the file says otherwise
DEFAULT_VOLUME, DEFAULT_EXPRESSION = 100, 127  # of General MIDI
LEVEL_RAMP_SECONDS = 0.02  # a step of volume, from one controller value to the next, would click

VOLUME, EXPRESSION, PEDAL, SOUND_OFF, RESET, NOTES_OFF = 7, 11, 64, 120, 121, 123  # controllers


@dataclass(frozen=True)
class SongNote:
    """start, end: seconds from the start of the song; a note ends with its key or with the pedal that holds it.
    pitch, velocity: MIDI, 0-127 and 1-127. channel: 1-16."""

    start: float
    end: float
    pitch: int
    velocity: int
    channel: int


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
    """The song in a Standard MIDI File (type 0 or 1, at `source` or its bytes).

    All tracks and channels are played. A note-off ends the oldest of equal notes of its track; the sustain pedal
    holds notes of its channel until it is released or the key is struck again. Raises InputError, in one sentence, for
    a file that cannot be read, is damaged, of type 2, too long or too full.
    """
    name, data = _read(source)
    song = _Reader(name)
    seconds = 0.0
    for seconds, track, message in _timed_messages(name, data):
        song.take(seconds, track, message)
    return song.end(seconds)


def _read(source: str | os.PathLike[str] | bytes) -> tuple[str, bytes]:
    """What to call the file in error messages, and its bytes."""
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
    if not data.startswith(b"MThd"):
        what = "This" if isinstance(source, bytes) else f"'{source}'"
        raise InputError(f"{what} is not a MIDI file: it does not begin with 'MThd'.")
    # A length may be written in any number of bytes from 0x80 on; mido takes time with the square of that number.
    if re.search(rb"[\x80-\xff]{1024}", data):
        raise InputError(f"{name} is damaged: it holds a number that never ends.")
    return name, data


def _timed_messages(name: str, data: bytes) -> Iterator[tuple[float, int, Any]]:
    """(seconds, track, message) of all tracks in order of time, and of track where that is equal."""
    import io

    import mido  # here, as a note needs none of it
    from mido.midifiles.meta import KeySignatureError

    try:
        file = mido.MidiFile(file=io.BytesIO(data), clip=True)
    except EOFError as cause:
        raise InputError(f"{name} is damaged: it ends too early.") from cause
    except (OSError, ValueError, LookupError, TypeError, struct.error, KeySignatureError) as cause:
        raise InputError(f"{name} is damaged: {str(cause).rstrip('.') or type(cause).__name__}.") from cause
    if file.type not in (0, 1):
        raise InputError(f"{name} is of type {file.type}, whose patterns share no timeline: save it as type 0 or 1.")
    events = []
    for number, track in enumerate(file.tracks):
        tick = 0
        for message in track:
            tick += message.time
            events.append((tick, number, message))
    events.sort(key=lambda event: event[0])  # stable: what comes at once stays in order
    seconds, last_tick, tempo = 0.0, 0, DEFAULT_TEMPO
    for tick, number, message in events:
        if tick > last_tick:
            ticks = min(tick - last_tick, MOST_TICKS)  # of a damaged file, for which a float has no room
            seconds += ticks * _tick_seconds(name, file.ticks_per_beat, tempo)
            last_tick = tick
        if message.type == "set_tempo":
            tempo = message.tempo
        yield seconds, number, message


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


class _Reader:
    """Takes messages in order of time and collects the notes."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.notes: list[SongNote] = []
        # By channel: the keys that are down by (track, pitch), the oldest first, and those that the pedal holds.
        self.keys: dict[int, dict[tuple[int, int], deque[_Held]]] = defaultdict(dict)
        self.ringing: dict[int, list[_Held]] = defaultdict(list)
        self.pedal: dict[int, bool] = defaultdict(bool)
        self.volume: dict[int, int] = defaultdict(lambda: DEFAULT_VOLUME)
        self.expression: dict[int, int] = defaultdict(lambda: DEFAULT_EXPRESSION)
        self.levels: dict[int, list[tuple[float, float]]] = {}
        self.bends = 0
        self.sounding = 0.0

    def take(self, seconds: float, track: int, message: Any) -> None:
        if message.type == "note_on" and message.velocity > 0:
            self._strike(seconds, track, message)
        elif message.type in ("note_on", "note_off"):
            self._lift(seconds, message.channel + 1, (track, message.note))
        elif message.type == "control_change":
            self._control(seconds, message.channel + 1, message.control, message.value)
        elif message.type == "pitchwheel" and message.pitch:
            self.bends += 1

    def _strike(self, seconds: float, track: int, message: Any) -> None:
        channel = message.channel + 1
        for held in [held for held in self.ringing[channel] if held.pitch == message.note]:
            self.ringing[channel].remove(held)  # the same string is struck again
            self._add(held, seconds, channel)
        held = _Held(seconds, message.note, message.velocity)
        self.keys[channel].setdefault((track, message.note), deque()).append(held)

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
        elif control == RESET:
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
        if len(self.notes) >= MOST_NOTES:
            raise InputError(f"{self.name} has more than {MOST_NOTES:,} notes, the limit.")
        self.sounding += end - held.start
        if self.sounding > MOST_SOUNDING_SECONDS:
            raise InputError(
                f"The notes of {self.name[0].lower()}{self.name[1:]} add up to more than "
                f"{MOST_SOUNDING_SECONDS / 3600:.0f} hours, the limit."
            )
        self.notes.append(SongNote(held.start, end, held.pitch, held.velocity, channel))

    def end(self, seconds: float) -> Song:
        """The song, whose last message came at `seconds`: notes still sounding end there."""
        endless = 0
        for channel, keys in self.keys.items():
            for held in (held for queue in keys.values() for held in queue):
                endless += 1
                self._add(held, seconds, channel)
        for channel in list(self.ringing):
            self._silence(seconds, channel)
        notices = []
        if endless:
            notices.append(f"{counted(endless, 'note')} without an end in the file: stopped where the file ends.")
        if self.bends:
            notices.append(f"{counted(self.bends, 'pitch bend')} in the file: not played; every note keeps its pitch.")
        levels = {channel: tuple(np.array(points).T) for channel, points in self.levels.items()}
        order = sorted(self.notes, key=lambda note: (note.start, note.channel, note.pitch))
        return Song(tuple(order), levels, tuple(notices))


def counted(number: int, noun: str) -> str:
    """`1 note`, `1,200 notes`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
