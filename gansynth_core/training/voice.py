"""The command `voice`: from soundfonts and synthesizers to a voice with more instruments at 48 kHz, as one command that
can be stopped anywhere and goes on where it was.

Its steps are the commands that docs/training.md explains, each with its own folder or file in --out:

    audition, choose     programs of synthesizers, and those that differ
    gm, new              notes of what the model knows and of what it shall learn; gm-wide, new-wide at 48 kHz
    learn                reconstruction from the model there is, with what it knows replayed
    textures             what wavers
    upper                the upper half. Last, because it reads the features that the stages before it move
    judge, report        a judge of all instruments, and the report
    sliders, map         what the page shows of a model
    pack                 voice/, the model, and pieces/, the same in files small enough to carry
"""

import argparse
import json
import os
import shutil
import signal
import subprocess
import sys
import tarfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gansynth_core.cards import load_card, model_folder
from gansynth_core.errors import DataError, GanSynthError, InputError, nearest
from gansynth_core.files import replacing
from gansynth_core.training.config import SPECS
from gansynth_core.training.data.dataset import note_bytes, readable_size

PIECE_BYTES = 15 * 2**20
STOPPED = 130  # exit status of a command that Ctrl-C stopped
GRACE_SECONDS = 120.0  # for a step to write its state
GM_INSTRUMENTS_OF_A_FONT, VELOCITIES = 128, 3
GM_NOTES_A_SECOND, NEW_NOTES_A_SECOND = 40.0, 8.0  # on one core


@dataclass(frozen=True)
class Scale:
    """How much of everything. programs: tried of each synthesizer; instruments: chosen; keys: of every instrument, and
    wide_keys those rendered at 48 kHz; variations: further copies of a key; then notes to train on, recipes, notes a
    second on the machine that the scale is for, and notes to measure by."""

    programs: int
    instruments: int
    keys: str
    wide_keys: str
    variations: int
    learn: tuple[str, int, float]
    textures: tuple[str, int, float]
    upper: tuple[str, int, float]
    judge_notes: int
    judge_epochs: int
    report_notes: int
    map_sounds: int


SCALES = {
    "rehearsal": Scale(
        6,
        4,
        "54-56",
        "54-55",
        0,
        ("studio", 48, 5.0),
        ("studio-textures", 48, 3.0),
        ("studio-48k", 48, 5.0),
        200,
        1,
        12,
        200,
    ),
    "cpu": Scale(
        200,
        256,
        "24-84",
        "48-60",
        1,
        ("studio", 1_000_000, 30.0),
        ("studio-textures", 60_000, 12.0),
        ("studio-48k", 60_000, 30.0),
        20_000,
        12,
        400,
        8_192,
    ),
    "gpu": Scale(
        400,
        256,
        "24-84",
        "48-60",
        1,
        ("studio-gpu", 8_000_000, 16_400.0),
        ("studio-textures-gpu", 1_000_000, 3_000.0),
        ("studio-48k", 1_000_000, 8_000.0),
        20_000,
        12,
        400,
        8_192,
    ),
}


@dataclass(frozen=True)
class Step:
    """A part of the way. command: what follows `gansynth`, asked for when the step begins; or work to do here. hours
    and size: about how long it takes, and bytes on disk."""

    name: str
    command: Callable[[], list[str]] | None
    work: Callable[[], None] | None = None
    hours: float = 0.0
    size: int = 0


