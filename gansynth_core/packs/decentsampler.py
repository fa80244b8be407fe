"""DecentSampler instruments: XML as its developer guide describes it ("The .dspreset format")."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence

from gansynth_core.packs.dynamics import EDGES, HARDEST, velocity_gain
from gansynth_core.packs.rights import Rights
from gansynth_core.packs.zones import Zone

OLDEST = "1.6.0"  # the first version with modulators


def dspreset(folder: str, zones: Sequence[Zone], release_seconds: float, rights: Rights) -> str:
    """The text of a .dspreset file beside `folder`, which holds the notes of `zones`. Velocity sets the volume of each
    note by a modulator, as the sampler's own tracking knows straight lines alone."""
    root = ElementTree.Element("DecentSampler", minVersion=OLDEST)
    for line in rights.lines():
        root.append(ElementTree.Comment(f" {line.replace('--', '- -')} "))
    envelope = {"attack": "0", "decay": "0", "sustain": "1", "release": f"{release_seconds:g}"}
    groups = ElementTree.SubElement(root, "groups", envelope)
    group = ElementTree.SubElement(groups, "group", ampVelTrack="0")
    layered = any(zone.low_velocity > 1 for zone in zones)
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
    modulators = ElementTree.SubElement(root, "modulators")
    velocity = ElementTree.SubElement(modulators, "midiVelocity", scope="voice", modAmount="1.0")
    table = ";".join(f"{point / HARDEST:.6g},{velocity_gain(point):.6g}" for point in (0, *EDGES))
    volume = {"type": "amp", "level": "group", "groupIndex": "0", "parameter": "AMP_VOLUME", "modBehavior": "set"}
    ElementTree.SubElement(velocity, "binding", volume, translation="table", translationTable=table)
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"
