"""The rows of a report's tables: what each measure is called, how it is written, and which way is better."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np


@dataclass(frozen=True)
class Row:
    """A measure: its key in a report's `measures`, the key of the number of notes (or pairs) it is over, its title, and
    how it is written: "%", a unit, or "" for a bare number with `digits`."""

    key: str
    count: str
    title: str
    unit: str = ""
    digits: int = 2


#: Title -> rows of the tables that put models side by side.
MEASURES: dict[str, tuple[Row, ...]] = {
    "Pitch and instrument": (
        Row("in_tune", "in_tune_notes", "in tune, by the pitch tracker, where real is", "%"),
        Row("median_cents", "in_tune_notes", "median error of these", "cents", 1),
        Row("pitch_accuracy", "notes", "pitch accuracy of the judge", "%"),
        Row("pitch_accuracy_in_tune", "in_tune_notes", "pitch accuracy of the judge, where real is in tune", "%"),
        Row("pitch_entropy", "notes", "pitch entropy, nats"),
        Row("instrument_top_1", "instrument_notes", "instrument recognised", "%"),
        Row("instrument_top_5", "instrument_notes", "instrument among the first five", "%"),
    ),
    "Distributions": (
        Row("inception_score_pitch", "notes", "inception score by pitch (more is better)"),
        Row("inception_score_instrument", "notes", "inception score by instrument (more is better)"),
        Row("fid", "notes", "FID to the real notes (real: another variation of each)"),
        Row("ndb", "notes", "NDB: cells of 50 that differ from training notes", "", 0),
        Row("ndb_divergence", "notes", "Jensen-Shannon divergence over these cells", "", 3),
        Row("spectral_distance_db", "notes", "log-spectral distance to the real note (real: a variation)", "dB", 1),
    ),
    "Timbre and variety": (
        Row("timbre_kept", "timbres", "an octave of one timbre taken for one instrument", "%"),
        Row("timbre_distance", "timbres", "distance of features within that octave", "", 3),
        Row("variety_features", "variety_pairs", "distance between seeds (real: variants), features", "", 3),
        Row("variety_db", "variety_pairs", "distance between seeds (real: variants)", "dB", 1),
        Row("nearest_db", "nearest_notes", "distance to the nearest training note", "dB", 1),
        Row("morph_unevenness", "morphs", "morph of 16 steps: largest over mean step"),
        Row("morph_unevenness_worst", "morphs", "the same, worst pair"),
    ),
    "Textures": (
        Row("vibrato_median", "notes", "vibrato", "cents"),
        Row("tremolo_median", "notes", "tremolo", "dB"),
        Row("beating_median", "notes", "beating", "dB"),
        Row("modulation_median", "notes", "swing of bands' levels, 2 to 20 Hz", "dB"),
        Row("contrast_median", "notes", "spectral contrast within an octave", "dB", 1),
    ),
    "Sound": (
        Row("pre_echo_db", "sharp_attacks", "level before a sharp attack, relative to after it", "dB", 1),
        Row("click_share", "notes", "notes that start or end with a click", "%"),
        Row("loudness_spread_db", "notes", "loudness: standard deviation", "dB", 1),
        Row("loudness_spread_instruments_db", "notes", "loudness: between instruments", "dB", 1),
        Row("loudness_spread_keys_db", "notes", "loudness: between keys of an instrument", "dB", 1),
    ),
}


@dataclass(frozen=True)
class Target:
    """What a model should reach: at least, or at most, this multiple of the figure of real notes."""

    key: str
    title: str
    multiple: float
    at_least: bool = True


TARGETS: tuple[Target, ...] = (
    Target("in_tune", "in tune, where real is", 0.99),
    Target("instrument_top_1", "instrument recognised", 0.85),
    Target("instrument_top_5", "instrument among the first five", 0.95),
    Target("ndb", "NDB", 1.5, at_least=False),
    Target("variety_features", "variety: distance between seeds, features", 0.7),
)


def measure_table(rows: Sequence[Row], columns: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """A table of `rows` with a column for each of `columns`: name -> its `measures`. The number of notes is that of
    the first column that has one."""
    lines = []
    for row in rows:
        values = [measures.get(row.key) for measures in columns.values()]
        if all(value is None for value in values):
            continue
        counts = [measures[row.count] for measures in columns.values() if measures.get(row.count) is not None]
        lines.append([row.title, str(counts[0]) if counts else "-", *(written(row, value) for value in values)])
    return table(["", "over", *columns], lines)


def written(row: Row, value: float | None) -> str:
    """A figure as the table has it."""
    return percent(value) if row.unit == "%" else number(value, row.unit, row.digits)


def target_table(columns: Mapping[str, Mapping[str, Any]]) -> list[str]:
    """Which of the targets each model reaches; the first of `columns` is real."""
    real, *models = columns
    rows = {row.key: row for rows in MEASURES.values() for row in rows}
    lines = []
    for target in TARGETS:
        scale = columns[real].get(target.key)
        cells = []
        for name in models:
            value = columns[name].get(target.key)
            if not scale or value is None:
                cells.append("-")
                continue
            ratio = value / scale
            reached = ratio >= target.multiple if target.at_least else ratio <= target.multiple
            cells.append(f"{ratio:.2f} x, {'reached' if reached else '**missed**'}")
        sign = "at least" if target.at_least else "at most"
        aim = f"{sign} {target.multiple:g} x real"
        lines.append([target.title, aim, written(rows[target.key], scale), *cells])
    return table(["", "target", real, *models], lines)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    """Lines of a Markdown table, and an empty one."""
    return ["| " + " | ".join(row) + " |" for row in [head, ["---"] * len(head), *rows]] + [""]


def percent(share: float | None) -> str:
    """A share of 0 to 1 in percent."""
    return "-" if share is None else f"{100 * share:.1f} %"


def number(value: float | None, unit: str = "", digits: int = 1) -> str:
    """A figure with its unit; a dash for None and NaN."""
    return "-" if value is None or np.isnan(value) else f"{value:.{digits}f} {unit}".strip()
