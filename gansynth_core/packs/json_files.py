"""Plans and manifests as JSON files."""

import json
import os
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from gansynth_core.errors import InputError
from gansynth_core.files import replacing


def load_document(path: str | os.PathLike[str]) -> dict[str, Any]:
    """The JSON object in a file, checked for no more than that. Raises InputError."""
    try:
        document = json.loads(Path(path).read_text(encoding="utf-8"))
    except OSError as cause:
        raise InputError(f"Cannot read the plan '{path}': {cause.strerror}.") from cause
    except (ValueError, RecursionError) as cause:
        raise InputError(f"The plan '{path}' is not JSON: {cause}.") from cause
    if not isinstance(document, dict):
        raise InputError(f"The plan '{path}' is not a JSON object.")
    return document


def save_lines(
    path: str | os.PathLike[str], head: Mapping[str, object], key: str, rows: Iterable[Mapping[str, object]]
) -> None:
    """Write the JSON object `head` with a last entry `key`, a list of `rows`, one a line and never all in memory.
    Raises GanSynthError."""
    with replacing(path) as partial, open(partial, "w", encoding="utf-8", newline="\n") as file:
        file.write(json.dumps(head, indent=1).removesuffix("\n}") + f',\n "{key}": [')
        for number, row in enumerate(rows):
            file.write((",\n  " if number else "\n  ") + json.dumps(row))
        file.write("\n ]\n}\n")