class Voice:
    """The steps, and how far they are: done.json in `out` has the seconds that each finished one took."""

    def __init__(
        self,
        out: str | os.PathLike[str],
        model: str,
        scale: Scale,
        fonts: list[str],
        sources: list[str],
        *,
        workers: int,
        device: str,
    ) -> None:
        """model: id or folder of the one to begin with. fonts: soundfonts whose programs it knows; without any, the
        default of `data`. sources: synthesizers; without any, all that are installed."""
        self.out, self.model, self.scale = Path(out), str(model_folder(model)), scale
        self.fonts, self.sources, self.workers, self.device = fonts, sources, workers, device

    def steps(self) -> list[Step]:
        """All of them, in order."""
        scale, at = self.scale, self._at
        path = ["--path", *self.fonts] if self.fonts else []
        shared = ["--workers", str(self.workers)]
        source = ["--source", "gm", *self.sources] if self.sources else []
        audition = ["audition", *source, "--count", str(scale.programs), "--out", at("pool"), *shared]
        choose = ["choose", "--pool", at("pool"), "--count", str(scale.instruments), "--out", at("instruments.json")]
        chosen = ["data", "--source", "chosen", "--path", at("instruments.json")]
        steps = [
            Step("audition", lambda: audition, hours=scale.programs * 5 * 6 / 8.0 / self.workers / 3600),
            Step("choose", lambda: choose),
        ]
        wide = ["--spec", "studio-wide", "--variations", "0"]
        for suffix, keys, variations, options in (
            ("", scale.keys, scale.variations, ["--variations", str(scale.variations)]),
            ("-wide", scale.wide_keys, 0, wide),
        ):
            gm = ["data", *path, "--pitches", keys, *options, *shared, "--out", at(f"gm{suffix}")]
            new = [*chosen, "--pitches", keys, *options, *shared, "--out", at(f"new{suffix}")]
            known = GM_INSTRUMENTS_OF_A_FONT * max(1, len(self.fonts))
            for name, command, instruments, rate in (
                (f"gm{suffix}", gm, known, GM_NOTES_A_SECOND),
                (f"new{suffix}", new, scale.instruments, NEW_NOTES_A_SECOND),
            ):
                notes = instruments * _count(keys) * (VELOCITIES + variations)
                size = notes * note_bytes(SPECS["studio-wide" if suffix else "studio"])
                steps.append(Step(name, _same(command), hours=notes / rate / self.workers / 3600, size=size))
        steps += [
            self._training("learn", scale.learn, lambda: self.model, ""),
            self._training("textures", scale.textures, lambda: self.newest("learn"), ""),
            self._training("upper", scale.upper, lambda: self.newest("textures"), "-wide"),
        ]
        judge = ["judge", "--data", at("gm"), at("new"), "--out", at("judge.safetensors"), "--device", self.device]
        judge += ["--notes", str(scale.judge_notes), "--epochs", str(scale.judge_epochs)]
        report = ["evaluate", "--data", at("gm"), at("new"), "--judge", at("judge.safetensors"), "--into-card"]
        report += ["--out", at("report"), "--notes", str(scale.report_notes), "--device", self.device]
        sounds = ["--points", str(scale.map_sounds)]
        return [
            *steps,
            Step("judge", lambda: judge, hours=0.35),
            Step("report", lambda: [*report, "--model", self.newest("upper")], hours=0.15),
            Step("sliders", lambda: ["directions", "--model", self.newest("upper")], hours=0.1),
            Step("map", lambda: ["atlas", "--model", self.newest("upper"), *sounds], hours=0.1),
            Step("pack", None, self._pack),
        ]

    def _training(self, name: str, asked: tuple[str, int, float], start: Callable[[], str], suffix: str) -> Step:
        recipe, notes, rate = asked
        command = ["train", "--recipe", recipe, "--data", self._at(f"gm{suffix}"), self._at(f"new{suffix}")]
        command += ["--out", self._at(name), "--device", self.device]
        settings = ["--set", f"notes={notes}", f"snapshot_notes={notes}"]
        if name == "upper":
            settings.append("model=voice")
        return Step(name, lambda: [*command, "--start-from", start(), *settings], hours=notes / rate / 3600)

    def newest(self, step: str) -> str:
        """The last snapshot of a training step. Raises DataError if there is none."""
        found = sorted((self.out / step).glob("snapshot-*"))
        if not found:
            raise DataError(f"The step '{step}' has left no snapshot in '{self.out / step}'. Run it first.")
        return str(found[-1])

    def done(self) -> dict[str, float]:
        """Seconds that the finished steps took, by name."""
        path = self.out / "done.json"
        try:
            found: dict[str, float] = json.loads(path.read_text(encoding="utf-8")) if path.is_file() else {}
        except ValueError as cause:
            raise DataError(f"'{path}' is damaged: {cause}. Delete it; finished steps are found out soon.") from cause
        return found

    def run(self, only: list[str] | None = None, minutes: float | None = None) -> None:
        """Every step that is not done, or of these the ones in `only`. After `minutes` the step under way is stopped as
        by Ctrl-C, and so it is by Ctrl-C itself; the same call continues. Raises GanSynthError where a step fails."""
        deadline = None if minutes is None else time.monotonic() + 60 * minutes
        self.out.mkdir(parents=True, exist_ok=True)
        done = self.done()
        for step in self.steps():
            if step.name in done or (only and step.name not in only):
                continue
            began = time.monotonic()
            print(f"--- {step.name}", flush=True)
            if step.work is not None:
                step.work()
            if step.command is not None:
                self._call(step, deadline)
            done[step.name] = round(done.get(step.name, 0.0) + time.monotonic() - began, 1)
            with replacing(self.out / "done.json") as partial:
                partial.write_text(json.dumps(done, indent=1), encoding="utf-8")

    def _call(self, step: Step, deadline: float | None) -> None:
        """Run a step's command in a process of its own."""
        assert step.command is not None
        process = subprocess.Popen([sys.executable, "-m", "gansynth_core", *step.command()])
        try:
            code = process.wait(None if deadline is None else max(0.0, deadline - time.monotonic()))
        except (subprocess.TimeoutExpired, KeyboardInterrupt) as stop:
            if isinstance(stop, subprocess.TimeoutExpired):
                process.send_signal(signal.SIGINT)
            try:
                process.wait(GRACE_SECONDS)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
            print(f"Stopped in '{step.name}'. The same command continues there.", file=sys.stderr)
            raise SystemExit(STOPPED) from None
        if code == STOPPED:
            raise SystemExit(STOPPED)
        if code:
            raise GanSynthError(f"The step '{step.name}' failed, as it says above. The same command tries it again.")

    def _pack(self) -> None:
        """The model as a folder, and as a tar archive in pieces."""
        voice, pieces = self.out / "voice", self.out / "pieces"
        for folder in (voice, pieces):
            shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(self.newest("upper"), voice)
        pieces.mkdir()
        packed = self.out / "voice.tar"
        with tarfile.open(packed, "w") as archive:
            archive.add(voice, "voice")
        with open(packed, "rb") as file:
            for number, piece in enumerate(iter(lambda: file.read(PIECE_BYTES), b"")):
                (pieces / f"voice.tar.{number:02d}").write_bytes(piece)
        packed.unlink()
        card = load_card(voice)
        print(f"{len(card.instruments)} instruments at {card.specgram.sample_rate / 1000:g} kHz: '{voice}'")

    def _at(self, name: str) -> str:
        return str(self.out / name)


