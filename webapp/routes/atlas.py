"""The map of a model's sounds."""

from typing import Annotated

from fastapi import APIRouter, Depends, HTTPException
from fastapi.responses import JSONResponse, Response

from webapp.atlas import command_for, describe_atlas, pack_atlas
from webapp.routes.answers import FRESH, KEEP, StudioRoute
from webapp.routes.asked import Asked, Text
from webapp.routes.studio import CurrentPlayer

router = APIRouter(route_class=StudioRoute)


@router.get("/atlas")
def atlas(player: CurrentPlayer) -> Response:
    """What the page must know of the model's map, including the hash its points go by; or how to make one."""
    found = player.atlas()
    if found is None:
        return JSONResponse({"missing": command_for(player.card)}, headers=FRESH)
    return JSONResponse(describe_atlas(found, pack_atlas(found)), headers=FRESH)


class Points(Asked):
    map: Text


@router.get("/points")
def points(player: CurrentPlayer, asked: Annotated[Points, Depends(Points.read)]) -> Response:
    """The points of the map whose hash is `map`, as `pack_atlas` lays them out."""
    found = player.atlas()
    packed = pack_atlas(found) if found else b""
    if found is None or describe_atlas(found, packed)["hash"] != asked.map:
        raise HTTPException(404, "The map has changed. Reload the page.")
    return Response(packed, media_type="application/octet-stream", headers=KEEP)
