"""How a rendered note is prepared for a pack: offset and dead time removed, softer layers, stereo, its end."""

from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from gansynth_core.packs.quality import sounding
from gansynth_core.sound import fade_in, fade_out

Wave = NDArray[np.float32]

LAYER_SHELF_DB = 4.0  # the partials of a velocity layer well above the fundamental are this much weaker than the next's
SHELF_HARMONIC = 3.0  # where the shelf begins, in multiples of the fundamental ...
SHELF_HZ = (300.0, 4000.0)  # ... between these

ONSET_DB = -60.0  # below the peak; anything before that is dead time
LEAD_SECONDS = 0.002  # kept before the onset

SIDE_DB = -7.0  # the side signal relative to the middle, where it is strongest
SIDE_HZ = (120.0, 240.0)  # it comes in between these: basses stay in the middle
SIDE_TURNS_AN_OCTAVE = 1.5  # how often it changes sides along the frequency axis
_SIDE_SECONDS = 0.05  # how far it extends beyond the note

GONE_DB = -60.0  # below a note's loudest part, silence begins
SOUNDING_DB = -45.0  # a note that ends above that was cut off, and gets a release
BLOCK_SECONDS = 0.02  # over which that is measured
DRIFT_SECONDS = 0.1
START_SECONDS = 0.0005
TAIL_FADE_SECONDS, RELEASE_SECONDS = 0.05, 0.35


def cleaned(wave: Wave, sample_rate: int) -> tuple[Wave, int]:
    """`wave` float32 [n] without offset and without silence at both ends, and how many frames its start lost."""
    wave = wave - wave.mean(dtype=np.float64).astype(np.float32)
    levels = np.abs(wave)
    heard = np.flatnonzero(levels > levels.max(initial=0.0) * 10 ** (ONSET_DB / 20))
    lost = max(0, int(heard[0]) - round(LEAD_SECONDS * sample_rate)) if len(heard) else 0
    wave = wave[lost : max(sounding(wave), lost + 1)]
    return fade_in(wave - _drift(wave, sample_rate), sample_rate), lost


def _drift(wave: Wave, sample_rate: int) -> Wave:
    """What `wave` [n] does below all notes, as an offset that comes and goes with the sound: its mean over a triangle
    0.2 s wide around each frame, which knows nothing of C1 (-45 dB)."""
    size = round(DRIFT_SECONDS * sample_rate)
    slow = wave.astype(np.float64)
    for _ in range(2):
        sums = np.concatenate([[0.0], np.cumsum(slow)])
        places = np.arange(len(slow))
        slow = (sums[np.minimum(places + size - size // 2, len(slow))] - sums[np.maximum(places - size // 2, 0)]) / size
    drift: Wave = slow.astype(np.float32)
    return drift


def begun(wave: Wave, sample_rate: int) -> Wave:
    """`wave` float32 [n] or [n, channels] from silence on: another rate, and a sharp onset rings before it begins."""
    size = min(len(wave), round(START_SECONDS * sample_rate))
    wave = wave.copy()
    wave[:size] *= (np.arange(size, dtype=np.float32) / max(1, size)).reshape(-1, *[1] * (wave.ndim - 1))
    return wave


def softer(wave: Wave, sample_rate: int, hz: float, steps: int) -> Wave:
    """`wave` float32 [n] or [n, channels] as a note of the fundamental `hz` struck `steps` velocity layers more softly:
    duller by a first-order high shelf of -4 dB a step from three times `hz` up, and as loud as before, because how loud
    a velocity is stands in the instrument's curve (packs/dynamics.py). Its peaks may be higher."""
    if steps == 0:
        return wave
    from scipy.signal import bilinear, lfilter  # here, because playing a note does not need it

    corner = 2 * np.pi * min(max(SHELF_HARMONIC * hz, SHELF_HZ[0]), SHELF_HZ[1], 0.4 * sample_rate)
    shelf = 10 ** (-LAYER_SHELF_DB * steps / 20)
    # H(s) = (sqrt(g) s + w) / (s / sqrt(g) + w): 1 at the bottom, g at the top, halfway (in dB) at w.
    b, a = bilinear([np.sqrt(shelf), corner], [1 / np.sqrt(shelf), corner], sample_rate)
    dull = lfilter(b, a, wave, axis=0)
    size, top = (float(np.sqrt(np.square(sound, dtype=np.float64).sum())) for sound in (wave, dull))
    softened: Wave = ((size / top if top > 0 else 1.0) * dull).astype(np.float32)
    return softened


def ended(wave: Wave, sample_rate: int, least: int = 0) -> Wave:
    """`wave` float32 [n] or [n, channels] without the silence at its end, faded out; with a release if it ends while it
    sounds. At least its first `least` frames stay as they are."""
    levels = _levels_db(wave, sample_rate)
    if not len(levels):
        return fade_out(wave.T, sample_rate).T
    wave = _heard(wave, levels, sample_rate, least)
    block = round(BLOCK_SECONDS * sample_rate)
    if levels[max(0, len(wave) // block - 2)] > levels.max() + SOUNDING_DB:
        wave = _falling(wave, round(RELEASE_SECONDS * sample_rate), least, 2)
        wave = _heard(wave, _levels_db(wave, sample_rate), sample_rate, least)
    return _falling(wave, round(TAIL_FADE_SECONDS * sample_rate), least, 1)


def _levels_db(wave: Wave, sample_rate: int) -> NDArray[np.float64]:
    """RMS level in dB of every whole block of 20 ms of `wave` [n] or [n, channels]."""
    block = max(1, round(BLOCK_SECONDS * sample_rate))
    power = np.square(wave, dtype=np.float64)
    power = power if power.ndim == 1 else power.mean(axis=1)
    count = len(power) // block
    levels: NDArray[np.float64] = 10 * np.log10(power[: count * block].reshape(count, block).mean(axis=1) + 1e-20)
    return levels


def _heard(wave: Wave, levels: NDArray[np.float64], sample_rate: int, least: int) -> Wave:
    """`wave` of such block `levels` up to the last block that is heard, and at least a block more than `least`."""
    block = max(1, round(BLOCK_SECONDS * sample_rate))
    last = _last_heard(levels)
    end = block * (last + 1) if last < len(levels) - 1 else len(wave)
    return wave[: max(end, min(len(wave), least + block))]


def _falling(wave: Wave, size: int, least: int, power: int) -> Wave:
    """`wave` with its last `size` frames, but none of its first `least`, faded out along a half cosine to `power`."""
    size = min(size, max(1, len(wave) - least))
    wave = wave.copy()
    fall = (0.5 + 0.5 * np.cos(np.pi * (np.arange(size) + 1) / size)) ** power
    wave[len(wave) - size :] *= fall.astype(np.float32).reshape(-1, *[1] * (wave.ndim - 1))
    return wave


def _last_heard(levels: NDArray[np.float64]) -> int:
    """The last of the blocks of such `levels` in dB that is heard; where those before it are not, one before them, as
    the fade would leave nothing of a last one that stands alone."""
    heard = np.flatnonzero(levels > levels.max() + GONE_DB)
    fade = round(TAIL_FADE_SECONDS / BLOCK_SECONDS) + 1
    while len(heard) > 1:
        before = heard[heard <= heard[-1] - fade]
        if not len(before) or heard[-1] - fade - before[-1] <= 1:
            break
        heard = before
    return int(heard[-1])


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
