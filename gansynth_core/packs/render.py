"""Making a pack: render, judge, level, write, zip. A stop at any moment leaves no half zip and keeps what is done."""

import base64
import contextlib
import json
import os
import shutil
import zipfile
from collections import deque
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gansynth_core.cards import ModelCard
from gansynth_core.errors import AudioError, InputError
from gansynth_core.files import replacing
from gansynth_core.packs import gates
from gansynth_core.packs.decentsampler import dspreset
from gansynth_core.packs.manifest import SOFTWARE, licence, readme, save_manifest
from gansynth_core.packs.naming import note_name, safe_name, unique_names
from gansynth_core.packs.plan import PackPlan
from gansynth_core.packs.sfz import sfz
from gansynth_core.packs.wav import write_wav
from gansynth_core.packs.zones import Zone, key_ranges
from gansynth_core.sound import fade_out
from gansynth_core.synth import BATCH, Synth

try:
    import fcntl
except ImportError:  # Windows: two exports to one name are then told apart by the work folder alone
    fcntl = None

PEAK = 10 ** (-1 / 20)  # -1 dBFS
SOUNDS_AHEAD = 2  # rendered while one is being written
LISTED = 20  # faults named in README.txt; all are in the manifest
Progress = Callable[[int, int], object]


@dataclass(frozen=True)
class PackReport:
    """path: the zip. notes: how many it holds. bytes: its size. left_out: notes that failed a gate and are not in it.
    kept: notes that failed one and are in it, as asked for."""

    path: Path
    notes: int
    bytes: int
    left_out: int
    kept: int


def write_pack(
    plan: PackPlan,
    synth: Synth,
    out: str | os.PathLike,
    *,
    resume: bool = False,
    progress: Progress | None = None,
) -> PackReport:
    """Render `plan` with `synth` and write the zip `out`.

    Memory is bounded by the plan and two sounds, not by the size of the pack. The synth is asked for an octave at a
    time, so that others can play in between. While it runs, everything lies in `OUT.work` beside `out`; an export that
    was stopped goes on from there with `resume`, and ends in the same zip as one that was not.
    progress: called with notes done and notes in all; an exception raised in it stops the export.
    Raises InputError for a plan the synth cannot render, a taken or wrong name, or another plan's work folder, and
    AudioError when the disk is full (the work folder stays).
    """
    out = Path(out)
    if out.suffix.lower() != ".zip":
        raise InputError(f"'{out.name}' does not end in .zip, which a pack is.")
    plan.check(synth.card)
    try:
        with _work_folder(out, resume) as work:
            report = _Export(plan, synth, work).write(out, progress or (lambda done, total: None))
    except OSError as cause:
        raise AudioError(
            f"Cannot write the pack '{out}': {cause.strerror or cause}; what is done is kept, and 'resume' goes on."
        ) from cause
    shutil.rmtree(work, ignore_errors=True)
    return report


@contextlib.contextmanager
def _work_folder(out: Path, resume: bool) -> Iterator[Path]:
    """`OUT.work`, new or (with `resume`) as it was left, held against a second export to the same name."""
    if out.exists():
        raise InputError(f"'{out}' exists already: choose another name, or remove it first.")
    work = out.with_name(out.name + ".work")
    try:
        work.mkdir(parents=True, exist_ok=resume)
    except FileExistsError:
        raise InputError(
            f"An export to '{out}' was stopped or is under way: go on with 'resume', or remove '{work}' first."
        ) from None
    with open(work / "lock", "w") as lock:
        if fcntl is not None:
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                raise InputError(f"Another export to '{out}' is under way.") from None
        yield work


