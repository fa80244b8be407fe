"""Whether a finished pack is fit to ship: its files read back as samplers read them, its notes measured as ears do.

`python -m gansynth_core check-pack FILE` prints a table; the exporter runs the same on every sound that it wrote.
"""

import argparse
import io
import os
import struct
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, cast

import numpy as np
import soundfile
from numpy.typing import NDArray

from gansynth_core.errors import AudioError
from gansynth_core.packs.levels import true_peak
from gansynth_core.packs.loops import SLOW_SECONDS, level_curve
from gansynth_core.packs.opxy import ENDING as OPXY_ENDING
from gansynth_core.packs.readback import READERS
from gansynth_core.packs.zones import Zone
from gansynth_core.sustain import Loop

Samples = NDArray[np.float64]
Place = Path | zipfile.Path

# What is wrong with a note, in the figures of the table.
MOST_PEAK_DB = -0.9  # dBTP; -1 is what packs aim at
MOST_START_DB = -60.0  # of its first frame, below full scale
MOST_LEAD_SECONDS = 0.03  # before it comes to -40 dB below its peak, if it ever steps that fast
MOST_END_DB = -45.0  # of its last 5 ms, below its loudest 20 ms
MOST_TAIL_SECONDS = 0.1  # below -60 dB at its end
MOST_SWING_DB = 3.0  # of a loop's level over a quarter of a second, as it is heard: pumping
MOST_RANGE_DB = 6.0  # of its level over 50 ms
MOST_SEAM = 1.5  # the bend of the wave at the seam beside the largest near it: a click
MOST_OFFSET_DB = -50.0  # of its mean
LEAST_LOOP_SECONDS = 0.3

GONE_DB = -60.0
BLOCK_SECONDS = 0.02
END_SECONDS = 0.005
FLOOR_DB = -144.0


@dataclass(frozen=True)
class NoteCheck:
    """A note as it was read back. file, root, frames: its name, root key and length. loop: in its header, if any.
    channels, sample_rate (Hz). peak_db: dBTP; level_db: its loudest 0.4 s, RMS; start_db: its first frame; end_db: its
    last 5 ms below its loudest 20 ms; tail_seconds: how long it is silent at its end. Of a loop: swing_db and range_db,
    how far its level runs over 0.25 s and over 50 ms, and seam, its bend beside the largest near it. faults: what is
    wrong, a sentence each."""

    file: str
    root: int
    frames: int
    sample_rate: int
    channels: int
    loop: Loop | None
    peak_db: float
    level_db: float
    start_db: float
    end_db: float
    tail_seconds: float
    swing_db: float
    range_db: float
    seam: float
    faults: tuple[str, ...]

    @property
    def loop_seconds(self) -> float:
        return self.loop.length / self.sample_rate if self.loop else 0.0


@dataclass(frozen=True)
class InstrumentCheck:
    """name: of its folder. notes: what was found of each. mappings: the files that map them. faults: of all."""

    name: str
    notes: tuple[NoteCheck, ...]
    mappings: tuple[str, ...]
    faults: tuple[str, ...]


@dataclass(frozen=True)
class PackCheck:
    """What was found in a pack. str() is a table and, below it, the faults."""

    instruments: tuple[InstrumentCheck, ...]

    @property
    def faults(self) -> list[str]:
        return [fault for instrument in self.instruments for fault in instrument.faults]

    def __str__(self) -> str:
        rows = [_HEADINGS, *(_row(instrument) for instrument in self.instruments)]
        widths = [max(len(row[column]) for row in rows) for column in range(len(_HEADINGS))]
        lines = [
            "  ".join(_cell(text, width, at) for at, (text, width) in enumerate(zip(row, widths, strict=True)))
            for row in rows
        ]
        count = len(self.faults)
        told = "clean" if not count else f"{count} {'fault' if count == 1 else 'faults'}"
        return "\n".join(line.rstrip() for line in [*lines, *self.faults, told])


_HEADINGS = (
    "instrument",
    "notes",
    "keys",
    "holds",
    "loop s",
    "swing dB",
    "range dB",
    "seam",
    "start dB",
    "end dB",
    "tail s",
    "dBTP",
    "level dB",
    "faults",
)


def _cell(text: str, width: int, column: int) -> str:
    return text.ljust(width) if column == 0 else text.rjust(width)


