"""The training loop: batches in, snapshots (for players) and a state (to resume from) out. It knows the run's folder,
its log, and how a run is stopped and resumed; what is trained, and how, is up to the objective (objectives.py).

A run folder holds config.json, log.csv, state.pt (everything needed to resume) and snapshot-<notes>/ folders, each a
model that plays: copy one into a models folder to use it. To resume, give the same command again.
"""

import csv
import hashlib
import json
import math
import os
import pickle
import queue
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Generic, NamedTuple, TextIO, TypeVar

import torch
from torch import Tensor
from tqdm import tqdm

from gansynth_core.errors import DataError, GanSynthError, InputError
from gansynth_core.files import replacing
from gansynth_core.synth import choose_device
from gansynth_core.training.config import SPECS, TrainConfig
from gansynth_core.training.data.dataset import Indices, NoteSet, batches, identity
from gansynth_core.training.data.labels import doubts
from gansynth_core.training.graphs import each
from gansynth_core.training.objectives import OBJECTIVES, Objective
from gansynth_core.training.parallel import Processes, is_first, processes

LOG_EVERY = 50  # steps
LOOK_EVERY = 10  # steps after which a GPU has to hand over its losses: it waits for nobody in between


def train(
    config: TrainConfig,
    data: NoteSet,
    out: str | os.PathLike[str],
    device: str = "auto",
    steps: int | None = None,
    start_from: str | os.PathLike[str] | None = None,
) -> Path | None:
    """Train until `config.notes` notes are seen, from `out`'s state if it has one; returns the folder of the last
    snapshot written, or None if none was.

    start_from: folder of a model to begin with; once `out` has a state, the run resumes from that.
    steps: stop after this many further steps, with the state saved (None: run to the end). Ctrl-C or a request to
    terminate ends the step under way, saves the state, and then raises KeyboardInterrupt. Started by torchrun, the
    processes share every batch, and the first writes all files.
    Raises DataError for a set that cannot be learned from, or is not the one that `out` was trained on, and
    GanSynthError if a loss stops being a number; the last good state is kept.
    """
    if steps is not None and steps < 1:
        raise InputError(f"Training takes 1 step or more, not {steps}.")
    indices = _training_indices(data, config)
    if is_first() and (doubt := doubts(data, indices)):
        print(doubt, file=sys.stderr, flush=True)
    torch.set_flush_denormal(True)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True  # what bf16 leaves out is small
    with processes(device) as mine:
        objective = OBJECTIVES[type(config)](config, data, mine)
        run = _Run(config, data, objective, mine, Path(out), len(indices))
        run.begin(start_from)
        return _train(run, indices, steps)


class _Run:
    """One run: its folder, how far it is, and what it writes there."""

    def __init__(
        self, config: TrainConfig, data: NoteSet, objective: Objective[Any], mine: Processes, out: Path, distinct: int
    ) -> None:
        """distinct: how many notes there are to learn from."""
        self.config, self.objective, self.mine, self.out = config, objective, mine, out
        self._learned_from, self._distinct = fingerprint(data), distinct
        self.seen, self.step = 0, 0
        self._began = self._saved_at = time.monotonic()

    def begin(self, start_from: str | os.PathLike[str] | None) -> None:
        """Resume from the folder's state, or begin."""
        self.seen, self.step, seconds = _begin(self.out, self.objective, self._learned_from, start_from)
        if self.mine.first:
            with replacing(self.out / "config.json") as partial:
                partial.write_text(json.dumps(self.config.to_json(), indent=1))
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


class _Log:
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


def _train(run: _Run, indices: Indices, steps: int | None) -> Path | None:
    """The loop itself, on the notes at `indices`, for up to `steps` steps (None: to the end)."""
    config, mine, remaining = run.config, run.mine, run.remaining
    if remaining == 0:
        return run.save_snapshot() if mine.first else None
    last = run.step + (remaining if steps is None else min(remaining, steps))
    look_every = LOOK_EVERY if mine.count == 1 and mine.device.startswith("cuda") else 1
    snapshot = None
    with (
        _interruptible() as interrupted,
        tqdm(
            total=config.notes, initial=run.seen, unit="note", desc="Training", smoothing=0.05, disable=not mine.first
        ) as bar,
        open(run.out / "log.csv" if mine.first else os.devnull, "a", newline="", encoding="utf-8") as log_file,
    ):
        log = _Log(log_file)
        order = batches(indices, config.batch, config.seed, start=run.step)
        for batch in _Prefetch(run.objective.load(number, next(order)) for number in range(run.step, last)):
            log.add(run.advance(batch))
            bar.update(config.batch)
            ends, crossed = run.step == last, run.crossed()
            if not (run.step % look_every == 0 or ends or crossed or interrupted()):
                continue
            *totals, stop = mine.mean([*log.sums(), float(interrupted())])  # all stop together
            run.check(totals)
            if run.step % LOG_EVERY == 0 or ends:
                means = log.write(run.seen, run.seconds, totals)
                bar.set_postfix({name: f"{value:.3g}" for name, value in means.items()})
            if mine.first:
                if ends or stop or run.is_state_due():
                    run.save_state()
                if crossed or (ends and run.seen >= config.notes):
                    snapshot = run.save_snapshot()
            if stop:
                raise KeyboardInterrupt
    return snapshot


