"""A month in an hour: exports and notes without end, of a model that costs nothing, and what the app has of the machine
on the way.

    python -m tests.campaigns.month --exports 10000 --notes 100000
"""

import argparse
import asyncio
import gc
import json
import os
import sys
from functools import partial
from pathlib import Path

import httpx

sys.path.insert(0, str(Path(__file__).parent.parent))

from serving import served
from sine_voice import sine_synth

from tests.campaigns.running import STUDIO, line, load, taken
from webapp.jobs import Jobs
from webapp.player import Player
from webapp.routes import studio
from webapp.scratch import Scratch

VISITORS = 8
KEEP_SECONDS = 5.0  # what nobody fetches is kept for an hour, which is this long where a month is an hour
LOOKS = 10


async def visits(address: str, exports: int, notes: int, look) -> list[str]:
    """Do it all, by VISITORS at once; returns what went wrong."""
    faults: list[str] = []

    async def visit(number: int) -> None:
        async with httpx.AsyncClient(base_url=address, timeout=600, trust_env=False) as client:
            await client.get("/")
            place = f"{STUDIO}/{(await client.get(f'{STUDIO}/model')).json()['digest']}"

            async def discard(what: str, path: str, parameters=None) -> None:
                # not kept in a Response of httpx, which stays in memory until Python looks for circles
                async with client.stream("GET", path, params=parameters) as answer:
                    async for _ in answer.aiter_raw():
                        pass
                if answer.status_code != 200:
                    faults.append(f"{what}: {answer.status_code}")

            async def export(each: int) -> None:
                sound = {"sound": {"instruments": {"violin": 1}, "seed": each}, "name": "x"}
                wanted = {"sounds": [sound], "options": {"pitches": 60}}
                started = await client.post(f"{place}/pack/export", json=wanted)
                if started.status_code != 200:
                    faults.append(f"export: {started.text[:200]}")
                    return
                job = f"{place}/jobs/{started.json()['job']}"
                while (state := (await client.get(job)).json()["state"]) in ("waiting", "running"):
                    await asyncio.sleep(0.02)
                if state != "done":
                    faults.append(f"export: {state}")
                elif each % 3:  # a third is never fetched
                    await discard("file", f"{job}/file")

            rounds = max(exports, notes // 12) // VISITORS
            for each in range(rounds):
                if each % max(1, rounds * VISITORS // max(1, exports)) == 0:
                    await export(each)
                if each % max(1, rounds * VISITORS * 12 // max(1, notes)) == 0:
                    sound = json.dumps({"instruments": {"flute": 1}, "seed": VISITORS * each + number})
                    parameters = {"sound": sound, "low": 60, "high": 71}
                    await discard("notes", f"{place}/notes", parameters)
                if number == 0 and each % max(1, rounds // LOOKS) == 0:
                    look(each / rounds)

    await asyncio.gather(*(visit(number) for number in range(VISITORS)))
    return faults


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--exports", type=int, default=10_000)
    parser.add_argument("--notes", type=int, default=100_000)
    parser.add_argument("--ceiling", type=int, default=50_000_000, help="bytes of all temporary files")
    options = parser.parse_args()
    print(load())
    studio.Jobs = partial(Jobs, keep_seconds=KEEP_SECONDS)
    scratch, looks = Scratch(options.ceiling), []

    def look(share: float) -> None:
        gc.collect()
        looks.append(taken(os.getpid(), scratch.folder))
        line(f"{share:4.0%}", looks[-1])

    with served(Player.of(sine_synth(griffin_lim_steps=0, cached_notes=0)), scratch=scratch) as address:
        faults = asyncio.run(visits(address, options.exports, options.notes, look))
    settled, last = looks[len(looks) // 3], looks[-1]
    print(
        f"{options.exports} exports and {options.notes} notes: {len(faults)} refused or failed", *faults[:5], sep="\n"
    )
    flat = all(last[name] <= 1.1 * settled[name] + 5 for name in ("MB", "threads", "files"))
    flat &= last["disk MB"] <= options.ceiling / 1e6 and not scratch.folder.exists()
    return 0 if flat and not faults else 1


if __name__ == "__main__":
    sys.exit(main())
