"""The events of a Standard MIDI File, read as forgivingly as FluidSynth does.

Layout: MIDI Manufacturers Association, "Standard MIDI Files 1.0" (RP-001) and "RIFF MIDI" (RP-029); master tuning:
"MIDI Master Fine/Coarse Tuning" (CA-025). What breaks these and can still be understood is played, and said.
"""

import re
from collections import Counter
from operator import attrgetter
from typing import NamedTuple

from gansynth_core.errors import InputError

MOST_NOTES = 50_000
NOTE_OFF, NOTE_ON, CONTROL, PROGRAM, BEND = 0x80, 0x90, 0xB0, 0xC0, 0xE0  # kinds of events: a status byte's upper half
PRESSURE = 0xD0  # of a whole channel; not played
TEMPO, MASTER_TUNING, END = 0x100, 0x101, 0x102  # ours; no status byte is as large
FINE, COARSE = 3, 4  # of MASTER_TUNING

_SYSTEM_DATA = {0xF1: 1, 0xF2: 2, 0xF3: 1, 0xF6: 0, 0xF8: 0, 0xFA: 0, 0xFB: 0, 0xFC: 0, 0xFE: 0}  # bytes after each
_HEADER_BYTES = 14
_NUMBER_BYTES = 4  # the most that a number may take
_META_NAME, _META_END, _META_TEMPO = 0x03, 0x2F, 0x51
NAME_LIMIT = 60  # characters of a track's name


class Event(NamedTuple):
    """At `tick`, in `track` (from 0), something of `kind` on `channel` (1-16; 0 where it is for all).

    first, second: a note's key and velocity; a controller's number and value; a PROGRAM; a bend's two bytes, the lower
    first (0 and 64 in the middle); TEMPO's microseconds a quarter note; MASTER_TUNING's FINE or COARSE and its value
    (14 bits with 8192 in the middle, or 7 with 64). A note-on has a velocity above 0. END comes last in each track.
    """

    tick: int
    track: int
    kind: int
    channel: int = 0
    first: int = 0
    second: int = 0


class Score(NamedTuple):
    """division: what the header says about ticks. events: of all tracks, in order of tick, and of track where that is
    equal. names: of the tracks that have one. notices: sentences on what was repaired."""

    division: int
    events: list[Event]
    names: dict[int, str]
    notices: list[str]


def unwrapped(data: bytes) -> bytes:
    """The MIDI file in a RIFF file of the kind RMID (.rmi); anything else as it is."""
    if data[:4] == b"RIFF" and data[8:12] == b"RMID":
        place = 12
        while place + 8 <= len(data):
            size = int.from_bytes(data[place + 4 : place + 8], "little")
            if data[place : place + 4] == b"data":
                return data[place + 8 : place + 8 + size]
            place += 8 + size + size % 2
    return data


def read_score(name: str, data: bytes) -> Score:
    """The events of a MIDI file, `data`, which begins with MThd; `name` is what errors call it. Raises InputError if
    there is nothing to play in what is whole of it."""
    if len(data) < _HEADER_BYTES:
        raise InputError(f"{name} is damaged: it ends too early.")
    kind, counted = int.from_bytes(data[8:10]), int.from_bytes(data[10:12])
    place = 8 + int.from_bytes(data[4:8])
    if data[_HEADER_BYTES:].startswith(b"MTrk"):
        place = _HEADER_BYTES  # whatever size the header claims to have
    reader = _Reader(name)
    while place < len(data):
        code, size = data[place : place + 4], int.from_bytes(data[place + 4 : place + 8])
        if code == b"MTrk":
            reader.read_track(data[place + 8 : place + 8 + size], size)
        else:
            reader.repairs["chunk"] += 1
        place += 8 + size
    if not reader.tracks:
        raise InputError(f"{name} is damaged: it holds no MTrk chunk.")
    if reader.damage and not reader.strikes:
        raise InputError(f"{name} is damaged: {next(iter(reader.damage))}.")
    reader.events.sort(key=attrgetter("tick"))  # stable: what comes at once stays in order
    division = int.from_bytes(data[12:14], signed=True)
    return Score(division, reader.events, reader.names, _notices(reader, kind, counted))


def _notices(reader: "_Reader", kind: int, counted: int) -> list[str]:
    said, repairs, tracks = [], reader.repairs, reader.tracks
    if kind not in (0, 1) and tracks > 1:
        said.append(f"The file is of type {kind}, whose tracks share no timeline: played at once.")
    if repairs["chunk"]:
        said.append(f"{several(repairs['chunk'], 'chunk')} other than tracks in the file: skipped.")
    if tracks != counted:
        said.append(f"{several(tracks, 'track')} in the file, where its header says {counted}: all played.")
    if repairs["end"]:
        said.append(f"{several(repairs['end'], 'track')} without an end: ended with the last event.")
    for what, damaged in reader.damage.items():
        said.append(f"{several(damaged, 'track')} damaged ({what}): played up to there.")
    if repairs["running"]:
        said.append(f"{several(repairs['running'], 'event')} without a status of its own: read like the one before.")
    return said


