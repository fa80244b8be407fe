"""A note whose pitch moves while it sounds.

The model is asked for the note at a few pitches on its way, two semitones apart, so that each register has its own
timbre. Each of these is resampled to where the pitch is at every moment, by a semitone at most, and from one to the
next they are crossfaded. The partials of a model's notes start with phases that do not depend on the pitch (see
generators/studio.py), and resampled to one pitch they stay together, so that nothing beats.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from gansynth_core.cards import ModelCard
from gansynth_core.generators import WHOLE_KEYS
from gansynth_core.glide import crossing, likeness

APART = 2.0  # semitones between the pitches of a note that moves
STEPS_A_SEMITONE = 4  # pitches to which the one note of a small movement is rounded, so that other notes share it
EXACT = 0.005  # semitones: half a cent is not heard

Wave = NDArray[np.float32]


def pitches_for(pitch: float, tuning: NDArray[np.float64] | float, card: ModelCard) -> tuple[float, ...]:
    """The pitches (MIDI, rising) at which a note is to be rendered, for the key `pitch` raised by `tuning` semitones, a
    number or float64 [samples]."""
    if isinstance(tuning, float):
        wanted = [round(pitch + tuning, 2)]
    else:
        low, high = float(tuning.min()), float(tuning.max())
        if high - low <= APART:
            wanted = [pitch + round(float(np.median(tuning)) * STEPS_A_SEMITONE) / STEPS_A_SEMITONE]
        else:
            steps = np.arange(np.floor(low / APART), np.ceil(high / APART) + 1)
            wanted = [pitch + APART * float(step) for step in steps]
    if card.family in WHOLE_KEYS:
        wanted = [float(round(one)) for one in wanted]
    return tuple(sorted({min(max(one, card.pitch_low), card.pitch_high) for one in wanted}))


def is_exact(pitch: float, tuning: NDArray[np.float64] | float, pitches: Sequence[float]) -> bool:
    """Whether what is rendered at `pitches` is the note as it is."""
    return isinstance(tuning, float) and abs(pitch + tuning - pitches[0]) < EXACT


def crossfaded(
    waves: Sequence[NDArray[np.float64]], pitches: Sequence[float], wanted: NDArray[np.float64]
) -> NDArray[np.float64]:
    """The note that goes through the pitches `wanted` [n], of `waves` float64 [n] which do so as well and were rendered
    at the rising `pitches`."""
    if len(waves) == 1:
        return waves[0]
    place = np.interp(wanted, pitches, np.arange(len(pitches)))
    leg = np.minimum(place.astype(int), len(pitches) - 2)
    mixed = np.zeros(len(wanted))
    for number in range(len(pitches) - 1):
        here = np.flatnonzero(leg == number)
        if len(here):
            one, other = waves[number][here], waves[number + 1][here]
            down, up = crossing(place[here] - number, likeness(one, other))
            mixed[here] = down * one + up * other
    return mixed
