"""What a pack holds: sounds, and wavetables between two of them."""

import dataclasses
from dataclasses import dataclass
from typing import Any

from gansynth_core.errors import InputError
from gansynth_core.latent import Timbre, morph
from gansynth_core.packs.checks import whole
from gansynth_core.patch import Patch
from gansynth_core.sound import Envelope

MOST_SOUNDS = 20_000  # they take half a gigabyte of memory
WAVETABLE_PITCH = 36  # low, so that a cycle has many partials


@dataclass(frozen=True)
class PackItem:
    """A sound of a pack: its timbre, a name (made safe for files later), and the envelope that shapes it, if any.

    Attack, decay and sustain become part of the notes, the release part of the sampler instrument.
    """

    name: str
    timbre: Timbre
    envelope: Envelope | None = None

    def __post_init__(self) -> None:
        known = isinstance(self.name, str) and isinstance(self.timbre, Timbre)
        if not known or not isinstance(self.envelope, Envelope | None):
            raise InputError("A sound of a pack needs a name and a timbre, and may have an envelope.")

    @classmethod
    def of(cls, patch: Patch) -> "PackItem":
        """The sound of a patch with its envelope; its gain is ignored, as a pack sets its own level."""
        return cls(patch.name or "sound", patch.timbre, patch.envelope)

    def to_json(self) -> dict[str, Any]:
        """An item of a plan."""
        shape = {"envelope": dataclasses.asdict(self.envelope)} if self.envelope else {}
        return {"name": self.name, "timbre": self.timbre.to_json()} | shape


@dataclass(frozen=True)
class Wavetable:
    """A wavetable of a pack: 256 cycles along the morph from `start` to `end`, each from a note at the MIDI `pitch`."""

    name: str
    start: Timbre
    end: Timbre
    pitch: int = WAVETABLE_PITCH

    def __post_init__(self) -> None:
        if not isinstance(self.name, str) or not all(isinstance(end, Timbre) for end in (self.start, self.end)):
            raise InputError("A wavetable of a pack needs a name and two timbres.")
        whole(self.pitch, "The pitch of a wavetable", 0, 127)
        morph(self.start, self.end, 0.5)

    def to_json(self) -> dict[str, Any]:
        """A wavetable of a plan."""
        ends = [{"timbre": self.start.to_json()}, {"timbre": self.end.to_json()}]
        return {"name": self.name, "morph": ends, "pitch": self.pitch}


def morph_items(name: str, a: Timbre, b: Timbre, steps: int) -> list[PackItem]:
    """`steps` (at least 2) sounds at equal distances from `a` to `b`, both included: `name 01`, `name 02`, ... .
    Raises InputError."""
    whole(steps, "The steps of a morph", 2, MOST_SOUNDS)
    width = max(2, len(str(steps)))
    return [PackItem(f"{name} {step + 1:0{width}d}", morph(a, b, step / (steps - 1))) for step in range(steps)]
