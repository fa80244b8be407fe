"""The report as Markdown."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from gansynth_core.spectrum import FLOOR_DB
from gansynth_core.training.evaluation.judged import KINDS, Judged
from gansynth_core.training.evaluation.pitch import IN_TUNE_CENTS
from gansynth_core.training.evaluation.tables import MEASURES, measure_table, number, percent, table, target_table

Figures = Mapping[str, Any]


def markdown(
    document: Figures, judged: Sequence[Judged], pictures: Sequence[str], columns: Mapping[str, Figures]
) -> list[str]:
    """The lines of a report. document: see `figures.document`. columns: title -> measures, real first."""
    model, data, headline, judge = (document[key] for key in ("model", "data", "headline", "judge"))
    sources = ", ".join(f"{s['name']} ({s['notes']} notes, licence {s['licence']})" for s in data["sources"])
    training = ", ".join(f"{name.replace('_', ' ')} {value}" for name, value in model["training"].items())
    accuracy = judge["real_accuracy"] or {}
    models = {title: measures for title, measures in columns.items() if title != "reconstruction"}
    return [
        f"# {model['id']} compared with real notes",
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
        f"{percent(accuracy.get('instrument_top_1'))}. Figures of another judge cannot be compared with these."
        + (f" {judge['unknown']}" if judge.get("unknown") else ""),
        "- real: the note of the set; model: the same instrument and pitch, z drawn from N(0, 1)"
        + ("; reconstruction: z found by the encoder from the real note" if "reconstruction" in columns else ""),
        *_narrow_band(model["sample_rate"], data["sample_rate"]),
        "",
        "[Listen to the notes](listen/index.html).",
        "",
        "## Targets, compared with real notes",
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
        *(f"![Spectrograms of real notes and the model's]({name})" for name in pictures),
    ]


def _narrow_band(own_hz: int, sample_rate: int) -> list[str]:
    if own_hz >= sample_rate:
        return []
    return [
        f"- The model plays at {own_hz / 1000:g} kHz: its notes have nothing above {own_hz / 2000:g} kHz, where "
        "real ones may. Itself through specgram and back, in the table Spectrum, shows what that alone costs."
    ]


_ABOUT = {
    "Pitch and instrument": "Accuracy and entropy (the mean over notes) are of the judge's own answers. Drums and "
    "effects have no pitch, so that nobody can tell their key.",
    "Distributions": "Inception score, FID and NDB as in GANSynth's paper, by this judge. Compare with real, "
    "which is not 0 for so few notes. NDB: k-means of the judge's spectrograms of real training notes, two-proportion "
    "z-test at 0.05.",
    "Timbre and variety": "Real octaves are mostly of training notes, which the judge knows. Nearest training note: of "
    "the same instrument, from two semitones around moved to the key; much nearer than real would be memorising. Seeds "
    "also differ where a model is wrong: read their distance together with how often instruments are recognised.",
    "Textures": "Medians over the notes of what wavers, and of how far peaks and valleys of a spectrum are apart. Read "
    "them beside real: a mean of many notes is near to each of them by any distance, and still.",
    "Sound": "Before and after an attack: 20 ms each. Loudness: BS.1770, the loudest 0.4 s of notes of one peak.",
}


def _measure_sections(columns: Mapping[str, Figures]) -> list[str]:
    lines = []
    for title, rows in MEASURES.items():
        lines += [f"## {title}", "", _ABOUT[title], "", *measure_table(rows, columns)]
    return lines


def _weak_families(document: Figures) -> list[str]:
    weak = document["weak_families"]
    if not weak:
        return ["No family's instruments are recognised less than half as often as all are."]
    found = document["families"]
    names = ", ".join(f"{name} ({percent(found[name]['recognised']['model']['top_1'])})" for name in weak)
    mean = percent(document["measures"]["model"]["instrument_top_1"])
    return [f"**Families below half of the mean ({mean} recognised): {names}.**"]


def _descriptor_section(document: Figures) -> list[str]:
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


def _pitch_section(document: Figures) -> list[str]:
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


def _spectrum_section(document: Figures) -> list[str]:
    return [
        "## Spectrum",
        "",
        "Log-spectral distance to the real note: RMS over bins of the difference in dB, loudness aligned, floor "
        f"{FLOOR_DB:g} dB, mean over sounding frames. Last three: scales made of real notes alone.",
        "",
        *table(
            ["real note and", "notes", "distance"],
            [[_TITLES[k], str(v["notes"]), number(v["db"], "dB")] for k, v in document["distance"].items()],
        ),
        f"Loudness: the model's notes are {document['louder_db']['median']:+.1f} dB from the real ones (median; half "
        f"of them within {document['louder_db']['half_within']:.1f} dB).",
        "",
    ]


def _family_section(document: Figures) -> list[str]:
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


def _farthest_section(document: Figures) -> list[str]:
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
