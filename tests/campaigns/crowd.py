"""A class at once: users who behave as the page does, and perhaps one who asks for all he can get.

    python -m tests.campaigns.crowd --users 50 --seconds 300
    python -m tests.campaigns.crowd --users 5 --seconds 45 --greedy 24
    python -m tests.campaigns.crowd --table 1 5 20 50 --workers 1 2 --seconds 60

A user opens the page, then changes the sound every few seconds. He waits for the note under his hand, then fetches the
rest of his keyboard block by block until the next change, which gives up what is under way. Some export a small pack.
"""

import argparse
import asyncio
import contextlib
import itertools
import json
import random
import statistics
import sys
import time
from dataclasses import dataclass, field

import httpx

from tests.campaigns.running import STUDIO, app, line, load, taken

CHANGE_SECONDS = (3.0, 9.0)  # between two sounds of one user
RETRY_SECONDS = 0.7  # as the page does after a 503
BLOCK = 6
EXPORTERS = 0.1  # share of the users


@dataclass
class Seen:
    """Of one user: seconds waited for single notes and for blocks, answers by status, and what went wrong."""

    notes: list[float] = field(default_factory=list)
    blocks: list[float] = field(default_factory=list)
    page: float = 0.0
    statuses: dict[int, int] = field(default_factory=dict)
    errors: list[str] = field(default_factory=list)
    exports: int = 0


class User:
    def __init__(self, address: str, number: int, until: float):
        self.random, self.until, self.seen = random.Random(number), until, Seen()
        self.exports = self.random.random() < EXPORTERS
        limits = httpx.Limits(max_connections=6)
        self.client = httpx.AsyncClient(base_url=address, timeout=120, limits=limits, trust_env=False)

    async def live(self) -> Seen:
        async with self.client:
            try:
                await asyncio.sleep(self.random.uniform(0, 5))
                began = time.monotonic()
                for path in ("/", f"{STUDIO}/model", f"{STUDIO}/ui/studio.js", "/theme.css"):
                    answer = await self.asked("GET", path)
                    self.seen.page = time.monotonic() - began
                    if path.endswith("model"):
                        self.model = answer.json()
                await asyncio.gather(self.play(), *([self.export()] if self.exports else []))
            except (httpx.HTTPError, KeyError, ValueError) as error:
                self.seen.errors.append(repr(error))
        return self.seen

    async def play(self) -> None:
        names = [one["name"] for family in self.model["families"] for one in family["instruments"]]
        while time.monotonic() < self.until:
            sound = json.dumps({"instruments": {self.random.choice(names): 1}, "seed": self.random.randrange(20)})
            pause = self.random.uniform(*CHANGE_SECONDS)
            with contextlib.suppress(TimeoutError):
                focus = self.random.randrange(55, 70)
                await self.note(sound, focus, focus, self.seen.notes)
                async with asyncio.timeout(pause):
                    for low in sorted(range(48, 84, BLOCK), key=lambda low: abs(low + 3 - focus)):
                        await self.note(sound, low, low + BLOCK - 1, self.seen.blocks)
                    await asyncio.sleep(pause)

    async def note(self, sound: str, low: int, high: int, waits: list[float]) -> None:
        began = time.monotonic()
        parameters = {"sound": sound, "low": low, "high": high}
        while (await self.asked("GET", f"{STUDIO}/{self.model['digest']}/notes", params=parameters)).status_code != 200:
            await asyncio.sleep(RETRY_SECONDS)
            if time.monotonic() > self.until + 60:
                raise ValueError("no note came at all")
        waits.append(time.monotonic() - began)

    async def export(self) -> None:
        place = f"{STUDIO}/{self.model['digest']}"
        while time.monotonic() < self.until:
            sound = {"sound": {"instruments": {"flute": 1}, "seed": self.random.randrange(9)}, "name": "x"}
            wanted = {"sounds": [sound], "options": {"pitches": 60}}
            started = await self.asked("POST", f"{place}/pack/export", json=wanted)
            if started.status_code == 200:
                job = f"{place}/jobs/{started.json()['job']}"
                while (state := (await self.asked("GET", job)).json()["state"]) in ("waiting", "running"):
                    await asyncio.sleep(0.4)
                if state == "done" and (await self.asked("GET", f"{job}/file")).content[:2] == b"PK":
                    self.seen.exports += 1
            await asyncio.sleep(20)

    async def asked(self, method: str, path: str, **what) -> httpx.Response:
        answer = await self.client.request(method, path, **what)
        self.seen.statuses[answer.status_code] = self.seen.statuses.get(answer.status_code, 0) + 1
        if answer.status_code not in (200, 503):
            self.seen.errors.append(f"{answer.status_code} {path} {answer.text[:200]}")
        return answer


