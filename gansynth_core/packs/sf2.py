"""SoundFont 2, which fluidsynth, many samplers and trackers play: one instrument, mono, 16 or 24 bits a sample.

Layout and numbers of generators: Creative/E-mu, "SoundFont Technical Specification 2.04" (2006). The format has no
round robin, so only the first take goes in; stereo notes are mixed to mono.
"""

import math
import struct
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import soundfile

from gansynth_core.packs.naming import SOFTWARE
from gansynth_core.packs.sfz import VELOCITY_TRACKING
from gansynth_core.packs.zones import Zone
from gansynth_core.riff import chunk

PADDING = 46  # frames of silence after every sample, which the format requires
_MONO = 1
_LOOP_WHILE_HELD = 3
_KEYS, _VELOCITIES, _INSTRUMENT, _RELEASE, _SAMPLE, _MODE = 43, 44, 41, 38, 53, 54
_ATTENUATION, _VELOCITY_CURVE, _WHOLE_CENTIBELS = 48, 0x0502, 960  # the modulator of 8.4.1: velocity to attenuation


def write_sf2(
    path: Path, title: str, folder: Path, zones: Sequence[Zone], sample_rate: int, bits: int, release_seconds: float
) -> None:
    """Write `path` with the notes of `zones`, WAV files of `sample_rate` (Hz) in `folder`, as samples of 16 or 24
    `bits`. Memory is bounded by one note. Raises OSError."""
    zones = [zone for zone in zones if zone.turn == 1]
    frames = sum(zone.frames + PADDING for zone in zones)
    settings = _list(b"pdta", b"".join(_settings(title, zones, sample_rate, release_seconds)))
    # A 24-bit sample is its upper 16 bits in `smpl` and its lowest 8 in `sm24`, whose size must be even (6.2): unlike
    # in other chunks, the padding counts.
    fraction_bytes = frames + frames % 2 if bits == 24 else 0
    info = _list(
        b"INFO",
        chunk(b"ifil", struct.pack("<HH", 2, 4))
        + chunk(b"isng", _text("EMU8000"))
        + chunk(b"INAM", _text(title))
        + chunk(b"ISFT", _text(SOFTWARE)),
    )
    samples = 8 + 2 * frames + (8 + fraction_bytes if bits == 24 else 0)
    with open(path, "wb") as file:
        file.write(b"RIFF" + struct.pack("<I", 4 + len(info) + 12 + samples + len(settings)) + b"sfbk" + info)
        file.write(b"LIST" + struct.pack("<I", 4 + samples) + b"sdta")
        file.write(b"smpl" + struct.pack("<I", 2 * frames))
        for note in _notes(folder, zones, bits):
            file.write((note >> 8).astype("<i2").tobytes() + bytes(2 * PADDING))
        if bits == 24:
            file.write(b"sm24" + struct.pack("<I", fraction_bytes))
            for note in _notes(folder, zones, bits):
                file.write((note & 0xFF).astype(np.uint8).tobytes() + bytes(PADDING))
            file.write(bytes(fraction_bytes - frames))
        file.write(settings)


def _notes(folder: Path, zones: Sequence[Zone], bits: int) -> Iterator[np.ndarray]:
    """Each note as int32 of 24 bits, rounded to `bits`."""
    for zone in zones:
        samples, _ = soundfile.read(folder / zone.file, dtype="float64", always_2d=True)
        steps = 2.0 ** (bits - 1)
        whole = np.clip(np.round(samples.mean(axis=1) * steps), -steps, steps - 1).astype(np.int32)
        yield whole << (24 - bits)


def _settings(title: str, zones: Sequence[Zone], sample_rate: int, release_seconds: float) -> Iterator[bytes]:
    """The nine chunks of `pdta`, each list ends with a terminal record."""
    yield chunk(
        b"phdr",
        struct.pack("<20sHHHIII", _name(title), 0, 0, 0, 0, 0, 0) + struct.pack("<20sHHHIII", b"EOP", 0, 0, 1, 0, 0, 0),
    )
    yield chunk(b"pbag", struct.pack("<4H", 0, 0, 1, 0))
    yield chunk(b"pmod", bytes(10))
    yield chunk(b"pgen", struct.pack("<4H", _INSTRUMENT, 0, 0, 0))

    layered = any(zone.low_velocity > 1 for zone in zones)
    release = struct.pack("<Hh", _RELEASE, round(1200 * math.log2(release_seconds)))
    generators, starts = [release], [0, 1]
    for number, zone in enumerate(zones):
        own = [
            struct.pack("<HBB", _KEYS, zone.low, zone.high),
            struct.pack("<HBB", _VELOCITIES, zone.low_velocity, zone.high_velocity),
            *([struct.pack("<HH", _MODE, _LOOP_WHILE_HELD)] if zone.loop else []),
            struct.pack("<HH", _SAMPLE, number),  # last, as the format requires
        ]
        generators += own
        starts.append(starts[-1] + len(own))
    modulators = int(layered)  # in the global zone, which comes first; all other bags follow it
    bags = [(start, modulators if number else 0) for number, start in enumerate(starts)]
    yield chunk(b"inst", struct.pack("<20sH", _name(title), 0) + struct.pack("<20sH", b"EOI", len(bags) - 1))
    yield chunk(b"ibag", b"".join(struct.pack("<2H", *bag) for bag in bags))
    curve = struct.pack(
        "<HHhHH", _VELOCITY_CURVE, _ATTENUATION, round(_WHOLE_CENTIBELS * VELOCITY_TRACKING / 100), 0, 0
    )
    yield chunk(b"imod", curve * modulators + bytes(10))
    yield chunk(b"igen", b"".join(generators) + bytes(4))

    headers, start = [], 0
    for zone in zones:
        # No loop is one without a length, as FluidSynth and Polyphone have it; the format has no word for it.
        loop = (zone.loop.start, zone.loop.end + 1) if zone.loop else (0, 0)
        header = (start, start + zone.frames, start + loop[0], start + loop[1], sample_rate, zone.root, 0, 0, _MONO)
        headers.append(struct.pack("<20s5IBbHH", _name(Path(zone.file).stem[-20:]), *header))
        start += zone.frames + PADDING
    yield chunk(b"shdr", b"".join(headers) + struct.pack("<20s26x", b"EOS"))


def _name(text: str) -> bytes:
    return text.encode("ascii", "replace")[:20]


def _text(text: str) -> bytes:
    data = text.encode("ascii", "replace")[:255] + b"\0"
    return data + b"\0" * (len(data) % 2)


def _list(kind: bytes, content: bytes) -> bytes:
    return chunk(b"LIST", kind + content)
