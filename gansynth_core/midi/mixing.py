"""The notes of a part on one track, and the track in the stereo image."""

import math
from collections import Counter, OrderedDict
from collections.abc import Iterator, Sequence
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from gansynth_core.latent import Timbre
from gansynth_core.midi.bending import crossfaded, is_exact, pitches_for
from gansynth_core.midi.casting import Play
from gansynth_core.midi.song import Curve
from gansynth_core.packs.levels import QUIETEST_LUFS, loudness_lufs
from gansynth_core.sustain import Sustained, hold_seconds
from gansynth_core.synth import BATCH, Synth
from gansynth_core.tape import GUARD, places, read_at

LOUDNESS_LUFS = -20.0  # of a note at full velocity: all instruments and keys are brought to it ...
MOST_GAIN_DB = 12.0  # ... as far as this, or the hiss of a note that is nearly silent would be heard
KEPT_WAVES = 256  # 98 MB for notes of 4 s at 24 kHz
BLOCK = 2**18  # samples that are placed at a time

Wave = NDArray[np.float32]
Key = tuple[Timbre, float]
_Item = TypeVar("_Item")


class Track:
    """A part's notes, mono: `samples` float32 [n] at the model's rate. long: how many notes were longer than the
    model's, by how they went on."""

    def __init__(self, waves: "Waves", length: int, release_seconds: float) -> None:
        self.samples = np.zeros(length, np.float32)
        self.long: Counter[str] = Counter()
        self._waves, self._rate = waves, waves.rate
        release = round(release_seconds * self._rate)
        # Close to exponential, and ends in silence.
        self._fall = np.square(1 - (np.arange(release) + 0.5) / max(1, release))

    def play(self, plays: Sequence[Play], tuning: Curve) -> Iterator[int]:
        """Add `plays`, whose keys `tuning` raises; yields how many it added, again and again."""
        groups: dict[tuple[Key, ...], list[tuple[Play, float]]] = {}
        for play in plays:
            length = round(play.seconds * self._rate) + len(self._fall)
            raised = tuning.at(play.start, length, self._rate) if play.tuned else 0.0
            pitches = pitches_for(play.pitch, raised, self._waves.card)
            keys = tuple((play.timbre, pitch) for pitch in pitches)
            # What moves is known by its start alone: kept for all notes at once it would fill the memory.
            groups.setdefault(keys, []).append((play, raised if isinstance(raised, float) else math.nan))
        for some in _batches(list(groups.items())):
            found = self._waves.get([key for keys, _ in some for key in keys])
            for keys, members in some:
                waves, rendered = [found[key] for key in keys], [pitch for _, pitch in keys]
                plain = [play for play, raised in members if is_exact(play.pitch, raised, rendered)]
                if plain:
                    self._add_plain(plain, waves[0], keys[0])
                for play, raised in members:
                    if not is_exact(play.pitch, raised, rendered):
                        self._add_moving(play, tuning, waves, keys)
                yield len(members)

    def _add_plain(self, plays: Sequence[Play], wave: Wave, key: Key) -> None:
        """Notes that all sound as `wave` float32 [n], which is that of `key`."""
        lengths = [round(play.seconds * self._rate) for play in plays]
        wave = self._held(wave, key, max(lengths) + len(self._fall), lengths)
        for play, length in zip(plays, lengths, strict=True):
            self._add(play, length, wave[: length + len(self._fall)].astype(np.float64))

    def _add_moving(self, play: Play, tuning: Curve, waves: Sequence[Wave], keys: Sequence[Key]) -> None:
        """A note whose pitch moves, or lies beside that of its one wave."""
        pitches = [pitch for _, pitch in keys]
        length = round(play.seconds * self._rate)
        samples = length + len(self._fall)
        wanted = np.broadcast_to(play.pitch + np.asarray(tuning.at(play.start, samples, self._rate)), (samples,))
        read = []
        for number, (wave, key) in enumerate(zip(waves, keys, strict=True)):
            pitch = key[1]
            where = places(pitch, wanted)
            lengths = [round(float(where[max(0, length - 1)]))] if number == 0 else []
            needed = math.ceil(where[-1]) + GUARD
            wave = self._held(wave, key, needed, lengths)[:needed]
            read.append(read_at(wave, where, 2.0 ** ((float(wanted.max()) - pitch) / 12)))
        self._add(play, length, crossfaded(read, pitches, wanted))

    def _held(self, wave: Wave, key: Key, needed: int, lengths: Sequence[int]) -> Wave:
        """`wave` of `key`, made longer if `needed` samples of it are; notes of `lengths` are counted."""
        hold = round(hold_seconds(len(wave) / self._rate) * self._rate)
        if needed <= hold:
            return wave
        wave, how = self._waves.held(key, wave, needed)
        self.long[how] += sum(length > hold for length in lengths)
        return wave

    def _add(self, play: Play, length: int, sound: NDArray[np.float64]) -> None:
        """Add `sound` float64 [length + release], whose key is let go after `length` samples."""
        sound[length:] *= self._fall[: len(sound) - length]
        first = round(play.start * self._rate)
        self.samples[first : first + len(sound)] += (play.gain * sound).astype(np.float32)

    def placed(self, level: Curve, pan: Curve) -> Wave:
        """In stereo, float32 [n, 2], at a `level` (amplitude) and a `pan` (0 left to 1 right). A quarter of a circle
        from left to right: the power stays (MMA, "Default Pan Formula", RP-036)."""
        stereo = np.empty((len(self.samples), 2), np.float32)
        for start in range(0, len(self.samples), BLOCK):
            mono = self.samples[start : start + BLOCK]
            where = (start / self._rate, len(mono), self._rate)
            angle = np.asarray(pan.at(*where)) * (math.pi / 2)
            loud = mono * level.at(*where)
            stereo[start : start + BLOCK, 0] = loud * np.cos(angle)
            stereo[start : start + BLOCK, 1] = loud * np.sin(angle)
        return stereo


