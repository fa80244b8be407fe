"""A prepared training set: notes of any source as specgrams in one memory-mapped file.

The folder holds
    set.json         format, SpecgramSpec, instruments, sources with their licences
    notes.npy        one record a note (see NOTE)
    specgrams.npy    [notes, 2, frames, bins], int8 (specgram * 127) or float16 (see `stored_type`)
    state.npy        uint8 [notes]: PENDING, READY or SKIPPED; what makes a stopped preparation continue
    skipped.txt      a line for each note left out: row, instrument, pitch, reason and origin, with tabs between
"""

import contextlib
import json
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import zlib
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

import numpy as np
import soxr
import torch
from tqdm import tqdm

from gansynth_core.errors import AudioError, DataError, ModelError
from gansynth_core.files import replacing
from gansynth_core.sound import NOTE_PEAK, SILENCE_PEAK, Clip, read_wav
from gansynth_core.specgram import MelSpecgramSpec, Representation, SpecgramSpec, representation_from_json

FORMAT = 2  # 1: records without a second instrument
PENDING, READY, SKIPPED = 0, 1, 2
MAX_VARIATION = 12  # columns for what a source changed about a note
ROOM_FOR_TRAINING = 24 << 30  # bytes of a GPU's memory that networks and a batch may take: measured, 11 and 18 GB
NOTES_PER_COPY = 1024
NOTES_PER_JOB = 16  # few enough that a stop costs little, enough that waiting for the disk after each does not count

_PLAIN_NOTE = np.dtype(
    [
        ("pitch", "f4"),  # MIDI, 69 is A4 at 440 Hz
        ("instrument", "i2"),  # index into set.json's instruments
        ("velocity", "u1"),  # MIDI 1-127
        ("held_out", "?"),  # never trained on
        ("variation", "f4", (MAX_VARIATION,)),  # what the source changed, in the source's own units
    ]
)
NOTE = np.dtype(
    [
        *_PLAIN_NOTE.descr,
        ("second", "i2"),  # the instrument of a second layer
        ("share", "f4"),  # how much of the note that is, 0 to 0.5; 0 for a plain note
    ]
)


@dataclass(frozen=True)
class SourceNote:
    """A note a source can deliver, `velocity` 1-127.

    variation: values of the source's `variation_names`, zero for unchanged. origin: the file it comes from, for the
    list of skipped notes. second, share: of a note of two layers the instrument of the softer one, and how much of the
    note it is, above 0 and up to 0.5.
    """

    instrument: str
    pitch: float
    velocity: int
    variation: tuple[float, ...] = ()
    origin: str = ""
    second: str = ""
    share: float = 0.0


class Source(Protocol):
    """Where notes come from. Must survive pickling: workers read in processes of their own.

    A source may also have `left_out`, pairs of a file (or whatever holds a sound) and the reason why `plan` made no
    note of it; they are listed with the skipped notes.
    """

    name: str
    licence: str
    variation_names: tuple[str, ...]

    def plan(self) -> list[SourceNote]:
        """All notes, always in the same order."""

    def read(self, index: int) -> Clip:
        """The sound of note `index` of the plan. Raises AudioError, with a short reason, if it cannot be had."""


def read_source_file(path: Path) -> Clip:
    """The sound in a file; raises AudioError with a reason short enough to be counted, without the file's name."""
    if not path.is_file():
        raise AudioError("missing file")
    try:
        return read_wav(path)
    except AudioError as error:
        reason = getattr(error.__cause__, "error_string", "no usable sound in it").rstrip(".")
        raise AudioError(f"unreadable: {reason}") from error


def held_out(instrument: str, pitch: float) -> bool:
    """Whether the pair is kept from training: 4 % of all pairs, by a hash that never changes.

    By pair, not by note: the velocities of one key are too alike to judge a model by.
    """
    return zlib.crc32(f"{instrument}/{pitch:g}".encode()) % 25 == 0


def fit(clip: Clip, spec: Representation) -> np.ndarray:
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
    fitted[: len(samples)] = samples * (NOTE_PEAK / peak)
    return fitted


