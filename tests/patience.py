"""How long tests wait for what must happen: only what hangs takes so long, on a slow and busy machine too."""

import time
from collections.abc import Callable

HANG_SECONDS = 600.0


def until(condition: Callable[[], object]) -> None:
    """Waits until the condition holds."""
    end = time.monotonic() + HANG_SECONDS
    while not condition():
        assert time.monotonic() < end, "it never came to be"
        time.sleep(0.005)
