"""Columns of other models, to compare with: their figures, from their own reports."""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from gansynth_core.cards import ModelCard, in_new_words
from gansynth_core.errors import InputError
from gansynth_core.training.data.dataset import NoteSet
from gansynth_core.training.evaluation.figures import FORMAT, measured_notes
from gansynth_core.training.evaluation.judge import Judge
from gansynth_core.training.evaluation.notes import choose_notes


@dataclass(frozen=True)
class Column:
    """Another model's figures, from its report. name: the column's title."""

    name: str
    path: Path
    document: dict[str, Any]


def column_of(text: str) -> Column:
    """A column by `NAME=REPORT`, or `REPORT` alone for the model's id; REPORT is a report.json or its folder. Raises
    InputError if it cannot be read."""
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
    except (OSError, ValueError, KeyError, TypeError, RecursionError) as cause:
        raise InputError(f"'{path}' is not a report of this program: {str(cause)[:200]!r}.") from cause
    return Column(name, path, document)


def check_comparable(column: Column, judge: Judge, data: NoteSet, card: ModelCard, notes: int, seed: int) -> None:
    """Raises InputError, with the reason, for figures that cannot be compared with those of `judge` on these notes."""
    theirs = column.document
    if theirs["judge"]["sha256"] != judge.sha256:
        reason = f"by another judge ({theirs['judge']['sha256'][:12]}, not {judge.sha256[:12]})"
    elif theirs["seed"] != seed:
        reason = f"with another seed ({theirs['seed']}, not {seed})"
    elif theirs["data"]["measured_sha256"] != measured_notes(data, choose_notes(data, card, notes, seed)):
        reason = "on other notes"
    else:
        return
    raise InputError(f"'{column.path}' was measured {reason}, and cannot be compared with this report.")
