"""What the tests of sample packs share: a voice of sines, plans, and reading packs back."""

import json
import math
import zipfile
from pathlib import Path

import fluidsynth
import numpy as np
import pysfizz
import torch
from sine_voice import SPEC, SineGenerator, sine_card

from gansynth_core import PackItem, PackPlan, Synth, Timbre

CARD = sine_card()
RATE = 44100  # Hz, of packs and players
PITCHES = (48, 55, 60, 65)


class Voice(SineGenerator):
    """Sines with an octave as strong as z[1] says; z[2] above 5 makes NaN, z[3] silence."""

    def __init__(self):
        self.rendered = 0

    def __call__(self, z, pitch, instruments):
        self.rendered += len(z)
        seconds = torch.arange(SPEC.samples) / SPEC.sample_rate
        phase = 2 * math.pi * 440.0 * 2.0 ** ((pitch[:, None] - 69.0) / 12.0) * seconds
        wave = 0.3 * torch.sin(phase) + 0.1 * torch.sigmoid(z[:, 1:2]) * torch.sin(2 * phase)
        wave = torch.where(z[:, 2:3] > 5, torch.nan, wave)
        return SPEC.encode(torch.where(z[:, 3:4] > 5, 0.0, wave))


def synth() -> Synth:
    return Synth(CARD, Voice(), device="cpu", griffin_lim_steps=0)


def timbre(**z: float) -> Timbre:
    """A violin with z as given, by index: timbre(z1=2.0)."""
    values = [0.0] * CARD.latent_size
    for name, value in z.items():
        values[int(name[1:])] = value
    return Timbre.of(CARD, values, "violin")


def plan(**changes) -> PackPlan:
    arguments = {"items": (PackItem("Soft", timbre(z1=-4.0)), PackItem("Bright", timbre(z1=4.0))), "pitches": PITCHES}
    return PackPlan(**arguments | changes)


def unpack(path: Path) -> Path:
    """The folder in the zip at `path`, extracted beside it."""
    with zipfile.ZipFile(path) as archive:
        assert archive.testzip() is None
        archive.extractall(path.parent / "unpacked")
        (top,) = {name.split("/")[0] for name in archive.namelist()}
    return path.parent / "unpacked" / top


def heard_pitch(samples: np.ndarray, rate: int) -> float:
    """MIDI pitch of the strongest partial."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 2**19))
    return 69 + 12 * math.log2(spectrum.argmax() * rate / 2**19 / 440)


def notes_of(pack: Path) -> list[dict]:
    return [note for sound in json.loads((pack / "manifest.json").read_text())["sounds"] for note in sound["notes"]]


def sfz_player(path: Path, rate: int) -> pysfizz.Synth:
    """sfizz with the instrument of an .sfz file, its samples in memory: read from disk, on a busy machine, they may
    come too late to be heard."""
    ready = path.with_name(f"in_memory_{path.name}")
    ready.write_text(path.read_text().replace("<control>\n", "<control>\nhint_ram_based=1\n"))
    player = pysfizz.Synth(sample_rate=rate)
    assert player.load_sfz_file(ready)
    return player


class SoundFont:
    """fluidsynth with one soundfont, dry."""

    def __init__(self, path: Path, gain: float = 0.5):
        self.synth = fluidsynth.Synth(samplerate=RATE, gain=gain)
        self.synth.setting("synth.reverb.active", 0)
        self.synth.setting("synth.chorus.active", 0)
        number = self.synth.sfload(str(path))
        assert number >= 0
        self.synth.program_select(0, number, 0, 0)

    def play(self, key: int, velocity: int, seconds: float, after: float = 0.0) -> np.ndarray:
        """Left channel float [n]: held for `seconds`, and `after` the key is let go."""
        self.synth.noteon(0, key, velocity)
        down = self.synth.get_samples(round(seconds * RATE))
        self.synth.noteoff(0, key)
        up = self.synth.get_samples(round(after * RATE)) if after else np.zeros(0, np.int16)
        self.synth.all_sounds_off(0)
        self.synth.get_samples(RATE // 4)
        return np.concatenate([down, up])[::2].astype(float) / 32768


def level_db(samples: np.ndarray) -> float:
    return 10 * np.log10(np.square(samples).mean() + 1e-12)
