"""Notes held for longer than a model makes them: the steady part goes round, and what dies away goes on dying away.

A model's note was learned from a key held for 3 s and then released. Within the held part we look for a loop: a stretch
that begins as it ends, found by normalised cross-correlation, so that partials meet in phase and vibrato in its swing.
The note's fall in level is taken off before it is looped and put on again after, so a piano's loop falls as its string.
"""

from typing import NamedTuple

import numpy as np

HELD_SECONDS = 3.0  # of NSynth's notes and of the studio's training set
HELD_SHARE = 0.75  # of the notes of a model that makes shorter ones
# In seconds of a hold of 3 s, and in proportion for shorter ones.
LOOP_END = 2.9  # the release at 3 s reaches back by half a window of the specgram
SHORTEST_LOOP, LONGEST_LOOP = 0.6, 1.8
CROSSFADE = 0.25  # holds a swing of any vibrato, so that the correlation tells its phase
NEARLY_BEST = 0.005  # of the correlation: among loops this good the longest is heard least as one
# Of the studio's 128 instruments, those that are blown, bowed or electronic change by less than 1.5 dB/s while held and
# those that are plucked or struck fall by 2 dB/s and more.
STEADY_DB_A_SECOND = -1.5
GONE_DB = -55.0  # below the note's peak: there is nothing left to go on
STEP_SECONDS = 0.05  # over which levels are measured


class Sustained(NamedTuple):
    """wave: float32 [samples]. how: "steady", "dying away" or "gone", what the note did at the end of its hold."""

    wave: np.ndarray
    how: str


def hold_seconds(note_seconds: float) -> float:
    """For how long the key is held in a note of `note_seconds`: the note itself serves up to here."""
    return min(HELD_SECONDS, HELD_SHARE * note_seconds)


def sustain(wave: np.ndarray, sample_rate: int, samples: int) -> Sustained:
    """`wave` float32 [n], a whole note of a model, made to sound for `samples` as if its key were still held."""
    scale = hold_seconds(len(wave) / sample_rate) / HELD_SECONDS * sample_rate
    end, crossfade = round(LOOP_END * scale), round(CROSSFADE * scale)
    start = end - crossfade - round(LONGEST_LOOP * scale)
    held = wave[start:end].astype(np.float64)
    peak = np.abs(wave).max()
    step = max(1, round(STEP_SECONDS * scale))
    levels = _levels_db(held, step)
    if peak == 0 or levels[-1] < 20 * np.log10(peak) + GONE_DB:
        return Sustained(np.concatenate([wave[:samples], np.zeros(max(0, samples - len(wave)), wave.dtype)]), "gone")
    slope = min(0.0, float(np.polyfit(np.arange(len(levels)) * step, levels, 1)[0]))  # dB a sample
    how = "steady" if slope * sample_rate > STEADY_DB_A_SECOND else "dying away"
    if how == "steady":
        slope = 0.0
    held *= 10 ** (-slope * np.arange(len(held)) / 20)
    lag, likeness = _loop(held, crossfade, round(SHORTEST_LOOP * scale))
    body = held[-lag:].copy()
    body[-crossfade:] = _crossfaded(held[-crossfade:], held[-crossfade - lag : -lag], likeness)
    before = held[:-lag]
    rest = max(0, samples - start - len(before))
    looped = np.concatenate([before, np.tile(body, -(-rest // lag))[:rest]])
    looped *= 10 ** (slope * np.arange(len(looped)) / 20)
    return Sustained(np.concatenate([wave[:start], looped.astype(wave.dtype)])[:samples], how)


def _levels_db(wave: np.ndarray, step: int) -> np.ndarray:
    """RMS level in dB of every `step` samples of `wave`."""
    power = np.square(wave[: len(wave) // step * step].reshape(-1, step)).mean(axis=1)
    return 10 * np.log10(np.maximum(power, 1e-20))


def _loop(held: np.ndarray, crossfade: int, shortest: int) -> tuple[int, float]:
    """How far back from its end `held` [n] is most like its last `crossfade` samples (at least `shortest`), and how
    like: the normalised cross-correlation, -1 to 1."""
    template = held[-crossfade:]
    size = 1 << (len(held) + crossfade).bit_length()
    products = np.fft.irfft(np.fft.rfft(held, size) * np.conj(np.fft.rfft(template, size)), size)
    places = np.arange(0, len(held) - crossfade - shortest + 1)  # where the likeness would begin
    energy = np.concatenate([[0.0], np.cumsum(np.square(held))])
    there = np.maximum(energy[places + crossfade] - energy[places], 1e-20)
    likeness = products[places] / np.sqrt(there * max(np.square(template).sum(), 1e-20))
    place = int(np.flatnonzero(likeness >= likeness.max() - NEARLY_BEST)[0])  # the earliest: the longest loop
    return len(held) - crossfade - place, float(np.clip(likeness[place], -1, 1))


def _crossfaded(leaving: np.ndarray, coming: np.ndarray, likeness: float) -> np.ndarray:
    """From one [n] to the other in even steps, at constant power for signals whose correlation is `likeness`."""
    share = (np.arange(len(leaving)) + 0.5) / len(leaving)
    power = (1 - share) ** 2 + share**2 + 2 * max(likeness, 0.0) * share * (1 - share)
    return ((1 - share) * leaving + share * coming) / np.sqrt(power)