class Waves:
    """The notes of a synth, all equally loud, the last few hundred kept."""

    def __init__(self, synth: Synth, background: bool) -> None:
        self.card, self.rate = synth.card, synth.card.specgram.sample_rate
        self._synth, self._background = synth, background
        self._kept: OrderedDict[Key, Wave] = OrderedDict()

    def get(self, keys: Sequence[Key]) -> dict[Key, Wave]:
        """Each note float32 [n]."""
        missing = list(dict.fromkeys(key for key in keys if key not in self._kept))
        found = {key: self._kept[key] for key in keys if key in self._kept}
        for some in _batches(missing):
            timbres, pitches = [timbre for timbre, _ in some], [pitch for _, pitch in some]
            clips = self._synth.render(timbres, pitches, background=self._background)
            for key, wave in zip(some, clips.audio, strict=True):
                found[key] = self._evened(wave)
        for key in keys:
            self._kept[key] = found[key]
            self._kept.move_to_end(key)
        while len(self._kept) > KEPT_WAVES:
            self._kept.popitem(last=False)
        return found

    def held(self, key: Key, wave: Wave, samples: int) -> Sustained:
        """`wave`, which `get` found for `key`, for as many `samples` as if its key were down all the while."""
        timbre, pitch = key
        return self._synth.sustained(timbre, pitch, samples, note=wave, background=self._background)

    def _evened(self, wave: Wave) -> Wave:
        loudness = loudness_lufs(wave, self.rate)
        if loudness <= QUIETEST_LUFS:
            return wave
        gain_db = min(LOUDNESS_LUFS - loudness, MOST_GAIN_DB)
        return wave * np.float32(10 ** (gain_db / 20))


def _batches(items: Sequence[_Item]) -> Iterator[Sequence[_Item]]:
    for start in range(0, len(items), BATCH):
        yield items[start : start + BATCH]
