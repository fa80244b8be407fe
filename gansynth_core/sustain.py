"""Notes held for longer than a model makes them, as MIDI files ask for; and what a loop is, for samplers too.

A model learned from keys held for three quarters of a note and then released. Within the held part we look for a loop:
a stretch that begins as it ends, found by normalised cross-correlation, a whole number of periods long. Its seam is
cross-faded into the note, before the loop's end and after it, so that both the jump back to the start and the release
that follows sound uncut.

`sustain` evens out a note's fall in level, loops it, and puts the fall back, so a piano's loop dies away like its
string. The loops of a pack, which go round for as long as a key is down, are made in packs/loops.py.
"""

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from gansynth_core.pitches import pitch_hz
from gansynth_core.sound import HELD_SHARE

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


def sustain(wave: Wave, sample_rate: int, pitch: float, samples: int) -> Sustained:
    """`wave` float32 [n], a whole note of the MIDI `pitch`, made to sound for `samples` as if its key were still
    held."""
    held = round(LOOPABLE * len(wave))
    first, last = (round(share * len(wave)) for share in SETTLED)
    levels = _levels_db(wave[first:last], sample_rate)
    peak_db = 20 * np.log10(max(float(np.abs(wave).max(initial=0.0)), 1e-10))
    if len(levels) < 2 or levels[-1] < peak_db + GONE_DB:
        return Sustained(_ended(wave, samples), "gone")
    fall = float(np.polyfit(np.arange(len(levels)) * BLOCK_SECONDS, levels, 1)[0])
    how = "steady" if fall > FALLING_DB_A_SECOND else "dying away"
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
