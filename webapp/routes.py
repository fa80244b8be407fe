"""The studio's own routes: sound, pictures and WAV files as plain bytes, past Gradio's queue.

All lie under `/gradio_api/studio/`, the prefix Gradio's proxies forward. A note's address names the model (digest), the
sound and the pitches, so its answer never changes and browsers may keep it. A sound too long for an address comes in
the body, a JSON object of the same parameters. Errors are `{"error": "one sentence"}`.
"""

import asyncio
import ipaddress
import json
import socket
import threading
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import unquote

from fastapi import APIRouter, Depends, HTTPException, Request
from fastapi.responses import FileResponse, JSONResponse, Response

from gansynth_core import (
    AudioError,
    Clips,
    GanSynthError,
    InputError,
    Patch,
    Timbre,
    glide,
    measure,
    note_wav,
    pcm16,
    timbre_in,
)
from webapp.atlas import command_for, describe_atlas, pack_atlas
from webapp.jobs import Jobs
from webapp.midi import MIDI_LIMIT, describe_song, parse_path, read_song, song_work
from webapp.packs import BODY_LIMIT as PACK_BODY_LIMIT
from webapp.packs import estimate, pack_work, parse_plan
from webapp.player import Busy, Player
from webapp.sound_document import (
    BLOCK_LIMIT,
    check_pitch,
    describe,
    digest_of,
    file_name,
    glide_name,
    hue_of,
    leading_instrument,
    pack_latent,
    pack_patch,
    parse_patch,
    parse_sound,
    pitch_name,
    sentence_of,
    timbre_of,
    title_of_sound,
)

PREFIX = "/gradio_api/studio"
STATIC = Path(__file__).parent / "static"
FRONT_END = sorted(
    path.relative_to(STATIC).as_posix() for path in STATIC.rglob("*.*") if path.suffix in (".js", ".css")
)
KEEP = {"Cache-Control": "private, max-age=86400, immutable"}
PICTURE_WIDTHS = (280, 1600)  # CSS pixels
PICTURE_HEIGHTS = (240, 900)
PICTURE_LINE = 4
GLIDE_LIMIT = 24  # sounds that one note goes through
THUMB_WIDTHS, THUMB_HEIGHTS = (32, 240), (16, 120)  # CSS pixels
THUMB_LINE = 2  # small pictures come last: a third visitor's waits until these are drawn
BODY_LIMIT = 600_000  # bytes: a dozen sounds of the longest kind
BODY_LIMITS = {  # by the route's second-last part
    "midi": MIDI_LIMIT * 4 // 3 + BODY_LIMIT,  # a file in base64, and the sounds that play it
    "pack": PACK_BODY_LIMIT,
}
FILE_LIMITS = {"audio/wav": 25_000_000}  # bytes of a file sent as a body of its own, by content type

# Gradio's templates need inline scripts and Function; everything else comes from this server alone.
CONTENT_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'"
)


async def login_required(request: Request) -> None:
    """Refuse whoever is not logged in when the app was launched with a login: Gradio guards its own routes only."""
    app = request.app
    if getattr(app, "auth", None) is None and getattr(app, "auth_dependency", None) is None:
        return
    if app.auth_dependency is not None:
        user = app.auth_dependency(request)
        user = await user if hasattr(user, "__await__") else user
    else:
        cookies = request.cookies
        token = cookies.get(f"access-token-{app.cookie_id}") or cookies.get(f"access-token-unsecure-{app.cookie_id}")
        user = app.tokens.get(token)
    if user is None:
        raise HTTPException(401)


