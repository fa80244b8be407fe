"""The report of a comparison: Markdown with tables, report.json with all figures, spectrograms, a page to listen to."""

import dataclasses
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from gansynth_core.descriptors import DESCRIPTORS
from gansynth_core.errors import DataError
from gansynth_core.specgram import Representation
from gansynth_core.spectrum import FLOOR_DB, levels_db
from gansynth_core.training.evaluation.columns import Column
from gansynth_core.training.evaluation.judged import KINDS, Comparison, Judged, Sounds
from gansynth_core.training.evaluation.listen import write_page
from gansynth_core.training.evaluation.markdown import markdown

SHOWN_IN_A_PICTURE = 8


def write_report(
    out: str | os.PathLike[str], comparison: Comparison, spec: Representation, beside: Sequence[Column], name: str
) -> None:
    """Write the folder `out`, whole or not at all, in place of an earlier report. Raises DataError."""
    _write_whole(Path(out), lambda folder: _write(folder, comparison, spec, beside, name))


def _write_whole(out: Path, write: Callable[[Path], None]) -> None:
    """Let `write` fill a folder beside `out`, then replace `out` with it."""
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
    pictures: list[str] = []
    for start in range(0, len(shown), SHOWN_IN_A_PICTURE):
        pictures.append(f"notes_{len(pictures) + 1}.png")
        _draw(folder / pictures[-1], shown[start : start + SHOWN_IN_A_PICTURE], spec)
    write_page(folder / "listen", shown, spec.sample_rate, name)
    columns = _columns(document, beside, name)
    text = "\n".join(markdown(document, judged, pictures, columns)) + "\n"
    (folder / "report.md").write_text(text, encoding="utf-8", newline="\n")
    notes = [_note_json(note) for note in judged]
    others = {column.name: column.document["model"] for column in beside}
    text = json.dumps(document | {"beside": others, "judged": "JUDGED"}, indent=1, allow_nan=False)
    rows = ",\n  ".join(json.dumps(note, allow_nan=False) for note in notes)  # one line per note, not thirty
    (folder / "report.json").write_text(
        text.replace('"JUDGED"', f"[\n  {rows}\n ]") + "\n", encoding="utf-8", newline="\n"
    )


def _columns(document: dict[str, Any], beside: Sequence[Column], name: str) -> dict[str, dict[str, Any]]:
    """Title -> measures: real, other models, the model and its reconstructions."""
    columns = {"real": document["measures"]["real"]}
    for title, measures in [
        *((column.name, column.document["measures"]["model"]) for column in beside),
        (name, document["measures"]["model"]),
    ]:
        columns[title if title not in columns else f"{title} ({len(columns)})"] = measures
    if "reconstruction" in document["measures"]:
        columns["reconstruction"] = document["measures"]["reconstruction"]
    return columns


def _note_json(note: Judged) -> Any:
    names = [descriptor.name for descriptor in DESCRIPTORS]
    described = {kind: dict(zip(names, map(float, v), strict=True)) for kind, v in note.descriptors.items()}
    checks = {kind: dataclasses.asdict(found) for kind, found in note.checks.items()}
    plain = dataclasses.asdict(dataclasses.replace(note, descriptors={}, checks={}))
    return _without_nan(plain | {"checks": checks, "descriptors": described})


def _without_nan(value: Any) -> Any:
    """JSON knows no NaN: unpitched and missing become null."""
    if isinstance(value, dict):
        return {key: _without_nan(item) for key, item in value.items()}
    if isinstance(value, float):
        return None if np.isnan(value) else round(value, 3)
    return value


def _draw(path: Path, shown: Sequence[tuple[Judged, Sounds]], spec: Representation) -> None:
    """A row per note, a column per kind: log-frequency spectrograms, 80 dB down from the real note's loudest bin."""
    from matplotlib.figure import Figure  # slow to import, and only wanted here

    kinds = [kind for kind in KINDS if kind in shown[0][1]]
    figure = Figure(figsize=(4 * len(kinds), 2.1 * len(shown) + 0.5), layout="constrained")
    axes = figure.subplots(len(shown), len(kinds), squeeze=False, sharex=True, sharey=True)
    low, high = 30.0, spec.sample_rate / 2
    edges = np.geomspace(low, high, 257) / spec.bin_hz - 1  # in bins, counted from 0
    first = np.clip(np.floor(edges[:-1]).astype(int), 0, spec.bins - 1)
    ticks = [hz for hz in (50, 100, 200, 500, 1000, 2000, 5000, 10000) if hz < high]
    image: Any = None
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
