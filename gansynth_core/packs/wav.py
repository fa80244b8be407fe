"""Notes as WAV files that samplers map: root key and key range in the header, and the sound's own recipe with it.

Chunks: `fmt `, `fact` (float only), `smpl` (root key, loop), `inst` (keys, velocities), `LIST`/`INFO` (texts), `data`,
`GSyn` (the Timbre as JSON). The mapping comes before `data`, as some engines read no further; our own chunk comes
after it, out of the way.
"""

import json
import os
import struct
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gansynth_core.errors import AudioError, InputError
from gansynth_core.latent import Timbre
from gansynth_core.packs.naming import SOFTWARE
from gansynth_core.packs.zones import Zone
from gansynth_core.riff import chunk, chunk_of, wav_bytes
from gansynth_core.sound import OUR_CHUNK, Clip, origin_chunks

Samples = NDArray[np.floating[Any]]


def write_wav(
    path: str | os.PathLike[str],
    samples: Samples,
    sample_rate: int,
    subtype: str,
    zone: Zone,
    info: Mapping[str, str],
    timbre: Timbre,
    *,
    bare: bool = False,
) -> None:
    """Write a note to `path`: `samples` [n] or [n, channels] in [-1, 1] at `sample_rate` in Hz, as `subtype` PCM_16,
    PCM_24 or FLOAT.

    zone: root key, range and loop of this note. info: texts by their INFO code, such as INAM for the title. bare: for
    devices that take fault at a header without a loop; the root key then stands in `inst` alone.
    Raises OSError. If stopped, it leaves part of a file, which a resumed export writes again.
    """
    Path(path).write_bytes(_mapped(samples, sample_rate, subtype, zone, info, timbre, bare))


def note_wav(clip: Clip, pitch: int, timbre: Timbre | None, title: str) -> bytes:
    """One note of `timbre` as a 24-bit WAV file: its root key is `pitch` (MIDI), all keys play it, and `read_timbre`
    finds the timbre in it (None for a note that is not made by a single timbre)."""
    zone = Zone(title, len(clip.samples), pitch)
    return _mapped(clip.samples, clip.sample_rate, "PCM_24", zone, {"INAM": title, "ISFT": SOFTWARE}, timbre)


def _mapped(
    samples: Samples,
    sample_rate: int,
    subtype: str,
    zone: Zone,
    info: Mapping[str, str],
    timbre: Timbre | None,
    bare: bool = False,
) -> bytes:
    # Unity note, fraction 0 (readers disagree on what it means), no SMPTE offset; a forward loop, without end.
    smpl = struct.pack("<9I", 0, 0, round(1e9 / sample_rate), zone.root, 0, 0, 0, int(zone.loop is not None), 0)
    if zone.loop:
        smpl += struct.pack("<6I", 0, 0, zone.loop.start, zone.loop.end, 0, 0)
    inst = struct.pack("<BbbBBBB", zone.root, 0, 0, zone.low, zone.high, zone.low_velocity, zone.high_velocity)
    mapping = [chunk(b"smpl", smpl)] if zone.loop or not bare else []
    mapping += [chunk(b"inst", inst), info_list(info)]
    return wav_bytes(samples, sample_rate, subtype, before=mapping, after=origin_chunks(timbre))


def info_list(info: Mapping[str, str]) -> bytes:
    """The chunk `LIST` with the texts of `info` by their INFO code; those that are empty are left out."""
    texts = b"".join(chunk(code.encode(), text.encode() + b"\0") for code, text in info.items() if text)
    return chunk(b"LIST", b"INFO" + texts)


def read_timbre(path: str | os.PathLike[str]) -> Timbre:
    """The Timbre that a note of a pack carries: its model's synth renders the same note from it again.

    Raises AudioError for a file that cannot be read or carries none.
    """
    try:
        data = Path(path).read_bytes()
    except OSError as cause:
        raise AudioError(f"Cannot read '{path}': {cause.strerror}.") from cause
    return timbre_in(data, str(path))


def timbre_in(data: bytes, name: str) -> Timbre:
    """Like `read_timbre`, from the bytes of a WAV file; `name` is what errors call it."""
    try:
        saved = chunk_of(data, OUR_CHUNK)
    except ValueError as cause:
        raise AudioError(f"'{name}' is not a WAV file.") from cause
    if saved is None:
        raise AudioError(
            f"'{name}' was not written by GANSynth Studio: it holds no timbre. The command 'encode' makes one of any "
            "sound."
        )
    try:
        return Timbre.from_json(json.loads(saved))
    except (ValueError, RecursionError, InputError) as cause:
        raise AudioError(f"The sound saved in '{name}' is damaged: {cause}") from cause
