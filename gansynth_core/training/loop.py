"""The training loop: batches in, snapshots (for players) and a state (for going on) out.

A run folder holds config.json, log.csv, state.pt (everything needed to resume) and snapshot-<notes>/ folders, each a
model that plays: copy one into a models folder to use it. To resume, give the same command again.
"""

import csv
import dataclasses
import hashlib
import json
import math
import os
import pickle
import queue
import signal
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from gansynth_core.cards import ModelCard
from gansynth_core.errors import DataError, GanSynthError, InputError
from gansynth_core.files import replacing
from gansynth_core.generators import build_generator
from gansynth_core.generators.encoder import StudioEncoder
from gansynth_core.synth import choose_device
from gansynth_core.training.config import TrainConfig
from gansynth_core.training.dataset import NoteSet, batches
from gansynth_core.training.snapshot import write_snapshot
from gansynth_core.training.warm_start import WarmStart, judged_frames

LOG_EVERY = 50  # steps


def hyperparameters(config: TrainConfig) -> dict:
    """The generator's hyperparameters as its card keeps them."""
    return {"channels": config.channels, "features": config.features, "bands": config.bands}


def build(config: TrainConfig, data: NoteSet) -> WarmStart:
    """Untrained networks for `data`, initialised from the config's seed."""
    torch.manual_seed(config.seed)
    count = len(data.instruments)
    generator = build_generator(config.family, data.spec, count, config.latent_size, hyperparameters(config))
    return WarmStart(generator, StudioEncoder(data.spec, count, config.latent_size), config)