@dataclass(frozen=True)
class Asked:
    """What a request asks for: parameters by name, from the address or from a JSON body; the `job` it speaks of, if it
    does; and `given_up`, which is set when whoever asked goes away."""

    values: dict[str, Any]
    job: str = ""
    given_up: threading.Event = field(default_factory=threading.Event)

    def needed(self, name: str) -> Any:
        if self.values.get(name) is None:
            raise InputError(f"The request lacks '{name}'.")
        return self.values[name]

    def whole(self, name: str, low: int, high: int) -> int:
        text = str(self.needed(name))
        if not text.isascii() or not text.isdigit() or not low <= int(text[:9]) <= high:
            raise InputError(f"'{name}' is a whole number from {low} to {high}.")
        return int(text[:9])

    def number(self, name: str) -> float:
        try:
            return float(self.needed(name))
        except (TypeError, ValueError, OverflowError) as cause:
            raise InputError(f"'{name}' is a number.") from cause

    def choice(self, name: str, *choices: str) -> str:
        value = self.needed(name)
        if value not in choices:
            raise InputError(f"'{name}' is {', '.join(choices[:-1])} or {choices[-1]}.")
        return value


async def asked_of(request: Request) -> AsyncIterator[Asked]:
    asked = await _read(request)
    watch = asyncio.create_task(_watch(request, asked.given_up))
    try:
        yield asked
    finally:
        watch.cancel()


async def _watch(request: Request, given_up: threading.Event) -> None:
    while (await request.receive())["type"] != "http.disconnect":
        pass
    given_up.set()


async def _read(request: Request) -> Asked:
    job = request.path_params.get("job", "")
    limit = BODY_LIMITS.get(request.url.path.rsplit("/", 2)[-2], BODY_LIMIT)
    if request.method != "POST":
        return Asked(dict(request.query_params), job)
    # A form of another site cannot send these types without asking first, which it is never granted.
    kind = request.headers.get("content-type", "").split(";")[0]
    if kind in FILE_LIMITS:
        return Asked({**request.query_params, "file": await _body(request, FILE_LIMITS[kind])}, job)
    if kind != "application/json":
        raise HTTPException(415, "Send the parameters as JSON.")
    try:
        values = json.loads(await _body(request, limit))
    except (ValueError, RecursionError) as cause:
        raise HTTPException(400, "The request is not readable JSON.") from cause
    if not isinstance(values, dict):
        raise HTTPException(400, "The request is a JSON object.")
    return Asked(values, job)


async def _body(request: Request, limit: int) -> bytes:
    body = bytearray()
    async for piece in request.stream():
        body += piece
        if len(body) > limit:
            size = f"{limit // 1_000_000} MB" if limit >= 1_000_000 else f"{limit // 1000} kB"
            raise HTTPException(413, f"A request is at most {size} long.")
    return bytes(body)


def _answer(handler: Callable[[Asked], Response]) -> Callable[[Asked], Response]:
    """`handler` with every GanSynthError turned into a status and a sentence."""

    def answered(asked: Annotated[Asked, Depends(asked_of)]) -> Response:
        try:
            return handler(asked)
        except InputError as error:
            return JSONResponse({"error": sentence_of(error)}, status_code=400)
        except Busy as error:
            return JSONResponse({"error": sentence_of(error)}, status_code=503, headers={"Retry-After": "1"})
        except GanSynthError as error:
            return JSONResponse({"error": sentence_of(error)}, status_code=500)

    return answered


