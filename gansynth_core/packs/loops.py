"""Sustain loops of a pack's notes: made steady where a note is not, long, and without a seam that is heard.

A loop repeats what the note does within it. So the level there is evened out first (what fell or swelled would pump),
then the two places that are most alike are looked for, 0.7 s and more apart, and the note is cross-faded from one to
the other. What the cross-fade did to the level is evened out in a circle, as the loop is played.
"""

import math
from typing import Any

import numpy as np
from numpy.typing import NDArray

from gansynth_core.pitches import pitch_hz
from gansynth_core.sustain import Loop, crossfaded, likeness, rescaled

Wave = NDArray[np.floating[Any]]
Levels = NDArray[np.float64]

# Whether a note holds: the later half of what is played with the key down.
STEADY_DB_A_SECOND = 3.0  # of 128 General MIDI instruments, winds, bows and organs stay below 2, pianos start at 4
FAINTEST_DB = -30.0  # below the note's loudest part: the remains of a drum hit are steady too
SILENCE_DB = -80.0

LEVEL_SECONDS = 0.05  # over which levels are measured, in whole periods of the note
SLOW_SECONDS = 0.25  # what changes more slowly than this is the run of the level, what is faster its tremolo
HOP_SECONDS = 0.005
SLOW_DB, FAST_DB = 0.75, 1.75  # how far a loop's level may run from its mean, and tremolo from that
GAIN_SECONDS = 0.025  # a gain that changes faster roughens the wave, bends its mean, and makes corners at the seam
# A gain that follows a fast tremolo is itself smoothed, so each pass goes a little further than it measures.
PASSES, NEAR_DB, FURTHER = 10, 0.3, 1.5
SETTLED_DB, MOST_FALLEN_DB = 1.0, 6.0
LIFT_DB = 12.0  # a note that falls is held where it has not fallen further than this below the start of its hold
LEAD_IN_SECONDS = 0.3  # for a gain to come in before the loop

FIRST_SHARE = 0.25  # of the hold: no loop begins before that
LONG_SECONDS, SHORTEST_SECONDS = 0.7, 0.3  # the least length wanted, and where a note leaves no room for it
WINDOW_SECONDS = 0.05  # compared around both ends and cross-faded; at least two periods
ROUGH_FADE_SECONDS = 0.3  # where the ends are less alike (ensembles, noise), a longer one hides it
ALIKE = 0.95  # correlation from which a short fade is enough
STARTS = 16
COARSE = 4  # places are looked for at a quarter of the rate, the best of each start then to the frame
COARSE_REST = 64  # frames at that rate for the last to ring out in, rather than into the first
LONGER = 0.1  # what a loop of the whole hold is worth, in correlation, against the shortest


