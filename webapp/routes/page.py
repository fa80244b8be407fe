"""What the page itself is made of: its scripts and styles, and what it must know of a model."""

import hashlib
import re
from pathlib import Path
from typing import Annotated

from fastapi import APIRouter, HTTPException, Query, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.staticfiles import NotModifiedResponse, StaticFiles

from webapp.routes.answers import FRESH, KEPT, StudioRoute
from webapp.routes.studio import CurrentStudio
from webapp.sound_document import describe

STATIC = Path(__file__).parent.parent / "static"
FRONT_END = sorted(
    path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.*") if path.suffix in (".js", ".css")
)
"""The files that the page may load, as paths below STATIC."""

VERSION = hashlib.sha256(b"".join((STATIC / name).read_bytes() for name in FRONT_END)).hexdigest()[:12]
"""Of all of them together. The page asks for `ui/VERSION/...`, so a browser that has them once never asks again; what
they import from each other stands in the same folder."""

router = APIRouter(route_class=StudioRoute)
_files = StaticFiles(directory=STATIC)


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
def ui(name: str, request: Request) -> Response:
    """A script or style of the page. Of the VERSION that is here it may be kept for ever; else, as when the app was
    changed under an open page, the browser asks each time and hears no more than that it is still the same."""
    version, _, rest = name.partition("/")
    if re.fullmatch(r"[0-9a-f]{12}", version):
        name = rest
    if name not in FRONT_END:
        raise HTTPException(404)
    kind = "text/javascript" if name.endswith(".js") else "text/css"
    path, headers = STATIC / name, KEPT if version == VERSION else {"Cache-Control": "no-cache"}
    answer = FileResponse(path, media_type=kind, headers=headers, stat_result=path.stat())  # with an ETag
    if _files.is_not_modified(answer.headers, request.headers):
        return NotModifiedResponse(answer.headers)
    return answer
