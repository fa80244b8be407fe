"""Which pitch each key has: the tunings that have a name, and Scala's files."""

from typing import Annotated, ClassVar

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response
from pydantic import Field

from gansynth_core import TUNINGS, Tuning
from webapp.routes.answers import KEEP, AnyText, StudioRoute
from webapp.routes.asked import Asked, Text
from webapp.routes.studio import CurrentPlayer

router = APIRouter(route_class=StudioRoute)


class Scala(Asked):
    body_limit: ClassVar[int] = 200_000  # a scale of thousands of notes, and a mapping
    scl: Annotated[str | None, Field(description="the text of an .scl file")] = None
    kbm: Annotated[str | None, Field(description="the text of a .kbm file")] = None
    name: Text = ""


@router.get("/tunings")
def tunings(player: CurrentPlayer) -> Response:
    """The tunings that have a name: a list of {title, name, pitches}, the pitches of all keys from 0 on."""
    named = [{"title": title, **Tuning.named(name).to_json()} for name, title in TUNINGS.items()]
    return JSONResponse(named, headers=KEEP)


@router.post("/tuning")
def tuning(player: CurrentPlayer, asked: Annotated[Scala, Depends(Scala.read)]) -> Response:
    """The tuning of an .scl file, of a .kbm file, or of the one on the keyboard of the other: {name, pitches}."""
    found = Tuning.from_scala(asked.scl, asked.kbm, asked.name)
    return AnyText(found.to_json())
