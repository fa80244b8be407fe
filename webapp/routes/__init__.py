"""The studio's own routes: sound, pictures and files as plain bytes, past Gradio's queue.

All lie under `/gradio_api/studio/`, the prefix Gradio's proxies forward. A note's address names the model (digest), the
sound and the pitches, so its answer never changes and browsers may keep it. A sound too long for an address comes in
the body, a JSON object of the same parameters. Errors are `{"error": "one sentence"}`.

studio.py says what the routes share, asked.py how a request is read, answers.py what comes back; then a file for each
concern.
"""

from fastapi import APIRouter, Depends, HTTPException
from starlette.routing import BaseRoute

from webapp.gate import login_required
from webapp.routes import atlas, jobs, midi, notes, own, packs, page, pictures, sounds, tunings
from webapp.routes.page import FRONT_END, VERSION
from webapp.routes.studio import OTHER_MODEL, Studio, current_player

__all__ = ["FRONT_END", "PREFIX", "VERSION", "Studio", "studio_routes"]

PREFIX = "/gradio_api/studio"


def studio_routes(studio: Studio) -> list[BaseRoute]:
    """The routes of one app, to be handed to `launch(app_kwargs={"routes": ...})`."""
    known = [Depends(login_required), Depends(studio.enter)]
    router = APIRouter(prefix=PREFIX, dependencies=known, include_in_schema=False)
    router.include_router(page.router)
    for concern in (notes, pictures, sounds, atlas, midi, packs, jobs, tunings, own):
        router.include_router(concern.router, prefix="/{digest}", dependencies=[Depends(current_player)])
    router.add_api_route("/{digest}/{rest:path}", unknown, methods=["GET", "POST"])
    return list(router.routes)


def unknown() -> None:
    """Any other address is most likely one of a model whose weights have changed since the page was opened."""
    raise HTTPException(404, OTHER_MODEL)
