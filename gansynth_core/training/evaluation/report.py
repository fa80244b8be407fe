"""The report of a comparison: Markdown with tables, report.json with all figures, spectrograms, a page to listen to."""

import dataclasses
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch

from gansynth_core.cards import ModelCard, in_new_words
from gansynth_core.descriptors import DESCRIPTORS
from gansynth_core.errors import DataError, InputError
from gansynth_core.specgram import Representation
from gansynth_core.training.data.dataset import NoteSet
from gansynth_core.training.evaluation.comparison import FORMAT, KINDS, Comparison, Judged, measured_notes
from gansynth_core.training.evaluation.judge import Judge
from gansynth_core.training.evaluation.listen import write_page
from gansynth_core.training.evaluation.notes import choose_notes
from gansynth_core.training.evaluation.pitch import IN_TUNE_CENTS
from gansynth_core.training.evaluation.spectrum import FLOOR_DB, levels_db
from gansynth_core.training.evaluation.tables import MEASURES, measure_table, number, percent, table, target_table

SHOWN_IN_A_PICTURE = 8


# --- other models beside -----------------------------------------------------------------------------------------


@dataclass(frozen=True)
class Column:
    """Another model's figures, out of its report. name: of its column."""

    name: str
    path: Path
    document: dict


def column_of(text: str) -> Column:
    """A column by `NAME=REPORT`, or `REPORT` alone for the model's id; REPORT is a report.json or its folder. Raises
    InputError if there is none that can be read."""
    name, sign, place = text.partition("=")
    if not sign:
        name, place = "", text
    path = Path(place)
    path = path / "report.json" if path.is_dir() else path
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        if document["format"] != FORMAT:
            raise InputError(f"'{path}' was made by another version (format {document['format']}, not {FORMAT}).")
        name = name or str(document["model"]["id"])
        document["model"]["training"] = in_new_words(document["model"]["training"])
        document["measures"]["model"], document["judge"]["sha256"], document["data"]["measured_sha256"]
    except (OSError, ValueError, KeyError, TypeError) as cause:
        raise InputError(f"'{path}' is no report of this program: {cause!r}.") from cause
    return Column(name, path, document)


def check_comparable(column: Column, judge: Judge, data: NoteSet, card: ModelCard, notes: int, seed: int) -> None:
    """Raises InputError, with the reason, for figures that cannot stand beside those of `judge` on these notes."""
    theirs = column.document
    if theirs["judge"]["sha256"] != judge.sha256:
        reason = f"by another judge ({theirs['judge']['sha256'][:12]}, not {judge.sha256[:12]})"
    elif theirs["seed"] != seed:
        reason = f"with another seed ({theirs['seed']}, not {seed})"
    elif theirs["data"]["measured_sha256"] != measured_notes(data, choose_notes(data, card, notes, seed)):
        reason = "on other notes"
    else:
        return
    raise InputError(f"'{column.path}' was measured {reason}, and cannot stand beside this report.")


# --- writing -----------------------------------------------------------------------------------------------------


def write_report(
    out: str | os.PathLike, comparison: Comparison, spec: Representation, beside: Sequence[Column], name: str
) -> None:
    """Write the folder `out`, whole or not at all, in the place of an earlier report. Raises DataError."""
    _write_whole(Path(out), lambda folder: _write(folder, comparison, spec, beside, name))


