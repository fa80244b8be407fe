"""What routes answer with: sound and pictures as plain bytes, and one sentence where they cannot."""

import json
from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import Request
from fastapi.responses import JSONResponse, Response
from fastapi.routing import APIRoute

from gansynth_core import Clips, GanSynthError, InputError, pcm16
from webapp.line import Busy
from webapp.sound_document import sentence_of

KEEP = {"Cache-Control": "private, max-age=86400, immutable"}
FRESH = {"Cache-Control": "no-store"}


class StudioRoute(APIRoute):
    """A route whose GanSynthErrors become `{"error": "one sentence"}` with a status.

    It travels with the routes: Gradio builds the app that they end up in.
    """

    def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
        handle = super().get_route_handler()

        async def answer(request: Request) -> Response:
            try:
                return await handle(request)
            except GanSynthError as error:
                return refusal(error)

        return answer


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
