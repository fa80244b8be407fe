"""Which sound plays which part of a song, and so which notes a model is to make."""

import math
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, NamedTuple

from gansynth_core.cards import ModelCard
from gansynth_core.errors import InputError
from gansynth_core.instruments import GM_INSTRUMENTS, families
from gansynth_core.latent import Timbre, sample
from gansynth_core.midi.drums import DRUMS, Kit
from gansynth_core.midi.smf import several
from gansynth_core.midi.song import DRUM_CHANNEL, Song, SongNote, amplitude
from gansynth_core.midi.timbres import UNMUSICAL, TimbrePath, parse_timbre
from gansynth_core.tunings import Tuning, parse_tuning

LISTED = 6  # things that a notice names
REACH = 2.5  # semitones beyond what a model learned to which a note of it may be bent

Sounds = Timbre | str | Sequence[Timbre | str] | TimbrePath
"""What may play a part: a sound, its name (see `parse_timbre`), several that it goes through along the song, or these
at places of their own."""


class Play(NamedTuple):
    """One note to be made: from `start` on its key is down for `seconds`. pitch: MIDI, within what the model learned,
    without what tuning and bends add if it is `tuned`. gain: amplitude."""

    start: float
    seconds: float
    timbre: Timbre
    pitch: float
    gain: float
    tuned: bool = True


@dataclass
class _Moves:
    """How far the notes of a part are from where the file has them."""

    played: int = 0
    moved: Counter[str] = field(default_factory=Counter)  # by octaves: "96 to 84"
    outside: Counter[int] = field(default_factory=Counter)  # left out, by pitch
    no_drum: Counter[int] = field(default_factory=Counter)  # left out, by key
    no_pitch: Counter[int] = field(default_factory=Counter)  # left out, by key

    def __add__(self, other: "_Moves") -> "_Moves":
        return _Moves(
            self.played + other.played,
            self.moved + other.moved,
            self.outside + other.outside,
            self.no_drum + other.no_drum,
            self.no_pitch + other.no_pitch,
        )

    def notices(self, card: ModelCard) -> list[str]:
        span = f"{card.pitch_low}-{card.pitch_high}"
        said = []
        if self.moved:
            said.append(
                f"{several(self.moved.total(), 'note')} outside what '{card.id}' learned ({span}) moved by octaves: "
                f"pitch {_listed(self.moved)}."
            )
        if self.outside:
            said.append(
                f"{several(self.outside.total(), 'note')} left out, as none of their octaves lies within {span}: pitch "
                f"{_listed(self.outside)}."
            )
        if self.no_drum:
            said.append(
                f"{several(self.no_drum.total(), 'note')} left out, as General MIDI has no drum there: key "
                f"{_listed(self.no_drum)}."
            )
        if self.no_pitch:
            said.append(
                f"{several(self.no_pitch.total(), 'note')} left out, as the tuning has no note there: key "
                f"{_listed(self.no_pitch)}."
            )
        return said


@dataclass(frozen=True)
class Cast:
    """What plays a part of a song: a path of sounds, the kit, or nothing. plays: its notes. notices: sentences on what
    of it is not played as written."""

    player: TimbrePath | Kit | None
    plays: tuple[Play, ...] = ()
    notices: tuple[str, ...] = ()

    @property
    def timbre(self) -> Timbre | None:
        """The one sound that plays it; None if there are several, or none."""
        timbres = self.player.timbres if isinstance(self.player, TimbrePath) else ()
        return timbres[0] if len(set(timbres)) == 1 else None

    @property
    def sound(self) -> str:
        """What plays it, in words: `violin`, `violin to flute`, `percussion`; nothing if it is left out."""
        if not isinstance(self.player, TimbrePath):
            return "percussion" if self.player else ""
        names = [_leading(timbre) for timbre in self.player.timbres]
        return names[0] if self.timbre else f"{names[0]} to {names[-1]}"


@dataclass(frozen=True)
class Casting:
    """song, and what plays each of its parts. notices: sentences on what is not played as written."""

    song: Song
    parts: tuple[Cast, ...]
    notices: tuple[str, ...]


