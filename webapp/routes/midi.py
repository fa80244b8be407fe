"""MIDI files: what is in one, and playing it, each part with its sound."""

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response
from pydantic import Field, PlainValidator

from gansynth_core import Song, TimbrePath, Tuning
from webapp.midi import (
    MIDI_LIMIT,
    Choice,
    Subtype,
    cast_choices,
    describe_song,
    parse_choices,
    parse_keys,
    parse_path,
    read_song,
    song_work,
)
from webapp.routes.answers import StudioRoute
from webapp.routes.asked import BODY_LIMIT, Asked, Switch, Text, by_card
from webapp.routes.studio import CurrentPlayer, CurrentStudio, CurrentVisitor

router = APIRouter(route_class=StudioRoute)

FRAME_BYTES = 8  # of a WAV file at most: two channels of 32 bits

MidiFile = Annotated[Song, PlainValidator(read_song)]


class Look(Asked):
    body_limit: ClassVar[int] = MIDI_LIMIT * 4 // 3 + BODY_LIMIT  # a file in base64, and the sounds that play it
    midi: MidiFile


class Render(Asked):
    body_limit: ClassVar[int] = Look.body_limit
    midi: MidiFile
    name: Text
    parts: Annotated[Sequence[Choice], by_card(parse_choices)] = ()
    path: Annotated[TimbrePath | None, by_card(parse_path)] = None
    tuning: Annotated[Tuning | None, PlainValidator(parse_keys)] = None
    rate: Annotated[Literal[44100, 48000], Field(description="44100 or 48000")] = 44100
    subtype: Annotated[Subtype, Field(description="PCM_16, PCM_24 or FLOAT")] = "PCM_24"
    stems: Switch = False


@router.post("/midi/look")
def look(player: CurrentPlayer, asked: Annotated[Look, Depends(Look.read)]) -> Response:
    """What is in a MIDI file (`midi`, base64): see describe_song."""
    return JSONResponse(describe_song(asked.midi, player.card))


@router.post("/midi/render")
def render(
    studio: CurrentStudio,
    player: CurrentPlayer,
    visitor: CurrentVisitor,
    asked: Annotated[Render, Depends(Render.read)],
) -> Response:
    """Start a job that plays `midi`: its `parts` as they are written, along `path`, or with sounds of their own, its
    keys in a `tuning`; a WAV file of `rate` and `subtype` named after `name`, with `stems` each part too."""
    casting = cast_choices(asked.midi, asked.parts, asked.path, player.card, asked.tuning)
    work = song_work(
        player, casting, asked.name, visitor, sample_rate=asked.rate, subtype=asked.subtype, stems=asked.stems
    )
    files = 1 + asked.stems * len(asked.midi.parts)
    size = round(FRAME_BYTES * asked.midi.seconds * asked.rate) * files
    return JSONResponse({"job": studio.jobs.start(work, visitor, size)})
