"""Tunings: which pitch each key has. Named ones, equal divisions of the octave, and Scala's files (.scl, .kbm).

The formats: Manuel Op de Coul, "Scala scale file format" and "Keyboard mappings" (huygens-fokker.org/scala); where they
leave something open, the Tuning Library of Surge and other synths is followed, so that a file sounds alike in both.
"""

import math
import os
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gansynth_core.errors import InputError, nearest, plain_name

FORMAT = 1
KEYS = 128
MIDDLE_KEY, A4_KEY = 60, 69
MIDDLE_HZ = 440.0 * 2 ** (-9 / 12)  # of middle C where nothing else is said, as Scala has it
LOWEST_HZ, HIGHEST_HZ = 1.0, 30_000.0  # of a reference
MOST_NOTES, MOST_BYTES, NAME_LIMIT = 2000, 1_000_000, 120
PITCH_LIMIT = 1000.0  # MIDI; what lies beyond is damaged

_EQUAL = re.compile(r"(\d{1,3})[ _-]?(?:edo|tet|et)")
_RATIOS = {
    "just": "16/15 9/8 6/5 5/4 4/3 45/32 3/2 8/5 5/3 9/5 15/8 2/1",
    "pythagorean": "256/243 9/8 32/27 81/64 4/3 729/512 3/2 128/81 27/16 16/9 243/128 2/1",
    "harmonics": "9/8 5/4 11/8 3/2 13/8 7/4 15/8 2/1",
}
_CENTS: dict[str, Sequence[float]] = {
    "meantone": (76.049, 193.157, 310.265, 386.314, 503.422, 579.471, 696.578, 772.627, 889.735, 1006.843, 1082.892),
    "werckmeister": (90.225, 192.180, 294.135, 390.225, 498.045, 588.270, 696.090, 792.180, 888.270, 996.090, 1092.180),
    "kirnberger": (90.225, 193.157, 294.135, 386.314, 498.045, 590.224, 696.578, 792.180, 889.735, 996.090, 1088.269),
    "vallotti": (94.135, 196.090, 298.045, 392.180, 501.955, 592.180, 698.045, 796.090, 894.135, 1000.000, 1090.225),
    "young": (90.225, 196.090, 294.135, 392.180, 498.045, 588.270, 698.045, 792.180, 894.135, 996.090, 1090.225),
}
_STEPS = {  # equal steps: how many, and what they add up to, in cents
    "bohlen_pierce": (13, 1200 * math.log2(3)),
    "carlos_alpha": (1, 78.0),
    "carlos_beta": (1, 63.8),
    "carlos_gamma": (1, 35.1),
}

#: The named tunings and what they are called on the page. Any other equal division of the octave is "31-edo" and so on.
TUNINGS: Mapping[str, str] = {
    "equal": "Equal temperament",
    "just": "Just intonation on C",
    "pythagorean": "Pythagorean",
    "meantone": "Quarter-comma meantone",
    "werckmeister": "Werckmeister III",
    "kirnberger": "Kirnberger III",
    "vallotti": "Vallotti",
    "young": "Young II",
    "harmonics": "Harmonics 8 to 16",
    "19-edo": "19 equal steps",
    "24-edo": "Quarter tones (24 equal steps)",
    "31-edo": "31 equal steps",
    "53-edo": "53 equal steps",
    "bohlen_pierce": "Bohlen-Pierce",
    "carlos_alpha": "Carlos alpha",
    "carlos_beta": "Carlos beta",
    "carlos_gamma": "Carlos gamma",
}


