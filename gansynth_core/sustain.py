"""Notes held for longer than a model makes them; and what a loop is, for samplers too.

A model learned from keys held for three quarters of a note and then released. There are two ways to go on:

- The studio voice goes on by itself where a note is steady: `Walk` says which of the note's frames follow each other,
  and the network voices them with phases that run on and fresh noise. `Synth.hold` does both.
- Everything else is looped by `sustain`. Within the held part we look for a stretch that begins as it ends, found by
  normalised cross-correlation, a whole number of periods long. Its seam is cross-faded into the note, before the loop's
  end and after it, so that both the jump back to the start and the release that follows sound uncut. A fall in level is
  evened out before and put back after, so a piano's loop dies away like its string.

The loops of a pack, which go round for as long as a key is down, are made in packs/loops.py.
"""

import math
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gansynth_core.pitches import pitch_hz
from gansynth_core.sound import HELD_SHARE
from gansynth_core.specgram import Representation

Wave = NDArray[np.floating[Any]]

# Share of a note in which a loop may lie: the release (at HELD_SHARE) reaches back by half a specgram's window.
LOOPABLE = 0.7
BLOCK_SECONDS = 0.05  # over which levels are measured
SEAM_DB = 1.0  # difference of level between both ends
SHORTEST_SECONDS = 0.3  # shorter loops buzz
WINDOW_SECONDS = 0.05  # compared around both ends and cross-faded; at least two periods
ROUGH_FADE_SECONDS = 0.15  # where the ends differ a lot (ensembles, noise), a longer one hides it
ALIKE = 0.9  # correlation from which a short fade is enough
STARTS = 6
# `sustain` only: of the same instruments, those that are blown, bowed or electronic fall by less than 1.5 dB/s while
# held, and those that are plucked or struck by 2 dB/s and more.
FALLING_DB_A_SECOND = -1.5
SETTLED = (0.2125, 0.725)  # the part of a note, in shares of it, over which that fall is measured
GONE_DB = -55.0  # below the note's peak: there is nothing left to hold
WALKED_FROM = 0.25  # share of a note in which a walk begins: attacks are over
SHORTEST_LEG_SECONDS, LONGEST_LEG_SECONDS = 0.25, 1.5  # between two turns of a walk
MOST_EVENED_DB = 12.0  # of a swell, which a walk would come back to again and again


class Loop(NamedTuple):
    """start, end: the first and the last frame of the loop. fade: frames cross-faded before its end, and as many
    after it."""

    start: int
    end: int
    fade: int

    @property
    def length(self) -> int:
        return self.end - self.start + 1


