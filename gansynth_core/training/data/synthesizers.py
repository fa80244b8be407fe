"""Notes of synthesizers: programs of a choice (choose.py), or all that an audition kept, over keys and velocities."""

import zlib
from collections.abc import Sequence
from typing import Any

import numpy as np

from gansynth_core.errors import AudioError, DataError, InputError, nearest
from gansynth_core.sound import Clip
from gansynth_core.training.data.audition import Audition, clips
from gansynth_core.training.data.choose import Chosen, named
from gansynth_core.training.data.engine import FAMILIES, Key, build_engine
from gansynth_core.training.data.isolated import Isolated
from gansynth_core.training.data.source import SourceNote

VELOCITIES = (45, 80, 115)
PLAYABLE = range(0, 128)


class Synthesized:
    """The instruments of one engine over a range of keys, at several velocities.

    variations: further copies of every key with a random velocity and, where the engine has them, changed settings, all
    drawn from `seed`. Notes are played at `sample_rate`. A note whose engine crashes is skipped, and so is one that is
    silent or clips.
    Raises ToolError where the engine is missing, InputError for an unknown instrument.
    """

    def __init__(
        self,
        engine: str,
        chosen: Sequence[Chosen],
        *,
        pitches: range,
        velocities: tuple[int, ...] = VELOCITIES,
        variations: int = 0,
        sample_rate: int,
        seed: int = 0,
        instruments: tuple[str, ...] | None = None,
    ) -> None:
        built = build_engine(engine)
        self.name, self.variation_names, self._ranges = engine, built.variation_names, built.variation_ranges
        self.notes_a_second = built.notes_a_second
        self._chosen = {instrument.name: instrument for instrument in chosen if instrument.program.engine == engine}
        for name in instruments or ():
            if name not in self._chosen:
                raise InputError(f"There is no instrument '{name}' of '{engine}'.{nearest(name, list(self._chosen))}")
        if not self._chosen:
            raise DataError(f"There is no instrument of '{engine}' to render.")
        self._wanted = instruments or tuple(self._chosen)
        self.licence = ", ".join(sorted({self._chosen[name].program.licence for name in self._wanted}))
        self.families = {name: self._chosen[name].family for name in self._wanted}
        self.pitches, self.velocities, self.variations = pitches, velocities, variations
        self.sample_rate, self.seed = sample_rate, seed
        self._plan: list[SourceNote] = []
        self._player = Isolated(engine)

    def plan(self) -> list[SourceNote]:
        if not self._plan:
            for name in self._wanted:
                octave = 12 * self._chosen[name].octaves
                for pitch in self.pitches:
                    if pitch - octave not in PLAYABLE:
                        continue
                    self._plan += [SourceNote(name, pitch, velocity, origin=name) for velocity in self.velocities]
                    self._plan += [self._varied(name, pitch, number) for number in range(self.variations)]
        return self._plan

    def _varied(self, name: str, pitch: int, number: int) -> SourceNote:
        random = np.random.default_rng((self.seed, zlib.crc32(name.encode()), pitch, number))
        velocity = int(random.integers(30, 128))
        variation = tuple(round(float(random.uniform(low, high)), 2) for low, high in self._ranges)
        return SourceNote(name, pitch, velocity, variation, origin=name)

    def group(self, index: int) -> Any:
        """Notes of one instrument are best played in a row: loading a program takes as long as a few notes."""
        return self.plan()[index].instrument

    def read(self, index: int) -> Clip:
        note = self.plan()[index]
        chosen = self._chosen[note.instrument]
        key = Key(int(note.pitch) - 12 * chosen.octaves, note.velocity, note.variation)
        samples = self._player.play(chosen.program, [key], self.sample_rate)[0]
        if not np.isfinite(samples).all():
            raise AudioError("not a number")
        if clips(samples):
            raise AudioError("clipped")
        return Clip(samples, self.sample_rate)


def all_kept(auditions: Sequence[Audition]) -> list[Chosen]:
    """Every program that an audition kept, as a choice."""
    kept = [audition for audition in auditions if audition.kept]
    return [
        Chosen(name, FAMILIES[audition.program.kind], audition.program, audition.octaves, 0.0)
        for name, audition in zip(named(kept), kept, strict=True)
    ]