@dataclass(frozen=True)
class Tuning:
    """The pitch of every key: `pitches` holds one for each of the keys 0-127, MIDI with fractions (see `pitch_hz`),
    None for a key that has no note. Pitches may rise, fall and repeat, and lie outside 0-127. Raises InputError."""

    name: str
    pitches: tuple[float | None, ...]

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or len(self.name) > NAME_LIMIT:
            raise InputError(f"The name of a tuning is text of up to {NAME_LIMIT} characters.")
        if len(self.pitches) != KEYS:
            raise InputError(f"A tuning has a pitch for each of the {KEYS} keys, not {len(self.pitches)}.")
        for pitch in self.pitches:
            number = isinstance(pitch, int | float) and not isinstance(pitch, bool) and abs(pitch) <= PITCH_LIMIT
            if not (pitch is None or number):
                raise InputError(f"The pitches of a tuning are MIDI numbers, or null for none, not {pitch!r}.")

    def pitch(self, key: int) -> float:
        """The pitch of a key (0-127). Raises InputError for a key without a note."""
        pitch = self.pitches[key] if 0 <= key < KEYS else None
        if pitch is None:
            raise InputError(f"Key {key} has no note in the tuning '{self.name}'.")
        return pitch

    def has(self, key: int) -> bool:
        """Whether a key has a note."""
        return 0 <= key < KEYS and self.pitches[key] is not None

    @property
    def is_equal(self) -> bool:
        """Whether every key sounds as named: A4 at 440 Hz, twelve equal steps."""
        return all(pitch is not None and abs(pitch - key) < 1e-9 for key, pitch in enumerate(self.pitches))

    def to_json(self) -> dict[str, Any]:
        """A JSON document, which `from_json` turns back into the same Tuning."""
        return {"format": FORMAT, "name": self.name, "pitches": list(self.pitches)}

    @classmethod
    def from_json(cls, document: object) -> "Tuning":
        """The tuning of a name (see `named`) or of a document by `to_json`. Raises InputError."""
        if isinstance(document, str):
            return cls.named(document)
        if not isinstance(document, Mapping) or not isinstance(document.get("pitches"), list | tuple):
            raise InputError("A tuning is a name, or an object with a name and the pitches of 128 keys.")
        if document.get("format") != FORMAT:
            raise InputError(f"This tuning was saved by a newer version (format {document.get('format')!r}).")
        pitches = [float(pitch) if type(pitch) is int else pitch for pitch in document["pitches"]]
        return cls(document.get("name", ""), tuple(pitches))

    @classmethod
    def named(cls, text: str) -> "Tuning":
        """One of TUNINGS, or "N-edo" for N equal steps an octave (1-128); "@415" after it sets A4 (key 69) to 415 Hz.

        Without that, scales of twelve notes have A4 at 440 Hz, others middle C (key 60) at 261.63 Hz. Raises
        InputError.
        """
        name, at, hz = text.partition("@")
        scale = _named_scale(name)
        keyboard = Keyboard(reference=A4_KEY, reference_hz=440.0) if at or len(scale.cents) == 12 else Keyboard()
        if at:
            keyboard = replace(keyboard, reference_hz=_hertz(hz))
        return scale.on(keyboard, text.strip())

    @classmethod
    def from_scala(cls, scl: str | None, kbm: str | None = None, name: str = "") -> "Tuning":
        """The tuning of the text of an .scl file (None: twelve equal steps) on the keyboard of a .kbm file (None: the
        scale starts on middle C at 261.63 Hz). name: "" for the scale's description. Raises InputError."""
        scale = _named_scale("equal") if scl is None else read_scl(scl)
        return scale.on(Keyboard() if kbm is None else read_kbm(kbm), name or scale.name)


@dataclass(frozen=True)
class Scale:
    """The notes of a scale above its first, in cents; the last is where it starts anew (the octave of most)."""

    name: str
    cents: tuple[float, ...]

    def above(self, degree: int) -> float:
        """Cents from the scale's first note to the note `degree` steps above it, or below."""
        rounds, step = divmod(degree, len(self.cents))
        return rounds * self.cents[-1] + (self.cents[step - 1] if step else 0.0)

    def on(self, keyboard: "Keyboard", name: str) -> Tuning:
        """The tuning of this scale on a keyboard. Raises InputError."""
        reference = keyboard.degree(keyboard.reference, len(self.cents))
        if reference is None:
            raise InputError(f"The keyboard mapping tunes key {keyboard.reference}, and gives that key no note.")
        at_reference = A4_KEY + 12 * math.log2(keyboard.reference_hz / 440)
        zero = self.above(reference)
        pitches: list[float | None] = []
        for key in range(KEYS):
            degree = keyboard.degree(key, len(self.cents))
            pitch = None if degree is None else round(at_reference + (self.above(degree) - zero) / 100, 6)
            pitches.append(None if pitch is None or abs(pitch) > PITCH_LIMIT else pitch)  # far beyond hearing
        return Tuning(name[:NAME_LIMIT], tuple(pitches))


