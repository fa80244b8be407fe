"""Notes made for one question each: does a timbre stay itself over an octave, do an instrument's seeds differ, does the
model repeat its training notes, does a morph move at an even pace.

Distances in dB are of the judge's band levels (60 dB from the note's loudest band down); distances of features are of
the judge's features. Both are root mean squares, over the whole note.
"""

import math
from collections.abc import Sequence
from itertools import combinations

import numpy as np
import torch
from torch import Tensor

from gansynth_core.latent import morph
from gansynth_core.synth import Synth
from gansynth_core.training.data.dataset import Array, NoteSet
from gansynth_core.training.evaluation.judge import BANDS_PER_OCTAVE, FLOOR_DB, Judge, levels_of_notes
from gansynth_core.training.evaluation.measures import mean, mean_pairwise_distance, rms_distance, unevenness
from gansynth_core.training.evaluation.notes import can_play, drawn, instrument_of, play, variations_of

OCTAVE = (0, 2, 4, 6, 8, 10, 12)  # semitones
OCTAVE_INSTRUMENTS = 32
VARIETY_PAIRS = 48
VARIETY_SEEDS = 6
NEAREST_NOTES = 64
NEAREST_SEMITONES = 2
NEAREST_CANDIDATES = 24
MORPHS = 12
MORPH_STEPS = 16

Figures = dict[str, float | int | None]


def octave(synth: Synth, data: NoteSet, judge: Judge, seed: int) -> dict[str, Figures]:
    """Timbre consistency of real notes and the model, over the octave around the middle of its range in whole tones, of
    up to 32 instruments. timbre_kept: the share of a timbre's notes that the judge takes for the instrument it takes
    most of them for. timbre_distance: mean distance of their features.

    Real: of every key the note that was varied least, of nearly the same velocity. These are mostly training notes,
    which the judge knows, so that real is an upper bound.
    """
    card, random = synth.card, np.random.default_rng((seed, 2))
    low = math.floor((card.pitch_low + card.pitch_high - OCTAVE[-1]) / 2)
    keys = [low + semitones for semitones in OCTAVE]
    chosen: list[Array] = []
    for number in random.permutation(len(data.instruments)):
        found = [_plainest(data, number, key) for key in keys]
        if all(index is not None and can_play(card, data, index) for index in found):
            chosen.append(np.array(found))
    chosen = chosen[:OCTAVE_INSTRUMENTS]
    if not chosen:
        return {}
    timbres = [drawn(card, instrument_of(data, notes[0]), seed + int(notes[0])) for notes in chosen]
    levels = {
        "real": levels_of_notes(data, np.concatenate(chosen), judge.device, quiet=True),
        "model": torch.cat([judge.levels_of(play(synth, timbre, keys, data)) for timbre in timbres]),
    }
    figures = {}
    for kind, heard in levels.items():
        said = judge.hear(heard)
        instruments = said.instrument.argmax(axis=1).reshape(-1, len(keys))
        kept = [np.bincount(row).max() / len(keys) for row in instruments]
        apart = [mean_pairwise_distance(row) for row in said.features.reshape(-1, len(keys), said.features.shape[1])]
        figures[kind] = {"timbres": len(chosen), "timbre_kept": mean(kept), "timbre_distance": mean(apart)}
    return figures


def _plainest(data: NoteSet, instrument: int, pitch: float) -> int | None:
    """The note of an instrument and pitch that its source changed least, of these the one nearest to velocity 80."""
    same = (data.notes["instrument"] == instrument) & (data.notes["pitch"] == pitch)
    same = np.flatnonzero(same & data.plain())
    if not len(same):
        return None
    changed = (data.notes[same]["variation"] != 0).sum(axis=1)
    off = np.abs(data.notes[same]["velocity"].astype(int) - 80)
    return int(same[np.lexsort((off, changed))[0]])


