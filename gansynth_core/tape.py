"""Waves read at a speed that changes, as a tape is, so that their pitch does."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

OVERSAMPLING = 4  # before the interpolation below, which then keeps all but the last tenth of a wave's spectrum
ORDER = 5  # of the splines that interpolate
GUARD = 64  # samples of a wave beyond the last one needed, for the filters

Wave = NDArray[np.floating[Any]]


def places(rendered: float, wanted: NDArray[np.float64]) -> NDArray[np.float64]:
    """Where in a note of the MIDI pitch `rendered` each sample of one that goes through the pitches `wanted` [n] is:
    float64 [n] samples, from 0 on."""
    ratio: NDArray[np.float64] = 2.0 ** ((wanted - rendered) / 12)
    gone: NDArray[np.float64] = np.concatenate([[0.0], np.cumsum(ratio)[:-1]])
    return gone


def read_at(wave: Wave, where: NDArray[np.float64], fastest: float) -> NDArray[np.float64]:
    """`wave` float32 [n] at the places `where` [m] (samples, fractions too; nothing beyond its end): float64 [m].
    fastest: how many samples further it gets at one step at most; what would be above half the rate then is left
    out."""
    import soxr  # here, as most songs need neither
    from scipy.ndimage import map_coordinates

    slow = wave.astype(np.float64)
    if fastest > 1:
        slow = soxr.resample(slow, fastest, 1.0, quality="HQ")  # takes away what would fold back
        fine = soxr.resample(slow, 1.0, OVERSAMPLING * fastest, quality="HQ")
    else:
        fine = soxr.resample(slow, 1.0, OVERSAMPLING, quality="HQ")
    read: NDArray[np.float64] = map_coordinates(fine, [where * OVERSAMPLING], order=ORDER, mode="constant")
    return read
