"""What the page itself is made of: its scripts and styles, and what it must know of a model."""

from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query
from fastapi.responses import FileResponse, JSONResponse, Response

from webapp.routes.answers import FRESH, StudioRoute
from webapp.routes.studio import CurrentStudio
from webapp.sound_document import describe

STATIC = Path(__file__).parent.parent / "static"
FRONT_END = sorted(
    path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.*") if path.suffix in (".js", ".css")
)
"""The files that the page may load, as paths below STATIC."""

router = APIRouter(route_class=StudioRoute)


@router.get("/model")
def model(studio: CurrentStudio, wanted: Annotated[str | None, Query(alias="id")] = None) -> Response:
    """What the page must know of the model with this `id` (by default the one it opens with), and which others there
    are."""
    player = studio.opened if wanted is None else studio.players.get(wanted)
    if player is None:
        raise HTTPException(404, f"The model '{wanted[:60] if wanted else ''}' is not here.")
    offered = [{"id": one.card.id, "title": one.card.title} for one in studio.players.values()]
    return JSONResponse(describe(player.card) | {"models": offered}, headers=FRESH)


@router.get("/ui/{name:path}")
def ui(name: str) -> Response:
    """A script or style of the page."""
    if name not in FRONT_END:
        raise HTTPException(404)
    kind = "text/javascript" if name.endswith(".js") else "text/css"
    return FileResponse(STATIC / name, media_type=kind, headers={"Cache-Control": "no-cache"})
