"""Notes rendered from General MIDI soundfonts by fluidsynth."""

import functools
import os
from ctypes import c_int, c_void_p
from pathlib import Path

import numpy as np

from gansynth_core.errors import AudioError, DataError, InputError, ToolError, nearest
from gansynth_core.instruments import GM_INSTRUMENTS
from gansynth_core.sound import Clip
from gansynth_core.training.dataset import SourceNote

INSTALL = "Install it with: sudo apt-get install fluidsynth libfluidsynth3 fluid-soundfont-gm"
DEFAULT_SOUNDFONT = Path("/usr/share/sounds/sf2/FluidR3_GM.sf2")  # where Debian's fluid-soundfont-gm puts it
#: Files whose licence is known, where Debian's packages put them: fluid-soundfont-gm, musescore-general-soundfont-small
#: and musescore-general-soundfont.
LICENCES = {
    DEFAULT_SOUNDFONT: "MIT",
    Path("/usr/share/sounds/sf3/MuseScore_General_Lite.sf3"): "MIT",
    Path("/usr/share/sounds/sf3/MuseScore_General_Full.sf3"): "MIT",
}
HELD_SECONDS, RELEASED_SECONDS = 3.0, 1.0  # as NSynth's notes
VELOCITIES = (45, 80, 115)

# SF2 generators that a variation may offset: number (SoundFont 2.04, section 8.1.2), offset range in the generator's
# own unit, scale of one NRPN step in that unit (section 9.6.3), chance of being changed in one variation.
GENERATORS = {
    "filter_cutoff_cents": (8, -6000, 0, 2, 0.6),
    "filter_resonance_cb": (9, 0, 240, 1, 0.3),
    "attack_timecents": (34, 0, 9600, 2, 0.4),
    "decay_timecents": (36, -4800, 2400, 2, 0.3),
    "sustain_attenuation_cb": (37, 0, 300, 1, 0.3),
    "release_timecents": (38, -3600, 3600, 2, 0.4),
    "vibrato_cents": (6, 0, 50, 1, 0.25),
    "vibrato_rate_cents": (24, -600, 600, 4, 0.25),
}


