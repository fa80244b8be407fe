"""Starts the app: what `python app.py` and the command `gansynth-studio` run."""

import argparse
import os
import re
import socket
import sys
import tempfile
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # imported for real only once the arguments are known to be good: gradio takes seconds
    from collections.abc import AsyncIterator, Callable, Sequence
    from pathlib import Path

    import gradio

    from gansynth_core import ModelCard, Synth
    from webapp.player import Player

os.environ["GRADIO_ANALYTICS_ENABLED"] = "False"  # before gradio is imported: it reports its import otherwise
# Before torch is imported: its threads (libgomp's) then sleep while they wait for each other. They spin otherwise, and
# take the cores from what is at work beside them: on a busy machine a note takes five times as long.
os.environ.setdefault("GOMP_SPINCOUNT", "1000")

FIRST_PORT = 7860
PORTS_TRIED = 40


def main(arguments: list[str] | None = None) -> int:
    """Run the app. Returns 0 after a normal stop, 1 with a sentence on stderr when it cannot start."""
    options = parse(arguments)
    if options.version:
        from gansynth_core import __version__

        print(f"gansynth-studio {__version__}")
        return 0
    if not can_listen(options.host):
        _complain(f"'{options.host}' is not an address of this machine. Choose another with --host.")
        return 1
    port = free_port(options.host, options.port)
    if port is None:
        taken = f"Port {options.port}" if options.port else f"Every port from {FIRST_PORT} to {_last_port()}"
        _complain(f"{taken} at {options.host} is taken or not allowed. Choose another with --port.")
        return 1
    try:
        tempfile.gettempdir()
    except OSError:
        _complain("There is no folder for temporary files. Name one that can be written to in the variable TMPDIR.")
        return 1

    from gansynth_core import GanSynthError, load_card, model_folder
    from webapp.player import Player

    try:
        folder = model_folder(options.model)
        card = load_card(folder)
    except GanSynthError as error:
        _complain(error)
        return 1
    player = Player(card, folder=folder)
    page = launch(
        player,
        options.host,
        port,
        block=False,
        others=other_players(card, options.device),
        allowed_hosts=options.allowed_host,
        root_path=options.root_path,
    )
    shown = f"[{options.host}]" if ":" in options.host else options.host
    print(f"GANSynth Studio is running at http://{shown}:{port}  (stop with Ctrl+C)", flush=True)
    player.load(_loader(folder, options.device), _complain)
    page.block_thread()
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
        "--model",
        default="studio",
        help="model to open with, by name or folder (default: studio); the page offers every model it finds",
    )
    parser.add_argument("--device", default="auto", help="auto, cpu or cuda (default: auto)")
    parser.add_argument("--version", action="store_true", help="print the version and exit")
    return parser.parse_args(arguments)


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


def can_listen(host: str, port: int = 0) -> bool:
    """Whether this machine may listen at `host` and `port`; at any port at all if that is 0."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)[0]
        with socket.socket(family, kind, protocol) as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            probe.bind(address)
    except (OSError, UnicodeError):  # a name that cannot be an address fails before it is looked up
        return False
    return True


def free_port(host: str, port: int | None) -> int | None:
    """`port` if it is free, or the first free one from FIRST_PORT if none is named; None if there is none."""
    candidates = [port] if port else range(FIRST_PORT, _last_port() + 1)
    return next((candidate for candidate in candidates if can_listen(host, candidate)), None)


def _last_port() -> int:
    return FIRST_PORT + PORTS_TRIED - 1


def other_players(opened: "ModelCard", device: str) -> "list[Player]":
    """A player for every model there is besides the one the page opens with, each loaded when it is first played. A
    model whose card cannot be read is left out, with a sentence on stderr."""
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
            others.append(Player(card, folder=folder))
            others[-1].load_when_asked(_loader(folder, device), _complain)
    return others


def _loader(folder: "Path", device: str) -> "Callable[[], Synth]":
    from gansynth_core import Synth

    return lambda: Synth.load(str(folder), device=device)


def _complain(sentence: object) -> None:
    print(sentence, file=sys.stderr, flush=True)


def launch(
    player: "Player",
    host: str,
    port: int,
    block: bool = True,
    others: "Sequence[Player]" = (),
    allowed_hosts: "Sequence[str]" = (),
    root_path: str = "",
) -> "gradio.Blocks":
    """Serve the page around `player`, with `others` to change to, at `host`:`port`; returns the Blocks. With `block`,
    only once it is stopped. Behind a proxy it may be reached by `allowed_hosts` too, and below `root_path`."""
    from webapp.gate import Guard, Hosts
    from webapp.layout import HEAD, build_page, studio_theme
    from webapp.routes import studio_routes

    page = build_page(player)

    @asynccontextmanager
    async def guarded(app: "gradio.routes.App") -> "AsyncIterator[None]":
        # Middleware handed to Gradio would lie within its own. By now all of it is in place, and no request has come.
        assert app.middleware_stack is not None
        functions = {number: len(function.inputs) for number, function in page.fns.items()}
        app.middleware_stack = Guard(app.middleware_stack, Hosts(host, allowed_hosts), root_path, functions)
        yield

    page.launch(
        server_name=f"[{host}]" if ":" in host else host,
        server_port=port,
        prevent_thread_lock=True,
        quiet=True,
        theme=studio_theme(),
        head=HEAD,
        footer_links=[],
        run_history=False,
        enable_monitoring=False,
        show_error=False,
        ssr_mode=False,
        max_file_size="1mb",
        root_path=root_path,
        app_kwargs={
            "routes": studio_routes(player, others),
            "lifespan": guarded,
            "docs_url": None,
            "redoc_url": None,
        },
    )
    if block:
        page.block_thread()
    return page


if __name__ == "__main__":
    sys.exit(main())
