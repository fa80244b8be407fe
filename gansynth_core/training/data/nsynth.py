"""Notes of the NSynth dataset (Engel et al. 2017, arXiv 1704.01279), as its archives unpack."""

import json
import os
from pathlib import Path
from typing import Any

from gansynth_core.errors import DataError, InputError, nearest
from gansynth_core.sound import Clip
from gansynth_core.training.data.source import SourceNote, read_source_file

LICENCE = "CC BY 4.0 (NSynth dataset, Google Inc., Engel et al. 2017)"
SOURCES = ("acoustic", "electronic", "synthetic")
#: What a note's instrument is called by: 11 families, families by source ("bass_acoustic"), or 1,006 instruments.
NAMINGS = {
    "family": ("instrument_family_str",),
    "family_source": ("instrument_family_str", "instrument_source_str"),
    "instrument": ("instrument_str",),
}
_FIELDS = ("instrument_family_str", "instrument_source_str", "instrument_str", "pitch", "velocity")


class NSynth:
    """One unpacked NSynth archive: a folder with `examples.json` and `audio/*.wav`, 4 s per note at 16 kHz.

    naming: one of NAMINGS. sources: which of SOURCES to take. pitches: the lowest and highest MIDI pitch wanted.
    instruments: those wanted, by the names that `naming` gives them (None: all).
    Raises InputError for an unknown naming or source; `plan` raises DataError if `examples.json` is missing or damaged,
    or if no note is left. A missing or unreadable sound shows only when it is read.
    """

    variation_names: tuple[str, ...] = ()
    licence = LICENCE

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        naming: str = "family",
        sources: tuple[str, ...] = SOURCES,
        pitches: tuple[float, float] = (0, 127),
        instruments: tuple[str, ...] | None = None,
    ) -> None:
        for value, known in [(naming, NAMINGS), *((source, SOURCES) for source in sources)]:
            if value not in known:
                raise InputError(f"NSynth has no '{value}'. Choose from {', '.join(known)}.{nearest(value, known)}")
        self.path = Path(path).resolve()
        self.name = self.path.name
        self.naming, self.sources, self.pitches, self.instruments = naming, sources, pitches, instruments
        self._plan: list[SourceNote] = []

    def plan(self) -> list[SourceNote]:
        if not self._plan:
            examples = self._examples()
            low, high = self.pitches
            for key in sorted(examples):
                example = examples[key]
                instrument = "_".join(example[field] for field in NAMINGS[self.naming])
                if (
                    low <= example["pitch"] <= high
                    and example["instrument_source_str"] in self.sources
                    and (self.instruments is None or instrument in self.instruments)
                ):
                    note = SourceNote(instrument, example["pitch"], example["velocity"], origin=f"audio/{key}.wav")
                    self._plan.append(note)
            if not self._plan:
                raise DataError(
                    f"None of the {len(examples)} notes in '{self.path}' has the pitches, sources and instruments "
                    "asked for."
                )
        return self._plan

    def read(self, index: int) -> Clip:
        return read_source_file(self.path / self._plan[index].origin)

    def _examples(self) -> dict[str, dict[str, Any]]:
        file = self.path / "examples.json"
        try:
            examples = json.loads(file.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise DataError(
                f"There is no examples.json in '{self.path}'. Name the folder that an NSynth archive unpacks to, such "
                "as nsynth-train."
            ) from None
        except (OSError, ValueError, RecursionError) as cause:
            raise DataError(f"'{file}' is damaged: {cause}") from cause
        if not isinstance(examples, dict):
            raise DataError(f"'{file}' is damaged: it does not hold notes by name.")
        for key, example in examples.items():
            if not _is_whole(example):
                raise DataError(f"'{file}' is damaged: note '{key}' lacks one of {', '.join(_FIELDS)}.")
        return examples


def _is_whole(example: object) -> bool:
    if not isinstance(example, dict):
        return False
    words, numbers = [example.get(field) for field in _FIELDS[:3]], [example.get(field) for field in _FIELDS[3:]]
    return all(isinstance(word, str) for word in words) and all(
        isinstance(number, int) and 0 <= number <= 127 for number in numbers
    )
