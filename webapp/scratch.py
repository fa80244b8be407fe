"""The app's temporary files: one folder for all, which goes when the app ends, however it ends."""

import contextlib
import logging
import os
import shutil
import tempfile
import time
from pathlib import Path

from filelock import FileLock, Timeout

PREFIX = "gansynth-studio-"
LOCK = ".lock"  # held by the app whose folder it is
CEILING_BYTES = 8_000_000_000
STALE_SECONDS = 24 * 3600.0  # without a lock: of a version that made none


class Scratch:
    """A folder for temporary files. ceiling: bytes that all of them may have together."""

    def __init__(self, ceiling: int = CEILING_BYTES):
        self.folder = Path(tempfile.mkdtemp(prefix=PREFIX))
        self.ceiling = ceiling
        self._lock = FileLock(self.folder / LOCK, thread_local=False)
        self._lock.acquire()

    def room(self) -> int:
        """Bytes that may still be written: below the ceiling, and on the disk. Raises OSError."""
        return min(self.ceiling - size_of(self.folder), shutil.disk_usage(self.folder).free)

    def close(self) -> None:
        """Delete it all."""
        self._lock.release()
        shutil.rmtree(self.folder, ignore_errors=True)


def size_of(folder: Path) -> int:
    """Bytes of all files below `folder`. Files and folders may come and go meanwhile."""
    total = 0
    for place, _, names in os.walk(folder):  # which passes over folders that are gone
        for name in names:
            with contextlib.suppress(OSError):
                total += os.lstat(os.path.join(place, name)).st_size
    return total


def sweep() -> int:
    """Delete what apps that were killed have left; returns how many folders there were."""
    swept = 0
    for folder in Path(tempfile.gettempdir()).glob(f"{PREFIX}*"):
        if _is_stale(folder):
            shutil.rmtree(folder, ignore_errors=True)
            swept += 1
    if swept:
        logging.getLogger(__name__).info("%d folders of killed apps deleted", swept)
    return swept


def _is_stale(folder: Path) -> bool:
    lock = folder / LOCK
    try:
        if not lock.exists():
            return time.time() - folder.stat().st_mtime > STALE_SECONDS
        with FileLock(lock, timeout=0, thread_local=False):
            return True
    except (OSError, Timeout):  # another's, gone, or at work
        return False