def _row(instrument: InstrumentCheck) -> tuple[str, ...]:
    notes = instrument.notes
    looped = [note for note in notes if note.loop]
    roots = sorted({note.root for note in notes})
    levels = [note.level_db for note in notes]
    return (
        instrument.name,
        str(len(notes)),
        f"{roots[0]}-{roots[-1]}" if roots else "",
        "all" if looped and len(looped) == len(notes) else "none" if not looped else f"{len(looped)}",
        _most((note.loop_seconds for note in looped), ".2f", least=True),
        _most((note.swing_db for note in looped), ".1f"),
        _most((note.range_db for note in looped), ".1f"),
        _most((note.seam for note in looped), ".2f"),
        _most((note.start_db for note in notes), ".0f"),
        _most((note.end_db for note in notes), ".0f"),
        _most((note.tail_seconds for note in notes), ".2f"),
        _most((note.peak_db for note in notes), ".1f"),
        f"{min(levels):.1f} to {max(levels):.1f}" if levels else "",
        str(len(instrument.faults) or ""),
    )


def _most(values: Iterable[float], form: str, least: bool = False) -> str:
    found = list(values)
    return format((min if least else max)(found), form) if found else ""


def check_pack(path: str | os.PathLike[str]) -> PackCheck:
    """Read the pack at `path`, a zip or a folder, back. Raises AudioError for what is no pack."""
    path = Path(path)
    try:
        if path.is_dir():
            return _checked(path)
        with zipfile.ZipFile(path) as archive:
            damaged = archive.testzip()
            if damaged is not None:
                raise AudioError(f"The pack '{path}' is damaged: {damaged}.")
            return _checked(zipfile.Path(archive))
    except zipfile.BadZipFile as cause:
        raise AudioError(f"'{path}' is neither a folder nor a zip.") from cause
    except OSError as cause:
        raise AudioError(f"Cannot read the pack '{path}': {cause.strerror or cause}.") from cause


def check_instrument(name: str, waves: Sequence[Place], mappings: Sequence[Place]) -> InstrumentCheck:
    """Check an instrument: its WAV files and the files that map them."""
    notes = tuple(check_note(wave.name, wave.read_bytes()) for wave in waves)
    faults = [f"{note.file}: {fault}" for note in notes for fault in note.faults]
    looped = sum(note.loop is not None for note in notes)
    if mappings and 0 < looped < len(notes):
        without = [str(note.root) for note in notes if note.loop is None]
        faults.append(f"{name}: of {len(notes)} notes {looped} hold; keys without a loop: {', '.join(without)}.")
    known = {note.file: note for note in notes}
    for mapping in mappings:
        ending = os.path.splitext(mapping.name)[1]
        try:
            with mapping.open("rb") as file:
                zones = READERS[ending](cast(BinaryIO, file))
            faults += [f"{mapping.name}: {fault}" for fault in _zone_faults(zones, known, ending)]
        except (ValueError, KeyError, IndexError, struct.error, ElementTree.ParseError, zipfile.BadZipFile) as cause:
            faults.append(f"{mapping.name}: cannot be read ({cause}).")
    return InstrumentCheck(name, notes, tuple(mapping.name for mapping in mappings), tuple(faults))


def check_note(file: str, data: bytes) -> NoteCheck:
    """Check the bytes of one WAV file. Raises AudioError if they are none."""
    try:
        samples, rate = soundfile.read(io.BytesIO(data), dtype="float64", always_2d=True)
    except soundfile.LibsndfileError as cause:
        raise AudioError(f"'{file}' cannot be read as a sound file: {cause}") from cause
    chunks = _chunks(data)
    faults = [] if len(data) == struct.unpack_from("<I", data, 4)[0] + 8 else ["its header gives another size."]
    root, low, high, softest, hardest, loop = _mapping(chunks)
    if not (low <= root <= high <= 127 and 1 <= softest <= hardest <= 127):
        faults.append(f"its header maps key {root} to {low}-{high} at velocities {softest}-{hardest}.")
    if loop and not 0 <= loop.start < loop.end < len(samples):
        faults.append(f"its loop, {loop.start} to {loop.end}, is outside its {len(samples)} frames.")
        loop = None
    return _measured(file, samples, rate, root, loop, faults)


