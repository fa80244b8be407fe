"""What the browser asks for, turned into what the core understands: sound documents, pitches, names.

A *sound document* is the part of a project that decides how a note sounds, and nothing else. It travels in addresses,
so that one address is one sound (`static/document/sound.js` writes it in one order and precision). It is one of

- `{"instruments": {"violin": 1}, "seed": 7}`: a seed's sound of an instrument or a mixture,
- `{"z": "<base64url float32>", "instruments": {...}}`: a point given by its numbers, which may have an `"imprint"` (the
  text of a gansynth_core.Imprint),
- `{"morph": [sound, sound], "at": 0.4}`: part of the way from one sound to another,
- `{"blend": [[sound, 0.7], [sound, 0.3]]}`: the middle of several,

each optionally with `"sliders": {name: amount}` and `"raw": {index of z: value}` on top, applied in this order. A
slider is named after one of the card's directions, which go one way in all sounds, or after a descriptor that it
follows in this very sound: `"steered brightness"` (see gansynth_core.steer). Those of directions are applied first.
"""

import base64
import binascii
import dataclasses
import hashlib
import json
import math
import re
from typing import Any, TypeGuard

import numpy as np

from gansynth_core import (
    DESCRIPTORS,
    SHARED,
    STEERING_HASH,
    Envelope,
    GanSynthError,
    Imprint,
    InputError,
    ModelCard,
    Steering,
    Timbre,
    blend,
    morph,
    nearest,
    nudge,
    sample,
)

WHOLE_PATH = re.compile(r"'(?:/|[A-Za-z]:\\)[^'\n]*[/\\]([^'/\\\n]+)'")
SLIDER_LIMIT = 3.0  # standard deviations along a direction; nobody has listened to the model beyond that
RAW_LIMIT = 4.0  # of a single number of z
SEED_LIMIT: int = SHARED["limits"]["seed"]
DOCUMENT_LIMIT = 40_000  # characters: four corners of 512 float32 numbers each, and some
DEPTH_LIMIT = 6  # sounds within sounds
PARTS_LIMIT = 24  # sounds in a sound, all told
PIANO_LOW, PIANO_HIGH = 36, 84  # C2 and C6
SENTENCE_LIMIT = 500  # characters of an error
BLOCK_LIMIT = 13  # notes in one request

# Raise this when the same weights sound or look different after a change: phases, Griffin-Lim, levels, fades, pictures.
# Browsers keep notes and pictures for a day, by a URL that contains it (see `digest_of`).
RENDERING = 2

STEERED = "steered "  # before a descriptor: the name of the slider that follows the sound
# What steers decides how notes sound. Links of before there was any carry the digest of a voice without it, so the
# first one that was bundled leaves the digest as it was.
FIRST_STEERING = "9273fa87214c7ab15501546e3996872b69d740217107180017b74f421febd1d6"

_ENVELOPE = {"attack": "attack_seconds", "decay": "decay_seconds", "sustain": "sustain", "release": "release_seconds"}
_KEY_NAMES = ("C", "C♯", "D", "D♯", "E", "F", "F♯", "G", "G♯", "A", "A♯", "B")


def parse_sound(document: Any, card: ModelCard) -> dict[str, Any]:
    """A sound document, as JSON text or read already, checked in form. Raises InputError in one sentence
    if it is not; whether the instruments and directions exist is checked by `timbre_of`."""
    if isinstance(document, str):
        if len(document) > DOCUMENT_LIMIT:
            raise InputError(f"This sound description is longer than {DOCUMENT_LIMIT:,} characters.")
        try:
            document = json.loads(document)
        except (ValueError, RecursionError) as cause:
            raise InputError("This sound description is not valid JSON.") from cause
    return _Parser(card).sound(document, 1)


