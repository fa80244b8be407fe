"""Notes in a folder, whoever made them, measured as a model's are: `evaluate --audio FOLDER`.

File names say instrument and pitch, as `cello_C3.wav` or `cello_048_v100.wav` (see WavFolder). The judge hears them at
its own rate; real notes of the same instruments and pitches, held out from training, stand beside them."""

import json
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch
from tqdm import tqdm

from gansynth_core.descriptors import DESCRIPTORS, measure
from gansynth_core.errors import AudioError, DataError
from gansynth_core.files import replacing
from gansynth_core.sound import Clips
from gansynth_core.training.data.dataset import Array, NoteSet
from gansynth_core.training.data.folder import WavFolder
from gansynth_core.training.data.workers import fit
from gansynth_core.training.evaluation.figures import (
    WAVERING,
    Figures,
    fid,
    ndb,
    paper_measures,
)
from gansynth_core.training.evaluation.judge import Judge
from gansynth_core.training.evaluation.notes import real_waves
from gansynth_core.training.evaluation.pitch import pitch_figures
from gansynth_core.training.evaluation.pitch_tracker import cents_off, hear
from gansynth_core.training.evaluation.tables import MEASURES, measure_table
from gansynth_core.training.evaluation.textures import contrast_db, modulation_db

SECTIONS = ("Pitch and instrument", "Distributions", "Textures")
COLUMNS = ("real", "folder")


def evaluate_folder(
    folder: str | os.PathLike[str],
    data: NoteSet,
    out: str | os.PathLike[str],
    judge: Judge,
    *,
    notes: int,
    seed: int,
    name: str,
) -> Figures:
    """Measure up to `notes` notes in a folder beside held-out real ones of the same instruments and pitches, write
    report.md and report.json to the folder `out`, and return the folder's measures.

    Raises DataError if the folder has no note to measure, or fewer than two that have a real counterpart.
    """
    judge.check(data)
    source = WavFolder(folder)
    plan = source.plan()
    order = np.sort(np.random.default_rng(seed).permutation(len(plan))[:notes])
    pairs, waves = _paired(source, data, order, seed)
    if len(pairs) < 2:
        raise DataError(
            f"Of the notes in '{source.path}', {len(pairs)} have a held-out real note of their instrument and pitch in "
            f"'{data.folder}'. Two or more are needed; instruments are named as in that set, such as "
            f"'{data.instruments[0]}'."
        )
    sounds = {"real": real_waves(data, pairs).numpy(), "folder": waves}
    names = [data.instruments[int(note["instrument"])] for note in data.notes[pairs]]
    pitches = data.notes[pairs]["pitch"].astype(float)
    cents = {kind: _cents(sound, pitches, data.spec.sample_rate) for kind, sound in sounds.items()}
    levels = {kind: judge.levels_of(torch.from_numpy(sound)) for kind, sound in sounds.items()}
    said = {kind: judge.hear(heard) for kind, heard in levels.items()}
    cells = ndb(data, judge, levels, COLUMNS, _training(data, seed), seed)
    measures: dict[str, Figures] = {}
    for kind in COLUMNS:
        pitch = pitch_figures(cents[kind], cents["real"])
        measures[kind] = {
            **paper_measures(judge, names, pitches, cents["real"], said[kind]),
            "in_tune": pitch["fair_in_tune"],
            "in_tune_notes": pitch["fair_notes"],
            "median_cents": pitch["fair_median_cents"],
            **cells.get(kind, {}),
            **_textures(sounds[kind], pitches, data.spec.sample_rate),
        }
    measures["folder"]["fid"] = fid(said["folder"].features, said["real"].features)
    document = {
        "folder": str(source.path),
        "name": name,
        "notes": len(pairs),
        "seed": seed,
        "judge": judge.sha256,
        "measures": {("real" if kind == "real" else name): figures for kind, figures in measures.items()},
    }
    _write(Path(out), document)
    return measures["folder"]


def _paired(source: WavFolder, data: NoteSet, order: Array, seed: int) -> tuple[Array, Array]:
    """Of the folder's notes at `order` those with a real counterpart: the index of a held-out note of the same
    instrument and key, drawn by `seed`, and the folder's sound as the set has its own, [pairs, samples]."""
    number = {name: place for place, name in enumerate(data.instruments)}
    held_out = data.held_out()
    real = data.notes[held_out]
    pairs, waves = [], []
    for index in tqdm(order, unit="note", desc="Reading"):
        note = source.plan()[int(index)]
        same = (real["instrument"] == number.get(note.instrument, -1)) & (np.abs(real["pitch"] - note.pitch) < 0.5)
        found = held_out[same]
        if not len(found):
            continue
        try:
            wave = fit(source.read(int(index)), data.spec)
        except AudioError:
            continue
        pairs.append(int(np.random.default_rng((seed, int(index))).choice(found)))
        waves.append(wave)
    return np.array(pairs, dtype=int), np.array(waves, dtype=np.float32)


def _training(data: NoteSet, seed: int) -> Array:
    """Training notes for NDB's cells."""
    return np.sort(np.random.default_rng((seed, 1)).permutation(data.training())[:2000])


def _cents(sounds: Array, pitches: Array, sample_rate: int) -> Array:
    low, high = float(pitches.min()), float(pitches.max())
    return np.array(
        [cents_off(hear(sound, sample_rate, low, high).hz, p) for sound, p in zip(sounds, pitches, strict=True)]
    )


def _textures(sounds: Array, pitches: Array, sample_rate: int) -> Figures:
    described = measure(Clips(sounds, sample_rate, tuple(map(float, pitches))))
    column = {descriptor.name: place for place, descriptor in enumerate(DESCRIPTORS)}
    found = {f"{name}_median": described[:, column[name]] for name in WAVERING} | {
        "contrast_median": [contrast_db(sound, sample_rate) for sound in sounds],
        "modulation_median": [modulation_db(sound, sample_rate) for sound in sounds],
    }
    return {name: round(float(np.median(values)), 3) for name, values in found.items()}


def _write(out: Path, document: dict[str, Any]) -> None:
    out.mkdir(parents=True, exist_ok=True)
    lines: Sequence[str] = [
        f"# {document['name']} compared with real notes",
        "",
        f"{document['notes']} notes of `{document['folder']}`, each beside a held-out real note of its instrument and "
        f"pitch, seed {document['seed']}, judge `{document['judge']}`.",
        "",
    ]
    for title in SECTIONS:
        lines = [*lines, f"## {title}", "", *measure_table(MEASURES[title], document["measures"])]
    with replacing(out / "report.md", DataError) as partial:
        partial.write_text("\n".join(lines) + "\n", encoding="utf-8")
    with replacing(out / "report.json", DataError) as partial:
        partial.write_text(json.dumps(document, indent=1) + "\n", encoding="utf-8")
