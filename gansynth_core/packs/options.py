"""The options of a plan: how notes are made (NoteOptions) and how they are written (FileOptions)."""

from collections.abc import Sequence
from dataclasses import dataclass

from gansynth_core.errors import InputError
from gansynth_core.packs.checks import choice, is_number, shown, truth, whole
from gansynth_core.packs.levels import LOUDNESS_LUFS, LOUDNESS_RANGE
from gansynth_core.packs.naming import PROFILES
from gansynth_core.packs.rights import Rights
from gansynth_core.riff import SAMPLE_BYTES

SAMPLE_RATES = (44100, 48000)  # Hz, beside the model's own
LEVELS = ("sound", "note")
MEASURES = ("peak", "loudness")
REJECTS = ("drop", "keep", "reroll")
FORMATS = ("sfz", "dspreset", "sf2", "multisample")
MOST_LAYERS, MOST_TAKES = 4, 4


@dataclass(frozen=True, kw_only=True)
class NoteOptions:
    """How the notes of a sound are made.

    level, measure: how loud notes are; see levels.gains and levels.goals. loudness_lufs: what "loudness" aims at, -36
    to -6 LUFS. rejects: notes that fail a quality check are left out
    ("drop"), kept and listed ("keep"), or replaced by a sound nearby ("reroll"; what fails again is left out).
    seconds: longest note, None for all that the model makes.
    velocity_layers: notes per key, from soft to hard (1-4). No voice has learned velocity, so softer ones are made
    quieter and duller (shaping.softer). round_robins: takes of each (1-4), small steps apart in the latent.
    loops: whether steady notes of an instrument get a sustain loop. release_seconds: how long a note fades after its
    key is released, 0.01-10. Raises InputError.
    """

    level: str = "sound"
    measure: str = "peak"
    loudness_lufs: float = LOUDNESS_LUFS
    rejects: str = "drop"
    seconds: float | None = None
    velocity_layers: int = 1
    round_robins: int = 1
    loops: bool = True
    release_seconds: float = 0.3

    def __post_init__(self) -> None:
        choice(self.level, "level", LEVELS)
        choice(self.measure, "measure", MEASURES)
        choice(self.rejects, "rejects", REJECTS)
        low, high = LOUDNESS_RANGE
        if not (is_number(self.loudness_lufs) and low <= self.loudness_lufs <= high):
            raise InputError(
                f"loudness_lufs must be a number from {low:g} to {high:g}, not {shown(self.loudness_lufs)}."
            )
        whole(self.velocity_layers, "velocity_layers", 1, MOST_LAYERS)
        whole(self.round_robins, "round_robins", 1, MOST_TAKES)
        truth(self.loops, "loops")
        if not (is_number(self.release_seconds) and 0.01 <= self.release_seconds <= 10):
            raise InputError(f"release_seconds must be a number from 0.01 to 10, not {shown(self.release_seconds)}.")
        if self.seconds is not None and not (is_number(self.seconds) and 0.1 <= self.seconds <= 3600):
            raise InputError(
                f"seconds must be from 0.1 to 3600, or null for the whole note, not {shown(self.seconds)}."
            )


@dataclass(frozen=True, kw_only=True)
class FileOptions:
    """How notes are written.

    subtype: PCM_16, PCM_24 or FLOAT. sample_rate: 44100, 48000 or the model's own, in Hz. stereo: see shaping.widened.
    naming: see naming.py. formats: which of sfz, dspreset, sf2 and multisample are written beside the WAV files of an
    instrument; the last two hold a copy of the notes. author, copyright, comment: a line each, see rights.py. Raises
    InputError.
    """

    subtype: str = "PCM_24"
    sample_rate: int = 44100
    naming: str = "sampler"
    stereo: bool = False
    formats: tuple[str, ...] = ("sfz", "dspreset")
    author: str = ""
    copyright: str = ""
    comment: str = ""

    def __post_init__(self) -> None:
        choice(self.subtype, "subtype", SAMPLE_BYTES)
        choice(self.naming, "naming", PROFILES)
        whole(self.sample_rate, "sample_rate", 1, max(SAMPLE_RATES))
        truth(self.stereo, "stereo")
        if not isinstance(self.formats, Sequence) or isinstance(self.formats, str):
            raise InputError(f"formats must be a list of {', '.join(FORMATS)}, not {shown(self.formats)}.")
        for name in self.formats:
            choice(name, "Every format", FORMATS)
        object.__setattr__(self, "formats", tuple(name for name in FORMATS if name in self.formats))
        Rights(self.author, self.copyright, self.comment)

    @property
    def rights(self) -> Rights:
        """What its maker says of whose it is."""
        return Rights(self.author, self.copyright, self.comment)
