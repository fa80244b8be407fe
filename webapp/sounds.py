"""What the browser asks for, turned into what the core understands: sound documents, pitches, names.

A *sound document* is the part of a project that decides how a note sounds, and nothing else:
`{"instruments": {"violin": 1.0}, "seed": 7, "sliders": [0.0, 1.5, ...]}`. It travels in URLs, so one URL is one sound.
"""

import hashlib
import json
import math
from typing import Any

from gansynth_core import GanSynthError, InputError, ModelCard, Timbre, families, nudge, sample

SLIDER_LIMIT = 3.0  # standard deviations along a direction; beyond it the model was never heard
SEED_LIMIT = 2**31 - 1
DOCUMENT_LIMIT = 4096  # characters
PIANO_LOW, PIANO_HIGH = 36, 84  # C2 and C6
BLOCK_LIMIT = 13  # notes in one request: an octave with its upper C

# Raise this when the same weights come to sound or look otherwise: phases, Griffin-Lim, levels, fades, pictures.
# Browsers keep notes and pictures for a day by a URL that carries it (see `digest_of`).
RENDERING = 1

_KEY_NAMES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")


def parse_sound(text: str, card: ModelCard) -> dict[str, Any]:
    """The sound document in `text`, checked. Raises InputError with one sentence for anything amiss.

    Sliders left out are zero; whether the instruments exist is the model's to say (see `timbre_of`).
    """
    if len(text) > DOCUMENT_LIMIT:
        raise InputError(f"This sound description is longer than {DOCUMENT_LIMIT} characters.")
    try:
        document = json.loads(text)
    except (ValueError, RecursionError) as cause:
        raise InputError("This sound description is not readable JSON.") from cause
    if not isinstance(document, dict):
        raise InputError("A sound description is an object with instruments, seed and sliders.")
    return {
        "instruments": _weights(document.get("instruments")),
        "seed": check_seed(document.get("seed")),
        "sliders": _sliders(document.get("sliders", []), len(card.directions)),
    }


def _is_number(value: Any) -> bool:
    # Compared, not converted: a whole number may be too large for a float. NaN fails the comparison.
    return isinstance(value, int | float) and not isinstance(value, bool) and -math.inf < value < math.inf


def _weights(value: Any) -> dict[str, float]:
    if not isinstance(value, dict) or len(value) > 16:
        raise InputError("Instruments are given by name with a weight each, at most 16 of them.")
    if not all(_is_number(weight) and 0 <= weight <= 1 for weight in value.values()):
        raise InputError("An instrument's weight is a number from 0 to 1.")
    if value and not sum(value.values()) > 0:
        raise InputError("At least one instrument needs a weight above 0.")
    return value


def _sliders(value: Any, count: int) -> list[float]:
    if not isinstance(value, list) or len(value) > count:
        raise InputError(f"Sliders are a list of at most {count} numbers.")
    if not all(_is_number(amount) and abs(amount) <= SLIDER_LIMIT for amount in value):
        raise InputError(f"A slider is a number from -{SLIDER_LIMIT:g} to {SLIDER_LIMIT:g}.")
    return [float(amount) for amount in value]


def check_seed(value: Any) -> int:
    """`value` as a seed. Raises InputError unless it is a whole number from 0 to `SEED_LIMIT`."""
    if not _is_number(value) or value != int(value) or not 0 <= value <= SEED_LIMIT:
        raise InputError(f"A seed is a whole number from 0 to {SEED_LIMIT}.")
    return int(value)


def check_pitch(value: Any, card: ModelCard) -> int:
    """`value` (number or text) as the pitch of a key, MIDI, that the model learned. Raises InputError otherwise."""
    try:
        pitch = float(value)
    except (TypeError, ValueError, OverflowError):
        pitch = math.nan
    if not pitch.is_integer():
        raise InputError(f"{value!r} is not a pitch: give a whole MIDI number, 60 is middle C.")
    card.check_pitch(pitch)
    return int(pitch)


def timbre_of(sound: dict[str, Any], card: ModelCard) -> Timbre:
    """The Timbre that a parsed sound document stands for. Raises InputError, naming the nearest known instrument."""
    start = sample(card, seed=sound["seed"], instrument=sound["instruments"] or None)[0]
    return nudge(start, card, sound["sliders"]) if any(sound["sliders"]) else start


def leading_instrument(sound: dict[str, Any]) -> str | None:
    """The instrument with the largest weight, None for a sound without one."""
    weights = sound["instruments"]
    return max(weights, key=weights.__getitem__) if weights else None


def pitch_name(pitch: int) -> str:
    """`C4` for 60, `C♯4` for 61: the key's name with its octave."""
    return f"{_KEY_NAMES[pitch % 12]}{pitch // 12 - 1}"


def title_of(instrument: str) -> str:
    """`acoustic_grand_piano` as one reads it: `Acoustic Grand Piano`."""
    return " ".join(word if word == "fx" else word.capitalize() for word in instrument.split("_")).replace("fx", "FX")


def file_name(sound: dict[str, Any], pitch: int) -> str:
    """Name of a downloaded note, for example `violin_C4_060_seed7.wav`; sharps are spelled `Cs4`, safe on any disk."""
    key = pitch_name(pitch).replace("♯", "s")
    moved = "_shaped" if any(sound["sliders"]) else ""
    return f"{leading_instrument(sound) or 'sound'}_{key}_{pitch:03d}_seed{sound['seed']}{moved}.wav"


def family_hues(card: ModelCard) -> dict[str, float]:
    """Hue angle (degrees, OKLCH) of each instrument family of the model: its colour on the page and in pictures."""
    titles = list(families(card.instruments))
    return {title: (30 + 360 * index / max(1, len(titles))) % 360 for index, title in enumerate(titles)}


def hue_of(instrument: str | None, card: ModelCard) -> float:
    """Hue angle of an instrument's family; 30 for a sound without an instrument."""
    hues = family_hues(card)
    for title, names in families(card.instruments).items():
        if instrument in names:
            return hues[title]
    return 30.0


def digest_of(card: ModelCard) -> str:
    """Sixteen hex digits that change whenever the model may sound otherwise, and only then. URLs carry it."""
    network = card.sha256, card.family, card.generator, card.instruments
    return hashlib.sha256(repr((network, card.directions, card.specgram, RENDERING)).encode()).hexdigest()[:16]


def sentence_of(error: GanSynthError) -> str:
    """What `error` says, fit to be sent: half a surrogate pair in a name it quotes, which UTF-8 lacks, becomes `?`."""
    return str(error).encode("utf-8", "replace").decode()


def describe(card: ModelCard) -> dict[str, Any]:
    """What the page must know of the model, as JSON: families with names and hues, range, rate, sliders, limits."""
    hues = family_hues(card)
    low, high = max(PIANO_LOW, card.pitch_low), min(PIANO_HIGH, card.pitch_high)
    return {
        "id": card.id,
        "title": card.title,
        "digest": digest_of(card),
        "rate": card.specgram.sample_rate,
        "seconds": card.specgram.seconds,
        "low": low,
        "high": high,
        "keys": [pitch_name(pitch) for pitch in range(low, high + 1)],
        "sliders": len(card.directions),
        "sliderLimit": SLIDER_LIMIT,
        "seedLimit": SEED_LIMIT,
        "families": [
            {
                "title": title,
                "hue": hues[title],
                "instruments": [{"name": name, "title": title_of(name)} for name in names],
            }
            for title, names in families(card.instruments).items()
        ],
    }
