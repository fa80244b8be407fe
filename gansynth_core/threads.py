"""The threads that networks run in. Each computes alone: torch's own threads share out a product in ways that depend on
their number, and so would the last bits of a note. What runs side by side are whole notes, and the parts of a note.

torch keeps memory and prepared kernels for every thread that calls it, so these few do all the work, and on a machine
that is busy they need not wait for each other at every operation, as torch's own threads do.
"""

import os
import threading
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import ParamSpec, TypeVar

import torch

MOST = 8  # more would wait for each other in Python

Given = ParamSpec("Given")
Result = TypeVar("Result")


class _Pool(threading.local):
    """Whether the thread at hand is one of ours."""

    inside = False


_here = _Pool()
_executor: ThreadPoolExecutor | None = None
_starting = threading.Lock()


def count() -> int:
    """How many there are: as many as torch would use, which OMP_NUM_THREADS and torch.set_num_threads limit."""
    return min(MOST, torch.get_num_threads())


def submit(function: Callable[Given, Result], *args: Given.args, **kwargs: Given.kwargs) -> Future[Result]:
    """Call `function` in one of the threads."""
    global _executor
    with _starting:
        if _executor is None:
            usual = torch.get_num_threads()
            _executor = ThreadPoolExecutor(count(), "network", initializer=_alone, initargs=(usual,))
        return _executor.submit(function, *args, **kwargs)


def together(parts: Sequence[Callable[[], object]]) -> None:
    """Call all `parts`. Where one of the threads calls this, those that have nothing to do help it; parts must not
    depend on each other. What a part raises is raised once none is running any more."""
    left = deque(parts)
    inference = torch.is_inference_mode_enabled()

    def help_out() -> None:
        with torch.inference_mode(inference):
            while left:
                try:
                    part = left.popleft()
                except IndexError:  # another thread was quicker
                    return
                part()

    helpers = [submit(help_out) for _ in range(min(count(), len(parts)) - 1)] if _here.inside else []
    try:
        help_out()
    finally:
        left.clear()
        running = [helper for helper in helpers if not helper.cancel()]
        failures = [helper.exception() for helper in running]
    for failure in failures:
        if failure is not None:
            raise failure


def _alone(usual: int) -> None:
    """Called in every new thread."""
    _here.inside = True
    torch.get_num_threads()  # from now on this thread has a number of its own
    torch.set_num_threads(1)
    # This also told torch how many threads it should use in those that begin later, which is none of our business.
    teller = threading.Thread(target=torch.set_num_threads, args=(usual,))
    teller.start()
    teller.join()


def _after_fork() -> None:
    """A forked child has none of its parent's threads, and locks that they held would never open."""
    global _executor, _starting
    _executor, _starting = None, threading.Lock()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_after_fork)