def _write_whole(out: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a folder beside `out`, then put it in the place of `out`."""
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{out.name}-", dir=out.parent) as name:
            fresh, old = Path(name) / "new", Path(name) / "old"
            fresh.mkdir()
            write(fresh)
            if out.exists():
                out.rename(old)
            fresh.rename(out)
            shutil.rmtree(old, ignore_errors=True)
    except OSError as cause:
        raise DataError(f"Cannot write the report '{out}': {cause.strerror or cause}.") from cause


def _write(folder: Path, comparison: Comparison, spec: Representation, beside: Sequence[Column], name: str) -> None:
    document, judged, shown = comparison.document, comparison.judged, comparison.shown
    pictures = []
    for start in range(0, len(shown), SHOWN_IN_A_PICTURE):
        pictures.append(f"notes_{len(pictures) + 1}.png")
        _draw(folder / pictures[-1], shown[start : start + SHOWN_IN_A_PICTURE], spec)
    write_page(folder / "listen", shown, spec.sample_rate, name)
    columns = _columns(document, beside, name)
    text = "\n".join(_markdown(document, judged, pictures, columns)) + "\n"
    (folder / "report.md").write_text(text, encoding="utf-8")
    notes = [_note_json(note) for note in judged]
    others = {column.name: column.document["model"] for column in beside}
    text = json.dumps(document | {"beside": others, "judged": "JUDGED"}, indent=1, allow_nan=False)
    rows = ",\n  ".join(json.dumps(note, allow_nan=False) for note in notes)  # a note a line, not thirty
    (folder / "report.json").write_text(text.replace('"JUDGED"', f"[\n  {rows}\n ]") + "\n", encoding="utf-8")


def _columns(document: dict, beside: Sequence[Column], name: str) -> dict[str, dict]:
    """Title -> measures: real, those beside, the model and its reconstructions."""
    columns = {"real": document["measures"]["real"]}
    for title, measures in [
        *((column.name, column.document["measures"]["model"]) for column in beside),
        (name, document["measures"]["model"]),
    ]:
        columns[title if title not in columns else f"{title} ({len(columns)})"] = measures
    if "reconstruction" in document["measures"]:
        columns["reconstruction"] = document["measures"]["reconstruction"]
    return columns


def _note_json(note: Judged) -> dict:
    names = [descriptor.name for descriptor in DESCRIPTORS]
    described = {kind: dict(zip(names, map(float, v), strict=True)) for kind, v in note.descriptors.items()}
    checks = {kind: dataclasses.asdict(found) for kind, found in note.checks.items()}
    plain = dataclasses.asdict(dataclasses.replace(note, descriptors={}, checks={}))
    return _without_nan(plain | {"checks": checks, "descriptors": described})


def _without_nan(value):
    """JSON knows no NaN: unpitched and missing become null."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, float):
        return None if np.isnan(value) else round(value, 3)
    return value


def _draw(path: Path, shown: Sequence[tuple[Judged, dict[str, np.ndarray]]], spec: Representation) -> None:
    """A row a note, a column a kind: log-frequency spectrograms, 80 dB from the real note's loudest bin down."""
    from matplotlib.figure import Figure  # slow to import, and only wanted here

    kinds = [kind for kind in KINDS if kind in shown[0][1]]
    figure = Figure(figsize=(4 * len(kinds), 2.1 * len(shown) + 0.5), layout="constrained")
    axes = figure.subplots(len(shown), len(kinds), squeeze=False, sharex=True, sharey=True)
    low, high = 30.0, spec.sample_rate / 2
    edges = np.geomspace(low, high, 257) / spec.bin_hz - 1  # in bins, counted from 0
    first = np.clip(np.floor(edges[:-1]).astype(int), 0, spec.bins - 1)
    ticks = [hz for hz in (50, 100, 200, 500, 1000, 2000, 5000, 10000) if hz < high]
    image = None
    for row, (note, waves) in zip(axes, shown, strict=True):
        for axis, kind in zip(row, kinds, strict=True):
            levels = levels_db(torch.from_numpy(waves[kind])[None], spec)[0].numpy()
            if kind == "real":
                peak = levels.max()
            # The loudest bin of each band; several bands share a bin at the low end.
            bands = np.maximum.reduceat(levels - peak, first, axis=1)
            extent = (0, spec.seconds, np.log10(low), np.log10(high))
            image = axis.imshow(
                bands.T, origin="lower", aspect="auto", extent=extent, vmin=FLOOR_DB, vmax=0, cmap="magma"
            )
            cents = note.cents[kind]
            heard = "no pitch" if np.isnan(cents) else f"{cents:+.0f} cents"
            axis.set_title(f"{kind}: {note.instrument} {note.pitch:g}, {heard}", fontsize=8)
            axis.set_yticks(np.log10(ticks), [f"{hz / 1000:g}k" if hz >= 1000 else str(hz) for hz in ticks], fontsize=7)
            axis.tick_params(axis="x", labelsize=7)
    figure.supxlabel("seconds", fontsize=9)
    figure.supylabel("Hz", fontsize=9)
    figure.colorbar(image, ax=axes, label="dB", aspect=60, fraction=0.02)
    figure.savefig(path, dpi=80)


def _markdown(
    document: dict, judged: Sequence[Judged], pictures: Sequence[str], columns: Mapping[str, dict]
) -> list[str]:
    model, data, headline, judge = (document[key] for key in ("model", "data", "headline", "judge"))
    sources = ", ".join(f"{s['name']} ({s['notes']} notes, licence {s['licence']})" for s in data["sources"])
    training = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in model["training"].items())
    accuracy = judge["real_accuracy"] or {}
    models = {title: measures for title, measures in columns.items() if title != "reconstruction"}
    return [
        f"# {model['id']} beside real notes",
        "",
        f"Of {headline['notes_real_in_tune']} held-out notes that are in tune when real, "
        f"**{percent(headline['in_tune_share'])}** of the model's are.",
        "",
        f"- Model: `{model['id']}`, weights sha256 `{model['sha256']}`" + (f"; {training}" if training else ""),
        f"- Data: {data['notes']} notes of {sources}; held out from training: {data['held_out_notes']} notes, "
        f"{data['held_out_pairs']} pairs of instrument and pitch",
        f"- Measured: {headline['notes']} held-out notes, seed {document['seed']}",
        f"- Judge: a network that learned from {judge['notes']} real training notes of "
        f"{', '.join(judge['trained_on']) or 'this set'}, sha256 `{judge['sha256']}`; of {accuracy.get('notes', '-')} "
        f"held-out real notes it knows the pitch of {percent(accuracy.get('pitch'))}, the instrument of "
        f"{percent(accuracy.get('instrument_top_1'))}. Figures of another judge cannot stand beside these.",
        "- real: the note of the set; model: the same instrument and pitch, z drawn from N(0, 1)"
        + ("; reconstruction: z found by the encoder from the real note" if "reconstruction" in columns else ""),
        *_narrow_band(model["sample_rate"], data["sample_rate"]),
        "",
        "[Listen to the notes](listen/index.html).",
        "",
        "## Targets, beside real notes",
        "",
        *target_table(models),
        *_weak_families(document),
        "",
        *_measure_sections(columns),
        *_descriptor_section(document),
        *_pitch_section(document),
        *_spectrum_section(document),
        *_family_section(document),
        *_farthest_section(document),
        "## Notes out of tune",
        "",
        *_missed(judged),
        "## To look at",
        "",
        *(f"![Spectrograms of real notes beside the model's]({name})" for name in pictures),
    ]