class _Parser:
    """Checks one document and counts the sounds in it, so that no document causes endless work."""

    def __init__(self, card: ModelCard):
        self.card, self.parts = card, 0

    def sound(self, document: Any, depth: int) -> dict[str, Any]:
        self.parts += 1
        if depth > DEPTH_LIMIT or self.parts > PARTS_LIMIT:
            raise InputError("This sound is made of too many others. Keep it as a take first.")
        if not isinstance(document, dict):
            raise InputError("A sound description must be an object with instruments and seed, z, morph or blend.")
        if "morph" in document:
            ends, at = document["morph"], document.get("at")
            if not isinstance(ends, list) or len(ends) != 2 or not (_is_number(at) and 0 <= at <= 1):
                raise InputError("A morph lies between two sounds, at a number from 0 to 1.")
            sound = {"morph": [self.sound(end, depth + 1) for end in ends], "at": float(at)}
        elif "blend" in document:
            sound = {"blend": [self.part(part, depth + 1) for part in _listed(document["blend"])]}
        elif "z" in document:
            sound = {"z": _latent(document["z"], self.card), "instruments": _weights(document.get("instruments"))}
            if "imprint" in document:
                sound["imprint"] = Imprint.from_text(document["imprint"])
        else:
            seed = check_seed(document.get("seed"))
            sound = {"instruments": _weights(document.get("instruments")), "seed": seed}
        sound["sliders"] = _amounts(document.get("sliders", {}), "A slider", SLIDER_LIMIT)
        sound["raw"] = {
            _index(name, self.card): value
            for name, value in _amounts(document.get("raw", {}), "A number of z", RAW_LIMIT).items()
        }
        return sound

    def part(self, part: Any, depth: int) -> tuple[dict[str, Any], float]:
        if not isinstance(part, list) or len(part) != 2 or not (_is_number(part[1]) and 0 < part[1] <= 1):
            raise InputError("A blend lists sounds, each with a weight above 0 and at most 1.")
        return self.sound(part[0], depth), float(part[1])


def _listed(value: Any) -> list[Any]:
    if not isinstance(value, list) or not value:
        raise InputError("A blend lists at least one sound.")
    return value


def _is_number(value: Any) -> TypeGuard[float]:
    # Compared, not converted: a whole number may be too large for a float. NaN fails the comparison.
    return isinstance(value, int | float) and not isinstance(value, bool) and -math.inf < value < math.inf


def _latent(text: Any, card: ModelCard) -> tuple[float, ...]:
    try:
        numbers = np.frombuffer(base64.urlsafe_b64decode(text + "=" * (-len(text) % 4)), "<f4")
    except (TypeError, ValueError, binascii.Error) as cause:
        raise InputError("The numbers of z must be float32 as base64url text.") from cause
    if len(numbers) != card.latent_size:
        raise InputError(f"'{card.id}' takes {card.latent_size} numbers for z, not {len(numbers)}.")
    return tuple(numbers.tolist())


def sound_of(timbre: Timbre) -> dict[str, Any]:
    """The sound document of a timbre, by its numbers."""
    sound = {"z": pack_latent(timbre.z), "instruments": dict(timbre.instruments)}
    return sound if timbre.imprint is None else sound | {"imprint": timbre.imprint.to_text()}


def pack_latent(z: tuple[float, ...]) -> str:
    """`z` as a sound document holds it; float32, which is what the network computes in."""
    return base64.urlsafe_b64encode(np.asarray(z, "<f4").tobytes()).decode().rstrip("=")


def _weights(value: Any) -> dict[str, float]:
    if not isinstance(value, dict) or len(value) > 16:
        raise InputError("Instruments are given by name, each with a weight, at most 16 of them.")
    if not all(_is_number(weight) and 0 <= weight <= 1 for weight in value.values()):
        raise InputError("An instrument's weight must be a number from 0 to 1.")
    if value and not sum(value.values()) > 0:
        raise InputError("At least one instrument needs a weight above 0.")
    return value


