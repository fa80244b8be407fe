"""The command `data`: from soundfonts, NSynth or a folder of sounds to a training set."""

from __future__ import annotations

import argparse
import os
import sys
from typing import TYPE_CHECKING, Any

from gansynth_core.errors import InputError, nearest
from gansynth_core.pitches import pitch_name
from gansynth_core.training.data.engine import ENGINES

if TYPE_CHECKING:
    from gansynth_core.training.data.choose import Chosen
    from gansynth_core.training.data.dataset import NoteSet
    from gansynth_core.training.data.folder import WavFolder
    from gansynth_core.training.data.source import Source

SYNTHESIZERS = tuple(name for name in ENGINES if name != "gm")

_DEFAULT_PITCHES = (24, 84)  # C1 to C6, what the studio model learns
_KNOWN_PITCHES = {"studio": None, "studio-wide": None, "magenta": (24, 84)}  # by --spec: what its models know at most
MOST_TOLD = 20  # files of a folder that are not used
_RATES_HZ = (8000, 96000)  # what fluidsynth can render


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of the command."""
    parser.description = (
        "Turn sounds into a training set. Without --path it renders the General MIDI soundfont that Debian's "
        "fluid-soundfont-gm installs. Stop it with Ctrl-C whenever you like; the same command continues."
    )
    parser.add_argument(
        "--source",
        choices=("soundfont", "nsynth", "folder", "chosen", *SYNTHESIZERS),
        default="soundfont",
        help="what --path names: .sf2 files, unpacked NSynth archives, folders of WAV files named like cello_C3.wav or "
        "cello_048.wav, a choice of instruments made by 'choose' (chosen), or for a synthesizer the pool that "
        "'audition' made (default: soundfont)",
    )
    parser.add_argument("--path", nargs="+", help="a file or a folder, see --source; several make one set")
    parser.add_argument("--out", required=True, help="folder for the training set")
    parser.add_argument(
        "--spec",
        choices=("studio", "studio-wide", "magenta"),
        default="studio",
        help="which models it is for: studio (24 kHz, the default), studio at 48 kHz (twice the disk space) or "
        "Magenta's GANSynth (16 kHz, mel frequencies, a third more disk space)",
    )
    parser.add_argument(
        "--pitches",
        metavar="LOW-HIGH",
        help="MIDI numbers (default: 24-84 for a soundfont and for Magenta's models, else all)",
    )
    parser.add_argument("--instruments", metavar="A,B", help="only these (default: all)")
    parser.add_argument(
        "--variations",
        type=int,
        help="further copies of each key: of a soundfont with filter, envelope or vibrato changed (default: 3), of a "
        "synthesizer with what it lets one change (default: 0)",
    )
    parser.add_argument(
        "--doubled",
        type=int,
        help="soundfont: further copies of each key, each with two voices a few cents apart, which beat (default: 0)",
    )
    parser.add_argument(
        "--layers",
        type=int,
        help="soundfont: further copies of each key, each mixed with a random other instrument (default: 0)",
    )
    parser.add_argument("--table", help="folder: a CSV file with columns file,pitch,instrument (default: notes.csv)")
    parser.add_argument(
        "--octave",
        type=int,
        help="folder: added to the octaves in names, where middle C is not C4 (default: 0)",
    )
    parser.add_argument(
        "--naming",
        choices=("family", "family_source", "instrument"),
        help="nsynth: what counts as one instrument: a family such as brass, a family of one source such as "
        "brass_acoustic, or each of the 1,006 (default: family)",
    )
    parser.add_argument("--kinds", metavar="A,B", help="nsynth: acoustic, electronic, synthetic (default: all)")
    parser.add_argument(
        "--licence",
        help="soundfont, folder: licence of the sounds; models trained on them keep it (default for a folder: own "
        "recordings, not for redistribution)",
    )
    parser.add_argument(
        "--rate",
        type=int,
        help="sample rate in Hz; a note keeps its number of samples, so that twice the rate is half the seconds "
        "(default: the model's)",
    )
    parser.add_argument("--workers", type=int, help="processes to share the work (default: one per core)")
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")


def run(arguments: argparse.Namespace) -> None:
    """Prepare what `arguments` (parsed with `add_arguments`) ask for. Raises GanSynthError with a sentence; exits with
    status 130 when stopped by Ctrl-C."""
    from dataclasses import replace

    from gansynth_core.training.config import SPECS
    from gansynth_core.training.data.dataset import note_bytes, readable_size
    from gansynth_core.training.data.folder import WavFolder
    from gansynth_core.training.data.prepare import check_room, prepare

    workers = os.cpu_count() or 1 if arguments.workers is None else arguments.workers
    if workers < 1:
        raise InputError("--workers must be at least 1.")
    spec = SPECS[arguments.spec]
    rate = spec.sample_rate if arguments.rate is None else arguments.rate
    if not _RATES_HZ[0] <= rate <= _RATES_HZ[1]:
        raise InputError(f"A rate of {rate} Hz is not possible. Choose {_RATES_HZ[0]} to {_RATES_HZ[1]}.")
    spec = replace(spec, sample_rate=rate)
    sources = _sources(arguments, rate)
    total = 0
    for source in sources:
        plan = source.plan()
        total += len(plan)
        low, high = min(note.pitch for note in plan), max(note.pitch for note in plan)
        layers = sum(note.share > 0 for note in plan)
        print(
            f"{source.name}: {len(plan)} notes of {len({note.instrument for note in plan})} instruments"
            f"{f', {layers} of them of two at once' if layers else ''}, pitches {low:g}-{high:g}, licence "
            f"{source.licence}"
        )
        if isinstance(source, WavFolder):
            _tell_folder(source)
    hours = sum(len(source.plan()) / getattr(source, "notes_a_second", 40.0) for source in sources) / workers / 3600
    print(
        f"{total} notes of {spec.seconds:g} s at {rate / 1000:g} kHz take {readable_size(total * note_bytes(spec))} in "
        f"'{arguments.out}', and about {hours:.1f} hours; processes: {workers}",
        flush=True,
    )
    check_room(arguments.out, total, spec)
    if arguments.dry_run:
        return
    try:
        data = prepare(sources, arguments.out, spec, workers)
    except KeyboardInterrupt:
        print("\nStopped. Give the same command again to continue.", file=sys.stderr)
        raise SystemExit(130) from None
    _summarize(data, arguments.spec)


def _tell_folder(source: WavFolder) -> None:
    """What was read out of a folder's names, before anything is made of it."""
    from gansynth_core.training.data.doubts import doubt

    notes: dict[str, list[float]] = {}
    for note in source.plan():
        notes.setdefault(note.instrument, []).append(note.pitch)
    width = max(len(name) for name in notes)
    for name, pitches in sorted(notes.items()):
        low, high = pitch_name(min(pitches)), pitch_name(max(pitches))
        print(f"  {name:{width}}  {len(pitches):5} notes  {low if low == high else f'{low} to {high}'}")
    left_out = source.left_out
    for file, reason in left_out[:MOST_TOLD]:
        print(f"  not used: {file}: {reason}")
    if len(left_out) > MOST_TOLD:
        print(f"  not used: {len(left_out) - MOST_TOLD} more")
    if sentence := doubt(source):
        print(sentence)


