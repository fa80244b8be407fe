"""Who is in tune: `pitch_tracker.hear` on every note, within 25 cents.

The headline is a model's share among the notes whose real version is in tune, so that drums, effects and organs that
sound an octave low count neither for nor against it.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

from gansynth_core.training.evaluation.measures import share

Array = npt.NDArray[Any]

IN_TUNE_CENTS = 25.0
OCTAVE_CENTS = 50.0  # this near to a whole number of octaves off is an octave error


def is_in_tune(cents: Array) -> npt.NDArray[np.bool_]:
    """cents [n], NaN for unpitched -> bool [n]."""
    return np.asarray(np.abs(cents) <= IN_TUNE_CENTS)


def is_octave_error(cents: Array) -> npt.NDArray[np.bool_]:
    """cents [n], NaN for unpitched -> bool [n]: one or more whole octaves off, within 50 cents."""
    octaves = np.round(cents / 1200)
    return np.asarray((octaves != 0) & (np.abs(cents - 1200 * octaves) <= OCTAVE_CENTS))


def pitch_figures(cents: Array, real: Array) -> dict[str, float | int | None]:
    """Shares (0 to 1) and cents of notes heard `cents` off, whose real versions are `real` off, [n] each. "fair" is
    over the notes whose real version is in tune; "follows_real" is the share within 25 cents of what the real version
    is heard at, where that has a pitch at all: it also tells an organ that should sound an octave low."""
    cents, real = np.asarray(cents, float), np.asarray(real, float)
    fair = cents[is_in_tune(real)]
    pitched = fair[~np.isnan(fair)]
    return {
        "notes": len(cents),
        "in_tune": share(is_in_tune(cents)),
        "octave_errors": share(is_octave_error(cents)),
        "unpitched": share(np.isnan(cents)),
        "follows_real": share(is_in_tune((cents - real)[~np.isnan(real)])),
        "fair_notes": len(fair),
        "fair_in_tune": share(is_in_tune(fair)),
        "fair_octave_errors": share(is_octave_error(fair)),
        "fair_unpitched": share(np.isnan(fair)),
        "fair_median_cents": round(float(np.median(np.abs(pitched))), 2) if len(pitched) else None,
    }