def cast_song(
    song: Song,
    card: ModelCard,
    timbres: Sounds | None = None,
    at: Sequence[float] | None = None,
    *,
    parts: Mapping[int, Sounds | Kit | None] | None = None,
    drums: bool | None = None,
    tuning: Tuning | str | None = None,
) -> Casting:
    """Who plays what of `song`: as it is written if `timbres` is None, else everything along one path.

    As written, each part is played by the General MIDI instrument of its program or, where the model lacks that, by
    one of its family, or by any. timbres, at: a path along the song for all parts, see `TimbrePath`. parts: by index
    in `song.parts`, what plays that part instead; None leaves it out.
    drums: whether channel 10 is heard. A model with General MIDI's instruments has a `Kit` of them, and others play the
    keys as a melody. None: as written with a kit yes, else no.
    tuning: what the keys are tuned to, all but drums; a name, Scala's files (see `parse_tuning`) or a Tuning. Bends and
    tunings in the file come on top.
    Raises InputError for a song without a note to play, and for wrong arguments.
    """
    if not song.notes:
        raise InputError("This MIDI file has no notes.")
    for number in parts or {}:
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < len(song.parts):
            raise InputError(f"This song has {several(len(song.parts), 'part')}, and no part {number!r} (from 0).")
    path = None if timbres is None else _path(timbres, at, card)
    if path is None and at is not None:
        raise InputError("Points in the song need sounds: say which sound is reached at each.")
    tuned = parse_tuning(tuning) if isinstance(tuning, str) else tuning
    kit = Kit.of(card)
    heard = drums if drums is not None else path is None and kit is not None
    notes: list[list[SongNote]] = [[] for _ in song.parts]
    for note in song.notes:
        notes[note.part].append(note)
    casts, notices, unheard, moves = [], list(song.notices), 0, _Moves()
    lacking: dict[str, str] = {}
    for number, part in enumerate(song.parts):
        player: TimbrePath | Kit | None
        if parts and number in parts:
            chosen = parts[number]
            player = chosen if chosen is None or isinstance(chosen, Kit) else _path(chosen, None, card)
        elif part.drums and not heard:
            player, unheard = None, unheard + len(notes[number])
        elif part.drums and kit:
            player = kit
        elif path:
            player = path
        else:
            player = TimbrePath([_written(part.program, card, number, lacking)])
        plays, moved = _planned(song, notes[number], player, card, None if part.drums else tuned)
        moves += moved
        cast = Cast(player, tuple(plays))
        casts.append(replace(cast, notices=(*_about_drums(card, [cast], 0), *moved.notices(card))))
    if not moves.played:
        raise InputError(_why_silent(song, card, casts, unheard, moves))
    if tuned is not None and not tuned.is_equal:
        notices.append(f"The keys are tuned to '{tuned.name}'.")
    notices += _about_drums(card, casts, unheard)
    if lacking:
        played = _listed(Counter({f"{name} by {instead}": 1 for name, instead in lacking.items()}))
        notices.append(f"Instruments that '{card.id}' lacks are played by others: {played}.")
    return Casting(song, tuple(casts), tuple(notices + moves.notices(card)))


def _path(sounds: Sounds, at: Sequence[float] | None, card: ModelCard) -> TimbrePath:
    if isinstance(sounds, TimbrePath):
        return sounds
    listed = [sounds] if isinstance(sounds, Timbre | str) else list(sounds)
    return TimbrePath([parse_timbre(one, card) if isinstance(one, str) else one for one in listed], at)


def _leading(timbre: Timbre) -> str:
    """The instrument that a sound has most of."""
    return max(timbre.instruments, key=lambda pair: pair[1])[0] if timbre.instruments else "sound"


def _written(program: int, card: ModelCard, number: int, lacking: dict[str, str]) -> Timbre:
    """The sound of a General MIDI program; what is played instead of instruments that the model has not got goes into
    `lacking`. Of a model without instruments, each part (`number`) gets a sound of its own."""
    if not card.instruments:
        return sample(card, 1, number)[0]
    name = instrument_for(program, card)
    if name != GM_INSTRUMENTS[program]:
        lacking[GM_INSTRUMENTS[program]] = name
    return sample(card, 1, 0, name)[0]


def instrument_for(program: int, card: ModelCard) -> str:
    """The instrument of a model (that has some) which plays a General MIDI program (0-127): that itself, else one of
    its family, else the first that plays melodies, else the first."""
    wanted = GM_INSTRUMENTS[program]
    kin = next(names for names in families(GM_INSTRUMENTS).values() if wanted in names)
    grouped = families(card.instruments)
    melodic = [name for family, names in grouped.items() if family not in UNMUSICAL for name in names]
    known = [name for name in (wanted, *kin) if name in card.instruments]
    return (known or melodic or list(card.instruments))[0]


