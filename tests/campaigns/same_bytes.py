"""One note, one result: `python tests/campaigns/same_bytes.py [cases]` (1000 cases unless told otherwise).

Random notes of the `studio` voice are rendered alone, and again at any place of batches of 1 to 24, by processes with
one thread and with two. Every case compares one note's digest with the one it has alone; the first that differs ends
the campaign.
"""

import argparse
import hashlib
import json
import os
import random
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT))

NOTES = 150  # that the cases draw from
LARGEST = 24


def digests_of(numbers: list[int], together: bool) -> list[str]:
    """The digests of the notes with these numbers, rendered at once or each alone."""
    from gansynth_core import Synth, sample

    synth = Synth.load("studio", device="cpu", cached_notes=0)
    notes = []
    for number in numbers:
        chance = random.Random(number)
        mixture = {name: chance.random() + 0.01 for name in chance.sample(synth.card.instruments, chance.randint(1, 3))}
        pitch = chance.choice([chance.randint(24, 84), chance.uniform(24, 84)])
        notes.append((sample(synth.card, 1, number, mixture)[0], pitch))
    batches = [notes] if together else [[note] for note in notes]
    waves = [
        wave
        for batch in batches
        for wave in synth.render([timbre for timbre, _ in batch], [pitch for _, pitch in batch]).audio
    ]
    return [hashlib.sha256(wave.tobytes()).hexdigest() for wave in waves]


def in_process(calls: list[tuple[list[int], bool]], threads: int) -> list[list[str]]:
    """What `digests_of` says to each call in a process of its own that has so many threads."""
    told = subprocess.run(
        [sys.executable, __file__, "--answer"],
        input=json.dumps(calls),
        env=os.environ | {"OMP_NUM_THREADS": str(threads)},
        capture_output=True,
        text=True,
    )
    if told.returncode:
        raise RuntimeError(told.stderr)
    answer: list[list[str]] = json.loads(told.stdout)
    return answer


def campaign(cases: int, seed: int = 0, notes: int = NOTES, largest: int = LARGEST) -> int:
    """Compare the notes of random batches, half of them in a process with one thread and half with two, until `cases`
    notes have been. Returns how many were; raises AssertionError for the first that differs."""
    chance = random.Random(seed)
    alone = in_process([(list(range(notes)), False)], threads=1)[0]
    batches: list[list[int]] = []
    while sum(map(len, batches)) < cases:
        batches.append([chance.randrange(notes) for _ in range(chance.randint(1, largest))])
    compared = 0
    for threads in (1, 2):
        mine = batches[threads - 1 :: 2]
        for batch, digests in zip(mine, in_process([(batch, True) for batch in mine], threads), strict=True):
            for place, (number, digest) in enumerate(zip(batch, digests, strict=True)):
                assert digest == alone[number], f"note {number} at place {place} of {batch}, {threads} threads"
                compared += 1
    return compared


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("cases", type=int, nargs="?", default=1000)
    parser.add_argument("--answer", action="store_true", help=argparse.SUPPRESS)
    arguments = parser.parse_args()
    if arguments.answer:
        print(json.dumps([digests_of(*call) for call in json.load(sys.stdin)]))
    else:
        print(f"{campaign(arguments.cases)} notes have the bytes they have alone.")