def _measured(file: str, samples: Samples, rate: int, root: int, loop: Loop | None, faults: list[str]) -> NoteCheck:
    mono = samples.mean(axis=1)
    levels = _blocks_db(samples, round(BLOCK_SECONDS * rate))
    loudest = levels.max(initial=FLOOR_DB)
    heard = np.flatnonzero(levels > loudest + GONE_DB)
    tail = (len(levels) - 1 - int(heard[-1])) * BLOCK_SECONDS if len(heard) else 0.0
    peak = _db(true_peak(samples))
    start, end = (
        _db(float(np.abs(samples[:1]).max(initial=0.0))),
        _blocks_db(samples[-round(END_SECONDS * rate) :], round(END_SECONDS * rate)),
    )
    end_db = float(end.max(initial=FLOOR_DB)) - loudest
    swing = spread = seam = 0.0
    if loop:
        swing, spread = loop_levels_db(samples, rate, root, loop)
        seam = seam_bend(samples, loop)
    offset = _db(abs(float(mono.mean())))
    for wrong, sentence in (
        (peak > MOST_PEAK_DB, f"its true peak is {peak:.1f} dBTP."),
        (start > MOST_START_DB, f"it begins with a step, at {start:.0f} dB."),
        (end_db > MOST_END_DB, f"it is cut off: its end is {-end_db:.0f} dB below its loudest part."),
        (tail > MOST_TAIL_SECONDS, f"it ends with {tail:.2f} s of silence."),
        (offset > MOST_OFFSET_DB, f"its mean is {offset:.0f} dB, not zero."),
        (swing > MOST_SWING_DB, f"its loop pumps by {swing:.1f} dB."),
        (spread > MOST_RANGE_DB, f"the level in its loop runs over {spread:.1f} dB."),
        (seam > MOST_SEAM, f"its loop clicks: the wave bends {seam:.1f} times as much at the seam as near it."),
        (loop is not None and loop.length < LEAST_LOOP_SECONDS * rate, "its loop is shorter than 0.3 s."),
    ):
        if wrong:
            faults.append(sentence)
    level = _blocks_db(samples, min(len(samples), round(0.4 * rate))).max(initial=FLOOR_DB)
    return NoteCheck(
        file,
        root,
        len(samples),
        rate,
        samples.shape[1],
        loop,
        peak,
        float(level),
        start,
        end_db,
        tail,
        swing,
        spread,
        seam,
        tuple(faults),
    )


def loop_levels_db(samples: NDArray[np.floating], rate: int, root: int, loop: Loop) -> tuple[float, float]:
    """How far the level of a loop of `samples` [n, channels] runs as it is heard, end to start: over a quarter of a
    second, and over 50 ms."""
    levels, hop = level_curve(samples[loop.start : loop.end + 1], rate, root, circular=True)
    width = max(1, min(len(levels), round(SLOW_SECONDS * rate / hop)))
    power = np.cumsum(np.concatenate([[0.0], np.tile(10 ** (levels / 10), 2)]))
    slow = 10 * np.log10((power[width:] - power[:-width])[: len(levels)] / width)
    return float(np.ptp(slow)), float(np.ptp(levels))


