"""Renderers in processes of their own (`--workers`), for machines with more cores than one process can use well."""

import multiprocessing
import multiprocessing.connection
import os
import threading
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gansynth_core import Clips, GivenUp, ModelCard, ModelError, Synth, Timbre, sample
from webapp.line import Busy

MODELS_EACH = 2  # that a process keeps in memory


def warm(synth: Synth) -> Synth:
    """The synth once it has made a note, which prepares kernels and memory: the next takes a third of the time."""
    card = synth.card
    synth.render(sample(card, seed=0)[0], [min(max(60, card.pitch_low), card.pitch_high)])
    return synth


class Processes:
    """Processes that render, each with its own copy of the models that are played. Thread-safe."""

    def __init__(self, count: int):
        self.count = count
        self._lock = threading.Lock()
        self._pool = self._made()

    def synth(self, folder: Path, device: str) -> "Remote":
        """What renders the model in `folder` in these processes. Raises ModelError."""
        card, steps, chosen = self.call(_facts, str(folder), device).result()
        if chosen != "cpu" and self.count > 1:
            raise ModelError("A GPU is used best by one process. Leave --workers out, or choose --device cpu.")
        return Remote(self, folder, device, card, steps, chosen)

    def call(self, work: Any, *what: Any) -> "Future[Any]":
        """The future result of `work(*what)` in one of the processes."""
        with self._lock:
            try:
                return self._pool.submit(work, *what)
            except BrokenProcessPool:  # one was killed, perhaps because memory ran out: the others ended with it
                self._pool = self._made()
                return self._pool.submit(work, *what)

    def close(self) -> None:
        """End them once what they render is done."""
        self._pool.shutdown(cancel_futures=True)

    def _made(self) -> ProcessPoolExecutor:
        threads = max(1, (os.cpu_count() or 1) // self.count)
        context = multiprocessing.get_context("spawn")  # a fork would copy torch's threads in an unusable state
        return ProcessPoolExecutor(self.count, context, _begin, (threads,))


class Remote:
    """Stands for a Synth that is in other processes."""

    def __init__(
        self, processes: Processes, folder: Path, device: str, card: ModelCard, griffin_lim_steps: int, chosen: str
    ):
        self.card, self.device, self.griffin_lim_steps = card, chosen, griffin_lim_steps
        self._processes, self._asked = processes, (str(folder), device)

    def here(self) -> Synth:
        """The model in this process, loaded anew."""
        folder, device = self._asked
        return Synth.load(folder, device=device, cached_notes=0)

    def render(self, timbre: Sequence[Timbre], pitches: Sequence[float], *, given_up: threading.Event) -> Clips:
        """As Synth.render. Notes under way are finished even if they are given up: a process cannot be told."""
        clips: Clips = self._answer(given_up, _render, list(timbre), list(pitches))
        return clips

    def held_part(
        self,
        timbre: Timbre,
        pitch: float,
        seconds: float,
        part: tuple[float, float],
        *,
        given_up: threading.Event,
    ) -> NDArray[np.float32]:
        """As Synth.held_part; finished as `render`'s notes are."""
        wave: NDArray[np.float32] = self._answer(given_up, _held_part, timbre, pitch, seconds, part)
        return wave

    def _answer(self, given_up: threading.Event, work: Any, *what: Any) -> Any:
        future = self._processes.call(work, *self._asked, *what)
        try:
            answer = future.result()
        except BrokenProcessPool as cause:
            raise Busy("The studio lost a process and starts another. Try again.") from cause
        if given_up.is_set():
            raise GivenUp("Nobody is waiting for these notes any more.")
        return answer


# --- in the processes -------------------------------------------------------------------------------------------------

_synths: "OrderedDict[tuple[str, str], Synth]" = OrderedDict()


def _begin(threads: int) -> None:
    os.environ["OMP_NUM_THREADS"] = str(threads)
    threading.Thread(target=_end_with_parent, daemon=True).start()


def _end_with_parent() -> None:
    """If the app was killed, nobody else ends this process."""
    if (parent := multiprocessing.parent_process()) is not None:
        multiprocessing.connection.wait([parent.sentinel])
    os._exit(1)


def _synth_of(folder: str, device: str) -> Synth:
    key = folder, device
    if key not in _synths:
        _synths[key] = warm(Synth.load(folder, device=device, cached_notes=0))
    _synths.move_to_end(key)
    while len(_synths) > MODELS_EACH:
        _synths.popitem(last=False)
    return _synths[key]


def _facts(folder: str, device: str) -> tuple[ModelCard, int, str]:
    synth = _synth_of(folder, device)
    return synth.card, synth.griffin_lim_steps, synth.device


def _render(folder: str, device: str, timbre: Sequence[Timbre], pitches: Sequence[float]) -> Clips:
    return _synth_of(folder, device).render(timbre, pitches)


def _held_part(
    folder: str, device: str, timbre: Timbre, pitch: float, seconds: float, part: tuple[float, float]
) -> NDArray[np.float32]:
    return _synth_of(folder, device).held_part(timbre, pitch, seconds, part)
