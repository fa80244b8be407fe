"""What a sample pack shall hold: sounds, keys, and how they are written. As JSON, a plan is a file to keep and edit."""

import json
import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from gansynth_core.cards import ModelCard
from gansynth_core.errors import InputError, nearest
from gansynth_core.files import replacing
from gansynth_core.latent import Timbre, morph, sample
from gansynth_core.packs.naming import PROFILES

FORMAT = 1
SUBTYPES = {"PCM_16": 2, "PCM_24": 3, "FLOAT": 4}  # bytes a sample
SAMPLE_RATES = (44100, 48000)  # Hz, beside the model's own
LEVELS = ("sound", "note")
REJECTS = ("drop", "keep")
MOST_NOTES = 20_000  # 10 GB; a plan of as many one-shots takes half a gigabyte of memory
NOTES_PER_SECOND = 12.0  # a guess before anything is rendered: the studio voice takes 50 ms of one core a note
FILE_OVERHEAD = 12_000  # bytes of a WAV beside its samples, most of them the 512 numbers of its timbre


@dataclass(frozen=True)
class PackItem:
    """A sound of a pack: any name, from which a safe one is made, and the timbre."""

    name: str
    timbre: Timbre

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not isinstance(self.timbre, Timbre):
            raise InputError("A sound of a pack is a name and a timbre.")


@dataclass(frozen=True)
class Estimate:
    """notes: how many files at most. bytes: size of the zip at most. seconds: a guess at the time it takes."""

    notes: int
    bytes: int
    seconds: float

    def __str__(self) -> str:
        size = f"{self.bytes / 1e9:,.1f} GB" if self.bytes >= 1e9 else f"{self.bytes / 1e6:.1f} MB"
        time = f"{self.seconds / 3600:,.1f} h" if self.seconds >= 5400 else f"{max(1, self.seconds):.0f} s"
        return f"{self.notes:,} {'note' if self.notes == 1 else 'notes'}, about {size}, about {time}"


