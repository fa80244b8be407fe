"""Which of a timbre's many numbers can be heard."""

import dataclasses

import numpy as np

from gansynth_core.latent import Timbre
from gansynth_core.synth import Synth

WAY = 3.0  # standard deviations to either side, over which a number is asked what it changes


def strongest_numbers(synth: Synth, timbre: Timbre, pitch: float) -> list[int]:
    """Places in z, that first which changes `timbre` at `pitch` (MIDI) most when it goes from -3 to 3: as far as the
    network itself tells sounds apart (see Synth.embed), so that nothing has to be rendered. Raises InputError as
    Synth.render does."""
    size = len(timbre.z)
    moved = [
        dataclasses.replace(timbre, z=(*timbre.z[:place], value, *timbre.z[place + 1 :]))
        for value in (-WAY, WAY)
        for place in range(size)
    ]
    low, high = synth.embed(moved, [pitch] * len(moved)).reshape(2, size, -1)
    changes = np.linalg.norm(high - low, axis=1)
    return [int(place) for place in np.argsort(-changes, kind="stable")]
