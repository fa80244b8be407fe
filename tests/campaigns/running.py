"""The app as a process, for campaigns, and what it takes of the machine."""

import os
import re
import socket
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).parent.parent.parent
READY_SECONDS = 300.0
STUDIO = "/gradio_api/studio"


@contextmanager
def app(*options: str, model: str = "studio", temporary: Path | None = None) -> Iterator[tuple[str, subprocess.Popen]]:
    """The address and the process of an app that is ready to play."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [sys.executable, "-m", "webapp.app", "--port", str(port), "--model", model, "--device", "cpu", *options]
    with tempfile.TemporaryDirectory() as own:
        environment = os.environ | {"TMPDIR": str(temporary or own)}
        process = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, env=environment)
        try:
            address = f"http://127.0.0.1:{port}"
            until = time.monotonic() + READY_SECONDS
            while not answers(f"{address}/healthz"):
                assert process.poll() is None and time.monotonic() < until, "the app did not get ready"
                time.sleep(0.2)
            yield address, process
        finally:
            process.terminate()
            try:
                process.wait(30)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=10) as answer:
            return answer.status == 200
    except OSError:
        return False


def taken(process: int, folder: Path | None = None) -> dict[str, int]:
    """What a process has now: resident MB, threads, open files, and MB in a folder."""
    status = Path(f"/proc/{process}/status").read_text()
    found = {
        "MB": int(re.search(r"VmRSS:\s+(\d+)", status)[1]) // 1000,
        "threads": int(re.search(r"Threads:\s+(\d+)", status)[1]),
        "files": len(os.listdir(f"/proc/{process}/fd")),
    }
    if folder is not None:
        found["disk MB"] = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) // 1_000_000
    return found


def line(name: str, values: Sequence[object] | dict[str, object]) -> None:
    told = values.items() if isinstance(values, dict) else enumerate(values)
    print(f"{name}: " + ", ".join(f"{key} {value}" for key, value in told), flush=True)


def load() -> str:
    """How busy the machine is: figures are worth little without it."""
    one, five, _ = os.getloadavg()
    return f"load {one:.1f} (1 min) and {five:.1f} (5 min) on {os.cpu_count()} cores"
