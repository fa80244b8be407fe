"""Every error that GANSynth Studio raises on purpose. Each message is written for the person who plays.

GanSynthError
├── InputError    a value that someone gave: pitch, instrument, z, duration
├── ModelError    a model's card or weights: missing, damaged, from a newer version
├── AudioError    a sound file that cannot be read or written
├── DataError     a training set or its source
└── ToolError     a program or library of the system that is missing
"""

import difflib
import re
from collections.abc import Iterable


class GanSynthError(Exception):
    """Root of the tree. Catch it to catch everything that the user can fix."""


class InputError(GanSynthError):
    """A value outside what the model or function accepts; the message names both."""


class ModelError(GanSynthError):
    """A model that is missing, damaged, or does not fit its card."""


class AudioError(GanSynthError):
    """A sound file that cannot be read or written."""


class DataError(GanSynthError):
    """A training source or prepared set that cannot be used."""


class ToolError(GanSynthError):
    """A program or library that must be installed first; the message says how."""


def plain_name(name: str) -> str:
    """`name` as names are compared: lower case, with spaces and hyphens as underscores."""
    return re.sub(r"[\s_-]+", "_", name.strip().lower())


def nearest(name: str, choices: Iterable[str]) -> str:
    """`" Did you mean 'violin'?"` for the closest of `choices`, or an empty string if none is close. Of a word that
    several have, such as "piano", the first three are named."""
    wanted = plain_name(name)
    known = {plain_name(choice): choice for choice in choices}
    found = [choice for plain, choice in known.items() if wanted and f"_{wanted}_" in f"_{plain}_"]
    if not found:
        called = {plain: [choice] for plain, choice in known.items()}
        for plain, choice in known.items():
            for word in set(plain.split("_")) - {plain}:
                called.setdefault(word, []).append(choice)
        for close in difflib.get_close_matches(wanted, called, n=1, cutoff=0.5):
            found = called[close]
    if not found:
        return ""
    *others, last = [f"'{choice}'" for choice in found[:3]]
    return f" Did you mean {', '.join(others)} or {last}?" if others else f" Did you mean {last}?"
