"""Multisamples of Elektron's Tonverk: NAME.elmulti in the folder of its notes. The maker documents no format; this is
how others (ConvertWithMoss and people who read its factory library) found it: TOML, without key ranges, as the device
plays the nearest note, and with layers that begin at a velocity."""

from collections.abc import Sequence
from itertools import groupby

from gansynth_core.packs.dynamics import HARDEST
from gansynth_core.packs.zones import Zone

ENDING = ".elmulti"


def elmulti(title: str, zones: Sequence[Zone]) -> str:
    """The text of an .elmulti file beside the notes of `zones`."""
    lines = ["# ELEKTRON MULTI-SAMPLE MAPPING FORMAT", "version = 0", f"name = '{title}'"]
    ordered = sorted(zones, key=lambda zone: (zone.root, zone.low_velocity, zone.turn))
    for root, of_key in groupby(ordered, key=lambda zone: zone.root):
        lines += ["", "[[key-zones]]", f"pitch = {root}", f"key-center = {root}.0"]
        for softest, layer in groupby(of_key, key=lambda zone: zone.low_velocity):
            lines += [
                "",
                "[[key-zones.velocity-layers]]",
                f"velocity = {softest / HARDEST:.8f}",
                "strategy = 'Forward'",
            ]
            for zone in layer:
                lines += ["", "[[key-zones.velocity-layers.sample-slots]]", f"sample = '{zone.file}'"]
                if zone.loop:
                    lines += ["loop-mode = 'Forward'", f"loop-start = {zone.loop.start}", f"loop-end = {zone.loop.end}"]
                else:
                    lines.append("loop-mode = 'Off'")
    return "\n".join(lines) + "\n"
