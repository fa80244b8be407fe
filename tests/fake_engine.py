"""A synthesizer for tests, with programs that do what real ones do now and then."""

import os
import signal
import time

import numpy as np

from gansynth_core.pitches import pitch_hz
from gansynth_core.training.data.engine import Program, lengths

NAME = "fake_engine:Fake"


class Fake:
    name, notes_a_second = NAME, 1000.0
    variation_names, variation_ranges = ("brightness",), ((0.0, 1.0),)

    def programs(self, count, seed):
        names = ("good", "octave", "silent", "clipped", "flat", "noise", "crash", "refuse")
        return [Program(NAME, f"fake_{name}.1", "lead", "CC0", {"what": name}) for name in names][:count]

    def play(self, program, keys, sample_rate):
        what = program.settings["what"]
        if what == "crash":
            os.kill(os.getpid(), signal.SIGSEGV)
        if what == "hang":
            time.sleep(60)
        if what == "refuse":
            raise RuntimeError("no such wave")
        print("what nobody asked for")
        held, total = lengths(sample_rate)
        notes = []
        for key in keys:
            seconds = np.arange(total) / sample_rate
            pitch = key.pitch + {"octave": 12, "flat": -0.6}.get(what, 0)
            brightness = key.variation[0] if key.variation else 0.5
            wave = sum(np.sin(2 * np.pi * pitch_hz(pitch) * k * seconds) * brightness**k for k in range(1, 6))
            wave = wave / np.abs(wave).max() * key.velocity / 127
            if what == "noise":
                wave = np.random.default_rng(key.pitch).normal(size=total) * 0.1
            if what == "clipped":
                wave = np.clip(3 * wave, -1, 1)
            wave[held:] *= np.linspace(1, 0, total - held)
            notes.append(0 * wave if what == "silent" else wave)
        return np.array(notes, np.float32)
