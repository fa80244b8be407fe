"""Auditions: every program of a synthesizer is played at a few keys, measured, and kept or not, with the reason.

A pool is a folder with a file for each engine, ENGINE.jsonl: a line for each program that was tried. An audition that
was stopped goes on where it was. Programs that crash their engine, are silent, clip, have no pitch or one that is not
the key's, whatever the octave, are not kept; an octave that is always the same is noted, and other keys are played for
it."""

import argparse
import json
import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass, field
from pathlib import Path
from queue import SimpleQueue
from typing import Any

import numpy as np
import numpy.typing as npt
from tqdm import tqdm

from gansynth_core.descriptors import DESCRIPTORS, measure
from gansynth_core.errors import AudioError, DataError, InputError, ToolError
from gansynth_core.sound import SILENCE_PEAK, Clips
from gansynth_core.training.data.engine import ENGINES, Key, Program, build_engine
from gansynth_core.training.data.features import SIZE, features
from gansynth_core.training.data.isolated import Isolated
from gansynth_core.training.evaluation.pitch_tracker import cents_off, hear

Array = npt.NDArray[Any]

PITCHES = (36, 48, 60, 72)  # three octaves
LOUD, SOFT = 100, 40
KEYS = (*(Key(pitch, LOUD) for pitch in PITCHES), Key(60, SOFT))
IN_TUNE_CENTS = 35.0
PITCHED = 3  # of PITCHES have to be in tune, and all that have a pitch
FULL_SCALE = 0.999
FLAT_SAMPLES = 6  # equal samples at full scale, one after another, are clipping
KEPT = "kept"


@dataclass(frozen=True)
class Audition:
    """What came of a program. verdict: KEPT, or why not. octaves: by how many it sounds above its key. features: of
    PITCHES in turn, SIZE numbers each. described: the descriptors (see descriptors.py) at middle C. softer_db: how much
    softer it is at velocity SOFT than at LOUD."""

    program: Program
    verdict: str
    octaves: int = 0
    features: list[list[float]] = field(default_factory=list)
    described: dict[str, float] = field(default_factory=dict)
    softer_db: float = 0.0

    @property
    def kept(self) -> bool:
        return self.verdict == KEPT


def read_pool(folder: str | os.PathLike[str], engine: str) -> list[Audition]:
    """An engine's auditions in a pool; a last line that a stop cut short is left out. Raises DataError if there are
    none, or the file is damaged."""
    path = Path(folder) / f"{engine}.jsonl"
    try:
        found = [_from_json(line) for line in path.read_text(encoding="utf-8").splitlines(True) if line.endswith("\n")]
    except FileNotFoundError:
        raise DataError(
            f"There are no auditions of '{engine}' in '{folder}'. Hold them with: "
            f"python -m gansynth_core audition --source {engine} --out {folder}"
        ) from None
    except (OSError, ValueError, KeyError, TypeError) as cause:
        raise DataError(f"'{path}' is damaged: {cause}. Delete it and hold the auditions again.") from cause
    return found


def _from_json(line: str) -> Audition:
    document = json.loads(line)
    return Audition(**document | {"program": Program(**document["program"])})


def hold(
    engine: str, folder: str | os.PathLike[str], sample_rate: int, count: int, seed: int = 0, workers: int | None = None
) -> list[Audition]:
    """Try up to `count` programs of an engine that were not tried yet, and write the pool's file; returns all in the
    order of the programs. Raises ToolError where the engine is missing, DataError where the folder cannot be
    written."""
    programs = build_engine(engine).programs(count, seed)
    path = Path(folder) / f"{engine}.jsonl"
    path.parent.mkdir(parents=True, exist_ok=True)
    tried = {audition.program.name: audition for audition in read_pool(folder, engine)} if path.is_file() else {}
    _drop_cut_line(path)
    left = [program for program in programs if program.name not in tried]
    try:
        with (
            open(path, "a", encoding="utf-8") as file,
            tqdm(total=len(programs), initial=len(programs) - len(left)) as bar,
        ):
            bar.set_description(f"Auditions of {engine}")
            for audition in _held(engine, left, sample_rate, min(len(left), workers or os.cpu_count() or 1)):
                file.write(json.dumps(asdict(audition)) + "\n")
                file.flush()
                tried[audition.program.name] = audition
                bar.update()
    except OSError as cause:
        raise DataError(f"Cannot write '{path}': {cause.strerror or cause}.") from cause
    return [tried[program.name] for program in programs]


def _drop_cut_line(path: Path) -> None:
    """Shorten the file to its whole lines."""
    if path.is_file():
        data = path.read_bytes()
        if not data.endswith(b"\n"):
            path.write_bytes(data[: data.rfind(b"\n") + 1])


def _held(engine: str, programs: Sequence[Program], sample_rate: int, workers: int) -> Iterator[Audition]:
    """Auditions in the order in which they are done, in that many processes."""
    if not programs:
        return
    idle: SimpleQueue[Isolated] = SimpleQueue()
    rooms = [Isolated(engine) for _ in range(workers)]
    for room in rooms:
        idle.put(room)

    def held(program: Program) -> Audition:
        room = idle.get()
        try:
            found: Audition = room.call(audition, program, KEYS, sample_rate)
            return found
        except AudioError as error:
            return Audition(program, str(error))
        finally:
            idle.put(room)

    with ThreadPoolExecutor(workers) as threads:
        try:
            for done in as_completed([threads.submit(held, program) for program in programs]):
                yield done.result()
        finally:
            threads.shutdown(cancel_futures=True)
            for room in rooms:
                room.close()


def audition(engine: Any, program: Program, keys: Sequence[Key], sample_rate: int) -> Audition:
    """One audition, in the engine's own process: KEYS are played and measured."""
    notes = engine.play(program, keys, sample_rate)
    return judged(program, notes, sample_rate)


