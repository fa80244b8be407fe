"""The training loop: batches in, snapshots (for players) and a state (for going on) out. It knows the run's folder, its
log, how it is stopped and resumed; what is trained and how is the objective's (objectives.py).

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
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from gansynth_core.errors import DataError, GanSynthError, InputError
from gansynth_core.files import replacing
from gansynth_core.synth import choose_device
from gansynth_core.training.config import SPECS, TrainConfig
from gansynth_core.training.data.dataset import NoteSet, batches, identity
from gansynth_core.training.data.labels import doubts
from gansynth_core.training.objectives import OBJECTIVES, Objective
from gansynth_core.training.parallel import Processes, is_first, processes

LOG_EVERY = 50  # steps
LOOK_EVERY = 10  # steps after which a GPU has to hand over its losses: it waits for nobody in between


def train(
    config: TrainConfig,
    data: NoteSet,
    out: str | os.PathLike,
    device: str = "auto",
    steps: int | None = None,
    start_from: str | os.PathLike | None = None,
) -> Path | None:
    """Train until `config.notes` notes are seen, from `out`'s state if it has one; returns the folder of the last
    snapshot written, or None if none was.

    start_from: folder of a model to begin with; once `out` has a state, the run goes on from that.
    steps: stop after so many further steps, with the state saved (None: go to the end). Ctrl-C or a request to
    terminate ends the step under way, saves the state, and then raises KeyboardInterrupt. Started by torchrun, the
    processes share every batch, and the first writes all files.
    Raises DataError for a set that cannot be learned from, or is not the one that `out` was trained on, and
    GanSynthError if a loss stops being a number; the last good state is kept.
    """
    if steps is not None and steps < 1:
        raise InputError(f"Training goes on for 1 step or more, not {steps}.")
    indices = _training_indices(data, config)
    if is_first() and (doubt := doubts(data, indices)):
        print(doubt, file=sys.stderr, flush=True)
    torch.set_flush_denormal(True)
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True  # what bf16 leaves out is small
    with processes(device) as mine:
        objective = OBJECTIVES[type(config)](config, data, mine)
        return _train(config, data, indices, objective, mine, Path(out), steps, start_from)


def _train(
    config: TrainConfig,
    data: NoteSet,
    indices: np.ndarray,
    objective: Objective,
    mine: Processes,
    out: Path,
    steps: int | None,
    start_from: str | os.PathLike | None,
) -> Path | None:
    learned_from = fingerprint(data)
    seen, step, seconds = _begin(out, objective, learned_from, start_from)
    if mine.first:
        with replacing(out / "config.json") as partial:
            partial.write_text(json.dumps(config.to_json(), indent=1))
        _forget_log_after(out / "log.csv", seen)
    began, saved_at = time.monotonic() - seconds, time.monotonic()
    # A run ends with a whole batch; `last` is the step that reaches config.notes.
    remaining = max(0, math.ceil((config.notes - seen) / config.batch))
    last = step + (remaining if steps is None else min(remaining, steps))

    def save_state() -> None:
        facts = {"seen": seen, "step": step, "seconds": time.monotonic() - began, "data": learned_from}
        with replacing(out / "state.pt") as partial:
            try:
                torch.save(objective.state() | facts, partial)
            except RuntimeError as cause:  # what torch makes of a full disk
                raise GanSynthError(f"Cannot write '{out / 'state.pt'}': {_first_line(cause)}.") from cause

    def save_snapshot() -> Path:
        folder = out / f"snapshot-{seen:09d}"
        facts = {"notes_seen": seen, "steps": step, "batch": config.batch}
        facts |= {"hours": round((time.monotonic() - began) / 3600, 2), "device": mine.device}
        facts |= {"processes": mine.count, "distinct_notes": len(indices)}
        objective.write_snapshot(folder, seen, facts)
        return folder

    if remaining == 0:
        return save_snapshot() if mine.first else None
    snapshot = None
    sums: dict[str, Tensor | float] = {}  # since the last line of the log; a GPU's numbers stay there
    unlogged = 0
    look_every = LOOK_EVERY if mine.count == 1 and mine.device.startswith("cuda") else 1
    with (
        _interruptible() as interrupted,
        tqdm(
            total=config.notes, initial=seen, unit="note", desc="Training", smoothing=0.05, disable=not mine.first
        ) as bar,
        open(out / "log.csv" if mine.first else os.devnull, "a", newline="", encoding="utf-8") as log_file,
    ):
        log = csv.writer(log_file)
        order = batches(indices, config.batch, config.seed, start=step)
        for batch in _Prefetch(objective.load(number, next(order)) for number in range(step, last)):
            parts = objective.step(tuple(tensor.to(mine.device, non_blocking=True) for tensor in batch), seen)
            step, seen = step + 1, seen + config.batch
            bar.update(config.batch)
            unlogged += 1
            for name, value in parts.items():
                sums[name] = sums.get(name, 0.0) + value
            crossed = seen // config.snapshot_notes != (seen - config.batch) // config.snapshot_notes
            if not (step % look_every == 0 or step == last or crossed or interrupted()):
                continue
            *totals, stop = mine.mean([*sums.values(), float(interrupted())])  # all stop together
            if not all(map(math.isfinite, totals)):
                raise GanSynthError(
                    f"Training stopped at note {seen}: the loss is no longer a number. '{out / 'state.pt'}' holds the "
                    "last good state; a lower learning_rate may help."
                )
            if step % LOG_EVERY == 0 or step == last:
                means = {name: total / unlogged for name, total in zip(sums, totals, strict=True)}
                sums.clear()
                unlogged = 0
                bar.set_postfix({name: f"{value:.3g}" for name, value in means.items()})
                if log_file.tell() == 0:
                    log.writerow(["notes", "seconds", *means])
                log.writerow([seen, f"{time.monotonic() - began:.0f}", *(f"{value:.5g}" for value in means.values())])
                log_file.flush()
            if mine.first:
                if step == last or stop or time.monotonic() - saved_at > 60 * config.checkpoint_minutes:
                    save_state()
                    saved_at = time.monotonic()
                if crossed or (step == last and seen >= config.notes):
                    snapshot = save_snapshot()
            if stop:
                raise KeyboardInterrupt
    return snapshot


def describe(
    config: TrainConfig,
    data: NoteSet,
    out: str | os.PathLike,
    device: str,
    start_from: str | os.PathLike | None = None,
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
        + (f"going on from {state}." if state.exists() else f"from {start_from or 'nothing'}, into {out}.")
        + "".join(f"\n{doubt}" for doubt in [doubts(data, indices)] if doubt)
    )


def _training_indices(data: NoteSet, config: TrainConfig) -> np.ndarray:
    if type(data.spec) is not type(SPECS[config.spec_name]):
        raise DataError(
            f"'{data.folder}' holds specgrams that models of the family '{config.family}' do not hear. Make a set for "
            f"them with: python -m gansynth_core data --spec {config.spec_name} --out FOLDER"
        )
    indices = data.training(layers=config.learns_layers)
    if len(indices) < config.batch:
        raise DataError(
            f"'{data.folder}' has {len(indices)} notes to train on; that is less than one batch of {config.batch}."
        )
    return indices


def fingerprint(data: NoteSet) -> str:
    """A hash of what is in a set: a run that goes on with other notes would be neither one thing nor the other."""
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
    out: Path, objective: Objective, learned_from: str, start_from: str | os.PathLike | None
) -> tuple[int, int, float]:
    """Bring the objective to where `out` left off, or to its beginning; returns notes and steps seen, and seconds.

    The state is read into the CPU's memory, whatever device it was saved on: `restore` copies what it needs to its own.
    """
    path = out / "state.pt"
    if not path.exists():
        objective.begin(None if start_from is None else Path(start_from))
        return 0, 0, 0.0
    try:
        state = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as cause:
        raise DataError(f"'{path}' is damaged; delete it to start anew from nothing.") from cause
    if state["data"] != learned_from:
        raise DataError(f"'{out}' was trained on another set than '--data'; choose another --out.")
    try:
        objective.restore(state)
    except (RuntimeError, KeyError, ValueError) as cause:
        raise DataError(f"'{path}' is of another network or another size; choose another --out.") from cause
    return state["seen"], state["step"], state["seconds"]


class _Prefetch:
    """Iterate over `source` with a thread that stays a few items ahead: the disk works while the network does."""

    def __init__(self, source: Iterator) -> None:
        self._source, self._queue, self._stop = source, queue.Queue(4), threading.Event()

    def __iter__(self) -> Iterator:
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

    def _put(self, item: object) -> bool:
        while not self._stop.is_set():
            try:
                self._queue.put(item, timeout=0.2)
                return True
            except queue.Full:
                continue
        return False
