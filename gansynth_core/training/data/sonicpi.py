"""Sonic Pi's synthdefs, played by SuperCollider's server inside nanosynth.

The synthdefs (MIT) come with the npm package supersonic-scsynth-synthdefs; GANSYNTH_SYNTHDEFS names their folder.
"""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import soundfile

from gansynth_core.errors import AudioError, ToolError
from gansynth_core.training.data.engine import HELD_SECONDS, RELEASED_SECONDS, Key, Notes, Program, lengths
from gansynth_core.training.data.zyn import kind_of

FOLDER = "GANSYNTH_SYNTHDEFS"
INSTALL = (
    "Install it with: pip install nanosynth, and npm install supersonic-scsynth-synthdefs, "
    f"and set {FOLDER} to the folder node_modules/supersonic-scsynth-synthdefs/synthdefs"
)
PREFIX = "sonic-pi-"
#: Not instruments, or without the pitch of their key.
LEFT_OUT = ("fx_", "mixer", "player", "sc808", "scope", "sound_in", "live_audio", "server", "amp_stereo", "noise")
LEFT_OUT_TOO = ("recorder", "gabberkick", "dull_bell", "mod_", "hoover")
ATTACK, SUSTAIN, RELEASE = 0.005, HELD_SECONDS - 0.1, 0.8  # seconds
LEAD_SECONDS, STEP_SECONDS = 0.05, HELD_SECONDS + RELEASED_SECONDS + 1.0  # before the first key, and from key to key


class SonicPi:
    """See above."""

    name = "sonicpi"
    notes_a_second = 20.0
    variation_names = ("cutoff", "attack")  # semitones below the synthdef's own cutoff of 100; seconds
    variation_ranges = ((-40.0, 20.0), (0.005, 0.3))

    def __init__(self) -> None:
        folder = Path(os.environ.get(FOLDER, "node_modules/supersonic-scsynth-synthdefs/synthdefs"))
        self._files = sorted(folder.glob(f"{PREFIX}*.scsyndef"))
        if not self._files:
            raise ToolError(f"Sonic Pi's synthdefs are missing ('{folder}' has none). {INSTALL}")
        try:
            import nanosynth
        except ImportError as cause:
            raise ToolError(f"Synthdefs are played by the package nanosynth, which is missing. {INSTALL}") from cause
        self._nanosynth = nanosynth

    def programs(self, count: int, seed: int) -> list[Program]:
        del seed  # they are few, and all of them are tried
        names = [path.stem.removeprefix(PREFIX) for path in self._files]
        kept = [name for name in names if not any(part in name for part in (*LEFT_OUT, *LEFT_OUT_TOO))]
        return [Program("sonicpi", f"pi_{n}.1", kind_of(n), "MIT", {"synthdef": PREFIX + n}) for n in kept][:count]

    def play(self, program: Program, keys: Sequence[Key], sample_rate: int) -> Notes:
        from nanosynth.osc import OscMessage

        path = next((path for path in self._files if path.stem == program.settings["synthdef"]), None)
        if path is None:
            raise AudioError("its synthdef is gone")
        score = self._nanosynth.Score()
        score.add(0.0, OscMessage("/d_recv", path.read_bytes()))
        for number, key in enumerate(keys):
            cutoff, attack = key.variation or (0.0, ATTACK)
            arguments = {
                "note": float(key.pitch),
                "amp": 0.6 * key.velocity / 127,
                "cutoff": min(130.0, 100.0 + cutoff - 0.15 * (127 - key.velocity)),  # softer is darker
                "attack": attack,
                "sustain": SUSTAIN,
                "release": RELEASE,
                "out_bus": 0.0,
            }
            told = [part for pair in arguments.items() for part in pair]
            start = LEAD_SECONDS + number * STEP_SECONDS
            score.add(start, OscMessage("/s_new", path.stem, 2000 + number, 0, 0, *told))
            score.add(start + STEP_SECONDS - 0.2, OscMessage("/n_free", 2000 + number))
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "notes.wav"
            score.render(str(file), sample_rate=sample_rate)
            wave, _ = soundfile.read(file, dtype="float32", always_2d=True)
        _, total = lengths(sample_rate)
        notes = np.zeros((len(keys), total), np.float32)
        for number, note in enumerate(notes):
            start = round((LEAD_SECONDS + number * STEP_SECONDS) * sample_rate)
            played = wave[start : start + total].mean(axis=1)
            note[: len(played)] = played
        return notes
