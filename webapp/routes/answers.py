"""What routes answer with: sound and pictures as plain bytes, and one sentence where they cannot."""

import asyncio
import json
import logging
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import HTTPException, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute
from starlette.requests import ClientDisconnect
from starlette.types import Message

from gansynth_core import Clips, GanSynthError, InputError, pcm16
from webapp.line import Busy
from webapp.sound_document import sentence_of

KEEP = {"Cache-Control": "private, max-age=86400, immutable"}
KEPT = {"Cache-Control": "private, max-age=31536000, immutable"}
FRESH = {"Cache-Control": "no-store"}


class StudioRoute(APIRoute):
    """A route whose GanSynthErrors become `{"error": "one sentence"}` with a status, and whose work is cancelled when
    whoever asked goes away.

    It travels with the routes: Gradio builds the app that they end up in.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            watched = _Watched(request)
            work = asyncio.ensure_future(handle(watched.request))
            watched.begin(work)
            try:
                return await work
            except GanSynthError as error:
                return refusal(error)
            except (HTTPException, RequestValidationError):
                raise
            except ClientDisconnect:
                return Response(status_code=499)  # nobody reads it
            except Exception as error:  # a fault of ours: the page hears of it, and the terminal all of it
                logging.getLogger(__name__).exception("A request failed")
                sentence = f"The studio could not do that ({type(error).__name__})."
                return JSONResponse({"error": sentence}, 500)
            except asyncio.CancelledError:
                if watched.left:
                    return Response(status_code=499)  # nobody reads it
                work.cancel()
                raise
            finally:
                watched.end()

        return answer


class _Watched:
    """A request that is watched for its end, once its body has been read."""

    def __init__(self, request: Request):
        self._receive = request.receive
        self.request = Request(request.scope, self._read, request._send)
        self.left = False
        self._work: asyncio.Future[Response] | None = None
        self._watching: asyncio.Task[None] | None = None
        self._whole = request.method in ("GET", "HEAD")

    def begin(self, work: "asyncio.Future[Response]") -> None:
        """Cancel `work` when whoever asked goes away."""
        self._work = work
        if self._whole:
            self._watch()

    def end(self) -> None:
        """Watch no more, and let go of the answer: request and watcher know each other, so that they stay in memory
        until Python looks for such circles."""
        self._work = None
        if self._watching is not None:
            self._watching.cancel()

    async def _read(self) -> Message:
        message = await self._receive()
        if message["type"] == "http.request" and not message.get("more_body") and self._watching is None:
            self._watch()
        return message

    def _watch(self) -> None:
        self._watching = asyncio.ensure_future(self._until_left())

    async def _until_left(self) -> None:
        while (await self._receive())["type"] != "http.disconnect":
            pass
        self.left = True
        if self._work is not None:
            self._work.cancel()


def refusal(error: GanSynthError) -> Response:
    """400 for what the visitor can mend, 503 for what may work in a second, 500 for all else."""
    status = 400 if isinstance(error, InputError) else 503 if isinstance(error, Busy) else 500
    headers = {"Retry-After": "1"} if status == 503 else None
    return JSONResponse({"error": sentence_of(error)}, status, headers)


class AnyText(JSONResponse):
    """JSON of text that a visitor wrote: in ASCII, which holds even half a surrogate pair."""

    def render(self, content: Any) -> bytes:
        return json.dumps(content, allow_nan=False, separators=(",", ":")).encode()


def pcm(clips: Clips) -> Response:
    """Notes of one length, one after the other: int16, little-endian, mono."""
    headers = KEEP | {"X-Sample-Rate": str(clips.sample_rate), "X-Samples": str(clips.audio.shape[-1])}
    return Response(pcm16(clips.audio).tobytes(), media_type="application/octet-stream", headers=headers)


def wav(data: bytes, name: str) -> Response:
    """A WAV file for the visitor to save."""
    return Response(data, media_type="audio/wav", headers={"Content-Disposition": f'attachment; filename="{name}"'})


def png(data: bytes) -> Response:
    """A picture of something that never changes."""
    return Response(data, media_type="image/png", headers=KEEP)