class _Export:
    """One export in its work folder: `sounds/00012.json` tells that sound 12 is whole, `pack/` is what gets zipped."""

    def __init__(self, plan: PackPlan, synth: Synth, work: Path) -> None:
        self.plan, self.synth, self.work = plan, synth, work
        self.card: ModelCard = synth.card
        self.names = unique_names((item.name for item in plan.items), plan.naming)
        self.several = len(plan.pitches) > 1
        self.title = safe_name(plan.name)
        self.pack = work / "pack" / self.title
        self.sounds = work / "sounds"
        self.heard = gates.Heard()

    def write(self, out: Path, progress: Progress) -> PackReport:
        self._begin()
        done = self._done()
        progress(done * len(self.plan.pitches), self.plan.notes)
        with ThreadPoolExecutor(1) as writer:  # writes in order, while the next sounds are being rendered
            waiting: deque[Future] = deque()
            for number, audio in self._rendered(done):
                waiting.append(writer.submit(self._finish, number, audio))
                last = number == len(self.plan.items) - 1
                while len(waiting) > (0 if last else SOUNDS_AHEAD):
                    waiting.popleft().result()
                    done += 1
                    progress(done * len(self.plan.pitches), self.plan.notes)
        report = self._documents(out)
        if not report.notes:
            shutil.rmtree(self.work)
            raise InputError(f"None of the {self.plan.notes} notes passed the quality gates, so there is no pack.")
        return self._zip(report)

    def _begin(self) -> None:
        """Note down what is being exported, or make sure that it is what was begun."""
        self.sounds.mkdir(exist_ok=True)
        self.pack.mkdir(parents=True, exist_ok=True)
        begun, now = self.work / "plan.json", self.work / "plan_now.json"
        self.plan.save(now)
        with open(now, "a", encoding="utf-8") as file:  # the same plan sounds otherwise with another model or decoder
            file.write(f"{self.card.sha256} {self.synth.griffin_lim_steps}\n")
        if begun.exists() and begun.read_bytes() != now.read_bytes():
            raise InputError(
                f"'{self.work}' was begun with another plan or model: finish that one, or remove the folder."
            )
        os.replace(now, begun)

    def _done(self) -> int:
        """How many sounds are whole, from the first on; their fingerprints are remembered."""
        for number in range(len(self.plan.items)):
            if not self._record(number).exists():
                return number
            for note in self._read(number)["notes"]:
                code = np.frombuffer(base64.b64decode(note["fingerprint"]), np.uint8)
                self.heard.add(self.names[number], note["pitch"], code.reshape(gates.PARTS, gates.BANDS))
        return len(self.plan.items)

    def _record(self, number: int) -> Path:
        return self.sounds / f"{number:05d}.json"

    def _read(self, number: int) -> dict:
        return json.loads(self._record(number).read_text(encoding="utf-8"))

    def _rendered(self, first: int) -> Iterator[tuple[int, np.ndarray]]:
        """(number, audio float32 [pitches, samples]) of every sound from `first` on, in full batches."""
        items, pitches = self.plan.items, self.plan.pitches
        start, end = first * len(pitches), self.plan.notes
        notes: list[np.ndarray] = []
        for place in range(start, end, BATCH):
            batch = range(place, min(place + BATCH, end))
            timbres = [items[place // len(pitches)].timbre for place in batch]
            clips = self.synth.render(timbres, [pitches[place % len(pitches)] for place in batch])
            for place, wave in zip(batch, clips.audio, strict=True):
                notes.append(wave)
                if len(notes) == len(pitches):
                    yield place // len(pitches), np.stack(notes)
                    notes = []

    def _finish(self, number: int, audio: np.ndarray) -> None:
        """Judge, level and write the notes of one sound, then its record: from there on it is whole."""
        item, name = self.plan.items[number], self.names[number]
        if self.plan.seconds is not None:
            audio = audio[:, : round(self.plan.seconds * self.card.specgram.sample_rate)]
        faults, prints = self._judge(audio)
        keep = [
            place
            for place, fault in enumerate(faults)
            if fault is None or (self.plan.rejects == "keep" and place in prints)
        ]
        waves = [self._shaped(audio[place]) for place in keep]
        roots = [self.plan.pitches[place] for place in keep]
        folder = self.pack / ("Multisamples" if self.several else "OneShots")
        inside = folder / name if self.several else folder
        inside.mkdir(parents=True, exist_ok=True)
        zones, notes = [], []
        ranges = key_ranges(roots) if roots else []
        for place, root, keys, wave, gain in zip(keep, roots, ranges, waves, self._gains(waves), strict=True):
            file = note_name(name, root, self.plan.naming, self.several) + ".wav"
            wave = wave * np.float32(gain)
            info = self._info(name, root)
            write_wav(inside / file, wave, self.plan.sample_rate, self.plan.subtype, root, keys, info, item.timbre)
            zones.append(Zone(file, root, *keys))
            note = {
                "file": (inside / file).relative_to(self.pack).as_posix(),
                "pitch": root,
                "low_key": keys[0],
                "high_key": keys[1],
                "seconds": round(len(wave) / self.plan.sample_rate, 4),
                "gain_db": round(20 * float(np.log10(gain)), 4),
                "fingerprint": base64.b64encode(prints[place].tobytes()).decode(),
            }
            notes.append(note | ({"fault": faults[place]} if faults[place] else {}))
            self.heard.add(name, root, prints[place])
        if self.several and zones:
            _save_text(folder / f"{name}.sfz", sfz(name, name, zones))
            _save_text(folder / f"{name}.dspreset", dspreset(name, zones))
        left_out = [
            {"pitch": self.plan.pitches[place], "reason": fault}
            for place, fault in enumerate(faults)
            if place not in keep
        ]
        _save_text(self._record(number), json.dumps({"notes": notes, "left_out": left_out}))

    def _judge(self, audio: np.ndarray) -> tuple[list[str | None], dict[int, np.ndarray]]:
        """Each note's fault or None, and the fingerprints of those that are numbers at all (the others are never kept).

        A sound that is there already is told by all its notes: an instrument is not torn apart for one of them.
        """
        rate = self.card.specgram.sample_rate
        faults = [gates.fault(wave, rate) for wave in audio]
        prints = {place: gates.fingerprint(wave, rate) for place, wave in enumerate(audio) if np.isfinite(wave).all()}
        good = [place for place, fault in enumerate(faults) if fault is None]
        twins = {place: self.heard.twin(self.plan.pitches[place], prints[place]) for place in good}
        if twins and all(twins.values()):
            for place, twin in twins.items():
                faults[place] = f"near-duplicate of {twin}"
        return faults, prints

    def _shaped(self, wave: np.ndarray) -> np.ndarray:
        """`wave` float32 [n] of the model at the pack's rate, without the silence at its end, faded out."""
        import soxr  # here, as it is no part of playing a note

        rate = self.card.specgram.sample_rate
        wave = wave[: max(gates.sounding(wave), 1)]
        if rate != self.plan.sample_rate:
            wave = soxr.resample(wave, rate, self.plan.sample_rate, quality="VHQ")
        return fade_out(wave, self.plan.sample_rate)

    def _gains(self, waves: list[np.ndarray]) -> list[float]:
        """What brings each of a sound's notes, or the loudest of them, to -1 dBFS; 1 for silence."""
        peaks = [float(np.abs(wave).max()) for wave in waves]
        if self.plan.level == "sound":
            peaks = [max(peaks)] * len(peaks) if peaks else []
        return [PEAK / peak if peak >= gates.SILENT_PEAK else 1.0 for peak in peaks]

    def _info(self, name: str, pitch: int) -> dict[str, str]:
        return {
            "INAM": f"{name} {pitch}",
            "IPRD": self.title,
            "ICOP": self.card.licence,
            "ISFT": SOFTWARE,
            "ICMT": f"model {self.card.id}, MIDI pitch {pitch}",
        }

    def _documents(self, out: Path) -> PackReport:
        counts = {"notes": 0, "left_out": 0, "kept": 0}
        listed: list[str] = []

        def sounds() -> Iterator[dict]:
            for number, (item, name) in enumerate(zip(self.plan.items, self.names, strict=True)):
                record = self._read(number)
                faults = [(left["pitch"], left["reason"]) for left in record["left_out"]]
                kept = [(note["pitch"], note["fault"]) for note in record["notes"] if "fault" in note]
                counts["notes"] += len(record["notes"])
                counts["left_out"] += len(faults)
                counts["kept"] += len(kept)
                listed.extend(f"{name}, key {pitch}: {reason}" for pitch, reason in faults + kept)
                for note in record["notes"]:
                    del note["fingerprint"]
                yield {"name": name, "title": item.name, "timbre": item.timbre.to_json()} | record

        save_manifest(self.pack / "manifest.json", self.plan, self.card, sounds())
        self.plan.save(self.pack / "plan.json")
        more = [f"and {len(listed) - LISTED} more"] if len(listed) > LISTED else []
        _save_text(
            self.pack / "README.txt", readme(self.title, self.plan, self.card, counts["notes"], listed[:LISTED] + more)
        )
        _save_text(self.pack / "LICENSE.txt", licence(self.card))
        return PackReport(out, counts["notes"], 0, counts["left_out"], counts["kept"])

    def _zip(self, report: PackReport) -> PackReport:
        """The pack's folder as a zip, made in the work folder and renamed to its place; samples would not shrink."""
        whole = self.work / "pack.zip"
        with zipfile.ZipFile(whole, "w", zipfile.ZIP_STORED) as archive:
            for path in sorted(self.pack.rglob("*")):
                if path.is_file():
                    entry = zipfile.ZipInfo(path.relative_to(self.pack.parent).as_posix())  # dated 1980: equal packs
                    entry.external_attr = 0o644 << 16
                    entry.file_size = path.stat().st_size  # tells whether it needs 64-bit sizes
                    with open(path, "rb") as file, archive.open(entry, "w") as target:
                        shutil.copyfileobj(file, target, 1 << 20)
        size = whole.stat().st_size
        os.replace(whole, report.path)
        return PackReport(report.path, report.notes, size, report.left_out, report.kept)


def _save_text(path: Path, text: str) -> None:
    with replacing(path, AudioError) as partial:
        partial.write_text(text, encoding="utf-8")
