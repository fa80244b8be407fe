"""Who may ask for what: known host names, nothing from other sites, of Gradio only what the page uses, and visitors who
are logged in."""

import ipaddress
import json
import re
import secrets
import socket
import time
from collections.abc import Callable, Collection, Mapping
from typing import NamedTuple
from urllib.parse import unquote

from fastapi import HTTPException, Request
from fastapi.responses import JSONResponse, Response
from starlette.datastructures import Headers, MutableHeaders, QueryParams
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Gradio's templates need inline scripts and Function; everything else comes from this server alone.
CONTENT_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'self'"
)
PROTECTION = {
    "content-security-policy": CONTENT_POLICY,
    "cross-origin-resource-policy": "same-origin",
    "x-content-type-options": "nosniff",
    "referrer-policy": "same-origin",
}

VISITOR_COOKIE = "studio-visitor"  # tells browsers of one address apart, so that each gets its turns; told to nobody

STUDIO = "/gradio_api/studio/"  # our own routes, which limit what they read themselves
# What the page, its login and gradio_client use of Gradio's routes. Uploads and all the rest stay closed.
OPEN = re.compile(
    r"/|/(healthz|metrics)|/(config|login|logout)/?|/(theme\.css|favicon\.ico|manifest\.json|robots\.txt)|/pwa_icon(/\w+)?"
    r"|/(assets|static)/.+"
    r"|/gradio_api/(info|app_id|user|token|login_check)/?|/gradio_api/(startup-events|theme\.css|cancel|reset/?)"
    r"|/gradio_api/(heartbeat/[^/]+|file=.+|queue/(join|data)|call/generate(/[^/]+)?)",
    re.S,
)
QUEUE = re.compile(r"/gradio_api/(queue/join|call/generate)")
SENT = re.compile(rf"{QUEUE.pattern}|/gradio_api/(cancel|reset/?)")  # JSON
# Files of Gradio whose names change with what is in them.
HASHED = re.compile(r"/(assets/.*-[\w-]{8}\.\w+|static/fonts/.+)")
KEPT = "public, max-age=31536000, immutable"
BODY_LIMIT = 1_000_000  # bytes of a request to Gradio
PATH_LIMIT, NAME_LIMIT = 1000, 255  # bytes of a path and of each name in it; disks have no longer ones
HOST = re.compile(r"(?P<name>\[[0-9a-f:.]+\]|[\w.-]+)(:(?P<port>\d{1,5}))?", re.ASCII | re.IGNORECASE)
DEFAULT_PORTS = {"http": 80, "https": 443}


async def login_required(request: Request) -> None:
    """Refuse visitors who are not logged in when the app was launched with a login: Gradio guards only its own
    routes."""
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


class Host(NamedTuple):
    """A host as an address bar has it. name: in lower case, an IP address in its shortest form. port: None if it goes
    without saying."""

    name: str
    port: int | None

    @classmethod
    def of(cls, text: str) -> "Host | None":
        """`text` as a host, None if it is not one."""
        found = HOST.fullmatch(text)
        if found is None:
            return None
        name = found["name"].strip("[]").lower()
        address = _address(name)
        return cls(str(address) if address else name, int(found["port"]) if found["port"] else None)


