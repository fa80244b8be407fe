"""Work that takes longer than a request: packs, songs.

Each job has an id nobody can guess, a folder of its own, a progress report, and in the end a file, which is kept until
it has been fetched or is an hour old.
"""

import logging
import secrets
import shutil
import threading
import time
import weakref
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gansynth_core import GanSynthError, InputError
from webapp.fair import FairQueue, Visitor
from webapp.line import Busy
from webapp.scratch import Scratch
from webapp.sound_document import sentence_of

AT_ONCE = 2  # for all visitors together; the others wait their turn
EACH_OPEN = 2  # running or waiting, of one visitor
MOST_OPEN = 100  # of all visitors; a waiting one holds up to 12 MB
KEEP_SECONDS = 3600.0
SPACE_SECONDS = 60.0  # after it was fetched, a file may go if its place is needed
ABANDONED_SECONDS = 180.0  # nobody asks how far it is; a browser lets pages in the background ask once a minute
SWEEP_SECONDS = 5.0
STOP_SECONDS = 20.0  # for a job to reach its next progress report when the app stops
OPEN = ("waiting", "running")


class Cancelled(Exception):
    """Raised within a job's work, at its next progress report, once the job is no longer wanted."""


@dataclass(frozen=True)
class Done:
    """path: the file, within the job's folder. about: what the page shows of it, as JSON. beside: further files by what
    they are asked for with."""

    path: Path
    about: Mapping[str, Any] = field(default_factory=dict)
    beside: Mapping[str, Path] = field(default_factory=dict)


Progress = Callable[[int, int], None]
Work = Callable[[Path, Progress], Done]


@dataclass(eq=False)
class _Job:
    name: str
    visitor: Visitor
    work: Work | None  # None once it has run: it may hold much
    folder: Path
    asked: float  # time.monotonic() when somebody last asked for it
    state: str = "waiting"  # then running, then done, failed or cancelled
    done: int = 0
    total: int = 0
    first: tuple[float, int] | None = None  # time.monotonic() at the first progress report, and what was done by then
    ended: float = 0.0
    fetched: float | None = None
    error: str | None = None
    result: Done | None = None
    unwanted: threading.Event = field(default_factory=threading.Event)