#: The type that a set of each representation is stored in.
_STORED_TYPES = {SpecgramSpec: np.dtype(np.int8), MelSpecgramSpec: np.dtype(np.float16)}


def stored_type(spec: Representation) -> np.dtype:
    """int8 for the studio's specgrams; float16, of twice the size, for mel ones.

    The latter go through running sums of their frequencies, where a frame's error stays for the rest of the note, and
    a discriminator sees the steps. The mean SNR of 60 notes of 20 General MIDI instruments, stored and turned back into
    sound, against the same without storing: int8 26 dB (the worst 6), float16 56 dB (the worst 42).
    """
    return _STORED_TYPES[type(spec)]


def quantize(specgram: torch.Tensor, kind: np.dtype = _STORED_TYPES[SpecgramSpec]) -> np.ndarray:
    """specgram -> array of `kind` and the same shape. As int8 it is in [-1, 1], in steps of 0.05 neper and 1/127 of pi
    for the studio's spec."""
    if kind == np.float16:
        return specgram.half().numpy()
    return (specgram * 127).round().to(torch.int8).numpy()


def dequantize(stored: np.ndarray | torch.Tensor) -> torch.Tensor:
    """Inverse of `quantize`: float32."""
    stored = torch.as_tensor(stored)
    return stored.float() / 127 if stored.dtype == torch.int8 else stored.float()


# --- preparing ---------------------------------------------------------------------------------------------------

_Outcome = tuple[int, str | None]  # row, and the reason if the note was skipped


def note_bytes(spec: Representation) -> int:
    """Bytes on disk of one prepared note."""
    return 2 * spec.frames * spec.bins * stored_type(spec).itemsize


def readable_size(size: int) -> str:
    """A number of bytes as people say it: `18.4 GB`."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def prepare(
    sources: Sequence[Source], out: str | os.PathLike, spec: Representation, workers: int | None = None
) -> "NoteSet":
    """Render or read every note of `sources` into the folder `out`, with a progress bar; continues where it stopped.

    workers: processes to share the work among (None: one a core; 1: this one alone).
    A stop of any kind loses at most the notes then in work; the same call continues, and returns at once when nothing
    is left to do. Raises DataError if `out` holds a set of other notes, if the disk is full, if a worker is killed, or
    if fewer than two notes could be used.
    """
    out = Path(out)
    plans = [source.plan() for source in sources]
    notes = [note for plan in plans for note in plan]
    if not notes:
        raise DataError("There is not one note in " + ", ".join(source.name for source in sources) + ".")
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
            f"Cannot write the training set '{out}': {cause.strerror or cause}; once that is mended, the same command "
            "continues where this one stopped."
        ) from cause
    if ready < 2:
        raise DataError(f"Only {ready} of {len(notes)} notes could be used; '{out / 'skipped.txt'}' says why.")
    return NoteSet.open(out)


def skip_reasons(folder: str | os.PathLike) -> Counter[str]:
    """How many notes of a prepared set were skipped for each reason."""
    return Counter(columns[3] for columns in _read_skipped(Path(folder)))


def _create_or_check(out: Path, description: dict, records: np.ndarray, spec: Representation) -> None:
    """Make the set's files, or see to it that those in `out` are whole and of the same notes."""
    marker = out / "set.json"
    shape = (len(records), 2, spec.frames, spec.bins)
    if marker.exists():
        try:
            described = json.loads(json.dumps(description))  # tuples are lists then
            same = _read_description(out) == described and np.array_equal(_read_records(out), records)
            stored = np.load(out / "specgrams.npy", mmap_mode="r")
            whole = not same or (
                (stored.shape, stored.dtype) == (shape, stored_type(spec))
                and np.load(out / "state.npy").shape == shape[:1]
            )
        except (OSError, ValueError, EOFError):
            same, whole = True, False
        if not whole:
            raise DataError(f"The training set in '{out}' is damaged. Delete it and prepare it anew.")
        if not same:
            raise DataError(f"'{out}' holds a training set of other notes. Choose another folder, or delete it.")
        return
    out.mkdir(parents=True, exist_ok=True)
    free, needed = _free_bytes(out), len(records) * note_bytes(spec)
    if needed > free:
        raise DataError(f"'{out}' needs {readable_size(needed)} and the disk has {readable_size(free)} free.")
    try:
        np.save(out / "notes.npy", records)
        _allocate(out / "specgrams.npy", shape, stored_type(spec))
        np.save(out / "state.npy", np.zeros(len(records), np.uint8))
        with replacing(marker, DataError) as partial:  # last: a folder with set.json is complete in its files
            partial.write_text(json.dumps(description, indent=1), encoding="utf-8")
    except (OSError, DataError):
        for name in ("notes.npy", "specgrams.npy", "state.npy"):
            (out / name).unlink(missing_ok=True)
        raise