def train(
    config: TrainConfig, data: NoteSet, out: str | os.PathLike, device: str = "auto", steps: int | None = None
) -> Path | None:
    """Train until `config.notes` notes are seen, from `out`'s state if it has one; returns the folder of the last
    snapshot written, or None if none was.

    steps: stop after so many further steps, with the state saved (None: go to the end). Ctrl-C ends the step under way,
    saves the state, and then raises KeyboardInterrupt.
    Raises DataError for a set that cannot be learned from, or is not the one that `out` was trained on, and
    GanSynthError if the loss stops being a number; the last good state is kept.
    """
    if steps is not None and steps < 1:
        raise InputError(f"Training goes on for 1 step or more, not {steps}.")
    out = Path(out)
    device = choose_device(device)
    indices = _training_indices(data, config)
    torch.set_flush_denormal(True)
    model = build(config, data).to(device)
    average = build(config, data).to(device).requires_grad_(False)
    optimizer = torch.optim.Adam(model.parameters(), lr=config.learning_rate, betas=(0.9, 0.99), fused=True)
    learned_from = fingerprint(data)
    seen, step, seconds = _resume(out, model, average, optimizer, learned_from, device)
    with replacing(out / "config.json") as partial:
        partial.write_text(json.dumps(dataclasses.asdict(config), indent=1))
    _forget_log_after(out / "log.csv", seen)
    began, saved_at = time.monotonic() - seconds, time.monotonic()
    # A run ends with a whole batch; `last` is the step that reaches config.notes.
    remaining = max(0, math.ceil((config.notes - seen) / config.batch))
    last = step + (remaining if steps is None else min(remaining, steps))

    def save_state() -> None:
        state = {
            "model": model.state_dict(),
            "average": average.state_dict(),
            "optimizer": optimizer.state_dict(),
            "seen": seen,
            "step": step,
            "seconds": time.monotonic() - began,
            "data": learned_from,
        }
        with replacing(out / "state.pt") as partial:
            try:
                torch.save(state, partial)
            except RuntimeError as cause:  # what torch makes of a full disk
                raise GanSynthError(f"Cannot write '{out / 'state.pt'}': {_first_line(cause)}.") from cause

    def save_snapshot() -> Path:
        folder = out / f"snapshot-{seen:09d}"
        facts = {"stage": "warm start", "notes_seen": seen, "steps": step, "batch": config.batch}
        facts |= {"hours": round((time.monotonic() - began) / 3600, 2), "device": device}
        facts |= {"distinct_notes": len(indices)}
        write_snapshot(folder, snapshot_card(config, data, facts), average.generator, average.encoder, data)
        return folder

    if remaining == 0:
        return save_snapshot()
    snapshot = None
    sums: dict[str, float] = {}
    with (
        _interruptible() as interrupted,
        tqdm(total=config.notes, initial=seen, unit="note", desc="Training", smoothing=0.05) as bar,
        open(out / "log.csv", "a", newline="", encoding="utf-8") as log_file,
    ):
        log = csv.writer(log_file)
        for batch in _Prefetch(_load(data, indices, config, step, last)):
            for group in optimizer.param_groups:
                group["lr"] = learning_rate(config, seen)
            stored, pitch, instrument, frames, draw = (tensor.to(device, non_blocking=True) for tensor in batch)
            with torch.autocast(device, torch.bfloat16, enabled=config.precision == "bf16"):
                loss, parts = model(stored, pitch, instrument, frames, draw)
            optimizer.zero_grad(set_to_none=True)
            loss.backward()
            norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            if not (torch.isfinite(loss) and torch.isfinite(norm)):
                raise GanSynthError(
                    f"Training stopped at note {seen}: the loss is no longer a number. '{out / 'state.pt'}' holds the "
                    "last good state; a lower learning_rate may help."
                )
            optimizer.step()
            step, seen = step + 1, seen + config.batch
            decay = 0.5 ** (config.batch / min(config.ema_notes, 0.1 * seen + config.batch))
            with torch.no_grad():
                torch._foreach_lerp_(list(average.parameters()), list(model.parameters()), 1 - decay)

            for name, value in {"steps": 1, "loss": loss.detach(), **parts}.items():
                sums[name] = sums.get(name, 0.0) + float(value)
            bar.update(config.batch)
            if step % LOG_EVERY == 0 or step == last:
                count = sums.pop("steps")
                means = {name: value / count for name, value in sums.items()}
                sums.clear()
                bar.set_postfix({name: f"{value:.3g}" for name, value in means.items()})
                if log_file.tell() == 0:
                    log.writerow(["notes", "seconds", *means])
                log.writerow([seen, f"{time.monotonic() - began:.0f}", *(f"{value:.5g}" for value in means.values())])
                log_file.flush()
            crossed = seen // config.snapshot_notes != (seen - config.batch) // config.snapshot_notes
            if crossed or (step == last and seen >= config.notes):
                snapshot = save_snapshot()
            if step == last or interrupted() or time.monotonic() - saved_at > 60 * config.checkpoint_minutes:
                save_state()
                saved_at = time.monotonic()
            if interrupted():
                raise KeyboardInterrupt
    return snapshot


def describe(config: TrainConfig, data: NoteSet, out: str | os.PathLike, device: str) -> str:
    """What `train` would do with these arguments, in words for a person. Raises DataError as `train`."""
    indices = _training_indices(data, config)
    model = build(config, data)
    millions = sum(parameter.numel() for parameter in model.generator.parameters()) / 1e6
    state = Path(out) / "state.pt"
    return (
        f"Would train {millions:.1f} million generator weights on {len(indices)} notes of {len(data.instruments)} "
        f"instruments ({len(data.held_out())} held out), {math.ceil(config.notes / config.batch)} steps of "
        f"{config.batch} notes on {choose_device(device)}, "
        + (f"going on from {state}." if state.exists() else f"from nothing, into {out}.")
    )


def learning_rate(config: TrainConfig, seen: int) -> float:
    """Linear warm-up, constant, then linearly to zero over the last `decay_share` of the run."""
    warmup = min(1.0, (seen + config.batch) / max(1, config.warmup_notes))
    decay = (config.notes - seen) / max(1.0, config.decay_share * config.notes)
    return config.learning_rate * min(warmup, max(0.01, min(1.0, decay)))


