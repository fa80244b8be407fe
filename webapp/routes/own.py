"""Own sounds: a recording becomes a sound of the model."""

from collections.abc import Mapping
from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response
from pydantic import PlainValidator

from gansynth_core import InputError, ModelCard, parse_pitch
from webapp.own import MOST_STEPS, OWN_LIMIT, STEPS, encode_work
from webapp.routes.answers import StudioRoute
from webapp.routes.asked import Asked, Text, by_card, whole
from webapp.routes.studio import CurrentPlayer, CurrentStudio, CurrentVisitor

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
    pitch: Annotated[float | None, by_card(_pitch)] = None
    steps: Annotated[int, whole(0, MOST_STEPS)] = STEPS
    name: Text = ""


@router.post("/encode")
def encode(
    studio: CurrentStudio,
    player: CurrentPlayer,
    visitor: CurrentVisitor,
    asked: Annotated[Recording, Depends(Recording.read)],
) -> Response:
    """Start a job that makes a sound of a recording, the request's body (application/octet-stream), at `pitch` (60 or
    C4; without it, found), in so many `steps`. Once it is done, `about` has `sound`, `pitch`, `pitched`, `distance` in
    dB (`refined` without the imprint, `encoder` by the encoder alone), `instruments`, and the `seconds` heard from
    `start` on; its file is the note."""
    work = encode_work(player, asked.file, asked.pitch, asked.steps, asked.name, visitor)
    return JSONResponse({"job": studio.jobs.start(work, visitor)})
