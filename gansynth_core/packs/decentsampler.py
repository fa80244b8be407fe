"""DecentSampler instruments: XML as its developer guide describes it ("The .dspreset format")."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence

from gansynth_core.packs.sfz import VELOCITY_TRACKING
from gansynth_core.packs.zones import Zone


def dspreset(folder: str, zones: Sequence[Zone], release_seconds: float) -> str:
    """The text of a .dspreset file beside `folder`, which holds the notes of `zones`."""
    root = ElementTree.Element("DecentSampler", minVersion="1.0.0")
    envelope = {"attack": "0", "decay": "0", "sustain": "1", "release": f"{release_seconds:g}"}
    groups = ElementTree.SubElement(root, "groups", envelope)
    layered = any(zone.low_velocity > 1 for zone in zones)
    group = ElementTree.SubElement(groups, "group", {"ampVelTrack": f"{VELOCITY_TRACKING / 100:g}"} if layered else {})
    for zone in zones:
        sample = ElementTree.SubElement(
            group,
            "sample",
            path=f"{folder}/{zone.file}",
            rootNote=str(zone.root),
            loNote=str(zone.low),
            hiNote=str(zone.high),
        )
        if layered:
            sample.set("loVel", str(zone.low_velocity))
            sample.set("hiVel", str(zone.high_velocity))
        if zone.turns > 1:
            sample.set("seqMode", "round_robin")
            sample.set("seqLength", str(zone.turns))
            sample.set("seqPosition", str(zone.turn))
        if zone.loop:
            sample.set("loopEnabled", "true")
            sample.set("loopStart", str(zone.loop.start))
            sample.set("loopEnd", str(zone.loop.end))
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"