def _same(command: list[str]) -> Callable[[], list[str]]:
    return lambda: command


def _count(keys: str) -> int:
    low, _, high = keys.partition("-")
    return int(high) - int(low) + 1


# --- the command `voice` ------------------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.description = (
        "Everything from soundfonts and synthesizers to a voice with more instruments at 48 kHz. Stop it with Ctrl-C "
        "whenever you like; the same command continues."
    )
    parser.add_argument("--out", required=True, help="folder for all that is made on the way")
    parser.add_argument("--model", default="studio", help="the model to begin with, by its id or folder")
    parser.add_argument("--scale", choices=tuple(SCALES), default="cpu", help="how much of everything (default: cpu)")
    parser.add_argument("--fonts", nargs="+", default=[], help="General MIDI soundfonts (default: that of 'data')")
    parser.add_argument("--sources", nargs="+", default=[], help="synthesizers (default: all that are installed)")
    parser.add_argument("--only", metavar="A,B", help="only these steps")
    parser.add_argument("--minutes", type=float, help="stop after so many, to be continued")
    parser.add_argument("--workers", type=int, help="processes that render (default: one per core)")
    parser.add_argument("--device", default="auto", help="auto (default), cpu or cuda")
    parser.add_argument("--dry-run", action="store_true", help="print the commands, their hours and bytes")


def run(arguments: argparse.Namespace) -> None:
    """Make the voice that `arguments` ask for, or say what would be done."""
    if arguments.minutes is not None and not 0 < arguments.minutes < 1e6:
        raise InputError(f"--minutes must be a number above 0, not {arguments.minutes:g}.")
    workers = os.cpu_count() or 1 if arguments.workers is None else arguments.workers
    if workers < 1:
        raise InputError("--workers must be at least 1.")
    options: dict[str, Any] = {"workers": workers, "device": arguments.device}
    sources = [source for source in arguments.sources if source != "gm"]
    voice = Voice(arguments.out, arguments.model, SCALES[arguments.scale], arguments.fonts, sources, **options)
    steps = voice.steps()
    names = [step.name for step in steps]
    only = [name.strip() for name in arguments.only.split(",")] if arguments.only else None
    for name in only or ():
        if name not in names:
            raise InputError(f"There is no step '{name}'.{nearest(name, names)} Choose from {', '.join(names)}.")
    if not arguments.dry_run:
        voice.run(only, arguments.minutes)
        return
    done = voice.done()
    for step in steps:
        state = f"done in {done[step.name] / 3600:.2f} hours" if step.name in done else f"about {step.hours:.2f} hours"
        print(f"{step.name}: {state}" + (f", {readable_size(step.size)}" if step.size else ""))
    size = sum(step.size for step in steps if step.name not in done)
    hours = sum(step.hours for step in steps if step.name not in done)
    free = shutil.disk_usage(next(p for p in (voice.out.absolute(), *voice.out.absolute().parents) if p.exists())).free
    print(f"In all about {hours:.1f} hours and {readable_size(size)}; the disk has {readable_size(free)} free.")
    if size > free:
        raise DataError(f"'{voice.out}' needs {readable_size(size)} and the disk has {readable_size(free)} free.")
