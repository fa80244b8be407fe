"""DecentSampler presets: XML of the elements and attributes in its developer guide ("The .dspreset format")."""

import xml.etree.ElementTree as ElementTree
from collections.abc import Sequence

from gansynth_core.packs.sfz import RELEASE_SECONDS
from gansynth_core.packs.zones import Zone


def dspreset(folder: str, zones: Sequence[Zone]) -> str:
    """The text of a .dspreset that stands beside `folder`, where the notes of `zones` lie."""
    root = ElementTree.Element("DecentSampler", minVersion="1.0.0")
    groups = ElementTree.SubElement(root, "groups", attack="0", decay="0", sustain="1", release=f"{RELEASE_SECONDS:g}")
    group = ElementTree.SubElement(groups, "group")
    for zone in zones:
        ElementTree.SubElement(
            group,
            "sample",
            path=f"{folder}/{zone.file}",
            rootNote=str(zone.root),
            loNote=str(zone.low),
            hiNote=str(zone.high),
        )
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"
