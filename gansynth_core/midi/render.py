"""A MIDI file played by a model: in stereo, a sound for each part."""

import math
import os
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from gansynth_core.cards import ModelCard
from gansynth_core.errors import InputError
from gansynth_core.midi.casting import Cast, Casting, Sounds, cast_song
from gansynth_core.midi.drums import Kit
from gansynth_core.midi.mastering import SAMPLE_RATES, mastered
from gansynth_core.midi.mixing import Track, Waves
from gansynth_core.midi.reading import read_midi
from gansynth_core.midi.smf import several
from gansynth_core.midi.song import Song
from gansynth_core.midi.stems import OnDisk, Stem
from gansynth_core.sound import Clip
from gansynth_core.sustain import hold_seconds
from gansynth_core.synth import Synth
from gansynth_core.tunings import Tuning

RELEASE_SECONDS = 0.3  # as Magenta's tools
LONGEST_RELEASE_SECONDS = 10.0
Progress = Callable[[int, int], object]


@dataclass(frozen=True, eq=False)
class MidiRender:
    """clip: the song in stereo, its true peak at -1 dBTP. stems: its parts, where they were asked for. notes: how many
    were played. notices: sentences on what differs from the file: what was repaired in it, drums left out or played by
    others, pitches moved, notes longer than the model's."""

    clip: Clip
    stems: tuple[Stem, ...]
    notes: int
    notices: tuple[str, ...]


def render_midi(
    source: str | os.PathLike[str] | bytes | Song | Casting,
    synth: Synth,
    timbres: Sounds | None = None,
    at: Sequence[float] | None = None,
    *,
    parts: Mapping[int, Sounds | Kit | None] | None = None,
    drums: bool | None = None,
    tuning: Tuning | str | None = None,
    sample_rate: int | None = None,
    stems: bool = False,
    release_seconds: float = RELEASE_SECONDS,
    background: bool = False,
    progress: Progress | None = None,
) -> MidiRender:
    """Play a MIDI file (a path, its bytes, the Song from `read_midi` or the Casting from `cast_song`) with `synth`.

    timbres, at, parts, drums, tuning: what plays which part, and how its keys are tuned, see `cast_song`; by itself the
    file is played as it is written, each part by its General MIDI instrument. Along a path each note keeps the timbre
    it starts with.
    Pitches outside the model's range move by octaves into it. Bends and tunings are played: see bending.py. A note
    sounds until its key and the sustain pedal are up and fades over `release_seconds` (0-10). One that is held longer
    than the model's notes goes on: see Synth.hold. Loudness follows velocity, channel volume and expression, and the
    place in stereo follows pan; all instruments are equally loud at the same velocity.
    sample_rate: 44100 or 48000 (None: the model's own). stems: also each part by itself.
    progress: called with notes done and notes in all; an exception raised in it stops the render.
    background: others who play the synth go first (see Synth.render), which is slower on a busy machine.
    Deterministic.
    Raises InputError for a file that cannot be played, and for any wrong argument.
    """
    if not 0 <= release_seconds <= LONGEST_RELEASE_SECONDS:
        raise InputError(f"A release must last from 0 to {LONGEST_RELEASE_SECONDS:g} s, not {release_seconds:g} s.")
    card, own_rate = synth.card, synth.card.specgram.sample_rate
    rate = own_rate if sample_rate is None else sample_rate
    if rate not in (own_rate, *SAMPLE_RATES):
        raise InputError(f"A song has 44100 or 48000 samples a second, or the model's own {own_rate}, not {rate!r}.")
    if isinstance(source, Casting):
        casting = source
    else:
        song = source if isinstance(source, Song) else read_midi(source)
        casting = cast_song(song, card, timbres, at, parts=parts, drums=drums, tuning=tuning)
    song = casting.song

    everything = [play for cast in casting.parts for play in cast.plays]
    samples = math.ceil((max(play.start + play.seconds for play in everything) + release_seconds) * own_rate) + 2
    mix = np.zeros((samples, 2), np.float32)
    waves, long, done = Waves(synth, background), Counter[str](), 0
    kept: list[tuple[int, Cast, OnDisk]] = []
    for number, (part, cast) in enumerate(zip(song.parts, casting.parts, strict=True)):
        if not cast.plays:
            continue
        track = Track(waves, samples, release_seconds)
        for added in track.play(cast.plays, song.tuning(part.channel)):
            done += added
            if progress is not None:
                progress(done, len(everything))
        stereo = track.placed(song.level(part.channel), song.pan(part.channel))
        mix += stereo
        long += track.long
        if stems:
            kept.append((number, cast, OnDisk(stereo, own_rate)))
    clip, gain = mastered(mix, own_rate, rate)
    notices = [*casting.notices, *_about_long_notes(long, card)]
    found = tuple(
        Stem(number + 1, song.parts[number], cast.sound, cast.timbre, wave, gain, rate) for number, cast, wave in kept
    )
    return MidiRender(clip, found, len(everything), tuple(notices))


def _about_long_notes(long: Counter[str], card: ModelCard) -> list[str]:
    if not long.total():
        return []
    does = {
        "steady": "held",
        "dying away": "left to die away",
        "gone": "silent by then",
    }
    told = ", ".join(f"{long[how]:,} {does[how]}" for how in does if long[how])
    held = hold_seconds(card.specgram.seconds)
    return [f"{several(long.total(), 'note')} longer than the {held:g} s that '{card.id}' holds a note: {told}."]
