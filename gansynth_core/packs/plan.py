"""What a sample pack shall hold: sounds, keys, and how they are written. As JSON, a plan is a file to keep and edit."""

import dataclasses
import json
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from gansynth_core.cards import ModelCard
from gansynth_core.errors import InputError, nearest
from gansynth_core.files import replacing
from gansynth_core.latent import Timbre, morph, sample
from gansynth_core.packs.naming import PROFILES, safe_name
from gansynth_core.packs.wavetable import CYCLE, FRAMES
from gansynth_core.patch import Patch, envelope_of
from gansynth_core.sound import Envelope

FORMAT = 1
SUBTYPES = {"PCM_16": 2, "PCM_24": 3, "FLOAT": 4}  # bytes a sample
SAMPLE_RATES = (44100, 48000)  # Hz, beside the model's own
LEVELS = ("sound", "note")
MEASURES = ("peak", "loudness")
REJECTS = ("drop", "keep", "reroll")
FORMATS = ("sfz", "dspreset", "sf2", "multisample")
MOST_LAYERS, MOST_TAKES = 4, 4
MOST_CANDIDATES = 2_000  # sounds to choose the most different of; each is rendered once
MOST_NOTES = 20_000  # 10 GB
MOST_SOUNDS = 20_000  # which take half a gigabyte of memory
WAVETABLE_PITCH = 36  # low, as a cycle then has many partials
RENDERS_PER_SECOND, FILES_PER_SECOND = 30.0, 60.0  # a guess before anything is rendered, for two cores
FILE_OVERHEAD = 12_000  # bytes of a WAV beside its samples, most of them the 512 numbers of its timbre


Choose = Callable[[list[Timbre], int], Sequence[int]]


@dataclass(frozen=True)
class Device:
    """What a hardware sampler loads: subtype and rate of its samples, and at most how many notes an instrument, layers
    of velocity, takes of a note and seconds."""

    subtype: str
    sample_rate: int
    notes: int = 128
    layers: int = MOST_LAYERS
    takes: int = MOST_TAKES
    seconds: float = 3600.0


# From the table of formats that ConvertWithMoss (github.com/git-moss) keeps.
DEVICES = {
    "op-xy": Device("PCM_16", 44100, notes=24, layers=1, takes=1, seconds=20.0),
    "tonverk": Device("PCM_24", 48000),
}


@dataclass(frozen=True)
class PackItem:
    """A sound of a pack: any name, from which a safe one is made, and the timbre; with an envelope, if one shapes it.

    Attack, decay and sustain then become part of the notes, the release of the instrument they make.
    """

    name: str
    timbre: Timbre
    envelope: Envelope | None = None

    def __post_init__(self) -> None:
        known = isinstance(self.name, str) and isinstance(self.timbre, Timbre)
        if not known or not isinstance(self.envelope, Envelope | None):
            raise InputError("A sound of a pack is a name, a timbre and perhaps an envelope.")

    @classmethod
    def of(cls, patch: Patch) -> "PackItem":
        """The sound of a patch with its envelope; its gain does not count, as a pack has a level of its own."""
        return cls(patch.name or "sound", patch.timbre, patch.envelope)

    def to_json(self) -> dict:
        """An item of a plan."""
        shape = {"envelope": dataclasses.asdict(self.envelope)} if self.envelope else {}
        return {"name": self.name, "timbre": self.timbre.to_json()} | shape


