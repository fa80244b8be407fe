"""What a source of notes is: soundfont.py, nsynth.py and folder.py have one each."""

from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from gansynth_core.errors import AudioError
from gansynth_core.sound import Clip, read_wav

OWN_RECORDINGS = "own recordings, not for redistribution"  # the licence of sounds of which nobody says anything else


@dataclass(frozen=True)
class SourceNote:
    """A note that a source can deliver, `velocity` 1-127.

    variation: values of the source's `variation_names`, zero for unchanged. origin: the file it comes from, for the
    list of skipped notes. second, share: of a note of two layers the instrument of the softer one, and how much of the
    note it is, above 0 and up to 0.5.
    """

    instrument: str
    pitch: float
    velocity: int
    variation: tuple[float, ...] = ()
    origin: str = ""
    second: str = ""
    share: float = 0.0


class Source(Protocol):
    """Where notes come from. It must survive pickling: workers read in processes of their own.

    left_out: pairs of a file (or whatever holds a sound) and the reason why `plan` made no note of it, known once
    `plan` was called; they are listed with the skipped notes. A source that never leaves anything out may do without.
    """

    name: str
    licence: str
    variation_names: tuple[str, ...]

    def plan(self) -> list[SourceNote]:
        """All notes, always in the same order."""

    def read(self, index: int) -> Clip:
        """The sound of note `index` of the plan. Raises AudioError, with a short reason, if it cannot be had."""


def read_source_file(path: Path) -> Clip:
    """The sound in a file; raises AudioError with a reason short enough to be counted, without the file's name."""
    if not path.is_file():
        raise AudioError("missing file")
    try:
        return read_wav(path)
    except AudioError as error:
        reason = getattr(error.__cause__, "error_string", "no usable sound in it").rstrip(".")
        raise AudioError(f"unreadable: {reason}") from error
