"""The Patch: a sound as one plays it. A preset is a Patch in a file."""

import dataclasses
import json
import os
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gansynth_core.errors import InputError
from gansynth_core.files import replacing
from gansynth_core.latent import Timbre
from gansynth_core.sound import GAIN_RANGE_DB, Clips, Envelope, check_range

FORMAT = 1
NAME_LIMIT, TAG_LIMIT, MOST_TAGS = 120, 40, 20  # characters, characters, tags
FILE_LIMIT = 1_000_000  # bytes; a timbre of 512 numbers takes a hundredth of it


@dataclass(frozen=True)
class Patch:
    """A Timbre as one plays it: its envelope, its gain in dB (GAIN_RANGE_DB), a name and tags to find it by.

    Raises InputError for values out of range, a name of more than 120 characters, more than 20 tags or a
    tag of more than 40 characters.
    """

    timbre: Timbre
    envelope: Envelope = field(default_factory=Envelope)
    gain_db: float = 0.0
    name: str = ""
    tags: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if not isinstance(self.timbre, Timbre) or not isinstance(self.envelope, Envelope):
            raise InputError("A patch needs a timbre and an envelope.")
        check_range(self.gain_db, "The gain of a patch in dB", *GAIN_RANGE_DB)
        _text(self.name, "The name of a patch", NAME_LIMIT)
        if not isinstance(self.tags, tuple | list) or len(self.tags) > MOST_TAGS:
            raise InputError(f"The tags of a patch are a list of up to {MOST_TAGS} words.")
        for tag in self.tags:
            _text(tag, "A tag", TAG_LIMIT)
        object.__setattr__(self, "tags", tuple(self.tags))

    def play(self, clips: Clips, held_seconds: float | None = None) -> Clips:
        """Rendered notes of the timbre with this envelope and gain: see Clips.shaped."""
        return clips.shaped(self.envelope, held_seconds, self.gain_db)

    def to_json(self) -> dict[str, Any]:
        """A JSON document, which `from_json` turns back into the same Patch."""
        return {
            "format": FORMAT,
            "name": self.name,
            "tags": list(self.tags),
            "timbre": self.timbre.to_json(),
            "envelope": dataclasses.asdict(self.envelope),
            "gain_db": self.gain_db,
        }

    @classmethod
    def from_json(cls, document: object) -> "Patch":
        """Inverse of `to_json`. Whatever a document leaves out, except its timbre, is as in a new Patch. Raises
        InputError for a damaged document or one from a newer version."""
        if not isinstance(document, Mapping) or "timbre" not in document:
            raise InputError("This is not a saved patch. It holds no timbre.")
        version = document.get("format")
        if version != FORMAT:
            newer = isinstance(version, int) and version > FORMAT
            why = "saved by a newer version" if newer else "not a saved patch"
            raise InputError(f"This is {why} (format {version!r}; this version reads format {FORMAT}).")
        given = {name: document[name] for name in ("gain_db", "name", "tags") if name in document}
        timbre, envelope = Timbre.from_json(document["timbre"]), envelope_of(document.get("envelope", {}))
        return cls(timbre, envelope, **given)

    def save(self, path: str | os.PathLike[str]) -> Path:
        """Write the preset file `path`, which ends in .json, and return its path. Raises GanSynthError."""
        path = Path(path)
        if path.suffix.lower() != ".json":
            raise InputError(f"A preset is a .json file, and '{path.name}' does not end in .json.")
        with replacing(path) as partial:
            partial.write_text(json.dumps(self.to_json(), indent=1) + "\n", encoding="utf-8", newline="\n")
        return path


def load_patch(path: str | os.PathLike[str]) -> Patch:
    """The Patch in a preset file. Raises InputError for any other file."""
    try:
        data = Path(path).read_bytes()
    except OSError as cause:
        raise InputError(f"Cannot read the preset '{path}': {cause.strerror}.") from cause
    if len(data) > FILE_LIMIT:
        raise InputError(f"'{path}' is not a preset. It is {len(data):,} bytes long.")
    try:
        document = json.loads(data)
    except (ValueError, RecursionError) as cause:
        raise InputError(f"The preset '{path}' is not readable JSON.") from cause
    return Patch.from_json(document)


def envelope_of(document: object) -> Envelope:
    """The Envelope of a JSON object with any of its fields by name. Raises InputError."""
    names = [field.name for field in dataclasses.fields(Envelope)]
    if not isinstance(document, Mapping):
        raise InputError(f"An envelope is an object with {', '.join(names)}.")
    for name in document:
        if name not in names:
            raise InputError(f"An envelope has no {str(name)[:60]!r}. It has {', '.join(names)}.")
    return Envelope(**document)


def _text(value: object, what: str, limit: int) -> None:
    if not isinstance(value, str) or len(value) > limit:
        raise InputError(f"{what} is text of up to {limit} characters.")
