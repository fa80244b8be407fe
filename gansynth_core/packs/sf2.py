"""SoundFont 2, which fluidsynth, many samplers and trackers play: one instrument, 16 or 24 bits a sample.

Layout and numbers of generators: Creative/E-mu, "SoundFont Technical Specification 2.04" (2006). The format has no
round robin, so only the first take goes in. Stereo notes are pairs of linked samples, left and right.

The format's own velocity curve has no softest note. Ours is drawn by the zones of the preset, each a range of
velocities with two modulators, which together are a straight line in dB; the instrument puts the format's own curve to
rest.
"""

import math
import struct
from collections.abc import Iterator, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import soundfile

from gansynth_core.packs.dynamics import EDGES_DB, velocity_db
from gansynth_core.packs.naming import SOFTWARE
from gansynth_core.packs.rights import Rights
from gansynth_core.packs.zones import Zone
from gansynth_core.riff import chunk

PADDING = 46  # frames of silence after every sample, which the format requires
_MONO, _RIGHT, _LEFT = 1, 2, 4
_LOOP_WHILE_HELD = 3
_KEYS, _VELOCITIES, _INSTRUMENT, _RELEASE, _SAMPLE, _MODE, _PAN = 43, 44, 41, 38, 53, 54, 17
_HARD = 500  # to the left or right, in thousandths
_ATTENUATION = 48  # what the modulators change, in centibels
_OWN_CURVE = 0x0502  # the modulator of 8.4.1, velocity to attenuation ...
_FALLING, _RISING = 0x0102, 0x0002  # ... and straight lines from and to full velocity: 1 - v / 127 and v / 127
_WHOLE = 127


