"""What goes into a sample pack: sounds, keys, and how they are written. A plan is saved as JSON, to keep and edit."""

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from gansynth_core.cards import ModelCard
from gansynth_core.errors import InputError
from gansynth_core.latent import Timbre
from gansynth_core.packs.checks import choice, only, shown, whole
from gansynth_core.packs.devices import DEVICES
from gansynth_core.packs.entries import Choose, count, items_of, pitches_of, wavetable_of
from gansynth_core.packs.items import MOST_SOUNDS, PackItem, Wavetable
from gansynth_core.packs.json_files import save_lines
from gansynth_core.packs.naming import safe_name
from gansynth_core.packs.options import SAMPLE_RATES, FileOptions, NoteOptions
from gansynth_core.packs.wavetable import CYCLE, FRAMES
from gansynth_core.riff import SAMPLE_BYTES

FORMAT = 1
MOST_NOTES = 20_000  # 10 GB
FILE_OVERHEAD = 12_000  # bytes of a WAV besides its samples, most of them the 512 numbers of its timbre
OPTIONS = (  # in the order of a saved plan
    *("name", "subtype", "sample_rate", "naming", "level", "measure", "loudness_lufs", "rejects", "seconds"),
    *("velocity_layers", "round_robins", "loops", "stereo", "formats", "release_seconds", "device", "author"),
    *("copyright", "comment"),
)


@dataclass(frozen=True)
class Pace:
    """How fast packs are made. render_seconds: for a note of the model. write_seconds: for a file of one channel, with
    all that is done to it."""

    render_seconds: float
    write_seconds: float


TWO_QUIET_CORES = Pace(1 / 30, 1 / 60)  # with the studio voice


@dataclass(frozen=True)
class Estimate:
    """notes: files at most. bytes: size of the zip at most. seconds: a rough guess at the time it takes."""

    notes: int
    bytes: int
    seconds: float

    def __str__(self) -> str:
        size = f"{self.bytes / 1e9:,.1f} GB" if self.bytes >= 1e9 else f"{self.bytes / 1e6:.1f} MB"
        time = f"{self.seconds / 3600:,.1f} h" if self.seconds >= 5400 else f"{max(1, self.seconds):.0f} s"
        return f"{self.notes:,} {'note' if self.notes == 1 else 'notes'}, about {size}, about {time}"

    def __mul__(self, packs: int) -> "Estimate":
        return Estimate(self.notes * packs, self.bytes * packs, self.seconds * packs)


