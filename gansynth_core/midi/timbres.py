"""Timbres as one types them on a command line, and a path of them along a song."""

import bisect
import json
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gansynth_core.cards import ModelCard
from gansynth_core.errors import InputError
from gansynth_core.instruments import families
from gansynth_core.latent import Timbre, morph, sample
from gansynth_core.packs.wav import read_timbre
from gansynth_core.patch import Patch

# From one timbre to the next. Violin to flute in 64 steps: neighbours differ by 0.2 dB in the mean over time and
# frequency, where two seeds of one instrument differ by 0.8 dB and more.
STEPS = 64
MOST_TIMBRES = 1000
UNMUSICAL = ("Percussive", "Sound Effects")  # families that do not play melodies: random timbres leave them out


def parse_timbre(text: str, card: ModelCard) -> Timbre:
    """A timbre of `card`'s model by name.

    text: an instrument or named sound (`violin`, seed 0), one with a seed (`violin:7`), a bare seed if the model has no
    instruments (`7`), or a file: a Timbre or a Patch saved as JSON (only its timbre counts), or a WAV file of a pack.
    Raises InputError or AudioError.
    """
    text = text.strip()
    if text.lower().endswith(".wav"):
        timbre = read_timbre(text)
    elif text.lower().endswith(".json"):
        timbre = _saved(text)
    else:
        if not card.instruments and (text.isdecimal() or not card.named_sounds):
            return sample(card, 1, _seed(text, card))[0]
        name, colon, seed = text.rpartition(":")
        return sample(card, 1, _seed(seed, card) if colon else 0, name if colon else text)[0]
    if timbre.model != card.id:
        raise InputError(f"The sound in '{text}' belongs to the model '{timbre.model}', not to '{card.id}'.")
    return Timbre.of(card, timbre.z, dict(timbre.instruments) or None, timbre.imprint)


def _seed(text: str, card: ModelCard) -> int:
    if not text.isdecimal():
        raise InputError(f"'{text}' is not a seed: give a whole number, such as 7.")
    return int(text)


def _saved(path: str) -> Timbre:
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as cause:
        raise InputError(f"Cannot read '{path}': {cause.strerror}.") from cause
    except (ValueError, RecursionError) as cause:
        raise InputError(f"'{path}' is not a saved sound: it is not JSON.") from cause
    if isinstance(document, dict) and "timbre" in document:
        return Patch.from_json(document).timbre
    return Timbre.from_json(document)


def random_timbres(card: ModelCard, count: int, seed: int = 0) -> list[Timbre]:
    """`count` (1-1000) timbres at random, of an instrument at random where the model has some (drums and sound effects
    left out). Number i depends on seed + i alone. Raises InputError."""
    if isinstance(count, bool) or not isinstance(count, int) or not 1 <= count <= MOST_TIMBRES:
        raise InputError(f"Choose 1 to {MOST_TIMBRES} random timbres, not {count}.")
    sample(card, 1, seed)  # refuses an impossible seed
    names: Sequence[str | None] = [
        name for family, names in families(card.instruments).items() if family not in UNMUSICAL for name in names
    ]
    names = names or list(card.instruments) or [None]
    return [
        sample(card, 1, seed + item, names[int(np.random.default_rng(seed + item).integers(len(names)))])[0]
        for item in range(count)
    ]


_OUTSIDE = "The points of a path must be fractions of the song, from 0 (start) to 1 (end)."


class TimbrePath:
    """Timbres at points of a song, morphed in between in steps of a 64th: notes near to each other share a timbre, so
    that a synth renders it once.

    timbres: at least one, of one model. at: for each a fraction of the song's length, rising, from 0 to 1; evenly
    spread from start to end if None. Before the first and after the last point there is no change. Raises InputError.
    """

    def __init__(self, timbres: Sequence[Timbre], at: Sequence[float] | None = None) -> None:
        self.timbres = tuple(timbres)
        if not 1 <= len(self.timbres) <= MOST_TIMBRES:
            raise InputError(f"A path has 1 to {MOST_TIMBRES} timbres, not {len(self.timbres)}.")
        try:
            self.at = tuple(map(float, np.linspace(0, 1, len(self.timbres)) if at is None else at))
        except OverflowError as cause:  # of a whole number
            raise InputError(_OUTSIDE) from cause
        if len(self.at) != len(self.timbres):
            raise InputError(
                f"{len(self.timbres)} timbres need as many points in the song, not {len(self.at)}: "
                "give each a number from 0 (start) to 1 (end)."
            )
        if not all(0 <= point <= 1 for point in self.at):
            raise InputError(_OUTSIDE)
        if list(self.at) != sorted(set(self.at)):
            raise InputError("The points of a path must rise: each later than the one before.")
        self._found: dict[tuple[int, int], Timbre] = {}

    def __call__(self, fraction: float) -> Timbre:
        """The timbre at a fraction (0 to 1) of the song."""
        leg = bisect.bisect_right(self.at, fraction) - 1
        if leg < 0:
            return self.timbres[0]
        if leg == len(self.at) - 1:
            return self.timbres[-1]
        way = (fraction - self.at[leg]) / (self.at[leg + 1] - self.at[leg])
        step = round(way * STEPS)
        if (leg, step) not in self._found:
            self._found[leg, step] = morph(self.timbres[leg], self.timbres[leg + 1], step / STEPS)
        return self._found[leg, step]