class Jobs:
    """All jobs of one app. Thread-safe."""

    def __init__(
        self,
        scratch: Scratch | None = None,
        at_once: int = AT_ONCE,
        keep_seconds: float = KEEP_SECONDS,
        abandoned_seconds: float = ABANDONED_SECONDS,
        sweep_seconds: float = SWEEP_SECONDS,
    ):
        self.scratch = scratch or Scratch()
        self._at_once, self._keep_seconds = at_once, keep_seconds
        self._abandoned_seconds, self._sweep_seconds = abandoned_seconds, sweep_seconds
        self._jobs: dict[str, _Job] = {}  # oldest first
        self._queue: FairQueue[_Job] = FairQueue()
        self._lock = threading.Lock()
        self._threads: set[threading.Thread] = set()
        self._sweeper: threading.Thread | None = None
        self._closing = threading.Event()
        self.counts: Counter[str] = Counter()  # of jobs by how they ended
        # Python must not end while a thread is within torch: that aborts.
        self._end_with_python = weakref.finalize(self, _stop, self._jobs, self._threads, self.scratch, self._closing)

    def start(self, work: Work, visitor: Visitor, size: int = 0) -> str:
        """Run `work(folder, progress)` in a thread once it is its turn and return the job's id.

        size: about how many bytes it will write. `progress(done, total)` raises Cancelled when the job is to stop; a
        GanSynthError that `work` raises becomes the job's sentence. Raises Busy when the visitor or all together have
        too many open, or when they cannot be written.
        """
        with self._lock:
            if self._closing.is_set():
                raise Busy("The studio is closing.")
            opened = [job for job in self._jobs.values() if job.state in OPEN]
            if sum(job.visitor == visitor for job in opened) >= EACH_OPEN:
                raise Busy(f"You have {EACH_OPEN} exports under way. Wait for one, or stop it.")
            if len(opened) >= MOST_OPEN:
                raise Busy("The studio is busy: too many exports are waiting.")
            self._make_room(size)
            name = secrets.token_urlsafe(16)
            job = self._jobs[name] = _Job(name, visitor, work, self.scratch.folder / name, time.monotonic())
            try:
                job.folder.mkdir()
            except OSError as cause:
                del self._jobs[name]
                raise Busy(f"The studio has nowhere to write exports now ({cause.strerror}).") from cause
            self._queue.push(visitor, job)
            if len(self._threads) < self._at_once:
                self._spawn(self._run_all, "job")
            if self._sweeper is None:
                self._sweeper = self._spawn(self._sweep_all, "sweeper")
        return name

    def state(self, name: str) -> dict[str, Any]:
        """What the page shows of a job: `state`, `done` of `total`, `left` in seconds (None: not known yet), `error` (a
        sentence or None) and, once it is done, `about`. Raises InputError if the job does not exist (any more)."""
        job = self._job(name)
        return {
            "state": job.state,
            "done": job.done,
            "total": job.total,
            "left": self._left(job),
            "error": job.error,
            "about": dict(job.result.about) if job.result else None,
        }

    def cancel(self, name: str) -> None:
        """Stop a job, or delete its file. Raises InputError if the job does not exist."""
        job = self._job(name)
        with self._lock:
            self._give_up(job)

    def file(self, name: str, beside: str | None = None) -> Path:
        """The file of a job that is done, or one `beside` it. Raises InputError if there is none."""
        job = self._job(name)
        if job.state != "done" or job.result is None:
            raise InputError("This export is not done, so it has no file yet.")
        if beside is None:
            return job.result.path
        if beside not in job.result.beside:
            raise InputError(f"This export has no {beside[:20]!r}.")
        return job.result.beside[beside]

    def fetched(self, name: str) -> None:
        """Say that a job's file has been sent whole."""
        job = self._jobs.get(name)
        if job is not None:
            job.fetched = time.monotonic()

    def close(self) -> None:
        """Stop all jobs and delete their files."""
        self._end_with_python()

    @property
    def open(self) -> int:
        """How many jobs run or wait."""
        return sum(job.state in OPEN for job in list(self._jobs.values()))

    def _job(self, name: str) -> _Job:
        try:
            job = self._jobs[name]
        except KeyError:
            raise InputError("This export no longer exists. Start it again.") from None
        job.asked = time.monotonic()
        return job

    @staticmethod
    def _left(job: _Job) -> float | None:
        """By the pace since the first progress report; what came before it (loading, reading) says nothing about it."""
        if job.state != "running" or job.first is None or job.done <= job.first[1]:
            return None
        since, already = job.first
        return round((time.monotonic() - since) / (job.done - already) * (job.total - job.done), 1)

    def _spawn(self, target: Callable[[], None], name: str) -> threading.Thread:
        thread = threading.Thread(target=target, name=name, daemon=True)
        if name == "job":
            self._threads.add(thread)
        thread.start()
        return thread

    def _run_all(self) -> None:
        """One job after the other, as long as any wait."""
        while True:
            with self._lock:
                if self._closing.is_set() or not len(self._queue):
                    self._threads.discard(threading.current_thread())
                    return
                job = self._queue.pop()
                work, job.work, job.state = job.work, None, "running"
            assert work is not None
            self._run(job, work)

    def _run(self, job: _Job, work: Work) -> None:
        def progress(done: int, total: int) -> None:
            if job.unwanted.is_set():
                raise Cancelled
            job.done, job.total = done, total
            if job.first is None:
                job.first = time.monotonic(), done

        try:
            result, error = work(job.folder, progress), None
        except Cancelled:
            result, error = None, None
        except GanSynthError as cause:
            result, error = None, sentence_of(cause)
        except OSError as cause:  # such as a full disk
            result, error = None, f"The export could not be written ({cause.strerror})."
        except Exception as cause:  # a fault of ours: the page hears of it, and the terminal all of it
            logging.getLogger(__name__).exception("A job failed")
            result, error = None, f"The export failed ({type(cause).__name__})."
        with self._lock:
            job.result, job.error = result, job.error or error
            if job.error:
                self._end(job, "failed")
            elif job.unwanted.is_set():
                self._end(job, "cancelled")
            else:
                job.state, job.ended = "done", time.monotonic()
            self.counts[job.state] += 1

    def _give_up(self, job: _Job) -> None:
        job.unwanted.set()
        if job.state == "waiting":
            self._queue.remove(job.visitor, job)
            self.counts["cancelled"] += 1
        if job.state in ("waiting", "done"):
            self._end(job, "cancelled")

    @staticmethod
    def _end(job: _Job, state: str) -> None:
        shutil.rmtree(job.folder, ignore_errors=True)  # before its end is told: whoever hears of it has the room
        job.state, job.result, job.work, job.ended = state, None, None, time.monotonic()

    def _make_room(self, size: int) -> None:
        """Delete fetched files until `size` bytes can be written. Raises Busy if that is not enough."""
        fetched = [job for job in self._jobs.values() if job.state == "done" and job.fetched is not None]
        for job in [*sorted(fetched, key=lambda job: job.fetched or 0.0), None]:
            try:
                if self.scratch.room() >= size:
                    return
            except OSError as cause:
                raise Busy(f"The studio has nowhere to write exports now ({cause.strerror}).") from cause
            if job is not None and time.monotonic() - (job.fetched or 0.0) > SPACE_SECONDS:
                self._end(self._jobs.pop(job.name), "gone")
        raise Busy("The studio's disk is full of exports that wait to be fetched. Try again later.")

    def _sweep_all(self) -> None:
        """Let go what is old or abandoned, as long as there is anything."""
        while not self._closing.wait(self._sweep_seconds):
            with self._lock:
                self._sweep(time.monotonic())
                if not self._jobs:
                    self._sweeper = None
                    return

    def _sweep(self, now: float) -> None:
        for job in list(self._jobs.values()):
            if job.state in OPEN:
                if now - job.asked > self._abandoned_seconds:
                    self._give_up(job)
            elif now - job.ended > self._keep_seconds:
                self._end(self._jobs.pop(job.name), "gone")
        running = [job for job in self._jobs.values() if job.state == "running"]
        try:
            full = bool(running) and self.scratch.room() < 0
        except OSError:
            return
        if full:  # the newest goes, so that the others can be finished
            running[-1].error = "The studio's disk is full. Try again later."
            running[-1].unwanted.set()


def _stop(jobs: Mapping[str, _Job], threads: set[threading.Thread], scratch: Scratch, closing: threading.Event) -> None:
    closing.set()
    for job in list(jobs.values()):
        job.unwanted.set()
    until = time.monotonic() + STOP_SECONDS
    for thread in list(threads):
        thread.join(max(0.0, until - time.monotonic()))
    scratch.close()
