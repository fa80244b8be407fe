"""Jobs: how far one is, stopping it, and its file."""

from fastapi import APIRouter, Depends, Request
from fastapi.responses import FileResponse, JSONResponse, Response
from starlette.background import BackgroundTask

from webapp.routes.answers import FRESH, StudioRoute
from webapp.routes.asked import Asked
from webapp.routes.studio import CurrentStudio

router = APIRouter(prefix="/jobs/{job}", route_class=StudioRoute)


@router.get("")
def state(job: str, studio: CurrentStudio) -> Response:
    """How far a job is: see Jobs.state."""
    return JSONResponse(studio.jobs.state(job), headers=FRESH)


@router.post("/cancel", dependencies=[Depends(Asked.read)])
def cancel(job: str, studio: CurrentStudio) -> Response:
    """Stop a job, or delete its file."""
    studio.jobs.cancel(job)
    return JSONResponse({})


@router.get("/file")
def file(job: str, studio: CurrentStudio, request: Request, beside: str | None = None) -> Response:
    """The file of a job that is done, or one `beside` it, whole or the range that an audio player asks for."""
    path = studio.jobs.file(job, beside)
    whole = beside is None and "range" not in request.headers
    sent = BackgroundTask(studio.jobs.fetched, job) if whole else None
    headers = {"Cache-Control": "private, max-age=3600"}
    return FileResponse(path, filename=path.name, headers=headers, background=sent)