def holds(wave: Wave, sample_rate: int, held: int) -> bool:
    """Whether `wave` float32 [n], whose key is down for `held` frames, keeps its level for the later half of that."""
    block = round(LEVEL_SECONDS * sample_rate)
    blocks = wave[: max(0, held) // block * block].reshape(-1, block).astype(np.float64)
    levels = 10 * np.log10(np.square(blocks).mean(axis=1) + 1e-12)
    if len(levels) < 8:
        return False
    late = levels[len(levels) // 2 :]
    slope = np.polyfit(np.arange(len(late)) * LEVEL_SECONDS, late, 1)[0]
    loudest = levels.max()
    return bool(loudest > SILENCE_DB and abs(slope) <= STEADY_DB_A_SECOND and late.mean() >= loudest + FAINTEST_DB)


def steadied(wave: Wave, sample_rate: int, pitch: float, held: int) -> tuple[Wave, Loop] | None:
    """`wave` float32 [n], a note of the MIDI `pitch` whose key is down for `held` frames, with the level of its later
    part evened out, and the best loop in there, not yet cross-faded. None if the note leaves no room for one."""
    half = round(max(WINDOW_SECONDS * sample_rate, 2 * sample_rate / pitch_hz(pitch)))
    room = round(SHORTEST_SECONDS * sample_rate)
    held = min(held, len(wave) - half)
    if held - 2 * half < room + held * FIRST_SHARE:
        return None
    levels, hop = level_curve(wave[:held], sample_rate, pitch)
    slow = _smoothed(levels, round(SLOW_SECONDS * sample_rate / hop))
    latest = held - half - max(room, min(round(LONG_SECONDS * sample_rate), held // 3))
    first = _settled(slow, hop, max(half, round(FIRST_SHARE * held)), max(half, latest))
    last = _faded(slow, hop, first, held, 2 * half + min(round(LONG_SECONDS * sample_rate), held - half - first))
    even = wave * _gain(slow, hop, first, last, len(wave), sample_rate)
    return even, _best_loop(even, sample_rate, half, first, last)


def looped(wave: Wave, mono: Wave, sample_rate: int, pitch: float, loop: Loop, ratio: float) -> tuple[Wave, Loop]:
    """The note `wave` float32 [n] or [n, channels] with `loop` cross-faded and its level evened out in a circle, and
    the loop. `loop` was found at `sample_rate` / `ratio`; `mono` [n] is the note before it was made stereo."""
    loop = rescaled(loop, mono, ratio)
    return evened(crossfaded(wave, loop), sample_rate, pitch, loop), loop


def level_curve(wave: Wave, sample_rate: int, pitch: float, *, circular: bool = False) -> tuple[Levels, int]:
    """The level in dB of `wave` [n] or [n, channels], a note of the MIDI `pitch`, every 5 ms (so many frames), over
    50 ms around each: whole periods, so that a low note does not ripple. At the ends over what there is, or in a
    circle."""
    width = level_width(sample_rate, pitch)
    hop = max(1, round(HOP_SECONDS * sample_rate))
    power = np.square(wave, dtype=np.float64)
    power = power if power.ndim == 1 else power.mean(axis=1)
    places = np.arange(0, len(power), hop)
    low, high = places - width // 2, places - width // 2 + width
    if circular:
        turns = -(-width // max(1, len(power)))
        sums = np.concatenate([[0.0], np.cumsum(np.tile(power, 2 * turns + 1))])
        low, high = low + turns * len(power), high + turns * len(power)
    else:
        sums = np.concatenate([[0.0], np.cumsum(power)])
        low, high = np.maximum(low, 0), np.minimum(high, len(power))
    levels: Levels = 10 * np.log10((sums[high] - sums[low]) / (high - low) + 1e-12)
    return levels, hop


def level_width(sample_rate: int, pitch: float) -> int:
    """How many frames a level is measured over: whole periods of the MIDI `pitch`, at least 50 ms."""
    hz = pitch_hz(pitch)
    return round(math.ceil(LEVEL_SECONDS * hz) * sample_rate / hz)


def _smoothed(levels: Levels, width: int, *, circular: bool = False) -> Levels:
    """Moving mean of `levels` [n] over a raised cosine `width` wide at half its height."""
    width = max(1, min(width, len(levels) // 2))
    window = np.hanning(2 * width + 1)
    padded = np.pad(levels, width, mode="wrap" if circular else "edge")
    smooth: Levels = np.convolve(padded, window / window.sum(), "valid")
    return smooth


def _settled(slow: Levels, hop: int, earliest: int, latest: int) -> int:
    """From which frame on the note has come to the level that it keeps for the later half of its hold, within 1 dB; but
    not after it has fallen by 6 dB, so that a note that dies away is held where it is still heard."""
    part = slow[min(earliest, latest) // hop : latest // hop + 1]
    kept = np.median(slow[len(slow) // 2 :])
    there = np.flatnonzero((np.abs(part - kept) <= SETTLED_DB) | (part < part[0] - MOST_FALLEN_DB))
    return min(latest, earliest + hop * int(there[0])) if len(there) else latest


def _faded(slow: Levels, hop: int, first: int, held: int, least: int) -> int:
    """Up to which frame the note is not yet too quiet to be lifted to its level at `first`."""
    quiet = np.flatnonzero(slow[first // hop :] < slow[first // hop] - LIFT_DB)
    return held if not len(quiet) else min(held, max(first + least, first + hop * int(quiet[0])))


def _gain(slow: Levels, hop: int, first: int, last: int, size: int, sample_rate: int) -> NDArray[np.float32]:
    """The factor float32 [size] that brings the level from frame `first` to `last` to that at `first`, but for small
    changes; it begins at 1 and stays, after `last`, as it was there."""
    target = slow[first // hop]
    run = slow - target
    wanted = np.clip(run - np.polyval(np.polyfit(np.arange(len(run)), run, 1), np.arange(len(run))), -SLOW_DB, SLOW_DB)
    begin, end = first // hop, last // hop
    db = np.where(np.arange(len(run)) >= begin, wanted - run, 0.0)
    db[end:] = db[max(begin, end - 1)]
    lead = min(begin, max(1, round(LEAD_IN_SECONDS * sample_rate / hop)))
    db[begin - lead : begin] = db[begin] * (0.5 - 0.5 * np.cos(np.pi * np.arange(lead) / max(1, lead)))
    return _factor(db, hop, size)


def _factor(db: Levels, hop: int, size: int) -> NDArray[np.float32]:
    factor: NDArray[np.float32] = np.interp(np.arange(size), np.arange(len(db)) * hop, 10 ** (db / 20)).astype(
        np.float32
    )
    return factor


def _best_loop(wave: Wave, sample_rate: int, half: int, first: int, last: int) -> Loop:
    """The loop between the frames `first` and `last` whose ends are most alike, `half` frames to each side."""
    longest = last - half - first
    shortest = max(1, min(longest, max(round(SHORTEST_SECONDS * sample_rate), round(LONG_SECONDS * sample_rate))))
    if longest < round(LONG_SECONDS * sample_rate):
        shortest = max(1, min(longest, round(SHORTEST_SECONDS * sample_rate)))
    coarse = _coarser(wave[: last + 1])
    near = -(-half // COARSE)
    starts = np.unique(np.linspace(first, max(first, last - half - shortest), STARTS).round().astype(int) // COARSE)
    starts = np.maximum(starts, near)
    alike, _ = likeness(coarse, starts, near)
    lags = np.arange(len(coarse))[None, :] - starts[:, None]
    possible = (lags >= shortest // COARSE) & (np.arange(len(coarse)) <= (last - half) // COARSE)[None, :]
    score = np.where(possible, alike + LONGER * lags * COARSE / max(1, longest), -np.inf)
    best: tuple[float, int, int, float] | None = None
    for row, start in enumerate(starts * COARSE):
        place = int(score[row].argmax())
        if not np.isfinite(score[row, place]):
            continue
        end, refined = _refined(wave, int(start), place * COARSE, half)
        found = refined + LONGER * (end - start) / max(1, longest)
        if best is None or found > best[0]:
            best = (found, int(start), end, refined)
    if best is None:  # there is room for one loop only
        best = (0.0, first, max(first + 1, last - half), 0.0)
    _, start, end, alike_there = best
    seconds = WINDOW_SECONDS if alike_there >= ALIKE else ROUGH_FADE_SECONDS
    fade = min(max(half, round(seconds * sample_rate)), start, end - start, len(wave) - end)
    return Loop(start, end - 1, fade)


def _coarser(wave: Wave) -> Wave:
    """`wave` [n] at a quarter of its rate, without what does not fit there."""
    from scipy.fft import irfft, next_fast_len, rfft  # here, because playing a note does not need it

    count = -(-len(wave) // COARSE)
    size = next_fast_len(count + COARSE_REST, real=True)  # a prime number of frames would take ten times as long
    coarser: Wave = irfft(rfft(wave, COARSE * size)[: size // 2 + 1], size)[:count] / COARSE
    return coarser


def _refined(wave: Wave, start: int, end: int, half: int) -> tuple[int, float]:
    """The frame within a coarse step of `end` whose surroundings are most like those of `start`, and how alike."""
    piece = wave[start - half : start + half].astype(np.float64)
    places = [place for place in range(end - COARSE, end + COARSE + 1) if half <= place <= len(wave) - half]
    others = np.stack([wave[place - half : place + half] for place in places]).astype(np.float64)
    alike = others @ piece / np.sqrt(np.square(others).sum(axis=1) * np.square(piece).sum() + 1e-24)
    best = int(alike.argmax())
    return places[best], float(alike[best])


def evened(wave: Wave, sample_rate: int, pitch: float, loop: Loop) -> Wave:
    """`wave` with the level of its loop evened out as it is heard, end to start; a gain that comes in before the loop
    and stays after it, so that neither begins with a step."""
    part = wave[loop.start : loop.end + 1]
    levels, hop = level_curve(part, sample_rate, pitch, circular=True)
    db, inside = np.zeros(len(levels)), np.ones(loop.length)
    for turn in range(PASSES):
        if turn:
            levels, _ = level_curve(part * _along(inside, wave.ndim), sample_rate, pitch, circular=True)
        slow = _smoothed(levels, round(SLOW_SECONDS * sample_rate / hop), circular=True)
        mean = slow.mean()
        wanted = mean + np.clip(slow - mean, -SLOW_DB, SLOW_DB) + np.clip(levels - slow, -FAST_DB, FAST_DB)
        if np.abs(wanted - levels).max() < NEAR_DB:
            break
        db += FURTHER * _smoothed(wanted - levels, round(GAIN_SECONDS * sample_rate / hop), circular=True)
        factor = 10 ** (db / 20)
        places = np.append(np.arange(len(db)) * hop, loop.length)
        inside = np.interp(np.arange(loop.length), places, np.append(factor, factor[0]))
    lead = min(loop.start, max(1, round(LEAD_IN_SECONDS * sample_rate)))
    before = 1 + (inside[0] - 1) * (0.5 - 0.5 * np.cos(np.pi * np.arange(lead) / lead))
    mixed = wave.copy()
    mixed[loop.start - lead : loop.end + 1] *= _along(np.concatenate([before, inside]), wave.ndim)
    mixed[loop.end + 1 :] *= np.float32(inside[0])
    return mixed


def _along(factor: NDArray[np.float64], dimensions: int) -> NDArray[np.float32]:
    """`factor` [n] for a wave of `dimensions`, whose first is time."""
    return factor.astype(np.float32).reshape(-1, *[1] * (dimensions - 1))
