"""Work that takes longer than a request: packs, songs.

Each job has an id nobody can guess, a folder of its own, a progress report, and in the end a file, which is kept for an
hour.
"""

import logging
import secrets
import shutil
import tempfile
import threading
import time
import weakref
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gansynth_core import GanSynthError, InputError
from webapp.line import Busy
from webapp.sound_document import sentence_of

AT_ONCE = 2  # for all visitors together; the others wait their turn
MOST_OPEN = 8  # running or waiting
MOST_KEPT = 12  # done, with their files
KEEP_SECONDS = 3600.0
STOP_SECONDS = 20.0  # for a job to reach its next progress report when the app stops


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


@dataclass
class _Job:
    folder: Path
    state: str = "waiting"  # then running, then done, failed or cancelled
    done: int = 0
    total: int = 0
    first: tuple[float, int] | None = None  # time.monotonic() at the first progress report, and what was done by then
    error: str | None = None
    result: Done | None = None
    unwanted: threading.Event = field(default_factory=threading.Event)
    thread: threading.Thread | None = None


class Jobs:
    """All jobs of one app. Thread-safe. The files are in a temporary folder, which is deleted when the app stops."""

    def __init__(self, at_once: int = AT_ONCE, keep_seconds: float = KEEP_SECONDS):
        self._room = tempfile.TemporaryDirectory(prefix="gansynth-studio-")
        self._jobs: dict[str, _Job] = {}  # oldest first
        self._lock = threading.Lock()
        self._turns = threading.Semaphore(at_once)
        self._keep_seconds = keep_seconds
        # Runs before the folder's own clean-up. Python must not end while a thread is within torch: that aborts.
        weakref.finalize(self, _stop, self._jobs)

    def start(self, work: Work) -> str:
        """Run `work(folder, progress)` in a thread and return the job's id.

        `progress(done, total)` raises Cancelled when the job is to stop; a GanSynthError that `work` raises becomes the
        job's sentence. Raises Busy when too many jobs wait, or when nothing can be written.
        """
        with self._lock:
            if sum(job.state in ("waiting", "running") for job in self._jobs.values()) >= MOST_OPEN:
                raise Busy("The studio is busy: too many exports are waiting.")
            name = secrets.token_urlsafe(16)
            try:
                folder = Path(tempfile.mkdtemp(dir=self._room.name))
            except OSError as cause:
                raise Busy(f"The studio has nowhere to write exports now ({cause.strerror}).") from cause
            job = self._jobs[name] = _Job(folder)
            job.thread = threading.Thread(target=self._run, args=(name, job, work), name="job", daemon=True)
        job.thread.start()
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
        job.unwanted.set()
        with self._lock:
            if job.state in ("waiting", "done"):
                self._end(job, "cancelled")

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

    def _job(self, name: str) -> _Job:
        try:
            return self._jobs[name]
        except KeyError:
            raise InputError("This export no longer exists. Start it again.") from None

    @staticmethod
    def _left(job: _Job) -> float | None:
        """By the pace since the first progress report; what came before it (loading, reading) says nothing about it."""
        if job.state != "running" or job.first is None or job.done <= job.first[1]:
            return None
        since, already = job.first
        return round((time.monotonic() - since) / (job.done - already) * (job.total - job.done), 1)

    def _run(self, name: str, job: _Job, work: Work) -> None:
        def progress(done: int, total: int) -> None:
            if job.unwanted.is_set():
                raise Cancelled
            job.done, job.total = done, total
            if job.first is None:
                job.first = time.monotonic(), done

        with self._turns:
            with self._lock:
                if job.unwanted.is_set():
                    return
                job.state = "running"
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
            job.result, job.error = result, error
            if job.unwanted.is_set():
                self._end(job, "cancelled")
            elif error:
                self._end(job, "failed")
            else:
                job.state = "done"
            over = [one for one, its in self._jobs.items() if its.state not in ("waiting", "running")]
            for one in over[:-MOST_KEPT]:
                self._end(self._jobs.pop(one), "gone")
        timer = threading.Timer(self._keep_seconds, self._forget, (name,))
        timer.daemon = True
        timer.start()

    def _forget(self, name: str) -> None:
        with self._lock:
            job = self._jobs.pop(name, None)
            if job:
                self._end(job, "gone")

    @staticmethod
    def _end(job: _Job, state: str) -> None:
        job.state, job.result = state, None
        shutil.rmtree(job.folder, ignore_errors=True)


def _stop(jobs: Mapping[str, _Job]) -> None:
    for job in list(jobs.values()):
        job.unwanted.set()
    until = time.monotonic() + STOP_SECONDS
    for job in list(jobs.values()):
        if job.thread is not None and job.thread.ident is not None:
            job.thread.join(max(0.0, until - time.monotonic()))
