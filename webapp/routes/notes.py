"""Notes to play, and what is measured of them."""

import asyncio
import threading
from collections.abc import AsyncIterator
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Depends, Request
from fastapi.responses import JSONResponse, Response
from pydantic import Field, StrictFloat, model_validator

from gansynth_core import SHARED, Envelope, InputError, glide, measure, note_wav
from webapp.routes import answers
from webapp.routes.answers import KEEP, StudioRoute
from webapp.routes.asked import GET_OR_POST, Asked, Number, Pitch, Shape, Sound, Switch, sounds_up_to
from webapp.routes.studio import CurrentPlayer
from webapp.sound_document import BLOCK_LIMIT, glide_name, pack_latent, pitch_name, timbre_of, title_of_sound

GLIDE_LIMIT: int = SHARED["limits"]["glide_sounds"]

router = APIRouter(route_class=StudioRoute)


class Keys(Asked):
    sound: Sound
    low: Pitch
    high: Pitch

    @model_validator(mode="after")
    def few(self) -> Self:
        if not self.low <= self.high < self.low + BLOCK_LIMIT:
            raise InputError(f"One request plays 1 to {BLOCK_LIMIT} neighbouring keys, the lowest first.")
        return self


async def given_up(
    request: Request, asked: Annotated[Keys, Depends(Keys.read)]
) -> AsyncIterator[threading.Event]:  # asked: the body has to be read before anyone can watch for the end
    """Set once whoever asked goes away."""
    event = threading.Event()

    async def watch() -> None:
        while (await request.receive())["type"] != "http.disconnect":
            pass
        event.set()

    watching = asyncio.create_task(watch())
    try:
        yield event
    finally:
        watching.cancel()


@router.api_route("/notes", methods=GET_OR_POST)
def notes(
    player: CurrentPlayer,
    asked: Annotated[Keys, Depends(Keys.read)],
    given_up: Annotated[threading.Event, Depends(given_up)],
) -> Response:
    """Pitches `low` to `high` of one sound, one after the other: int16 little-endian mono, all of one length."""
    timbre = timbre_of(asked.sound, player.card)
    return answers.pcm(player.render(timbre, range(asked.low, asked.high + 1), given_up=given_up))


class Block(Asked):
    sounds: Annotated[list[dict[str, Any]], sounds_up_to(BLOCK_LIMIT, f"One request plays 1 to {BLOCK_LIMIT} sounds.")]
    pitch: Pitch


class Takes(Block):
    ahead: Switch = False


@router.post("/takes")
def takes(player: CurrentPlayer, asked: Annotated[Takes, Depends(Takes.read)]) -> Response:
    """One `pitch` of several `sounds`, one after the other, as `notes`. Those that are fetched `ahead` of time let
    whoever waits for a note go first."""
    timbres = [timbre_of(sound, player.card) for sound in asked.sounds]
    return answers.pcm(player.render(timbres, [asked.pitch] * len(timbres), background=asked.ahead))


@router.post("/measures")
def measures(player: CurrentPlayer, asked: Annotated[Block, Depends(Block.read)]) -> Response:
    """What is measured of one `pitch` of several `sounds`: for each a number a descriptor, in the model's order."""
    timbres = [timbre_of(sound, player.card) for sound in asked.sounds]
    measured = measure(player.render(timbres, [asked.pitch] * len(timbres)))
    return JSONResponse({"values": [[float(f"{value:.5g}") for value in row] for row in measured]})


class OneSound(Asked):
    sound: Sound


@router.api_route("/timbre", methods=GET_OR_POST)
def timbre(player: CurrentPlayer, asked: Annotated[OneSound, Depends(OneSound.read)]) -> Response:
    """Any sound as its numbers: a sound document with `z`, `instruments` and nothing else."""
    found = timbre_of(asked.sound, player.card)
    return JSONResponse({"z": pack_latent(found.z), "instruments": dict(found.instruments)}, headers=KEEP)


class Glide(Asked):
    format: Annotated[Literal["pcm", "wav"], Field(description="pcm or wav")]
    sounds: Annotated[
        list[dict[str, Any]], sounds_up_to(GLIDE_LIMIT, f"A glide goes through 1 to {GLIDE_LIMIT} sounds.")
    ]
    at: Annotated[list[StrictFloat], Field(description="a list with a number from 0 to 1 for each sound")]
    pitch: Pitch
    seconds: Number
    patch: Shape = (Envelope(), 0.0)


@router.post("/glide")
def gliding(player: CurrentPlayer, asked: Annotated[Glide, Depends(Glide.read)]) -> Response:
    """One note at `pitch` that goes through `sounds` within `seconds`, each reached `at` a share of them.

    `format` pcm: the model's whole note, as `notes`; wav: a file of that length, shaped by `patch` as `wav`.
    """
    card, pitch = player.card, asked.pitch
    timbres = [timbre_of(sound, card) for sound in asked.sounds]
    clips = glide(player, timbres, pitch, asked.seconds, asked.at, keyframes=len(timbres))
    if asked.format == "pcm":
        return answers.pcm(clips)
    envelope, gain_db = asked.patch
    start, goal = (title_of_sound(sound, card) for sound in (asked.sounds[0], asked.sounds[-1]))
    title = f"{start} → {goal}, {pitch_name(pitch)}"
    data = note_wav(clips.shaped(envelope, asked.seconds, gain_db)[0], pitch, None, title)
    return answers.wav(data, glide_name(asked.sounds, pitch))
