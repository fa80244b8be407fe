"""What commands have in common: options for output, several notes and sounds in one word, refusing to overwrite."""

import argparse
import json
import logging
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gansynth_core.errors import InputError
from gansynth_core.pitches import parse_pitch

if TYPE_CHECKING:  # listing models needs no sound library
    from gansynth_core.sound import Clip

STDOUT = "-"  # as a file's name


def add_device(parser: argparse.ArgumentParser) -> None:
    """--device, where the network runs."""
    parser.add_argument("--device", default="auto", help="auto (default: CUDA where there is a GPU), cpu, cuda or mps")


def add_json(parser: argparse.ArgumentParser) -> None:
    """--json, for other programs."""
    parser.add_argument("--json", action="store_true", help="print JSON")


def add_out(parser: argparse.ArgumentParser, default: str, help_text: str) -> None:
    """-o and --force, for a command that writes sounds."""
    parser.add_argument(
        "-o", "--out", default=default, help=f"{help_text}; - for standard output, as WAV (default: {default})"
    )
    parser.add_argument("--force", action="store_true", help="replace files that are there already")


def add_verbose(parser: argparse.ArgumentParser) -> None:
    """-v, for every command."""
    parser.add_argument("-v", "--verbose", action="count", default=0, help="say what is done; -vv says more")


@contextmanager
def logged(verbose: int) -> Iterator[None]:
    """While it lasts, the package's log goes to standard error: warnings, with -v what is done, with -vv all of it."""
    log, handler = logging.getLogger("gansynth_core"), logging.StreamHandler(sys.stderr)
    handler.setFormatter(logging.Formatter("%(relativeCreated)6d ms  %(message)s"))
    before = log.level
    log.setLevel({0: logging.WARNING, 1: logging.INFO}.get(verbose, logging.DEBUG))
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.setLevel(before)


def check_new(paths: Iterable[Path], force: bool) -> None:
    """Raise InputError if one of the files that are to be written is there already, unless `force`."""
    there = [path for path in paths if path.exists()] if not force else []
    if there:
        more = f" (and {len(there) - 1} more)" if len(there) > 1 else ""
        raise InputError(f"'{there[0]}'{more} is there already. Choose another name with -o, or --force to replace it.")


def write_stdout(data: bytes) -> None:
    """Write a file to standard output. Raises InputError if that is a terminal."""
    if sys.stdout.isatty():
        raise InputError("A terminal shows no sounds. Send standard output to a file or another program: -o - | play -")
    sys.stdout.buffer.write(data)
    sys.stdout.buffer.flush()


def print_json(value: object) -> None:
    """Print a JSON document."""
    print(json.dumps(value, indent=1, ensure_ascii=False))


def check_out(arguments: argparse.Namespace) -> None:
    """Raise InputError or AudioError unless the one sound of a command with `add_out` can go where -o says."""
    from gansynth_core.sound import check_ending

    if arguments.out != STDOUT:
        check_ending(Path(arguments.out))
        check_new([Path(arguments.out)], arguments.force)


def deliver(clip: "Clip", arguments: argparse.Namespace, facts: Mapping[str, Any]) -> None:
    """Save a sound where -o says and tell of it: its file's name, or with --json an object with `facts`."""
    if arguments.out == STDOUT:
        write_stdout(clip.wav())
        return
    path = clip.save(arguments.out)
    if arguments.json:
        print_json({"file": str(path), "sample_rate": clip.sample_rate, **facts})
    else:
        print(path)


def parse_pitches(texts: Iterable[str]) -> list[float]:
    """The notes that words mean: `60`, `C4`, and ranges of keys, `C3-C5` or every third of them, `C3-C5:3`. Raises
    InputError."""
    return [pitch for text in texts for pitch in _range(text)]


def _range(text: str) -> list[float]:
    whole, colon, step = text.partition(":")
    for place in (place for place, letter in enumerate(whole) if letter == "-" and 0 < place < len(whole) - 1):
        try:
            low, high = parse_pitch(whole[:place]), parse_pitch(whole[place + 1 :])
        except InputError:
            continue  # the dash of C-1
        if not (low.is_integer() and high.is_integer() and low <= high):
            raise InputError(f"'{text}' is not a range of keys. Write the lower one first, such as C3-C5.")
        if colon and not (step.isdecimal() and int(step) > 0):
            raise InputError(f"'{text}' is not a range of keys: after the colon comes the step, such as C3-C5:3.")
        return [float(key) for key in range(int(low), int(high) + 1, int(step) if colon else 1)]
    return [parse_pitch(text)]


def parse_instrument(text: str) -> str | dict[str, float]:
    """An instrument, or several with their weights: `violin`, `violin:0.5,flute:0.5`, `violin,flute` for equal parts.
    Raises InputError."""
    if "," not in text and ":" not in text:
        return text
    weights: dict[str, float] = {}
    for part in text.split(","):
        name, colon, weight = part.partition(":")
        try:
            weights[name.strip()] = weights.get(name.strip(), 0.0) + (float(weight) if colon else 1.0)
        except ValueError as cause:
            raise InputError(f"'{part}' is no part of a mixture. Write violin:0.5,flute:0.5.") from cause
    return weights
