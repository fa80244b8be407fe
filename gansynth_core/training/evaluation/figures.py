"""The figures of all notes: the document of a comparison."""

import hashlib
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from gansynth_core.descriptors import DESCRIPTORS
from gansynth_core.synth import Synth
from gansynth_core.training.data.dataset import Array, Indices, NoteSet, identity
from gansynth_core.training.evaluation import trials
from gansynth_core.training.evaluation.checks import CLICK_DB, SHARP_DB, spread_lufs
from gansynth_core.training.evaluation.judge import Judge, Verdict, levels_of_notes, ranks
from gansynth_core.training.evaluation.judged import DISTANCES, KINDS, Judged
from gansynth_core.training.evaluation.measures import (
    different_bins,
    entropy,
    frechet_distance,
    inception_score,
    jensen_shannon,
    kmeans,
    mean,
    nearest_centre,
    share,
)
from gansynth_core.training.evaluation.notes import training_sample
from gansynth_core.training.evaluation.pitch import is_in_tune, pitch_figures

FORMAT = 2
NDB_CELLS = 50
NDB_TRAINING_NOTES = 2000
POOLED = (4, 2)  # frames and bands of the judge that NDB takes together: clusters are of coarser spectrograms

WAVERING = ("vibrato", "tremolo", "beating")  # descriptors of what wavers in a note

Figures = dict[str, Any]


def document(
    synth: Synth,
    data: NoteSet,
    judge: Judge,
    judged: Sequence[Judged],
    chosen: Indices,
    heard: dict[str, Tensor],
    seed: int,
) -> Figures:
    """Every figure, for JSON. judged: the notes at `chosen`. heard: the judge's levels of them by kind, and of another
    variation of each, NaN where there is none."""
    kinds = [kind for kind in KINDS if kind in judged[0].cents]
    said = {kind: judge.hear(heard[kind]) for kind in kinds}
    pitch = {kind: _pitch(judged, kind) for kind in kinds}
    distance = {kind: _mean_distance(judged, kind) for kind in DISTANCES if kind in judged[0].distance}
    measures, variety_of_instruments = _measures(synth, data, judge, judged, chosen, heard, said, seed)
    for kind in kinds:
        measures[kind] |= {
            "in_tune": pitch[kind]["fair_in_tune"],
            "in_tune_notes": pitch[kind]["fair_notes"],
            "median_cents": pitch[kind]["fair_median_cents"],
            "spectral_distance_db": distance["variation" if kind == "real" else kind]["db"],
        }
    recognised = {
        name: {kind: _recognised(judge, notes, said[kind], judged) for kind in kinds}
        for name, notes in _grouped(judged, lambda note: note.family).items()
    }
    half = (measures["model"]["instrument_top_1"] or 0) / 2
    weak = [name for name, f in recognised.items() if f["model"]["top_1"] is not None and f["model"]["top_1"] < half]
    return {
        "format": FORMAT,
        **_about(synth, data, judge, chosen),
        "seed": seed,
        "headline": _headline(len(judged), pitch, distance, measures),
        "measures": measures,
        "weak_families": weak,
        "variety_of_instruments": variety_of_instruments,
        "pitch": pitch,
        "distance": distance,
        "descriptors": _descriptors(judged, kinds),
        "louder_db": {
            "median": round(float(np.median([note.level_db for note in judged])), 2),
            "half_within": round(float(np.median(np.abs([note.level_db for note in judged]))), 2),
        },
        "families": {
            name: {
                "pitch": {kind: _pitch(notes, kind) for kind in kinds},
                "distance": {kind: _mean_distance(notes, kind) for kind in distance},
                "recognised": recognised[name],
            }
            for name, notes in _grouped(judged, lambda note: note.family).items()
        },
        "instruments": {
            name: {
                "notes": len(notes),
                "fair_in_tune": _pitch(notes, "model")["fair_in_tune"],
                "distance": {kind: _mean_distance(notes, kind)["db"] for kind in distance},
                "recognised": {kind: _recognised(judge, notes, said[kind], judged)["top_1"] for kind in kinds},
            }
            for name, notes in _grouped(judged, lambda note: note.instrument).items()
        },
    }


def measured_notes(data: NoteSet, chosen: Indices) -> str:
    """A hash of which notes were measured: figures of other notes cannot be compared."""
    return hashlib.sha256(identity(data.notes[chosen])).hexdigest()


