"""MIDI files on the page: what is in one, and the job that renders it along a path of sounds."""

import base64
import binascii
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from gansynth_core import SHARED, InputError, ModelCard, Song, TimbrePath, midi_notices, read_midi, render_midi
from webapp.jobs import Done, Progress, Work
from webapp.line import Line
from webapp.player import Player
from webapp.sound_document import parse_sound, pitch_name, sentence_of, timbre_of

MIDI_LIMIT: int = SHARED["limits"]["midi_bytes"]
SONG_SECONDS = 900.0  # 200 MB of memory while it is mixed
MOST_STOPS: int = SHARED["limits"]["midi_sounds"]  # of a path
DRAWN_NOTES = 3000
DRUMS = 10  # General MIDI's channel

_reading = Line(2, "MIDI files")  # files are read in Python, at a second or so a large one


def read_song(text: Any) -> Song:
    """The song of a MIDI file in base64. Raises InputError, in one sentence, if the page cannot play it, and Busy when
    too many files are being read."""
    try:
        data = base64.b64decode(text, validate=True)
    except (TypeError, ValueError, binascii.Error) as cause:
        raise InputError("The MIDI file did not arrive intact. Try again.") from cause
    if len(data) > MIDI_LIMIT:
        raise InputError(f"This file is larger than {MIDI_LIMIT / 1e6:g} MB. Choose a smaller one.")
    with _reading.place():
        song = read_midi(data)
    if not song.notes:
        raise InputError("This MIDI file has no notes.")
    if song.seconds > SONG_SECONDS:
        raise InputError(
            f"This song lasts {song.seconds / 60:.0f} minutes; the page plays up to {SONG_SECONDS / 60:.0f} minutes."
        )
    return song


def describe_song(song: Song, card: ModelCard) -> dict[str, Any]:
    """What the page shows of a song before it is rendered, as JSON: its length in seconds, how many notes and drum
    notes, its range, a sample of its notes [start, end, pitch, 1 for drums] to draw, and the notices, each with and
    without drums."""
    drums = sum(note.channel == DRUMS for note in song.notes)
    tuned = [note for note in song.notes if note.channel != DRUMS] or song.notes
    every = -(-len(song.notes) // DRAWN_NOTES)
    return {
        "seconds": round(song.seconds, 3),
        "notes": len(song.notes) - drums,
        "drums": drums,
        "low": pitch_name(min(note.pitch for note in tuned)),
        "high": pitch_name(max(note.pitch for note in tuned)),
        "roll": [
            [round(note.start, 3), round(note.end, 3), note.pitch, int(note.channel == DRUMS)]
            for note in song.notes[::every]
        ],
        "notices": {"without": _notices(song, card, False), "with": _notices(song, card, True)},
    }


def _notices(song: Song, card: ModelCard, drums: bool) -> list[str]:
    try:
        return list(midi_notices(song, card, drums=drums))
    except InputError as error:
        return [sentence_of(error)]


def parse_path(value: Any, card: ModelCard) -> TimbrePath:
    """The path of sounds that the page sends: [{"sound": document, "at": 0..1}, ...]. Raises InputError."""
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_STOPS:
        raise InputError(f"A path has 1 to {MOST_STOPS} sounds.")
    if not all(isinstance(stop, Mapping) and isinstance(stop.get("at"), int | float) for stop in value):
        raise InputError("Each sound of a path needs its place in the song, from 0 to 1.")
    timbres = [timbre_of(parse_sound(stop.get("sound"), card), card) for stop in value]
    return TimbrePath(timbres, [stop["at"] for stop in value])


def song_work(player: Player, song: Song, path: TimbrePath, drums: bool, name: str) -> Work:
    """The job that renders `song` and saves it as a 24-bit WAV file named after `name`. Raises InputError if none of
    its notes can be played."""
    midi_notices(song, player.card, drums=drums)
    stem = re.sub(r"\W+", "_", Path(name).stem, flags=re.ASCII).strip("_")[:60] or "song"

    def work(folder: Path, progress: Progress) -> Done:
        synth = player.synth()
        rendered = render_midi(song, synth, path.timbres, path.at, drums=drums, background=True, progress=progress)
        file = rendered.clip.save(folder / f"{stem}.wav")
        return Done(
            file,
            {
                "name": file.name,
                "bytes": file.stat().st_size,
                "seconds": round(rendered.clip.seconds, 2),
                "notes": rendered.notes,
                "notices": list(rendered.notices),
            },
        )

    return work
