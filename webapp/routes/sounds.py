"""Sounds as files: notes to download, presets, and reading both back."""

import math
from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response
from pydantic import PlainValidator
from starlette.concurrency import run_in_threadpool

from gansynth_core import SHARED, AudioError, Clips, InputError, ModelCard, Patch, Timbre, note_wav, timbre_in
from webapp.player import LONGEST_SECONDS
from webapp.routes import answers
from webapp.routes.answers import AnyText, StudioRoute
from webapp.routes.asked import GET_OR_POST, Asked, Number, Pitch, Shape, Sound, Text
from webapp.routes.studio import CurrentPlayer, CurrentVisitor
from webapp.sound_document import file_name, pack_patch, pitch_name, sound_of, timbre_of, title_of_sound

router = APIRouter(route_class=StudioRoute)
HELD_SHARE: float = SHARED["held_share"]


class Wav(Asked):
    seconds: Number
    sound: Sound
    pitch: Pitch
    patch: Shape | None = None


@router.api_route("/wav", methods=GET_OR_POST)
async def wav(player: CurrentPlayer, visitor: CurrentVisitor, asked: Annotated[Wav, Depends(Wav.read)]) -> Response:
    """One note as a 24-bit WAV file of `seconds` length (at most 60) that carries its sound (see `sound`); with a
    `patch`, a key held that long, and its release."""
    timbre = await run_in_threadpool(timbre_of, asked.sound, player.card)
    length = asked.seconds
    if asked.patch is not None and math.isfinite(length):  # the whole note, or one that goes on while it is let go
        whole, envelope = player.card.specgram.seconds, asked.patch[0]
        tail = max(envelope.release_seconds, whole * (1 - HELD_SHARE))
        length = whole if 0 < length <= whole else max(length, min(length + tail, LONGEST_SECONDS))
    clips = await player.note(timbre, asked.pitch, length, visitor)
    return await run_in_threadpool(_wav, clips, timbre, player.card, asked)


def _wav(clips: Clips, timbre: Timbre, card: ModelCard, asked: Wav) -> Response:
    if asked.patch is not None:
        envelope, gain_db = asked.patch
        clips = clips.shaped(envelope, asked.seconds, gain_db)
    title = f"{title_of_sound(asked.sound, card)}, {pitch_name(asked.pitch)}"
    return answers.wav(note_wav(clips[0], asked.pitch, timbre, title), file_name(asked.sound, asked.pitch))


def _wav_file(data: Any) -> bytes:
    if not isinstance(data, bytes):
        raise InputError("Send a WAV file.")
    return data


class WavFile(Asked):
    file_limits: ClassVar[Mapping[str, int]] = {"audio/wav": SHARED["limits"]["wav_bytes"]}
    file: Annotated[bytes, PlainValidator(_wav_file)]
    name: Text


@router.post("/sound")
def sound(player: CurrentPlayer, asked: Annotated[WavFile, Depends(WavFile.read)]) -> Response:
    """The sound that a WAV file of the studio carries, the request's body: a document with `z` and `instruments`.
    `name` is what errors call the file."""
    try:
        found = timbre_in(asked.file, asked.name[:120])
    except AudioError as error:
        raise InputError(str(error)) from error
    return JSONResponse(_document(found, player.card, "file"))


class PatchToSave(Asked):
    sound: Sound
    patch: Shape
    name: Text


@router.post("/preset/save")
def preset_save(player: CurrentPlayer, asked: Annotated[PatchToSave, Depends(PatchToSave.read)]) -> Response:
    """A `sound` played with a `patch` as a preset file called `name`: see gansynth_core.Patch."""
    return AnyText(Patch(timbre_of(asked.sound, player.card), *asked.patch, asked.name).to_json())


class SavedPatch(Asked):
    preset: Annotated[Patch, PlainValidator(Patch.from_json)]


@router.post("/preset/read")
def preset_read(player: CurrentPlayer, asked: Annotated[SavedPatch, Depends(SavedPatch.read)]) -> Response:
    """What is in a preset file (`preset`, its JSON): `name`, `sound` and `patch` as the page knows them."""
    preset = asked.preset
    sound = _document(preset.timbre, player.card, "preset")
    patch = pack_patch(preset.envelope, preset.gain_db)
    return AnyText({"name": preset.name, "sound": sound, "patch": patch})


def _document(timbre: Timbre, card: ModelCard, where: str) -> dict[str, Any]:
    """`timbre`, found in a `where`, as a sound document. Raises InputError if it is not one of the model's."""
    if timbre.model != card.id:
        raise InputError(f"This {where}'s sound belongs to the model '{timbre.model[:60]}', not to '{card.id}'.")
    return sound_of(Timbre.of(card, timbre.z, dict(timbre.instruments) or None, timbre.imprint))
