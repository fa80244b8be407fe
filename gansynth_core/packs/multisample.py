"""The .multisample format of Bitwig Studio and Studio One: a zip of WAV files and multisample.xml, as its authors
describe it (github.com/bitwig/multisample)."""

import shutil
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Sequence
from pathlib import Path

from gansynth_core.packs.dynamics import velocity_db
from gansynth_core.packs.naming import SOFTWARE
from gansynth_core.packs.rights import Rights
from gansynth_core.packs.zones import Zone


def write_multisample(
    path: Path, title: str, folder: Path, zones: Sequence[Zone], category: str, rights: Rights
) -> None:
    """Write `path` with the notes of `zones`, which are in `folder`. Samples are stored uncompressed, so that they
    can be streamed. category: what kind of instrument it is, for the browser of the program. Raises OSError."""
    with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr(
            zipfile.ZipInfo("multisample.xml"), multisample_xml(title, zones, category, rights)
        )  # dated 1980, so that equal packs are equal files
        for zone in zones:
            entry = zipfile.ZipInfo(zone.file)
            entry.file_size = (folder / zone.file).stat().st_size
            with open(folder / zone.file, "rb") as file, archive.open(entry, "w") as target:
                shutil.copyfileobj(file, target, 1 << 20)


def multisample_xml(title: str, zones: Sequence[Zone], category: str, rights: Rights) -> str:
    """The text of multisample.xml. The format has no velocity curve: each layer is as loud as the hardest note that
    plays it."""
    root = ElementTree.Element("multisample", name=title)
    about = " ".join(text for text in (rights.comment, rights.copyright) if text)
    creator = rights.author or SOFTWARE
    for tag, text in (("generator", SOFTWARE), ("category", category), ("creator", creator), ("description", about)):
        ElementTree.SubElement(root, tag).text = text
    for zone in zones:
        sample = ElementTree.SubElement(
            root,
            "sample",
            {
                "file": zone.file,
                "gain": f"{velocity_db(zone.high_velocity):.2f}",
                "sample-start": "0.0",
                "sample-stop": f"{zone.frames:.1f}",
            },
        )
        sample.set("zone-logic", "round-robin" if zone.turns > 1 else "always-play")
        key = {"root": zone.root, "track": "1.0", "tune": "0.0", "low": zone.low, "high": zone.high}
        ElementTree.SubElement(sample, "key", {name: str(value) for name, value in key.items()})
        ElementTree.SubElement(sample, "velocity", low=str(zone.low_velocity), high=str(zone.high_velocity))
        ElementTree.SubElement(sample, "select")
        if zone.loop:
            stop = zone.loop.end + 1  # like sample-stop, the first frame that is not played
            ElementTree.SubElement(sample, "loop", mode="loop", start=f"{zone.loop.start:.1f}", stop=f"{stop:.1f}")
        else:
            ElementTree.SubElement(sample, "loop", mode="off")
    ElementTree.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ElementTree.tostring(root, encoding="unicode") + "\n"
