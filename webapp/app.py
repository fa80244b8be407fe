"""Starts the app: what `python app.py` and the command `gansynth-studio` run."""

import argparse
import asyncio
import hmac
import os
import re
import signal
import socket
import sys
import tempfile
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # imported for real only once the arguments are known to be good: gradio takes seconds
    from collections.abc import Awaitable, Callable, Sequence
    from pathlib import Path

    from gansynth_core import ModelCard
    from webapp.connections import Server
    from webapp.player import Player
    from webapp.renderers import Processes
    from webapp.scratch import Scratch
    from webapp.turns import Renders, Turns

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before gradio is imported: it reports its import otherwise
# Before torch is imported: its threads (libgomp's) then sleep while they wait for each other. They spin otherwise, and
# take the cores from what is at work beside them: on a busy machine a note takes five times as long.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

FIRST_PORT = 7860
PORTS_TRIED = 40
MOST_WORKERS = 64
GUESSES_AT_ONCE, GUESS_SECONDS = 8, 1.0  # of passwords


def main(arguments: list[str] | None = None) -> int:
    """Run the app. Returns 0 after a normal stop, 1 with a sentence on stderr when it cannot start."""
    options = parse(arguments)
    if options.version:
        from gansynth_core import __version__

        print(f"gansynth-studio {__version__}")
        return 0
    try:
        auth = logins(options.auth)
    except ValueError as error:
        _complain(error)
        return 1
    for file in filter(None, (options.ssl_certfile, options.ssl_keyfile)):
        if not os.path.isfile(file) or not os.access(file, os.R_OK):
            _complain(f"'{file}' is not a file that can be read.")
            return 1
    if not can_listen(options.host):
        _complain(f"'{options.host}' is not an address of this machine. Choose another with --host.")
        return 1
    sockets = free_port(options.host, options.port)
    if sockets is None:
        taken = f"Port {options.port}" if options.port else f"Every port from {FIRST_PORT} to {_last_port()}"
        _complain(f"{taken} at {options.host} is taken or not allowed. Choose another with --port.")
        return 1
    port = sockets[0].getsockname()[1]
    try:
        tempfile.gettempdir()
    except OSError:
        _complain("There is no folder for temporary files. Name one that can be written to in the variable TMPDIR.")
        return 1

    from gansynth_core import GanSynthError, load_card, model_folder
    from webapp.player import Player
    from webapp.renderers import Processes
    from webapp.scratch import Scratch, sweep
    from webapp.turns import Turns

    try:
        folder = model_folder(options.model)
        card = load_card(folder)
    except GanSynthError as error:
        _complain(error)
        return 1
    sweep()
    processes = Processes(options.workers) if options.workers > 1 else None
    turns = Turns(options.workers)
    player = Player(card, turns, folder)
    shown = f"[{options.host}]" if ":" in options.host else options.host

    def ready() -> None:
        scheme = "https" if options.ssl_certfile else "http"
        print(f"GANSynth Studio is running at {scheme}://{shown}:{port}  (stop with Ctrl+C)", flush=True)
        player.load(_loader(folder, options.device, processes), _complain)

    server = app_server(
        player,
        options.host,
        sockets,
        others=other_players(card, turns, lambda folder: _loader(folder, options.device, processes)),
        allowed_hosts=options.allowed_host,
        root_path=options.root_path,
        auth=auth,
        ssl_certfile=options.ssl_certfile,
        ssl_keyfile=options.ssl_keyfile,
        scratch=Scratch(),
        ready=ready,
    )
    for number in (signal.SIGINT, signal.SIGTERM):  # the server ends at these; afterwards they are done with
        signal.signal(number, lambda *_: None)
    try:
        server.run()
    finally:
        if processes is not None:
            processes.close()
    return 0


