"""Every error that GANSynth Studio raises on purpose. Each message is written for the person who plays.

GanSynthError
├── InputError    a value that someone gave: pitch, instrument, z, duration
├── ModelError    a model's card or weights: missing, damaged, from a newer version
├── AudioError    a sound file that cannot be read or written
├── DataError     a training set or its source
└── ToolError     a program or library of the system that is missing
"""

import difflib
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


def nearest(name: str, choices: Iterable[str]) -> str:
    """`" Did you mean 'violin'?"` for the closest of `choices`, or an empty string if none is close."""
    found = difflib.get_close_matches(name.lower().replace(" ", "_"), list(choices), n=1, cutoff=0.5)
    return f" Did you mean '{found[0]}'?" if found else ""
