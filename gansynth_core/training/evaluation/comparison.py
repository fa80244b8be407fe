"""Comparing a model with real notes: all measures, as one document.

Held-out (instrument, pitch) pairs, which training never saw, are judged in three versions:
    real            the note of the prepared set, turned back into sound
    model           what a player hears: the same instrument and pitch, z drawn from the prior N(0, 1)
    reconstruction  the same, z being the encoder's mean for the real note (where the model has its encoder beside it)

Every figure has its counterpart of real notes alone, as a scale to read it by.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor
from tqdm import tqdm

from gansynth_core.descriptors import DESCRIPTORS, measure
from gansynth_core.generators.encoder import StudioEncoder
from gansynth_core.sound import Clips
from gansynth_core.synth import Synth
from gansynth_core.training.data.dataset import NoteSet, identity
from gansynth_core.training.evaluation import trials
from gansynth_core.training.evaluation.checks import CLICK_DB, SHARP_DB, SoundCheck, check, spread_lufs
from gansynth_core.training.evaluation.judge import Judge, Verdict, levels_of_notes, ranks
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
from gansynth_core.training.evaluation.notes import (
    choose_notes,
    drawn,
    family_names,
    instrument_of,
    one_of_each_family,
    other_instrument,
    play,
    real_waves,
    resynthesis,
    training_sample,
    variation_of,
    versions,
)
from gansynth_core.training.evaluation.pitch import is_in_tune, pitch_figures
from gansynth_core.training.evaluation.pitch_tracker import cents_off, hear
from gansynth_core.training.evaluation.spectrum import levels_db, log_spectral_distance

FORMAT = 2
BATCH = 12
KINDS = ("real", "model", "reconstruction")
DISTANCES = ("model", "reconstruction", "resynthesis", "variation", "other_instrument")
NDB_CELLS = 50
OTHER_SEEDS = 2  # of each note to listen to
NDB_TRAINING_NOTES = 2000
POOLED = (4, 2)  # frames and bands of the judge that NDB takes together: clusters are of coarser spectrograms


@dataclass(frozen=True)
class Judged:
    """One held-out note and what was measured on its versions. By kind: cents, NaN for unpitched; checks; descriptors,
    as `gansynth_core.measure` gives them. distance: dB by what the real note was compared with (DISTANCES). level_db:
    how much louder the model's note is, RMS."""

    index: int
    instrument: str
    family: str
    pitch: float
    velocity: int
    cents: dict[str, float]
    distance: dict[str, float]
    level_db: float
    checks: dict[str, SoundCheck]
    descriptors: dict[str, np.ndarray]


@dataclass(frozen=True)
class Comparison:
    """document: every figure, for JSON. judged: note by note. shown: notes to look at and listen to, with their sound
    float32 [samples] by kind."""

    document: dict
    judged: list[Judged]
    shown: list[tuple[Judged, dict[str, np.ndarray]]]


def compare(
    synth: Synth,
    data: NoteSet,
    judge: Judge,
    *,
    encoder: StudioEncoder | None = None,
    notes: int = 400,
    seed: int = 0,
) -> Comparison:
    """Measure `synth` on up to `notes` held-out notes of `data`, drawn by `seed`. Raises DataError if set, model and
    judge do not fit together."""
    judge.check(data)
    chosen = choose_notes(data, synth.card, notes, seed)
    to_show = one_of_each_family(data, chosen)
    if encoder is not None and synth.card.specgram != data.spec:
        encoder = None
    judged: list[Judged] = []
    shown: list[tuple[Judged, dict[str, np.ndarray]]] = []
    levels: dict[str, list[Tensor]] = {}
    with tqdm(total=len(chosen), unit="note", desc="Listening") as bar:
        for start in range(0, len(chosen), BATCH):
            batch = chosen[start : start + BATCH]
            waves = versions(synth, data, encoder, batch, seed)
            compared = _compared(data, batch, seed, synth.device)
            judged += _judge(synth, data, batch, waves, compared)
            for kind, wave in (waves | {"variation": compared["variation"]}).items():
                levels.setdefault(kind, []).append(judge.levels_of(wave).half())
            for row, index in enumerate(batch):
                if int(index) in to_show:
                    sounds = {kind: wave[row].cpu().numpy() for kind, wave in waves.items()}
                    shown.append((judged[start + row], sounds | _other_seeds(synth, data, int(index), seed)))
            bar.update(len(batch))
    heard = {kind: torch.cat(parts) for kind, parts in levels.items()}
    document = _document(synth, data, judge, judged, chosen, heard, seed)
    return Comparison(document, judged, shown)