def several(number: int, noun: str) -> str:
    """`1 note`, `1,200 notes`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


class _DamageError(Exception):
    """Why a track cannot be read on."""


class _Reader:
    """Reads tracks, one after the other, and counts what it has to repair."""

    def __init__(self, name: str) -> None:
        self.name = name
        self.tracks = self.strikes = 0
        self.events: list[Event] = []
        self.names: dict[int, str] = {}
        self.repairs: Counter[str] = Counter()
        self.damage: Counter[str] = Counter()  # tracks that end early, by what is wrong in them
        self.data, self.place, self.tick = b"", 0, 0  # of the track that is being read

    def read_track(self, data: bytes, size: int) -> None:
        """Read a track that should have `size` bytes, as far as it is whole. Raises InputError for too many notes."""
        self.data, self.place, self.tick = data, 0, 0
        try:
            ended = self._read_events()
            if not ended and len(data) < size:
                raise IndexError
            self.repairs["end"] += not ended
        except IndexError:
            self.damage["it ends too early"] += 1
        except _DamageError as damage:
            self.damage[str(damage)] += 1
        self.events.append(Event(self.tick, self.tracks, END))
        self.tracks += 1

    def _read_events(self) -> bool:
        """Whether there is an end."""
        running, interrupted, ended = 0, False, False
        while self.place < len(self.data) and not ended:
            self.tick += self._number()
            status = self.data[self.place]
            if status >= 0x80:
                self.place += 1
            elif running:
                status = running
                self.repairs["running"] += interrupted
            else:
                raise _DamageError("it begins with an event without a status")
            interrupted = status >= 0xF0  # after which the standard wants the status to be written again
            if interrupted:
                ended = self._read_system(status)
            else:
                running = status
                self._read_channel(status & 0xF0, (status & 0x0F) + 1)
        return ended

    def _read_channel(self, kind: int, channel: int) -> None:
        first = min(self.data[self.place], 127)
        if kind in (PROGRAM, PRESSURE):
            self.place += 1
            if kind == PROGRAM:
                self.events.append(Event(self.tick, self.tracks, kind, channel, first))
            return
        second = min(self.data[self.place + 1], 127)
        self.place += 2
        if kind == NOTE_ON and second == 0:
            kind = NOTE_OFF
        if kind == NOTE_ON:
            self.strikes += 1
            if self.strikes > MOST_NOTES:
                raise InputError(f"{self.name} has more than {MOST_NOTES:,} notes, the limit.")
        if kind in (NOTE_OFF, NOTE_ON, CONTROL, BEND):
            self.events.append(Event(self.tick, self.tracks, kind, channel, first, second))

    def _number(self) -> int:
        """A number of seven bits a byte, whose last byte is below 0x80."""
        value = 0
        for _ in range(_NUMBER_BYTES):
            byte = self.data[self.place]
            self.place += 1
            value = value << 7 | byte & 0x7F
            if byte < 0x80:
                return value
        raise _DamageError("it holds a number that never ends")

    def _read_system(self, status: int) -> bool:
        """A system or meta event, of which few matter here; whether it ends the track."""
        if status not in (0xF0, 0xF7, 0xFF):
            if status not in _SYSTEM_DATA:
                raise _DamageError(f"it holds the undefined status byte 0x{status:X}")
            self.place += _SYSTEM_DATA[status]
            return False
        meta = 0
        if status == 0xFF:
            meta = self.data[self.place]
            self.place += 1
        size = self._number()
        body = self.data[self.place : self.place + size]
        if len(body) < size:
            raise IndexError
        self.place += size
        if status == 0xFF and meta == _META_NAME and self.tracks not in self.names:
            self.names[self.tracks] = _text(body)
        if status == 0xFF and meta == _META_TEMPO and size >= 3:
            self.events.append(Event(self.tick, self.tracks, TEMPO, first=int.from_bytes(body[:3])))
        if status == 0xF0 and (tuning := re.match(rb"\x7f.\x04([\x03\x04])([\0-\x7f])([\0-\x7f])", body, re.DOTALL)):
            which, low, high = (part[0] for part in tuning.groups())
            value = high << 7 | low if which == FINE else high
            self.events.append(Event(self.tick, self.tracks, MASTER_TUNING, first=which, second=value))
        return status == 0xFF and meta == _META_END


def _text(data: bytes) -> str:
    """A name on one line: UTF-8 or, where that is impossible, Latin-1; the standard says ASCII."""
    data = data[: 4 * NAME_LIMIT]
    try:
        text = data.decode()
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    return " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())[:NAME_LIMIT]
