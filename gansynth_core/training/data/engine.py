"""Synthesizers as sources of notes: what an engine is, and those there are. fm.py, zyn.py, csound.py and so on have one
each. All are optional: an engine that is not installed says what to install.

What a program plays is not the program's: notes carry the licence of the program (its settings), not the engine's.
"""

import importlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from gansynth_core.errors import InputError, nearest

Notes = npt.NDArray[np.float32]  # [notes, samples]

HELD_SECONDS, RELEASED_SECONDS = 3.0, 1.0  # as NSynth's notes

#: What sorts of instrument there are among programs -> the family that a picker shows them in.
FAMILIES = {
    "bell": "Bells and Glass",
    "mallet": "Bars and Mallets",
    "pluck": "Plucked Models",
    "keys": "Electric Keys",
    "organ": "Pipes and Drawbars",
    "bass": "New Basses",
    "bowed": "Bowed Models",
    "blown": "Blown Models",
    "brass": "New Brass",
    "voice": "Vowels and Choirs",
    "strings": "New Strings",
    "pad": "New Pads",
    "lead": "New Leads",
    "metal": "Metal and Noise",
}


@dataclass(frozen=True)
class Program:
    """A sound that an engine plays: its name, unique within the engine; kind, one of FAMILIES; what the engine needs to
    play it, as JSON would keep it; and the licence of these settings."""

    engine: str
    name: str
    kind: str
    licence: str
    settings: dict[str, Any] = field(hash=False)


@dataclass(frozen=True)
class Key:
    """A key to play: MIDI number and velocity, 1-127; and what is changed about the program, in the order of the
    engine's `variation_names`."""

    pitch: int
    velocity: int
    variation: tuple[float, ...] = ()


class Engine(Protocol):
    """A synthesizer. Building one raises ToolError, with a sentence that says what to install, where it is missing.

    name: as `--source` takes it. notes_a_second: about how many it plays on one core, for estimates.
    variation_names: what `Key.variation` changes, none for an engine that only plays its programs as they are;
    variation_ranges: lowest and highest value of each.
    """

    name: str
    notes_a_second: float
    variation_names: tuple[str, ...]
    variation_ranges: tuple[tuple[float, float], ...]

    def programs(self, count: int, seed: int) -> list[Program]:
        """Up to `count` programs; the same ones for the same seed, in the same order."""
        ...

    def play(self, program: Program, keys: Sequence[Key], sample_rate: int) -> Notes:
        """The keys one by one, held for HELD_SECONDS and let go for RELEASED_SECONDS: mono [keys, samples]. May crash:
        see isolated.py."""
        ...


#: `--source` -> module and class. A module is loaded only where its engine is asked for.
ENGINES = {
    "gm": ("soundfont", "GeneralMidi"),
    "fm": ("fm", "Fm"),
    "zyn": ("zyn", "Zyn"),
    "csound": ("csound", "Csound"),
    "sonicpi": ("sonicpi", "SonicPi"),
    "whysynth": ("whysynth", "WhySynth"),
    "amsynth": ("amsynth", "Amsynth"),
}


def build_engine(name: str) -> Engine:
    """The engine of that name, or one of your own as `package.module:Class`. Raises InputError for an unknown one and
    ToolError for a missing one."""
    module, _, engine = name.partition(":")
    if not engine:
        if name not in ENGINES:
            choice = f"{nearest(name, ENGINES)} Choose from {', '.join(ENGINES)}."
            raise InputError(f"There is no synthesizer '{name}'.{choice}")
        module, engine = ENGINES[name]
        module = f"gansynth_core.training.data.{module}"
    built: Engine = getattr(importlib.import_module(module), engine)()
    return built


def lengths(sample_rate: int) -> tuple[int, int]:
    """Samples that a key is held, and that a note has in all."""
    return round(HELD_SECONDS * sample_rate), round((HELD_SECONDS + RELEASED_SECONDS) * sample_rate)