def _summarize(data: NoteSet, recipe: str) -> None:
    from gansynth_core.training.data.dataset import note_bytes, readable_size
    from gansynth_core.training.data.prepare import skip_reasons

    reasons = skip_reasons(data.folder)
    print(
        f"Ready: {len(data)} notes ({readable_size(len(data) * note_bytes(data.spec))}) in '{data.folder}', "
        f"{len(data.held_out(layers=True))} of them held out from training, to measure it by."
    )
    if reasons:
        counted = ", ".join(f"{count} {reason}" for reason, count in reasons.most_common(8))
        print(f"Skipped: {reasons.total()} ({counted}); '{data.folder / 'skipped.txt'}' lists them.")
    print(f"Train on them with: python -m gansynth_core train --recipe {recipe} --data {data.folder} --out RUN")


def _sources(arguments: argparse.Namespace, rate: int) -> list[Source]:
    """The sources asked for, with only the options that were given, so that each keeps its own defaults."""
    foreign = {
        "doubled": "soundfont",
        "layers": "soundfont",
        "table": "folder",
        "octave": "folder",
        "naming": "nsynth",
        "kinds": "nsynth",
    }
    for option, source in foreign.items():
        if getattr(arguments, option) is not None and arguments.source != source:
            raise InputError(f"--{option} works with --source {source} only.")
    if arguments.variations is not None and arguments.source not in ("soundfont", "chosen", *SYNTHESIZERS):
        raise InputError("--variations works with a soundfont or a synthesizer only.")
    options: dict[str, Any] = {}
    if arguments.instruments:
        options["instruments"] = _names(arguments.instruments)
    if arguments.licence and arguments.source in ("soundfont", "folder"):
        options["licence"] = arguments.licence
    pitches = _pitches(arguments.pitches) if arguments.pitches else None
    pitches = pitches or _KNOWN_PITCHES[arguments.spec]

    if arguments.source == "soundfont":
        from gansynth_core.training.data.soundfont import DEFAULT_SOUNDFONT, Soundfont

        low, high = pitches or _DEFAULT_PITCHES
        copies: dict[str, Any] = {"variations": 3, "doubled": 0, "layers": 0}
        for name in copies:
            if (asked := getattr(arguments, name)) is not None:
                copies[name] = asked
            if copies[name] < 0:
                raise InputError(f"--{name} cannot be negative.")
        if copies["layers"] and arguments.spec == "magenta":
            raise InputError(
                "--layers works with --spec studio only: Magenta's models learn from notes of one instrument."
            )
        return [
            Soundfont(path, pitches=range(low, high + 1), sample_rate=rate, **copies, **options)
            for path in arguments.path or [DEFAULT_SOUNDFONT]
        ]
    if arguments.source in ("chosen", *SYNTHESIZERS):
        return _synthesized(arguments, pitches or _DEFAULT_PITCHES, rate, options)
    if not arguments.path:
        raise InputError(f"--source {arguments.source} needs --path, the folder that holds the sounds.")
    if pitches:
        options["pitches"] = pitches
    if arguments.source == "nsynth":
        from gansynth_core.training.data.nsynth import NSynth

        if arguments.naming:
            options["naming"] = arguments.naming
        if arguments.kinds:
            options["sources"] = _names(arguments.kinds)
        return [NSynth(path, **options) for path in arguments.path]

    from gansynth_core.training.data.folder import WavFolder

    if arguments.table and len(arguments.path) > 1:
        raise InputError("--table works with one --path. Of several, each can have its own notes.csv.")
    octave = arguments.octave or 0
    return [WavFolder(path, table=arguments.table, octave=octave, **options) for path in arguments.path]


