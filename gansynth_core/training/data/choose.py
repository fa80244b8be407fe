"""Choosing instruments out of pools of auditioned programs, so that they differ from each other and from what is known
already, and naming them.

A choice is a file, instruments.json: what to call each, its family, and the program that plays it. `data --source
chosen` renders it.
"""

import argparse
import json
import os
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gansynth_core.descriptors import DESCRIPTORS
from gansynth_core.errors import DataError, InputError
from gansynth_core.files import replacing
from gansynth_core.instruments import GM_INSTRUMENTS
from gansynth_core.training.data.audition import PITCHES, Audition, read_pool, vectors
from gansynth_core.training.data.engine import ENGINES, FAMILIES, Program
from gansynth_core.training.data.features import Scale, distances

Array = npt.NDArray[Any]

#: Descriptor -> what a musician calls a sound that has less of it than its namesakes, and more.
CHARACTERS = {
    "brightness": ("dark", "bright"),
    "attack": ("sharp", "slow"),
    "decay": ("long", "short"),
    "noisiness": ("pure", "breathy"),
    "richness": ("thin", "rich"),
    "hollowness": ("full", "hollow"),
    "warmth": ("lean", "warm"),
    "vibrato": ("still", "wavering"),
    "tremolo": ("steady", "pulsing"),
    "beating": ("plain", "shimmering"),
}
FAR_ENOUGH = 1.0  # of the distance at which two General MIDI programs differ


@dataclass(frozen=True)
class Chosen:
    """An instrument of a choice. octaves: by how many its program sounds above its key. distance: from the nearest of
    those known or chosen before it, in units of the distance between two General MIDI programs."""

    name: str
    family: str
    program: Program
    octaves: int
    distance: float


