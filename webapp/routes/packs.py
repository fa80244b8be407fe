"""Sample packs: what one would come to, and making it."""

from typing import Annotated, Any, ClassVar

from fastapi import APIRouter, Depends
from fastapi.responses import JSONResponse, Response

from webapp.packs import BODY_LIMIT, estimate, pack_work, parse_plan
from webapp.routes.answers import StudioRoute
from webapp.routes.asked import Asked
from webapp.routes.studio import CurrentPlayer, CurrentStudio, CurrentVisitor

router = APIRouter(route_class=StudioRoute)


class Pack(Asked):
    """Its parts depend on each other: webapp.packs reads them."""

    body_limit: ClassVar[int] = BODY_LIMIT
    sounds: Any
    options: Any
    ends: Any = None


@router.post("/pack/estimate")
def pack_estimate(studio: CurrentStudio, player: CurrentPlayer, asked: Annotated[Pack, Depends(Pack.read)]) -> Response:
    """What a pack of this many `sounds` with `options` would come to: see packs.estimate."""
    return JSONResponse(estimate(asked.sounds, asked.options, player.card, studio.pacing.now(player)))


@router.post("/pack/export")
def pack_export(
    studio: CurrentStudio,
    player: CurrentPlayer,
    visitor: CurrentVisitor,
    asked: Annotated[Pack, Depends(Pack.read)],
) -> Response:
    """Start a job that makes a pack of `sounds` with `options`, and perhaps the wavetable between `ends`."""
    plan = parse_plan(asked.sounds, asked.ends, asked.options, player.card)
    size = 2 * plan.estimate(player.card).bytes  # its parts, and the zip that they go into
    return JSONResponse({"job": studio.jobs.start(pack_work(player, plan, visitor), visitor, size)})