def measured_notes(data: NoteSet, chosen: np.ndarray) -> str:
    """A hash of which notes were measured: figures of other notes cannot be compared."""
    return hashlib.sha256(identity(data.notes[chosen])).hexdigest()


def _other_seeds(synth: Synth, data: NoteSet, index: int, seed: int) -> dict[str, np.ndarray]:
    """The model's note again from two other seeds, to hear how much they differ: float32 [samples] by name."""
    seeds = [seed + index + number for number in range(1, 1 + OTHER_SEEDS)]
    timbres = [drawn(synth.card, instrument_of(data, index), number) for number in seeds]
    waves = play(synth, timbres, [float(data.notes[index]["pitch"])] * len(timbres), data).cpu().numpy()
    return {f"another_seed_{number}": wave for number, wave in enumerate(waves, 1)}


# --- note by note ------------------------------------------------------------------------------------------------


def _compared(data: NoteSet, batch: np.ndarray, seed: int, device: str) -> dict[str, Tensor]:
    """Real notes to compare those at `batch` with, by name: sound [batch, samples]; NaN where there is none."""
    compared = {
        "variation": [variation_of(data, index) for index in batch],
        "other_instrument": [other_instrument(data, i, np.random.default_rng((seed, int(i)))) for i in batch],
    }
    waves = {}
    for name, indices in compared.items():
        counterpart = np.array([index if other is None else other for index, other in zip(batch, indices, strict=True)])
        missing = torch.tensor([other is None for other in indices], device=device)
        waves[name] = real_waves(data, counterpart, device).masked_fill(missing[:, None], float("nan"))
    return waves


def _judge(
    synth: Synth, data: NoteSet, batch: np.ndarray, waves: dict[str, Tensor], compared: dict[str, Tensor]
) -> list[Judged]:
    card, spec = synth.card, data.spec
    family_of = family_names(data)
    levels = levels_db(waves["real"], spec)
    others = {kind: wave for kind, wave in waves.items() if kind != "real"}
    others["resynthesis"] = resynthesis(synth, waves["real"], data)
    others |= compared
    distances = {kind: log_spectral_distance(levels, levels_db(wave, spec)).cpu() for kind, wave in others.items()}
    rms = {kind: wave.square().mean(dim=1).sqrt().clamp_min(1e-9) for kind, wave in waves.items()}
    louder = (20 * (rms["model"] / rms["real"]).log10()).cpu()
    audio = {kind: wave.cpu().numpy() for kind, wave in waves.items()}
    pitches = tuple(float(pitch) for pitch in data.notes[batch]["pitch"])
    described = {kind: measure(Clips(wave, spec.sample_rate, pitches)) for kind, wave in audio.items()}

    judged = []
    for row, index in enumerate(batch):
        note, name = data.notes[index], instrument_of(data, index)
        pitch = pitches[row]
        cents = {}
        for kind, wave in audio.items():
            heard = hear(wave[row], spec.sample_rate, card.pitch_low, card.pitch_high)
            cents[kind] = cents_off(heard.hz, pitch)
        distance = {key: float(distances[key][row]) for key in DISTANCES if key in distances}
        facts = (int(index), name, family_of[name], pitch, int(note["velocity"]))
        checks = {kind: check(wave[row], spec.sample_rate) for kind, wave in audio.items()}
        descriptors = {kind: values[row] for kind, values in described.items()}
        judged.append(Judged(*facts, cents, distance, float(louder[row]), checks, descriptors))
    return judged