def _amounts(value: Any, what: str, limit: float) -> dict[str, float]:
    if not isinstance(value, dict):
        raise InputError(f"{what} must be given by name.")
    if not all(_is_number(amount) and abs(amount) <= limit for amount in value.values()):
        raise InputError(f"{what} must be a number from -{limit:g} to {limit:g}.")
    return {name: float(amount) for name, amount in value.items()}


def _index(name: str, card: ModelCard) -> int:
    if not (name.isascii() and name.isdecimal() and int(name[:9]) < card.latent_size):
        raise InputError(f"The numbers of z run from 0 to {card.latent_size - 1}; there is no {name[:20]!r}.")
    return int(name)


def parse_patch(document: Any) -> tuple[Envelope, float]:
    """Envelope and gain in dB of a project's patch `{attack, decay, sustain, release, gain}`, all optional, as JSON
    text or read already. Raises InputError; the gain is for whoever applies it to check."""
    if isinstance(document, str):
        try:
            document = json.loads(document)
        except (ValueError, RecursionError) as cause:
            raise InputError("This patch is not valid JSON.") from cause
    if not isinstance(document, dict) or not set(document) <= {*_ENVELOPE, "gain"}:
        raise InputError(f"A patch must be an object with {', '.join(_ENVELOPE)} and gain.")
    envelope = Envelope(**{field: document[name] for name, field in _ENVELOPE.items() if name in document})
    return envelope, document.get("gain", 0.0)


def pack_patch(envelope: Envelope, gain_db: float) -> dict[str, float]:
    """Inverse of `parse_patch`."""
    return {name: getattr(envelope, field) for name, field in _ENVELOPE.items()} | {"gain": gain_db}


def check_seed(value: Any) -> int:
    """`value` as a seed. Raises InputError unless it is a whole number from 0 to `SEED_LIMIT`."""
    if not _is_number(value) or value != int(value) or not 0 <= value <= SEED_LIMIT:
        raise InputError(f"A seed must be a whole number from 0 to {SEED_LIMIT}.")
    return int(value)


def check_pitch(value: Any, card: ModelCard) -> int:
    """`value` (number or text) as the pitch of a key, MIDI, that the model learned. Raises InputError otherwise."""
    try:
        pitch = float(value)
    except (TypeError, ValueError, OverflowError):
        pitch = math.nan
    if not pitch.is_integer():
        raise InputError(f"{value!r} is not a pitch. Give a whole MIDI number; 60 is middle C.")
    card.check_pitch(pitch)
    return int(pitch)


def timbre_of(sound: dict[str, Any], card: ModelCard) -> Timbre:
    """The Timbre that a parsed sound document stands for. Raises InputError, naming the nearest known instrument or
    direction."""
    if "morph" in sound:
        start, goal = (timbre_of(end, card) for end in sound["morph"])
        timbre = morph(start, goal, sound["at"])
    elif "blend" in sound:
        timbre = blend([timbre_of(part, card) for part, _ in sound["blend"]], [weight for _, weight in sound["blend"]])
    elif "z" in sound:
        timbre = Timbre.of(card, sound["z"], sound["instruments"] or None, sound.get("imprint"))
    else:
        timbre = sample(card, seed=sound["seed"], instrument=sound["instruments"] or None)[0]
    if sound["sliders"]:
        steering = Steering.find(card)
        steered = {STEERED + aspect: aspect for aspect in steering.aspects} if steering else {}
        names = [direction.name for direction in card.directions]
        for name in sound["sliders"]:
            if name not in names and name not in steered:
                raise InputError(f"'{card.id}' has no slider '{name[:60]}'.{nearest(name, [*names, *steered])}")
        timbre = nudge(timbre, card, [sound["sliders"].get(name, 0.0) for name in names])
        amounts = {steered[name]: amount for name, amount in sound["sliders"].items() if name in steered}
        if steering and amounts:
            timbre = steering.steer(timbre, amounts)
    if sound["raw"]:
        timbre = dataclasses.replace(
            timbre, z=tuple(sound["raw"].get(index, value) for index, value in enumerate(timbre.z))
        )
    return timbre


