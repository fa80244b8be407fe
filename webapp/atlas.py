"""The map of a model's sounds as the page receives it: a small JSON description, and the points as plain numbers."""

import hashlib
from typing import Any

from gansynth_core import DESCRIPTORS, Atlas, Descriptor, ModelCard

LAYOUTS = ("latent", "sound")  # in the order of `pack_atlas`


def pack_atlas(atlas: Atlas) -> bytes:
    """All points, little-endian, 4 bytes a number, one part after the other: places by latent and by sound (float32
    [points, 2] each), measured values (float32 [descriptors, points]), instruments (int32 [points], place in the
    card's, -1 for none) and seeds (int32 [points])."""
    parts = [
        *(atlas.layouts[name].astype("<f4") for name in LAYOUTS),
        atlas.descriptors.T.astype("<f4"),
        atlas.instruments.astype("<i4"),
        atlas.seeds.astype("<i4"),
    ]
    return b"".join(part.tobytes() for part in parts)


def describe_atlas(atlas: Atlas, packed: bytes) -> dict[str, Any]:
    """What the page must know to read `packed`, as JSON; its `hash` names these very bytes."""
    known = {descriptor.name: descriptor for descriptor in DESCRIPTORS}
    # A map measured by another version may have columns that this one does not know.
    measured = [known.get(name, Descriptor(name, name, "", 0, 0, False, "")) for name in atlas.descriptor_names]
    return {
        "hash": hashlib.sha256(packed).hexdigest()[:16],
        "points": len(atlas),
        "pitch": atlas.pitch,
        "instruments": list(atlas.card.instruments),
        "descriptors": [
            {"name": one.name, "title": one.title, "unit": one.unit, "log": one.log, "about": one.about}
            for one in measured
        ],
    }


def command_for(card: ModelCard) -> str:
    """The command that makes the missing map of a model."""
    return f"python -m gansynth_core atlas --model {card.id}"
