"""Making a pack: render, judge, level, write, zip. A stop at any moment leaves no half zip and loses nothing done."""

import contextlib
import json
import os
import shutil
import zipfile
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import asdict, dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from filelock import FileLock, Timeout

from gansynth_core.cards import ModelCard
from gansynth_core.errors import AudioError, InputError
from gansynth_core.files import replacing, sync
from gansynth_core.latent import morph
from gansynth_core.packs import quality
from gansynth_core.packs.manifest import readme, save_manifest
from gansynth_core.packs.naming import SOFTWARE, unique_names
from gansynth_core.packs.plan import PackPlan
from gansynth_core.packs.rights import licence
from gansynth_core.packs.sound_writer import SoundWriter, save_text
from gansynth_core.packs.wavetable import FRAMES, cycle, write_wavetable
from gansynth_core.synth import BATCH, Synth

NOTES_AHEAD = 128  # rendered while others are being written; at least one sound, whatever its size
MOVED = "moved.json"  # in the work folder: the report of the zip that was moved out of it
LISTED = 20  # faults named in README.txt; all are in the manifest
CYCLES_AT_ONCE = 16
Progress = Callable[[int, int], object]


@dataclass(frozen=True)
class PackReport:
    """path: the zip. notes: how many it holds. bytes: its size. left_out: notes that failed a quality check and are not
    in it. kept: notes that failed one and are in it, as asked. findings: faults that check.py found in what was
    written."""

    path: Path
    notes: int
    bytes: int
    left_out: int
    kept: int
    findings: int = 0


def write_pack(
    plan: PackPlan,
    synth: Synth,
    out: str | os.PathLike[str],
    *,
    resume: bool = False,
    progress: Progress | None = None,
) -> PackReport:
    """Render `plan` with `synth` and write the zip `out`.

    Memory depends on the plan and a few sounds, not on the size of the pack. Others who play the synth go first.
    While it runs, everything is in `OUT.work` beside `out`; a stopped export continues from there with `resume`, and
    makes the same zip as one that was not stopped.
    progress: called with notes rendered and notes to render (plan.renders); an exception raised in it stops the export.
    Raises InputError for a plan the synth cannot render, a name that is taken or wrong, or another plan's work folder,
    and AudioError if the disk is full (the work folder stays).
    """
    out = Path(out)
    if out.suffix.lower() != ".zip":
        raise InputError(f"'{out.name}' does not end in .zip: packs are zip files.")
    plan.check(synth.card)
    try:
        with _work_folder(out, resume) as work:
            report = _Export(plan, synth, work).write(out, progress or (lambda done, total: None))
    except OSError as cause:
        kept = "; what is done is kept: continue with 'resume'" if _work_of(out).is_dir() else ""
        raise AudioError(f"Cannot write the pack '{out}': {cause.strerror or cause}{kept}.") from cause
    _clean(work)  # not before the lock in it is released
    if not report.bytes:
        raise InputError(f"None of the {plan.notes} notes passed the quality checks, so there is no pack.")
    return report


def _work_of(out: Path) -> Path:
    return out.with_name(out.name + ".work")


def _move(whole: Path, out: Path) -> None:
    """Give a finished file its name, unless the name was taken while it was made: what stands there is not ours."""
    try:
        try:
            os.link(whole, out)  # unlike a rename, it never replaces
        except FileExistsError:
            raise
        except OSError:  # a disk without links
            if out.exists():
                raise FileExistsError from None
            os.replace(whole, out)
    except FileExistsError:
        raise InputError(
            f"'{out}' came into being while its pack was made, and is left alone. The pack is kept in '{whole}': give "
            "it another name, or move the other file away and continue with 'resume'."
        ) from None
    whole.unlink(missing_ok=True)


@contextlib.contextmanager
def _work_folder(out: Path, resume: bool) -> Iterator[Path]:
    """`OUT.work`, new or (with `resume`) as it was left, locked against a second export to the same name."""
    work = _work_of(out)
    if out.exists() and not (resume and _moved(out, work)):
        what = "there is nothing left to continue" if resume else "choose another name, or remove it first"
        raise InputError(f"'{out}' already exists: {what}.")
    try:
        work.mkdir(parents=True, exist_ok=resume)
    except FileExistsError:
        raise InputError(
            f"An export to '{out}' was stopped or is under way: continue with 'resume', or remove '{work}' first."
        ) from None
    lock = FileLock(work / "lock")
    try:
        lock.acquire(timeout=0)
    except Timeout:
        raise InputError(f"Another export to '{out}' is under way.") from None
    try:
        yield work
    finally:
        lock.release()