def reach_of(sound: dict[str, Any], card: ModelCard) -> dict[str, Any]:
    """How far the sliders that follow a sound can take it, by their names, as JSON: what the sound has in the
    descriptor's unit `here`, at the lower end (`low`) and at the upper (`high`), and to which sides that would be heard
    (`down`, `up`). Empty for a model without such sliders, and for a sound with an imprint, of which the predictor
    knows nothing. Raises InputError as `timbre_of`."""
    steering, timbre = Steering.find(card), timbre_of(sound, card)
    reaches = steering.reach(timbre) if steering and timbre.imprint is None else {}
    return {
        STEERED + name: {
            **{place: float(f"{getattr(reach, place):.4g}") for place in ("low", "here", "high")},
            "down": reach.down,
            "up": reach.up,
        }
        for name, reach in reaches.items()
    }


def instrument_weights(sound: dict[str, Any]) -> dict[str, float]:
    """Weights of all instruments in a parsed sound document, summing to 1; empty for a model without instruments."""
    if "morph" in sound:
        parts = list(zip(sound["morph"], (1 - sound["at"], sound["at"]), strict=True))
    elif "blend" in sound:
        parts = sound["blend"]
    else:
        total = sum(sound["instruments"].values())
        return {name: weight / total for name, weight in sound["instruments"].items()}
    whole = sum(weight for _, weight in parts)
    weights: dict[str, float] = {}
    for part, share in parts:
        for name, weight in instrument_weights(part).items():
            weights[name] = weights.get(name, 0.0) + weight * share / whole
    return weights


def leading_instrument(sound: dict[str, Any]) -> str | None:
    """The instrument with the largest weight, None for a sound without one."""
    weights = instrument_weights(sound)
    return max(weights, key=weights.__getitem__) if weights else None


def title_of_sound(sound: dict[str, Any], card: ModelCard) -> str:
    """What a picture calls the sound, as in `static/document/sound.js`: "Violin 7", "Violin → Flute 40 %"."""
    if "morph" in sound and _is_varied(sound):
        return f"{title_of_sound(sound['morph'][0], card)} varied"
    if "morph" in sound:
        start, goal = (title_of_sound(end, card) for end in sound["morph"])
        return f"{start} → {goal} {round(100 * sound['at'])} %"
    instrument = leading_instrument(sound)
    name = title_of(instrument) if instrument else card.title
    if "blend" in sound:
        return f"Blend of {name}"
    if "z" in sound:
        return f"{name} take"
    mixed = " mix" if len(sound["instruments"]) > 1 else ""
    return f"{name}{mixed}{' ' + str(sound['seed']) if sound['seed'] else ''}"


def _is_varied(sound: dict[str, Any]) -> bool:
    """Whether a morph is one of the page's variations: a step towards another sound of the same instruments and along
    some sliders."""
    start, goal = sound["morph"]
    return "seed" in goal and leading_instrument(start) == leading_instrument(goal) and bool(sound["sliders"])


def pitch_name(pitch: int) -> str:
    """`C4` for 60, `C♯4` for 61: the key's name with its octave."""
    return f"{_KEY_NAMES[pitch % 12]}{pitch // 12 - 1}"


def title_of(instrument: str) -> str:
    """`acoustic_grand_piano` as people read it: `Acoustic Grand Piano`."""
    return " ".join(word if word == "fx" else word.capitalize() for word in instrument.split("_")).replace("fx", "FX")


def file_name(sound: dict[str, Any], pitch: int) -> str:
    """Name of a downloaded note, for example `violin_C4_060_seed7.wav`; sharps are spelled `Cs4`, safe on any disk."""
    key = pitch_name(pitch).replace("♯", "s")
    names = sorted(instrument_weights(sound).items(), key=lambda pair: -pair[1])
    name = "_".join(name for name, _ in names[:2]) or "sound"
    kind = f"seed{sound['seed']}" if "seed" in sound else "morph" if "morph" in sound else "take"
    shaped = "_shaped" if any(sound["sliders"].values()) or sound["raw"] else ""
    return f"{name}_{key}_{pitch:03d}_{kind}{shaped}.wav"