@dataclass(frozen=True)
class PackPlan:
    """Every sound of `items` at every one of `pitches` (whole MIDI numbers, rising): one pitch makes a pack of
    one-shots, several make an instrument of each sound.

    subtype: PCM_16, PCM_24 or FLOAT. sample_rate: 44100, 48000 or the model's own, in Hz.
    naming: see naming.py. level: the loudest sample of each "sound" (its notes keep their balance) or of each "note" is
    brought to -1 dBFS. rejects: what fails a quality gate is left out ("drop") or only listed ("keep").
    seconds: longest note, None for all that the model makes.
    There is one velocity layer: no voice has learned velocity. Raises InputError for wrong types and values.
    """

    items: tuple[PackItem, ...]
    pitches: tuple[int, ...]
    name: str = "GANSynth pack"
    subtype: str = "PCM_24"
    sample_rate: int = 44100
    naming: str = "sampler"
    level: str = "sound"
    rejects: str = "drop"
    seconds: float | None = None

    def __post_init__(self) -> None:
        object.__setattr__(self, "items", tuple(self.items))
        object.__setattr__(self, "pitches", tuple(self.pitches))
        if not self.items:
            raise InputError("This pack has no sounds: name at least one.")
        if not all(isinstance(item, PackItem) for item in self.items):
            raise InputError("The items of a pack must be PackItems.")
        if len({item.timbre.model for item in self.items}) > 1:
            raise InputError("All sounds of a pack must be of one model: make one pack a model.")
        if not self.pitches:
            raise InputError("This pack has no pitches: name at least one.")
        for pitch in self.pitches:
            _whole(pitch, "Every pitch", 0, 127)
        if list(self.pitches) != sorted(set(self.pitches)):
            raise InputError("The pitches of a pack must rise, each of them once.")
        if not isinstance(self.name, str):
            raise InputError(f"The name of a pack must be text, not {self.name!r}.")
        _choice(self.subtype, "subtype", SUBTYPES)
        _choice(self.naming, "naming", PROFILES)
        _choice(self.level, "level", LEVELS)
        _choice(self.rejects, "rejects", REJECTS)
        _whole(self.sample_rate, "sample_rate", 1, max(SAMPLE_RATES))
        if self.seconds is not None and not (_is_number(self.seconds) and 0.1 <= self.seconds <= 3600):
            raise InputError(f"seconds must be a number of at least 0.1, or null for the whole note: {self.seconds!r}.")

    @property
    def model(self) -> str:
        return self.items[0].timbre.model

    @property
    def notes(self) -> int:
        return len(self.items) * len(self.pitches)

    def estimate(self, card: ModelCard) -> Estimate:
        """Size and time of this plan with the model of `card`."""
        return _estimate(self.notes, self.seconds or card.specgram.seconds, self.sample_rate, self.subtype)

    def check(self, card: ModelCard) -> None:
        """Raise InputError, in one sentence, unless the model of `card` can make this pack."""
        if self.model != card.id:
            raise InputError(f"This pack's sounds belong to the model '{self.model}', not to '{card.id}'.")
        for pitch in (self.pitches[0], self.pitches[-1]):
            card.check_pitch(pitch)
        rates = sorted({card.specgram.sample_rate, *SAMPLE_RATES})
        if self.sample_rate not in rates:
            raise InputError(f"sample_rate must be one of {', '.join(map(str, rates))}, not {self.sample_rate}.")
        if self.seconds is not None and self.seconds > card.specgram.seconds:
            raise InputError(f"'{card.id}' makes notes of up to {card.specgram.seconds:g} s, not {self.seconds:g} s.")
        _refuse_too_many(self.estimate(card))
        for item in self.items:
            Timbre.of(card, item.timbre.z, dict(item.timbre.instruments) or None)

    def save(self, path: str | os.PathLike) -> None:
        """Write the plan as JSON, every timbre in full, one sound a line. Raises GanSynthError."""
        options = {name: getattr(self, name) for name in _OPTIONS}
        head = {"format": FORMAT, "model": self.model} | options | {"pitches": list(self.pitches)}
        rows = ({"name": item.name, "timbre": item.timbre.to_json()} for item in self.items)
        save_lines(path, head, "items", rows)

    @classmethod
    def from_json(cls, document: object, card: ModelCard) -> "PackPlan":
        """A plan from its JSON document.

        items: {"name", "timbre"}, or {"instrument": a name or weights, "seed", "count"}, or {"name", "morph": [sound,
        sound], "steps"}, where a sound is written as an item is. pitches: 60, [48, 60], {"low", "high", "every"}, or
        "all" for every key that the model knows. The rest as PackPlan's arguments. Raises InputError, in one sentence,
        for whatever is wrong, and before a plan too large takes any memory; `check` tells the rest.
        """
        if not isinstance(document, Mapping):
            raise InputError('A plan is a JSON object that begins with "format": 1.')
        if document.get("format") != FORMAT:
            raise InputError(f'A plan must have "format": {FORMAT} (this one has {document.get("format")!r}).')
        _only(document, ("format", "model", "items", "pitches", *_OPTIONS), "A plan")
        if document.get("model", card.id) != card.id:
            raise InputError(f"This plan is for the model {document['model']!r}, not for '{card.id}'.")
        options = {name: document[name] for name in _OPTIONS if name in document}
        pitches = _pitches(document.get("pitches"), card)
        entries = document.get("items")
        if not isinstance(entries, list) or not entries:
            raise InputError('A plan needs "items": a list of at least one sound.')
        notes = len(pitches) * sum(_count(entry) for entry in entries)
        rate, subtype = options.get("sample_rate", cls.sample_rate), options.get("subtype", cls.subtype)
        _whole(rate, "sample_rate", 1, max(SAMPLE_RATES))
        _choice(subtype, "subtype", SUBTYPES)
        _refuse_too_many(_estimate(notes, card.specgram.seconds, rate, subtype))
        try:
            items = [item for entry in entries for item in _items(entry, card)]
        except OverflowError as cause:
            raise InputError("A number in this plan's sounds is too large for a computer's decimals.") from cause
        return cls(tuple(items), tuple(pitches), **options)


_OPTIONS = ("name", "subtype", "sample_rate", "naming", "level", "rejects", "seconds")


def load_document(path: str | os.PathLike) -> dict:
    """The JSON object in a file, checked for no more than that. Raises InputError."""
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as cause:
        raise InputError(f"Cannot read the plan '{path}': {cause.strerror}.") from cause
    except (ValueError, RecursionError) as cause:
        raise InputError(f"The plan '{path}' is not JSON: {cause}.") from cause
    if not isinstance(document, dict):
        raise InputError(f"The plan '{path}' is not a JSON object.")
    return document


def save_lines(path: str | os.PathLike, head: Mapping, key: str, rows: Iterator[dict]) -> None:
    """Write the JSON object `head` with a last entry `key`, a list of `rows`, one a line and never all in memory.
    Raises GanSynthError."""
    with replacing(path) as partial, open(partial, "w", encoding="utf-8") as file:
        file.write(json.dumps(head, indent=1).removesuffix("\n}") + f',\n "{key}": [')
        for number, row in enumerate(rows):
            file.write((",\n  " if number else "\n  ") + json.dumps(row))
        file.write("\n ]\n}\n")


