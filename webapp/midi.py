"""MIDI files on the page: what is in one, and the job that renders it, each part with its sound."""

import base64
import binascii
import re
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal, cast

from gansynth_core import (
    SHARED,
    Cast,
    Casting,
    InputError,
    ModelCard,
    Song,
    Synth,
    TimbrePath,
    Tuning,
    cast_song,
    read_midi,
    render_midi,
)
from webapp.fair import Visitor
from webapp.jobs import Done, Progress, Work
from webapp.line import Line
from webapp.player import Player
from webapp.sound_document import hue_of, parse_sound, pitch_name, timbre_of, title_of

MIDI_LIMIT: int = SHARED["limits"]["midi_bytes"]
SONG_SECONDS = 900.0  # 600 MB of memory while it is mixed and written
MOST_STOPS: int = SHARED["limits"]["midi_sounds"]  # of a path
DRAWN_NOTES = 3000
Subtype = Literal["PCM_16", "PCM_24", "FLOAT"]

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
    """What the page shows of a song before it is rendered, as JSON: its length in seconds, how many notes, its range, a
    sample of its notes [start, end, pitch, part] to draw, its parts, and the notices about the file.

    Of each part: its name and channel, how many notes, what it is written for and what plays that (`written`, in words,
    its `hue` and, if it is one sound, its document), whether it is one of drums, and the notices about it.
    Raises InputError if the model can play none of it.
    """
    casting = cast_song(song, card, drums=True)
    counts = [0] * len(song.parts)
    for note in song.notes:
        counts[note.part] += 1
    tuned = [note.pitch for note in song.notes if not song.parts[note.part].drums] or [n.pitch for n in song.notes]
    every = -(-len(song.notes) // DRAWN_NOTES)
    return {
        "seconds": round(song.seconds, 3),
        "notes": len(song.notes),
        "low": pitch_name(min(tuned)),
        "high": pitch_name(max(tuned)),
        "roll": [[round(note.start, 3), round(note.end, 3), note.pitch, note.part] for note in song.notes[::every]],
        "parts": [
            {
                "name": part.name,
                "channel": part.channel,
                "notes": count,
                "instrument": title_of(part.instrument),
                "written": title_of(cast.sound),
                "hue": hue_of(cast.sound, card),
                "sound": _document(cast, number, card),
                "drums": part.drums,
                "notices": list(cast.notices),
            }
            for number, (part, cast, count) in enumerate(zip(song.parts, casting.parts, counts, strict=True))
        ],
        "notices": list(song.notices),
    }


def _document(cast: Cast, number: int, card: ModelCard) -> dict[str, Any] | None:
    """The sound that plays a part as it is written (see `cast_song`), None for a kit."""
    if cast.timbre is None:
        return None
    return {"instruments": {cast.sound: 1}, "seed": 0} if card.instruments else {"instruments": {}, "seed": number}


def parse_path(value: Any, card: ModelCard) -> TimbrePath:
    """The path of sounds that the page sends: [{"sound": document, "at": 0..1}, ...]. Raises InputError."""
    if not isinstance(value, list) or not 1 <= len(value) <= MOST_STOPS:
        raise InputError(f"A path has 1 to {MOST_STOPS} sounds.")
    if not all(isinstance(stop, Mapping) and isinstance(stop.get("at"), int | float) for stop in value):
        raise InputError("Each sound of a path needs its place in the song, from 0 to 1.")
    timbres = [timbre_of(parse_sound(stop.get("sound"), card), card) for stop in value]
    return TimbrePath(timbres, [stop["at"] for stop in value])


Choice = Literal["written", "path", "off"] | TimbrePath
"""What plays a part: what it is written for, the path of the song, nothing, or a sound."""


def parse_choices(value: Any, card: ModelCard) -> list[Choice]:
    """What plays each part of a song, in their order, as the page sends it: "written", "path", "off", or {"sound":
    document}. Raises InputError."""
    if not isinstance(value, list):
        raise InputError("The sounds of a song's parts must be a list.")
    return [_choice(one, card) for one in value]


def _choice(value: Any, card: ModelCard) -> Choice:
    if value in ("written", "path", "off"):
        chosen: Choice = value
        return chosen
    if not isinstance(value, Mapping):
        raise InputError("A part is played as written, by the path, by a sound, or not at all.")
    return TimbrePath([timbre_of(parse_sound(value.get("sound"), card), card)])


def parse_keys(value: Any) -> Tuning:
    """The tuning that the page sends, {"name", "pitches"}. Raises InputError."""
    if not isinstance(value, Mapping) or not isinstance(value.get("pitches"), list):
        raise InputError("A tuning is an object with a name and the pitches of 128 keys.")
    return Tuning(value.get("name", ""), tuple(value["pitches"]))


def cast_choices(
    song: Song, choices: Sequence[Choice], path: TimbrePath | None, card: ModelCard, tuning: Tuning | None = None
) -> Casting:
    """Who plays what of `song`, in a `tuning` if there is one; parts without a choice are played as written. Raises
    InputError, as for a song without a note that can be played."""
    if len(choices) > len(song.parts):
        has = "1 part" if len(song.parts) == 1 else f"{len(song.parts)} parts"
        raise InputError(f"This song has {has}, not {len(choices)}.")
    if path is None and "path" in choices:
        raise InputError("A path needs at least one sound.")
    players = {"path": path, "off": None}
    by_hand = {
        number: players[choice] if isinstance(choice, str) else choice
        for number, choice in enumerate(choices)
        if choice != "written"
    }
    return cast_song(song, card, parts=by_hand, drums=True, tuning=tuning)


def song_work(
    player: Player, casting: Casting, name: str, visitor: Visitor, *, sample_rate: int, subtype: Subtype, stems: bool
) -> Work:
    """The job that renders a song for `visitor` and saves it as a WAV file named after `name` and, if there are to be
    `stems`, each part as a WAV file in a zip beside it, which is the file `stems`."""
    stem = re.sub(r"\W+", "_", Path(name).stem, flags=re.ASCII).strip("_")[:60] or "song"

    def work(folder: Path, progress: Progress) -> Done:
        synth = cast(Synth, player.exporter(visitor))  # renders as one does
        rendered = render_midi(casting, synth, sample_rate=sample_rate, stems=stems, background=True, progress=progress)
        file = rendered.clip.save(folder / f"{stem}.wav", subtype)
        about = {
            "name": file.name,
            "bytes": file.stat().st_size,
            "seconds": round(rendered.clip.seconds, 2),
            "notes": rendered.notes,
            "notices": list(rendered.notices),
        }
        if not stems:
            return Done(file, about)
        pack = folder / f"{stem}_stems.zip"
        with zipfile.ZipFile(pack, "w") as packed:  # sound does not shrink
            for one in rendered.stems:
                written = one.save(folder, subtype)
                packed.write(written, f"{stem}_stems/{written.name}")
                written.unlink()
        return Done(file, about | {"stems": pack.name}, {"stems": pack})

    return work
