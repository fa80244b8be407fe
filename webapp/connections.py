"""The server that the app runs in: uvicorn, which closes connections that keep others out and ends in order."""

import asyncio
import importlib
import importlib.util
import logging
import os
import socket
import threading
import time
from collections.abc import Awaitable, Callable, Sequence

import uvicorn
from starlette.types import ASGIApp
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADER_SECONDS = 15.0  # for a request to say what it wants
BODY_SECONDS = 120.0  # for it to be here whole: 12 MB at 1 Mbit/s
STALLED_SECONDS = 60.0  # for a visitor to take what was sent
IDLE_SECONDS = 30  # between two requests
GOODBYE_SECONDS = 5  # for answers to be sent when the app ends
MOST_CONNECTIONS = 2000
BACKLOG = 2048
RESERVED_FILES = 48  # descriptors for what is not a connection
LOGGED, LOGGED_SECONDS = 20, 60.0  # of one kind of message, in this time


class Patient(H11Protocol):
    """A connection with time limits. When there are too many, the one that has said nothing for longest goes."""

    most = MOST_CONNECTIONS
    _since: float | None = None  # when it began to be silent; None while a request is worked on
    _limit: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._since = time.monotonic()
        self._until(HEADER_SECONDS)
        if len(self.connections) > self.most:
            silent = [one for one in self.connections if isinstance(one, Patient) and one._since is not None]
            longest = min(silent, key=lambda one: one._since or 0.0)
            longest._since = None  # it leaves `connections` a little later, and is not to be chosen again until then
            longest.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        super().connection_lost(exc)
        for timer in (self._limit, self._stalled):
            if timer is not None:
                timer.cancel()

    def data_received(self, data: bytes) -> None:
        begun = self._is_asked()
        super().data_received(data)
        if self.transport.is_closing():
            return
        if not self._is_asked():
            if self._limit is None:
                self._until(HEADER_SECONDS)
        elif not self.cycle.more_body:
            self._at_ease()
        elif not begun:
            self._until(BODY_SECONDS)
        if self._is_asked():
            self._since = None

    def on_response_complete(self) -> None:
        self._at_ease()
        self._since = time.monotonic()
        super().on_response_complete()  # which closes it when it is idle for too long

    def pause_writing(self) -> None:
        super().pause_writing()
        self._stalled = self.loop.call_later(STALLED_SECONDS, self.transport.abort)

    def resume_writing(self) -> None:
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()

    def _is_asked(self) -> bool:
        """Whether a request is read or worked on."""
        return self.cycle is not None and not self.cycle.response_complete

    def _until(self, seconds: float) -> None:
        self._at_ease()
        self._limit = self.loop.call_later(seconds, self.transport.abort)

    def _at_ease(self) -> None:
        if self._limit is not None:
            self._limit.cancel()
            self._limit = None


class Server(uvicorn.Server):
    """uvicorn with limits, at `sockets` that listen already. ready: called once it serves. leaving: awaited when it is
    to end, before it waits for answers to be sent."""

    def __init__(
        self,
        app: ASGIApp,
        sockets: Sequence[socket.socket],
        *,
        ready: Callable[[], object] = lambda: None,
        leaving: Callable[[], Awaitable[object]],
        ssl_certfile: str | None = None,
        ssl_keyfile: str | None = None,
    ):
        Patient.most = most_connections()
        super().__init__(
            uvicorn.Config(
                app,
                http=Patient,
                log_level="warning",
                timeout_keep_alive=IDLE_SECONDS,
                timeout_graceful_shutdown=GOODBYE_SECONDS,
                limit_concurrency=Patient.most + 1,
                ssl_certfile=ssl_certfile,
                ssl_keyfile=ssl_keyfile,
            )
        )
        for name in ("uvicorn.error", "asyncio", "webapp.jobs", "webapp.routes.answers"):
            logging.getLogger(name).addFilter(Sparing())
        self._sockets, self._ready, self._leaving = list(sockets), ready, leaving
        self._thread: threading.Thread | None = None
        self._listens = threading.Event()

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._listens.set()
        self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        for server in self.servers:
            server.close()
        await self._leaving()
        await super().shutdown(sockets)

    def run(self, sockets: list[socket.socket] | None = None) -> None:
        """Serve until the process is told to end."""
        try:
            super().run(sockets or self._sockets)
        finally:
            for one in self._sockets:
                one.close()
            self._listens.set()

    def start(self) -> None:
        """Serve in a thread; returns once it does."""
        self._thread = threading.Thread(target=self.run, name="server", daemon=True)
        self._thread.start()
        self._listens.wait()

    def close(self) -> None:
        """End what `start` began."""
        self.should_exit = True
        if self._thread is not None:
            self._thread.join()


def listen(host: str, port: int) -> list[socket.socket] | None:
    """Sockets that listen at every address of `host` and at `port` (0: any that is free); None if that is not
    possible."""
    sockets: list[socket.socket] = []
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for family, kind, protocol, _, (name, _, *rest) in dict.fromkeys(found):
            one = socket.socket(family, kind, protocol)
            sockets.append(one)
            if os.name == "posix":  # elsewhere it would let two programs listen at one port
                one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            if family == socket.AF_INET6:
                one.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
            one.bind((name, port, *rest))
            one.listen(BACKLOG)
            port = one.getsockname()[1]
    except (OSError, UnicodeError):  # a name that cannot be an address fails before it is looked up
        for one in sockets:
            one.close()
        return None
    return sockets


def most_connections() -> int:
    """How many connections there is room for: as many files as may be open, but some."""
    if importlib.util.find_spec("resource") is None:  # Windows, which has no such limit
        return MOST_CONNECTIONS
    resource = importlib.import_module("resource")
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + 2 * RESERVED_FILES
    if soft != resource.RLIM_INFINITY and soft < wanted and (hard == resource.RLIM_INFINITY or hard > soft):
        soft = wanted if hard == resource.RLIM_INFINITY else min(wanted, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    if soft == resource.RLIM_INFINITY:
        return MOST_CONNECTIONS
    return max(8, min(MOST_CONNECTIONS, int(soft) - RESERVED_FILES))


class Sparing(logging.Filter):
    """Lets a kind of message through LOGGED times in LOGGED_SECONDS, so that nothing a visitor does can fill a disk."""

    def __init__(self) -> None:
        super().__init__()
        self._seen: dict[tuple[str, int, str], tuple[float, int]] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        now, kind = time.monotonic(), (record.name, record.levelno, str(record.msg)[:60])
        if len(self._seen) > 100:
            self._seen.clear()
        since, count = self._seen.get(kind, (now, 0))
        if now - since > LOGGED_SECONDS:
            since, count = now, 0
        self._seen[kind] = since, count + 1
        if count == LOGGED:
            record.msg = f"{record.getMessage().splitlines()[0]} (more like it are not shown for a minute)"
            record.args, record.exc_info = None, None
        return count <= LOGGED