def _planned(
    song: Song, notes: Sequence[SongNote], player: TimbrePath | Kit | None, card: ModelCard, tuned: Tuning | None
) -> tuple[list[Play], _Moves]:
    moves = _Moves()
    if player is None:
        return [], moves
    make = _hits(notes, player, moves) if isinstance(player, Kit) else _melody(song, notes, player, card, tuned, moves)
    plays = list(make)
    moves.played = len(plays)
    return plays, moves


def _melody(
    song: Song,
    notes: Sequence[SongNote],
    path: TimbrePath,
    card: ModelCard,
    tuned: Tuning | None,
    moves: _Moves,
) -> Iterator[Play]:
    for note in notes:
        pitch = note.pitch if tuned is None else tuned.pitches[note.pitch]
        if pitch is None:
            moves.no_pitch[note.pitch] += 1
            continue
        tuning = song.tuning(song.parts[note.part].channel).value(note.start)
        raised, shift = round(pitch + tuning), _octaves(pitch, card, tuning)
        if shift is None:
            moves.outside[raised] += 1
            continue
        if shift:
            moves.moved[f"{raised} to {raised + shift}"] += 1
        timbre = path(note.start / song.seconds if song.seconds else 0.0)
        yield Play(note.start, note.end - note.start, timbre, pitch + shift, amplitude(note.velocity))


def _octaves(pitch: float, card: ModelCard, tuning: float) -> int | None:
    """By how many semitones a key moves to the nearest of its octaves that the model learned; None if there is none.
    A key that it learned stays if `tuning` leads out by no more than REACH."""
    low, high = card.pitch_low, card.pitch_high
    if low <= pitch <= high and low - REACH <= pitch + tuning <= high + REACH:
        return 0
    raised, shift = round(pitch + tuning), 0
    if raised < low:
        shift = 12 * -(-(low - raised) // 12)
    elif raised > high:
        shift = -12 * -(-(raised - high) // 12)
    return shift if low <= raised + shift <= high else None


def _hits(notes: Sequence[SongNote], kit: Kit, moves: _Moves) -> Iterator[Play]:
    """A drum sounds until it has died away, however soon its key is let go."""
    open_until: dict[str, float] = {}  # by choke: when the next hit of it comes; from the last note backwards
    hits = []
    for note in reversed(notes):
        drum = DRUMS.get(note.pitch)
        if drum is None:
            moves.no_drum[note.pitch] += 1
            continue
        seconds = drum.seconds
        if drum.choke:
            seconds = min(seconds, max(0.0, open_until.get(drum.choke, math.inf) - note.start))
            open_until[drum.choke] = note.start
        gain = amplitude(note.velocity) * 10 ** (drum.db / 20)
        hits.append(Play(note.start, seconds, kit.timbres[drum.instrument], drum.pitch, gain, tuned=False))
    yield from reversed(hits)


def _about_drums(card: ModelCard, casts: Sequence[Cast], unheard: int) -> Iterator[str]:
    if unheard:
        yield f"{several(unheard, 'note')} on the drum channel left out."
    hits = [play for cast in casts if isinstance(cast.player, Kit) for play in cast.plays]
    if hits:
        names = Counter(_leading(play.timbre) for play in hits)
        yield (
            f"'{card.id}' has no drum kit: {several(len(hits), 'note')} on the drum channel played by the nearest of "
            f"its instruments, {_listed(Counter(dict.fromkeys(names, 1)))}."
        )


def _why_silent(song: Song, card: ModelCard, casts: Sequence[Cast], unheard: int, moves: _Moves) -> str:
    if unheard == len(song.notes):
        return f"All notes of this MIDI file are drums (channel {DRUM_CHANNEL}): turn drums on to hear them."
    if all(cast.player is None for cast in casts):
        return "Every part of this song is left out. Choose a sound for at least one."
    if moves.no_pitch and not moves.outside:
        return "None of the keys of this MIDI file has a note in the tuning."
    span = f"{card.pitch_low}-{card.pitch_high}"
    return f"No note of this MIDI file, in any octave, lies within what '{card.id}' learned ({span})."


def _listed(counts: Counter[Any]) -> str:
    """`96 to 84 (3 times), 98 to 74`, most common first."""
    named = [f"{what} ({number:,} times)" if number > 1 else str(what) for what, number in counts.most_common(LISTED)]
    return ", ".join(named) + (f" and {len(counts) - LISTED} more" if len(counts) > LISTED else "")