def _address(name: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        return ipaddress.ip_address(name)
    except ValueError:
        return None


class Hosts:
    """The hosts that the app answers to when it listens at `address`: what it was `told`, and its own.

    A page on another site can point its own host name at this machine (DNS rebinding) and so read what we serve. Such
    a request carries that name as Host. Addresses written in digits cannot be abused this way, so an app that others
    may reach answers to all of them; one that only this machine may reach, to those that mean this machine.
    """

    def __init__(self, address: str, told: Collection[str] = ()):
        self.told = {host for host in map(Host.of, told) if host}
        self.local = _is_loopback(address)
        own = {"localhost", address.lower()} | (set() if self.local else {socket.gethostname().lower()})
        self.names = own | {host.name for host in self.told}

    def know(self, host: Host) -> bool:
        """Whether this is the app's own host."""
        if host.name in self.names:
            return True
        address = _address(host.name)
        if address is None or getattr(address, "ipv4_mapped", None):  # nobody writes ::ffff:127.0.0.1 but to get round
            return False
        return address.is_loopback or not self.local

    def own(self, origin: str, host: Host) -> bool:
        """Whether the page with this `origin` came from the app, which it now asks as `host`: the very same host and
        port, or, behind a proxy that does not pass the name on, one that the app was told."""
        scheme, _, rest = origin.partition("://")
        page, usual = Host.of(rest), DEFAULT_PORTS.get(scheme)
        if page is None or usual is None:
            return False
        own = {(one.name, one.port or usual) for one in (host, *self.told)}
        return (page.name, page.port or usual) in own


def _is_loopback(address: str) -> bool:
    try:
        found = socket.getaddrinfo(address, None, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        return False
    return all(ipaddress.ip_address(str(place[0]).partition("%")[0]).is_loopback for *_, place in found)


class Guard:
    """ASGI middleware around the whole app: known hosts only, nothing for pages of other sites, of Gradio only what is
    used, and headers that tell browsers to keep other sites out.

    It must be the outermost, as Gradio's own answers to other origins would allow most of them.
    """

    def __init__(
        self,
        app: ASGIApp,
        hosts: Hosts,
        root_path: str = "",
        functions: Mapping[int, int] | None = None,
        answered: Callable[[str, int, float], object] = lambda path, status, seconds: None,
    ):
        """root_path: what a proxy leaves before paths. functions: what Gradio's queue may be asked for, and how many
        values each takes. answered: told of each answer its path, status and the seconds that it took to begin."""
        self.app, self.hosts, self.root_path, self.functions = app, hosts, root_path, functions or {}
        self._answered = answered

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            return await self.app(scope, receive, send)
        began = time.monotonic()
        refused = self.refusal(scope)
        if scope["type"] == "websocket":
            if refused:
                return await send({"type": "websocket.close", "code": 1008})
            return await self.app(scope, receive, send)
        if refused is None and scope["method"] == "POST" and not self.path(scope).startswith(STUDIO):
            body = await self.body(self.path(scope), receive)
            if isinstance(body, bytes):
                scope, receive = _with_body(scope, body, receive)
            else:
                refused = body
        if refused:
            return await refused(scope, receive, send)

        new = self.path(scope) == "/" and VISITOR_COOKIE not in Request(scope).cookies

        async def with_protection(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                headers.update(PROTECTION)
                if message["status"] == 200 and HASHED.fullmatch(self.path(scope)):
                    headers["cache-control"] = KEPT
                self._answered(self.path(scope), message["status"], time.monotonic() - began)
                if new:
                    path = f"{self.root_path}/"
                    name = secrets.token_urlsafe(16)
                    headers.append("set-cookie", f"{VISITOR_COOKIE}={name}; Path={path}; HttpOnly; SameSite=Strict")
            await send(message)

        try:
            await self.app(scope, receive, with_protection)
        except RuntimeError as error:  # Gradio finds out that there is nothing to stream when it has begun
            if not isinstance(error.__cause__, HTTPException):
                raise
            await send({"type": "http.response.body"})

    def path(self, scope: Scope) -> str:
        """The path as the app's routes know it."""
        path: str = scope["path"]
        return path.removeprefix(self.root_path) if path.startswith(f"{self.root_path}/") else path

    def refusal(self, scope: Scope) -> Response | None:
        """What to answer at once, before anything of the body is read; None to go on."""
        headers, path = Headers(scope=scope), self.path(scope)
        forwarded = [host.strip() for value in headers.getlist("x-forwarded-host") for host in value.split(",")]
        asked = headers.getlist("host") + forwarded
        hosts = [host for host in map(Host.of, asked) if host and self.hosts.know(host)]
        if len(headers.getlist("host")) != 1 or len(hosts) != len(asked):
            sentence = "The studio was not started for this host name. The option --allowed-host NAME allows it."
            return JSONResponse({"error": sentence}, 400)
        own = all(any(self.hosts.own(origin, host) for host in hosts) for origin in headers.getlist("origin"))
        elsewhere = headers.get("sec-fetch-site", "none") not in ("none", "same-origin")
        how = headers.get("sec-fetch-mode"), headers.get("sec-fetch-dest")
        visits = scope.get("method") == "GET" and path == "/" and how == ("navigate", "document")  # by a link
        if not own or (elsewhere and not visits):
            return JSONResponse({"error": "The studio does not answer pages of other sites."}, 403)
        target = unquote(path).lower().replace("\\", "/")
        if "/file=http:" in target or "/file=https:" in target:
            return JSONResponse({"error": "The studio does not fetch files from other sites."}, 403)
        if path == "/metrics" and not _is_here(scope):
            return JSONResponse({"error": "There is nothing at this address."}, 404)
        if not _is_short(path) or not (path.startswith(STUDIO) or OPEN.fullmatch(path)) or _other_page(scope):
            return JSONResponse({"error": "There is nothing at this address."}, 404)
        return None

    async def body(self, path: str, receive: Receive) -> bytes | Response:
        """What of a request's body is for Gradio, or what to answer instead."""
        body = await _body(receive)
        if body is None:
            return JSONResponse({"error": f"A request can be at most {BODY_LIMIT // 1_000_000} MB long."}, 413)
        if not SENT.fullmatch(path):
            return body
        return self.asked(body, bool(QUEUE.fullmatch(path))) or JSONResponse(
            {"error": "This is not a request for a note."}, 400
        )

    def asked(self, body: bytes, with_data: bool) -> bytes | None:
        """What Gradio needs of a request's `body`; None if it could not be right. Gradio reads more out of it than is
        used here, such as names of files, and does not check all that it reads."""
        try:
            sent = json.loads(body)
        except (ValueError, RecursionError):
            return None
        if not isinstance(sent, dict):
            return None
        known = {name: sent[name] for name in ("session_hash", "event_id") if sent.get(name) is not None}
        if not all(isinstance(value, str) and re.fullmatch(r"[\w-]{1,64}", value, re.A) for value in known.values()):
            return None
        lengths = set(self.functions.values())
        if sent.get("fn_index") is not None:
            known["fn_index"] = index = sent["fn_index"]
            if type(index) is not int or index not in self.functions:
                return None
            lengths = {self.functions[index]}
        if with_data:
            known["data"] = data = sent.get("data")
            if not isinstance(data, list) or len(data) not in lengths:
                return None
            if any(isinstance(value, list | dict) for value in data):
                return None
        return json.dumps(known).encode()


def _is_here(scope: Scope) -> bool:
    """Whether a program on this machine asks, and no proxy for another."""
    client = scope.get("client")
    address = _address(client[0]) if client else None
    passed_on = any(name.startswith((b"x-forwarded", b"forwarded", b"x-real-ip")) for name, _ in scope["headers"])
    return bool(address and address.is_loopback) and not passed_on


def _is_short(path: str) -> bool:
    return len(path.encode(errors="replace")) <= PATH_LIMIT and all(
        len(name.encode(errors="replace")) <= NAME_LIMIT for name in path.split("/")
    )


def _other_page(scope: Scope) -> bool:
    """Whether a page is asked for that Gradio would look for among others, which there are not."""
    return bool(QueryParams(scope["query_string"]).get("page"))


async def _body(receive: Receive) -> bytes | None:
    """The whole body of a request; None if it is longer than BODY_LIMIT or whoever sent it went away."""
    body = bytearray()
    while True:
        message = await receive()
        if message["type"] != "http.request":
            return None
        body += message.get("body", b"")
        if len(body) > BODY_LIMIT:
            return None
        if not message.get("more_body"):
            return bytes(body)


def _with_body(scope: Scope, body: bytes, receive: Receive) -> tuple[Scope, Receive]:
    """The same request with this `body`, which has been read already."""
    headers = [
        (name, value) for name, value in scope["headers"] if name not in (b"content-length", b"transfer-encoding")
    ]
    sent = False

    async def replay() -> Message:
        nonlocal sent
        if sent:
            return await receive()
        sent = True
        return {"type": "http.request", "body": body, "more_body": False}

    return {**scope, "headers": [*headers, (b"content-length", str(len(body)).encode())]}, replay