def choose(candidates: Sequence[Audition], known: Sequence[Audition], count: int) -> list[Chosen]:
    """Up to `count` of the kept `candidates` by farthest-first (Gonzalez 1985): always the one that is farthest from
    all `known` sounds and those chosen so far, down to FAR_ENOUGH. known: the General MIDI programs, which give the
    scale and the unit of distance. Families are in the order of FAMILIES, names within one in the alphabet's.

    Raises DataError where there is nothing to choose from.
    """
    candidates, known = [[a for a in some if a.kept] for some in (candidates, known)]
    if len(known) < 2 or not candidates:
        raise DataError(f"There are {len(candidates)} kept programs to choose from, beside {len(known)} known ones.")
    scale = Scale(vectors(known).reshape(-1, vectors(known).shape[1] // len(PITCHES)))
    points, others = (_scaled(scale, some) for some in (candidates, known))
    unit = usual_distance(others, [a.program.name.split(".")[0] for a in known])
    nearest = np.array([distances(point, others).min() for point in points]) / unit
    picked: list[tuple[Audition, float]] = []
    while len(picked) < min(count, len(candidates)):
        place = int(nearest.argmax())
        if nearest[place] < FAR_ENOUGH:
            break
        picked.append((candidates[place], float(nearest[place])))
        nearest = np.minimum(nearest, distances(points[place], points) / unit)
        nearest[place] = -1.0
    names = named([audition for audition, _ in picked])
    chosen = [
        Chosen(name, FAMILIES[audition.program.kind], audition.program, audition.octaves, round(apart, 3))
        for name, (audition, apart) in zip(names, picked, strict=True)
    ]
    order = list(FAMILIES.values())
    return sorted(chosen, key=lambda instrument: (order.index(instrument.family), instrument.name))


def _scaled(scale: Scale, auditions: Sequence[Audition]) -> Array:
    rows = vectors(auditions)
    scaled: Array = scale(rows.reshape(len(rows), len(PITCHES), -1)).reshape(len(rows), -1)
    return scaled


def usual_distance(points: Array, names: Sequence[str]) -> float:
    """The median distance of a sound to the nearest one of another name."""
    owner = np.array(names)
    nearest = [distances(point, points[owner != name]).min() for point, name in zip(points, owner, strict=True)]
    return float(np.median(nearest))


def distinct(auditions: Sequence[Audition], scale: Scale, apart: float) -> int:
    """How many sounds there are no two of which are nearer to each other than `apart`, by farthest-first."""
    points = _scaled(scale, auditions)
    nearest, found = np.full(len(points), np.inf), 0
    while len(points) and nearest.max() >= apart:
        place = int(nearest.argmax()) if found else 0
        nearest = np.minimum(nearest, distances(points[place], points))
        found += 1
    return found


def named(auditions: Sequence[Audition]) -> list[str]:
    """A name for each, unique and none of General MIDI's: what it is by its program's name, and where several are alike
    in that, what it is beside those: `dark_fm_glass_bell`."""
    bases = [_base(audition.program.name) for audition in auditions]
    counts = Counter(bases)
    names: list[str] = []
    taken = set(GM_INSTRUMENTS)
    for place, (base, audition) in enumerate(zip(bases, auditions, strict=True)):
        name = base
        if counts[base] > 1 or base in taken:
            namesakes = [other for other, same in zip(auditions, bases, strict=True) if same == base]
            words = _characters(audition, namesakes if len(namesakes) > 1 else auditions)
            tries = [f"{first}_{base}" for first in words[:3]]
            tries += [f"{first}_{second}_{base}" for first in words[:3] for second in words[:5] if first != second]
            name = next((text for text in tries if text not in taken), f"{words[0]}_{base}_{place + 1}")
        names.append(name)
        taken.add(name)
    return names


def _base(name: str) -> str:
    """What a program is called, without what only tells programs apart: `zyn_space_choir_2.1a2b3c` is `space_choir`."""
    text = re.sub(r"_?\d+$", "", name.split(".")[0].removeprefix("zyn_").removeprefix("why_").removeprefix("am_"))
    text = re.sub(r"^\d+_", "", text)
    return text if re.fullmatch(r"[a-z][a-z0-9_]*", text) else f"synth_{re.sub(r'[^a-z0-9]+', '_', text).strip('_')}"


def _characters(audition: Audition, beside: Sequence[Audition]) -> list[str]:
    """Words for what a sound has more or less of than others, the most striking first."""
    logarithmic = {d.name: d.log for d in DESCRIPTORS}
    striking: list[tuple[float, str]] = []
    for name, (less, more) in CHARACTERS.items():
        values = np.array([other.described[name] for other in beside])
        own = audition.described[name]
        if logarithmic[name]:
            values, own = np.log2(np.maximum(values, 1e-6)), float(np.log2(max(own, 1e-6)))
        away = (own - float(np.median(values))) / (float(values.std()) + 1e-6)
        striking.append((abs(away), more if away > 0 else less))
    return [word for _, word in sorted(striking, reverse=True)]


def write_choice(path: str | os.PathLike[str], chosen: Sequence[Chosen]) -> None:
    """Write a choice. Raises DataError."""
    text = ",\n ".join(json.dumps(asdict(instrument)) for instrument in chosen)
    with replacing(Path(path), DataError) as partial:
        partial.write_text(f"[\n {text}\n]\n", encoding="utf-8")


def read_choice(path: str | os.PathLike[str]) -> list[Chosen]:
    """Read a choice. Raises DataError if it is missing or damaged, InputError if two instruments share a name."""
    try:
        documents = json.loads(Path(path).read_text(encoding="utf-8"))
        chosen = [Chosen(**document | {"program": Program(**document["program"])}) for document in documents]
    except FileNotFoundError:
        raise DataError(
            f"There is no choice of instruments '{path}'. Make one with: python -m gansynth_core choose"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as cause:
        raise DataError(f"The choice of instruments '{path}' is damaged: {cause}.") from cause
    twice = [name for name, times in Counter(instrument.name for instrument in chosen).items() if times > 1]
    if twice:
        raise InputError(f"'{path}' has two instruments '{twice[0]}'. Rename one.")
    return chosen


# --- the command `choose` -----------------------------------------------------------------------------------------

KNOWN = "gm"  # the source whose sounds are known already


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.description = "Choose instruments that differ from each other and from General MIDI's, and name them."
    parser.add_argument("--pool", required=True, help="folder that 'audition' made; General MIDI ('gm') must be in it")
    parser.add_argument(
        "--source", nargs="+", choices=[s for s in ENGINES if s != KNOWN], help="default: all in the pool"
    )
    parser.add_argument("--count", type=int, default=256, help="instruments to choose at most (default: 256)")
    parser.add_argument("--out", default="instruments.json", help="the file to write (default: instruments.json)")


def run(arguments: argparse.Namespace) -> None:
    """Choose, write the file and print a table of families and sources."""
    if arguments.count < 1:
        raise InputError("--count must be at least 1.")
    pool = Path(arguments.pool)
    sources = arguments.source or [name for name in ENGINES if name != KNOWN and (pool / f"{name}.jsonl").is_file()]
    candidates = [audition for source in sources for audition in read_pool(pool, source)]
    known = read_pool(pool, KNOWN)
    chosen = choose(candidates, known, arguments.count)
    write_choice(arguments.out, chosen)
    for family, names in by_family(chosen).items():
        print(f"{family}: {len(names)} ({', '.join(names[:4])}{' ...' if len(names) > 4 else ''})")
    of_source = Counter(instrument.program.engine for instrument in chosen)
    print(", ".join(f"{source} {count}" for source, count in of_source.most_common()))
    nearest = min(instrument.distance for instrument in chosen)
    print(
        f"{len(chosen)} instruments, each at least {nearest:.2f} times as far from all others as two General MIDI "
        f"programs are, in '{arguments.out}'"
    )


def by_family(chosen: Sequence[Chosen]) -> dict[str, list[str]]:
    """Names of the instruments by family, in their order."""
    grouped: dict[str, list[str]] = {}
    for instrument in chosen:
        grouped.setdefault(instrument.family, []).append(instrument.name)
    return grouped
