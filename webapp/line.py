"""How many requests may wait for the same thing at once."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from gansynth_core import GanSynthError


class Busy(GanSynthError):
    """The request cannot be answered now, as too many others wait or the disk is full; asking again may work."""


class Line:
    """Room for a number of requests that wait or are worked on. Thread-safe."""

    def __init__(self, places: int, what: str):
        self._places = threading.BoundedSemaphore(places)
        self._sentence = f"The studio is busy: too many {what} are waiting."

    @contextmanager
    def place(self) -> Iterator[None]:
        """A place in the line for the length of a `with` block. Raises Busy at once when there is none."""
        if not self._places.acquire(blocking=False):
            raise Busy(self._sentence)
        try:
            yield
        finally:
            self._places.release()