def _free_bytes(folder: Path) -> int:
    stat = os.statvfs(folder)
    return stat.f_bavail * stat.f_frsize


def _allocate(path: Path, shape: tuple[int, ...], kind: np.dtype) -> None:
    """An .npy file of zeros whose blocks are really there: a sparse one would run out of disk hours later."""
    np.lib.format.open_memmap(path, "w+", kind, shape).flush()
    if hasattr(os, "posix_fallocate"):  # macOS has none
        with open(path, "r+b") as file:
            os.posix_fallocate(file.fileno(), 0, path.stat().st_size)


def _prepare_pending(
    sources: Sequence[Source], plans: list[list[SourceNote]], out: Path, spec: Representation, workers: int
) -> None:
    notes = [note for plan in plans for note in plan]
    offsets = np.cumsum([0] + [len(plan) for plan in plans])
    state = np.load(out / "state.npy", mmap_mode="r+")
    # Shuffled, so that a set whose preparation was stopped early is a fair sample of the whole.
    pending = np.random.default_rng(0).permutation(np.flatnonzero(state == PENDING))
    jobs = []
    for start in range(0, len(pending), NOTES_PER_JOB):
        rows = pending[start : start + NOTES_PER_JOB]
        which = np.searchsorted(offsets, rows, side="right") - 1
        jobs.append([(int(row), int(w), int(row - offsets[w])) for row, w in zip(rows, which, strict=True)])

    _begin_skipped(out, sources, state)
    with (
        contextlib.closing(_outcomes(jobs, sources, out, spec, workers)) as outcomes,
        tqdm(total=len(notes), initial=len(notes) - len(pending), unit="note", desc="Preparing") as bar,
        open(out / "skipped.txt", "a", encoding="utf-8") as skipped,
    ):
        for done in outcomes:
            for row, reason in done:
                if reason is not None:
                    note = notes[row]
                    skipped.write(_line(row, note.instrument, f"{note.pitch:g}", reason, note.origin))
            skipped.flush()
            # Here and last, not in the workers: a flag is only ever set for a specgram that is whole and on disk, and
            # a skipped note has its reason written.
            for row, reason in done:
                state[row] = READY if reason is None else SKIPPED
            bar.update(len(done))


def _begin_skipped(out: Path, sources: Sequence[Source], state: np.ndarray) -> None:
    """Write skipped.txt anew: what the sources left out, and of an earlier start the notes that are done with."""
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


def _outcomes(
    jobs: list, sources: Sequence[Source], out: Path, spec: Representation, workers: int
) -> Iterator[list[_Outcome]]:
    """What became of each job's notes, in the order in which the jobs are done."""
    workers = min(workers, len(jobs))
    if workers == 1:
        yield from map(_worker(sources, out, spec), jobs)
        return
    context = multiprocessing.get_context("spawn")  # fork would copy torch's thread pool in an unusable state
    executor = ProcessPoolExecutor(workers, context, _start_worker, (list(sources), out, spec))
    try:
        with _interrupt_blocked():  # workers are started by submit and inherit it: Ctrl-C is for this process to handle
            futures = [executor.submit(_work, job) for job in jobs]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as cause:
        raise DataError(
            "A worker process was stopped from outside, perhaps because memory ran out; the same command continues, "
            "and fewer --workers need less memory."
        ) from cause
    finally:
        executor.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _interrupt_blocked() -> Iterator[None]:
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def _start_worker(sources: list[Source], out: Path, spec: Representation) -> None:
    global _work_on
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"  # for fluidsynth, which is loaded later and unpacks .sf3 files with all cores
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    _work_on = _worker(sources, out, spec)