def _moved(out: Path, work: Path) -> PackReport | None:
    """The report of the export in `work`, if `out` is its whole zip: it was stopped before it could clean up."""
    try:
        report = PackReport(path=out, **json.loads((work / MOVED).read_text(encoding="utf-8")))
        return report if report.bytes == out.stat().st_size else None
    except (OSError, ValueError, TypeError):
        return None


def _clean(work: Path) -> None:
    """Remove a work folder. What says that the export is finished goes last: a kill in the middle costs nothing."""
    last = [work / "plan.json", work / MOVED]
    with contextlib.suppress(OSError):
        for path in work.iterdir():
            if path.is_dir():
                shutil.rmtree(path, ignore_errors=True)
            elif path not in last:
                path.unlink(missing_ok=True)
        for path in last:
            path.unlink(missing_ok=True)
        work.rmdir()


class _Export:
    """One export in its work folder: `sounds/00012.json` says that sound 12 is whole, `pack/` is what gets zipped."""

    def __init__(self, plan: PackPlan, synth: Synth, work: Path) -> None:
        self.plan, self.synth, self.work = plan, synth, work
        self.card: ModelCard = synth.card
        self.names = unique_names((item.name for item in plan.items), plan.naming)
        self.tables = unique_names((table.name for table in plan.wavetables), plan.naming)
        self.title = plan.file_name
        self.pack = work / "pack" / self.title
        self.sounds = work / "sounds"
        self.writer = SoundWriter(plan, synth, self.pack, self.title, quality.Heard())

    def write(self, out: Path, progress: Progress) -> PackReport:
        """Make the zip `out`, or none (0 bytes in the report) if there is nothing to put into it."""
        self._begin()
        if moved := _moved(out, self.work):
            return moved
        per_sound = len(self.writer.notes)
        done = self._done()
        progress(done * per_sound, self.plan.renders)
        with ThreadPoolExecutor(1) as writer:  # writes in order, while the next sounds are rendered
            waiting: deque[Future[None]] = deque()
            for number, audio in self._rendered(done, progress):
                waiting.append(writer.submit(self._finish, number, audio))
                last = number == len(self.plan.items) - 1
                while len(waiting) > (0 if last else max(1, NOTES_AHEAD // per_sound)):
                    waiting.popleft().result()
        for number in range(len(self.tables)):
            self._wavetable(number, progress)
        report = self._documents(out)
        return self._zip(report) if report.notes or self.tables else report

    def _begin(self) -> None:
        """Record what is being exported, or make sure it is what was begun."""
        self.sounds.mkdir(exist_ok=True)
        self.pack.mkdir(parents=True, exist_ok=True)
        begun, now = self.work / "plan.json", self.work / "plan_now.json"
        self.plan.save(now)
        with open(now, "a", encoding="utf-8") as file:  # another model or decoder makes other sounds of the same plan
            file.write(f"{self.card.sha256} {self.synth.griffin_lim_steps}\n")
        if begun.exists() and begun.read_bytes() != now.read_bytes():
            raise InputError(
                f"'{self.work}' was started with another plan or model: finish that export, or remove the folder."
            )
        os.replace(now, begun)

    def _done(self) -> int:
        """How many sounds are whole, from the first on; they are added to those already heard."""
        for number in range(len(self.plan.items)):
            if not self._record(number).exists():
                return number
            self.writer.remember(self.names[number], self._read(number))
        return len(self.plan.items)

    def _record(self, number: int) -> Path:
        return self.sounds / f"{number:05d}.json"

    def _read(self, number: int) -> dict[str, Any]:
        record: dict[str, Any] = json.loads(self._record(number).read_text(encoding="utf-8"))
        return record

    def _rendered(self, first: int, progress: Progress) -> Iterator[tuple[int, np.ndarray]]:
        """(number, audio float32 [notes, samples]) of every sound from `first` on, rendered in full batches."""
        per_sound = len(self.writer.notes)
        wanted = (note for item in self.plan.items[first:] for note in self.writer.wanted(item.timbre))
        notes: list[np.ndarray] = []
        number = first
        while batch := list(islice(wanted, BATCH)):
            timbres, pitches = zip(*batch, strict=True)
            waves = self.synth.render(timbres, pitches, background=True).audio
            progress(number * per_sound + len(notes) + len(waves), self.plan.renders)
            for wave in waves:
                notes.append(wave)
                if len(notes) == per_sound:
                    yield number, np.stack(notes)
                    number, notes = number + 1, []

    def _finish(self, number: int, audio: np.ndarray) -> None:
        """Write one sound, then its record, which says that it is whole."""
        record = self.writer.write(self.names[number], self.plan.items[number], audio)
        save_text(self._record(number), json.dumps(record))

    def _wavetable(self, number: int, progress: Progress) -> None:
        table = self.plan.wavetables[number]
        path = self.pack / "Wavetables" / f"{self.tables[number]}.wav"
        before = self.plan.renders - FRAMES * (len(self.tables) - number)
        if not path.exists():
            rate = self.card.specgram.sample_rate
            timbres = [morph(table.start, table.end, step / (FRAMES - 1)) for step in range(FRAMES)]
            cycles = []
            for first in range(0, FRAMES, CYCLES_AT_ONCE):
                some = timbres[first : first + CYCLES_AT_ONCE]
                clips = self.synth.render(some, [table.pitch] * len(some), background=True)
                cycles += [cycle(np.nan_to_num(wave), rate, table.pitch) for wave in clips.audio]
                progress(before + len(cycles), self.plan.renders)
            with replacing(path, AudioError) as partial:
                info = self.writer.rights.info() | {"INAM": table.name, "IPRD": self.title, "ISFT": SOFTWARE}
                write_wavetable(partial, np.stack(cycles), self.plan.sample_rate, info)
        progress(before + FRAMES, self.plan.renders)

    def _documents(self, out: Path) -> PackReport:
        counts = {"notes": 0, "left_out": 0, "kept": 0, "findings": 0}
        listed: list[str] = []

        def sounds() -> Iterator[dict[str, Any]]:
            for number, (item, name) in enumerate(zip(self.plan.items, self.names, strict=True)):
                record = self._read(number)
                faults = [(left["pitch"], left["reason"]) for left in record["left_out"]]
                kept = [(note["pitch"], note["fault"]) for note in record["notes"] if "fault" in note]
                counts["notes"] += len(record["notes"])
                counts["left_out"] += len(faults)
                counts["kept"] += len(kept)
                found = record.get("check", [])
                counts["findings"] += len(found)
                listed.extend(f"{name}, key {pitch}: {reason}" for pitch, reason in faults + kept)
                listed.extend(found)
                if "rerolled" in record:
                    listed.append(f"{name}: another sound nearby took the place of one that was no good")
                for note in record["notes"]:
                    note.pop("fingerprint", None)
                yield {"name": name, "title": item.name} | record

        save_manifest(self.pack / "manifest.json", self.plan, self.card, self.tables, sounds())
        self.plan.save(self.pack / "plan.json")
        more = [f"and {len(listed) - LISTED} more"] if len(listed) > LISTED else []
        save_text(
            self.pack / "README.txt", readme(self.title, self.plan, self.card, counts["notes"], listed[:LISTED] + more)
        )
        save_text(self.pack / "LICENSE.txt", licence(self.card, self.plan.rights.of(self.card)))
        return PackReport(out, bytes=0, **counts)

    def _zip(self, report: PackReport) -> PackReport:
        """The pack's folder as a zip, made in the work folder and then moved; samples would hardly compress."""
        whole = self.work / "pack.zip"
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
            for path in sorted(self.pack.rglob("*")):
                if path.is_file() and not path.name.startswith("."):  # as are files left half-written by a kill
                    entry = zipfile.ZipInfo(
                        path.relative_to(self.pack.parent).as_posix()
                    )  # dated 1980, so that equal packs are equal files
                    entry.external_attr = 0o644 << 16
                    entry.file_size = path.stat().st_size  # decides whether 64-bit sizes are needed
                    with open(path, "rb") as file, archive.open(entry, "w") as target:
                        shutil.copyfileobj(file, target, 1 << 20)
        sync(whole)
        report = replace(report, bytes=whole.stat().st_size)
        told = {name: value for name, value in asdict(report).items() if name != "path"}
        save_text(self.work / MOVED, json.dumps(told))
        _move(whole, report.path)
        return report
