"""A MIDI file played by a model, with a timbre that changes along the song."""

import math
import os
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gansynth_core.cards import ModelCard
from gansynth_core.errors import InputError
from gansynth_core.generators import WHOLE_KEYS
from gansynth_core.latent import Timbre
from gansynth_core.midi.smf import several
from gansynth_core.midi.song import DRUM_CHANNEL, Song, SongNote, amplitude, read_midi
from gansynth_core.midi.timbres import TimbrePath, parse_timbre
from gansynth_core.packs.levels import PEAK
from gansynth_core.sound import SILENCE_PEAK, Clip
from gansynth_core.sustain import hold_seconds, sustain
from gansynth_core.synth import BATCH, Synth

RELEASE_SECONDS = 0.3  # as Magenta's tools
LONGEST_RELEASE_SECONDS = 10.0
LISTED = 6  # pitches that a notice names
Progress = Callable[[int, int], object]


@dataclass(frozen=True, eq=False)
class MidiRender:
    """clip: the song, its loudest sample at -1 dBFS. notes: how many were played. notices: sentences on what differs
    from the file: what was repaired in it, drums left out, pitches moved, notes longer than the model's."""

    clip: Clip
    notes: int
    notices: tuple[str, ...]


def render_midi(
    source: str | os.PathLike[str] | bytes | Song,
    synth: Synth,
    timbres: Timbre | str | Sequence[Timbre | str],
    at: Sequence[float] | None = None,
    *,
    drums: bool = False,
    release_seconds: float = RELEASE_SECONDS,
    background: bool = False,
    progress: Progress | None = None,
) -> MidiRender:
    """Play a MIDI file (a path, its bytes, or the Song from `read_midi`) with `synth`.

    timbres: one or several, each a Timbre or what `parse_timbre` understands, such as "violin:3"; the sound is morphed
    from one to the next, each note keeping the timbre it starts with. at: where each is reached, as rising fractions of
    the song's length, 0 to 1 (evenly spread if None).
    Pitches outside the model's range move by octaves into it, and a model that knows whole keys only plays the nearest
    one of a tuning. A note sounds until its key and the sustain pedal are up and fades over `release_seconds` (0-10).
    One that is held longer than the model's notes goes on: see `sustain`.
    Loudness follows velocity, channel volume and expression. drums: play channel 10 too, as if it were a melody.
    progress: called with notes done and notes in all; an exception raised in it stops the render.
    background: others who play the synth go first (see Synth.render), which is slower on a busy machine.
    Deterministic.
    Raises InputError for a file that cannot be played, and for any wrong argument.
    """
    if not 0 <= release_seconds <= LONGEST_RELEASE_SECONDS:
        raise InputError(f"A release must last from 0 to {LONGEST_RELEASE_SECONDS:g} s, not {release_seconds:g} s.")
    card, rate = synth.card, synth.card.specgram.sample_rate
    several = [timbres] if isinstance(timbres, Timbre | str) else list(timbres)
    path = TimbrePath([parse_timbre(one, card) if isinstance(one, str) else one for one in several], at)
    song = source if isinstance(source, Song) else read_midi(source)
    notes, notices = _playable(song, card, drums)
    wanted: dict[tuple[Timbre, float], list[SongNote]] = {}
    for note, pitch in notes:
        wanted.setdefault((path(note.start / song.seconds if song.seconds else 0.0), pitch), []).append(note)

    mix = np.zeros(math.ceil((max(note.end for note, _ in notes) + release_seconds) * rate) + 1)
    hows: Counter[str] = Counter()
    done = 0
    keys = list(wanted)
    for start in range(0, len(keys), BATCH):
        batch = keys[start : start + BATCH]
        clips = synth.render([timbre for timbre, _ in batch], [pitch for _, pitch in batch], background=background)
        for key, wave in zip(batch, clips.audio, strict=True):
            hows += _add_notes(mix, song, wanted[key], wave, key[1], rate, release_seconds)
            done += len(wanted[key])
        if progress is not None:
            progress(done, len(notes))
    if hows:
        notices.append(_about_long_notes(hows, card))
    peak = np.abs(mix).max()
    samples = (mix * (PEAK / peak if peak > SILENCE_PEAK else 1.0)).astype(np.float32)
    return MidiRender(Clip(samples, rate), len(notes), tuple(notices))


def midi_notices(song: Song, card: ModelCard, *, drums: bool = False) -> tuple[str, ...]:
    """The notices that `render_midi` would give, except on long notes, which depend on how the timbres sound.
    Raises InputError if no note of the song can be played."""
    return tuple(_playable(song, card, drums)[1])


