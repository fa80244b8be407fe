"""The app as a process: how long it takes to start, to answer with notes, and what it weighs."""

import json
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Sequence
from pathlib import Path
from typing import NotRequired, TypedDict

from gansynth_core.bench import MEMORY_AFTER, OCTAVE, Timing, last_line, resident_mb, timing
from webapp.bench.page import PageFigures, measure_page

APP = (sys.executable, "-m", "webapp.app")
ROOT = Path(__file__).resolve().parent.parent.parent
START_SECONDS = 60.0  # an app without a page after that is taken as one that does not start


class AppFigures(TypedDict):
    """start_to_page: one start. octave: an octave asked for and received. memory_mb: by the notes played before it."""

    start_to_page: Timing
    octave: Timing
    memory_mb: dict[str, float | None]
    page: NotRequired[PageFigures]


def measure_app(folder: Path, command: Sequence[str] = APP, *, page: bool = False) -> AppFigures | str:
    """Start the app by `command` with the model in `folder` and measure it; with `page`, also what a hand meets on its
    page (see page.py). A sentence instead if the app does not start."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryFile("w+") as said:
        began = time.perf_counter()
        app = subprocess.Popen(
            [*command, "--port", str(port), "--model", str(folder.resolve())],
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=said,
        )
        try:
            address = f"http://127.0.0.1:{port}"
            while not _serves(address):
                if app.poll() is not None:
                    said.seek(0)
                    return f"it stopped before it served a page: {last_line(said.read())}"
                if time.perf_counter() - began > START_SECONDS:
                    return f"it served no page within {START_SECONDS:g} s."
                time.sleep(0.05)
            start = timing([1000 * (time.perf_counter() - began)])
            try:
                seen = measure_page(address) if page else None  # first: a browser's patience is not endless
                octave, memory_mb = _ask_for_notes(address, app.pid)
            except (OSError, ValueError, KeyError) as cause:
                return f"it served a page, but no notes: {cause}"
            figures: AppFigures = {"start_to_page": start, "octave": octave, "memory_mb": memory_mb}
            return figures if seen is None else {**figures, "page": seen}
        finally:
            app.terminate()
            try:
                app.wait(10)
            except subprocess.TimeoutExpired:
                app.kill()
                app.wait()


def _serves(address: str) -> bool:
    try:
        with urllib.request.urlopen(address, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False


def _ask_for_notes(address: str, process: int) -> tuple[Timing, dict[str, float | None]]:
    """Octaves over the app's route, each of another sound, up to the last count of MEMORY_AFTER: their times, and the
    app's memory in MB on the way."""
    studio = f"{address}/gradio_api/studio"
    model = json.loads(_fetch(f"{studio}/model"))
    names = [instrument["name"] for family in model["families"] for instrument in family["instruments"]]
    took: list[float] = []
    sizes: dict[str, float | None] = {}
    left = list(MEMORY_AFTER)
    while left:
        seed = len(took)
        sound = json.dumps({"instruments": {names[seed % len(names)]: 1.0} if names else {}, "seed": seed})
        query = urllib.parse.urlencode({"sound": sound, "low": model["low"], "high": model["low"] + OCTAVE - 1})
        began = time.perf_counter()
        _fetch(f"{studio}/{model['digest']}/notes?{query}")
        took.append(1000 * (time.perf_counter() - began))
        if OCTAVE * len(took) >= left[0]:
            sizes[f"after_{left.pop(0)}_notes"] = resident_mb(process)
    return timing(took[1:]), sizes  # the first may have waited for the model


def _fetch(url: str) -> bytes:
    try:
        with urllib.request.urlopen(url, timeout=START_SECONDS) as answer:
            return bytes(answer.read())
    except urllib.error.HTTPError as cause:
        raise OSError(f"{cause.code} {cause.read(300).decode(errors='replace')}") from cause
