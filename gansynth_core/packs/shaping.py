"""How a rendered note is prepared for a pack: offset and dead time removed, softer layers, stereo."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gansynth_core.packs.quality import sounding
from gansynth_core.sound import fade_in

Wave = NDArray[np.float32]

LAYER_DB = 5.0  # each velocity layer is this much quieter than the next harder one ...
LAYER_SHELF_DB = 4.0  # ... and its partials well above the fundamental are this much weaker on top
SHELF_HARMONIC = 3.0  # where the shelf begins, in multiples of the fundamental ...
SHELF_HZ = (300.0, 4000.0)  # ... between these

ONSET_DB = -60.0  # below the peak; anything before that is dead time
LEAD_SECONDS = 0.002  # kept before the onset

SIDE_DB = -7.0  # the side signal relative to the middle, where it is strongest
SIDE_HZ = (120.0, 240.0)  # it comes in between these: basses stay in the middle
SIDE_TURNS_AN_OCTAVE = 1.5  # how often it changes sides along the frequency axis
_SIDE_SECONDS = 0.05  # how far it extends beyond the note


def cleaned(wave: Wave, sample_rate: int) -> tuple[Wave, int]:
    """`wave` float32 [n] without offset and without silence at both ends, and how many frames its start lost."""
    wave = wave - wave.mean(dtype=np.float64).astype(np.float32)
    levels = np.abs(wave)
    heard = np.flatnonzero(levels > levels.max(initial=0.0) * 10 ** (ONSET_DB / 20))
    lost = max(0, int(heard[0]) - round(LEAD_SECONDS * sample_rate)) if len(heard) else 0
    wave = wave[lost : max(sounding(wave), lost + 1)]
    return (fade_in(wave, sample_rate), lost)


def softer(wave: Wave, sample_rate: int, hz: float, steps: int) -> Wave:
    """`wave` float32 [n] or [n, channels] as a note of the fundamental `hz` struck `steps` velocity layers more softly:
    per step 5 dB quieter, and a first-order high shelf of -4 dB from three times `hz` up."""
    if steps == 0:
        return wave
    from scipy.signal import bilinear, lfilter  # here, because playing a note does not need it

    corner = 2 * np.pi * min(max(SHELF_HARMONIC * hz, SHELF_HZ[0]), SHELF_HZ[1], 0.4 * sample_rate)
    shelf = 10 ** (-LAYER_SHELF_DB * steps / 20)
    # H(s) = (sqrt(g) s + w) / (s / sqrt(g) + w): 1 at the bottom, g at the top, halfway (in dB) at w.
    b, a = bilinear([np.sqrt(shelf), corner], [1 / np.sqrt(shelf), corner], sample_rate)
    dull: Wave = (10 ** (-LAYER_DB * steps / 20) * lfilter(b, a, wave, axis=0)).astype(np.float32)
    return dull


def widened(wave: Wave, sample_rate: int) -> Wave:
    """Stereo float32 [n, 2] of the mono `wave` float32 [n]: middle plus and minus a side signal 7 dB below it.

    The side is the middle turned by a quarter of a period, forwards for some frequencies and backwards for others. So
    every partial is equally loud left and right and no note wanders, but phases differ, which is heard as width.
    Left plus right is the mono sound again, unchanged. Turned, a sharp onset begins before itself, so the side fades in
    with the note.
    """
    room = 1 << int(np.ceil(np.log2(len(wave) + _SIDE_SECONDS * sample_rate)))
    turned = np.fft.irfft(np.fft.rfft(wave, room) * _side_response(room, sample_rate), room)[: len(wave)]
    side = fade_in(turned.astype(np.float32), sample_rate)
    return np.stack([wave + side, wave - side], axis=1)


@lru_cache(maxsize=4)
def _side_response(size: int, sample_rate: int) -> NDArray[np.complex128]:
    """From middle to side: complex [size / 2 + 1], purely imaginary at every frequency."""
    hz = np.maximum(np.fft.rfftfreq(size, 1 / sample_rate), 1.0)
    octaves = np.log2(hz / SIDE_HZ[0])
    rise = np.clip(octaves / np.log2(SIDE_HZ[1] / SIDE_HZ[0]), 0, 1)
    turning = np.tanh(2 * np.sin(2 * np.pi * SIDE_TURNS_AN_OCTAVE * octaves))
    response: NDArray[np.complex128] = 1j * 10 ** (SIDE_DB / 20) * (0.5 - 0.5 * np.cos(np.pi * rise)) * turning
    return response