def _stop_with_parent() -> None:
    """End this process when the one that started it is gone: killed, it could not say so, and we would wait forever."""
    multiprocessing.connection.wait([multiprocessing.parent_process().sentinel])
    os._exit(1)


def _work(job: list[tuple[int, int, int]]) -> list[_Outcome]:
    return _work_on(job)


def _worker(sources: Sequence[Source], out: Path, spec: Representation) -> Callable[[list], list[_Outcome]]:
    """A function that prepares a job's notes: (row, number of the source, index in its plan) each."""
    path = out / "specgrams.npy"
    first_byte = np.load(path, mmap_mode="r").offset

    def work(job: list[tuple[int, int, int]]) -> list[_Outcome]:
        outcomes: list[_Outcome] = []
        with open(path, "r+b") as file:  # written, not mapped: a full disk is then an error instead of a SIGBUS
            for row, source, index in job:
                try:
                    wave = fit(sources[source].read(index), spec)
                except AudioError as error:
                    outcomes.append((row, str(error)))
                    continue
                file.seek(first_byte + row * note_bytes(spec))
                file.write(quantize(spec.encode(torch.from_numpy(wave)[None]), stored_type(spec)).tobytes())
                outcomes.append((row, None))
            file.flush()
            os.fsync(file.fileno())
        return outcomes

    return work


# --- reading -----------------------------------------------------------------------------------------------------


def _read_description(folder: Path) -> dict:
    try:
        description = json.loads((folder / "set.json").read_text(encoding="utf-8"))
        if not isinstance(description, dict):
            raise ValueError("it holds no description")
    except FileNotFoundError:
        raise DataError(
            f"'{folder}' is not a prepared training set. Make one with: python -m gansynth_core data --out {folder}"
        ) from None
    except ValueError as cause:
        raise DataError(f"'{folder / 'set.json'}' is damaged: {cause}") from cause
    if description.get("format") not in (1, FORMAT):
        raise DataError(f"'{folder}' was saved by another version (format {description.get('format')}, not {FORMAT}).")
    return description | {"format": FORMAT}


def _read_records(folder: Path) -> np.ndarray:
    """notes.npy as NOTE, of either format. Raises ValueError if it holds anything else."""
    stored = np.load(folder / "notes.npy")
    if stored.dtype == NOTE:
        return stored
    if stored.dtype != _PLAIN_NOTE:
        raise ValueError("its notes are of no kind that is known")
    records = np.zeros(len(stored), NOTE)
    for name in _PLAIN_NOTE.names:
        records[name] = stored[name]
    return records


def identity(notes: np.ndarray) -> bytes:
    """What a hash of records [n] of NOTE is to be taken of: of plain notes the same as ever, so that a run or a report
    from before there were layers is known again."""
    layers = notes["second"].tobytes() + notes["share"].tobytes() if notes["share"].any() else b""
    return notes[list(_PLAIN_NOTE.names)].astype(_PLAIN_NOTE).tobytes() + layers