def parse(arguments: list[str] | None = None) -> argparse.Namespace:
    """The command line's options; exits with a sentence for unknown ones."""
    parser = argparse.ArgumentParser(description="Play and shape instrument sounds in the browser.")
    parser.add_argument("--host", default="127.0.0.1", help="address to listen on (default: this machine only)")
    parser.add_argument("--port", type=port_number, help=f"port (default: the first free one from {FIRST_PORT})")
    parser.add_argument(
        "--allowed-host",
        type=host_name,
        action="append",
        default=[],
        metavar="NAME",
        help="another host name the app is reached by, such as a proxy's; may be given several times",
    )
    parser.add_argument(
        "--root-path",
        type=url_path,
        default="",
        metavar="PATH",
        help="the path below which a proxy serves the app, such as /studio (default: none)",
    )
    parser.add_argument(
        "--auth",
        default="",
        metavar="LOGIN",
        help="ask visitors to log in: USER:PASSWORD, or a file with one such line for each (others can see the options "
        "of a program)",
    )
    parser.add_argument("--ssl-certfile", metavar="FILE", help="certificate, to serve HTTPS")
    parser.add_argument("--ssl-keyfile", metavar="FILE", help="the certificate's private key")
    parser.add_argument(
        "--workers",
        type=worker_count,
        default=1,
        metavar="N",
        help="processes that render notes (default: 1, which uses all cores); on a GPU leave it at one",
    )
    parser.add_argument(
        "--model",
        default="studio",
        help="model to open with, by name or folder (default: studio); the page offers every model it finds",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default: auto)")
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    options = parser.parse_args(arguments)
    if bool(options.ssl_certfile) != bool(options.ssl_keyfile):
        parser.error("--ssl-certfile and --ssl-keyfile go together.")
    return options


def port_number(text: str) -> int:
    """`text` as a port. Raises what argparse turns into its message."""
    if not text.isdecimal() or not 1 <= int(text[:9]) <= 65535:
        raise argparse.ArgumentTypeError(f"'{text}' is not a port. Choose a whole number from 1 to 65535.")
    return int(text)


def host_name(text: str) -> str:
    """`text` as the name of a host, with or without a port. Raises what argparse turns into its message."""
    from webapp.gate import Host

    if Host.of(text) is None:
        raise argparse.ArgumentTypeError(f"'{text}' is not a host name. Give it as in studio.example.org.")
    return text


def url_path(text: str) -> str:
    """`text` as a path of an address. Raises what argparse turns into its message."""
    path = text.rstrip("/")
    if not re.fullmatch(r"(/[\w.~-]+)*", path, re.ASCII):
        raise argparse.ArgumentTypeError(f"'{text}' is not a path. Give it as in /studio.")
    return path


def logins(text: str) -> list[tuple[str, str]]:
    """The users and passwords that `text` gives, or the file of that name; none for no text. Raises ValueError with a
    sentence."""
    if not text:
        return []
    lines = [text]
    try:
        if os.path.isfile(text):
            with open(text, encoding="utf-8") as file:
                lines = [line for line in file.read().splitlines() if line.strip() and not line.startswith("#")]
    except (OSError, UnicodeError) as cause:
        raise ValueError(f"The file of logins '{text}' cannot be read.") from cause
    found = [(user.strip(), password) for user, _, password in (line.partition(":") for line in lines)]
    if not found or not all(user and password for user, password in found):
        raise ValueError(
            "A login is a user and a password, as in ada:secret, or a file with one such line for each user."
        )
    return found


def worker_count(text: str) -> int:
    """`text` as a number of processes. Raises what argparse turns into its message."""
    if not text.isdecimal() or not 1 <= int(text[:9]) <= MOST_WORKERS:
        raise argparse.ArgumentTypeError(f"'{text}' is not a number of processes from 1 to {MOST_WORKERS}.")
    return int(text)


def can_listen(host: str) -> bool:
    """Whether this machine may listen at `host`, at any port at all."""
    from webapp.connections import listen

    sockets = listen(host, 0) or []
    for one in sockets:
        one.close()
    return bool(sockets)


def free_port(host: str, port: int | None) -> list[socket.socket] | None:
    """Sockets that listen at `port`, or at the first free one from FIRST_PORT if none is named; None if none is free.
    They are taken at once: another app may be starting too."""
    from webapp.connections import listen

    candidates = [port] if port else range(FIRST_PORT, _last_port() + 1)
    return next((found for candidate in candidates if (found := listen(host, candidate))), None)


def _last_port() -> int:
    return FIRST_PORT + PORTS_TRIED - 1