def studio_routes(player: Player, others: Sequence[Player] = ()) -> list[Any]:
    """The routes of one app, to be handed to `launch(app_kwargs={"routes": ...})`: the page opens with `player`, and
    with one of the `others` when it is asked to by their id."""
    players = {one.card.id: one for one in (player, *others)}
    offered = [{"id": one.card.id, "title": one.card.title} for one in players.values()]
    router = APIRouter(prefix=PREFIX, dependencies=[Depends(login_required)], include_in_schema=False)

    @router.get("/model")
    @_answer
    def model(asked: Asked) -> Response:
        """What the page must know of the model whose `id` it asks for, and which there are."""
        chosen = players.get(asked.values.get("id", player.card.id))
        if chosen is None:
            raise HTTPException(404, f"The model '{asked.values['id'][:60]}' is not here.")
        return JSONResponse(describe(chosen.card) | {"models": offered}, headers={"Cache-Control": "no-store"})

    @router.get("/ui/{name:path}")
    def ui(name: str) -> Response:
        if name not in FRONT_END:
            raise HTTPException(404)
        kind = "text/javascript" if name.endswith(".js") else "text/css"
        return FileResponse(STATIC / name, media_type=kind, headers={"Cache-Control": "no-cache"})

    shared = _Shared()
    for one in players.values():
        router.include_router(_model_routes(one, shared), prefix=f"/{digest_of(one.card)}")

    @router.api_route("/{digest}/{rest:path}", methods=["GET", "POST"])
    def unknown(digest: str, rest: str) -> Response:
        raise HTTPException(404, "This page was opened with another model. Reload it.")

    return list(router.routes)


class _Shared:
    """What the models of one app share: jobs, and how many pictures may wait to be drawn."""

    def __init__(self) -> None:
        self.jobs = Jobs()
        self.drawing = threading.Lock()  # matplotlib's fonts are not thread-safe
        self.picture_line = threading.BoundedSemaphore(PICTURE_LINE)
        self.thumb_line = threading.BoundedSemaphore(THUMB_LINE)


