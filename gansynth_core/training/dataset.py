"""A prepared training set: notes of any source as specgrams in one memory-mapped file.

The folder holds
    set.json         format, SpecgramSpec, instruments, sources with their licences
    notes.npy        one record a note (see NOTE)
    specgrams.npy    int8 [notes, 2, frames, bins]: specgram * 127
    state.npy        uint8 [notes]: PENDING, READY or SKIPPED; what makes a stopped preparation continue
    skipped.txt      the notes left out, each with its reason
"""

import json
import multiprocessing
import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import soxr
import torch
from tqdm import tqdm

from gansynth_core.errors import AudioError, DataError
from gansynth_core.files import replacing
from gansynth_core.sound import Clip
from gansynth_core.specgram import SpecgramSpec

FORMAT = 1
PENDING, READY, SKIPPED = 0, 1, 2
PEAK = 0.9  # every note is scaled to this peak
SILENCE_PEAK = 1e-3  # quieter than -60 dBFS: nothing there to learn
MAX_VARIATION = 12  # columns for what a source changed about a note

NOTE = np.dtype(
    [
        ("pitch", "f4"),  # MIDI, 69 is A4 at 440 Hz
        ("instrument", "i2"),  # index into set.json's instruments
        ("velocity", "u1"),  # MIDI 1-127
        ("held_out", "?"),  # never trained on
        ("variation", "f4", (MAX_VARIATION,)),  # what the source changed, in the source's own units
    ]
)


@dataclass(frozen=True)
class SourceNote:
    """A note a source can deliver. `variation`: values of the source's `variation_names`, zero for unchanged."""

    instrument: str
    pitch: float
    velocity: int
    variation: tuple[float, ...] = ()


class Source(Protocol):
    """Where notes come from. Must survive pickling: workers read in processes of their own."""

    name: str
    licence: str
    variation_names: tuple[str, ...]

    def plan(self) -> list[SourceNote]:
        """All notes, always in the same order."""

    def read(self, index: int) -> Clip:
        """The sound of note `index` of the plan. Raises AudioError if it cannot be had."""


def held_out(instrument: str, pitch: float) -> bool:
    """Whether the pair is kept from training: 4 % of all pairs, by a hash that never changes.

    By pair, not by note: the velocities of one key are too alike to judge a model by.
    """
    return zlib.crc32(f"{instrument}/{pitch:g}".encode()) % 25 == 0


def fit(clip: Clip, spec: SpecgramSpec) -> np.ndarray:
    """`clip` at the spec's rate and length (cut or padded at the end), peak-normalised: float32 [samples].

    Raises AudioError for silence.
    """
    samples = clip.samples
    if clip.sample_rate != spec.sample_rate:
        samples = soxr.resample(samples, clip.sample_rate, spec.sample_rate, quality="VHQ")
    samples = samples[: spec.samples]
    peak = float(np.abs(samples).max(initial=0.0))
    if peak < SILENCE_PEAK:
        raise AudioError("silent")
    fitted = np.zeros(spec.samples, np.float32)
    fitted[: len(samples)] = samples * (PEAK / peak)
    return fitted


def quantize(specgram: torch.Tensor) -> np.ndarray:
    """specgram in [-1, 1] -> int8 of the same shape: steps of 0.05 neper and 1/127 of pi for the studio's spec."""
    return (specgram * 127).round().to(torch.int8).numpy()


def dequantize(stored: np.ndarray) -> torch.Tensor:
    """Inverse of `quantize`: float32 in [-1, 1]."""
    return torch.from_numpy(np.ascontiguousarray(stored)).float() / 127


# --- preparing ---------------------------------------------------------------------------------------------------


