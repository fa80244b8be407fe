"""The zones of sampler instruments, read back from the files that map them, as a sampler would read them."""

import io
import json
import struct
import tomllib
import xml.etree.ElementTree as ElementTree
import zipfile
from collections.abc import Callable, Iterator
from itertools import pairwise
from typing import BinaryIO

from gansynth_core.packs.dynamics import HARDEST
from gansynth_core.packs.zones import Zone, key_ranges
from gansynth_core.sustain import Loop


def read_sfz(file: BinaryIO) -> list[Zone]:
    """The regions of an .sfz file whose opcodes stand apart by spaces and whose names have none, as ours do."""
    shared: dict[str, str] = {}
    regions: list[dict[str, str]] = []
    current = shared
    for line in io.TextIOWrapper(file, encoding="utf-8"):
        for word in line.split("//")[0].split():
            if word == "<region>":
                current = shared.copy()
                regions.append(current)
            elif "=" in word:
                name, _, value = word.partition("=")
                current[name] = value
    return [_sfz_zone(region) for region in regions]


def _sfz_zone(region: dict[str, str]) -> Zone:
    held = region.get("loop_mode") == "loop_sustain"
    return Zone(
        region["sample"],
        0,
        int(region["pitch_keycenter"]),
        int(region["lokey"]),
        int(region["hikey"]),
        int(region["lovel"]),
        int(region["hivel"]),
        int(region.get("seq_position", 1)),
        int(region.get("seq_length", 1)),
        Loop(int(region["loop_start"]), int(region["loop_end"]), 0) if held else None,
    )


def read_dspreset(file: BinaryIO) -> list[Zone]:
    """The samples of a .dspreset file."""
    found = []
    for sample in ElementTree.parse(file).findall("groups/group/sample"):
        number = {name: int(value) for name, value in sample.attrib.items() if value.isdecimal()}
        found.append(
            Zone(
                sample.attrib["path"].rpartition("/")[2],
                0,
                number["rootNote"],
                number.get("loNote", 0),
                number.get("hiNote", 127),
                number.get("loVel", 1),
                number.get("hiVel", 127),
                number.get("seqPosition", 1),
                number.get("seqLength", 1),
                Loop(number["loopStart"], number["loopEnd"], 0) if sample.get("loopEnabled") == "true" else None,
            )
        )
    return found


def read_multisample(file: BinaryIO) -> list[Zone]:
    """The samples of a .multisample file; takes count in the order in which they stand."""
    with zipfile.ZipFile(file) as archive:
        root = ElementTree.fromstring(archive.read("multisample.xml"))
        missing = {sample.get("file") for sample in root.findall("sample")} - set(archive.namelist())
    if missing:
        raise ValueError(f"it lacks {', '.join(sorted(map(str, missing)))}")
    found: list[Zone] = []
    for sample in root.findall("sample"):
        key, velocity, loop = (_attributes(sample, tag) for tag in ("key", "velocity", "loop"))
        held = loop["mode"] == "loop"
        found.append(
            Zone(
                sample.attrib["file"],
                round(float(sample.attrib["sample-stop"])),
                int(key["root"]),
                int(key["low"]),
                int(key["high"]),
                int(velocity["low"]),
                int(velocity["high"]),
                loop=Loop(round(float(loop["start"])), round(float(loop["stop"])) - 1, 0) if held else None,
            )
        )
    return _with_turns(found)


def _attributes(sample: ElementTree.Element, tag: str) -> dict[str, str]:
    child = sample.find(tag)
    if child is None:
        raise ValueError(f"a sample has no {tag}")
    return child.attrib


def _with_turns(zones: list[Zone]) -> list[Zone]:
    """Zones of one place on the keyboard numbered as takes of each other."""
    places: dict[tuple[int, ...], list[Zone]] = {}
    for zone in zones:
        places.setdefault((zone.low, zone.high, zone.low_velocity, zone.high_velocity), []).append(zone)
    return [
        Zone(*vars(zone).values()) if len(those) == 1 else _take(zone, turn, len(those))
        for those in places.values()
        for turn, zone in enumerate(those, 1)
    ]


def _take(zone: Zone, turn: int, turns: int) -> Zone:
    return Zone(**vars(zone) | {"turn": turn, "turns": turns})


