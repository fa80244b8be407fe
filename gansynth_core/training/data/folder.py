"""Notes from a plain folder of sound files: pitch and instrument from the files' names, or from a table."""

import csv
import os
import re
from pathlib import Path

from gansynth_core.errors import DataError, InputError
from gansynth_core.own import onset
from gansynth_core.pitches import NOTE_NAME, parse_pitch, pitch_of
from gansynth_core.sound import Clip
from gansynth_core.training.data.source import OWN_RECORDINGS, SourceNote, read_source_file

TABLE = "notes.csv"
SUFFIXES = (".wav", ".wave", ".flac", ".aif", ".aiff", ".ogg", ".oga", ".mp3", ".opus")
UNREADABLE = (".m4a", ".aac", ".mp4", ".wma", ".caf", ".ape", ".wv", ".rex", ".rx2")  # sounds that nothing here reads
DEFAULT_VELOCITY = 100  # for files that do not say how hard the key was struck

_NUMBER = re.compile(r"(?<![A-Za-z0-9.])\d{1,3}(?:\.\d+)?(?![A-Za-z0-9])")
_JOINED = re.compile(r"[A-Za-z]-$")  # before the number of a device, as in Juno-60
_APART = re.compile(r"(?<![A-Za-z0-9])([A-G][#♯b♭s]?)_(-?\d)$")  # C_4, at the end of a name
_LETTER = re.compile(r"(?<![A-Za-z0-9])[A-Ga-g][#♯b♭s]?[ _-]*$")  # a key without its octave: what follows is none
LOWEST_COUNTED, HIGHEST_COUNTED = 21, 108  # a piano's keys: two digits below, or beyond, are counted files
_VELOCITY = re.compile(r"(?<![A-Za-z0-9])v(?:el)?(\d{1,3})(?![A-Za-z0-9])", re.IGNORECASE)


class WavFolder:
    """Every sound file in a folder and its subfolders (WAV, FLAC, AIFF, OGG, MP3), one note each, from where it begins
    to sound. Hidden files and folders are passed over.

    A file's name gives the pitch as a note name or a MIDI number, and may give the velocity: `cello_C3.wav`,
    `Cello Db3.wav`, `cello_048.wav`, `violin_A4_v100.wav` (C4 is 60). A number that may be something else (`Kick 01`,
    `Juno-60 pad`, `piano_60_100`) is no pitch. The words before the pitch name the instrument, or else those after it,
    or else the subfolder.
    A table (`table`, or the folder's notes.csv) takes precedence where there is one: the columns file, pitch (note name
    or MIDI number, fractions allowed), instrument and velocity, the last two optional; files are relative to it.
    octave: added to the pitches that names tell, for those who call middle C otherwise than C4.
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
        licence: str = OWN_RECORDINGS,
        octave: int = 0,
        pitches: tuple[float, float] = (0, 127),
        instruments: tuple[str, ...] | None = None,
    ) -> None:
        self.path = Path(path).resolve()
        self.table = Path(table).resolve() if table is not None else None
        if not self.path.is_dir():
            raise DataError(f"There is no folder '{self.path}'.")
        self.name, self.licence, self.pitches, self.instruments = self.path.name, licence, pitches, instruments
        self.octave = octave
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
        clip = read_source_file(self._files[index])
        start = onset(clip.samples, clip.sample_rate)
        return Clip(clip.samples[start:], clip.sample_rate)

    def _why_empty(self, found: int) -> str:
        if found:
            return f"None of the {found} notes in '{self.path}' has the pitches and instruments asked for."
        if self.left_out:
            file, reason = self.left_out[0]
            return f"None of the {len(self.left_out)} sounds in '{self.path}' can be used; '{file}', for one: {reason}."
        return f"There are no sound files in '{self.path}' (looked for {', '.join(SUFFIXES)}, in its subfolders too)."

    def _sounds(self, suffixes: tuple[str, ...] = SUFFIXES) -> list[Path]:
        """All sound files; not the hidden ones (macOS keeps `._name.wav` beside `name.wav`), nor those in hidden
        folders such as `.ipynb_checkpoints`."""
        return sorted(
            file
            for file in self.path.rglob("*")
            if file.suffix.lower() in suffixes
            and not any(part.startswith(".") for part in file.relative_to(self.path).parts)
            and file.is_file()
        )

    def _leave_unreadable(self) -> None:
        self.left_out += [
            (str(file.relative_to(self.path)), f"{file.suffix.lower()} files are not read; save it as WAV or FLAC")
            for file in self._sounds(UNREADABLE)
        ]

    def _by_names(self) -> list[tuple[Path, SourceNote]]:
        found = []
        for file in self._sounds():
            origin = str(file.relative_to(self.path))
            try:
                instrument, pitch, velocity = parse_name(file.stem)
                pitch += 12 * self.octave
                if not 0 <= pitch <= 127:
                    raise DataError(f"its pitch is outside 0-127 with --octave {self.octave}")
            except DataError as error:
                self.left_out.append((origin, str(error)))
                continue
            instrument = instrument or instrument_name(file.parent.name)
            found.append((file, SourceNote(instrument, pitch, velocity, origin=origin)))
        self._leave_unreadable()
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
    Raises DataError with the reason if the pitch cannot be told without doubt.
    """
    velocity = DEFAULT_VELOCITY
    if match := _VELOCITY.search(stem):
        velocity = _velocity(match[1])
        stem = stem[: match.start()] + stem[match.end() :]
    stem = _APART.sub(r"\1\2", stem)
    names = [match for match in NOTE_NAME.finditer(stem) if 0 <= pitch_of(match) <= 127]
    place, pitch = (names[-1], float(pitch_of(names[-1]))) if names else _numbered(stem)
    before, behind = instrument_name(stem[: place.start()]), instrument_name(stem[place.end() :])
    return before or ("" if behind.isdigit() else behind), pitch, velocity


def _numbered(stem: str) -> tuple[re.Match[str], float]:
    """The number in a name that is its pitch. Raises DataError with the reason where none is so beyond doubt."""
    within = [
        match
        for match in _NUMBER.finditer(stem)
        if float(match[0]) <= 127 and (match[0].startswith("0") or not _JOINED.search(stem[: match.start()]))
    ]
    if not within:
        raise DataError("no pitch in its name")
    digits = {match: len(match[0].partition(".")[0]) for match in within}
    padded = [match for match in within if digits[match] == 3]
    others = [match for match in within if digits[match] == 2]
    if len(padded) == 1 and (padded[0][0].startswith("0") or not others):
        place = padded[0]
    elif padded or len(others) > 1:
        raise DataError("several numbers in its name could be the pitch")
    elif not others:
        raise DataError(f"'{within[-1][0]}' in its name seems to count files; write pitches as C4 or 060")
    else:
        place = others[0]
        if others[0][0].startswith("0") or not LOWEST_COUNTED <= float(place[0]) <= HIGHEST_COUNTED:
            raise DataError(f"'{place[0]}' in its name seems to count files; write pitches as C4 or 060")
        if len(within) > 1 or stem[place.end() :]:
            raise DataError(f"'{place[0]}' in its name may be something else; write pitches as C4 or 060")
    if _LETTER.search(stem[: place.start()]) and not place[0].startswith("0"):
        raise DataError(f"'{place[0]}' in its name follows a key, and may be a tempo; write pitches as C4 or 060")
    return place, float(place[0])


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