def _narrow_band(own_hz: int, sample_rate: int) -> list[str]:
    if own_hz >= sample_rate:
        return []
    return [
        f"- The model's notes are of {own_hz / 1000:g} kHz: they have nothing above {own_hz / 2000:g} kHz, where real "
        "ones may. Itself through specgram and back, in the table Spectrum, is what that alone costs."
    ]


_ABOUT = {
    "Pitch and instrument": "Accuracy and entropy (the mean over notes) are of the judge's own answers; of drums and "
    "effects, which have no pitch, nobody can tell the key.",
    "Distributions": "Inception score, FID and NDB as in GANSynth's paper, by this judge: compare with real beside, "
    "which is not 0 for so few notes. NDB: k-means of the judge's spectrograms of real training notes, two-proportion "
    "z-test at 0.05.",
    "Timbre and variety": "Real octaves are mostly of training notes, which the judge knows. Nearest training note: of "
    "the same instrument, from two semitones around moved to the key; much nearer than real would be memorising. Seeds "
    "also differ where a model is wrong: read their distance together with how often instruments are recognised.",
    "Sound": "Before and after an attack: 20 ms each. Loudness: BS.1770, the loudest 0.4 s of notes of one peak.",
}


def _measure_sections(columns: Mapping[str, dict]) -> list[str]:
    lines = []
    for title, rows in MEASURES.items():
        lines += [f"## {title}", "", _ABOUT[title], "", *measure_table(rows, columns)]
    return lines


def _weak_families(document: dict) -> list[str]:
    weak = document["weak_families"]
    if not weak:
        return ["No family's instruments are recognised less than half as often as all are."]
    found = document["families"]
    names = ", ".join(f"{name} ({percent(found[name]['recognised']['model']['top_1'])})" for name in weak)
    mean = percent(document["measures"]["model"]["instrument_top_1"])
    return [f"**Families below half of the mean ({mean} recognised): {names}.**"]


def _descriptor_section(document: dict) -> list[str]:
    found = document["descriptors"]
    kinds = list(document["pitch"])
    rows = [
        [f"{name}, {f['unit'] or 'count'}", *(number(f["median"][kind], "", 2) for kind in kinds)]
        + [number(f["off"][kind], f["step"], 2) for kind in kinds[1:]]
        for name, f in found.items()
    ]
    return [
        "## What is heard",
        "",
        "Medians over the notes, and how far a note is from its real one (median; z is drawn, so another variation is "
        "meant to differ).",
        "",
        *table(["descriptor", *kinds, *(f"{kind} off by" for kind in kinds[1:])], rows),
    ]


