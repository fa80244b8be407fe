"""A prepared training set: notes of any source as specgrams in one memory-mapped file.

The folder holds
    set.json         format, SpecgramSpec, instruments, sources with their licences
    notes.npy        one record per note (see NOTE)
    specgrams.npy    [notes, 2, frames, bins], int8 (specgram * 127) or float16 (see `stored_type`)
    state.npy        uint8 [notes]: PENDING, READY or SKIPPED; lets a stopped preparation continue
    skipped.txt      a line for each note left out: row, instrument, pitch, reason and origin, separated by tabs
"""

import itertools
import json
import math
import os
import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gansynth_core.errors import DataError, ModelError
from gansynth_core.specgram import MelSpecgramSpec, Representation, SpecgramSpec, representation_from_json

FORMAT = 2  # 1: records without a second instrument
PENDING, READY, SKIPPED = 0, 1, 2
MAX_VARIATION = 12  # columns for what a source changed about a note
ROOM_FOR_TRAINING = 24 << 30  # bytes of a GPU's memory that networks and a batch may take: measured, 11 and 18 GB
NOTES_PER_COPY = 1024

Array = npt.NDArray[Any]
Indices = npt.NDArray[np.int64]

_PLAIN_FIELDS: list[tuple[str, str] | tuple[str, str, tuple[int, ...]]] = [
    ("pitch", "f4"),  # MIDI, 69 is A4 at 440 Hz
    ("instrument", "i2"),  # index into set.json's instruments
    ("velocity", "u1"),  # MIDI 1-127
    ("held_out", "?"),  # never trained on
    ("variation", "f4", (MAX_VARIATION,)),  # what the source changed, in the source's own units
]
_PLAIN_NOTE = np.dtype(_PLAIN_FIELDS)
_PLAIN_NAMES = [field[0] for field in _PLAIN_FIELDS]
NOTE = np.dtype(
    [
        *_PLAIN_FIELDS,
        ("second", "i2"),  # the instrument of a second layer
        ("share", "f4"),  # how much of the note that is, 0 to 0.5; 0 for a plain note
    ]
)


#: The type that a set of each representation is stored in.
_STORED_TYPES: dict[type[Representation], np.dtype[Any]] = {
    SpecgramSpec: np.dtype(np.int8),
    MelSpecgramSpec: np.dtype(np.float16),
}


def stored_type(spec: Representation) -> np.dtype[Any]:
    """int8 for the studio's specgrams; float16, of twice the size, for mel ones.

    The latter go through running sums of their frequencies, where a frame's error stays for the rest of the note, and
    a discriminator sees the steps. The mean SNR of 60 notes of 20 General MIDI instruments, stored and turned back into
    sound, against the same without storing: int8 26 dB (the worst 6), float16 56 dB (the worst 42).
    """
    return _STORED_TYPES[type(spec)]


def quantize(specgram: Tensor, kind: np.dtype[Any] = _STORED_TYPES[SpecgramSpec]) -> Array:
    """specgram -> array of `kind` and the same shape. As int8 it is in [-1, 1], in steps of 0.05 neper and 1/127 of pi
    for the studio's spec."""
    if kind == np.float16:
        return specgram.half().numpy()
    return (specgram * 127).round().to(torch.int8).numpy()


def dequantize(stored: Array | Tensor) -> Tensor:
    """Inverse of `quantize`: float32."""
    stored = torch.as_tensor(stored)
    return stored.float() / 127 if stored.dtype == torch.int8 else stored.float()


def note_bytes(spec: Representation) -> int:
    """Bytes on disk of one prepared note."""
    return 2 * spec.frames * spec.bins * stored_type(spec).itemsize


def readable_size(size: int) -> str:
    """A number of bytes as people write it: `18.4 GB`."""
    return f"{size / 1e9:.1f} GB" if size >= 1e9 else f"{size / 1e6:.1f} MB"


def read_description(folder: Path) -> dict[str, Any]:
    """set.json. Raises DataError if it is missing, damaged or of another version."""
    try:
        description: Any = json.loads((folder / "set.json").read_text(encoding="utf-8"))
        if not isinstance(description, dict):
            raise ValueError("it holds no description")
    except FileNotFoundError:
        raise DataError(
            f"'{folder}' is not a prepared training set. Make one with: python -m gansynth_core data --out {folder}"
        ) from None
    except (ValueError, RecursionError) as cause:
        raise DataError(f"'{folder / 'set.json'}' is damaged: {cause}") from cause
    if description.get("format") not in (1, FORMAT):
        raise DataError(f"'{folder}' was saved by another version (format {description.get('format')}, not {FORMAT}).")
    return description | {"format": FORMAT}


def read_records(folder: Path) -> Array:
    """notes.npy as NOTE, of either format. Raises ValueError if it holds anything else."""
    stored: Array = np.load(folder / "notes.npy")
    if stored.dtype == NOTE:
        return stored
    if stored.dtype != _PLAIN_NOTE:
        raise ValueError("its notes are of an unknown kind")
    records = np.zeros(len(stored), NOTE)
    for name in _PLAIN_NAMES:
        records[name] = stored[name]
    return records