# --- figures of all ----------------------------------------------------------------------------------------------


def _document(
    synth: Synth,
    data: NoteSet,
    judge: Judge,
    judged: Sequence[Judged],
    chosen: np.ndarray,
    heard: dict[str, Tensor],
    seed: int,
) -> dict:
    card = synth.card
    kinds = [kind for kind in KINDS if kind in judged[0].cents]
    pitch = {kind: _pitch(judged, kind) for kind in kinds}
    distance = {kind: _mean_distance(judged, kind) for kind in DISTANCES if kind in judged[0].distance}
    by_family = _grouped(judged, lambda note: note.family)
    by_instrument = _grouped(judged, lambda note: note.instrument)
    held_out = data.notes[data.held_out()]

    rows_again = ~torch.isnan(heard["variation"]).any(dim=2).any(dim=1).numpy()
    said = {kind: judge.hear(heard[kind]) for kind in kinds}
    again = judge.hear(heard["variation"][torch.from_numpy(rows_again)])
    measures = {kind: _paper_measures(judge, judged, said[kind]) for kind in kinds}
    for kind in kinds:
        other = (said["real"].features, rows_again) if kind == "real" else (said["real"].features, slice(None))
        own = again.features if kind == "real" else said[kind].features
        measures[kind]["fid"] = _fid(own, other[0][other[1]])
    for kind, figures in _ndb(synth, data, judge, heard, kinds, seed).items():
        measures[kind] |= figures
    for kind, figures in trials.octave(synth, data, judge, seed).items():
        measures[kind] |= figures
    varied, variety_of_instruments = trials.variety(synth, data, judge, chosen, seed)
    for kind, figures in varied.items():
        measures[kind] |= figures
    near = trials.nearest_training_note(data, chosen, {kind: heard[kind] for kind in kinds}, judge, seed)
    for kind, figures in near.items():
        measures[kind] |= figures
    names = [name for name in data.instruments if not card.instruments or name in card.instruments]
    measures["model"] |= trials.morphs(synth, data, judge, seed, names)
    for kind in kinds:
        measures[kind] |= _sound_figures(judged, kind)
        measures[kind] |= {
            "in_tune": pitch[kind]["fair_in_tune"],
            "in_tune_notes": pitch[kind]["fair_notes"],
            "median_cents": pitch[kind]["fair_median_cents"],
        }
    measures["real"]["spectral_distance_db"] = distance["variation"]["db"]
    for kind in kinds[1:]:
        measures[kind]["spectral_distance_db"] = distance[kind]["db"]

    recognised = {
        name: {kind: _recognised(judge, notes, said[kind], judged) for kind in kinds}
        for name, notes in by_family.items()
    }
    half = (measures["model"]["instrument_top_1"] or 0) / 2
    weak = [name for name, f in recognised.items() if f["model"]["top_1"] is not None and f["model"]["top_1"] < half]
    headline = {
        "notes": len(judged),
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
    if "reconstruction" in kinds:
        headline["reconstruction_in_tune_share"] = pitch["reconstruction"]["fair_in_tune"]
        headline["reconstruction_distance_db"] = distance["reconstruction"]["db"]
    for name in ("instrument_top_1", "instrument_top_5", "fid", "ndb", "variety_features", "timbre_kept"):
        if measures["model"].get(name) is not None:
            headline |= {name: measures["model"][name], f"real_{name}": measures["real"][name]}
    return {
        "format": FORMAT,
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
        },
        "data": {
            "sample_rate": data.spec.sample_rate,
            "notes": len(data),
            "held_out_notes": len(held_out),
            "held_out_pairs": len(np.unique(held_out[["instrument", "pitch"]])),
            "sources": [{key: source.get(key) for key in ("name", "licence", "notes")} for source in data.sources],
            "measured_sha256": measured_notes(data, chosen),
        },
        "seed": seed,
        "headline": headline,
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
            for name, notes in by_family.items()
        },
        "instruments": {
            name: {
                "notes": len(notes),
                "fair_in_tune": _pitch(notes, "model")["fair_in_tune"],
                "distance": {kind: _mean_distance(notes, kind)["db"] for kind in distance},
                "recognised": {kind: _recognised(judge, notes, said[kind], judged)["top_1"] for kind in kinds},
            }
            for name, notes in by_instrument.items()
        },
    }


