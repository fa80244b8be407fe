"""Directions of z learned from known values: what the encoder says of notes whose filter, envelope or vibrato a source
has changed by amounts that it wrote down."""

import numpy as np
import torch
from torch.nn import functional

from gansynth_core.errors import DataError
from gansynth_core.generators.encoder import FRAME_STEP, StudioEncoder
from gansynth_core.training.dataset import NoteSet

#: The descriptor that rises, the change that makes it do so (see soundfont.GENERATORS), and which way.
CHANGES = {
    "brightness": ("filter_cutoff_cents", 1),
    "attack": ("attack_timecents", 1),
    "decay": ("decay_timecents", -1),
    "vibrato": ("vibrato_cents", 1),
}
NOTES_PER_INSTRUMENT = 60
BATCH = 32
RIDGE = 10.0  # notes' worth of pull towards no effect at all


@torch.inference_mode()
def known_directions(encoder: StudioEncoder, data: NoteSet, seed: int = 0) -> dict[str, np.ndarray]:
    """Unit vectors [latent] by the descriptor that rises along them: of the changes that `data`'s sources know.

    Within every instrument, z as the encoder finds it in changed training notes is regressed on all changes and the
    velocity together, so that each vector is what one change does when the others stay. Raises DataError if no note
    of the set was changed.
    """
    names = {tuple(source["variation_names"]) for source in data.sources}
    training = data.training()
    order = training[(data.notes["variation"][training] != 0).any(axis=1)]
    if len(names) != 1 or not len(order):
        raise DataError(f"'{data.folder}' does not say what was changed about its notes: make it with --variations.")
    order = np.random.default_rng((seed, 4)).permutation(order)
    owner = data.notes["instrument"][order]
    kept = [order[owner == index][:NOTES_PER_INSTRUMENT] for index in range(len(data.instruments))]
    chosen = np.sort(np.concatenate(kept))
    found = []
    for start in range(0, len(chosen), BATCH):
        notes = data.notes[chosen[start : start + BATCH]]
        instruments = torch.from_numpy(notes["instrument"].astype(np.int64))
        weights = functional.one_hot(instruments, len(data.instruments)).float()
        heard = data.specgram(chosen[start : start + BATCH])[:, 0, ::FRAME_STEP]
        found.append(encoder.locate(encoder.summarize(heard), weights, torch.from_numpy(notes["pitch"]))[0])
    z = torch.cat(found).double().numpy()

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
