"""Connections: those that say nothing, or take nothing, go; those at work stay; there is always room for one more."""

import asyncio
import logging
import socket
import threading
from contextlib import contextmanager

import pytest
from patience import HANG_SECONDS, until

from webapp import connections
from webapp.connections import Server, Sparing, listen, most_connections

ASK = b"GET / HTTP/1.1\r\nHost: x\r\n\r\n"


@contextmanager
def serving(app, **limits):
    """Where a server of `app` listens; limits: of the module, instead of its own."""
    with pytest.MonkeyPatch.context() as patch:
        for name, value in limits.items():
            patch.setattr(connections, name, value)
        sockets = listen("127.0.0.1", 0)

        async def nothing() -> None:
            pass

        async def requests(scope, receive, send):
            assert scope["type"] == "http"  # not of the server's own beginning and end
            await app(scope, receive, send)

        server = Server(requests, sockets, leaving=nothing)
        server.start()
        try:
            yield sockets[0].getsockname()
        finally:
            server.close()


def connect(place, sent=b""):
    one = socket.create_connection(place, timeout=HANG_SECONDS)
    one.sendall(sent)
    return one


def all_of(one):
    """What comes until the other end closes."""
    got = b""
    try:
        while more := one.recv(1 << 20):
            got += more
    except ConnectionResetError:
        pass
    return got


async def hello(scope, receive, send):
    while (await receive()).get("more_body"):
        pass
    await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"5")]})
    await send({"type": "http.response.body", "body": b"hello"})


@pytest.mark.parametrize(
    "sent",
    [
        b"",
        b"GET / HT",
        b"GET / HTTP/1.1\r\nHost: x\r\nX: ",
        b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 9\r\n\r\n1",
    ],
)
def test_who_does_not_say_what_he_wants_is_let_go(sent):
    with serving(hello, HEADER_SECONDS=0.05, BODY_SECONDS=0.05) as place:
        assert b"200 OK" not in all_of(connect(place, sent))


def test_who_keeps_a_connection_and_asks_no_more_is_let_go():
    with serving(hello, IDLE_SECONDS=0.05) as place:
        assert all_of(connect(place, ASK)).endswith(b"hello")


def test_who_does_not_take_what_he_asked_for_is_let_go():
    async def much(scope, receive, send):
        await send({"type": "http.response.start", "status": 200, "headers": []})
        for _ in range(500):
            await send({"type": "http.response.body", "body": bytes(100_000), "more_body": True})
        await send({"type": "http.response.body"})

    sent = threading.Event()

    async def watched(scope, receive, send):
        await much(scope, receive, send)
        sent.set()

    with serving(watched, STALLED_SECONDS=0.05) as place:
        stalled = connect(place, ASK)
        assert sent.wait(HANG_SECONDS)  # what is sent to nobody goes nowhere, and the work ends
        assert len(all_of(stalled)) < 50_000_000


def test_who_is_being_answered_may_wait():
    go_on, begun = threading.Event(), threading.Event()

    async def slow(scope, receive, send):
        begun.set()
        while not go_on.is_set():
            await asyncio.sleep(0.001)
        await hello(scope, receive, send)

    with serving(slow, HEADER_SECONDS=0.05, BODY_SECONDS=0.05, IDLE_SECONDS=0.05) as place:
        working = connect(place, ASK)
        assert begun.wait(HANG_SECONDS)
        for _ in range(2):
            assert all_of(connect(place)) == b""  # the limit has passed
        go_on.set()
        assert all_of(working).endswith(b"hello")


def test_the_silent_ones_make_room():
    with serving(hello, most_connections=lambda: 3, HEADER_SECONDS=HANG_SECONDS) as place:
        silent = [connect(place) for _ in range(10)]
        assert [all_of(one) for one in silent[:7]] == [b""] * 7
        late = connect(place, ASK)
        assert late.recv(1000).startswith(b"HTTP/1.1 200")
        for one in (*silent, late):
            one.close()


def test_there_is_room_for_files_beside_connections(monkeypatch):
    resource = pytest.importorskip("resource")
    raised = []
    monkeypatch.setattr(resource, "setrlimit", lambda what, limits: raised.append(limits))
    for limits, expected in (((96, 96), 48), ((20, 20), 8), ((10**6, 10**6), 2000), ((-1, -1), 2000)):
        monkeypatch.setattr(resource, "getrlimit", lambda what, limits=limits: limits)
        assert most_connections() == expected
    assert not raised
    monkeypatch.setattr(resource, "getrlimit", lambda what: (1024, 4096))
    assert most_connections() == 2000 and raised == [(2096, 4096)]


def test_what_is_logged_without_end_fills_no_disk(caplog):
    logger = logging.getLogger("test-of-sparing")
    sparing = Sparing()
    logger.addFilter(sparing)
    try:
        for number in range(1000):
            logger.error("Too many open files: %d", number, exc_info=OSError("x"))
        logger.error("Something else")
    finally:
        logger.removeFilter(sparing)
    messages = [record.getMessage() for record in caplog.records]
    assert len(messages) == connections.LOGGED + 2
    assert "not shown" in messages[-2] and caplog.records[-2].exc_info is None and messages[-1] == "Something else"


def test_two_servers_that_start_at_once_take_two_ports():
    held = [listen("127.0.0.1", 0) for _ in range(2)]
    ports = [sockets[0].getsockname()[1] for sockets in held]
    assert ports[0] != ports[1] and listen("127.0.0.1", ports[0]) is None
    for sockets in held:
        sockets[0].close()


def test_a_server_that_ends_tells_what_it_serves_first():
    told = []

    async def leaving():
        told.append("left")

    server = Server(hello, listen("127.0.0.1", 0), leaving=leaving, ready=lambda: told.append("ready"))
    server.start()
    server.close()
    until(lambda: told == ["ready", "left"])