def _paper_measures(judge: Judge, judged: Sequence[Judged], said: Verdict) -> dict:
    """What GANSynth's paper measures by a classifier of pitch, and the same by instrument."""
    pitch = judge.pitch_classes(np.array([note.pitch for note in judged]))
    instrument = judge.instrument_classes([note.instrument for note in judged])
    right = said.pitch.argmax(axis=1) == pitch
    in_tune = is_in_tune(np.array([note.cents["real"] for note in judged]))
    known = instrument >= 0
    places = ranks(said.instrument[known], instrument[known])
    return {
        "notes": len(judged),
        "pitch_accuracy": share(right[pitch >= 0]),
        "pitch_accuracy_in_tune": share(right[in_tune & (pitch >= 0)]),
        "pitch_entropy": mean(entropy(said.pitch)),
        "inception_score_pitch": round(inception_score(said.pitch), 2),
        "inception_score_instrument": round(inception_score(said.instrument), 2),
        "instrument_notes": int(known.sum()),
        "instrument_top_1": share(places < 1),
        "instrument_top_5": share(places < 5),
    }


def _fid(a: np.ndarray, b: np.ndarray) -> float | None:
    return float(f"{frechet_distance(a, b):.4g}") if min(len(a), len(b)) > 1 else None


def _ndb(
    synth: Synth, data: NoteSet, judge: Judge, heard: dict[str, Tensor], kinds: Sequence[str], seed: int
) -> dict[str, dict]:
    """NDB and the divergence it thresholds, of each kind beside real training notes, whose clusters are the cells."""
    training = training_sample(data, synth.card, NDB_TRAINING_NOTES, seed)
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


def _pooled(levels: Tensor) -> np.ndarray:
    return torch.nn.functional.avg_pool2d(levels.float()[:, None], POOLED).flatten(1).numpy()


def _sound_figures(judged: Sequence[Judged], kind: str) -> dict:
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


def _descriptors(judged: Sequence[Judged], kinds: Sequence[str]) -> dict[str, dict]:
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


def _recognised(judge: Judge, notes: Sequence[Judged], said: Verdict, judged: Sequence[Judged]) -> dict:
    row_of = {id(note): row for row, note in enumerate(judged)}
    rows = np.array([row_of[id(note)] for note in notes])
    classes = judge.instrument_classes([note.instrument for note in notes])
    places = ranks(said.instrument[rows][classes >= 0], classes[classes >= 0])
    return {"notes": len(places), "top_1": share(places < 1), "top_5": share(places < 5)}


def _pitch(judged: Sequence[Judged], kind: str) -> dict[str, float | int | None]:
    return pitch_figures([note.cents[kind] for note in judged], [note.cents["real"] for note in judged])


def _mean_distance(judged: Sequence[Judged], kind: str) -> dict[str, float | int | None]:
    values = np.array([note.distance[kind] for note in judged if not np.isnan(note.distance[kind])])
    return {"notes": len(values), "db": round(float(values.mean()), 2) if len(values) else None}


def _grouped(judged: Sequence[Judged], key: Callable[[Judged], str]) -> dict[str, list[Judged]]:
    groups: dict[str, list[Judged]] = {}
    for note in judged:
        groups.setdefault(key(note), []).append(note)
    return groups