def _about(synth: Synth, data: NoteSet, judge: Judge, chosen: Indices) -> Figures:
    """Which model, judge and notes the figures are of."""
    card, held_out = synth.card, data.notes[data.held_out()]
    return {
        "model": {
            "id": card.id,
            "sha256": card.sha256,
            "sample_rate": card.specgram.sample_rate,
            "training": card.training,
        },
        "judge": {
            "sha256": judge.sha256,
            "trained_on": list(judge.card.sources),
            "notes": judge.card.notes,
            "epochs": judge.card.epochs,
            "seed": judge.card.seed,
            "real_accuracy": judge.card.real_accuracy,
            "unknown": judge.unknown(data),
        },
        "data": {
            "sample_rate": data.spec.sample_rate,
            "notes": len(data),
            "held_out_notes": len(held_out),
            "held_out_pairs": len(np.unique(held_out[["instrument", "pitch"]])),
            "sources": [{key: source.get(key) for key in ("name", "licence", "notes")} for source in data.sources],
            "measured_sha256": measured_notes(data, chosen),
        },
    }


def _headline(notes: int, pitch: Figures, distance: Figures, measures: Figures) -> Figures:
    """What a model's card keeps, and the command prints."""
    headline = {
        "notes": notes,
        "notes_real_in_tune": pitch["real"]["fair_notes"],
        "in_tune_share": pitch["model"]["fair_in_tune"],
        "in_tune_median_cents": pitch["model"]["fair_median_cents"],
        "octave_error_share": pitch["model"]["fair_octave_errors"],
        "follows_real_share": pitch["model"]["follows_real"],
        "real_median_cents": pitch["real"]["fair_median_cents"],
        "log_spectral_distance_db": distance["model"]["db"],
        "real_variation_distance_db": distance["variation"]["db"],
        "other_instrument_distance_db": distance["other_instrument"]["db"],
    }
    if "reconstruction" in pitch:
        headline["reconstruction_in_tune_share"] = pitch["reconstruction"]["fair_in_tune"]
        headline["reconstruction_distance_db"] = distance["reconstruction"]["db"]
    for name in ("instrument_top_1", "instrument_top_5", "fid", "ndb", "variety_features", "timbre_kept"):
        if measures["model"].get(name) is not None:
            headline |= {name: measures["model"][name], f"real_{name}": measures["real"][name]}
    return headline


def _measures(
    synth: Synth,
    data: NoteSet,
    judge: Judge,
    judged: Sequence[Judged],
    chosen: Indices,
    heard: dict[str, Tensor],
    said: dict[str, Verdict],
    seed: int,
) -> tuple[dict[str, Figures], dict[str, float]]:
    """The measures that stand side by side, by kind; and by instrument the model's share of the real variety."""
    card, kinds = synth.card, list(said)
    names, pitches = [note.instrument for note in judged], np.array([note.pitch for note in judged])
    cents = np.array([note.cents["real"] for note in judged])
    measures = {kind: paper_measures(judge, names, pitches, cents, said[kind]) for kind in kinds}
    rows_again = ~torch.isnan(heard["variation"]).any(dim=2).any(dim=1).numpy()
    again = judge.hear(heard["variation"][torch.from_numpy(rows_again)])
    for kind in kinds:
        real = said["real"].features
        own, other = (again.features, real[rows_again]) if kind == "real" else (said[kind].features, real)
        measures[kind]["fid"] = fid(own, other)
    varied, variety_of_instruments = trials.variety(synth, data, judge, chosen, seed)
    for figures in (
        ndb(data, judge, heard, kinds, training_sample(data, card, NDB_TRAINING_NOTES, seed), seed),
        trials.octave(synth, data, judge, seed),
        varied,
        trials.nearest_training_note(data, chosen, {kind: heard[kind] for kind in kinds}, judge, seed),
    ):
        for kind, own_figures in figures.items():
            measures[kind] |= own_figures
    names = [name for name in data.instruments if not card.instruments or name in card.instruments]
    measures["model"] |= trials.morphs(synth, data, judge, seed, names)
    for kind in kinds:
        measures[kind] |= _sound_figures(judged, kind) | _texture_figures(judged, kind)
    return measures, variety_of_instruments


def paper_measures(judge: Judge, names: list[str], pitches: Array, cents: Array, said: Verdict) -> Figures:
    """What GANSynth's paper measures by a classifier of pitch, and the same by instrument: of notes of instruments
    `names` at MIDI `pitches`, whose real versions are `cents` off their keys."""
    pitch, instrument = judge.pitch_classes(pitches), judge.instrument_classes(names)
    right = said.pitch.argmax(axis=1) == pitch
    in_tune = is_in_tune(cents)
    known = instrument >= 0
    places = ranks(said.instrument[known], instrument[known])
    return {
        "notes": len(names),
        "pitch_accuracy": share(right[pitch >= 0]),
        "pitch_accuracy_in_tune": share(right[in_tune & (pitch >= 0)]),
        "pitch_entropy": mean(entropy(said.pitch).tolist()),
        "inception_score_pitch": round(inception_score(said.pitch), 2),
        "inception_score_instrument": round(inception_score(said.instrument), 2),
        "instrument_notes": int(known.sum()),
        "instrument_top_1": share(places < 1),
        "instrument_top_5": share(places < 5),
    }