def _model_routes(player: Player, shared: _Shared) -> APIRouter:
    """What one model plays, measures, draws and renders, below an address that names it."""
    card, jobs = player.card, shared.jobs
    router = APIRouter()

    def one_note(asked: Asked) -> tuple[dict[str, Any], int, Clips]:
        sound = parse_sound(asked.needed("sound"), card)
        pitch = check_pitch(asked.needed("pitch"), card)
        return sound, pitch, player.render(timbre_of(sound, card), [pitch])

    def played(asked: Asked, background: bool = False) -> Clips:
        documents = asked.needed("sounds")
        if not isinstance(documents, list) or not 1 <= len(documents) <= BLOCK_LIMIT:
            raise InputError(f"One request plays 1 to {BLOCK_LIMIT} sounds.")
        timbres = [timbre_of(parse_sound(document, card), card) for document in documents]
        pitches = [check_pitch(asked.needed("pitch"), card)] * len(timbres)
        return player.render(timbres, pitches, background=background)

    def pcm(clips: Clips) -> Response:
        headers = KEEP | {"X-Sample-Rate": str(clips.sample_rate), "X-Samples": str(clips.audio.shape[-1])}
        return Response(pcm16(clips.audio).tobytes(), media_type="application/octet-stream", headers=headers)

    both = {"methods": ["GET", "POST"]}

    @router.api_route("/notes", **both)
    @_answer
    def notes(asked: Asked) -> Response:
        """Pitches `low` to `high` of one sound, one after the other: int16 little-endian mono, all of one length."""
        sound = parse_sound(asked.needed("sound"), card)
        low, high = (check_pitch(asked.needed(name), card) for name in ("low", "high"))
        if not low <= high < low + BLOCK_LIMIT:
            raise InputError(f"One request plays 1 to {BLOCK_LIMIT} neighbouring keys, the lowest first.")
        return pcm(player.render(timbre_of(sound, card), range(low, high + 1), given_up=asked.given_up))

    @router.post("/takes")
    @_answer
    def takes(asked: Asked) -> Response:
        """One `pitch` of several `sounds`, one after the other, as `notes`. Those that are wanted `ahead` of time let
        whoever waits for a note go first."""
        return pcm(played(asked, background=asked.values.get("ahead") is True))

    @router.post("/measures")
    @_answer
    def measures(asked: Asked) -> Response:
        """What is measured of one `pitch` of several `sounds`: for each a number a descriptor, in the model's order."""
        measured = measure(played(asked))
        return JSONResponse({"values": [[float(f"{value:.5g}") for value in row] for row in measured]})

    @router.api_route("/timbre", **both)
    @_answer
    def timbre(asked: Asked) -> Response:
        """Any sound as its numbers: a sound document with `z`, `instruments` and nothing else."""
        found = timbre_of(parse_sound(asked.needed("sound"), card), card)
        return JSONResponse({"z": pack_latent(found.z), "instruments": dict(found.instruments)}, headers=KEEP)

    @router.post("/sound")
    @_answer
    def sound(asked: Asked) -> Response:
        """The sound that a WAV file of the studio carries, the request's body: a document with `z` and `instruments`.
        `name` is what errors call the file."""
        data = asked.needed("file")
        if not isinstance(data, bytes):
            raise InputError("Send a WAV file.")
        try:
            found = timbre_in(data, str(asked.needed("name"))[:120])
        except AudioError as error:
            raise InputError(str(error)) from error
        if found.model != card.id:
            raise InputError(f"This file's sound belongs to the model '{found.model[:60]}', not to '{card.id}'.")
        found = Timbre.of(card, found.z, dict(found.instruments) or None)
        return JSONResponse({"z": pack_latent(found.z), "instruments": dict(found.instruments)})

    @router.post("/preset/save")
    @_answer
    def preset_save(asked: Asked) -> Response:
        """A `sound` played with a `patch` as a preset file called `name`: see gansynth_core.Patch."""
        sound = parse_sound(asked.needed("sound"), card)
        envelope, gain_db = parse_patch(asked.needed("patch"))
        preset = Patch(timbre_of(sound, card), envelope, gain_db, str(asked.needed("name")))
        return JSONResponse(preset.to_json())

    @router.post("/preset/read")
    @_answer
    def preset_read(asked: Asked) -> Response:
        """What is in a preset file (`preset`, its JSON): `name`, `sound` and `patch` as the page knows them."""
        preset = Patch.from_json(asked.needed("preset"))
        found = preset.timbre
        if found.model != card.id:
            raise InputError(f"This preset's sound belongs to the model '{found.model[:60]}', not to '{card.id}'.")
        found = Timbre.of(card, found.z, dict(found.instruments) or None)
        sound = {"z": pack_latent(found.z), "instruments": dict(found.instruments)}
        patch = pack_patch(preset.envelope, preset.gain_db)
        return JSONResponse({"name": preset.name, "sound": sound, "patch": patch})

    @router.api_route("/wav", **both)
    @_answer
    def wav(asked: Asked) -> Response:
        """One note as a 24-bit WAV file of `seconds` length that carries its sound (see `sound`); with a `patch`, of a
        key held so long, and its release."""
        seconds = asked.number("seconds")
        sound, pitch, clips = one_note(asked)
        name = file_name(sound, pitch)
        if "patch" in asked.values:
            envelope, gain_db = parse_patch(asked.values["patch"])
            clips = clips.shaped(envelope, seconds, gain_db)
        else:
            clips = clips.shorten(seconds)
        title = f"{title_of_sound(sound, card)}, {pitch_name(pitch)}"
        data = note_wav(clips[0], pitch, timbre_of(sound, card), title)
        return Response(data, media_type="audio/wav", headers={"Content-Disposition": f'attachment; filename="{name}"'})

    @router.post("/glide")
    @_answer
    def gliding(asked: Asked) -> Response:
        """One note at `pitch` that goes through `sounds` within `seconds`, each reached `at` a share of them.

        `format` pcm: the model's whole note, as `notes`; wav: a file of that length, shaped by `patch` as `wav`.
        """
        kind = asked.choice("format", "pcm", "wav")
        documents, at = asked.needed("sounds"), asked.needed("at")
        if not isinstance(documents, list) or not 1 <= len(documents) <= GLIDE_LIMIT:
            raise InputError(f"A glide goes through 1 to {GLIDE_LIMIT} sounds.")
        if not isinstance(at, list) or not all(isinstance(moment, int | float) for moment in at):
            raise InputError("'at' lists a number from 0 to 1 for each sound.")
        sounds = [parse_sound(document, card) for document in documents]
        timbres = [timbre_of(sound, card) for sound in sounds]
        pitch, seconds = check_pitch(asked.needed("pitch"), card), asked.number("seconds")
        clips = glide(player, timbres, pitch, seconds, at, keyframes=len(timbres))
        if kind == "pcm":
            return pcm(clips)
        envelope, gain_db = parse_patch(asked.values.get("patch", {}))
        name = glide_name(sounds, pitch)
        title = f"{title_of_sound(sounds[0], card)} → {title_of_sound(sounds[-1], card)}, {pitch_name(pitch)}"
        data = note_wav(clips.shaped(envelope, seconds, gain_db)[0], pitch, None, title)
        return Response(data, media_type="audio/wav", headers={"Content-Disposition": f'attachment; filename="{name}"'})

    @router.api_route("/picture", **both)
    @_answer
    def picture(asked: Asked) -> Response:
        """One note as PNG, `width` x `height` CSS pixels, for a `light` or `dark` page: waveform and spectrogram, or,
        of the `kind` rainbow, its rainbowgram."""
        rainbow = asked.choice("kind", "spectrogram", "rainbow") == "rainbow" if "kind" in asked.values else False
        size = asked.whole("width", *PICTURE_WIDTHS), asked.whole("height", *PICTURE_HEIGHTS)
        theme = asked.choice("theme", "light", "dark")
        if not shared.picture_line.acquire(blocking=False):
            raise Busy("The studio is busy: too many pictures are waiting.")
        try:
            # matplotlib takes a second to import: not before it draws
            from webapp.figures import note_figure, png, rainbow_figure

            sound, pitch, clips = one_note(asked)
            title = f"{title_of_sound(sound, card)}, {pitch_name(pitch)}"
            hue = hue_of(leading_instrument(sound), card)
            with shared.drawing:
                if rainbow:
                    figure = rainbow_figure(clips[0], title, pitch, theme == "dark", size)
                else:
                    figure = note_figure(clips[0], title, pitch, hue, theme == "dark", size)
                data = png(figure)
        finally:
            shared.picture_line.release()
        return Response(data, media_type="image/png", headers=KEEP)

    @router.api_route("/thumb", **both)
    @_answer
    def thumb(asked: Asked) -> Response:
        """A small spectrogram of one note as PNG, `width` x `height` CSS pixels, for a `light` or `dark` page."""
        size = asked.whole("width", *THUMB_WIDTHS), asked.whole("height", *THUMB_HEIGHTS)
        theme = asked.choice("theme", "light", "dark")
        if not shared.thumb_line.acquire(blocking=False):
            raise Busy("The studio is busy: too many small pictures are waiting.")
        try:
            from webapp.figures import thumbnail

            sound, _, clips = one_note(asked)
            data = thumbnail(clips[0], hue_of(leading_instrument(sound), card), theme == "dark", size)
        finally:
            shared.thumb_line.release()
        return Response(data, media_type="image/png", headers=KEEP)

    @router.get("/atlas")
    @_answer
    def atlas(asked: Asked) -> Response:
        """What there is to know of the model's map, the hash that its points go by among it; or how to make one."""
        found = player.atlas()
        facts = {"missing": command_for(card)} if found is None else describe_atlas(found, pack_atlas(found))
        return JSONResponse(facts, headers={"Cache-Control": "no-store"})

    @router.get("/points")
    @_answer
    def points(asked: Asked) -> Response:
        """The points of the map whose hash is `map`, as `pack_atlas` lays them out."""
        found = player.atlas()
        packed = pack_atlas(found) if found else b""
        if found is None or describe_atlas(found, packed)["hash"] != asked.needed("map"):
            raise HTTPException(404, "The map has changed. Reload the page.")
        return Response(packed, media_type="application/octet-stream", headers=KEEP)

    @router.post("/midi/look")
    @_answer
    def midi_look(asked: Asked) -> Response:
        """What is in a MIDI file (`midi`, base64): see describe_song."""
        return JSONResponse(describe_song(read_song(asked.needed("midi")), card))

    @router.post("/midi/render")
    @_answer
    def midi_render(asked: Asked) -> Response:
        """Start a job that plays `midi` along `path`, with or without `drums`; its file takes its name from `name`."""
        path = parse_path(asked.needed("path"), card)
        song, drums = read_song(asked.needed("midi")), asked.values.get("drums") is True
        return JSONResponse({"job": jobs.start(song_work(player, song, path, drums, str(asked.needed("name"))))})

    @router.post("/pack/estimate")
    @_answer
    def pack_estimate(asked: Asked) -> Response:
        """What a pack of so many `sounds` with `options` would come to: see packs.estimate."""
        return JSONResponse(estimate(asked.needed("sounds"), asked.needed("options"), card))

    @router.post("/pack/export")
    @_answer
    def pack_export(asked: Asked) -> Response:
        """Start a job that makes a pack of `sounds` with `options`, and perhaps the wavetable between `ends`."""
        plan = parse_plan(asked.needed("sounds"), asked.values.get("ends"), asked.needed("options"), card)
        return JSONResponse({"job": jobs.start(pack_work(player, plan))})

    @router.get("/jobs/{job}")
    @_answer
    def job_state(asked: Asked) -> Response:
        """How far a job is: see Jobs.state."""
        return JSONResponse(jobs.state(asked.job), headers={"Cache-Control": "no-store"})

    @router.post("/jobs/{job}/cancel")
    @_answer
    def job_cancel(asked: Asked) -> Response:
        jobs.cancel(asked.job)
        return JSONResponse({})

    @router.get("/jobs/{job}/file")
    @_answer
    def job_file(asked: Asked) -> Response:
        """The file of a job that is done, whole or the part that a player asks for."""
        path = jobs.file(asked.job)
        return FileResponse(path, filename=path.name, headers={"Cache-Control": "private, max-age=3600"})

    return router