def other_players(
    opened: "ModelCard", turns: "Turns", loader: "Callable[[Path], Callable[[], Renders]]"
) -> "list[Player]":
    """A player for every model there is besides the one the page opens with, each loaded when it is first played. They
    all wait for the same `turns`. A model whose card cannot be read is left out, with a sentence on stderr."""
    from gansynth_core import GanSynthError, find_models, load_card
    from webapp.player import Player

    others = []
    for folder in find_models().values():
        try:
            card = load_card(folder)
        except GanSynthError as error:
            _complain(error)
            continue
        if card.id != opened.id:
            others.append(Player(card, turns, folder))
            others[-1].load_when_asked(loader(folder), _complain)
    return others


def _loader(folder: "Path", device: str, processes: "Processes | None") -> "Callable[[], Renders]":
    from gansynth_core import Synth
    from webapp.renderers import warm

    if processes is not None:
        return lambda: processes.synth(folder, device)
    return lambda: warm(Synth.load(str(folder), device=device, cached_notes=0))  # turns keep them


def _complain(sentence: object) -> None:
    print(sentence, file=sys.stderr, flush=True)


def app_server(
    player: "Player",
    host: str,
    sockets: "Sequence[socket.socket]",
    *,
    others: "Sequence[Player]" = (),
    allowed_hosts: "Sequence[str]" = (),
    root_path: str = "",
    auth: "Sequence[tuple[str, str]]" = (),
    ssl_certfile: str | None = None,
    ssl_keyfile: str | None = None,
    scratch: "Scratch | None" = None,
    ready: "Callable[[], object]" = lambda: None,
) -> "Server":
    """The server of a page around `player`, with `others` to change to, at the `sockets` of `host`: `run` it, or
    `start` and `close` it. Behind a proxy it may be reached by `allowed_hosts` too, and below `root_path`. auth: users
    and passwords; without any, everybody may come in. ready: called once it listens. All temporary files are in
    `scratch`, which goes when the server ends."""
    import gradio
    from fastapi import FastAPI

    from webapp.connections import Server
    from webapp.gate import Guard, Hosts
    from webapp.layout import HEAD, build_page, studio_theme
    from webapp.metrics import Metrics
    from webapp.routes import Studio, studio_routes
    from webapp.scratch import Scratch

    scratch = scratch or Scratch()
    os.environ["GRADIO_TEMP_DIR"] = str(scratch.folder / "gradio")  # read when its page and app are made
    studio = Studio(player, others, scratch)
    metrics = Metrics(studio)
    page = build_page(player)
    outer = gradio.mount_gradio_app(
        FastAPI(docs_url=None, redoc_url=None, openapi_url=None, routes=[*metrics.routes()]),
        page,
        "/",
        server_name=host,
        server_port=sockets[0].getsockname()[1],
        app_kwargs={"routes": studio_routes(studio), "docs_url": None, "redoc_url": None, "openapi_url": None},
        auth=_patient(auth) if auth else None,
        root_path=root_path,
        show_error=False,
        max_file_size="1mb",
        ssr_mode=False,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        theme=studio_theme(),
        head=HEAD,
    )

    async def leaving() -> None:
        page.is_running = False  # ends what Gradio streams
        page.app.stop_event.set()
        await asyncio.to_thread(studio.close)

    functions = {number: len(function.inputs) for number, function in page.fns.items()}
    guard = Guard(outer, Hosts(host, allowed_hosts), root_path, functions, metrics.answered)
    return Server(guard, sockets, ready=ready, leaving=leaving, ssl_certfile=ssl_certfile, ssl_keyfile=ssl_keyfile)


def _patient(auth: "Sequence[tuple[str, str]]") -> "Callable[[str, str], Awaitable[bool]]":
    """Whether a user has this password, for Gradio; who guesses has to wait for each answer."""
    known = dict(auth)
    guesses = asyncio.Semaphore(GUESSES_AT_ONCE)

    async def check(user: str, password: str) -> bool:
        async with guesses:
            right = hmac.compare_digest(known.get(user, "").encode(), password.encode()) and user in known
            if not right:
                await asyncio.sleep(GUESS_SECONDS)
            return right

    return check


if __name__ == "__main__":
    sys.exit(main())
