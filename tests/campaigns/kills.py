"""Pulled plugs: commands killed at random moments and started again make the same bytes as one that was left alone.

python -m tests.campaigns.kills --kills 20
python -m tests.campaigns.kills --kills 5 --only pack data
"""

import argparse
import hashlib
import os
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import httpx
import soundfile

from tests.campaigns.running import ROOT, STUDIO, app, line, load

PYTHON = [sys.executable, "-m", "gansynth_core"]


def tones(folder: Path) -> Path:
    """A folder of a few labelled notes to learn from."""
    import numpy as np

    folder.mkdir()
    for instrument, harmonic in (("flute", 2), ("violin", 3)):
        for pitch in range(48, 72, 2):
            phase = 2 * np.pi * 440 * 2 ** ((pitch - 69) / 12) * np.arange(24000) / 24000
            soundfile.write(
                folder / f"{instrument}_{pitch}.wav", 0.5 * np.sin(phase) + 0.2 * np.sin(harmonic * phase), 24000
            )
    return folder


def killed(command: Sequence[str], again: Sequence[str], kills: int, seconds: float, seed: int) -> int:
    """Run `command`, kill it at a random moment within `seconds`, go on with `again`, kill that, and so on; then to the
    end. Returns how many kills hit it at work."""
    chance, hits = random.Random(seed), 0
    for number in range(kills + 1):
        process = subprocess.Popen(
            command if number == 0 else again, cwd=ROOT, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
        )
        if number < kills:
            try:
                process.wait(chance.uniform(0.2, 1) * seconds)
            except subprocess.TimeoutExpired:
                process.kill()
                hits += 1
        _, told = process.communicate()
        if "already exists" in told:  # the kill before came when all was done
            break
        if process.returncode not in (0, -9):
            raise SystemExit(f"{' '.join(again)} ended with {process.returncode}: {told[-500:]}")
        if process.returncode == 0:
            break
    return hits


def bytes_of(place: Path, without: Sequence[str] = ()) -> str:
    """A hash of a file, or of all files of a folder and their names."""
    files = [place] if place.is_file() else sorted(path for path in place.rglob("*") if path.is_file())
    digest = hashlib.sha256()
    for path in files:
        if path.name not in without:
            digest.update(str(path.relative_to(place.parent)).replace(place.name, "", 1).encode() + path.read_bytes())
    return digest.hexdigest()


def trial(
    name: str, out: str, command: Callable[[Path], Sequence[str]], again: Callable[[Path], Sequence[str]], kills: int,
    without: Sequence[str] = (),
) -> bool:  # fmt: skip
    """Whether every killed run of a command ends with the bytes of one that was not."""
    with tempfile.TemporaryDirectory() as work:
        whole, began = Path(work) / f"whole{out}", time.monotonic()
        subprocess.run(command(whole), cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        seconds, expected = time.monotonic() - began, bytes_of(whole, without)
        hits = equal = left = 0
        runs = -(-kills // 2)
        for number in range(runs):
            place = Path(work) / f"{number}{out}"
            hits += killed(command(place), again(place), 2, seconds, number)
            equal += bytes_of(place, without) == expected
            left += sum(
                path.name.startswith(f".{number}") or path.name.endswith(".work") for path in Path(work).iterdir()
            )
            (shutil.rmtree if place.is_dir() else os.unlink)(place)
        line(name, {"seconds": round(seconds, 1), "runs": runs, "kills": hits, "equal": equal, "left behind": left})
        return equal == runs


def trials(folder: Path, kills: int) -> dict[str, Callable[[], bool]]:
    notes, prepared = tones(folder / "notes"), folder / "set"

    def prepare() -> None:
        if not prepared.exists():
            command = [*PYTHON, "data", "--source", "folder", "--path", str(notes), "--out", str(prepared)]
            subprocess.run(command, cwd=ROOT, check=True, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)

    def pack() -> bool:
        def command(out: Path) -> list[str]:
            return [*PYTHON, "pack", "--instrument", "flute", "--range", "48-72", "--out", str(out)]

        return trial("pack", ".zip", command, lambda out: [*command(out), "--resume"], kills)

    def data() -> bool:
        def command(out: Path) -> list[str]:
            return [*PYTHON, "data", "--source", "folder", "--path", str(notes), "--out", str(out), "--workers", "1"]

        return trial("data", "", command, command, kills)

    def train() -> bool:
        prepare()

        def command(out: Path) -> list[str]:
            return [*PYTHON, "train", "--recipe", "tiny", "--data", str(prepared), "--out", str(out), "--device", "cpu"]

        # how long it took differs from run to run: in the log, in the state and in cards
        return trial("train", "", command, command, kills, without=("log.csv", "state.pt", "card.json"))

    def imports() -> bool:
        checkpoint = ROOT / "tests" / "data" / "magenta" / "official_small.zip"

        def command(out: Path) -> list[str]:
            return [*PYTHON, "import-magenta", str(checkpoint), "--name", out.name, "--out", str(out.parent)]

        # the name is in the card
        return trial("import", "", command, command, kills, without=("card.json",))

    return {"pack": pack, "data": data, "train": train, "import": imports, "export": lambda: exports(kills)}


def exports(kills: int) -> bool:
    """Whether an export in the app, killed with the app again and again, is the same file in the end, and nothing of
    the killed ones is left."""
    wanted = {"sounds": [{"sound": {"instruments": {"flute": 1}, "seed": 7}, "name": "x"}]}
    wanted["options"] = {"pitches": list(range(48, 73))}
    chance, stale = random.Random(0), 0
    with tempfile.TemporaryDirectory() as temporary:

        def start(client: httpx.Client) -> str:
            place = f"{STUDIO}/{client.get(f'{STUDIO}/model').json()['digest']}"
            return f"{place}/jobs/{client.post(f'{place}/pack/export', json=wanted).json()['job']}"

        def whole() -> tuple[bytes, float]:
            with app(temporary=Path(temporary)) as (address, _), httpx.Client(base_url=address, timeout=120) as client:
                began, job = time.monotonic(), start(client)
                while client.get(job).json()["state"] in ("waiting", "running"):
                    time.sleep(0.1)
                return client.get(f"{job}/file").content, time.monotonic() - began

        expected, seconds = whole()
        for _ in range(kills):
            with app(temporary=Path(temporary)) as (address, process), httpx.Client(base_url=address) as client:
                stale += len(list(Path(temporary).glob("gansynth-studio-*"))) - 1
                start(client)
                time.sleep(chance.uniform(0, 0.9) * seconds)
                process.kill()
                process.wait()
        equal = whole()[0] == expected
        stale += len(list(Path(temporary).glob("gansynth-studio-*")))
        line("export", {"seconds": round(seconds, 1), "kills": kills, "equal": equal, "left behind": stale})
        return equal and expected[:2] == b"PK" and not stale


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=20, help="of each command")
    parser.add_argument("--only", nargs="+", choices=["pack", "data", "train", "import", "export"])
    options = parser.parse_args()
    print(load())
    with tempfile.TemporaryDirectory() as folder:
        all_of_them = trials(Path(folder), options.kills)
        return 0 if all([all_of_them[name]() for name in options.only or all_of_them]) else 1


if __name__ == "__main__":
    sys.exit(main())