class Guard:
    """ASGI middleware: known hosts only, no fetching of foreign files through Gradio, and a content policy.

    A page on another site can point its own host name at this machine (DNS rebinding) and so read what we serve. Such
    a request carries that name as Host; addresses written in digits cannot be abused this way and are let in.
    """

    def __init__(self, app: Any, hosts: tuple[str, ...] = ()):
        self.app = app
        self.hosts = {"localhost", socket.gethostname().lower(), *(host.lower() for host in hosts)}

    async def __call__(self, scope: dict, receive: Any, send: Any) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = dict(scope["headers"])
        if not self.knows(headers.get(b"host", b"").decode("latin-1")):
            refusal = JSONResponse({"error": "This host name is not one the studio was started for."}, 400)
            return await refusal(scope, receive, send)
        target = unquote(scope["path"]).lower().replace("\\", "/")
        if "/file=http:" in target or "/file=https:" in target:
            return await JSONResponse({"error": "The studio fetches nothing from outside."}, 403)(scope, receive, send)

        async def with_policy(message: dict) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [
                    *message["headers"],
                    (b"content-security-policy", CONTENT_POLICY.encode()),
                    (b"x-content-type-options", b"nosniff"),
                    (b"referrer-policy", b"same-origin"),
                ]
            await send(message)

        return await self.app(scope, receive, with_policy)

    def knows(self, host: str) -> bool:
        """Whether a Host header (with or without a port) names this machine."""
        name = host.rsplit("]", 1)[0].lstrip("[") if host.startswith("[") else host.rsplit(":", 1)[0]
        if name.lower() in self.hosts:
            return True
        try:
            ipaddress.ip_address(name)
        except ValueError:
            return False
        return True
