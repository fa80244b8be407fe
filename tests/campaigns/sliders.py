"""How well the sliders of a model do what they say: sounds of all families that nothing was learned from, each slider
at seven positions, rendered at middle C and measured. Prints a table for the card's fixed directions and for the walks
that follow the sound (gansynth_core/steering.py):

    python -m tests.campaigns.sliders --sounds 96
"""

import argparse
import itertools
from collections.abc import Callable, Sequence

import numpy as np

from gansynth_core import DESCRIPTORS, Steering, Synth, Timbre, measure, nudge, sample

PITCH = 60
POSITIONS = (-3.0, -2.0, -1.0, 0.0, 1.0, 2.0, 3.0)
FIRST_SEED = 2**31  # no map or training draws from here on
NAMES = [descriptor.name for descriptor in DESCRIPTORS]
ASPECTS = ("brightness", "attack", "decay", "noisiness", "vibrato")
BACK = 0.1  # of a slider's range, by which a step may go the wrong way unnoticed

Move = Callable[[Timbre, str, float], Timbre]


def held_out(synth: Synth, count: int, first: int = 0) -> list[Timbre]:
    """Sounds of one family after the other, instruments and seeds drawn at random."""
    draw = np.random.default_rng((first, 9))
    families = itertools.cycle(synth.card.families().values())
    return [
        sample(synth.card, 1, FIRST_SEED + int(draw.integers(2**31)), str(draw.choice(names)))[0]
        for names in itertools.islice(families, count)
    ]


def heard(synth: Synth, timbres: Sequence[Timbre]) -> np.ndarray:
    """Descriptors as the ear spaces them, [timbres, descriptors]."""
    values = measure(synth.render(timbres, [PITCH] * len(timbres)))
    return np.stack([one.heard(values[:, index]) for index, one in enumerate(DESCRIPTORS)], axis=1)


def positions(synth: Synth, sounds: Sequence[Timbre], sliders: Sequence[str], move: Move, said: str) -> np.ndarray:
    """What is measured of every sound with every slider at every place: [sounds, sliders, positions, descriptors]."""
    found = []
    for index, sound in enumerate(sounds):
        middle = heard(synth, [sound])[0]
        moved = heard(synth, [move(sound, name, at) for name in sliders for at in POSITIONS if at])
        rows = iter(moved)
        found.append([[next(rows) if at else middle for at in POSITIONS] for _ in sliders])
        print(f"{said}: {index + 1} of {len(sounds)} sounds", end="\r", flush=True)
    return np.array(found)


def table(title: str, values: np.ndarray, sliders: Sequence[str], sides: np.ndarray, told: np.ndarray | None) -> None:
    """Prints how every slider did.

    sides: bool [sounds, sliders, 2], where it has room to the left and to the right; only steps there count. told
    [sounds, sliders]: the reach that was shown, in even steps to the ear.

    rises: share of the steps in the slider's direction. back: of those that go the other way by more than BACK of its
    range at that sound. reach: from end to end, in spreads of the sounds. others: how far the other aspects go, of its
    own way, both in spreads. loudness: LU between the loudest and the softest position, the median and what nine of ten
    sounds stay below.
    """
    spread = values[:, 0, POSITIONS.index(0)].std(axis=0)
    aspects = [NAMES.index(name) for name in ASPECTS]
    print(f"\n{title}\n\n| slider | sides | rises | back | reach | others | loudness | reach shown |\n|{'---|' * 8}")
    for index, name in enumerate(sliders):
        own, rest = NAMES.index(name), [one for one in aspects if one != NAMES.index(name)]
        room = np.repeat(sides[:, index], len(POSITIONS) // 2, axis=1)  # [sounds, steps]
        some = room.any(axis=1)
        chosen = values[some, index]
        steps, way = np.diff(chosen[..., own], axis=1), np.ptp(chosen[..., own], axis=1)
        end = chosen[:, -1, own] - chosen[:, 0, own]
        counted = steps[room[some]]
        back = counted < -BACK * np.broadcast_to(way[:, None], steps.shape)[room[some]]
        others = (np.ptp(chosen[..., rest], axis=1) / spread[rest]).mean(axis=1) / np.maximum(way / spread[own], 1e-9)
        loud = np.ptp(chosen[..., NAMES.index("loudness")], axis=1)
        shown = ""
        if told is not None:
            away = np.abs(told[some, index] - end) / np.maximum(np.abs(end), 1e-9)
            shown = f"{np.median(away):.0%} off, {(away <= 0.25).mean():.0%} within a quarter"
        cells = [name, f"{sides[:, index].sum()}", f"{(counted > 0).mean():.1%}", f"{back.mean():.1%}"]
        cells += [f"{np.median(end) / spread[own]:.2f}", f"{np.median(others):.2f}"]
        cells += [f"{np.median(loud):.1f}, {np.quantile(loud, 0.9):.1f}", shown]
        print(f"| {' | '.join(cells)} |", flush=True)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="studio", help="which model, or its folder (default: studio)")
    parser.add_argument("--sounds", type=int, default=96, help="how many (default: 96)")
    parser.add_argument("--seed", type=int, default=0, help="of the sounds (default: 0)")
    options = parser.parse_args()
    synth = Synth.load(options.model)
    steering = Steering.find(synth.card)
    if steering is None:
        parser.error(f"'{options.model}' has no sliders that follow the sound: see gansynth directions --help")
    sounds, walks = held_out(synth, options.sounds, options.seed), list(steering.aspects)
    reaches = [[steering.reach(sound)[name] for name in walks] for sound in sounds]
    sides = np.array([[(one.down, one.up) for one in row] for row in reaches])
    scales = [DESCRIPTORS[NAMES.index(name)] for name in walks]
    told = np.array(
        [
            [float(np.diff(by.heard(np.array([one.low, one.high])))[0]) for by, one in zip(scales, row, strict=True)]
            for row in reaches
        ]
    )
    fixed = [one.name for one in synth.card.directions if one.kind == "named"]
    known = [walks.index(name) for name in fixed if name in walks]
    fixed = [walks[place] for place in known]
    values = positions(synth, sounds, fixed, lambda sound, name, at: nudge(sound, synth.card, {name: at}), "fixed")
    table("Fixed directions", values, fixed, sides[:, known], None)
    values = positions(synth, sounds, walks, lambda sound, name, at: steering.steer(sound, {name: at}), "walks")
    table("Walks that follow the sound", values, walks, sides, told)


if __name__ == "__main__":
    main()