def write_sf2(
    path: Path,
    title: str,
    folder: Path,
    zones: Sequence[Zone],
    sample_rate: int,
    bits: int,
    release_seconds: float,
    rights: Rights,
) -> None:
    """Write `path` with the notes of `zones`, WAV files of `sample_rate` (Hz) in `folder`, as samples of 16 or 24
    `bits`. Memory is bounded by one note. Raises OSError."""
    zones = [zone for zone in zones if zone.turn == 1]
    channels = soundfile.info(folder / zones[0].file).channels
    frames = channels * sum(zone.frames + PADDING for zone in zones)
    settings = _list(b"pdta", b"".join(_settings(title, zones, channels, sample_rate, release_seconds)))
    # A 24-bit sample is its upper 16 bits in `smpl` and its lowest 8 in `sm24`, whose size must be even (6.2): unlike
    # in other chunks, the padding counts.
    fraction_bytes = frames + frames % 2 if bits == 24 else 0
    texts = {b"INAM": title, b"IENG": rights.author, b"ICOP": rights.copyright, b"ICMT": rights.comment}
    info = _list(
        b"INFO",
        chunk(b"ifil", struct.pack("<HH", 2, 4))
        + chunk(b"isng", _text("EMU8000"))
        + b"".join(chunk(code, _text(text)) for code, text in texts.items() if text)
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
    """Each channel of each note as int32 of 24 bits, rounded to `bits`."""
    for zone in zones:
        samples, _ = soundfile.read(folder / zone.file, dtype="float64", always_2d=True)
        steps = 2.0 ** (bits - 1)
        for channel in samples.T:
            whole = np.clip(np.round(channel * steps), -steps, steps - 1).astype(np.int32)
            yield whole << (24 - bits)


def _settings(
    title: str, zones: Sequence[Zone], channels: int, sample_rate: int, release_seconds: float
) -> Iterator[bytes]:
    """The nine chunks of `pdta`, each list ends with a terminal record."""
    lines = [_line(low, high) for low, high in pairwise(EDGES_DB)]
    edges = [EDGES_DB[0] - 1, *EDGES_DB[1:]]  # each line begins one velocity after the last
    ranges = [(low + 1, high) for low, high in pairwise(edges)]
    count = len(ranges)
    yield chunk(
        b"phdr",
        struct.pack("<20sHHHIII", _name(title), 0, 0, 0, 0, 0, 0)
        + struct.pack("<20sHHHIII", b"EOP", 0, 0, count, 0, 0, 0),
    )
    yield chunk(b"pbag", b"".join(struct.pack("<HH", 2 * number, 2 * number) for number in range(count + 1)))
    yield chunk(b"pmod", b"".join(_modulator(_FALLING, a) + _modulator(_RISING, b) for a, b in lines) + bytes(10))
    own = [struct.pack("<HBBHH", _VELOCITIES, low, high, _INSTRUMENT, 0) for low, high in ranges]
    yield chunk(b"pgen", b"".join(own) + bytes(4))

    release = struct.pack("<Hh", _RELEASE, round(1200 * math.log2(release_seconds)))
    generators, starts = [release], [0, 1]
    for number, zone in enumerate(zones):
        for channel in range(channels):
            own = [
                struct.pack("<HBB", _KEYS, zone.low, zone.high),
                struct.pack("<HBB", _VELOCITIES, zone.low_velocity, zone.high_velocity),
                *([struct.pack("<Hh", _PAN, _HARD if channel else -_HARD)] if channels == 2 else []),
                *([struct.pack("<HH", _MODE, _LOOP_WHILE_HELD)] if zone.loop else []),
                struct.pack("<HH", _SAMPLE, channels * number + channel),  # last, as the format requires
            ]
            generators += own
            starts.append(starts[-1] + len(own))
    bags = [(start, 1 if number else 0) for number, start in enumerate(starts)]  # the global zone has the modulator
    yield chunk(b"inst", struct.pack("<20sH", _name(title), 0) + struct.pack("<20sH", b"EOI", len(bags) - 1))
    yield chunk(b"ibag", b"".join(struct.pack("<2H", *bag) for bag in bags))
    yield chunk(b"imod", _modulator(_OWN_CURVE, 0) + bytes(10))
    yield chunk(b"igen", b"".join(generators) + bytes(4))

    headers, start = [], 0
    for number, zone in enumerate(zones):
        for channel in range(channels):
            # No loop is one without a length, as FluidSynth and Polyphone have it; the format has no word for it.
            loop = (zone.loop.start, zone.loop.end + 1) if zone.loop else (0, 0)
            kind, partner, side = _MONO, 0, ""
            if channels == 2:
                kind, partner, side = (_RIGHT if channel else _LEFT), 2 * number + 1 - channel, "RL"[1 - channel]
            places = (start, start + zone.frames, start + loop[0], start + loop[1])
            name = _name(Path(zone.file).stem[-20 + len(side) :] + side)
            headers.append(struct.pack("<20s5IBbHH", name, *places, sample_rate, zone.root, 0, partner, kind))
            start += zone.frames + PADDING
    yield chunk(b"shdr", b"".join(headers) + struct.pack("<20s26x", b"EOS"))


def _line(low: int, high: int) -> tuple[int, int]:
    """The amounts in centibels of the falling and the rising modulator that follow the velocity curve between two
    velocities: the attenuation that the straight line through both would have at velocity 0 and at 127."""
    slope = (velocity_db(high) - velocity_db(low)) / (high - low)
    at_none, at_whole = velocity_db(low) - slope * low, velocity_db(low) + slope * (_WHOLE - low)
    return round(-10 * at_none), round(-10 * at_whole)


def _modulator(source: int, amount: int) -> bytes:
    return struct.pack("<HHhHH", source, _ATTENUATION, amount, 0, 0)


def _name(text: str) -> bytes:
    return text.encode("ascii", "replace")[:20]


def _text(text: str) -> bytes:
    data = text.encode("ascii", "replace")[:255] + b"\0"
    return data + b"\0" * (len(data) % 2)


def _list(kind: bytes, content: bytes) -> bytes:
    return chunk(b"LIST", kind + content)