@dataclass(frozen=True, eq=False)
class NoteSet:
    """An opened training set; `notes` and `specgrams` are its ready notes' records and the file they index."""

    folder: Path
    spec: Representation
    instruments: tuple[str, ...]
    sources: tuple[dict, ...]
    notes: np.ndarray  # [notes] of NOTE
    rows: np.ndarray  # [notes] row of each in specgrams.npy
    specgrams: np.ndarray  # memory-mapped [rows, 2, frames, bins] of stored_type(spec)

    @classmethod
    def open(cls, folder: str | os.PathLike) -> "NoteSet":
        """Open a prepared folder, finished or not. Raises DataError if it is none, or damaged."""
        folder = Path(folder)
        description = _read_description(folder)
        try:
            rows = np.flatnonzero(np.load(folder / "state.npy") == READY)
            notes = _read_records(folder)[rows]
            specgrams = np.load(folder / "specgrams.npy", mmap_mode="r")
            spec = representation_from_json(description["specgram"])
            # An instrument whose every note was skipped is none that a model could learn.
            layered = notes["share"] > 0
            heard = np.unique(np.concatenate([notes["instrument"], notes["second"][layered]]))
            notes["instrument"] = np.searchsorted(heard, notes["instrument"])
            notes["second"][layered] = np.searchsorted(heard, notes["second"][layered])
            instruments = tuple(description["instruments"][index] for index in heard)
            sources = tuple(description["sources"])
        except (OSError, ValueError, IndexError, KeyError, TypeError, ModelError) as cause:
            raise DataError(f"The training set in '{folder}' is damaged: {cause}") from cause
        return cls(folder, spec, instruments, sources, notes, rows, specgrams)

    def __len__(self) -> int:
        return len(self.rows)

    def plain(self) -> np.ndarray:
        """Which notes are of one instrument: bool [notes]."""
        return self.notes["share"] == 0

    def training(self, *, layers: bool = False) -> np.ndarray:
        """Indices of the notes to learn from: plain ones, and on demand those of two layers."""
        return np.flatnonzero(~self.notes["held_out"] & (self.plain() | layers))

    def held_out(self, *, layers: bool = False) -> np.ndarray:
        """Indices of the notes kept from training: plain ones, and on demand those of which a layer is held out."""
        return np.flatnonzero(self.notes["held_out"] & (self.plain() | layers))

    def weights(self, indices: np.ndarray) -> torch.Tensor:
        """How much of each instrument the notes at `indices` are: float32 [n, instruments], rows that sum to 1."""
        notes, rows = self.notes[indices], np.arange(len(indices))
        weights = np.zeros((len(notes), len(self.instruments)), np.float32)
        weights[rows, notes["instrument"]] = 1 - notes["share"]
        weights[rows, notes["second"]] += notes["share"]
        return torch.from_numpy(weights)

    def stored(self, indices: np.ndarray) -> np.ndarray:
        """[n, 2, frames, bins] of `stored_type(spec)`, the notes at `indices`."""
        return self.specgrams[self.rows[indices]]

    def specgram(self, indices: np.ndarray) -> torch.Tensor:
        """specgrams float32 [n, 2, frames, bins] of the notes at `indices`."""
        return dequantize(self.stored(indices))


class StoredNotes:
    """A set's notes where they are trained on: on a GPU all of them, if they fit beside what training needs."""

    def __init__(self, data: NoteSet, device: str) -> None:
        self._data, self._device = data, torch.device(device)
        self._resident: torch.Tensor | None = None
        if self._device.type != "cuda":
            return
        size = len(data) * note_bytes(data.spec)
        if size <= torch.cuda.mem_get_info(self._device)[0] - ROOM_FOR_TRAINING:
            kind = torch.from_numpy(np.empty(0, stored_type(data.spec))).dtype
            shape = (len(data), 2, data.spec.frames, data.spec.bins)
            self._resident = torch.empty(shape, dtype=kind, device=self._device)
            for start in range(0, len(data), NOTES_PER_COPY):
                part = slice(start, start + NOTES_PER_COPY)
                self._resident[part] = torch.from_numpy(data.stored(np.arange(len(data))[part]))

    def __call__(self, indices: np.ndarray) -> torch.Tensor:
        """[n, 2, frames, bins] of `stored_type(spec)`, the notes at `indices`, on the device or still on the CPU."""
        if self._resident is None:
            return torch.from_numpy(self._data.stored(indices))
        return self._resident[torch.from_numpy(indices).to(self._device)]


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