def _synthesized(
    arguments: argparse.Namespace, pitches: tuple[int, int], rate: int, options: dict[str, Any]
) -> list[Source]:
    """A source for each synthesizer that plays what --path names: choices, or the pools of one synthesizer."""
    from gansynth_core.training.data.audition import read_pool
    from gansynth_core.training.data.choose import read_choice
    from gansynth_core.training.data.synthesizers import Synthesized, all_kept

    if not arguments.path:
        made_by = "choose" if arguments.source == "chosen" else "audition"
        raise InputError(f"--source {arguments.source} needs --path, what the command '{made_by}' made.")
    if (variations := arguments.variations or 0) < 0:
        raise InputError("--variations cannot be negative.")
    chosen: list[Chosen] = []
    for path in arguments.path:
        chosen += read_choice(path) if arguments.source == "chosen" else all_kept(read_pool(path, arguments.source))
    engines = dict.fromkeys(instrument.program.engine for instrument in chosen)
    wanted = options.get("instruments")
    if wanted:
        known = {instrument.name: instrument.program.engine for instrument in chosen}
        if unknown := [name for name in wanted if name not in known]:
            raise InputError(
                f"There is no instrument '{unknown[0]}' in '{arguments.path[0]}'.{nearest(unknown[0], known)}"
            )
        engines = dict.fromkeys(known[name] for name in wanted)
    return [
        Synthesized(
            engine,
            chosen,
            pitches=range(pitches[0], pitches[1] + 1),
            variations=variations,
            sample_rate=rate,
            instruments=tuple(name for name in wanted if known[name] == engine) if wanted else None,
        )
        for engine in engines
    ]


def _names(text: str) -> tuple[str, ...]:
    return tuple(name.strip() for name in text.split(",") if name.strip())


def _pitches(text: str) -> tuple[int, int]:
    low, _, high = text.partition("-")
    try:
        pitches = int(low), int(high or low)
    except ValueError:
        raise InputError(f"'{text}' is not a range of pitches. Write it like 24-84.") from None
    if not 0 <= pitches[0] <= pitches[1] <= 127:
        raise InputError(f"The pitches '{text}' must rise and lie in 0-127.")
    return pitches
