"""The processes that prepare a set's notes."""

import contextlib
import multiprocessing
import multiprocessing.connection
import os
import signal
import threading
import zlib
from collections.abc import Callable, Generator, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

import numpy as np
import numpy.typing as npt
import soxr
import torch

from gansynth_core.errors import AudioError, DataError
from gansynth_core.sound import NOTE_PEAK, SILENCE_PEAK, Clip
from gansynth_core.specgram import Representation
from gansynth_core.training.data.dataset import note_bytes, quantize, stored_type
from gansynth_core.training.data.source import Source

Job = list[tuple[int, int, int]]  # for each note its row, the number of its source, and its index in that source's plan
Outcome = tuple[int, str | None, int]  # row, the reason if the note was skipped, and else the checksum of its row
Worker = Callable[[Job], list[Outcome]]


def outcomes(
    jobs: list[Job], sources: Sequence[Source], out: Path, spec: Representation, workers: int
) -> Generator[list[Outcome]]:
    """What became of each job's notes, in the order in which the jobs are done, by that many `workers`."""
    workers = min(workers, len(jobs))
    if workers == 1:
        yield from map(_worker(sources, out, spec), jobs)
        return
    context = multiprocessing.get_context("spawn")  # fork would copy torch's thread pool in an unusable state
    executor = ProcessPoolExecutor(workers, context, _start_worker, (list(sources), out, spec))
    try:
        with _interrupt_blocked():  # workers are started by submit and inherit it: Ctrl-C is for this process to handle
            futures = [executor.submit(_work, job) for job in jobs]
        for future in as_completed(futures):
            yield future.result()
    except BrokenProcessPool as cause:
        raise DataError(
            "A worker process was killed, perhaps because memory ran out. The same command continues; fewer --workers "
            "need less memory."
        ) from cause
    finally:
        executor.shutdown(cancel_futures=True)


@contextlib.contextmanager
def _interrupt_blocked() -> Iterator[None]:
    if not hasattr(signal, "pthread_sigmask"):  # Windows
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
    try:
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


_work_on: Worker | None = None  # in a process that `outcomes` started


def _start_worker(sources: list[Source], out: Path, spec: Representation) -> None:
    global _work_on
    torch.set_num_threads(1)
    os.environ["OMP_NUM_THREADS"] = "1"  # for fluidsynth, which is loaded later and unpacks .sf3 files with all cores
    threading.Thread(target=_stop_with_parent, daemon=True).start()
    _work_on = _worker(sources, out, spec)


def _stop_with_parent() -> None:
    """End this process when the one that started it is gone: if that was killed, this one would wait forever."""
    if (parent := multiprocessing.parent_process()) is not None:
        multiprocessing.connection.wait([parent.sentinel])
    os._exit(1)


def _work(job: Job) -> list[Outcome]:
    assert _work_on is not None
    return _work_on(job)


def _worker(sources: Sequence[Source], out: Path, spec: Representation) -> Worker:
    """A function that prepares the notes of a job."""
    path = out / "specgrams.npy"
    first_byte: int = np.load(path, mmap_mode="r").offset

    def work(job: Job) -> list[Outcome]:
        outcomes: list[Outcome] = []
        with open(path, "r+b") as file:  # written, not mapped: a full disk is then an error instead of a SIGBUS
            for row, source, index in job:
                try:
                    wave = fit(sources[source].read(index), spec)
                except AudioError as error:
                    outcomes.append((row, str(error), 0))
                    continue
                file.seek(first_byte + row * note_bytes(spec))
                written = quantize(spec.encode(torch.from_numpy(wave)[None]), stored_type(spec)).tobytes()
                file.write(written)
                outcomes.append((row, None, zlib.crc32(written)))
            file.flush()
            os.fsync(file.fileno())
        return outcomes

    return work


def fit(clip: Clip, spec: Representation) -> npt.NDArray[np.float32]:
    """`clip` at the spec's rate and length (cut or padded at the end), peak-normalised: float32 [samples].

    Raises AudioError for silence.
    """
    samples = clip.samples
    if clip.sample_rate != spec.sample_rate:
        samples = soxr.resample(samples, clip.sample_rate, spec.sample_rate, quality="VHQ")
    samples = samples[: spec.samples]
    peak = float(np.abs(samples).max(initial=0.0))
    if peak < SILENCE_PEAK:
        raise AudioError("silent")
    fitted = np.zeros(spec.samples, np.float32)
    fitted[: len(samples)] = samples * (NOTE_PEAK / peak)
    return fitted
