"""Notes from a plain folder of sound files: pitch and instrument from the files' names, or from a table."""

import csv
import os
import re
from pathlib import Path

from gansynth_core.errors import DataError, InputError
from gansynth_core.pitches import NOTE_NAME, parse_pitch, pitch_of
from gansynth_core.sound import Clip
from gansynth_core.training.data.source import SourceNote, read_source_file

TABLE = "notes.csv"
SUFFIXES = (".wav", ".wave", ".flac", ".aif", ".aiff")
DEFAULT_VELOCITY = 100  # for files that do not say how hard the key was struck

_NUMBER = re.compile(r"(?<![A-Za-z0-9.])\d{1,3}(?:\.\d+)?(?![A-Za-z0-9])")
_VELOCITY = re.compile(r"(?<![A-Za-z0-9])v(?:el)?(\d{1,3})(?![A-Za-z0-9])", re.IGNORECASE)


class WavFolder:
    """Every sound file in a folder and its subfolders (WAV; FLAC and AIFF too), one note each.

    A file's name gives the pitch as a note name or a MIDI number, and may give the velocity: `cello_C3.wav`,
    `Cello Db3.wav`, `cello_048.wav`, `violin_A4_v100.wav` (C4 is 60). The words before the pitch name the instrument,
    or else those after it, or else the subfolder.
    A table (`table`, or the folder's notes.csv) takes precedence where there is one: the columns file, pitch (note name
    or MIDI number, fractions allowed), instrument and velocity, the last two optional; files are relative to it.
    pitches: the lowest and highest MIDI pitch wanted. instruments: those wanted, by their names in lower case with
    underscores. Sounds of unknown pitch are `left_out`.
    `plan` raises DataError if the folder or table is missing or damaged, or if it has no usable note.
    """

    variation_names: tuple[str, ...] = ()

    def __init__(
        self,
        path: str | os.PathLike[str],
        *,
        table: str | os.PathLike[str] | None = None,
        licence: str = "unknown",
        pitches: tuple[float, float] = (0, 127),
        instruments: tuple[str, ...] | None = None,
    ) -> None:
        self.path = Path(path).resolve()
        self.table = Path(table).resolve() if table is not None else None
        if not self.path.is_dir():
            raise DataError(f"There is no folder '{self.path}'.")
        self.name, self.licence, self.pitches, self.instruments = self.path.name, licence, pitches, instruments
        self.left_out: list[tuple[str, str]] = []
        self._plan: list[SourceNote] = []
        self._files: list[Path] = []

    def plan(self) -> list[SourceNote]:
        if not self._plan:
            self.left_out, self._files = [], []
            table = self.table or self.path / TABLE
            found = self._by_table(table) if self.table or table.is_file() else self._by_names()
            low, high = self.pitches
            for file, note in found:
                if low <= note.pitch <= high and (self.instruments is None or note.instrument in self.instruments):
                    self._files.append(file)
                    self._plan.append(note)
            if not self._plan:
                raise DataError(self._why_empty(len(found)))
        return self._plan

    def read(self, index: int) -> Clip:
        return read_source_file(self._files[index])

    def _why_empty(self, found: int) -> str:
        if found:
            return f"None of the {found} notes in '{self.path}' has the pitches and instruments asked for."
        if self.left_out:
            file, reason = self.left_out[0]
            return f"None of the {len(self.left_out)} sounds in '{self.path}' can be used; '{file}', for one: {reason}."
        return f"There are no sound files in '{self.path}' (looked for {', '.join(SUFFIXES)}, in its subfolders too)."

    def _sounds(self) -> list[Path]:
        """All sound files; not the hidden ones (macOS keeps `._name.wav` beside `name.wav`)."""
        return sorted(
            file
            for file in self.path.rglob("*")
            if file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and file.is_file()
        )

    def _by_names(self) -> list[tuple[Path, SourceNote]]:
        found = []
        for file in self._sounds():
            origin = str(file.relative_to(self.path))
            try:
                instrument, pitch, velocity = parse_name(file.stem)
            except DataError as error:
                self.left_out.append((origin, str(error)))
                continue
            instrument = instrument or instrument_name(file.parent.name)
            found.append((file, SourceNote(instrument, pitch, velocity, origin=origin)))
        return found

    def _by_table(self, table: Path) -> list[tuple[Path, SourceNote]]:
        try:
            text = table.read_text(encoding="utf-8-sig")
        except (OSError, UnicodeDecodeError) as cause:
            raise DataError(f"Cannot read the table '{table}': {cause}") from cause
        first = text.partition("\n")[0]
        try:
            rows = list(csv.reader(text.splitlines(), delimiter=";" if ";" in first and "," not in first else ","))
        except csv.Error as cause:  # such as a cell of more than 131,072 letters
            raise DataError(f"Cannot read the table '{table}': {cause}.") from cause
        columns = [column.strip().lower() for column in rows[0]] if rows else []
        if not {"file", "pitch"} <= set(columns):
            raise DataError(
                f"The table '{table}' must begin with the names of its columns, such as file,pitch,instrument."
            )
        found, listed = [], set()
        for row in rows[1:]:
            cells = dict(zip(columns, (cell.strip() for cell in row), strict=False))
            if not cells.get("file"):
                continue
            file = table.parent / cells["file"]
            listed.add(file.resolve())
            try:
                pitch = parse_pitch(cells.get("pitch", ""))
                velocity = _velocity(cells.get("velocity", ""))
            except (DataError, InputError) as error:
                self.left_out.append((cells["file"], str(error)))
                continue
            instrument = instrument_name(cells.get("instrument", "")) or instrument_name(file.parent.name)
            found.append((file, SourceNote(instrument, pitch, velocity, origin=cells["file"])))
        self.left_out += [
            (str(file.relative_to(self.path)), f"not in {table.name}") for file in self._sounds() if file not in listed
        ]
        return found


def instrument_name(text: str) -> str:
    """`text` in lower case with underscores between words: `Grand Piano` is `grand_piano`."""
    return re.sub(r"[\W_]+", "_", text.lower()).strip("_")


def parse_name(stem: str) -> tuple[str, float, int]:
    """(instrument, MIDI pitch, velocity) that a file's name tells; the instrument is "" if the name is but a pitch.

    A note name is believed before a number, the last before others, and a number of three digits before others.
    Raises DataError with the reason if the pitch cannot be told.
    """
    velocity = DEFAULT_VELOCITY
    if match := _VELOCITY.search(stem):
        velocity = _velocity(match[1])
        stem = stem[: match.start()] + stem[match.end() :]
    names = [match for match in NOTE_NAME.finditer(stem) if 0 <= pitch_of(match) <= 127]
    if names:
        place, pitch = names[-1], float(pitch_of(names[-1]))
    else:
        numbers = [match for match in _NUMBER.finditer(stem) if float(match[0]) <= 127]
        if len(numbers) > 1:
            numbers = [match for match in numbers if len(match[0].partition(".")[0]) == 3]
            if len(numbers) != 1:
                raise DataError("several numbers in its name could be the pitch")
        if not numbers:
            raise DataError("no pitch in its name")
        place, pitch = numbers[0], float(numbers[0][0])
    before, behind = instrument_name(stem[: place.start()]), instrument_name(stem[place.end() :])
    return before or ("" if behind.isdigit() else behind), pitch, velocity


def _velocity(text: str) -> int:
    if not text:
        return DEFAULT_VELOCITY
    try:
        velocity = round(float(text))
    except (ValueError, OverflowError):
        velocity = 0
    if not 1 <= velocity <= 127:
        raise DataError(f"its velocity '{text}' is outside 1-127")
    return velocity
