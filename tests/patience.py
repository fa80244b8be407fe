"""How long tests wait for what must happen: only what hangs takes so long, on a slow and busy machine too."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

Answer = TypeVar("Answer")

HANG_SECONDS = 600.0


def until(condition: Callable[[], object]) -> None:
    """Waits until the condition holds."""
    end = time.monotonic() + HANG_SECONDS
    while not condition():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.005)


def awaited(work: Coroutine[Any, Any, Answer]) -> Answer:
    """What `work` comes to, in a thread of its own: where a browser is open, the main thread has a loop already."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, work).result()