def glide_name(sounds: list[dict[str, Any]], pitch: int) -> str:
    """Name of a downloaded note that glides through `sounds`, for example `violin_flute_C4_060_glide.wav`."""
    way = {"morph": [sounds[0], sounds[-1]], "at": 0.5, "sliders": {}, "raw": {}}
    return file_name(way, pitch).replace("_morph", "_glide")


def family_hues(card: ModelCard) -> dict[str, float]:
    """Hue angle (degrees, OKLCH) of each instrument family of the model: its colour on the page and in pictures."""
    titles = list(card.families())
    return {title: (30 + 360 * index / max(1, len(titles))) % 360 for index, title in enumerate(titles)}


def hue_of(instrument: str | None, card: ModelCard) -> float:
    """Hue angle of an instrument's family; 30 for a sound without an instrument."""
    hues = family_hues(card)
    for title, names in card.families().items():
        if instrument in names:
            return hues[title]
    return 30.0


def digest_of(card: ModelCard) -> str:
    """Sixteen hex digits that change whenever the model may sound different, and only then. They are part of URLs."""
    network = card.sha256, card.family, card.generator, card.instruments, card.named_sounds
    steering = card.training.get(STEERING_HASH, FIRST_STEERING)
    steered = () if steering == FIRST_STEERING else (steering,)
    facts = repr((network, card.directions, card.specgram, RENDERING, *steered))
    # Links carry the digest, and were made when a NamedSound was still called a Preset.
    return hashlib.sha256(facts.replace("NamedSound(", "Preset(").encode()).hexdigest()[:16]


def _sentence(name: str) -> str:
    return name[:1].upper() + name[1:]


def sentence_of(error: GanSynthError) -> str:
    """What `error` says, fit to be sent: half a surrogate pair in a name it quotes, which UTF-8 lacks, becomes `?`;
    what it quotes at great length is left out but for its ends; of a path on this machine only the name is told."""
    sentence = WHOLE_PATH.sub(r"'\1'", str(error).encode("utf-8", "replace").decode())
    half = SENTENCE_LIMIT // 2
    return sentence if len(sentence) <= SENTENCE_LIMIT else f"{sentence[:half]} … {sentence[-half:]}"


def _sliders(card: ModelCard) -> list[dict[str, Any]]:
    """The sliders that follow the sound, then those of the card's directions. A named direction whose descriptor is
    followed is a `former` one, for sounds that were saved with it."""
    steering = Steering.find(card)
    aspects = steering.aspects if steering else ()
    sliders: list[dict[str, Any]] = [
        {"name": STEERED + name, "title": _sentence(name), "kind": "named", "descriptor": name} for name in aspects
    ]
    for one in card.directions:
        former = one.kind == "named" and one.descriptor in aspects
        title = f"{_sentence(one.name)}, as it was" if former else _sentence(one.name)
        kind = "former" if former else one.kind
        sliders.append({"name": one.name, "title": title, "kind": kind, "descriptor": one.descriptor or None})
    return sliders


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
        "directions": _sliders(card),
        "steered": [STEERED + name for name in steering.aspects] if (steering := Steering.find(card)) else [],
        "descriptors": [
            {"name": one.name, "title": one.title, "unit": one.unit, "log": one.log, "about": one.about}
            for one in DESCRIPTORS
        ],
        "sliderLimit": SLIDER_LIMIT,
        "latentSize": card.latent_size,
        "rawLimit": RAW_LIMIT,
        "shared": SHARED,
        "families": [
            {
                "title": title,
                "hue": hues[title],
                "instruments": [{"name": name, "title": title_of(name)} for name in names],
            }
            for title, names in card.families().items()
        ],
    }
