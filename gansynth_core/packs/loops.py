"""Sustain loops: where a held note repeats itself, so that a sampler can hold it for as long as the key is down.

A loop is looked for where the note is steady, before it is let go. Notes that die away (plucks, pianos, drums) get
none: looped, they would never end. The seam is cross-faded into the sample, before the loop's end and behind it, so
that the way back to the start and the way on into the release both sound as if nothing had been cut.
"""

from typing import NamedTuple

import numpy as np

HELD = 0.7  # of a note: NSynth's notes, and those the voices learned from, are let go a little before 3 of 4 s
BLOCK_SECONDS = 0.05
STEADY_DB_A_SECOND = 3.0  # of 128 General MIDI instruments, winds, bows and organs stay below 2, pianos start at 4
FAINTEST_DB = -30.0  # below the note's loudest: what is left of a dead drum is steady too
SILENCE_DB = -80.0
SEAM_DB = 1.0  # difference of level between both ends
SHORTEST_SECONDS = 0.3  # shorter loops buzz
WINDOW_SECONDS = 0.05  # compared around both ends, and cross-faded; at least two periods
ROUGH_FADE_SECONDS = 0.15  # where they differ much (ensembles, noise) a longer one hides it
ALIKE = 0.9  # correlation from which a short fade is enough
STARTS = 6


class Loop(NamedTuple):
    """start, end: the first and the last frame that are played again and again. fade: frames cross-faded before the
    loop's end, and as many behind it."""

    start: int
    end: int
    fade: int

    @property
    def length(self) -> int:
        return self.end - self.start + 1


def find_loop(wave: np.ndarray, sample_rate: int, pitch: float, held: int) -> Loop | None:
    """The best loop of `wave` float32 [n], a note of the MIDI `pitch` that is let go at frame `held`; None if it has no
    steady part. Its length is a whole number of periods, to the frame."""
    if not _steady(wave, sample_rate, held):
        return None
    period = sample_rate / (440.0 * 2.0 ** ((pitch - 69.0) / 12.0))
    half = round(max(WINDOW_SECONDS * sample_rate, 2 * period))
    shortest = round(max(SHORTEST_SECONDS * sample_rate, 4 * period))
    first, last = max(held // 4, half), held - half - shortest
    if first > last:
        return None
    region = wave[first - half : held].astype(np.float64)  # what comes before is no part of any loop
    starts = np.unique(np.linspace(half, half + last - first, STARTS).round().astype(int))
    alike, level_db = _likeness(region, starts, half)
    ends = np.arange(len(region))
    lags = ends[None, :] - starts[:, None]
    whole = np.abs(lags - np.round(lags / period) * period) <= max(1.0, 0.01 * period)
    possible = whole & (lags >= shortest) & (ends <= len(region) - half)[None, :] & (np.abs(level_db) <= SEAM_DB)
    if not possible.any():
        return None
    # A longer loop repeats itself less audibly; beside the likeness of its ends that counts for little.
    score = np.where(possible, alike - 0.05 * np.abs(level_db) + 0.15 * lags / held, -np.inf)
    row, place = np.unravel_index(score.argmax(), score.shape)
    start, end = int(starts[row]) + first - half, int(place) + first - half
    seconds = WINDOW_SECONDS if alike[row, place] >= ALIKE else ROUGH_FADE_SECONDS
    fade = min(max(half, round(seconds * sample_rate)), start, end - start, len(wave) - end)
    return Loop(start, end - 1, fade)


def rescaled(loop: Loop, wave: np.ndarray, ratio: float) -> Loop:
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


def crossfaded(wave: np.ndarray, loop: Loop) -> np.ndarray:
    """Copy of `wave` float32 [n] or [n, channels] whose loop has no seam: at its end it has become what stands before
    its start, and behind its end it goes over from what stands behind the start to what was there.

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
    inwards, outwards = (
        (gain / power).astype(np.float32).reshape(-1, *[1] * (wave.ndim - 1)) for gain in (inwards, outwards)
    )
    mixed = wave.copy()
    mixed[end - fade : end + fade] = outwards * after + inwards * before
    return mixed


def _steady(wave: np.ndarray, sample_rate: int, held: int) -> bool:
    """Whether the later half of the held part keeps its level."""
    block = round(BLOCK_SECONDS * sample_rate)
    blocks = wave[: held // block * block].reshape(-1, block).astype(np.float64)
    if len(blocks) < 8:
        return False
    levels = 10 * np.log10(np.square(blocks).mean(axis=1) + 1e-12)
    late = levels[len(levels) // 2 :]
    slope = np.polyfit(np.arange(len(late)) * BLOCK_SECONDS, late, 1)[0]
    loudest = levels.max()
    return bool(loudest > SILENCE_DB and abs(slope) <= STEADY_DB_A_SECOND and late.mean() >= loudest + FAINTEST_DB)


def _likeness(wave: np.ndarray, starts: np.ndarray, half: int) -> tuple[np.ndarray, np.ndarray]:
    """Of the surroundings (`half` frames to each side) of every start and every frame of `wave` [n]: their correlation
    and the difference of their levels in dB, both float64 [starts, n]; 0 and infinite within `half` of the edges."""
    size = len(wave)
    room = 1 << int(np.ceil(np.log2(size + 2 * half)))
    pieces = np.stack([wave[start - half : start + half] for start in starts])
    products = np.fft.irfft(np.fft.rfft(wave, room) * np.conj(np.fft.rfft(pieces, room)), room)
    sums = np.concatenate([[0.0], np.cumsum(np.square(wave))])
    energy = np.maximum(sums[2 * half :] - sums[: -2 * half], 1e-12)  # of wave[i : i + 2 half]
    own = np.maximum(np.square(pieces).sum(axis=1), 1e-12)
    alike, level_db = np.zeros((len(starts), size)), np.full((len(starts), size), np.inf)
    inner = slice(half, half + len(energy))
    alike[:, inner] = products[:, : len(energy)] / np.sqrt(energy * own[:, None])
    level_db[:, inner] = 10 * np.log10(energy / own[:, None])
    return alike[:, :size], level_db[:, :size]
