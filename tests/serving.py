"""The app, served to a test."""

from collections.abc import Iterator
from contextlib import contextmanager

from webapp import app
from webapp.connections import listen
from webapp.player import Player


@contextmanager
def served(player: Player, host: str = "127.0.0.1", **options) -> Iterator[str]:
    """The address of an app that plays `player`, at any port that is free: suites may run side by side."""
    sockets = listen(host, 0)
    assert sockets, f"cannot listen at {host}"
    port = sockets[0].getsockname()[1]
    server = app.app_server(player, host, sockets, **options)
    server.start()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        server.close()
