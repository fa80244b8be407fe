"""Presets of Teenage Engineering's OP-XY: a folder NAME.preset of notes and this patch.json, for the device's folder
`presets`. The maker documents no format; this is what ConvertWithMoss (github.com/git-moss) reads and writes, which
people use with the device.
"""

import json
import math
from collections.abc import Sequence

from gansynth_core.packs.zones import Zone

ENDING = ".preset"
FILE = "patch.json"
VERSION = 4
WHOLE = 32767  # the device's numbers go from 0 to this
VELOCITY_SENSITIVITY = 21299  # the device's own default
LONGEST_SECONDS = 10.0  # of an envelope's stage, whose square root is kept


def patch_json(zones: Sequence[Zone], release_seconds: float) -> str:
    """The text of patch.json beside the notes of `zones`, one a key range, in rising order."""
    release = round(WHOLE * math.sqrt(min(release_seconds / LONGEST_SECONDS, 1.0)))
    document = {
        "type": "multisampler",
        "platform": "OP-XY",
        "version": VERSION,
        "octave": 0,
        "engine": {
            "playmode": "poly",
            "transpose": 0,
            "volume": (WHOLE + 1) // 2,
            "velocity.sensitivity": VELOCITY_SENSITIVITY,
        },
        "envelope": {"amp": {"attack": 0, "decay": WHOLE, "sustain": WHOLE, "release": release}},
        "regions": [_region(zone) for zone in zones],
    }
    return json.dumps(document, indent=2) + "\n"


def _region(zone: Zone) -> dict[str, object]:
    # The device loops where `loop.enabled` is not written. Not looping `onrelease`, it plays on to the end.
    start, end = (zone.loop.start, zone.loop.end + 1) if zone.loop else (0, zone.frames)
    return {
        "sample": zone.file,
        "framecount": zone.frames,
        "lokey": zone.low,
        "hikey": zone.high,
        "pitch.keycenter": zone.root,
        "gain": 0,
        "tune": 0,
        "reverse": False,
        "sample.start": 0,
        "sample.end": zone.frames,
        "loop.enabled": zone.loop is not None,
        "loop.onrelease": False,
        "loop.start": start,
        "loop.end": end,
        "loop.crossfade": 0,
    }
