"""Own sounds: a recording becomes a sound of the model."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response
from pydantic import PlainValidator

from gansynth_core import AudioError, InputError, ModelCard, parse_pitch
from webapp.own import MOST_STEPS, OWN_LIMIT, STEPS, encode_work, recording_wav
from webapp.routes import answers
from webapp.routes.answers import StudioRoute
from webapp.routes.asked import Asked, Sound, Text, by_card, whole
from webapp.routes.studio import CurrentPlayer, CurrentStudio, CurrentVisitor
from webapp.sound_document import timbre_of

router = APIRouter(route_class=StudioRoute)


def _recording(data: Any) -> bytes:
    if not isinstance(data, bytes) or not data:
        raise InputError("Send a sound file as the request's body.")
    return data


def _pitch(value: Any, card: ModelCard) -> float:
    pitch = parse_pitch(str(value))
    card.check_pitch(pitch)
    return pitch


class Recording(Asked):
    file_limits: ClassVar[Mapping[str, int]] = {"application/octet-stream": OWN_LIMIT}
    file: Annotated[bytes, PlainValidator(_recording)]


@router.post("/recording")
def recording(asked: Annotated[Recording, Depends(Recording.read)]) -> Response:
    """The first two minutes of a sound file, the request's body (application/octet-stream), as a mono WAV file: for
    what a browser cannot read itself, or not without filling its memory."""
    try:
        return answers.wav(recording_wav(asked.file), "recording.wav")
    except AudioError as error:
        raise InputError(str(error)) from error


class RecordingToEncode(Recording):
    start: Sound | None = None
    pitch: Annotated[float | None, by_card(_pitch)] = None
    steps: Annotated[int, whole(0, MOST_STEPS)] = STEPS
    name: Text = ""


@router.post("/encode")
def encode(
    studio: CurrentStudio,
    player: CurrentPlayer,
    visitor: CurrentVisitor,
    asked: Annotated[RecordingToEncode, Depends(RecordingToEncode.read)],
) -> Response:
    """Start a job that makes a sound of a recording, the request's body (application/octet-stream), at `pitch` (60 or
    C4; without it, found), in so many `steps`, on from the sound `start` that an earlier job found. Once it is done,
    `about` has `sound`, `pitch`, `pitched`, `distance` in dB (`refined` without the imprint, `encoder` by the encoder
    alone), `instruments`, and the `seconds` heard from `start` on; its file is the note."""
    start = timbre_of(asked.start, player.card) if asked.start else None
    if start is not None and asked.pitch is None:
        raise InputError("Going on from a sound needs the pitch that it was found at.")
    work = encode_work(player, asked.file, asked.pitch, asked.steps, asked.name, visitor, start)
    return JSONResponse({"job": studio.jobs.start(work, visitor)})