def snapshot_card(config: TrainConfig, data: NoteSet, facts: dict) -> ModelCard:
    """The card of a model trained on `data`; `facts` go into its `training`."""
    pitches = data.notes["pitch"]
    licences = {source["name"]: source["licence"] for source in data.sources}
    return ModelCard(
        id=config.model,
        title=config.model.replace("_", " ").title(),
        family=config.family,
        latent_size=config.latent_size,
        pitch_low=int(pitches.min()),
        pitch_high=int(pitches.max()),
        instruments=data.instruments,
        specgram=data.spec,
        generator=hyperparameters(config),
        licence="Apache-2.0",
        provenance="Trained on "
        + ", ".join(f"{name} (licence: {licence})" for name, licence in licences.items())
        + ".",
        training=facts,
    )


def _training_indices(data: NoteSet, config: TrainConfig) -> np.ndarray:
    indices = data.training()
    if len(indices) < config.batch:
        raise DataError(
            f"'{data.folder}' has {len(indices)} notes to train on; that is less than one batch of {config.batch}."
        )
    return indices


def fingerprint(data: NoteSet) -> str:
    """A hash of what is in a set: a run that goes on with other notes would be neither one thing nor the other."""
    digest = hashlib.sha256(repr((data.instruments, data.spec)).encode())
    digest.update(data.notes.tobytes())
    digest.update(data.rows.tobytes())
    return digest.hexdigest()


@contextmanager
def _interruptible() -> Iterator[Callable[[], bool]]:
    """Within the block Ctrl-C only makes the yielded function answer True: a step is never cut in two."""
    pressed = threading.Event()
    if threading.current_thread() is not threading.main_thread():  # signals are the main thread's
        yield pressed.is_set
        return
    before = signal.signal(signal.SIGINT, lambda *_: pressed.set())
    try:
        yield pressed.is_set
    finally:
        signal.signal(signal.SIGINT, before)


def _forget_log_after(path: Path, seen: int) -> None:
    """Drop the log's rows behind note `seen`: those steps were lost with the state and come again."""
    if path.exists():
        head, *rows = path.read_text(encoding="utf-8").splitlines(keepends=True) or [""]
        with replacing(path) as partial:
            partial.write_text(head + "".join(row for row in rows if int(row.split(",")[0]) <= seen), encoding="utf-8")


def _first_line(error: BaseException) -> str:
    return str(error).strip().partition("\n")[0].rstrip(".:")


def _resume(out: Path, model, average, optimizer, learned_from: str, device: str) -> tuple[int, int, float]:
    path = out / "state.pt"
    if not path.exists():
        return 0, 0, 0.0
    try:
        state = torch.load(path, map_location=device, weights_only=True)
    except (RuntimeError, EOFError, pickle.UnpicklingError) as cause:
        raise DataError(f"'{path}' is damaged; delete it to start anew from nothing.") from cause
    if state["data"] != learned_from:
        raise DataError(f"'{out}' was trained on another set than '--data'; choose another --out.")
    try:
        model.load_state_dict(state["model"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
    except (RuntimeError, KeyError, ValueError) as cause:
        raise DataError(f"'{path}' is of a network of another size; choose another --out.") from cause
    return state["seen"], state["step"], state["seconds"]


def _load(
    data: NoteSet, indices: np.ndarray, config: TrainConfig, first: int, last: int
) -> Iterator[tuple[Tensor, ...]]:
    """The batches of steps `first` .. `last`; each depends on its number alone, so that resuming changes nothing."""
    order = batches(indices, config.batch, config.seed, start=first)
    for step in range(first, last):
        chosen = next(order)
        notes = data.notes[chosen]
        generator = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
        yield (
            torch.from_numpy(data.stored(chosen)),
            torch.from_numpy(notes["pitch"].astype(np.float32)),
            torch.from_numpy(notes["instrument"].astype(np.int64)),
            torch.from_numpy(judged_frames(data.spec.frames, config.judged_frames, config.seed, step)),
            torch.randn(config.batch, config.latent_size, generator=generator),
        )


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