def find_loop(wave: Wave, sample_rate: int, pitch: float, held: int) -> Loop | None:
    """The best loop before frame `held` of `wave` float32 [n], a note of the MIDI `pitch` that keeps its level; None if
    it is too short for one. The loop's length is a whole number of periods, to the frame."""
    period = sample_rate / pitch_hz(pitch)
    half = round(max(WINDOW_SECONDS * sample_rate, 2 * period))
    shortest = round(max(SHORTEST_SECONDS * sample_rate, 4 * period))
    first, last = max(held // 4, half), held - half - shortest
    if first > last:
        return None
    region = wave[first - half : held].astype(np.float64)  # no loop begins before this
    starts = np.unique(np.linspace(half, half + last - first, STARTS).round().astype(int))
    alike, level_db = likeness(region, starts, half)
    ends = np.arange(len(region))
    lags = ends[None, :] - starts[:, None]
    whole = np.abs(lags - np.round(lags / period) * period) <= max(1.0, 0.01 * period)
    possible = whole & (lags >= shortest) & (ends <= len(region) - half)[None, :] & (np.abs(level_db) <= SEAM_DB)
    if not possible.any():
        return None
    # Longer loops are heard less as loops, but that counts for little beside how alike the ends are.
    score = np.where(possible, alike - 0.05 * np.abs(level_db) + 0.15 * lags / held, -np.inf)
    row, place = np.unravel_index(score.argmax(), score.shape)
    start, end = int(starts[row]) + first - half, int(place) + first - half
    seconds = WINDOW_SECONDS if alike[row, place] >= ALIKE else ROUGH_FADE_SECONDS
    fade = min(max(half, round(seconds * sample_rate)), start, end - start, len(wave) - end)
    return Loop(start, end - 1, fade)


def rescaled(loop: Loop, wave: Wave, ratio: float) -> Loop:
    """`loop` in `wave` [n], the same note at `ratio` times the rate; its end is the best within a few frames."""
    start, fade = round(loop.start * ratio), int(loop.fade * ratio)
    reach = int(np.ceil(ratio)) + 1
    expected = start + round(loop.length * ratio)
    fade = min(fade, start, expected - start - reach, len(wave) - expected - reach)
    near = wave[start - fade : start + fade]
    misses = {
        end: float(np.square(wave[end - fade : end + fade] - near).sum())
        for end in range(expected - reach, expected + reach + 1)
    }
    return Loop(start, min(misses, key=misses.__getitem__) - 1, fade)


def crossfaded(wave: Wave, loop: Loop) -> Wave:
    """Copy of `wave` float32 [n] or [n, channels] whose loop has no seam: towards its end it becomes what comes before
    its start, and after its end it turns from what comes after the start into what was there.

    The sum keeps its power however alike both are: gains a, b with a^2 + b^2 + 2 c a b = 1 for the correlation c.
    """
    start, end, fade = loop.start, loop.end + 1, loop.fade
    before, after = wave[start - fade : start + fade], wave[end - fade : end + fade]
    energy = float(np.sqrt(np.square(before).sum() * np.square(after).sum()))
    likeness = max(0.0, float((before * after).sum()) / energy) if energy > 0 else 1.0
    rise = 0.5 - 0.5 * np.cos(np.pi * (np.arange(fade) + 1) / fade)
    inwards = np.concatenate([rise, 1.0, rise[:-1][::-1]], axis=None)[: 2 * fade]
    outwards = 1.0 - inwards
    power = np.sqrt(inwards**2 + outwards**2 + 2 * likeness * inwards * outwards)
    leaving, coming = (
        (gain / power).astype(np.float32).reshape(-1, *[1] * (wave.ndim - 1)) for gain in (outwards, inwards)
    )
    mixed = wave.copy()
    mixed[end - fade : end + fade] = leaving * after + coming * before
    return mixed


class Sustained(NamedTuple):
    """wave: float32 [samples]. how: "steady", "dying away" or "gone", what the note did towards the end of its hold."""

    wave: NDArray[np.float32]
    how: str


class Walk(NamedTuple):
    """A way through a note's frames that holds it. way: int [frames]. first, last: the frames within which it turns.
    begins, ends: the places in `way` between which it does; before and after, the note is as it was."""

    way: NDArray[np.int64]
    first: int
    last: int
    begins: int
    ends: int

    @classmethod
    def through(cls, spec: Representation, samples: int, seed: int, *, released: bool) -> "Walk":
        """The walk that makes a note last for `samples` at least, with its release or, for a key that stays down,
        without it. The note goes on to the end of its hold, then back and forth within it, turning at random moments,
        so that no period is heard; it ends where it left, so that the release follows as ever."""
        first = round(WALKED_FROM * spec.frames)
        last = (round(HELD_SHARE * spec.samples) + spec.pad_front - spec.n_fft) // spec.hop
        wanted = -(-(samples + spec.pad_front + spec.pad_back - spec.n_fft) // spec.hop) + 1
        tail = np.arange(last + 1, spec.frames)
        count = max(0, wanted - (last + 1) - (len(tail) if released else 0))
        shortest, longest = (
            max(2, round(seconds * spec.sample_rate / spec.hop))
            for seconds in (SHORTEST_LEG_SECONDS, LONGEST_LEG_SECONDS)
        )
        random = np.random.default_rng(seed)
        place, step, left, walked = last, 1, 0, np.empty(count, np.int64)
        for number in range(count):
            remaining, back = count - number, last - place  # frames there are, and that it takes to where it must end
            if remaining <= back:
                step = 1
            elif left <= 0:
                step, left = -step, int(random.integers(shortest, longest + 1))
            if not first <= place + step <= last:
                step = -step
            if remaining - 1 >= back - step:  # else it waits: a step away would be one too many
                place += step
            walked[number] = place
            left -= 1
        way = np.concatenate([np.arange(last + 1), walked, *([tail] if released else [])])
        return cls(way, first, last, last + 1, last + 1 + count)

    def gains(self, levels_db: NDArray[np.floating]) -> NDArray[np.float32]:
        """Factors [frames of the walk] that take away the slow rise and fall of a note of `levels_db` [its frames]
        where it is walked through again."""
        frames = np.arange(self.first, self.last + 1)
        slow = np.polyval(np.polyfit(frames - self.last, levels_db[self.first : self.last + 1], 2), frames - self.last)
        decibels = np.zeros(len(self.way))
        walked = slice(self.begins, self.ends)
        decibels[walked] = np.clip(slow[-1] - slow, -MOST_EVENED_DB, MOST_EVENED_DB)[self.way[walked] - self.first]
        return np.power(10, decibels / 20).astype(np.float32)


def held_how(wave: Wave, sample_rate: int) -> tuple[str, float]:
    """What a whole note `wave` float32 [n] does towards the end of its hold, see `Sustained`, and by how many dB a
    second it falls."""
    first, last = (round(share * len(wave)) for share in SETTLED)
    levels = _levels_db(wave[first:last], sample_rate)
    peak_db = 20 * np.log10(max(float(np.abs(wave).max(initial=0.0)), 1e-10))
    if len(levels) < 2 or levels[-1] < peak_db + GONE_DB:
        return "gone", -math.inf
    fall = float(np.polyfit(np.arange(len(levels)) * BLOCK_SECONDS, levels, 1)[0])
    return ("steady" if fall > FALLING_DB_A_SECOND else "dying away"), fall


def is_steady(wave: Wave, sample_rate: int) -> bool:
    """Whether a whole note `wave` float32 [n] keeps its level for as long as its key is down."""
    return held_how(wave, sample_rate)[0] == "steady"


def sustain(wave: Wave, sample_rate: int, pitch: float, samples: int) -> Sustained:
    """`wave` float32 [n], a whole note of the MIDI `pitch`, made to sound for `samples` as if its key were still
    held, by a loop."""
    held = round(LOOPABLE * len(wave))
    how, fall = held_how(wave, sample_rate)
    if how == "gone":
        return Sustained(_ended(wave, samples), how)
    seconds = np.arange(max(samples, len(wave))) / sample_rate
    level = np.ones(len(seconds)) if how == "steady" else 10 ** (fall * seconds / 20)
    even = wave / level[: len(wave)]
    loop = find_loop(even, sample_rate, pitch, held)
    if loop is None:
        return Sustained(_ended(wave, samples), "gone")
    mixed = crossfaded(even, loop)
    again = -(-max(0, samples - loop.start) // loop.length)
    looped = np.concatenate([mixed[: loop.start], np.tile(mixed[loop.start : loop.end + 1], again)])[:samples]
    return Sustained((looped * level[: len(looped)]).astype(wave.dtype), how)


def released(sounding: Wave, note: Wave, sample_rate: int, pitch: float) -> Wave:
    """`sounding` float32 [n], a `note` of the MIDI `pitch` made longer, let go so that it ends where `sounding` does:
    from then on it is the note's own release, at the level that is left, float32 [n]."""
    hold = round(HELD_SHARE * len(note))
    place, fade = len(sounding) - (len(note) - hold), round(WINDOW_SECONDS * sample_rate)
    if place < fade:
        return sounding
    # The release begins within a period of where it did, at the place that is most alike, so that nothing cancels.
    before = sounding[place : place + fade].astype(np.float64)
    starts = np.arange(max(0, hold - round(sample_rate / pitch_hz(pitch)) - fade), hold - fade + 1)
    pieces = np.lib.stride_tricks.sliding_window_view(note[starts[0] : hold].astype(np.float64), fade)
    norms = np.sqrt(np.square(pieces).sum(axis=1)) + 1e-9
    scores = pieces @ before / norms
    start = int(starts[scores.argmax()])
    piece = note[start : start + len(sounding) - place].astype(np.float64)
    level = float(np.sqrt(np.square(before).sum())) / float(norms[scores.argmax()])
    coming = np.pad(piece, (0, len(sounding) - place - len(piece))) * level
    turn = 0.5 - 0.5 * np.cos(np.pi * np.arange(fade) / fade)
    ended = sounding.astype(np.float64)
    ended[place:] = np.concatenate([(1 - turn) * before, np.zeros(len(coming) - fade)])
    ended[place:] += np.concatenate([turn, np.ones(len(coming) - fade)]) * coming
    return ended.astype(np.float32)


def hold_seconds(note_seconds: float) -> float:
    """For how long the key is held in a note of `note_seconds`: the note itself serves up to here."""
    return HELD_SHARE * note_seconds


def _ended(wave: Wave, samples: int) -> Wave:
    """The first `samples` of `wave`, then silence."""
    return np.pad(wave[:samples], (0, max(0, samples - len(wave))))


def _levels_db(wave: Wave, sample_rate: int) -> Wave:
    """RMS level in dB of every whole block of 50 ms of `wave` [n], float64 [blocks]."""
    block = round(BLOCK_SECONDS * sample_rate)
    blocks = wave[: len(wave) // block * block].reshape(-1, block).astype(np.float64)
    levels: np.ndarray = 10 * np.log10(np.square(blocks).mean(axis=1) + 1e-12)
    return levels


def likeness(wave: Wave, starts: np.ndarray, half: int) -> tuple[np.ndarray, np.ndarray]:
    """How alike the surroundings (`half` frames to each side) of every start and every frame of `wave` [n] are: their
    correlation and level difference in dB, both float64 [starts, n]; -1 and infinite within `half` of the edges."""
    size = len(wave)
    room = 1 << int(np.ceil(np.log2(size + 2 * half)))
    pieces = np.stack([wave[start - half : start + half] for start in starts])
    products = np.fft.irfft(np.fft.rfft(wave, room) * np.conj(np.fft.rfft(pieces, room)), room)
    sums = np.concatenate([[0.0], np.cumsum(np.square(wave))])
    energy = np.maximum(sums[2 * half :] - sums[: -2 * half], 1e-12)  # of wave[i : i + 2 half]
    own = np.maximum(np.square(pieces).sum(axis=1), 1e-12)
    alike, level_db = np.full((len(starts), size), -1.0), np.full((len(starts), size), np.inf)
    inner = slice(half, half + len(energy))
    alike[:, inner] = products[:, : len(energy)] / np.sqrt(energy * own[:, None])
    level_db[:, inner] = 10 * np.log10(energy / own[:, None])
    return alike[:, :size], level_db[:, :size]
