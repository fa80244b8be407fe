"""The app, served to a test."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager

from webapp import app
from webapp.player import Player


@contextmanager
def served(player: Player, host: str = "127.0.0.1", **options) -> Iterator[str]:
    """The address of an app that plays `player`, at any port that is free: suites may run side by side."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    page = app.launch(player, host, port, block=False, **options)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        page.close(verbose=False)