def morph_items(name: str, a: Timbre, b: Timbre, steps: int) -> list[PackItem]:
    """`steps` (at least 2) sounds at equal distances from `a` to `b`, both among them: `name 01`, `name 02`, ... .
    Raises InputError."""
    _whole(steps, "The steps of a morph", 2, MOST_NOTES)
    width = max(2, len(str(steps)))
    return [PackItem(f"{name} {step + 1:0{width}d}", morph(a, b, step / (steps - 1))) for step in range(steps)]


def _estimate(notes: int, seconds: float, sample_rate: int, subtype: str) -> Estimate:
    size = notes * (round(seconds * sample_rate) * SUBTYPES[subtype] + FILE_OVERHEAD)
    return Estimate(notes, size, notes / NOTES_PER_SECOND)


def _refuse_too_many(estimate: Estimate) -> None:
    if estimate.notes > MOST_NOTES:
        raise InputError(f"This plan is too large ({estimate}): one pack holds up to {MOST_NOTES:,} notes.")


def _pitches(value: object, card: ModelCard) -> Sequence[int]:
    if value == "all":
        return range(card.pitch_low, card.pitch_high + 1)
    if isinstance(value, Mapping):
        _only(value, ("low", "high", "every"), "The pitches of a plan")
        low = _whole(value.get("low", card.pitch_low), "The lowest pitch (low)", 0, 127)
        high = _whole(value.get("high", card.pitch_high), "The highest pitch (high)", 0, 127)
        if low > high:
            raise InputError(f"The lowest pitch ({low}) must not be above the highest ({high}).")
        return range(low, high + 1, _whole(value.get("every", 1), "every", 1, 127))
    if isinstance(value, list):
        return [_whole(pitch, "Every pitch", 0, 127) for pitch in value]
    if value is None:
        raise InputError('A plan needs "pitches", such as 60, {"low": 36, "high": 84, "every": 3} or "all".')
    return [_whole(value, "The pitch", 0, 127)]


def _count(entry: object) -> int:
    """How many sounds an entry of `items` stands for."""
    if not isinstance(entry, Mapping):
        raise InputError(f"Every item of a plan is an object, not {_shown(entry)}.")
    if "morph" in entry:
        return _whole(entry.get("steps"), "The steps of a morph", 2, 2**53)
    return _whole(entry.get("count", 1), "The count of an item", 1, 2**53)


def _items(entry: Mapping, card: ModelCard) -> list[PackItem]:
    name = entry.get("name")
    if name is not None and not isinstance(name, str):
        raise InputError(f"The name of a sound must be text, not {_shown(name)}.")
    if "morph" in entry:
        _only(entry, ("name", "morph", "steps"), "A morph")
        ends = entry["morph"]
        if not isinstance(ends, list) or len(ends) != 2 or not all(isinstance(end, Mapping) for end in ends):
            raise InputError("A morph goes from one sound to another: give a list of two.")
        if any("morph" in end or _count(end) != 1 for end in ends):
            raise InputError("A morph goes from one sound to another: each end must be a single sound.")
        a, b = (_items(end, card)[0].timbre for end in ends)
        return morph_items(name or "morph", a, b, entry["steps"])
    if "timbre" in entry:
        _only(entry, ("name", "timbre"), "A sound with a timbre")
        return [PackItem(name or "sound", Timbre.from_json(entry["timbre"]))]
    _only(entry, ("name", "instrument", "seed", "count"), "A sound")
    instrument = entry.get("instrument")
    if instrument is not None and not isinstance(instrument, (str, Mapping)):
        raise InputError(f"An instrument is a name, or weights by name, not {_shown(instrument)}.")
    seed, count = _whole(entry.get("seed", 0), "The seed", 0, 2**53), entry.get("count", 1)
    name = name or (instrument if isinstance(instrument, str) else "sound")
    numbers = [""] if count == 1 else [f" {number + 1:02d}" for number in range(count)]
    timbres = sample(card, count, seed, instrument)
    return [PackItem(name + number, timbre) for number, timbre in zip(numbers, timbres, strict=True)]


def _whole(value: object, what: str, low: int, high: int) -> int:
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InputError(f"{what} must be a whole number from {low} to {high}, not {_shown(value)}.")
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def _choice(value: object, what: str, choices: Mapping | Sequence[str]) -> None:
    if not isinstance(value, str) or value not in choices:
        raise InputError(f"{what} must be one of {', '.join(choices)}, not {_shown(value)}.")


def _only(document: Mapping, known: Sequence[str], what: str) -> None:
    for name in document:
        if name not in known:
            raise InputError(f"{what} has no '{name}'.{nearest(str(name), known)}")


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