@dataclass(frozen=True)
class Keyboard:
    """Which note of a scale each key plays, and what one of them is tuned to.

    middle: the key of the scale's first note. degrees: of the keys from there on, which repeat every len(degrees) keys
    and `octave` degrees of the scale; None for a key without a note; without any, every key is one degree above the
    one before. reference: the key that has reference_hz.
    """

    middle: int = MIDDLE_KEY
    reference: int = MIDDLE_KEY
    reference_hz: float = MIDDLE_HZ
    degrees: tuple[int | None, ...] = ()
    octave: int = 0

    def degree(self, key: int, notes: int) -> int | None:
        """The degree of a scale of so many `notes` that `key` plays; None for none."""
        if not self.degrees:
            return key - self.middle
        rounds, place = divmod(key - self.middle, len(self.degrees))
        degree = self.degrees[place]
        return None if degree is None else degree + rounds * (self.octave or notes)


def _named_scale(name: str) -> Scale:
    known = plain_name(name)
    if equal := _EQUAL.fullmatch(known):
        steps = int(equal[1])
        if not 1 <= steps <= KEYS:
            raise InputError(f"An octave has 1 to {KEYS} equal steps, not {steps}.")
        return Scale(name, tuple(1200 * step / steps for step in range(1, steps + 1)))
    if known == "equal":
        return _named_scale("12-edo")
    if known in _RATIOS:
        return Scale(name, tuple(_tone(tone) for tone in _RATIOS[known].split()))
    if known in _CENTS:
        return Scale(name, (*_CENTS[known], 1200.0))
    if known in _STEPS:
        steps, cents = _STEPS[known]
        return Scale(name, tuple(cents * step / steps for step in range(1, steps + 1)))
    raise InputError(f"There is no tuning '{name}'.{nearest(name, TUNINGS)} Choose from {', '.join(TUNINGS)}, N-edo.")


def _hertz(text: str) -> float:
    try:
        hz = float(text)
    except ValueError:
        hz = math.nan
    if not LOWEST_HZ <= hz <= HIGHEST_HZ:
        raise InputError(
            f"'{text.strip()[:40]}' is not a frequency. Give {LOWEST_HZ:g} to {HIGHEST_HZ:g} Hz, such as 440."
        )
    return hz


# --- Scala's files ----------------------------------------------------------------------------------------------------


def read_scl(text: str) -> Scale:
    """The scale in the text of an .scl file: a line of description, the number of notes, and a line for each note, a
    ratio (3/2, 2) or cents (701.955, with a point). Raises InputError."""
    lines = [line for line in text.replace("\ufeff", "").splitlines() if not line.startswith("!")]
    if len(lines) < 2:
        raise InputError("This is not a Scala scale: it lacks a description and a number of notes.")
    count = _whole(lines[1], "number of notes", 1, MOST_NOTES)
    tones = [line for line in lines[2:] if line.strip()]
    if len(tones) < count:
        raise InputError(f"This Scala scale has {len(tones)} of the {count} notes that it says it has.")
    cents = tuple(_tone(line) for line in tones[:count])
    if cents[-1] <= 0:
        raise InputError("This Scala scale does not rise: its last note must lie above the first.")
    return Scale(lines[0].strip()[:NAME_LIMIT] or "Scala scale", cents)


