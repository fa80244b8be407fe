"""Directions of z learned from known values: what the encoder says of notes whose filter, envelope, vibrato or tuning a
source has changed by amounts that it wrote down."""

import numpy as np
import numpy.typing as npt

from gansynth_core.errors import DataError
from gansynth_core.generators.encoder import StudioEncoder
from gansynth_core.training.data.dataset import NoteSet
from gansynth_core.training.studio.encoding import located, some_of_each

#: The descriptor that rises, the change that makes it do so (see soundfont.GENERATORS), and which way.
CHANGES = {
    "brightness": ("filter_cutoff_cents", 1),
    "attack": ("attack_timecents", 1),
    "decay": ("decay_timecents", -1),
    "vibrato": ("vibrato_cents", 1),
    "beating": ("detune_cents", 1),
}
NOTES_PER_INSTRUMENT = 60
RIDGE = 10.0  # notes' worth of pull towards no effect at all


def known_directions(encoder: StudioEncoder, data: NoteSet, seed: int = 0) -> dict[str, npt.NDArray[np.float64]]:
    """Unit vectors [latent] by the descriptor that rises along them: of the changes that `data`'s sources know.

    Within every instrument, z as the encoder finds it in changed training notes is regressed on all changes and the
    velocity together, so that each vector is what one change does when the others stay. Raises DataError if no note
    of the set was changed.
    """
    names = {tuple(source["variation_names"]) for source in data.sources}
    training = data.training()
    changed = training[(data.notes["variation"][training] != 0).any(axis=1)]
    if len(names) != 1 or not len(changed):
        raise DataError(f"'{data.folder}' does not say what was changed about its notes: make it with --variations.")
    chosen = some_of_each(data, changed, NOTES_PER_INSTRUMENT, (seed, 4))
    z = located(encoder, data, chosen)[0].double().numpy()

    columns = next(iter(names))
    changes = np.column_stack([data.notes["variation"][chosen][:, : len(columns)], data.notes["velocity"][chosen]])
    changes = changes / np.maximum(changes.std(axis=0), 1e-9)
    for numbers in (z, changes):
        for index in np.unique(data.notes["instrument"][chosen]):
            own = data.notes["instrument"][chosen] == index
            numbers[own] -= numbers[own].mean(axis=0)
    effects = np.linalg.solve(changes.T @ changes + RIDGE * np.eye(changes.shape[1]), changes.T @ z)
    directions = {}
    for name, (change, way) in CHANGES.items():
        if change in columns:
            effect = way * effects[columns.index(change)]
            directions[name] = effect / max(np.linalg.norm(effect), 1e-12)
    return directions
