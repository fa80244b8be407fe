"""Preparing a training set: every note of the sources, rendered or read once, into the folder of a set."""

import contextlib
import json
import os
import zlib
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from tqdm import tqdm

from gansynth_core.errors import DataError
from gansynth_core.files import replacing
from gansynth_core.specgram import Representation
from gansynth_core.training.data.dataset import (
    FORMAT,
    MAX_VARIATION,
    NOTE,
    PENDING,
    READY,
    SKIPPED,
    Array,
    NoteSet,
    note_bytes,
    read_description,
    read_records,
    readable_size,
    stored_type,
)
from gansynth_core.training.data.source import Source, SourceNote
from gansynth_core.training.data.workers import Job, outcomes

NOTES_PER_JOB = 16  # few enough that a stop costs little, enough that waiting for the disk after each does not count


def prepare(
    sources: Sequence[Source], out: str | os.PathLike[str], spec: Representation, workers: int | None = None
) -> NoteSet:
    """Render or read every note of `sources` into the folder `out`, with a progress bar; continues where it stopped.

    workers: processes to share the work (None: one per core; 1: this one alone).
    A stop of any kind loses at most the notes being worked on; the same call continues, and returns at once when
    nothing is left to do. Raises DataError if `out` holds a set of other notes, if the disk is full, if a worker is
    killed, or if fewer than two notes could be used.
    """
    out = Path(out)
    plans = [source.plan() for source in sources]
    notes = [note for plan in plans for note in plan]
    if not notes:
        raise DataError("There are no notes in " + ", ".join(source.name for source in sources) + ".")
    layers = [note.second for note in notes if note.share]
    names = {name: number for number, name in enumerate(dict.fromkeys([*(n.instrument for n in notes), *layers]))}
    description = {
        "format": FORMAT,
        "specgram": spec.to_json(),
        "instruments": list(names),
        "sources": [
            {
                "name": source.name,
                "licence": source.licence,
                "notes": len(plan),
                "variation_names": list(source.variation_names),
            }
            for source, plan in zip(sources, plans, strict=True)
        ],
    }
    records = np.zeros(len(notes), NOTE)
    for record, note in zip(records, notes, strict=True):
        variation = np.zeros(MAX_VARIATION, np.float32)
        variation[: len(note.variation)] = note.variation
        record["pitch"], record["velocity"], record["variation"] = note.pitch, note.velocity, variation
        record["instrument"] = names[note.instrument]
        record["held_out"] = held_out(note.instrument, note.pitch)
        if note.share:
            record["second"], record["share"] = names[note.second], note.share
            record["held_out"] |= held_out(note.second, note.pitch)
    try:
        _create_or_check(out, description, records, spec)
        if (np.load(out / "state.npy") == PENDING).any():
            _prepare_pending(sources, plans, out, spec, workers or os.cpu_count() or 1)
        ready = int((np.load(out / "state.npy") == READY).sum())
    except OSError as cause:
        raise DataError(
            f"Cannot write the training set '{out}': {cause.strerror or cause}; once that is fixed, the same command "
            "continues where this one stopped."
        ) from cause
    if ready < 2:
        raise DataError(f"Only {ready} of {len(notes)} notes could be used; '{out / 'skipped.txt'}' says why.")
    return NoteSet.open(out)


def held_out(instrument: str, pitch: float) -> bool:
    """Whether the pair is kept from training: 4 % of all pairs, by a hash that never changes.

    By pair, not by note: the velocities of one key are too alike to judge a model by.
    """
    return zlib.crc32(f"{instrument}/{pitch:g}".encode()) % 25 == 0


def skip_reasons(folder: str | os.PathLike[str]) -> Counter[str]:
    """How many notes of a prepared set were skipped for each reason."""
    return Counter(columns[3] for columns in _read_skipped(Path(folder)))


# --- files --------------------------------------------------------------------------------------------------------


def _create_or_check(out: Path, description: dict[str, Any], records: Array, spec: Representation) -> None:
    """Make the set's files, or check that those in `out` are whole and of the same notes."""
    marker = out / "set.json"
    shape = (len(records), 2, spec.frames, spec.bins)
    if marker.exists():
        try:
            described = json.loads(json.dumps(description))  # tuples are lists then
            same = read_description(out) == described and np.array_equal(read_records(out), records)
            stored = np.load(out / "specgrams.npy", mmap_mode="r")
            whole = not same or (
                (stored.shape, stored.dtype) == (shape, stored_type(spec))
                and np.load(out / "state.npy").shape == shape[:1]
            )
        except (OSError, ValueError, EOFError):
            same, whole = True, False
        if not whole:
            raise DataError(f"The training set in '{out}' is damaged. Delete it and prepare it again.")
        if not same:
            raise DataError(f"'{out}' holds a training set of other notes. Choose another folder, or delete that one.")
        return
    check_room(out, len(records), spec)
    out.mkdir(parents=True, exist_ok=True)
    try:
        np.save(out / "notes.npy", records)
        _allocate(out / "specgrams.npy", shape, stored_type(spec))
        np.save(out / "state.npy", np.zeros(len(records), np.uint8))
        sums = np.zeros(len(records) + 1, np.uint32)
        sums[-1] = zlib.crc32((out / "notes.npy").read_bytes())
        np.save(out / "sums.npy", sums)
        with replacing(marker, DataError) as partial:  # last: a folder with set.json is complete in its files
            partial.write_text(json.dumps(description, indent=1), encoding="utf-8", newline="\n")
    except (OSError, DataError):
        for name in ("notes.npy", "specgrams.npy", "state.npy", "sums.npy"):
            (out / name).unlink(missing_ok=True)
        raise


