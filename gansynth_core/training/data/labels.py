"""A look at a set before hours are spent on it: do its notes sound, and at the pitches that they are said to have?"""

import numpy as np
import numpy.typing as npt

from gansynth_core.errors import DataError
from gansynth_core.pitches import pitch_hz
from gansynth_core.training.data.dataset import Array, Indices, NoteSet, dequantize

LOOKED_AT = 256  # notes
HARMONICS = 12
LOWEST_SHARE = 0.25  # of notes in tune. Of General MIDI, drums and effects included, 75 % are; by wrong names 3 %.
#: Semitones: the pitch that a note is said to have, and others that it might have instead. Octaves are not among them.
OFFSETS = np.concatenate([[0.0], np.arange(1, 6.1, 0.5), -np.arange(1, 6.1, 0.5)])


def doubts(data: NoteSet, indices: Indices) -> str | None:
    """What is doubtful about the pitches of the notes at `indices`, or None. Raises DataError if all are silent."""
    chosen = np.sort(np.random.default_rng(0).permutation(indices)[:LOOKED_AT])
    level = dequantize(data.stored(chosen)[:, 0]).amax(dim=1).numpy()  # [notes, bins]
    if (level <= level.min()).all():
        raise DataError(f"'{data.folder}' is silent: of its notes {len(chosen)} were looked at.")
    share = float(in_tune(level, data.notes["pitch"][chosen], data.spec.bins_hz).mean())
    if share >= LOWEST_SHARE:
        return None
    return (
        f"Of {len(chosen)} notes of '{data.folder}', {share:.0%} have their partials where their pitch says. That is "
        "fine for drums and noises; for other sounds, the pitches are wrong."
    )


def in_tune(level: Array, pitch: Array, bins_hz: Array) -> npt.NDArray[np.bool_]:
    """Whether notes are louder on the harmonics of their own pitch than on those of any other within six semitones.

    level [notes, bins]: any measure that rises with loudness. pitch [notes] MIDI. bins_hz [bins], rising. bool [notes].
    """
    sums = []
    for offset in OFFSETS:
        hz = pitch_hz(pitch + offset)[:, None] * np.arange(1, HARMONICS + 1)
        above = np.searchsorted(bins_hz, hz).clip(1, len(bins_hz) - 1)
        nearest = above - (hz - bins_hz[above - 1] < bins_hz[above] - hz)
        heard = hz < bins_hz[-1]
        sums.append((np.take_along_axis(level, nearest, axis=1) * heard).sum(axis=1) / heard.sum(axis=1))
    return np.asarray(np.argmax(sums, axis=0) == 0)
