"""MIDI files: what is in one, and playing it along a path of sounds."""

from typing import Annotated, ClassVar

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response
from pydantic import PlainValidator

from gansynth_core import Song, TimbrePath
from webapp.midi import MIDI_LIMIT, describe_song, parse_path, read_song, song_work
from webapp.routes.answers import StudioRoute
from webapp.routes.asked import BODY_LIMIT, Asked, Switch, Text, by_card
from webapp.routes.studio import CurrentPlayer, CurrentStudio

router = APIRouter(route_class=StudioRoute)

MidiFile = Annotated[Song, PlainValidator(read_song)]


class Look(Asked):
    body_limit: ClassVar[int] = MIDI_LIMIT * 4 // 3 + BODY_LIMIT  # a file in base64, and the sounds that play it
    midi: MidiFile


class Render(Asked):
    body_limit: ClassVar[int] = Look.body_limit
    path: Annotated[TimbrePath, by_card(parse_path)]
    midi: MidiFile
    drums: Switch = False
    name: Text


@router.post("/midi/look")
def look(player: CurrentPlayer, asked: Annotated[Look, Depends(Look.read)]) -> Response:
    """What is in a MIDI file (`midi`, base64): see describe_song."""
    return JSONResponse(describe_song(asked.midi, player.card))


@router.post("/midi/render")
def render(studio: CurrentStudio, player: CurrentPlayer, asked: Annotated[Render, Depends(Render.read)]) -> Response:
    """Start a job that plays `midi` along `path`, with or without `drums`; its file is named after `name`."""
    return JSONResponse({"job": studio.jobs.start(song_work(player, asked.midi, asked.path, asked.drums, asked.name))})