def read_sums(folder: Path) -> Array | None:
    """sums.npy: the checksum (CRC-32) of every row of specgrams.npy, then that of notes.npy; None for a set that was
    made without. Returns those of the rows. Raises ValueError if notes.npy is damaged."""
    path = folder / "sums.npy"
    if not path.exists():
        return None
    sums: Array = np.load(path, mmap_mode="r")
    if zlib.crc32((folder / "notes.npy").read_bytes()) != sums[-1]:
        raise ValueError("the checksum of its notes differs")
    return sums[:-1]


def identity(notes: Array) -> bytes:
    """The bytes to hash for records [n] of NOTE. For plain notes the same as before there were layers, so that older
    runs and reports are known again."""
    layers = notes["second"].tobytes() + notes["share"].tobytes() if notes["share"].any() else b""
    return notes[_PLAIN_NAMES].astype(_PLAIN_NOTE).tobytes() + layers


@dataclass(frozen=True, eq=False)
class NoteSet:
    """An opened training set; `notes` and `specgrams` are its ready notes' records and the file they index."""

    folder: Path
    spec: Representation
    instruments: tuple[str, ...]
    sources: tuple[dict[str, Any], ...]
    notes: Array  # [notes] of NOTE
    rows: Indices  # [notes] row of each in specgrams
    specgrams: "Array | Checked | Stacked"  # [rows, 2, frames, bins] of stored_type(spec), mapped from files
    first: int = 0  # of a set that is several (see `open_sets`): how many notes are of the first

    @classmethod
    def open(cls, folder: str | os.PathLike[str]) -> "NoteSet":
        """Open a prepared folder, finished or not. Raises DataError if it is not one, or damaged."""
        folder = Path(folder)
        description = read_description(folder)
        try:
            rows = np.flatnonzero(np.load(folder / "state.npy") == READY)
            notes = read_records(folder)[rows]
            specgrams = np.load(folder / "specgrams.npy", mmap_mode="r")
            sums = read_sums(folder)
            spec = representation_from_json(description["specgram"])
            # A model cannot learn an instrument whose every note was skipped.
            layered = notes["share"] > 0
            heard = np.unique(np.concatenate([notes["instrument"], notes["second"][layered]]))
            notes["instrument"] = np.searchsorted(heard, notes["instrument"])
            notes["second"][layered] = np.searchsorted(heard, notes["second"][layered])
            instruments = tuple(description["instruments"][index] for index in heard)
            sources = tuple(description["sources"])
        except (OSError, ValueError, IndexError, KeyError, TypeError, ModelError) as cause:
            raise DataError(f"The training set in '{folder}' is damaged: {cause}") from cause
        checked = specgrams if sums is None else Checked(folder, specgrams, sums)
        return cls(folder, spec, instruments, sources, notes, rows, checked)

    def __len__(self) -> int:
        return len(self.rows)

    def plain(self) -> npt.NDArray[np.bool_]:
        """Which notes are of one instrument: bool [notes]."""
        plain: npt.NDArray[np.bool_] = self.notes["share"] == 0
        return plain

    def training(self, *, layers: bool = False) -> Indices:
        """Indices of the notes to learn from: plain ones, and with `layers` those of two layers too."""
        return np.flatnonzero(~self.notes["held_out"] & (self.plain() | layers))

    def held_out(self, *, layers: bool = False) -> Indices:
        """Indices of the notes kept from training: plain ones, and with `layers` those with a layer held out."""
        return np.flatnonzero(self.notes["held_out"] & (self.plain() | layers))

    def weights(self, indices: Indices) -> Tensor:
        """How much of each instrument the notes at `indices` are: float32 [n, instruments], rows that sum to 1."""
        notes, rows = self.notes[indices], np.arange(len(indices))
        weights = np.zeros((len(notes), len(self.instruments)), np.float32)
        weights[rows, notes["instrument"]] = 1 - notes["share"]
        weights[rows, notes["second"]] += notes["share"]
        return torch.from_numpy(weights)

    def stored(self, indices: Indices) -> Array:
        """[n, 2, frames, bins] of `stored_type(spec)`, the notes at `indices`. Raises DataError for a damaged one; each
        is looked at once."""
        stored: Array = self.specgrams[self.rows[indices]]
        return stored

    def specgram(self, indices: Indices) -> Tensor:
        """specgrams float32 [n, 2, frames, bins] of the notes at `indices`."""
        return dequantize(self.stored(indices))


