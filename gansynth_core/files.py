"""Where the shipped files are; files are written so that a stop at any moment leaves the old or the new, whole."""

import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gansynth_core.errors import GanSynthError


def assets_folder() -> Path:
    """The folder of what is shipped (models, maps, the judge): in the installed package, beside it in a clone."""
    package = Path(__file__).resolve().parent
    installed = package / "assets"
    return installed if installed.is_dir() else package.parent / "assets"


def sync(path: Path) -> None:
    """Wait until what was written to `path` is on the disk. Raises OSError."""
    with open(path, "r+b") as written:  # Windows flushes what may be written to, and nothing else
        os.fsync(written.fileno())


@contextmanager
def replacing(path: str | os.PathLike[str], error: type[GanSynthError] = GanSynthError) -> Iterator[Path]:
    """A path beside `path` to write to. It is renamed into place if the block succeeds and removed if it fails.

    Raises `error` with one sentence when the disk is full or the folder cannot be written.
    """
    path = Path(path)
    partial = None
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}-", suffix=path.suffix, dir=path.parent)
        os.close(handle)
        partial = Path(name)
        yield partial
        umask = os.umask(0)
        os.umask(umask)
        os.chmod(partial, 0o666 & ~umask)  # mkstemp's 0600 would hide the file from other users
        sync(partial)  # before the rename, or a power cut could leave the name without its bytes
        os.replace(partial, path)
    except OSError as cause:
        raise error(f"Cannot write '{path}': {cause.strerror or cause}.") from cause
    finally:
        if partial is not None:
            partial.unlink(missing_ok=True)
