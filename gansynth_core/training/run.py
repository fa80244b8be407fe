"""The folder of a training run: its state, its log and its snapshots."""

import csv
import hashlib
import json
import math
import os
import pickle
import time
import zipfile
import zlib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple, TextIO

import torch
from torch import Tensor

from gansynth_core.errors import DataError, GanSynthError
from gansynth_core.files import replacing
from gansynth_core.training.config import TrainConfig
from gansynth_core.training.data.dataset import NoteSet, identity
from gansynth_core.training.graphs import each
from gansynth_core.training.objectives import Objective
from gansynth_core.training.parallel import Processes


class Run:
    """One run: its folder, how far it is, and what it writes there."""

    def __init__(
        self, config: TrainConfig, data: NoteSet, objective: Objective[Any], mine: Processes, out: Path, distinct: int
    ) -> None:
        """distinct: how many notes there are to learn from."""
        self.config, self.data, self.objective, self.mine, self.out = config, data, objective, mine, out
        self._learned_from, self._distinct = fingerprint(data), distinct
        self.seen, self.step = 0, 0
        self._began = self._saved_at = time.monotonic()

    def begin(self, start_from: str | os.PathLike[str] | None) -> None:
        """Resume from the folder's state, or begin."""
        self.seen, self.step, seconds = begin(self.out, self.objective, self._learned_from, start_from)
        if self.mine.first:
            with replacing(self.out / "config.json") as partial:
                partial.write_text(json.dumps(self.config.to_json(), indent=1), encoding="utf-8")
            _forget_log_after(self.out / "log.csv", self.seen)
        self._saved_at = time.monotonic()
        self._began = self._saved_at - seconds

    @property
    def seconds(self) -> float:
        """How long the run has trained, before a resumption too."""
        return time.monotonic() - self._began

    @property
    def remaining(self) -> int:
        """Steps to the end. A run ends with a whole batch, the one that reaches config.notes."""
        return max(0, math.ceil((self.config.notes - self.seen) / self.config.batch))

    def advance(self, batch: NamedTuple) -> dict[str, Tensor | float]:
        """One step, on a `batch` of the objective's; returns what the log keeps of it."""
        there = each(batch, lambda tensor: tensor.to(self.mine.device, non_blocking=True))
        parts = self.objective.step(there, self.seen)
        self.step, self.seen = self.step + 1, self.seen + self.config.batch
        return parts

    def crossed(self) -> bool:
        """Whether the last step reached a multiple of config.snapshot_notes."""
        every = self.config.snapshot_notes
        return self.seen // every != (self.seen - self.config.batch) // every

    def is_state_due(self) -> bool:
        """Whether the last saved state is config.checkpoint_minutes old."""
        return time.monotonic() - self._saved_at > 60 * self.config.checkpoint_minutes

    def save_state(self) -> None:
        """Write state.pt."""
        facts = {"seen": self.seen, "step": self.step, "seconds": self.seconds, "data": self._learned_from}
        path = self.out / "state.pt"
        with replacing(path) as partial:
            try:
                torch.save(self.objective.state() | facts, partial)
            except RuntimeError as cause:  # what torch makes of a full disk
                raise GanSynthError(f"Cannot write '{path}': {_first_line(cause)}.") from cause
        self._saved_at = time.monotonic()

    def save_snapshot(self) -> Path:
        """Write a model that plays; returns its folder."""
        folder = self.out / f"snapshot-{self.seen:09d}"
        facts = {
            "notes_seen": self.seen,
            "steps": self.step,
            "batch": self.config.batch,
            "hours": round(self.seconds / 3600, 2),
            "device": self.mine.device,
            "processes": self.mine.count,
            "distinct_notes": self._distinct,
        }
        self.objective.write_snapshot(folder, self.seen, facts)
        return folder

    def check(self, numbers: Sequence[float]) -> None:
        """Raise GanSynthError if one of these is not finite."""
        if not all(map(math.isfinite, numbers)):
            raise GanSynthError(
                f"Training stopped at note {self.seen}: the loss is no longer a number. '{self.out / 'state.pt'}' "
                "holds the last good state; a lower learning_rate may help."
            )


class Log:
    """log.csv: a line for every LOG_EVERY steps with their means. A GPU's numbers stay there until they are written."""

    def __init__(self, file: TextIO) -> None:
        self._file, self._writer = file, csv.writer(file)
        self._sums: dict[str, Tensor | float] = {}
        self._steps = 0

    def add(self, parts: Mapping[str, Tensor | float]) -> None:
        """Take in one step."""
        self._steps += 1
        for name, value in parts.items():
            self._sums[name] = self._sums.get(name, 0.0) + value

    def sums(self) -> list[Tensor | float]:
        """Over all steps since the last line."""
        return list(self._sums.values())

    def write(self, seen: int, seconds: float, totals: Sequence[float]) -> dict[str, float]:
        """Write a line; totals: `sums()` as plain numbers. Returns the means by name."""
        means = {name: total / self._steps for name, total in zip(self._sums, totals, strict=True)}
        self._sums.clear()
        self._steps = 0
        if self._file.tell() == 0:
            self._writer.writerow(["notes", "seconds", *means])
        self._writer.writerow([seen, f"{seconds:.0f}", *(f"{value:.5g}" for value in means.values())])
        self._file.flush()
        return means


def begin(
    out: Path, objective: Objective[Any], learned_from: str, start_from: str | os.PathLike[str] | None
) -> tuple[int, int, float]:
    """Bring the objective to where `out` left off, or to its beginning; returns notes and steps seen, and seconds.

    The state is read into the CPU's memory, whatever device it was saved on; `restore` copies what it needs to its own.
    """
    path = out / "state.pt"
    if not path.exists():
        objective.begin(None if start_from is None else Path(start_from))
        return 0, 0, 0.0
    try:
        with zipfile.ZipFile(path) as archive:  # torch itself does not look at the checksums
            if archive.testzip() is not None:
                raise EOFError("a checksum differs")
        state = torch.load(path, map_location="cpu", weights_only=True)
        told = {name: state[name] for name in ("data", "seen", "step", "seconds")}
    except (OSError, RuntimeError, EOFError, pickle.UnpicklingError, zipfile.BadZipFile, zlib.error) as cause:
        raise DataError(f"'{path}' is damaged. Delete it to start from scratch.") from cause
    except (KeyError, TypeError, IndexError, ValueError) as cause:
        raise DataError(f"'{path}' is not the state of a training run. Choose another --out.") from cause
    if told["data"] != learned_from:
        raise DataError(f"'{out}' was trained on another set than '--data'. Choose another --out.")
    try:
        objective.restore(state)
    except (RuntimeError, KeyError, ValueError) as cause:
        raise DataError(f"'{path}' is of another network or another size. Choose another --out.") from cause
    return told["seen"], told["step"], told["seconds"]


def fingerprint(data: NoteSet) -> str:
    """A hash of what is in a set, so that a run never resumes on other notes."""
    digest = hashlib.sha256(repr((data.instruments, data.spec)).encode())
    digest.update(identity(data.notes))
    digest.update(data.rows.tobytes())
    return digest.hexdigest()


def _forget_log_after(path: Path, seen: int) -> None:
    """Drop the log's rows behind note `seen`: those steps were lost with the state and come again."""
    if path.exists():
        head, *rows = path.read_text(encoding="utf-8").splitlines(keepends=True) or [""]
        with replacing(path) as partial:
            partial.write_text(head + "".join(row for row in rows if int(row.split(",")[0]) <= seen), encoding="utf-8")


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".:")