class Soundfont:
    """The General MIDI programs of one .sf2 file over a range of pitches, at several velocities.

    A note sounds the same whatever was rendered before it. Programs that the file lacks are `left_out`.
    pitches: MIDI, 0-127. velocities: 1-127. sample_rate: Hz, 8000-96000.
    variations: further copies of every key, each with a random velocity and random offsets of the soundfont's own
    sound parameters (GENERATORS), drawn from `seed`, so that one instrument is more than one sound.
    Raises DataError if the file is missing or no soundfont, ToolError if fluidsynth is missing, and InputError for an
    instrument that General MIDI does not know.
    """

    variation_names = tuple(GENERATORS)

    def __init__(
        self,
        path: str | os.PathLike = DEFAULT_SOUNDFONT,
        *,
        pitches: range = range(24, 85),
        velocities: tuple[int, ...] = VELOCITIES,
        variations: int = 0,
        sample_rate: int,
        seed: int = 0,
        licence: str = "",
        instruments: tuple[str, ...] = GM_INSTRUMENTS,
    ) -> None:
        self.path = Path(path)
        if not self.path.is_file():
            hint = f" {INSTALL}" if self.path == DEFAULT_SOUNDFONT else ""
            raise DataError(f"There is no soundfont '{self.path}'.{hint}")
        with open(self.path, "rb") as file:
            head = file.read(12)
        if head[:4] != b"RIFF" or head[8:] != b"sfbk":
            raise DataError(f"'{self.path}' is not a soundfont: it does not begin as .sf2 and .sf3 files do.")
        for instrument in instruments:
            if instrument not in GM_INSTRUMENTS:
                hint = nearest(instrument, GM_INSTRUMENTS)
                raise InputError(f"There is no instrument '{instrument}' in General MIDI.{hint}")
        _fluidsynth()
        self.name = self.path.stem
        self.licence = licence or LICENCES.get(self.path, "unknown")
        self.pitches, self.velocities, self.variations = pitches, velocities, variations
        self.instruments, self.sample_rate, self.seed = instruments, sample_rate, seed
        self.left_out: list[tuple[str, str]] = []
        self._plan: list[SourceNote] = []
        self._synth = None

    def __getstate__(self) -> dict:
        return self.__dict__ | {"_synth": None}  # workers open the soundfont themselves

    def plan(self) -> list[SourceNote]:
        if not self._plan:
            synth = self._fresh_synth()
            for instrument in self.instruments:
                if synth.program_select(0, self._font, 0, GM_INSTRUMENTS.index(instrument)) != 0:
                    self.left_out.append((instrument, "the soundfont has no such program"))
                    continue
                for pitch in self.pitches:
                    self._plan += [SourceNote(instrument, pitch, velocity) for velocity in self.velocities]
                    program = GM_INSTRUMENTS.index(instrument)
                    for number in range(self.variations):
                        random = np.random.default_rng((self.seed, program, pitch, number))
                        velocity = int(random.integers(30, 128))
                        variation = tuple(
                            float(np.round(random.uniform(low, high))) if random.random() < chance else 0.0
                            for _, low, high, _, chance in GENERATORS.values()
                        )
                        self._plan.append(SourceNote(instrument, pitch, velocity, variation))
        return self._plan

    def read(self, index: int) -> Clip:
        note = self.plan()[index]
        synth = self._fresh_synth()
        synth.program_select(0, self._font, 0, GM_INSTRUMENTS.index(note.instrument))
        for (generator, _, _, scale, _), value in zip(GENERATORS.values(), note.variation, strict=False):
            if value:
                _offset_generator(synth, generator, round(value / scale))
        synth.noteon(0, int(note.pitch), note.velocity)
        held = synth.get_samples(round(HELD_SECONDS * self.sample_rate))
        synth.noteoff(0, int(note.pitch))
        released = synth.get_samples(round(RELEASED_SECONDS * self.sample_rate))
        stereo = np.concatenate([held, released]).reshape(-1, 2)
        if np.abs(stereo).max() >= 32767:
            raise AudioError("clipped")
        return Clip(stereo.mean(axis=1, dtype=np.float32) / 32768, self.sample_rate)

    def _fresh_synth(self):
        """A synth that has played nothing yet, with the soundfont loaded.

        One a note, because fluidsynth's voices keep levels and filters of the note before, and no reset clears them:
        the first 64 samples would depend on it. It costs 1 ms, as the loaded soundfont moves from synth to synth.
        """
        fluidsynth = _fluidsynth()
        # Gain: the loudest FluidR3 note stays below full scale, and a soft one keeps 60 dB above the 16-bit steps.
        synth = fluidsynth.Synth(
            gain=1.0,
            samplerate=self.sample_rate,
            channels=16,
            **{"synth.reverb.active": 0, "synth.chorus.active": 0},
        )
        if self._synth is None:
            self._font = synth.sfload(str(self.path))
            if self._font < 0:
                synth.delete()
                raise DataError(f"fluidsynth cannot read '{self.path}': the soundfont is damaged or cut short.")
        else:
            former = self._synth.synth
            loaded = _c_function("fluid_synth_get_sfont_by_id", c_void_p, c_void_p, c_int)(former, self._font)
            _c_function("fluid_synth_remove_sfont", c_int, c_void_p, c_void_p)(former, loaded)
            self._font = _c_function("fluid_synth_add_sfont", c_int, c_void_p, c_void_p)(synth.synth, loaded)
            self._synth.delete()
        self._synth = synth
        return synth


def _offset_generator(synth, generator: int, steps: int) -> None:
    """Offset an SF2 generator of channel 0 by NRPN (SoundFont 2.04, section 9.6): 14-bit data centred at 8192."""
    synth.cc(0, 99, 120)
    for _ in range(generator // 100):
        synth.cc(0, 98, 100)
    synth.cc(0, 98, generator % 100)
    value = 8192 + steps
    synth.cc(0, 38, value & 127)
    synth.cc(0, 6, value >> 7)


@functools.cache
def _c_function(name: str, result: type | None, *arguments: type):
    """A function of the C library that the Python package does not wrap."""
    return _fluidsynth().cfunc(name, result, *((f"argument_{n}", kind, 1) for n, kind in enumerate(arguments)))


@functools.cache
def _fluidsynth():
    try:
        import fluidsynth
    except ModuleNotFoundError as cause:
        raise ToolError("The package pyfluidsynth is missing. Install it with: pip install pyfluidsynth") from cause
    except ImportError as cause:  # the package is there, and the C library is not
        raise ToolError(f"The fluidsynth library is missing. {INSTALL}") from cause
    silence = fluidsynth.cfunc(
        "fluid_set_log_function", c_void_p, ("level", c_int, 1), ("function", c_void_p, 1), ("data", c_void_p, 1)
    )
    for level in range(5):  # a new synth warns of every channel without a program; what matters we say ourselves
        silence(level, None, None)
    return fluidsynth