def seam_bend(samples: NDArray[np.floating], loop: Loop) -> float:
    """The largest second difference at the seam of a loop, beside the largest within 50 ms of it: a click is a corner
    in the wave. 1 for silence."""
    reach = min(loop.length, max(64, loop.length // 8), 4096)
    end = loop.end + 1
    around = np.concatenate([samples[end - reach : end], samples[loop.start : loop.start + reach]])
    bend = np.abs(np.diff(around, 2, axis=0)).max(axis=1)
    near = np.concatenate([bend[: reach - 8], bend[reach + 6 :]]).max(initial=0.0)
    at = bend[reach - 3 : reach + 1].max(initial=0.0)
    return float(at / near) if near > 0 else 1.0


def _zone_faults(zones: Sequence[Zone], notes: Mapping[str, NoteCheck], ending: str) -> list[str]:
    faults = []
    covered = np.zeros((128, 128), int)
    for zone in zones:
        if zone.turn == 1:
            covered[zone.low : zone.high + 1, zone.low_velocity : zone.high_velocity + 1] += 1
        note = notes.get(zone.file) or _note_of(zone, notes, ending)
        if note is None:
            faults.append(f"'{zone.file}' is not there.")
            continue
        if zone.root != note.root or zone.frames not in (0, note.frames):
            faults.append(f"'{zone.file}' is at key {zone.root} with {zone.frames} frames, not at {note.root}.")
        if zone.loop is None and note.loop is None:
            continue
        if zone.loop is None or note.loop is None or zone.loop[:2] != note.loop[:2]:
            faults.append(f"'{zone.file}' has another loop than its header.")
    missing, twice = (covered[:, 1:] == 0).sum(), (covered[:, 1:] > 1).sum()
    if missing or twice:
        faults.append(f"{missing} of 16,256 keys at a velocity have no note and {twice} have several.")
    return faults


def _note_of(zone: Zone, notes: Mapping[str, NoteCheck], ending: str) -> NoteCheck | None:
    """A SoundFont's names are but 20 letters long, the last ones of ours."""
    if ending != ".sf2":
        return None
    named = [note for file, note in notes.items() if os.path.splitext(file)[0].endswith(zone.file)]
    return named[0] if named else None


def _checked(root: Place) -> PackCheck:
    tops = [top for top in (root, *_inside(root)) if (top / "manifest.json").is_file()]
    if not tops:
        raise AudioError(f"'{root}' is no pack: it has no manifest.json.")
    found = []
    for top in tops:
        shots = _files(top / "OneShots", ".wav")
        if shots:
            found.append(check_instrument("OneShots", shots, []))
        entries = _inside(top / "Multisamples")
        for entry in entries:
            if entry.is_dir():
                within = [place for ending in (".json", ".elmulti") for place in _files(entry, ending)]
                name = entry.name.removesuffix(OPXY_ENDING)
                beside = [other for other in entries if other.is_file() and os.path.splitext(other.name)[0] == name]
                found.append(check_instrument(name, _files(entry, ".wav"), [*beside, *within]))
    return PackCheck(tuple(found))


def _inside(folder: Place) -> list[Place]:
    """What is in a folder, in order; nothing if it is none."""
    entries: list[Place] = list(folder.iterdir()) if folder.is_dir() else []
    return sorted(entries, key=lambda entry: entry.name)


def _files(folder: Place, ending: str) -> list[Place]:
    return [place for place in _inside(folder) if place.name.endswith(ending)]


def _chunks(data: bytes) -> dict[bytes, bytes]:
    found, place = {}, 12
    while place + 8 <= len(data):
        code, size = struct.unpack_from("<4sI", data, place)
        if code != b"data":
            found[code] = data[place + 8 : place + 8 + size]
        place += 8 + size + size % 2
    return found


def _mapping(chunks: Mapping[bytes, bytes]) -> tuple[int, int, int, int, int, Loop | None]:
    """Root key, range of keys, range of velocities and loop, as the chunks `inst` and `smpl` of a WAV file tell."""
    root, _, _, low, high, softest, hardest = struct.unpack_from(
        "<BbbBBBB", chunks.get(b"inst", bytes((60, 0, 0, 0, 127, 1, 127)))
    )
    loop = None
    if b"smpl" in chunks and struct.unpack_from("<I", chunks[b"smpl"], 28)[0]:
        _, _, start, end = struct.unpack_from("<4I", chunks[b"smpl"], 36)
        loop = Loop(start, end, 0)
    return root, low, high, softest, hardest, loop


def _blocks_db(samples: NDArray[np.floating], block: int) -> Samples:
    """RMS level in dB of every block of `samples` [n, channels], the rest at the end left out."""
    power = np.square(samples).mean(axis=1)
    count = len(power) // max(1, block)
    levels: Samples = 10 * np.log10(power[: count * block].reshape(count, block).mean(axis=1) + 1e-15)
    return levels


def _db(value: float) -> float:
    return max(FLOOR_DB, 20 * float(np.log10(max(value, 1e-12))))


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `check-pack`."""
    parser.add_argument("pack", metavar="FILE", help="a finished pack: its zip, or the folder in it")


def run(arguments: argparse.Namespace) -> None:
    """Print what was found. Raises AudioError if anything is wrong."""
    found = check_pack(arguments.pack)
    print(found)
    if found.faults:
        count = len(found.faults)
        raise AudioError(f"'{arguments.pack}' has {count} {'fault' if count == 1 else 'faults'}.")