def _tone(line: str) -> float:
    """Cents of a note of an .scl file; what follows the number is a remark."""
    match = re.match(r"\s*(-?\d*\.\d*)|\s*(\d+)\s*(?:/\s*(\d+))?", line)
    if match and match[1] and re.search(r"\d", match[1]):
        return float(match[1])
    if match and match[2] and int(match[2]) and int(match[3] or 1):
        return 1200 * (math.log2(int(match[2])) - math.log2(int(match[3] or 1)))
    raise InputError(
        f"'{line.strip()[:40]}' is not a note of a Scala scale: write a ratio such as 3/2, or cents as 702.0."
    )


def read_kbm(text: str) -> Keyboard:
    """The keyboard in the text of a .kbm file. Its first and last key to retune are not looked at: all keys are.
    Raises InputError."""
    lines = [line.split()[0] for line in text.replace("\ufeff", "").splitlines() if line.strip()[:1] not in ("", "!")]
    if len(lines) < 7:
        raise InputError("This is not a Scala keyboard mapping: it has fewer than seven entries.")
    size = _whole(lines[0], "size of the mapping", 0, MOST_NOTES)
    for line, what in zip(lines[1:3], ("first key", "last key"), strict=True):
        _whole(line, what, 0, KEYS - 1)
    middle = _whole(lines[3], "middle key", 0, KEYS - 1)
    reference = _whole(lines[4], "reference key", 0, KEYS - 1)
    octave = _whole(lines[6], "formal octave", 0, MOST_NOTES)
    entries = lines[7 : 7 + size]
    entries += ["x"] * (size - len(entries))  # those left out at the end have no note
    degrees = [None if entry.lower() == "x" else _whole(entry, "degree", -MOST_NOTES, MOST_NOTES) for entry in entries]
    return Keyboard(middle, reference, _hertz(lines[5]), tuple(degrees), octave)


def _whole(text: str, what: str, low: int, high: int) -> int:
    number = text.split()[0] if text.split() else ""
    if not re.fullmatch(r"[+-]?\d{1,9}", number) or not low <= int(number) <= high:
        raise InputError(
            f"The {what} of a Scala file is a whole number from {low} to {high}, not '{text.strip()[:40]}'."
        )
    return int(number)


# --- as one types them ------------------------------------------------------------------------------------------------


def parse_tuning(text: str) -> Tuning:
    """The tuning that a text means: a name (see `Tuning.named`), SCALE.scl, or SCALE.scl,KEYBOARD.kbm, in either order;
    a .kbm alone lays the twelve equal steps on its keyboard. Raises InputError."""
    parts = [part.strip() for part in text.split(",")]
    endings = [Path(part).suffix.lower() for part in parts]
    if not {".scl", ".kbm"} & set(endings):
        return Tuning.named(text)
    if sorted(endings) not in ([".kbm"], [".scl"], [".kbm", ".scl"]):
        raise InputError(f"'{text}' is not a tuning. Give a name, SCALE.scl, or SCALE.scl,KEYBOARD.kbm.")
    files = dict(zip(endings, parts, strict=True))
    scl, kbm = (_read(files[ending]) if ending in files else None for ending in (".scl", ".kbm"))
    names = [Path(files[ending]).stem for ending in (".scl", ".kbm") if ending in files]
    return Tuning.from_scala(scl, kbm, " on ".join(names))


def _read(path: str | os.PathLike[str]) -> str:
    try:
        with open(path, "rb") as file:
            data = file.read(MOST_BYTES + 1)
    except OSError as cause:
        raise InputError(f"Cannot read the tuning '{path}': {cause.strerror}.") from cause
    if len(data) > MOST_BYTES:
        raise InputError(f"'{path}' is not a Scala file: it is larger than {MOST_BYTES / 1e6:g} MB.")
    if b"\0" in data:
        raise InputError(f"'{path}' is not a Scala file: it is not text.")
    return data.decode("latin-1" if _is_latin(data) else "utf-8")


def _is_latin(data: bytes) -> bool:
    """Whether the bytes are no UTF-8, as in many files of the Scala archive, whose remarks are in Latin-1."""
    try:
        data.decode("utf-8")
    except UnicodeDecodeError:
        return True
    return False