def read_patch_json(file: BinaryIO) -> list[Zone]:
    """The regions of an OP-XY preset."""
    return [
        Zone(
            region["sample"],
            region["framecount"],
            region["pitch.keycenter"],
            region["lokey"],
            region["hikey"],
            loop=Loop(region["loop.start"], region["loop.end"] - 1, 0) if region["loop.enabled"] else None,
        )
        for region in json.load(file)["regions"]
    ]


def read_elmulti(file: BinaryIO) -> list[Zone]:
    """The samples of a Tonverk multisample, on the keys nearest to theirs and with the velocities up to the next."""
    keys = tomllib.load(file)["key-zones"]
    found = []
    for key, (low, high) in zip(keys, key_ranges([key["pitch"] for key in keys]), strict=True):
        layers = key["velocity-layers"]
        softest = [round(layer["velocity"] * HARDEST) for layer in layers]
        for layer, least, above in zip(layers, softest, [*softest[1:], HARDEST + 1], strict=True):
            slots = layer["sample-slots"]
            for turn, slot in enumerate(slots, 1):
                loop = Loop(slot["loop-start"], slot["loop-end"], 0) if slot["loop-mode"] == "Forward" else None
                found.append(Zone(slot["sample"], 0, key["pitch"], low, high, least, above - 1, turn, len(slots), loop))
    return found


_GENERATORS = {43: "keys", 44: "velocities", 53: "sample", 54: "mode"}


def read_sf2(file: BinaryIO) -> list[Zone]:
    """The zones of the first instrument of a SoundFont; of a stereo pair the left one. Raises ValueError for a file
    whose parts do not fit each other."""
    parts = dict(_sf2_chunks(file))
    headers = list(struct.iter_unpack("<20s5IBbHH", parts[b"shdr"][1]))
    frames = parts[b"smpl"][0] // 2
    if b"sm24" in parts and parts[b"sm24"][0] != frames + frames % 2:
        raise ValueError("the lower 8 bits of its samples are not half as large as the upper 16")
    bags = [bag[0] for bag in struct.iter_unpack("<2H", parts[b"ibag"][1])]
    generators = list(struct.iter_unpack("<HH", parts[b"igen"][1]))
    found = []
    for first, last in pairwise(bags):
        own = {_GENERATORS[code]: amount for code, amount in generators[first:last] if code in _GENERATORS}
        if "sample" not in own:
            continue
        name, start, end, loop_start, loop_end, _, root, _, partner, kind = headers[own["sample"]]
        if end > frames or (kind != 1 and headers[partner][8] != own["sample"]):
            raise ValueError(f"sample {own['sample']} is outside the file, or its other channel is another's")
        if kind == 2:
            continue
        keys, velocities = own["keys"], own["velocities"]
        loop = Loop(loop_start - start, loop_end - start - 1, 0) if own.get("mode") == 3 else None
        stem = name.rstrip(b"\0").decode("ascii")
        found.append(
            Zone(
                stem.removesuffix("L") if kind == 4 else stem,
                end - start,
                root,
                keys & 255,
                keys >> 8,
                velocities & 255,
                velocities >> 8,
                loop=loop,
            )
        )
    return found


def _sf2_chunks(file: BinaryIO) -> Iterator[tuple[bytes, tuple[int, bytes]]]:
    """(code, (size, content)) of each chunk in the lists of a SoundFont; without the samples themselves."""
    kind, size = file.read(4), struct.unpack("<I", file.read(4))[0]
    if kind != b"RIFF" or file.read(4) != b"sfbk" or file.seek(0, 2) != size + 8:
        raise ValueError("it is not a whole SoundFont")
    place = 12
    while place + 8 <= size + 8:
        file.seek(place)
        code, length = file.read(4), struct.unpack("<I", file.read(4))[0]
        if code == b"LIST":
            place += 12
            continue
        yield code, (length, b"" if code in (b"smpl", b"sm24") else file.read(length))
        place += 8 + length + length % 2


READERS: dict[str, Callable[[BinaryIO], list[Zone]]] = {
    ".sfz": read_sfz,
    ".dspreset": read_dspreset,
    ".sf2": read_sf2,
    ".multisample": read_multisample,
    ".json": read_patch_json,
    ".elmulti": read_elmulti,
}