def variety(
    synth: Synth, data: NoteSet, judge: Judge, chosen: Array, seed: int
) -> tuple[dict[str, Figures], dict[str, float]]:
    """How different the notes of one instrument at one pitch are: mean distance of every two, of up to 6 real variants
    and as many seeds of the model, for up to 48 held-out pairs. And by instrument, what share of the real
    distance of features the model's is."""
    card = synth.card
    sets: list[Array] = []
    met: set[tuple[int, float]] = set()
    instruments: set[int] = set()
    shuffled = np.random.default_rng((seed, 3)).permutation(chosen)
    for anew in (True, False):  # every instrument once before any twice
        for index in shuffled:
            note = data.notes[index]
            pair = (int(note["instrument"]), float(note["pitch"]))
            if pair in met or (anew and pair[0] in instruments):
                continue
            variants = variations_of(data, index)
            if len(variants) > 1:
                met.add(pair)
                instruments.add(pair[0])
                sets.append(np.random.default_rng((seed, int(index))).permutation(variants)[:VARIETY_SEEDS])
    sets = sets[:VARIETY_PAIRS]
    if not sets:
        return {}, {}
    apart: dict[str, dict[str, list[float]]] = {
        kind: {"variety_features": [], "variety_db": []} for kind in ("real", "model")
    }
    for variants in sets:
        name, pitch = instrument_of(data, variants[0]), float(data.notes[variants[0]]["pitch"])
        timbres = [drawn(card, name, seed + number) for number in range(len(variants))]
        levels = {
            "real": levels_of_notes(data, variants, judge.device, quiet=True),
            "model": judge.levels_of(play(synth, timbres, [pitch] * len(variants), data)),
        }
        for kind, heard in levels.items():
            apart[kind]["variety_features"].append(mean_pairwise_distance(judge.hear(heard).features))
            apart[kind]["variety_db"].append(_mean_db(heard))
    figures = {
        kind: {"variety_pairs": len(sets)} | {name: mean(values) for name, values in distances.items()}
        for kind, distances in apart.items()
    }
    of_instruments: dict[str, list[float]] = {}
    for variants, real, model in zip(
        sets, apart["real"]["variety_features"], apart["model"]["variety_features"], strict=True
    ):
        if real > 0:
            of_instruments.setdefault(instrument_of(data, variants[0]), []).append(model / real)
    return figures, {name: round(float(np.mean(ratios)), 3) for name, ratios in of_instruments.items()}


def nearest_training_note(
    data: NoteSet, chosen: Array, levels: dict[str, Tensor], judge: Judge, seed: int
) -> dict[str, Figures]:
    """Mean distance to the nearest training note of the same instrument, dB, for up to 64 of the `chosen` notes, whose
    levels by kind are given. Training has no note of a held-out key: those of two semitones around are moved to it, by
    whole bands. A model that repeats training notes is nearer to them than real held-out ones are."""
    distances: dict[str, list[float]] = {kind: [] for kind in levels}
    training = data.training()
    rows = np.random.default_rng((seed, 4)).permutation(len(chosen))
    for row in rows[:NEAREST_NOTES]:
        note = data.notes[chosen[row]]
        near = np.abs(data.notes[training]["pitch"] - note["pitch"]) <= NEAREST_SEMITONES
        same = training[(data.notes[training]["instrument"] == note["instrument"]) & near]
        if not len(same):
            continue
        same = np.random.default_rng((seed, int(chosen[row]))).permutation(same)[:NEAREST_CANDIDATES]
        heard = levels_of_notes(data, same, judge.device, quiet=True).float().numpy()
        up = np.round((float(note["pitch"]) - data.notes[same]["pitch"]) * BANDS_PER_OCTAVE / 12).astype(int)
        for kind, all_levels in levels.items():
            own = all_levels[row].float().numpy()
            distances[kind].append(
                min(_moved_db(own, other, int(bands)) for other, bands in zip(heard, up, strict=True))
            )
    return {
        kind: {"nearest_notes": len(values), "nearest_db": mean(values)} for kind, values in distances.items() if values
    }


def _moved_db(own: Array, other: Array, bands: int) -> float:
    """Distance in dB of levels [frames, bands] after moving `other` up by `bands`, where both have bands."""
    size = own.shape[1] - abs(bands)
    own = own[:, max(bands, 0) :][:, :size]
    other = other[:, max(-bands, 0) :][:, :size]
    return float(-FLOOR_DB * rms_distance(own.ravel(), other.ravel()))


def _mean_db(levels: Tensor) -> float:
    pairs = combinations(levels.numpy().astype(np.float32), 2)
    return float(np.mean([_moved_db(a, b, 0) for a, b in pairs]))


def morphs(synth: Synth, data: NoteSet, judge: Judge, seed: int, names: Sequence[str]) -> Figures:
    """Morphs of 16 steps at the middle of the range between 12 random pairs of instruments out of `names`: the largest
    over the mean step, in dB of band levels (morph_unevenness: mean over the pairs, and the worst)."""
    card, random = synth.card, np.random.default_rng((seed, 5))
    pitch = (card.pitch_low + card.pitch_high) // 2
    found = []
    for number in range(MORPHS):
        a, b = random.choice(names, 2, replace=len(names) < 2)
        ends = drawn(card, str(a), seed + 2 * number), drawn(card, str(b), seed + 2 * number + 1)
        path = [morph(*ends, step / MORPH_STEPS) for step in range(MORPH_STEPS + 1)]
        levels = judge.levels_of(play(synth, path, [pitch] * len(path), data))
        found.append(unevenness(levels.flatten(1).numpy()))
    return {"morphs": MORPHS, "morph_unevenness": mean(found), "morph_unevenness_worst": round(max(found), 3)}
