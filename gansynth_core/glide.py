"""A note whose timbre changes while it sounds: keyframes are crossfaded, each at the same place in its own note."""

import itertools
import math
from collections.abc import Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from gansynth_core.cards import ModelCard
from gansynth_core.errors import InputError
from gansynth_core.latent import Timbre, morph
from gansynth_core.pitches import pitch_number
from gansynth_core.sound import HELD_SHARE, NOTE_PEAK, Clips

MOST_KEYFRAMES = 24
LEAST_LIKENESS = -0.5  # notes that cancel each other are raised by 3 dB at most


class Renderer(Protocol):
    """What renders notes: a Synth, or something in front of one."""

    card: ModelCard

    def render(self, timbre: Sequence[Timbre], pitches: Sequence[float]) -> Clips: ...


def glide(
    synth: Renderer,
    timbres: Sequence[Timbre],
    pitch: float | str,
    seconds: float | None = None,
    at: Sequence[float] | None = None,
    keyframes: int = MOST_KEYFRAMES,
) -> Clips:
    """One note at `pitch` (MIDI) that goes through `timbres` (1-24, of one model) within `seconds` (None: for as
    long as the model holds its notes) and stays with the last. `.shorten(seconds)` ends it there.

    at: for each timbre, the fraction of `seconds` at which it is reached, rising, 0 to 1 (None: evenly spread).
    keyframes: about how many notes to render in all (1-24), the timbres and morphs between them. Neighbouring keyframes
    are crossfaded at constant power (see `crossing`), each at the same place in its own note. So the attack is that of
    the first timbre, and a glide from a timbre to itself is its plain note. Raises InputError.
    """
    timbres = list(timbres)
    if not 1 <= len(timbres) <= MOST_KEYFRAMES:
        raise InputError(f"A glide goes through 1 to {MOST_KEYFRAMES} sounds, not {len(timbres)}.")
    at = np.linspace(0, 1, len(timbres)).tolist() if at is None else [float(moment) for moment in at]
    if len(at) != len(timbres):
        raise InputError(f"{len(timbres)} sounds need as many moments, not {len(at)}. Give each a number from 0 to 1.")
    if not all(0 <= moment <= 1 for moment in at) or any(later <= moment for moment, later in itertools.pairwise(at)):
        raise InputError(
            "The moments of a glide must be fractions of its length from 0 to 1, each later than the one before."
        )
    longest = synth.card.specgram.seconds
    seconds = HELD_SHARE * longest if seconds is None else seconds
    if not (isinstance(seconds, int | float | np.number) and 0 < seconds <= longest):
        raise InputError(f"A glide of {seconds} s is not possible. Choose more than 0 and at most {longest:g} s.")
    if not 1 <= keyframes <= MOST_KEYFRAMES:
        raise InputError(f"A glide has 1 to {MOST_KEYFRAMES} keyframes, not {keyframes}.")
    pitch = pitch_number(pitch)
    timbres, at = _filled(timbres, at, keyframes)
    notes = synth.render(timbres, [pitch] * len(timbres))
    samples = [round(moment * seconds * notes.sample_rate) for moment in at]
    wave = np.empty(notes.audio.shape[-1], np.float64)
    wave[: samples[0]] = notes.audio[0, : samples[0]]
    wave[samples[-1] :] = notes.audio[-1, samples[-1] :]
    for (begin, end), (leaving, coming) in zip(
        itertools.pairwise(samples), itertools.pairwise(notes.audio.astype(np.float64)), strict=True
    ):
        leaving, coming = leaving[begin:end], coming[begin:end]
        down, up = crossing(np.arange(end - begin) / max(1, end - begin), likeness(leaving, coming))
        wave[begin:end] = down * leaving + up * coming
    peak = float(np.abs(wave).max())
    if peak > NOTE_PEAK:
        wave *= NOTE_PEAK / peak
    return Clips(wave.astype(np.float32)[None], notes.sample_rate, (pitch,))


def _filled(timbres: list[Timbre], at: list[float], count: int) -> tuple[list[Timbre], list[float]]:
    """The timbres with as many morphs between neighbours as `count` allows, and the moment of each."""
    steps = max(1, (count - 1) // max(1, len(timbres) - 1))
    filled = [(timbres[0], at[0])]
    for (one, begin), (other, end) in itertools.pairwise(zip(timbres, at, strict=True)):
        ways = [step / steps for step in range(1, steps + 1)]
        filled += [(morph(one, other, way), begin + way * (end - begin)) for way in ways]
    return [timbre for timbre, _ in filled], [moment for _, moment in filled]


def crossing(share: NDArray[np.floating], alike: float) -> tuple[NDArray[np.floating], NDArray[np.floating]]:
    """Gains [n] of the outgoing and the incoming signal at each `share` [n] of the way (0 to 1): constant power for two
    signals of equal level whose correlation is `alike`.

    With the angle a = share * pi / 2 they are cos a and sin a over sqrt(1 + alike sin 2a). For unrelated sounds (0)
    this is the equal-power law, whose squares add up to 1. Two equal sounds (1), which that law would raise by 3 dB
    half way, get gains that add up to 1.
    """
    angle = np.asarray(share) * (math.pi / 2)
    level = np.sqrt(1 + max(LEAST_LIKENESS, alike) * np.sin(2 * angle))
    return np.cos(angle) / level, np.sin(angle) / level


def likeness(one: NDArray[np.floating], other: NDArray[np.floating]) -> float:
    """Correlation of two signals [n], -1 to 1; 0 if one of them is silent."""
    power = math.sqrt(float(one @ one) * float(other @ other))
    return float(np.clip(one @ other / power, -1.0, 1.0)) if power > 1e-12 else 0.0