def describe(
    config: TrainConfig,
    data: NoteSet,
    out: str | os.PathLike[str],
    device: str,
    start_from: str | os.PathLike[str] | None = None,
) -> str:
    """What `train` would do with these arguments, in words for a person. Raises what `train` raises."""
    indices, held_out = _training_indices(data, config), len(data.held_out(layers=config.learns_layers))
    objective = OBJECTIVES[type(config)](config, data, Processes())
    _begin(Path(out), objective, fingerprint(data), start_from)
    millions = objective.generator_weights() / 1e6
    state = Path(out) / "state.pt"
    return (
        f"Would train {millions:.1f} million generator weights on {len(indices)} notes of {len(data.instruments)} "
        f"instruments ({held_out} held out), {math.ceil(config.notes / config.batch)} steps of "
        f"{config.batch} notes on {choose_device(device)}, "
        + (f"going on from {state}." if state.exists() else f"from {start_from or 'scratch'}, into {out}.")
        + "".join(f"\n{doubt}" for doubt in [doubts(data, indices)] if doubt)
    )


def _training_indices(data: NoteSet, config: TrainConfig) -> Indices:
    if type(data.spec) is not type(SPECS[config.spec_name]):
        raise DataError(
            f"'{data.folder}' holds specgrams that models of the family '{config.family}' do not hear. Make a set for "
            f"them with: python -m gansynth_core data --spec {config.spec_name} --out FOLDER"
        )
    indices = data.training(layers=config.learns_layers)
    if len(indices) < config.batch:
        raise DataError(f"'{data.folder}' has {len(indices)} notes to train on, less than one batch of {config.batch}.")
    return indices


def fingerprint(data: NoteSet) -> str:
    """A hash of what is in a set, so that a run never resumes on other notes."""
    digest = hashlib.sha256(repr((data.instruments, data.spec)).encode())
    digest.update(identity(data.notes))
    digest.update(data.rows.tobytes())
    return digest.hexdigest()


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Within the block Ctrl-C and requests to terminate only make the yielded function answer True: a step is never cut
    in two."""
    pressed = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield pressed.is_set
        return
    asked = (signal.SIGINT, signal.SIGTERM)  # the second is torchrun's, and a cluster's
    before = [signal.signal(number, lambda *_: pressed.set()) for number in asked]
    try:
        yield pressed.is_set
    finally:
        for number, handler in zip(asked, before, strict=True):
            signal.signal(number, handler)


def _forget_log_after(path: Path, seen: int) -> None:
    """Drop the log's rows behind note `seen`: those steps were lost with the state and come again."""
    if path.exists():
        head, *rows = path.read_text(encoding="utf-8").splitlines(keepends=True) or [""]
        with replacing(path) as partial:
            partial.write_text(head + "".join(row for row in rows if int(row.split(",")[0]) <= seen), encoding="utf-8")


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".:")


def _begin(
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
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as cause:
        raise DataError(f"'{path}' is damaged. Delete it to start from scratch.") from cause
    if state["data"] != learned_from:
        raise DataError(f"'{out}' was trained on another set than '--data'. Choose another --out.")
    try:
        objective.restore(state)
    except (RuntimeError, KeyError, ValueError) as cause:
        raise DataError(f"'{path}' is of another network or another size. Choose another --out.") from cause
    return state["seen"], state["step"], state["seconds"]


Item = TypeVar("Item")


class _Prefetch(Generic[Item]):
    """Iterate over `source` with a thread that stays a few items ahead: the disk works while the network does."""

    def __init__(self, source: Iterator[Item]) -> None:
        self._source, self._stop = source, threading.Event()
        self._queue: queue.Queue[Item | BaseException | None] = queue.Queue(4)

    def __iter__(self) -> Iterator[Item]:
        threading.Thread(target=self._fill, daemon=True).start()
        try:
            while (item := self._queue.get()) is not None:
                if isinstance(item, BaseException):
                    raise item
                yield item
        finally:
            self._stop.set()

    def _fill(self) -> None:
        try:
            for item in self._source:
                if not self._put(item):
                    return
            self._put(None)
        except BaseException as error:  # handed to the training thread, which raises it
            self._put(error)

    def _put(self, item: Item | BaseException | None) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=0.2)
                return True
            except queue.Full:
                continue
        return False
