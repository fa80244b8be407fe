"""Pitches as people write them, MIDI numbers and note names (C4 is 60), and their frequencies."""

import re
from collections.abc import Iterable, Sequence
from typing import TYPE_CHECKING, Any, TypeVar, cast

from gansynth_core.errors import InputError

if TYPE_CHECKING:  # names and numbers of keys need neither library
    import numpy as np
    import torch
    from numpy.typing import NDArray

_Pitch = TypeVar("_Pitch", float, "NDArray[np.floating[Any]]", "torch.Tensor")

_STEPS = {"c": 0, "d": 2, "e": 4, "f": 5, "g": 7, "a": 9, "b": 11}
KEY_NAMES = ("C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B")
_ACCIDENTALS = {"": 0, "#": 1, "♯": 1, "s": 1, "b": -1, "♭": -1}

#: A note name on its own in a text: letter and accidental in groups 1 and 2 (or 3 and 4: `Cs4`), octave in 5.
NOTE_NAME = re.compile(r"(?<![A-Za-z0-9#♯♭])(?:([A-G])([#♯b♭]?)|([CDFGA])(s))(-?\d)(?![A-Za-z0-9])", re.IGNORECASE)


def pitch_of(match: re.Match[str]) -> int:
    """MIDI pitch of a match of NOTE_NAME; may lie outside 0-127."""
    letter, accidental = match[1] or match[3], match[2] or match[4] or ""
    return 12 * (int(match[5]) + 1) + _STEPS[letter.lower()] + _ACCIDENTALS[accidental.lower()]


def pitch_hz(pitch: _Pitch) -> _Pitch:
    """Frequency in Hz of a MIDI pitch, in equal temperament with A4 (69) at 440 Hz; fractions are microtones."""
    hz: _Pitch = 440.0 * 2.0 ** ((pitch - 69.0) / 12.0)
    return hz


def parse_pitch(text: str) -> float:
    """MIDI pitch 0-127 of a note name (`C4` is 60, `F#3`, `Bb-1`) or of a number. Raises InputError."""
    match = NOTE_NAME.fullmatch(text)
    try:
        pitch = float(pitch_of(match)) if match else float(text)
    except ValueError:
        raise InputError(f"'{text}' is not a pitch. Give a MIDI number such as 60 or a note name such as C4.") from None
    if not 0 <= pitch <= 127:
        raise InputError(f"The pitch '{text}' is outside 0-127.")
    return pitch


def pitch_number(note: float | str) -> float:
    """MIDI pitch of a number of any type or a note name. Raises InputError."""
    if isinstance(note, str):
        return parse_pitch(note)
    try:
        return float(note)
    except (TypeError, ValueError) as cause:
        raise InputError(
            f"{note!r} is not a pitch. Give a MIDI number such as 60 or a note name such as C4."
        ) from cause


def pitch_numbers(notes: float | str | Sequence[float | str]) -> list[float]:
    """MIDI pitches of one note or several, each a number or a note name. Raises InputError."""
    if is_one_pitch(notes):
        return [pitch_number(cast(float | str, notes))]
    return [pitch_number(note) for note in cast(Iterable[float | str], notes)]


def is_one_pitch(notes: object) -> bool:
    """Whether `notes` is a single note, such as 60, "C4" or an array without dimensions, and not a list of some."""
    return isinstance(notes, str) or not isinstance(notes, Iterable) or getattr(notes, "ndim", 1) == 0


def pitch_name(pitch: float) -> str:
    """The name of the nearest key for a person: `C4` for 60, `F#3` for 54; between keys the number as well."""
    key = round(pitch)
    name = f"{KEY_NAMES[key % 12]}{key // 12 - 1}"
    return name if pitch == key else f"{name} ({pitch:g})"


def pitch_label(pitch: float) -> str:
    """A MIDI pitch for file names: `060`, or `060.25` between keys; always sorts in order of pitch."""
    return f"{pitch:03.0f}" if float(pitch).is_integer() else f"{pitch:06.2f}"
