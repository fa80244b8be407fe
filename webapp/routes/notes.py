"""Notes to play, and what is measured of them."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, Self

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response
from pydantic import Field, StrictFloat, model_validator
from starlette.concurrency import run_in_threadpool

from gansynth_core import SHARED, Clips, Envelope, InputError, ModelCard, Timbre, glide, is_steady, measure, note_wav
from webapp.fair import Visitor
from webapp.player import LONGEST_SECONDS, Player
from webapp.routes import answers
from webapp.routes.answers import KEEP, StudioRoute
from webapp.routes.asked import GET_OR_POST, Asked, Number, Pitch, Shape, Sound, Switch, sounds_up_to, whole
from webapp.routes.studio import CurrentPlayer, CurrentVisitor
from webapp.sound_document import BLOCK_LIMIT, glide_name, pack_latent, pitch_name, reach_of, timbre_of, title_of_sound
from webapp.turns import PART_SECONDS

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


@router.api_route("/notes", methods=GET_OR_POST)
async def notes(player: CurrentPlayer, visitor: CurrentVisitor, asked: Annotated[Keys, Depends(Keys.read)]) -> Response:
    """Pitches `low` to `high` of one sound, one after the other: int16 little-endian mono, all of one length."""
    timbre = await run_in_threadpool(timbre_of, asked.sound, player.card)
    clips = await player.notes(timbre, range(asked.low, asked.high + 1), visitor)
    return await run_in_threadpool(answers.pcm, clips)


class Held(Asked):
    sound: Sound
    pitch: Pitch
    part: Annotated[int, whole(0, math.ceil(LONGEST_SECONDS / PART_SECONDS) - 1)]


@router.api_route("/held", methods=GET_OR_POST)
async def held(player: CurrentPlayer, visitor: CurrentVisitor, asked: Annotated[Held, Depends(Held.read)]) -> Response:
    """A `part` of a note at `pitch` whose key stays down, ten seconds each from 0 on and a minute in all, as `notes`:
    the first begins as that note does. No content for a note that dies away by itself."""
    timbre = await run_in_threadpool(timbre_of, asked.sound, player.card)
    note = await player.notes(timbre, [asked.pitch], visitor)
    if not await run_in_threadpool(is_steady, note.audio[0], note.sample_rate):
        return Response(status_code=204, headers=KEEP)
    return await run_in_threadpool(answers.pcm, await player.held_part(timbre, asked.pitch, asked.part, visitor))


class Block(Asked):
    sounds: Annotated[list[dict[str, Any]], sounds_up_to(BLOCK_LIMIT, f"One request plays 1 to {BLOCK_LIMIT} sounds.")]
    pitch: Pitch


class Takes(Block):
    ahead: Switch = False


@router.post("/takes")
async def takes(
    player: CurrentPlayer, visitor: CurrentVisitor, asked: Annotated[Takes, Depends(Takes.read)]
) -> Response:
    """One `pitch` of several `sounds`, one after the other, as `notes`. Those that are fetched `ahead` of time let
    whoever waits for a note go first."""
    return await run_in_threadpool(answers.pcm, await _block(player, visitor, asked, ahead=asked.ahead))


@router.post("/measures")
async def measures(
    player: CurrentPlayer, visitor: CurrentVisitor, asked: Annotated[Block, Depends(Block.read)]
) -> Response:
    """What is measured of one `pitch` of several `sounds`: for each a number a descriptor, in the model's order."""
    measured = await run_in_threadpool(measure, await _block(player, visitor, asked))
    return JSONResponse({"values": [[float(f"{value:.5g}") for value in row] for row in measured]})


async def _block(player: Player, visitor: Visitor, asked: Block, *, ahead: bool = False) -> Clips:
    timbres = await run_in_threadpool(_timbres, asked.sounds, player.card)
    return await player.notes(timbres, [asked.pitch] * len(timbres), visitor, ahead=ahead)


def _timbres(sounds: Sequence[dict[str, Any]], card: ModelCard) -> list[Timbre]:
    return [timbre_of(sound, card) for sound in sounds]


class OneSound(Asked):
    sound: Sound


@router.api_route("/timbre", methods=GET_OR_POST)
def timbre(player: CurrentPlayer, asked: Annotated[OneSound, Depends(OneSound.read)]) -> Response:
    """Any sound as its numbers: a sound document with `z`, `instruments` and nothing else."""
    found = timbre_of(asked.sound, player.card)
    return JSONResponse({"z": pack_latent(found.z), "instruments": dict(found.instruments)}, headers=KEEP)


@router.api_route("/reach", methods=GET_OR_POST)
def reach(player: CurrentPlayer, asked: Annotated[OneSound, Depends(OneSound.read)]) -> Response:
    """From where to where the sliders that follow a sound can take it: `low`, `here` and `high` in the descriptor's
    unit, by the sliders' names, and whether the way `down` and `up` is long enough to be heard."""
    return JSONResponse({"sliders": reach_of(asked.sound, player.card)}, headers=KEEP)


class Glide(Asked):
    format: Annotated[Literal["pcm", "wav"], Field(description="pcm or wav")]
    sounds: Annotated[
        list[dict[str, Any]], sounds_up_to(GLIDE_LIMIT, f"A glide goes through 1 to {GLIDE_LIMIT} sounds.")
    ]
    at: Annotated[list[StrictFloat], Field(description="a list with a number from 0 to 1 for each sound")]
    pitch: Pitch
    seconds: Number
    patch: Shape = (Envelope(), 0.0)


@dataclass
class _Made:
    """Notes that are there already, for what would render them."""

    card: ModelCard
    clips: Clips

    def render(self, timbre: Sequence[Timbre], pitches: Sequence[float]) -> Clips:
        return self.clips


@router.post("/glide")
async def gliding(
    player: CurrentPlayer, visitor: CurrentVisitor, asked: Annotated[Glide, Depends(Glide.read)]
) -> Response:
    """One note at `pitch` that goes through `sounds` within `seconds`, each reached `at` a share of them.

    `format` pcm: the model's whole note, as `notes`; wav: a file of that length, shaped by `patch` as `wav`.
    """
    timbres = await run_in_threadpool(_timbres, asked.sounds, player.card)
    made = _Made(player.card, await player.notes(timbres, [asked.pitch] * len(timbres), visitor))
    return await run_in_threadpool(_glided, made, timbres, asked)


def _glided(made: _Made, timbres: Sequence[Timbre], asked: Glide) -> Response:
    card, pitch = made.card, asked.pitch
    clips = glide(made, timbres, pitch, asked.seconds, asked.at, keyframes=len(timbres))
    if asked.format == "pcm":
        return answers.pcm(clips)
    envelope, gain_db = asked.patch
    start, goal = (title_of_sound(sound, card) for sound in (asked.sounds[0], asked.sounds[-1]))
    title = f"{start} → {goal}, {pitch_name(pitch)}"
    data = note_wav(clips.shaped(envelope, asked.seconds, gain_db)[0], pitch, None, title)
    return answers.wav(data, glide_name(asked.sounds, pitch))