def prepare(
    sources: Sequence[Source], out: str | os.PathLike, spec: SpecgramSpec, workers: int | None = None
) -> "NoteSet":
    """Render or read every note of `sources` into the folder `out`, with a progress bar; continues where it stopped.

    Raises DataError if `out` holds a set of other notes, or if fewer than two notes could be used.
    """
    out = Path(out)
    plans = [source.plan() for source in sources]
    notes = [note for plan in plans for note in plan]
    if not notes:
        raise DataError("There is not one note in " + ", ".join(source.name for source in sources) + ".")
    names = list(dict.fromkeys(note.instrument for note in notes))
    description = {
        "format": FORMAT,
        "specgram": spec.to_json(),
        "instruments": names,
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
        record["instrument"] = names.index(note.instrument)
        record["held_out"] = held_out(note.instrument, note.pitch)
    _create_or_check(out, description, records, spec)

    state = np.load(out / "state.npy", mmap_mode="r+")
    pending = np.flatnonzero(state == PENDING)
    offsets = np.cumsum([0] + [len(plan) for plan in plans])
    jobs = []
    for start in range(0, len(pending), 32):
        indices = pending[start : start + 32]
        which = np.searchsorted(offsets, indices, side="right") - 1
        jobs.append([(int(i), int(w), int(i - offsets[w])) for i, w in zip(indices, which, strict=True)])
    context = multiprocessing.get_context("spawn")  # fork would copy torch's thread pool in an unusable state
    with (
        context.Pool(workers or os.cpu_count(), _start_worker, (list(sources), out, spec)) as pool,
        tqdm(total=len(notes), initial=len(notes) - len(pending), unit="note", desc="Preparing") as bar,
        open(out / "skipped.txt", "a", encoding="utf-8") as skipped,
    ):
        for done, reasons in pool.imap_unordered(_prepare_notes, jobs):
            for index, reason in reasons:
                note = notes[index]
                skipped.write(f"{index}\t{note.instrument}\t{note.pitch:g}\t{reason}\n")
            skipped.flush()
            bar.update(done)
    ready = int((np.load(out / "state.npy", mmap_mode="r") == READY).sum())
    if ready < 2:
        raise DataError(f"Only {ready} of {len(notes)} notes could be used; '{out / 'skipped.txt'}' says why.")
    return NoteSet.open(out)


def _create_or_check(out: Path, description: dict, records: np.ndarray, spec: SpecgramSpec) -> None:
    marker = out / "set.json"
    if marker.exists():
        same = _read_description(out) == description and np.array_equal(np.load(out / "notes.npy"), records)
        if not same:
            raise DataError(f"'{out}' holds a training set of other notes. Choose another folder, or delete it.")
        return
    out.mkdir(parents=True, exist_ok=True)
    shape = (len(records), 2, spec.frames, spec.bins)
    free, needed = _free_bytes(out), int(np.prod(shape))
    if needed > free:
        raise DataError(f"'{out}' needs {needed / 1e9:.1f} GB and the disk has {free / 1e9:.1f} GB free.")
    np.save(out / "notes.npy", records)
    np.lib.format.open_memmap(out / "specgrams.npy", "w+", np.int8, shape).flush()
    np.save(out / "state.npy", np.zeros(len(records), np.uint8))
    with replacing(marker, DataError) as partial:  # last: a folder with set.json is complete in its files
        partial.write_text(json.dumps(description, indent=1))


def _free_bytes(folder: Path) -> int:
    stat = os.statvfs(folder)
    return stat.f_bavail * stat.f_frsize


def _start_worker(sources: list[Source], out: Path, spec: SpecgramSpec) -> None:
    global _worker
    torch.set_num_threads(1)
    _worker = (
        sources,
        np.load(out / "specgrams.npy", mmap_mode="r+"),
        np.load(out / "state.npy", mmap_mode="r+"),
        spec,
    )


def _prepare_notes(job: list[tuple[int, int, int]]) -> tuple[int, list[tuple[int, str]]]:
    sources, specgrams, state, spec = _worker
    reasons = []
    for index, source, index_in_source in job:
        try:
            wave = fit(sources[source].read(index_in_source), spec)
        except AudioError as error:
            reasons.append((index, str(error)))
            state[index] = SKIPPED
            continue
        specgrams[index] = quantize(spec.encode(torch.from_numpy(wave)[None]))[0]
        state[index] = READY
    return len(job), reasons


# --- reading -----------------------------------------------------------------------------------------------------


def _read_description(folder: Path) -> dict:
    try:
        description = json.loads((folder / "set.json").read_text())
    except FileNotFoundError:
        raise DataError(
            f"'{folder}' is not a prepared training set. Make one with: python -m gansynth_core data --out {folder}"
        ) from None
    except ValueError as cause:
        raise DataError(f"'{folder / 'set.json'}' is damaged: {cause}") from cause
    if description.get("format") != FORMAT:
        raise DataError(f"'{folder}' was saved by another version (format {description.get('format')}, not {FORMAT}).")
    return description


@dataclass(frozen=True, eq=False)
class NoteSet:
    """An opened training set; `notes` and `specgrams` are its ready notes' records and the file they index."""

    folder: Path
    spec: SpecgramSpec
    instruments: tuple[str, ...]
    sources: tuple[dict, ...]
    notes: np.ndarray  # [notes] of NOTE
    rows: np.ndarray  # [notes] row of each in specgrams.npy
    specgrams: np.ndarray  # memory-mapped int8 [rows, 2, frames, bins]

    @classmethod
    def open(cls, folder: str | os.PathLike) -> "NoteSet":
        """Open a prepared folder, finished or not. Raises DataError if it is none, or damaged."""
        folder = Path(folder)
        description = _read_description(folder)
        try:
            rows = np.flatnonzero(np.load(folder / "state.npy") == READY)
            notes = np.load(folder / "notes.npy")[rows]
            specgrams = np.load(folder / "specgrams.npy", mmap_mode="r")
        except (OSError, ValueError, IndexError) as cause:
            raise DataError(f"The training set in '{folder}' is damaged: {cause}") from cause
        return cls(
            folder,
            SpecgramSpec(**description["specgram"]),
            tuple(description["instruments"]),
            tuple(description["sources"]),
            notes,
            rows,
            specgrams,
        )

    def __len__(self) -> int:
        return len(self.rows)

    def training(self) -> np.ndarray:
        """Indices of the notes to learn from."""
        return np.flatnonzero(~self.notes["held_out"])

    def held_out(self) -> np.ndarray:
        """Indices of the notes kept from training."""
        return np.flatnonzero(self.notes["held_out"])

    def stored(self, indices: np.ndarray) -> np.ndarray:
        """int8 [n, 2, frames, bins] of the notes at `indices`."""
        return self.specgrams[self.rows[indices]]

    def specgram(self, indices: np.ndarray) -> torch.Tensor:
        """specgrams float32 [n, 2, frames, bins] in [-1, 1] of the notes at `indices`."""
        return dequantize(self.stored(indices))


def batches(indices: np.ndarray, size: int, seed: int, start: int = 0) -> Iterator[np.ndarray]:
    """Endless batches of `size` out of `indices`, a new seeded order each epoch, from batch number `start` on.

    Depends on nothing but its arguments, so that a resumed training sees what an uninterrupted one would.
    """
    per_epoch = max(1, len(indices) // size)
    number = start
    while True:
        epoch, within = divmod(number, per_epoch)
        order = np.random.default_rng((seed, epoch)).permutation(indices)
        for batch in range(within, per_epoch):
            yield np.resize(order, max(size, len(order)))[batch * size : (batch + 1) * size]
            number += 1
