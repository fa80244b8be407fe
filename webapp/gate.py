"""Who may ask: known hosts, visitors who are logged in, and nothing from other sites."""

import ipaddress
import socket
from urllib.parse import unquote

from fastapi import HTTPException, Request
from fastapi.responses import JSONResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

# Gradio's templates need inline scripts and Function; everything else comes from this server alone.
CONTENT_POLICY = (
    "default-src 'self'; script-src 'self' 'unsafe-inline' 'unsafe-eval'; style-src 'self' 'unsafe-inline'; "
    "img-src 'self' data: blob:; media-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; "
    "object-src 'none'; base-uri 'self'; form-action 'self'"
)


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


class Guard:
    """ASGI middleware: known hosts only, no fetching of foreign files through Gradio, and a content policy.

    A page on another site can point its own host name at this machine (DNS rebinding) and so read what we serve. Such
    a request carries that name as Host; addresses written in digits cannot be abused this way and are let in.
    """

    def __init__(self, app: ASGIApp, hosts: tuple[str, ...] = ()):
        self.app = app
        self.hosts = {"localhost", socket.gethostname().lower(), *(host.lower() for host in hosts)}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return await self.app(scope, receive, send)
        headers = dict(scope["headers"])
        if not self.knows(headers.get(b"host", b"").decode("latin-1")):
            refusal = JSONResponse({"error": "The studio was not started for this host name."}, 400)
            return await refusal(scope, receive, send)
        target = unquote(scope["path"]).lower().replace("\\", "/")
        if "/file=http:" in target or "/file=https:" in target:
            refusal = JSONResponse({"error": "The studio does not fetch files from other sites."}, 403)
            return await refusal(scope, receive, send)

        async def with_policy(message: Message) -> None:
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
