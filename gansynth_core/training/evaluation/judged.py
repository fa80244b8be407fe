"""What was measured of one held-out note."""

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from gansynth_core.training.evaluation.checks import SoundCheck

KINDS = ("real", "model", "reconstruction")
DISTANCES = ("model", "reconstruction", "resynthesis", "variation", "other_instrument")

Samples = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Judged:
    """One held-out note and what was measured on its versions. By kind: cents, NaN for unpitched; checks; descriptors,
    as `gansynth_core.measure` gives them; textures: contrast and modulation in dB (textures.py). distance: dB by what
    the real note was compared with (DISTANCES). level_db: how much louder the model's note is, RMS."""

    index: int
    instrument: str
    family: str
    pitch: float
    velocity: int
    cents: dict[str, float]
    distance: dict[str, float]
    level_db: float
    checks: dict[str, SoundCheck]
    descriptors: dict[str, npt.NDArray[Any]]
    textures: dict[str, tuple[float, float]]


Sounds = dict[str, Samples]  # of a note, by kind


@dataclass(frozen=True)
class Comparison:
    """document: every figure, for JSON. judged: note by note. shown: notes to look at and listen to, with their sound
    float32 [samples] by kind."""

    document: dict[str, Any]
    judged: list[Judged]
    shown: list[tuple[Judged, Sounds]]