@dataclass(frozen=True)
class Wavetable:
    """A wavetable of a pack: 256 cycles along the morph from `start` to `end`, each from a note of the MIDI `pitch`."""

    name: str
    start: Timbre
    end: Timbre
    pitch: int = WAVETABLE_PITCH

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not all(isinstance(end, Timbre) for end in (self.start, self.end)):
            raise InputError("A wavetable of a pack is a name and two timbres.")
        _whole(self.pitch, "The pitch of a wavetable", 0, 127)
        morph(self.start, self.end, 0.5)


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
    one-shots, several make an instrument of each sound. And `wavetables`, of which a pack may also consist alone.

    velocity_layers: how many notes a key, from softly to hard struck (1-4). No voice has learned velocity: softer ones
    are quieter and duller (shaping.softer). round_robins: how many takes of each (1-4), by steps aside in the latent.
    loops: whether instruments get a loop where their notes are steady. stereo: see shaping.widened.
    formats: what is written beside the WAV files of an instrument, of sfz, dspreset, sf2 and multisample; the last two
    hold the notes once more. release_seconds: how long a note fades once its key is let go, 0.01-10.
    subtype: PCM_16, PCM_24 or FLOAT. sample_rate: 44100, 48000 or the model's own, in Hz. seconds: longest note, None
    for all that the model makes. device: the hardware it is for (DEVICES), whose limits are then kept.
    naming: see naming.py. level, measure: see levels.gains. rejects: what fails a quality gate is left out ("drop"),
    only listed ("keep"), or another sound nearby takes its place ("reroll"; what fails again is left out).
    Raises InputError for wrong types and values.
    """

    items: tuple[PackItem, ...]
    pitches: tuple[int, ...]
    name: str = "GANSynth pack"
    subtype: str = "PCM_24"
    sample_rate: int = 44100
    naming: str = "sampler"
    level: str = "sound"
    measure: str = "peak"
    rejects: str = "drop"
    seconds: float | None = None
    velocity_layers: int = 1
    round_robins: int = 1
    loops: bool = True
    stereo: bool = False
    formats: tuple[str, ...] = ("sfz", "dspreset")
    release_seconds: float = 0.3
    device: str | None = None
    wavetables: tuple[Wavetable, ...] = ()

    def __post_init__(self) -> None:
        for name in ("items", "pitches", "wavetables"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        if not self.items and not self.wavetables:
            raise InputError("This pack has no sounds: name at least one.")
        if not all(isinstance(item, PackItem) for item in self.items):
            raise InputError("The items of a pack must be PackItems.")
        if not all(isinstance(table, Wavetable) for table in self.wavetables):
            raise InputError("The wavetables of a pack must be Wavetables.")
        if len({timbre.model for timbre in self._timbres()}) > 1:
            raise InputError("All sounds of a pack must be of one model: make one pack a model.")
        if self.items and not self.pitches:
            raise InputError("This pack has no pitches: name at least one.")
        for pitch in self.pitches:
            _whole(pitch, "Every pitch", 0, 127)
        if list(self.pitches) != sorted(set(self.pitches)):
            raise InputError("The pitches of a pack must rise, each of them once.")
        if not isinstance(self.name, str):
            raise InputError(f"The name of a pack must be text, not {_shown(self.name)}.")
        _choice(self.subtype, "subtype", SUBTYPES)
        _choice(self.naming, "naming", PROFILES)
        _choice(self.level, "level", LEVELS)
        _choice(self.measure, "measure", MEASURES)
        _choice(self.rejects, "rejects", REJECTS)
        _whole(self.sample_rate, "sample_rate", 1, max(SAMPLE_RATES))
        _whole(self.velocity_layers, "velocity_layers", 1, MOST_LAYERS)
        _whole(self.round_robins, "round_robins", 1, MOST_TAKES)
        _truth(self.loops, "loops")
        _truth(self.stereo, "stereo")
        object.__setattr__(self, "formats", _formats(self.formats))
        if not (_is_number(self.release_seconds) and 0.01 <= self.release_seconds <= 10):
            raise InputError(f"release_seconds must be a number from 0.01 to 10, not {_shown(self.release_seconds)}.")
        if self.seconds is not None and not (_is_number(self.seconds) and 0.1 <= self.seconds <= 3600):
            raise InputError(f"seconds must be a number of at least 0.1, or null for the whole note: {self.seconds!r}.")
        if self.device is not None:
            self._check_device()

    def _check_device(self) -> None:
        _choice(self.device, "device", DEVICES)
        device = DEVICES[self.device]
        for what, given, most in (
            ("notes an instrument", len(self.pitches), device.notes),
            ("velocity layers", self.velocity_layers, device.layers),
            ("round robins", self.round_robins, device.takes),
            ("seconds a note", self.seconds or 0, device.seconds),
        ):
            if given > most:
                raise InputError(f"'{self.device}' takes at most {most:g} {what}, not {given:g}.")
        if (self.subtype, self.sample_rate) != (device.subtype, device.sample_rate):
            raise InputError(
                f"'{self.device}' takes {device.subtype} at {device.sample_rate} Hz, not {self.subtype} at "
                f"{self.sample_rate} Hz."
            )

    def _timbres(self) -> Iterator[Timbre]:
        for item in self.items:
            yield item.timbre
        for table in self.wavetables:
            yield table.start
            yield table.end

    @property
    def model(self) -> str:
        return next(self._timbres()).model

    @property
    def file_name(self) -> str:
        """The name made safe: of the folder in the zip, and good for the zip itself."""
        return safe_name(self.name)

    @property
    def several(self) -> bool:
        """Whether each sound becomes an instrument of several notes rather than a one-shot."""
        return len(self.pitches) * self.velocity_layers * self.round_robins > 1

    @property
    def notes(self) -> int:
        """Files of notes in the pack, if none is left out."""
        return len(self.items) * len(self.pitches) * self.velocity_layers * self.round_robins

    @property
    def renders(self) -> int:
        """Notes that the model has to make: layers of velocity cost none, a cycle of a wavetable costs one."""
        return len(self.items) * len(self.pitches) * self.round_robins + FRAMES * len(self.wavetables)

    def estimate(self, card: ModelCard) -> Estimate:
        """Size and time of this plan with the model of `card`."""
        frames = round((self.seconds or card.specgram.seconds) * self.sample_rate)
        width, channels = SUBTYPES[self.subtype], 2 if self.stereo else 1
        size = frames * width * channels + FILE_OVERHEAD
        copies = 1 + ("multisample" in self.formats) * self.several
        soundfont = frames * min(width, 3) * ("sf2" in self.formats) * self.several
        total = self.notes * (size * copies + soundfont // self.round_robins)
        total += len(self.wavetables) * FRAMES * CYCLE * SUBTYPES["FLOAT"]
        seconds = self.renders / RENDERS_PER_SECOND + self.notes * channels / FILES_PER_SECOND
        return Estimate(self.notes + len(self.wavetables), total, seconds)

    def check(self, card: ModelCard, most_notes: int = MOST_NOTES) -> None:
        """Raise InputError, in one sentence, unless the model of `card` can make this pack."""
        if self.model != card.id:
            raise InputError(f"This pack's sounds belong to the model '{self.model}', not to '{card.id}'.")
        for pitch in (*self.pitches[:1], *self.pitches[-1:], *(table.pitch for table in self.wavetables)):
            card.check_pitch(pitch)
        rates = sorted({card.specgram.sample_rate, *SAMPLE_RATES})
        if self.sample_rate not in rates:
            raise InputError(f"sample_rate must be one of {', '.join(map(str, rates))}, not {self.sample_rate}.")
        if self.seconds is not None and self.seconds > card.specgram.seconds:
            raise InputError(f"'{card.id}' makes notes of up to {card.specgram.seconds:g} s, not {self.seconds:g} s.")
        _refuse_too_many(self.estimate(card), most_notes)
        for timbre in self._timbres():
            Timbre.of(card, timbre.z, dict(timbre.instruments) or None)

    def save(self, path: str | os.PathLike) -> None:
        """Write the plan as JSON, every timbre in full, one sound a line. Raises GanSynthError."""
        options = {name: getattr(self, name) for name in _OPTIONS}
        head = {"format": FORMAT, "model": self.model} | options | {"pitches": list(self.pitches)}
        if self.wavetables:
            head["wavetables"] = [
                {
                    "name": table.name,
                    "morph": [{"timbre": table.start.to_json()}, {"timbre": table.end.to_json()}],
                    "pitch": table.pitch,
                }
                for table in self.wavetables
            ]
        save_lines(path, head, "items", (item.to_json() for item in self.items))

    @classmethod
    def from_json(
        cls, document: object, card: ModelCard, *, choose: Choose | None = None, most_notes: int = MOST_NOTES
    ) -> "PackPlan":
        """A plan from its JSON document.

        items: {"name", "timbre", "envelope"}, or {"patch"}, or {"instrument": a name or weights, "seed", "count"}, or
        {"name", "morph": [sound, sound], "steps"}, where a sound is written as an item is, or {"different": n, "among":
        items} for those n of them that differ most, which takes `choose` (timbres, n -> which; see
        most_different.most_different).
        wavetables: {"name", "morph": [sound, sound], "pitch"}. pitches: 60, [48, 60], {"low", "high", "every"}, or
        "all" for every key that the model knows. The rest as PackPlan's arguments; a `device` sets what is not given.
        Raises InputError, in one sentence, for whatever is wrong, and before a plan too large takes any memory;
        `check` tells the rest.
        """
        if not isinstance(document, Mapping):
            raise InputError('A plan is a JSON object that begins with "format": 1.')
        if document.get("format") != FORMAT:
            raise InputError(f'A plan must have "format": {FORMAT} (this one has {document.get("format")!r}).')
        _only(document, ("format", "model", "items", "pitches", "wavetables", *_OPTIONS), "A plan")
        if document.get("model", card.id) != card.id:
            raise InputError(f"This plan is for the model {_shown(document['model'])}, not for '{card.id}'.")
        options = {name: document[name] for name in _OPTIONS if name in document}
        if options.get("device") is not None:
            _choice(options["device"], "device", DEVICES)
            device = DEVICES[options["device"]]
            options = {"subtype": device.subtype, "sample_rate": device.sample_rate} | options
        entries, tables = document.get("items", []), document.get("wavetables", [])
        if not isinstance(entries, list) or not isinstance(tables, list) or not entries + tables:
            raise InputError('A plan needs "items": a list of at least one sound.')
        pitches = _pitches(document.get("pitches"), card) if entries else ()
        wavetables = [_wavetable(entry, card) for entry in tables]
        one = Timbre(card.id, ())  # stands for each sound until it is known that they are not too many
        outline = cls((PackItem("", one),) if entries else (), pitches, **options, wavetables=wavetables)
        sounds = sum(_count(entry) for entry in entries)
        _refuse_too_many(outline._times(max(1, sounds), card), most_notes)
        if sounds > MOST_SOUNDS:
            raise InputError(f"One plan names up to {MOST_SOUNDS:,} sounds, not {sounds:,}: make several.")
        try:
            items = [item for entry in entries for item in _items(entry, card, choose)]
        except OverflowError as cause:
            raise InputError("A number in this plan's sounds is too large for a computer's decimals.") from cause
        return replace(outline, items=tuple(items))

    def _times(self, sounds: int, card: ModelCard) -> Estimate:
        """The estimate if this plan of one sound had so many."""
        one = self.estimate(card)
        return Estimate(one.notes * sounds, one.bytes * sounds, one.seconds * sounds)


_OPTIONS = (
    *("name", "subtype", "sample_rate", "naming", "level", "measure", "rejects", "seconds", "velocity_layers"),
    *("round_robins", "loops", "stereo", "formats", "release_seconds", "device"),
)


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
    _whole(steps, "The steps of a morph", 2, MOST_SOUNDS)
    width = max(2, len(str(steps)))
    return [PackItem(f"{name} {step + 1:0{width}d}", morph(a, b, step / (steps - 1))) for step in range(steps)]


def _refuse_too_many(estimate: Estimate, most: int) -> None:
    if estimate.notes > most:
        raise InputError(f"This plan is too large ({estimate}): one pack holds up to {most:,} notes.")


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
    if "different" in entry:
        return _whole(entry["different"], "The number of different sounds", 1, MOST_CANDIDATES)
    return _whole(entry.get("count", 1), "The count of an item", 1, 2**53)


def _items(entry: Mapping, card: ModelCard, choose: Choose | None = None) -> list[PackItem]:
    name = entry.get("name")
    if name is not None and not isinstance(name, str):
        raise InputError(f"The name of a sound must be text, not {_shown(name)}.")
    if "morph" in entry:
        _only(entry, ("name", "morph", "steps"), "A morph")
        return morph_items(name or "morph", *_ends(entry["morph"], card), entry["steps"])
    if "different" in entry:
        return _different(entry, card, choose)
    if "timbre" in entry:
        _only(entry, ("name", "timbre", "envelope"), "A sound with a timbre")
        envelope = envelope_of(entry["envelope"]) if "envelope" in entry else None
        return [PackItem(name or "sound", Timbre.from_json(entry["timbre"]), envelope)]
    if "patch" in entry:
        _only(entry, ("name", "patch"), "A sound with a patch")
        item = PackItem.of(Patch.from_json(entry["patch"]))
        return [replace(item, name=name) if name else item]
    _only(entry, ("name", "instrument", "seed", "count"), "A sound")
    instrument = entry.get("instrument")
    if instrument is not None and not isinstance(instrument, (str, Mapping)):
        raise InputError(f"An instrument is a name, or weights by name, not {_shown(instrument)}.")
    seed, count = _whole(entry.get("seed", 0), "The seed", 0, 2**53), entry.get("count", 1)
    name = name or (instrument if isinstance(instrument, str) else "sound")
    numbers = [""] if count == 1 else [f" {number + 1:02d}" for number in range(count)]
    timbres = sample(card, count, seed, instrument)
    return [PackItem(name + number, timbre) for number, timbre in zip(numbers, timbres, strict=True)]


def _different(entry: Mapping, card: ModelCard, choose: Choose | None) -> list[PackItem]:
    _only(entry, ("different", "among"), "A choice of sounds")
    among = entry.get("among")
    if not isinstance(among, list) or not among or any("different" in one for one in among if isinstance(one, Mapping)):
        raise InputError('"different" chooses from sounds: give a list of them as "among".')
    found = sum(_count(one) for one in among)
    if not entry["different"] <= found <= MOST_CANDIDATES:
        raise InputError(
            f"{entry['different']} different sounds need at least as many to choose from and at most "
            f"{MOST_CANDIDATES:,}, not {found:,}."
        )
    if choose is None:
        raise InputError("Choosing the most different sounds takes the model itself, not only its card.")
    items = [item for one in among for item in _items(one, card)]
    return [items[place] for place in choose([item.timbre for item in items], entry["different"])]


def _ends(value: object, card: ModelCard) -> tuple[Timbre, Timbre]:
    if not isinstance(value, list) or len(value) != 2 or not all(isinstance(end, Mapping) for end in value):
        raise InputError("A morph goes from one sound to another: give a list of two.")
    if any("morph" in end or "different" in end or _count(end) != 1 for end in value):
        raise InputError("A morph goes from one sound to another: each end must be a single sound.")
    start, end = (_items(end, card)[0].timbre for end in value)
    return start, end


def _wavetable(entry: object, card: ModelCard) -> Wavetable:
    if not isinstance(entry, Mapping):
        raise InputError(f"Every wavetable of a plan is an object, not {_shown(entry)}.")
    _only(entry, ("name", "morph", "pitch"), "A wavetable")
    name, pitch = entry.get("name", "wavetable"), entry.get("pitch", max(WAVETABLE_PITCH, card.pitch_low))
    if not isinstance(name, str):
        raise InputError(f"The name of a wavetable must be text, not {_shown(name)}.")
    try:
        return Wavetable(name, *_ends(entry.get("morph"), card), pitch)
    except OverflowError as cause:
        raise InputError("A number in this plan's sounds is too large for a computer's decimals.") from cause


def _formats(value: object) -> tuple[str, ...]:
    if not isinstance(value, Sequence) or isinstance(value, str):
        raise InputError(f"formats is a list of {', '.join(FORMATS)}, not {_shown(value)}.")
    for name in value:
        _choice(name, "Every format", FORMATS)
    return tuple(name for name in FORMATS if name in value)


def _truth(value: object, what: str) -> None:
    if not isinstance(value, bool):
        raise InputError(f"{what} must be true or false, not {_shown(value)}.")


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
