"""How loud a note is at each velocity: one curve for every format of a pack, and for the page.

The square law of General MIDI, bent so that it ends at a softest note rather than at none: amplitude (m v + b)^2, from
-40 dB at velocity 1 to 0 dB at 127 (R. B. Dannenberg, "The Interpretation of MIDI Velocity", ICMC 2006). No step from
one velocity to the next is larger than 1.2 dB. Layers are equally loud, so the curve runs through them unbroken; softer
ones are duller.
"""

import math

from gansynth_core.shared import SHARED

RANGE_DB: float = SHARED["velocity_range_db"]  # between velocities 1 and 127
HARDEST = 127
_ROOT = 10 ** (RANGE_DB / 40)
_OFFSET = (HARDEST - _ROOT) / (_ROOT - 1)  # b / m

# Where straight lines in dB meet that follow the curve within 0.2 dB; and where straight lines in amplitude do.
EDGES_DB = (1, 7, 15, 26, 42, 63, 92, 127)
EDGES = (1, 4, 8, 12, 18, 26, 36, 48, 62, 80, 100, 127)


def velocity_gain(velocity: float) -> float:
    """Share of full level, 0.01 to 1, at a velocity from 1 to 127."""
    return ((velocity + _OFFSET) / (HARDEST + _OFFSET)) ** 2


def velocity_db(velocity: float) -> float:
    """The same in dB, -40 to 0."""
    return 20 * math.log10(velocity_gain(velocity))
