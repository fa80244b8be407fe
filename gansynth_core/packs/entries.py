"""Reads the entries of a plan's JSON document: sounds, wavetables and keys. All raise InputError, in one sentence."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from gansynth_core.cards import ModelCard
from gansynth_core.errors import InputError
from gansynth_core.latent import Timbre, sample
from gansynth_core.packs.checks import only, shown, whole
from gansynth_core.packs.items import WAVETABLE_PITCH, PackItem, Wavetable, morph_items
from gansynth_core.patch import Patch, envelope_of

MOST_CANDIDATES = 2_000  # sounds to choose the most different of; each is rendered once
TOO_LARGE = "A number in this plan's sounds is too large to compute with."

Choose = Callable[[list[Timbre], int], Sequence[int]]
Entry = Mapping[str, Any]


def pitches_of(value: object, card: ModelCard) -> Sequence[int]:
    """The keys of a plan: 60, [48, 60], {"low", "high", "every"}, or "all" for every key that the model knows."""
    if value == "all":
        return range(card.pitch_low, card.pitch_high + 1)
    if isinstance(value, Mapping):
        only(value, ("low", "high", "every"), "The pitches of a plan")
        low = whole(value.get("low", card.pitch_low), "The lowest pitch (low)", 0, 127)
        high = whole(value.get("high", card.pitch_high), "The highest pitch (high)", 0, 127)
        if low > high:
            raise InputError(f"The lowest pitch ({low}) must not be above the highest ({high}).")
        return range(low, high + 1, whole(value.get("every", 1), "every", 1, 127))
    if isinstance(value, list):
        return [whole(pitch, "Every pitch", 0, 127) for pitch in value]
    if value is None:
        raise InputError('A plan needs "pitches", such as 60, {"low": 36, "high": 84, "every": 3} or "all".')
    return [whole(value, "The pitch", 0, 127)]


def count(entry: object) -> int:
    """How many sounds an entry of `items` stands for."""
    if not isinstance(entry, Mapping):
        raise InputError(f"Every item of a plan must be an object, not {shown(entry)}.")
    if "morph" in entry:
        return whole(entry.get("steps"), "The steps of a morph", 2, 2**53)
    if "different" in entry:
        return whole(entry["different"], "The number of different sounds", 1, MOST_CANDIDATES)
    return whole(entry.get("count", 1), "The count of an item", 1, 2**53)


def items_of(entries: Sequence[Entry], card: ModelCard, choose: Choose | None = None) -> list[PackItem]:
    """The sounds that the `items` of a plan stand for, which `count` has checked."""
    try:
        return [item for entry in entries for item in _items(entry, card, choose)]
    except OverflowError as cause:
        raise InputError(TOO_LARGE) from cause


def wavetable_of(entry: object, card: ModelCard) -> Wavetable:
    """A wavetable: {"name", "morph": [sound, sound], "pitch"}."""
    if not isinstance(entry, Mapping):
        raise InputError(f"Every wavetable of a plan must be an object, not {shown(entry)}.")
    only(entry, ("name", "morph", "pitch"), "A wavetable")
    name, pitch = entry.get("name", "wavetable"), entry.get("pitch", max(WAVETABLE_PITCH, card.pitch_low))
    if not isinstance(name, str):
        raise InputError(f"The name of a wavetable must be text, not {shown(name)}.")
    try:
        return Wavetable(name, *_ends(entry.get("morph"), card), pitch)
    except OverflowError as cause:
        raise InputError(TOO_LARGE) from cause


def _items(entry: Entry, card: ModelCard, choose: Choose | None = None) -> list[PackItem]:
    name = entry.get("name")
    if name is not None and not isinstance(name, str):
        raise InputError(f"The name of a sound must be text, not {shown(name)}.")
    if "morph" in entry:
        only(entry, ("name", "morph", "steps"), "A morph")
        return morph_items(name or "morph", *_ends(entry["morph"], card), entry["steps"])
    if "different" in entry:
        return _different(entry, card, choose)
    if "timbre" in entry:
        only(entry, ("name", "timbre", "envelope"), "A sound with a timbre")
        envelope = envelope_of(entry["envelope"]) if "envelope" in entry else None
        return [PackItem(name or "sound", Timbre.from_json(entry["timbre"]), envelope)]
    if "patch" in entry:
        only(entry, ("name", "patch"), "A sound with a patch")
        item = PackItem.of(Patch.from_json(entry["patch"]))
        return [replace(item, name=name) if name else item]
    return _sampled(entry, name, card)


def _sampled(entry: Entry, name: str | None, card: ModelCard) -> list[PackItem]:
    only(entry, ("name", "instrument", "seed", "count"), "A sound")
    instrument = entry.get("instrument")
    if instrument is not None and not isinstance(instrument, (str, Mapping)):
        raise InputError(f"An instrument must be a name, or weights by name, not {shown(instrument)}.")
    seed, number = whole(entry.get("seed", 0), "The seed", 0, 2**53), entry.get("count", 1)
    name = name or (instrument if isinstance(instrument, str) else "sound")
    endings = [""] if number == 1 else [f" {place + 1:02d}" for place in range(number)]
    timbres = sample(card, number, seed, instrument)
    return [PackItem(name + ending, timbre) for ending, timbre in zip(endings, timbres, strict=True)]


def _different(entry: Entry, card: ModelCard, choose: Choose | None) -> list[PackItem]:
    only(entry, ("different", "among"), "A choice of sounds")
    among = entry.get("among")
    if not isinstance(among, list) or not among or any("different" in one for one in among if isinstance(one, Mapping)):
        raise InputError('"different" chooses from sounds: give a list of them as "among".')
    found = sum(count(one) for one in among)
    if not entry["different"] <= found <= MOST_CANDIDATES:
        raise InputError(
            f"To choose {entry['different']} different sounds, list at least as many and at most {MOST_CANDIDATES:,}, "
            f"not {found:,}."
        )
    if choose is None:
        raise InputError("Choosing the most different sounds needs the model itself, not just its card.")
    items = [item for one in among for item in _items(one, card)]
    return [items[place] for place in choose([item.timbre for item in items], entry["different"])]


def _ends(value: object, card: ModelCard) -> tuple[Timbre, Timbre]:
    if not isinstance(value, list) or len(value) != 2 or not all(isinstance(end, Mapping) for end in value):
        raise InputError("A morph goes from one sound to another: give a list of two sounds.")
    if any("morph" in end or "different" in end or count(end) != 1 for end in value):
        raise InputError("A morph goes from one sound to another: each end must be a single sound.")
    start, end = (_items(end, card)[0].timbre for end in value)
    return start, end