def _pitch_section(document: dict) -> list[str]:
    return [
        "## Pitch by the tracker",
        "",
        f"In tune: within {IN_TUNE_CENTS:g} cents by Praat's autocorrelation, which is not told the key. "
        "Follows real: within 25 cents of what the real note is heard at, where that has a pitch. "
        "The columns after it count only notes whose real version is in tune.",
        "",
        *table(
            ["version", *_PITCH_HEAD, "follows real", *_PITCH_HEAD, "median error"],
            [
                [
                    kind,
                    str(f["notes"]),
                    *(percent(f[key]) for key in ("in_tune", "octave_errors", "unpitched", "follows_real")),
                    str(f["fair_notes"]),
                    *(percent(f[key]) for key in ("fair_in_tune", "fair_octave_errors", "fair_unpitched")),
                    number(f["fair_median_cents"], "cents"),
                ]
                for kind, f in document["pitch"].items()
            ],
        ),
    ]


def _spectrum_section(document: dict) -> list[str]:
    return [
        "## Spectrum",
        "",
        "Log-spectral distance to the real note: RMS over bins of the difference in dB, loudness aligned, floor "
        f"{FLOOR_DB:g} dB, mean over sounding frames. Last three: scales made of real notes alone.",
        "",
        *table(
            ["real note beside", "notes", "distance"],
            [[_TITLES[k], str(v["notes"]), number(v["db"], "dB")] for k, v in document["distance"].items()],
        ),
        f"Loudness: the model's notes are {document['louder_db']['median']:+.1f} dB from the real ones (median; half "
        f"of them within {document['louder_db']['half_within']:.1f} dB).",
        "",
    ]


def _family_section(document: dict) -> list[str]:
    kinds, distances = list(document["pitch"]), list(document["distance"])
    return [
        "## Families",
        "",
        "Pitch: real in tune, and the model's share of those. Drums and effects have no pitch to judge. Recognised: by "
        "the judge, at once and among its first five.",
        "",
        *table(
            ["family", "notes", *(f"recognised {kind}" for kind in kinds), "real in tune"]
            + [f"{kind} of those" for kind in kinds[1:]]
            + ["median error", *(f"dB {_SHORT[kind]}" for kind in distances)],
            [
                [name, str(f["pitch"]["real"]["notes"])]
                + [f"{percent(f['recognised'][k]['top_1'])} / {percent(f['recognised'][k]['top_5'])}" for k in kinds]
                + [str(f["pitch"]["real"]["fair_notes"])]
                + [percent(f["pitch"][kind]["fair_in_tune"]) for kind in kinds[1:]]
                + [number(f["pitch"]["model"]["fair_median_cents"], "cents")]
                + [number(f["distance"][kind]["db"]) for kind in distances]
                for name, f in document["families"].items()
            ],
        ),
    ]


def _farthest_section(document: dict) -> list[str]:
    distances = list(document["distance"])
    farthest = sorted(document["instruments"].items(), key=lambda item: -item[1]["distance"]["model"])
    return [
        "## Instruments farthest from their real sound",
        "",
        *table(
            ["instrument", "notes", "recognised", *(f"dB {_SHORT[kind]}" for kind in distances)],
            [
                [name, str(f["notes"]), percent(f["recognised"]["model"])]
                + [number(f["distance"][kind]) for kind in distances]
                for name, f in farthest[:10]
            ],
        ),
    ]


_PITCH_HEAD = ("notes", "in tune", "octaves off", "no pitch")
_TITLES = {
    "model": "the model's note",
    "reconstruction": "its reconstruction",
    "resynthesis": "itself through specgram and back",
    "variation": "another velocity or variation of the same key",
    "other_instrument": "another instrument at the same pitch",
}
_SHORT = {
    "model": "model",
    "reconstruction": "reconstruction",
    "resynthesis": "resynthesis",
    "variation": "variation",
    "other_instrument": "other instrument",
}


def _missed(judged: Sequence[Judged]) -> list[str]:
    fair = [note for note in judged if abs(note.cents["real"]) <= IN_TUNE_CENTS]
    missed = [note for note in fair if not abs(note.cents["model"]) <= IN_TUNE_CENTS]
    if not missed:
        return ["None.", ""]
    missed.sort(key=lambda note: -np.nan_to_num(abs(note.cents["model"]), nan=np.inf))
    shown = missed[:20]
    rows = [
        [n.instrument, f"{n.pitch:g}", *(number(n.cents[kind], "cents") for kind in KINDS if kind in n.cents)]
        for n in shown
    ]
    more = [f"... and {len(missed) - len(shown)} more in report.json.", ""] if len(missed) > len(shown) else []
    return table(["instrument", "pitch", *(kind for kind in KINDS if kind in shown[0].cents)], rows) + more