def _playable(song: Song, card: ModelCard, drums: bool) -> tuple[list[tuple[SongNote, float]], list[str]]:
    """The notes to play, each with the pitch to play it at, and the notices so far."""
    notices = list(song.notices)
    kept = [note for note in song.notes if drums or note.channel != DRUM_CHANNEL]
    left_out = len(song.notes) - len(kept)
    if not song.notes:
        raise InputError("This MIDI file has no notes.")
    if not kept:
        raise InputError(f"All notes of this MIDI file are drums (channel {DRUM_CHANNEL}): turn drums on to hear them.")
    if left_out:
        notices.append(f"{several(left_out, 'note')} on the drum channel left out.")
    notes: list[tuple[SongNote, float]] = []
    shifts: Counter[tuple[int, int]] = Counter()
    outside: Counter[int] = Counter()
    astray: list[float] = []  # how far notes are from their tuning, in semitones
    for note in kept:
        tuned = note.pitch + note.tuning
        key = math.floor(tuned + 0.5)
        nearest = _in_range(key, card)
        if nearest is None:
            outside[key] += 1
            continue
        shifts[key, nearest] += nearest != key
        pitch = nearest if card.family in WHOLE_KEYS else nearest + tuned - key
        pitch = min(max(pitch, card.pitch_low), card.pitch_high)
        astray.append(abs(tuned - key - (pitch - nearest)))
        notes.append((note, pitch))
    span = f"{card.pitch_low}-{card.pitch_high}"
    if not notes:
        raise InputError(f"No note of this MIDI file, in any octave, lies within what '{card.id}' learned ({span}).")
    moved = Counter({f"{was} to {now}": number for (was, now), number in shifts.items() if number})
    if moved:
        notices.append(
            f"{several(moved.total(), 'note')} outside what '{card.id}' learned ({span}) moved by octaves: pitch "
            f"{_listed(moved)}."
        )
    if outside:
        notices.append(
            f"{several(outside.total(), 'note')} left out, as none of their octaves lies within {span}: pitch "
            f"{_listed(outside)}."
        )
    mistuned = sum(off > 0 for off in astray)
    if mistuned:
        why = "knows whole keys only" if card.family in WHOLE_KEYS else f"learned {span} and nothing beyond"
        cents = f"{100 * max(astray):.2g} cents"
        notices.append(f"{several(mistuned, 'note')} up to {cents} beside the file's tuning: '{card.id}' {why}.")
    return notes, notices


def _in_range(pitch: int, card: ModelCard) -> int | None:
    """`pitch`, or the nearest of its octaves that the model learned; None if it learned none."""
    if pitch < card.pitch_low:
        pitch += 12 * -(-(card.pitch_low - pitch) // 12)
    elif pitch > card.pitch_high:
        pitch -= 12 * -(-(pitch - card.pitch_high) // 12)
    return pitch if card.pitch_low <= pitch <= card.pitch_high else None


def _listed(counts: Counter[Any]) -> str:
    """`96 to 84 (3 times), 98 to 74`, most common first."""
    named = [f"{what} ({number:,} times)" if number > 1 else str(what) for what, number in counts.most_common(LISTED)]
    return ", ".join(named) + (f" and {len(counts) - LISTED} more" if len(counts) > LISTED else "")


def _add_notes(
    mix: NDArray[np.float64],
    song: Song,
    notes: Sequence[SongNote],
    wave: NDArray[np.float32],
    pitch: float,
    rate: int,
    release_seconds: float,
) -> Counter[str]:
    """Add `notes`, which all sound as `wave` float32 [n] of the MIDI `pitch`, to `mix`; counts those longer than the
    model's by how they end."""
    release = round(release_seconds * rate)
    fall = np.square(1 - (np.arange(release) + 0.5) / max(1, release))  # close to exponential, and ends in silence
    hold = round(hold_seconds(len(wave) / rate) * rate)
    lengths = [round((note.end - note.start) * rate) for note in notes]
    how = ""
    if max(lengths) + release > hold:
        wave, how = sustain(wave, rate, pitch, max(lengths) + release)
    for note, length in zip(notes, lengths, strict=True):
        sound = wave[: length + release].astype(np.float64)
        sound[length:] *= fall
        sound *= amplitude(note.velocity) * song.level(note.channel, note.start, len(sound), rate)
        first = round(note.start * rate)
        mix[first : first + len(sound)] += sound
    return Counter({how: sum(length > hold for length in lengths)} if how else {})


def _about_long_notes(hows: Counter[str], card: ModelCard) -> str:
    does = {
        "steady": "held by looping the steady part",
        "dying away": "left to die away",
        "gone": "silent by then",
    }
    told = ", ".join(f"{hows[how]:,} {does[how]}" for how in does if hows[how])
    held = hold_seconds(card.specgram.seconds)
    return f"{several(hows.total(), 'note')} longer than the {held:g} s that '{card.id}' holds a note: {told}."
