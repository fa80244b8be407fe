"""Training notes in groups of one instrument and key, for the critic to compare."""

import numpy as np

from gansynth_core.training.data.dataset import Indices, NoteSet


class Kin:
    """Which training notes share instrument and key."""

    def __init__(self, data: NoteSet) -> None:
        training = data.training()
        notes = data.notes[training]
        instrument, key = notes["instrument"].astype(np.int64), np.round(notes["pitch"]).astype(np.int64)
        in_order = np.lexsort((key, instrument))
        self._order = training[in_order]  # all notes, those of a key side by side
        name = instrument[in_order] * 1000 + key[in_order]
        starts = np.flatnonzero(np.diff(name, prepend=-1))
        self._place = np.empty(len(data), np.int64)
        self._place[self._order] = np.arange(len(training))
        self._start = np.repeat(starts, np.diff(starts, append=len(name)))
        self._end = np.repeat(np.append(starts[1:], len(name)), np.diff(starts, append=len(name)))

    def groups(self, first: Indices, size: int, random: np.random.Generator) -> Indices:
        """Indices of training notes [n] -> [n * size], each followed by others of its instrument and key; where there
        are too few, by those of the next keys."""
        groups: list[int] = []
        for note in first:
            place = self._place[note]
            start, end = self._start[place], self._end[place]
            if end - start >= size:
                others = random.choice(end - start - 1, size - 1, replace=False) + start
                others += others >= place
            else:
                others = (place + np.arange(1, size)) % len(self._order)
            groups += [note, *self._order[others]]
        return np.array(groups)
