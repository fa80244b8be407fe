"""RIFF files: chunks of a code, a length and content, all little-endian. WAV and SoundFont files are made of them.

Layout: Microsoft & IBM, "Multimedia Programming Interface and Data Specifications" (1991) and its 1994 revision.
"""

import struct
from collections.abc import Iterable
from typing import Any

import numpy as np
from numpy.typing import NDArray

BLOCK = 2**18  # frames encoded at a time
SAMPLE_BYTES = {"PCM_16": 2, "PCM_24": 3, "FLOAT": 4}  # the sample formats (subtypes) that we write


def wav_bytes(
    samples: NDArray[np.floating[Any]],
    sample_rate: int,
    subtype: str,
    *,
    before: Iterable[bytes] = (),
    after: Iterable[bytes] = (),
    round_down: bool = False,
) -> bytes:
    """A WAV file of `samples` [n] or [n, channels] in [-1, 1] at `sample_rate` in Hz, as `subtype` PCM_16, PCM_24 or
    FLOAT.

    before, after: further chunks in front of and after the samples. round_down: see `encode`. Raises KeyError for
    another subtype.
    """
    width, channels = SAMPLE_BYTES[subtype], 1 if samples.ndim == 1 else samples.shape[1]
    real, block = subtype == "FLOAT", channels * width
    form = struct.pack("<HHIIHH", 3 if real else 1, channels, sample_rate, sample_rate * block, block, 8 * width)
    return riff(
        b"WAVE",
        [
            chunk(b"fmt ", form + (b"\0\0" if real else b"")),
            chunk(b"fact", struct.pack("<I", len(samples))) if real else b"",
            *before,
            chunk(b"data", encode(samples, subtype, round_down=round_down)),
            *after,
        ],
    )


def chunk_of(data: bytes, code: bytes) -> bytes | None:
    """The content of the first chunk of this code in a WAV file; None where there is none. Raises ValueError for what
    is no WAV file."""
    if data[:4] != b"RIFF" or data[8:12] != b"WAVE":
        raise ValueError("This is not a WAV file.")
    place = 12
    while place + 8 <= len(data):
        name, size = data[place : place + 4], struct.unpack_from("<I", data, place + 4)[0]
        if name == code:
            return data[place + 8 : place + 8 + size]
        place += 8 + size + size % 2
    return None


def encode(samples: NDArray[np.floating[Any]], subtype: str, *, round_down: bool = False) -> bytes:
    """`samples` [n] or [n, channels] in [-1, 1] as the bytes of a `data` chunk; louder ones clip.

    Integers are rounded to the nearest step; or down, as libsndfile does, which rounds to 32 bits and keeps the upper
    16 or 24 of them.
    """
    pieces = (samples[start : start + BLOCK] for start in range(0, len(samples), BLOCK))  # or a song takes gigabytes
    return b"".join(_encoded(piece, subtype, round_down) for piece in pieces)


def _encoded(samples: NDArray[np.floating[Any]], subtype: str, round_down: bool) -> bytes:
    if subtype == "FLOAT":
        return samples.astype("<f4").tobytes()
    width = SAMPLE_BYTES[subtype]
    full = 2.0 ** (8 * width - 1)
    steps = np.floor(np.round(samples * 2.0**31) / (2.0**31 / full)) if round_down else np.round(samples * full)
    whole = np.clip(steps.astype(np.float64), -full, full - 1).astype("<i4")
    return np.ascontiguousarray(whole).view(np.uint8).reshape(-1, 4)[:, :width].tobytes()


def riff(kind: bytes, chunks: Iterable[bytes]) -> bytes:
    """A RIFF file of `kind`, such as WAVE."""
    return chunk(b"RIFF", kind + b"".join(chunks))


def chunk(code: bytes, content: bytes) -> bytes:
    """One chunk; content of an odd length is padded."""
    return code + struct.pack("<I", len(content)) + content + b"\0" * (len(content) % 2)
