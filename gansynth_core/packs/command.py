"""`python -m gansynth_core pack`: a sample pack from a plan, or from an instrument in one line."""

import argparse
import contextlib
import functools
from collections.abc import Iterator
from typing import Any

from gansynth_core.errors import InputError
from gansynth_core.packs.devices import DEVICES
from gansynth_core.packs.json_files import load_document
from gansynth_core.packs.most_different import most_different
from gansynth_core.packs.naming import PROFILES
from gansynth_core.packs.options import FORMATS, LEVELS, MEASURES, REJECTS
from gansynth_core.packs.parts import MOST_IN_PARTS, NOTES_A_PART, write_parts
from gansynth_core.packs.plan import MOST_NOTES, PackPlan
from gansynth_core.packs.render import Progress, write_pack
from gansynth_core.pitches import parse_pitch
from gansynth_core.synth import Synth

_SHORT_FORM = (
    *("instrument", "seed", "count", "different", "range", "every", "key", "name", "bits", "rate", "naming", "level"),
    *("measure", "lufs", "rejects", "layers", "takes", "loops", "stereo", "formats", "release", "device", "author"),
    *("copyright", "comment"),
)
_SUBTYPE_OF = {"16": "PCM_16", "24": "PCM_24", "float": "FLOAT"}


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `pack`."""
    parser.add_argument("plan", nargs="?", help="the plan (a JSON file); without one, use the options below")
    parser.add_argument(
        "--out",
        required=True,
        metavar="ZIP",
        help="the pack to write (must not exist yet), or the folder for its parts",
    )
    parser.add_argument("--resume", action="store_true", help="continue an export that was stopped")
    parser.add_argument("--dry-run", action="store_true", help="print size and time, then stop")
    parser.add_argument("--model", help="model, or its folder (default: the plan's, or studio)")
    parts = parser.add_argument_group(
        "a library in parts: packs in the folder OUT, made by several processes or machines"
    )
    parts.add_argument("--workers", type=int, metavar="N", help="number of processes on this machine")
    parts.add_argument("--cluster", metavar="ADDRESS", help="address of a Dask scheduler, such as tcp://host:8786")
    parts.add_argument("--notes-a-part", type=int, metavar="N", help=f"most notes in a part (default: {NOTES_A_PART})")
    short = parser.add_argument_group("instead of a plan")
    short.add_argument("--instrument", help="instrument, such as violin")
    short.add_argument("--seed", type=int, help="which of the instrument's sounds (default: 0)")
    short.add_argument("--count", type=int, help="how many sounds, starting at that seed (default: 1)")
    short.add_argument("--different", type=int, metavar="N", help="keep only the N that sound most different")
    short.add_argument("--range", metavar="LOW-HIGH", help="lowest and highest key, 36-84 or C2-C6 (default: all)")
    short.add_argument("--every", type=int, help="semitones from note to note (default: 3)")
    short.add_argument("--key", help="make one-shots at this key, such as 60 or C4")
    short.add_argument("--name", help="name of the pack (default: the instrument's)")
    short.add_argument("--bits", choices=_SUBTYPE_OF, help="16, 24 (default) or float")
    short.add_argument("--rate", type=int, help="44100 (default), 48000 or the model's own, in Hz")
    short.add_argument("--naming", choices=PROFILES, help="sampler (default): MIDI number last; marketplace: key last")
    short.add_argument("--level", choices=LEVELS, help="set the level of each sound (default) or of each note")
    short.add_argument(
        "--measure", choices=MEASURES, help="peak: -1 dBTP (default); loudness: --lufs, with peaks limited to -1 dBTP"
    )
    short.add_argument("--lufs", type=float, help="the loudness to aim at, -36 to -6 LUFS (default: -12)")
    short.add_argument(
        "--rejects", choices=REJECTS, help="notes that fail a quality check: drop (default), keep, or reroll the sound"
    )
    short.add_argument("--layers", type=int, help="velocity layers, 1-4 (default: 1)")
    short.add_argument("--takes", type=int, help="takes of every note, 1-4, played in turn (default: 1)")
    short.add_argument("--no-loops", dest="loops", action="store_false", default=None, help="leave out sustain loops")
    short.add_argument("--stereo", action="store_true", default=None, help="widen the mono notes to stereo")
    short.add_argument(
        "--formats", nargs="+", choices=FORMATS, help="sampler formats beside the WAV files (default: sfz dspreset)"
    )
    short.add_argument("--release", type=float, help="seconds a note fades after its key is released (default: 0.3)")
    short.add_argument("--device", choices=DEVICES, help="make presets of this hardware sampler, within its limits")
    short.add_argument("--author", help="who made the pack: in every file that has a place for it")
    short.add_argument("--copyright", help="what may be done with it (default: CC0, royalty-free)")
    short.add_argument("--comment", help="anything else, in a line")


def run(arguments: argparse.Namespace) -> None:
    """Make the pack that the command line asks for, with a progress line."""
    in_parts = arguments.workers is not None or arguments.cluster is not None
    if arguments.notes_a_part is not None and not (in_parts and arguments.notes_a_part > 0):
        raise InputError("--notes-a-part must be above 0, and needs --workers or --cluster.")
    document = _document(arguments)
    model = arguments.model or document.get("model", "studio")
    synth = Synth.load(model)
    choose = functools.partial(most_different, synth)
    most_notes = MOST_IN_PARTS if in_parts else MOST_NOTES
    plan = PackPlan.from_json(document, synth.card, choose=choose, most_notes=most_notes)
    print(plan.estimate(synth.card))
    if arguments.dry_run:
        plan.check(synth.card, most_notes)
        return
    if in_parts:
        options = {"workers": arguments.workers or 2, "cluster": arguments.cluster}
        with _progress(plan.notes) as progress:
            reports = write_parts(
                plan,
                model,
                arguments.out,
                notes_a_part=arguments.notes_a_part or NOTES_A_PART,
                progress=progress,
                **options,
            )
    else:
        with _progress(plan.renders) as progress:
            reports = [write_pack(plan, synth, arguments.out, resume=arguments.resume, progress=progress)]
    for report in reports:
        print(f"{report.path}: {report.notes} {'note' if report.notes == 1 else 'notes'}, {report.bytes / 1e6:.1f} MB")
    left_out, kept = sum(report.left_out for report in reports), sum(report.kept for report in reports)
    if left_out or kept:
        print(f"{left_out} left out and {kept} kept despite a fault: see manifest.json in the pack.")
    if findings := sum(report.findings for report in reports):
        print(f"Read back, it has {findings} {'fault' if findings == 1 else 'faults'}: see manifest.json in the pack.")


@contextlib.contextmanager
def _progress(total: int) -> Iterator[Progress]:
    """A progress line; what an earlier, stopped export had done does not count towards the time left."""
    from tqdm import tqdm

    begun = False
    with tqdm(total=total, unit="note") as bar:

        def progress(done: int, total: int) -> None:
            nonlocal begun
            if not begun:
                begun, bar.initial, bar.n = True, done, done
            bar.update(done - bar.n)

        yield progress


def _document(arguments: argparse.Namespace) -> dict[str, Any]:
    """The plan as a JSON document, read from its file or made from the options."""
    given = [name for name in _SHORT_FORM if getattr(arguments, name) is not None]
    if arguments.plan:
        if given:
            raise InputError(f"--{given[0]} belongs in the plan. Give a plan or options, not both.")
        document = load_document(arguments.plan)
        if not isinstance(document.get("model", ""), str):
            raise InputError(f"The model of a plan must be a name, not {document['model']!r}.")
        return document
    if arguments.instrument is None and arguments.seed is None:  # a seed is enough for a model without instruments
        raise InputError("Give a plan (a JSON file), or --instrument for a pack of one instrument.")
    options = {
        "name": arguments.name or arguments.instrument or f"sound {arguments.seed}",
        "subtype": _SUBTYPE_OF.get(arguments.bits),
        "sample_rate": arguments.rate,
        "naming": arguments.naming,
        "level": arguments.level,
        "measure": arguments.measure or (None if arguments.lufs is None else "loudness"),
        "loudness_lufs": arguments.lufs,
        "rejects": arguments.rejects,
        "velocity_layers": arguments.layers,
        "round_robins": arguments.takes,
        "loops": arguments.loops,
        "stereo": arguments.stereo,
        "formats": arguments.formats,
        "release_seconds": arguments.release,
        "device": arguments.device,
        "author": arguments.author,
        "copyright": arguments.copyright,
        "comment": arguments.comment,
    }
    item = {"instrument": arguments.instrument, "seed": arguments.seed, "count": arguments.count}
    item = {name: value for name, value in item.items() if value is not None}
    return {
        "format": 1,
        "items": [item if arguments.different is None else {"different": arguments.different, "among": [item]}],
        "pitches": _pitches(arguments),
    } | {name: value for name, value in options.items() if value is not None}


def _pitches(arguments: argparse.Namespace) -> object:
    if arguments.key is not None:
        if arguments.range or arguments.every:
            raise InputError("--key makes one-shots: leave out --range and --every.")
        return _key(arguments.key)
    every = 3 if arguments.every is None else arguments.every
    if arguments.range is None:
        return {"every": every}
    low, dash, high = arguments.range.partition("-")
    if not dash:
        raise InputError(f"'{arguments.range}' is not a range of keys. Write LOW-HIGH, such as 36-84 or C2-C6.")
    return {"low": _key(low), "high": _key(high), "every": every}


def _key(text: str) -> int:
    pitch = parse_pitch(text)
    if not pitch.is_integer():
        raise InputError(f"'{text}' is not a key: samplers only know whole MIDI numbers.")
    return int(pitch)