def fid(a: Array, b: Array) -> float | None:
    """The Frechet distance of two sets of features, to four digits; None for fewer than two notes."""
    return float(f"{frechet_distance(a, b):.4g}") if min(len(a), len(b)) > 1 else None


def ndb(
    data: NoteSet, judge: Judge, heard: dict[str, Tensor], kinds: Sequence[str], training: Indices, seed: int
) -> dict[str, Figures]:
    """NDB and the divergence it thresholds, of each kind and the real notes at `training`, whose clusters are the
    cells."""
    if len(training) < 2:
        return {}
    points = _pooled(levels_of_notes(data, training, judge.device))
    centres = kmeans(points, NDB_CELLS, seed)
    reference = nearest_centre(points, centres)
    figures = {}
    for kind in kinds:
        cells = nearest_centre(_pooled(heard[kind]), centres)
        figures[kind] = {
            "ndb": different_bins(reference, cells, len(centres)),
            "ndb_cells": len(centres),
            "ndb_divergence": round(jensen_shannon(reference, cells, len(centres)), 4),
        }
    return figures


def _pooled(levels: Tensor) -> npt.NDArray[np.float32]:
    pooled: npt.NDArray[np.float32] = torch.nn.functional.avg_pool2d(levels.float()[:, None], POOLED).flatten(1).numpy()
    return pooled


def _sound_figures(judged: Sequence[Judged], kind: str) -> Figures:
    """Pre-echo where the real attack is sharp, the share of notes that click, and how uneven the levels are."""
    sharp = [note.checks[kind].pre_echo_db for note in judged if note.checks["real"].pre_echo_db <= SHARP_DB]
    clicks = [max(note.checks[kind].start_db, note.checks[kind].end_db) > CLICK_DB for note in judged]
    column = [descriptor.name for descriptor in DESCRIPTORS].index("loudness")
    loudness = np.array([note.descriptors[kind][column] for note in judged])
    spread = spread_lufs(loudness, [note.instrument for note in judged])
    return {
        "sharp_attacks": len(sharp),
        "pre_echo_db": mean(sharp, 2),
        "click_share": share(np.array(clicks)),
        "loudness_spread_db": spread["all"],
        "loudness_spread_instruments_db": spread["instruments"],
        "loudness_spread_keys_db": spread["keys"],
    }


def _texture_figures(judged: Sequence[Judged], kind: str) -> Figures:
    """Medians of what wavers in a note, and of how its spectrum stands out."""
    column = {descriptor.name: number for number, descriptor in enumerate(DESCRIPTORS)}
    found = {
        **{f"{name}_median": [n.descriptors[kind][column[name]] for n in judged] for name in WAVERING},
        "contrast_median": [note.textures[kind][0] for note in judged],
        "modulation_median": [note.textures[kind][1] for note in judged],
    }
    return {name: round(float(np.median(values)), 3) for name, values in found.items()}


def _descriptors(judged: Sequence[Judged], kinds: Sequence[str]) -> dict[str, Figures]:
    """Of every descriptor the median by kind, and how far each kind is from the real note (median), in steps that the
    ear hears."""
    table = {}
    for column, descriptor in enumerate(DESCRIPTORS):
        values = {kind: np.array([note.descriptors[kind][column] for note in judged]) for kind in kinds}
        steps = {kind: descriptor.heard(value) for kind, value in values.items()}
        table[descriptor.name] = {
            "unit": descriptor.unit,
            "step": "octaves" if descriptor.log else descriptor.unit,
            "median": {kind: round(float(np.median(value)), 3) for kind, value in values.items()},
            "off": {kind: round(float(np.median(np.abs(steps[kind] - steps["real"]))), 3) for kind in kinds[1:]},
        }
    return table


def _recognised(judge: Judge, notes: Sequence[Judged], said: Verdict, judged: Sequence[Judged]) -> Figures:
    row_of = {id(note): row for row, note in enumerate(judged)}
    rows = np.array([row_of[id(note)] for note in notes])
    classes = judge.instrument_classes([note.instrument for note in notes])
    places = ranks(said.instrument[rows][classes >= 0], classes[classes >= 0])
    return {"notes": len(places), "top_1": share(places < 1), "top_5": share(places < 5)}


def _pitch(judged: Sequence[Judged], kind: str) -> Figures:
    cents, real = (np.array([note.cents[name] for note in judged]) for name in (kind, "real"))
    return pitch_figures(cents, real)


def _mean_distance(judged: Sequence[Judged], kind: str) -> Figures:
    values = np.array([note.distance[kind] for note in judged if not np.isnan(note.distance[kind])])
    return {"notes": len(values), "db": round(float(values.mean()), 2) if len(values) else None}


def _grouped(judged: Sequence[Judged], key: Callable[[Judged], str]) -> dict[str, list[Judged]]:
    groups: dict[str, list[Judged]] = {}
    for note in judged:
        groups.setdefault(key(note), []).append(note)
    return groups