class Checked:
    """The specgrams in `folder`, each compared with its checksum in `sums` [rows] when it is first read."""

    def __init__(self, folder: Path, specgrams: Array, sums: Array) -> None:
        self._folder, self._specgrams, self._sums = folder, specgrams, sums
        self._right: set[int] = set()

    def __len__(self) -> int:
        return len(self._specgrams)

    def __getitem__(self, rows: Indices) -> Array:
        """Raises DataError for a damaged one."""
        stored: Array = self._specgrams[rows]
        for row, note in zip(rows.tolist(), stored, strict=True):
            if row not in self._right:
                if zlib.crc32(note.tobytes()) != self._sums[row]:
                    raise DataError(
                        f"Note {row} of the training set in '{self._folder}' is damaged (its checksum differs). "
                        "Prepare the set again in another folder."
                    )
                self._right.add(row)
        return stored


class Stacked:
    """The specgrams of several files as if they were one: rows by their number over all of them."""

    def __init__(self, parts: Sequence["Array | Checked | Stacked"]) -> None:
        self.parts = parts
        self.starts = np.cumsum([0] + [len(part) for part in parts])

    def __len__(self) -> int:
        return int(self.starts[-1])

    def __getitem__(self, rows: Indices) -> Array:
        which = np.searchsorted(self.starts, rows, side="right") - 1
        found = [part[rows[which == number] - self.starts[number]] for number, part in enumerate(self.parts)]
        stacked: Array = np.concatenate(found)
        order = np.argsort(which, kind="stable")  # where each row of `stacked` belongs
        return stacked[np.argsort(order, kind="stable")]


def open_sets(folders: Sequence[str | os.PathLike[str]]) -> NoteSet:
    """Open a prepared folder, or several as one set: notes and instruments in the order of the folders.

    Raises DataError if one of them is damaged, or if they hold specgrams of several kinds or rates.
    """
    sets = [NoteSet.open(folder) for folder in folders]
    whole = sets[0]
    for other in sets[1:]:
        if other.spec != whole.spec:
            raise DataError(
                f"'{whole.folder}' and '{other.folder}' hold specgrams of different kinds: of {_kind(whole.spec)} and "
                f"of {_kind(other.spec)}. Sets that are used together are made with the same --spec and --rate."
            )
        instruments = tuple(dict.fromkeys((*whole.instruments, *other.instruments)))
        places = np.array([instruments.index(name) for name in other.instruments])
        notes = other.notes.copy()
        notes["instrument"] = places[notes["instrument"]]
        layered = notes["share"] > 0
        notes["second"][layered] = places[notes["second"][layered]]
        whole = replace(
            whole,
            instruments=instruments,
            sources=(*whole.sources, *other.sources),
            notes=np.concatenate([whole.notes, notes]),
            rows=np.concatenate([whole.rows, other.rows + len(whole.specgrams)]),
            specgrams=Stacked([whole.specgrams, other.specgrams]),
            first=whole.first or len(whole),
        )
    return whole


def _kind(spec: Representation) -> str:
    return f"{spec.sample_rate / 1000:g} kHz ({type(spec).__name__}, {spec.bins} bins)"


class StoredNotes:
    """A set's notes where they are needed: on a GPU all of them, if they fit along with what training takes."""

    def __init__(self, data: NoteSet, device: str) -> None:
        self._data, self._device = data, torch.device(device)
        self._resident: Tensor | None = None
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

    def __call__(self, indices: Indices) -> Tensor:
        """[n, 2, frames, bins] of `stored_type(spec)`, the notes at `indices`, on the device or still on the CPU."""
        if self._resident is None:
            return torch.from_numpy(self._data.stored(indices))
        return self._resident[torch.from_numpy(indices).to(self._device)]


def batches(indices: Indices, size: int, seed: int, start: int = 0) -> Iterator[Indices]:
    """Endless batches of `size` out of `indices`, in a new seeded order each epoch, from batch number `start` on.

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


def mixed_batches(
    data: NoteSet, indices: Indices, size: int, first_share: float, seed: int, start: int = 0
) -> Iterator[Indices]:
    """Endless batches as `batches` gives them, of a set that is several: `first_share` of each, rounded up, out of the
    first set, so that what is known already is not forgotten; the rest out of the others, where each instrument comes
    as often as any other, however many notes it has."""
    known, new = indices[indices < data.first], indices[indices >= data.first]
    owner = data.notes["instrument"][new]
    instruments = np.unique(owner)
    notes = [new[owner == instrument] for instrument in instruments]
    replayed = min(size, math.ceil(first_share * size))
    old = batches(known, replayed, seed, start) if replayed else itertools.repeat(known[:0])
    number = start
    while True:
        places = np.arange(number * (size - replayed), (number + 1) * (size - replayed))
        drawn = [_drawn(notes, *divmod(int(place), len(notes)), seed) for place in places]
        yield np.concatenate([next(old), np.array(drawn, np.int64)])
        number += 1


def _drawn(notes: list[Indices], turn: int, place: int, seed: int) -> int:
    """In every turn, each instrument once: in an order, and with a note, that are drawn anew."""
    random = np.random.default_rng((seed, turn, 1))
    own = notes[random.permutation(len(notes))[place]]
    return int(own[np.random.default_rng((seed, turn, place, 2)).integers(len(own))])