async def greed(address: str, connections: int, until: float) -> int:
    """Ask for 13 notes on every connection, again and again; returns how many came."""
    served, seeds = 0, itertools.count()
    limits = httpx.Limits(max_connections=connections)
    async with httpx.AsyncClient(base_url=address, timeout=120, limits=limits, trust_env=False) as client:
        model = (await client.get(f"{STUDIO}/model")).json()

        async def pull() -> None:
            nonlocal served
            while time.monotonic() < until:
                sound = json.dumps({"instruments": {"tuba": 1}, "seed": next(seeds)})
                parameters = {"sound": sound, "low": 40, "high": 52}
                with contextlib.suppress(httpx.HTTPError):
                    answer = await client.get(f"{STUDIO}/{model['digest']}/notes", params=parameters)
                    served += 13 * (answer.status_code == 200)
                    await asyncio.sleep(0 if answer.status_code == 200 else 0.05)

        await asyncio.gather(*(pull() for _ in range(connections)))
    return served


def crowd(users: int, seconds: float, greedy: int, workers: int) -> dict[str, object]:
    """What `users` met within `seconds`."""

    async def meet(address: str) -> tuple[list[Seen], int]:
        until = time.monotonic() + seconds
        living = [User(address, number, until).live() for number in range(users)]
        *seen, pulled = await asyncio.gather(*living, greed(address, greedy, until) if greedy else asyncio.sleep(0, 0))
        return seen, pulled

    with app("--workers", str(workers)) as (address, process):
        before = taken(process.pid)
        seen, pulled = asyncio.run(meet(address))
        after = taken(process.pid)
    waits = sorted(wait for one in seen for wait in one.notes)
    medians = [statistics.median(one.notes) if one.notes else float("inf") for one in seen]
    statuses = [pair for one in seen for pair in one.statuses.items()]
    total, busy = sum(count for _, count in statuses), sum(count for status, count in statuses if status == 503)
    return {
        "users": users,
        "workers": workers,
        "greedy": greedy,
        "note median s": round(statistics.median(waits), 2),
        "95 % s": round(waits[int(0.95 * len(waits))], 2),
        "worst s": round(waits[-1], 2),
        "median user s": round(statistics.median(medians), 2),
        "worst user s": round(max(medians), 2),
        "block median s": round(statistics.median([wait for one in seen for wait in one.blocks] or [0]), 2),
        "page worst s": round(max(one.page for one in seen), 2),
        "notes": len(waits) + BLOCK * sum(len(one.blocks) for one in seen),
        "to the greedy": pulled,
        "exports": sum(one.exports for one in seen),
        "503 %": round(100 * busy / total, 1),
        "errors": [error for one in seen for error in one.errors],
        "MB": f"{before['MB']} -> {after['MB']}",
    }


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--users", type=int, default=50)
    parser.add_argument("--seconds", type=float, default=300)
    parser.add_argument("--greedy", type=int, default=0, metavar="CONNECTIONS")
    parser.add_argument("--workers", type=int, nargs="+", default=[1])
    parser.add_argument("--table", type=int, nargs="+", help="numbers of users, one after the other")
    options = parser.parse_args()
    kept = True
    for workers in options.workers:
        for users in options.table or [options.users]:
            print(load())
            found = crowd(users, options.seconds, options.greedy, workers)
            line("crowd", found)
            kept &= not found["errors"] and found["503 %"] < 5
            kept &= found["worst user s"] <= max(1.0, 3 * found["median user s"])
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
