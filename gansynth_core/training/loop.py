"""The training loop: batches in, snapshots (for players) and a state (to resume from) out. It knows the run's folder,
its log, and how a run is stopped and resumed; what is trained, and how, is up to the objective (objectives.py).

A run folder holds config.json, log.csv, state.pt (everything needed to resume) and snapshot-<notes>/ folders, each a
model that plays: copy one into a models folder to use it. To resume, give the same command again.
"""

import math
import os
import queue
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Generic, TypeVar

import torch
from tqdm import tqdm

from gansynth_core.errors import DataError, InputError
from gansynth_core.synth import choose_device
from gansynth_core.training.config import SPECS, TrainConfig
from gansynth_core.training.data.dataset import Indices, NoteSet, batches, mixed_batches
from gansynth_core.training.data.labels import doubts
from gansynth_core.training.objectives import OBJECTIVES
from gansynth_core.training.parallel import Processes, is_first, processes
from gansynth_core.training.run import Log, Run, begin, fingerprint

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
    torch.backends.cuda.matmul.allow_tf32 = torch.backends.cudnn.allow_tf32 = True  # what bf16 leaves out is small
    with _denormals_flushed(), processes(device) as mine:
        objective = OBJECTIVES[type(config)](config, data, mine)
        run = Run(config, data, objective, mine, Path(out), len(indices))
        run.begin(start_from)
        return _train(run, indices, steps)


@contextmanager
def _denormals_flushed() -> Iterator[None]:
    """Numbers next to zero count as zero, as they slow a CPU down; only while training, as others may need them."""
    flushed = bool((torch.tensor([1e-40]) * 1 == 0).item())
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(flushed)


def _train(run: Run, indices: Indices, steps: int | None) -> Path | None:
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
        log = Log(log_file)
        order = _order(run.data, config, indices, run.step)
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
                if crossed or (ends and run.seen >= config.notes):
                    snapshot = run.save_snapshot()
                if ends or stop or run.is_state_due():  # after the snapshot: a kill in between makes it again
                    run.save_state()
            if stop:
                raise KeyboardInterrupt
    return snapshot


def _order(data: NoteSet, config: TrainConfig, indices: Indices, step: int) -> Iterator[Indices]:
    """The batches from step number `step` on."""
    if 0 < (indices < data.first).sum() < len(indices):
        return mixed_batches(data, indices, config.batch, config.first_share, config.seed, step)
    return batches(indices, config.batch, config.seed, step)


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
    begin(Path(out), objective, fingerprint(data), start_from)
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
