"""Notes rendered from General MIDI soundfonts by fluidsynth: the programs as they are, with their own sound parameters
changed, doubled by themselves a few cents off, and two at a time."""

import functools
import os
from collections.abc import Iterator, Sequence
from ctypes import c_int, c_void_p
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gansynth_core.errors import AudioError, DataError, InputError, ToolError, nearest
from gansynth_core.instruments import GM_INSTRUMENTS
from gansynth_core.packs.levels import loudness_lufs
from gansynth_core.sound import SILENCE_PEAK, Clip
from gansynth_core.training.data.engine import Key, Program
from gansynth_core.training.data.source import SourceNote

Samples = npt.NDArray[np.float32]

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
FINE_TUNE = 52  # an SF2 generator, in cents
DETUNE_CENTS = (4, 30)  # between the voices of a doubled note: from a slow swell of its partials to a honky-tonk
SHARES = (0.1, 0.5)  # of the second of two layers, the softer one


class Soundfont:
    """The General MIDI programs of one .sf2 file over a range of pitches, at several velocities.

    A note sounds the same whatever was rendered before it. Programs that the file lacks are `left_out`.
    pitches: MIDI, 0-127. velocities: 1-127. sample_rate: Hz, 8000-96000.
    Further copies of every key, each with a random velocity, all drawn from `seed`:
    variations: with random offsets of the soundfont's own sound parameters (GENERATORS), so that one instrument is
        more than one sound.
    doubled: two voices of the program, "detune_cents" apart and as far above the key as below it: partials beat, and
        the note has the pitch of its key. (Detuning a note as a whole would only change its pitch, which is an input
        of its own.) Both begin in phase, so that what is heard follows from pitch and detune.
    layers: mixtures with a random other program, brought to the same loudness first; see `layered`.
    Raises DataError if the file is missing or not a soundfont, ToolError if fluidsynth is missing, and InputError for
    an instrument that General MIDI does not know, or layers of a single one.
    """

    def __init__(
        self,
        path: str | os.PathLike[str] = DEFAULT_SOUNDFONT,
        *,
        pitches: range = range(24, 85),
        velocities: tuple[int, ...] = VELOCITIES,
        variations: int = 0,
        doubled: int = 0,
        layers: int = 0,
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
            raise DataError(f"'{self.path}' is not a soundfont: it does not start as .sf2 and .sf3 files do.")
        for instrument in instruments:
            if instrument not in GM_INSTRUMENTS:
                hint = nearest(instrument, GM_INSTRUMENTS)
                raise InputError(f"There is no instrument '{instrument}' in General MIDI.{hint}")
        _fluidsynth()
        self.name = self.path.stem
        self.licence = licence or LICENCES.get(self.path, "unknown")
        self.variation_names = (*GENERATORS, "detune_cents") if doubled else tuple(GENERATORS)
        self.pitches, self.velocities = pitches, velocities
        self.variations, self.doubled, self.layers = variations, doubled, layers
        self.instruments, self.sample_rate, self.seed = instruments, sample_rate, seed
        self.left_out: list[tuple[str, str]] = []
        self._plan: list[SourceNote] = []
        self._synth: Any = None  # a fluidsynth.Synth

    def __getstate__(self) -> dict[str, Any]:
        return self.__dict__ | {"_synth": None}  # workers open the soundfont themselves

    def plan(self) -> list[SourceNote]:
        if not self._plan:
            programs = self._programs()
            for instrument in programs:
                for pitch in self.pitches:
                    self._plan += [SourceNote(instrument, pitch, velocity) for velocity in self.velocities]
                    self._plan += self._varied(instrument, pitch)
                    self._plan += self._doubled(instrument, pitch)
                    self._plan += self._layered(instrument, pitch, programs)
        return self._plan

    def _programs(self) -> list[str]:
        """Those of the instruments that the soundfont has."""
        synth = self._fresh_synth()
        found = []
        for name in self.instruments:
            if synth.program_select(0, self._font, 0, GM_INSTRUMENTS.index(name)) == 0:
                found.append(name)
            else:
                self.left_out.append((name, "the soundfont has no such program"))
        if self.layers and len(found) < 2:
            raise InputError(f"Layers need two instruments, and '{self.name}' has {len(found)} of those asked for.")
        return found

    def _varied(self, instrument: str, pitch: int) -> Iterator[SourceNote]:
        for random in self._draws(instrument, pitch, self.variations):
            velocity = int(random.integers(30, 128))
            variation = tuple(
                float(np.round(random.uniform(low, high))) if random.random() < chance else 0.0
                for _, low, high, _, chance in GENERATORS.values()
            )
            yield SourceNote(instrument, pitch, velocity, variation)

    def _doubled(self, instrument: str, pitch: int) -> Iterator[SourceNote]:
        low, high = DETUNE_CENTS
        for random in self._draws(instrument, pitch, self.doubled, 1):
            velocity = int(random.integers(30, 128))
            detune = 2.0 * int(random.integers(low // 2, high // 2 + 1))  # each voice by whole cents
            yield SourceNote(instrument, pitch, velocity, (0.0,) * len(GENERATORS) + (detune,))

    def _layered(self, instrument: str, pitch: int, programs: list[str]) -> Iterator[SourceNote]:
        others = [name for name in programs if name != instrument]
        for random in self._draws(instrument, pitch, self.layers, 2):
            velocity = int(random.integers(30, 128))
            second = others[random.integers(len(others))]
            share = round(float(random.uniform(*SHARES)), 2)
            yield SourceNote(instrument, pitch, velocity, second=second, share=share)

    def _draws(self, instrument: str, pitch: int, count: int, *kind: int) -> Iterator[np.random.Generator]:
        """A random generator for each copy of a key, which depends on no other copy or key."""
        for number in range(count):
            yield np.random.default_rng((self.seed, GM_INSTRUMENTS.index(instrument), pitch, number, *kind))

    def read(self, index: int) -> Clip:
        note = self.plan()[index]
        if note.share:
            voices = [self._voice(name, note) for name in (note.instrument, note.second)]
            return Clip(layered(voices[0], voices[1], note.share, self.sample_rate), self.sample_rate)
        detune = dict(zip(self.variation_names, note.variation, strict=False)).get("detune_cents", 0.0)
        if not detune:
            return Clip(self._voice(note.instrument, note), self.sample_rate)
        voices = [self._voice(note.instrument, note, cents) for cents in (-detune / 2, detune / 2)]
        return Clip((voices[0] + voices[1]) * np.float32(0.5), self.sample_rate)

    def _voice(self, instrument: str, note: SourceNote, cents: float = 0.0) -> Samples:
        """The sound of one program as `note` wants it, `cents` above its key: float32 [samples]."""
        synth = self._fresh_synth()
        synth.program_select(0, self._font, 0, GM_INSTRUMENTS.index(instrument))
        for (generator, _, _, scale, _), value in zip(GENERATORS.values(), note.variation, strict=False):
            if value:
                _offset_generator(synth, generator, round(value / scale))
        if cents:
            _offset_generator(synth, FINE_TUNE, round(cents))
        synth.noteon(0, int(note.pitch), note.velocity)
        held = synth.get_samples(round(HELD_SECONDS * self.sample_rate))
        synth.noteoff(0, int(note.pitch))
        released = synth.get_samples(round(RELEASED_SECONDS * self.sample_rate))
        stereo = np.concatenate([held, released]).reshape(-1, 2)
        if np.abs(stereo).max() >= 32767:
            raise AudioError("clipped")
        mono: Samples = stereo.mean(axis=1, dtype=np.float32) / 32768
        return mono

    def _fresh_synth(self) -> Any:
        """A synth that has played nothing yet, with the soundfont loaded.

        Every note gets its own, because fluidsynth's voices keep levels and filters of the note before, and no reset
        clears them: the first 64 samples would depend on it. It costs 1 ms, as the loaded soundfont moves from synth to
        synth.
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
                raise DataError(f"fluidsynth cannot read '{self.path}'. The soundfont is damaged or cut short.")
        else:
            former = self._synth.synth
            loaded = _c_function("fluid_synth_get_sfont_by_id", c_void_p, c_void_p, c_int)(former, self._font)
            _c_function("fluid_synth_remove_sfont", c_int, c_void_p, c_void_p)(former, loaded)
            self._font = _c_function("fluid_synth_add_sfont", c_int, c_void_p, c_void_p)(synth.synth, loaded)
            self._synth.delete()
        self._synth = synth
        return synth


class GeneralMidi:
    """The General MIDI programs of the soundfonts in LICENCES that are installed, as an engine: the sounds that new
    ones are compared with. Raises DataError if none is installed."""

    name = "gm"
    notes_a_second = 60.0
    variation_names: tuple[str, ...] = ()
    variation_ranges: tuple[tuple[float, float], ...] = ()

    def __init__(self) -> None:
        # The small and the full edition of MuseScore's are the same sounds.
        self._paths = [path for path in list(LICENCES)[:2] if path.is_file()]
        if not self._paths:
            raise DataError(f"There is no General MIDI soundfont. {INSTALL}")
        self._fonts: dict[tuple[str, int], Soundfont] = {}

    def programs(self, count: int, seed: int) -> list[Program]:
        del seed  # these are what they are
        return [
            Program("gm", f"{name}.{path.stem}", "keys", LICENCES[path], {"path": str(path), "instrument": name})
            for path in self._paths
            for name in GM_INSTRUMENTS
        ][:count]

    def play(self, program: Program, keys: Sequence[Key], sample_rate: int) -> npt.NDArray[np.float32]:
        path = program.settings["path"]
        if (path, sample_rate) not in self._fonts:
            self._fonts[path, sample_rate] = Soundfont(path, sample_rate=sample_rate)
        font, instrument = self._fonts[path, sample_rate], program.settings["instrument"]
        return np.stack([font._voice(instrument, SourceNote(instrument, key.pitch, key.velocity)) for key in keys])


def layered(first: Samples, second: Samples, share: float, sample_rate: int) -> Samples:
    """Two sounds float32 [samples] at once, `share` (0 to 1) of the second: as loud as each other where it is half.

    The second is brought to the loudness of the first (ITU-R BS.1770-4), then their amplitudes are weighted by 1 -
    share and share. Raises AudioError if one is silent.
    """
    if min(np.abs(first).max(), np.abs(second).max()) < SILENCE_PEAK:
        raise AudioError("silent")
    louder_db = loudness_lufs(first, sample_rate) - loudness_lufs(second, sample_rate)
    return (1 - share) * first + np.float32(share * 10 ** (louder_db / 20)) * second


def _offset_generator(synth: Any, generator: int, steps: int) -> None:
    """Offset an SF2 generator of channel 0 by NRPN (SoundFont 2.04, section 9.6): 14-bit data centred at 8192."""
    synth.cc(0, 99, 120)
    for _ in range(generator // 100):
        synth.cc(0, 98, 100)
    synth.cc(0, 98, generator % 100)
    value = 8192 + steps
    synth.cc(0, 38, value & 127)
    synth.cc(0, 6, value >> 7)


@functools.cache
def _c_function(name: str, result: type | None, *arguments: type) -> Any:
    """A function of the C library that the Python package does not wrap."""
    return _fluidsynth().cfunc(name, result, *((f"argument_{n}", kind, 1) for n, kind in enumerate(arguments)))


@functools.cache
def _fluidsynth() -> Any:
    try:
        import fluidsynth
    except ModuleNotFoundError as cause:
        raise ToolError("The package pyfluidsynth is missing. Install it with: pip install pyfluidsynth") from cause
    except ImportError as cause:  # the package is there, and the C library is not
        raise ToolError(f"The fluidsynth library is missing. {INSTALL}") from cause
    silence = fluidsynth.cfunc(
        "fluid_set_log_function", c_void_p, ("level", c_int, 1), ("function", c_void_p, 1), ("data", c_void_p, 1)
    )
    for level in range(5):  # a new synth warns about every channel without a program
        silence(level, None, None)
    return fluidsynth