def judged(program: Program, notes: npt.NDArray[np.float32], sample_rate: int) -> Audition:
    """What comes of a program that plays KEYS like this, [len(KEYS), samples]."""
    probes = notes[: len(PITCHES)]
    if not np.isfinite(notes).all():
        return Audition(program, "not a number")
    peaks = np.abs(probes).max(axis=1)
    if (peaks < SILENCE_PEAK).any():
        return Audition(program, "silent")
    if any(clips(note) for note in notes):
        return Audition(program, "clipped")
    cents = np.array(
        [
            cents_off(hear(note / peak, sample_rate, min(PITCHES) - 12, max(PITCHES) + 24).hz, pitch)
            for note, peak, pitch in zip(probes, peaks, PITCHES, strict=True)
        ]
    )
    octaves, reason = octaves_off(cents)
    if reason:
        return Audition(program, reason)
    numbers = [features(note, sample_rate) for note in probes]
    if any(found is None for found in numbers):
        return Audition(program, "too short")
    middle = probes[PITCHES.index(60)]
    sounding = 60.0 + 12 * octaves
    described = measure(Clips(middle[None] / peaks[PITCHES.index(60)], sample_rate, (sounding,)))[0]
    soft, loud = (float(np.sqrt(np.square(note).mean())) for note in (notes[-1], middle))
    return Audition(
        program,
        KEPT,
        octaves,
        [[round(float(number), 4) for number in found] for found in numbers if found is not None],
        {d.name: round(float(value), 4) for d, value in zip(DESCRIPTORS, described, strict=True)},
        round(20 * float(np.log10(max(loud, 1e-9) / max(soft, 1e-9))), 2),
    )


def clips(note: npt.NDArray[np.float32]) -> bool:
    """Whether a note [samples] runs into full scale and stays there."""
    if np.abs(note).max(initial=0.0) < FULL_SCALE:
        return False
    flat = (np.abs(note[1:]) >= FULL_SCALE) & (note[1:] == note[:-1])
    runs = np.convolve(flat, np.ones(FLAT_SAMPLES - 1), "valid")
    return bool((runs >= FLAT_SAMPLES - 1).any())


def octaves_off(cents: Array) -> tuple[int, str]:
    """By how many octaves a program sounds above its keys, and why it cannot be used ("" if it can). cents: how far it
    was heard off at PITCHES, NaN where it has no pitch."""
    heard = cents[~np.isnan(cents)]
    if len(heard) < PITCHED:
        return 0, "no pitch"
    octaves = round(float(np.median(heard)) / 1200)
    right = np.abs(heard - 1200 * octaves) <= IN_TUNE_CENTS
    if right.sum() >= PITCHED and right.mean() >= PITCHED / len(PITCHES):
        return (octaves, "") if abs(octaves) <= 2 else (octaves, "more than two octaves off")
    nearest = np.abs(heard - 1200 * np.round(heard / 1200)) <= IN_TUNE_CENTS
    return 0, "another octave at every key" if nearest.sum() >= PITCHED else "out of tune"


def summary(auditions: Sequence[Audition]) -> list[str]:
    """Lines of a table: how many were tried and kept, and why others were not."""
    counts = Counter(audition.verdict for audition in auditions)
    moved = sum(audition.kept and audition.octaves != 0 for audition in auditions)
    lines = [f"{len(auditions)} tried, {counts.pop(KEPT, 0)} kept ({moved} of them at another octave)"]
    return lines + [f"  {count:5d} {reason}" for reason, count in counts.most_common()]


def vectors(auditions: Sequence[Audition]) -> Array:
    """Their features as rows [auditions, len(PITCHES) * SIZE]."""
    return np.array([a.features for a in auditions], np.float64).reshape(len(auditions), len(PITCHES) * SIZE)


# --- the command `audition` ---------------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.description = (
        "Play every program of synthesizers at a few keys, and keep those that sound, do not clip and are in tune. "
        "Stop it with Ctrl-C whenever you like; the same command continues."
    )
    parser.add_argument("--source", nargs="+", choices=tuple(ENGINES), default=list(ENGINES), help="default: all")
    parser.add_argument("--count", type=int, default=400, help="programs of each to try at most (default: 400)")
    parser.add_argument("--seed", type=int, default=0, help="draws the programs (default: 0)")
    parser.add_argument("--out", required=True, help="folder for the pool, a file for each source")
    parser.add_argument("--workers", type=int, help="processes to share the work (default: one per core)")
    parser.add_argument("--dry-run", action="store_true", help="say how long it would take, and do nothing")


def run(arguments: argparse.Namespace) -> None:
    """Hold the auditions that `arguments` ask for, and print what came of them. A source that is not installed is left
    out with its sentence, unless it is the only one."""
    from gansynth_core.training.config import STUDIO_WIDE_SPEC

    workers = os.cpu_count() or 1 if arguments.workers is None else arguments.workers
    if workers < 1 or arguments.count < 1:
        raise InputError("--workers and --count must be at least 1.")
    for source in arguments.source:
        try:
            engine = build_engine(source)
        except ToolError as missing:
            if len(arguments.source) == 1:
                raise
            print(f"{source}: left out. {missing}")
            continue
        programs = engine.programs(arguments.count, arguments.seed)
        hours = len(programs) * len(KEYS) / engine.notes_a_second / workers / 3600
        print(f"{source}: {len(programs)} programs at {len(KEYS)} keys each, about {hours:.2f} hours", flush=True)
        if not arguments.dry_run:
            rate = STUDIO_WIDE_SPEC.sample_rate
            print("\n".join(summary(hold(source, arguments.out, rate, arguments.count, arguments.seed, workers))))