@dataclass(frozen=True)
class PackPlan(NoteOptions, FileOptions):
    """Every sound of `items` at every one of `pitches` (whole MIDI numbers, rising): one pitch makes a pack of
    one-shots, several make an instrument of each sound. A pack may also hold `wavetables`, or nothing else.

    device: the hardware sampler it is for (DEVICES), whose limits then apply. How notes are made and written: see
    NoteOptions and FileOptions. Raises InputError for wrong types and values.
    """

    items: tuple[PackItem, ...]
    pitches: tuple[int, ...]
    name: str = "GANSynth pack"
    wavetables: tuple[Wavetable, ...] = field(default=(), kw_only=True)
    device: str | None = field(default=None, kw_only=True)

    def __post_init__(self) -> None:
        for name in ("items", "pitches", "wavetables"):
            object.__setattr__(self, name, tuple(getattr(self, name)))
        self._check_sounds()
        self._check_pitches()
        if not isinstance(self.name, str):
            raise InputError(f"The name of a pack must be text, not {shown(self.name)}.")
        NoteOptions.__post_init__(self)
        FileOptions.__post_init__(self)
        if self.device is not None:
            self._check_device(self.device)

    def _check_sounds(self) -> None:
        if not self.items and not self.wavetables:
            raise InputError("This pack has no sounds: name at least one.")
        if not all(isinstance(item, PackItem) for item in self.items):
            raise InputError("The items of a pack must be PackItems.")
        if not all(isinstance(table, Wavetable) for table in self.wavetables):
            raise InputError("The wavetables of a pack must be Wavetables.")
        if len({timbre.model for timbre in self._timbres()}) > 1:
            raise InputError("All sounds of a pack must come from one model: make a pack for each model.")

    def _check_pitches(self) -> None:
        if self.items and not self.pitches:
            raise InputError("This pack has no pitches: name at least one.")
        for pitch in self.pitches:
            whole(pitch, "Every pitch", 0, 127)
        if list(self.pitches) != sorted(set(self.pitches)):
            raise InputError("The pitches of a pack must rise, without repeats.")

    def _check_device(self, name: str) -> None:
        device = DEVICES[choice(name, "device", DEVICES)]
        for what, given, most in (
            ("notes an instrument", len(self.pitches), device.notes),
            ("velocity layers", self.velocity_layers, device.layers),
            ("round robins", self.round_robins, device.takes),
            ("seconds a note", self.seconds or 0, device.seconds),
        ):
            if given > most:
                raise InputError(f"'{name}' takes at most {most:g} {what}, not {given:g}.")
        if (self.subtype, self.sample_rate) != (device.subtype, device.sample_rate):
            raise InputError(
                f"'{name}' takes {device.subtype} at {device.sample_rate} Hz, not {self.subtype} at "
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
        """A safe form of the name, for the folder in the zip and for the zip itself."""
        return safe_name(self.name)

    @property
    def several(self) -> bool:
        """Whether each sound becomes an instrument of several notes rather than a one-shot."""
        return len(self.pitches) * self.velocity_layers * self.round_robins > 1

    @property
    def notes(self) -> int:
        """Note files in the pack, if none are left out."""
        return len(self.items) * len(self.pitches) * self.velocity_layers * self.round_robins

    @property
    def renders(self) -> int:
        """Notes that the model has to make: velocity layers add none, each cycle of a wavetable is one."""
        return len(self.items) * len(self.pitches) * self.round_robins + FRAMES * len(self.wavetables)

    def estimate(self, card: ModelCard, pace: Pace = TWO_QUIET_CORES) -> Estimate:
        """Size of this plan's pack, and the time it takes at `pace`, with the model of `card`."""
        frames = round((self.seconds or card.specgram.seconds) * self.sample_rate)
        width, channels = SAMPLE_BYTES[self.subtype], 2 if self.stereo else 1
        size = frames * width * channels + FILE_OVERHEAD
        copies = 1 + ("multisample" in self.formats) * self.several
        soundfont = frames * channels * min(width, 3) * ("sf2" in self.formats) * self.several
        total = self.notes * (size * copies + soundfont // self.round_robins)
        total += len(self.wavetables) * FRAMES * CYCLE * SAMPLE_BYTES["FLOAT"]
        seconds = self.renders * pace.render_seconds + self.notes * channels * pace.write_seconds
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

    def save(self, path: str | os.PathLike[str]) -> None:
        """Write the plan as JSON, every timbre in full, one sound a line. Raises GanSynthError."""
        options = {name: getattr(self, name) for name in OPTIONS}
        head = {"format": FORMAT, "model": self.model} | options | {"pitches": list(self.pitches)}
        if self.wavetables:
            head["wavetables"] = [table.to_json() for table in self.wavetables]
        save_lines(path, head, "items", (item.to_json() for item in self.items))

    @classmethod
    def from_json(
        cls, document: object, card: ModelCard, *, choose: Choose | None = None, most_notes: int = MOST_NOTES
    ) -> "PackPlan":
        """A plan from its JSON document.

        items: {"name", "timbre", "envelope"}, or {"patch"}, or {"instrument": a name or weights, "seed", "count"}, or
        {"name", "morph": [sound, sound], "steps"}, where a sound is written like an item, or {"different": n, "among":
        items} for the n of them that differ most, which needs `choose` (timbres, n -> which; see
        most_different.most_different).
        wavetables: {"name", "morph": [sound, sound], "pitch"}. pitches: 60, [48, 60], {"low", "high", "every"}, or
        "all" for every key that the model knows. The rest as PackPlan's arguments; a `device` sets the defaults.
        Raises InputError, in one sentence, for anything wrong here, and for a plan that is too large before it takes
        any memory; `check` does the rest.
        """
        if not isinstance(document, Mapping):
            raise InputError('A plan must be a JSON object with "format": 1.')
        if document.get("format") != FORMAT:
            raise InputError(f'A plan must have "format": {FORMAT} (this one has {document.get("format")!r}).')
        only(document, ("format", "model", "items", "pitches", "wavetables", *OPTIONS), "A plan")
        if document.get("model", card.id) != card.id:
            raise InputError(f"This plan is for the model {shown(document['model'])}, not for '{card.id}'.")
        options = {name: document[name] for name in OPTIONS if name in document}
        if options.get("device") is not None:
            device = DEVICES[choice(options["device"], "device", DEVICES)]
            options = {"subtype": device.subtype, "sample_rate": device.sample_rate} | options
        entries, tables = document.get("items", []), document.get("wavetables", [])
        if not isinstance(entries, list) or not isinstance(tables, list) or not entries + tables:
            raise InputError('A plan needs "items": a list of at least one sound.')
        pitches = pitches_of(document.get("pitches"), card) if entries else ()
        wavetables = [wavetable_of(entry, card) for entry in tables]
        one = Timbre(card.id, ())  # stands in for each sound until we know there are not too many
        outline = cls((PackItem("", one),) if entries else (), tuple(pitches), wavetables=tuple(wavetables), **options)
        sounds = sum(count(entry) for entry in entries)
        _refuse_too_many(outline.estimate(card) * max(1, sounds), most_notes)
        if sounds > MOST_SOUNDS:
            raise InputError(f"One plan holds up to {MOST_SOUNDS:,} sounds, not {sounds:,}: split it up.")
        return replace(outline, items=tuple(items_of(entries, card, choose)))


def _refuse_too_many(estimate: Estimate, most: int) -> None:
    if estimate.notes > most:
        raise InputError(f"This plan is too large ({estimate}): one pack holds up to {most:,} notes.")