def check_room(out: str | os.PathLike[str], notes: int, spec: Representation) -> None:
    """Raise DataError if a set of so many notes does not fit on the disk of `out`, unless it is there already."""
    out = Path(out)
    free, needed = _free_bytes(out), notes * note_bytes(spec)
    if needed > free and not (out / "set.json").exists():
        raise DataError(f"'{out}' needs {readable_size(needed)} and the disk has {readable_size(free)} free.")


def _free_bytes(folder: Path) -> int:
    """Of the disk that holds `folder`, or will."""
    folder = folder.absolute()
    stat = os.statvfs(next(place for place in (folder, *folder.parents) if place.exists()))
    return stat.f_bavail * stat.f_frsize


def _allocate(path: Path, shape: tuple[int, ...], kind: np.dtype[Any]) -> None:
    """An .npy file of zeros whose blocks are really there: a sparse one would run out of disk hours later."""
    np.lib.format.open_memmap(path, "w+", kind, shape).flush()
    if hasattr(os, "posix_fallocate"):  # not on macOS
        with open(path, "r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def _prepare_pending(
    sources: Sequence[Source], plans: list[list[SourceNote]], out: Path, spec: Representation, workers: int
) -> None:
    notes = [note for plan in plans for note in plan]
    offsets = np.cumsum([0] + [len(plan) for plan in plans])
    state = np.load(out / "state.npy", mmap_mode="r+")
    summed = (out / "sums.npy").exists()  # not if a version without checksums has begun the set
    sums = np.load(out / "sums.npy", mmap_mode="r+") if summed else None
    # Shuffled, so that a set whose preparation was stopped early is a fair sample of the whole.
    pending = np.random.default_rng(0).permutation(np.flatnonzero(state == PENDING))
    which = np.searchsorted(offsets, pending, side="right") - 1
    notes_to_do = [(int(row), int(w), int(row - offsets[w])) for row, w in zip(pending, which, strict=True)]
    jobs = _jobs(notes_to_do, sources)

    _begin_skipped(out, sources, state)
    with (
        contextlib.closing(outcomes(jobs, sources, out, spec, workers)) as results,
        tqdm(total=len(notes), initial=len(notes) - len(pending), unit="note", desc="Preparing") as bar,
        open(out / "skipped.txt", "a", encoding="utf-8") as skipped,
    ):
        for done in results:
            for row, reason, _ in done:
                if reason is not None:
                    note = notes[row]
                    skipped.write(_line(row, note.instrument, f"{note.pitch:g}", reason, note.origin))
            skipped.flush()
            # Here and last, not in the workers: a flag is only ever set for a specgram that is whole and on disk, and
            # a skipped note has its reason written.
            if sums is not None:
                for row, _, sum_ in done:
                    sums[row] = sum_
                sums.flush()
            for row, reason, _ in done:
                state[row] = READY if reason is None else SKIPPED
            bar.update(len(done))


def _jobs(notes: Job, sources: Sequence[Source]) -> list[Job]:
    """`notes` in jobs, in their order; those of a source that has groups in jobs of one group each."""
    alone: Job = []
    together: dict[tuple[int, Any], Job] = {}
    for row, source, index in notes:
        group = getattr(sources[source], "group", None)
        part = alone if group is None else together.setdefault((source, group(index)), [])
        part.append((row, source, index))
    parts = [alone, *together.values()]
    jobs = [part[start : start + NOTES_PER_JOB] for part in parts for start in range(0, len(part), NOTES_PER_JOB)]
    return jobs if not together else [jobs[place] for place in np.random.default_rng(1).permutation(len(jobs))]


def _begin_skipped(out: Path, sources: Sequence[Source], state: Array) -> None:
    """Write skipped.txt again: what the sources left out, and the notes that an earlier start skipped."""
    kept = {int(row): rest for row, *rest in _read_skipped(out) if row.isdigit() and int(row) < len(state)}
    with replacing(out / "skipped.txt", DataError) as partial, open(partial, "w", encoding="utf-8") as file:
        for source in sources:
            for origin, reason in getattr(source, "left_out", ()):
                file.write(_line("-", "-", "-", reason, origin))
        for row, rest in kept.items():
            if state[row] == SKIPPED:
                file.write(_line(row, *rest))


def _line(*columns: object) -> str:
    return "\t".join(" ".join(str(column).split()) for column in columns) + "\n"


def _read_skipped(folder: Path) -> list[list[str]]:
    """The lines of skipped.txt in columns; a last line that a stop cut short is left out."""
    try:
        text = (folder / "skipped.txt").read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return []
    lines = [line.rstrip("\n").split("\t") for line in text.splitlines(keepends=True) if line.endswith("\n")]
    return [columns for columns in lines if len(columns) >= 4]
