"""The command line: python -m gansynth_core COMMAND. Each command imports what it needs and no more, so that a note
does not wait for matplotlib."""

import argparse
import importlib
import io
import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, TypeAlias

from gansynth_core import __version__, commands, note_commands
from gansynth_core.errors import GanSynthError, InputError, ToolError, nearest

Arguments = argparse.Namespace
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # argparse has no public name for it


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 1 a sentence was printed instead, 2 for options that are not
    there, 130 stopped by Ctrl-C."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):  # a console of Windows may lack a sign such as ♯
            stream.reconfigure(errors="replace")
    arguments = parse(list(sys.argv[1:] if argv is None else argv))
    try:
        with commands.logged(arguments.verbose):
            arguments.run(arguments)
    except GanSynthError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 130
    except BrokenPipeError:  # the reader of a pipe (`| head`) has seen enough
        sys.stderr.close()
    except OSError as error:  # a full disk, a folder without write permission, an impossible path
        where = f" '{error.filename}'" if error.filename else ""
        print(f"Failed{where}: {error.strerror or error}.", file=sys.stderr)
        return 1
    return 0


def parse(argv: Sequence[str]) -> Arguments:
    """The arguments of a command line. What it does not know ends in the usage of the command in question."""
    arguments, unknown = _parser(_typed(argv)).parse_known_args(argv)
    if unknown:
        command: argparse.ArgumentParser = arguments.parser
        options = [option for action in command._actions for option in action.option_strings]
        hint = nearest(unknown[0].partition("=")[0], options) if unknown[0].startswith("-") else ""
        command.error(f"unrecognized arguments: {' '.join(unknown)}.{hint}")
    return arguments


def _typed(argv: Sequence[str]) -> list[str]:
    """The command's name, if one is typed: whatever may stand before it is not a name of its own."""
    return [word for word in argv if not word.startswith("-")][:1]


def _parser(typed: Sequence[str] | None) -> argparse.ArgumentParser:
    """The parser; `typed` holds the command's name, whose options alone have to be known (None: those of all)."""
    parser = argparse.ArgumentParser(
        prog="gansynth" if Path(sys.argv[0]).stem == "gansynth" else "python -m gansynth_core",
        description="Instrument notes from a neural network: make them, train the network, measure it.",
    )
    parser.add_argument("--version", action="version", version=f"GANSynth Studio {__version__}")
    listed = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    command = _add(listed, "generate", note_commands.generate, "make notes and save them as sound files")
    note_commands.add_generate(command)
    command = _add(listed, "glide", note_commands.glide, "make a note whose timbre moves from sound to sound")
    note_commands.add_glide(command)
    command = _add(listed, "encode", note_commands.encode, "find the sound of a model that comes nearest to a file")
    note_commands.add_encode(command)

    command = _add(listed, "instruments", _instruments, "list the instruments of a model, by family")
    command.add_argument("--model", default="studio", help="which model (default: studio)")
    commands.add_json(command)
    commands.add_json(_add(listed, "models", _models, "list the models on this machine"))
    commands.add_json(_add(listed, "tunings", _tunings, "list the tunings that have a name"))

    for name, module, help_text in _MODULES:
        _add_module(typed, listed, name, module, help_text)
    command = _add(listed, "train", _train, "train a model on a training set, or continue training it")
    _train_arguments(command)
    command = _add(listed, "completion", _completion, "print what lets a shell complete these commands")
    command.add_argument("shell", choices=SHELLS, help="which shell; see docs/python.md for what to do with it")
    return parser


_MODULES = (
    ("import-magenta", "gansynth_core.magenta_import", "import a checkpoint of Magenta's GANSynth"),
    ("name-sounds", "gansynth_core.named_sounds", "name sounds of a model that has no instruments"),
    ("pack", "gansynth_core.packs.command", "make a sample pack that opens in a sampler"),
    ("check-pack", "gansynth_core.packs.check", "check that a finished pack is fit to ship"),
    ("midi", "gansynth_core.midi.command", "play a MIDI file, each part with its sound"),
    ("render-midi", "gansynth_core.midi.command", "the same as midi: its name of before"),
    ("atlas", "gansynth_core.atlas", "make a map of a model's sounds, to explore by ear"),
    ("directions", "gansynth_core.training.directions.command", "find the directions that sliders move along"),
    ("data", "gansynth_core.training.data.command", "turn sounds into a training set"),
    (
        "audition",
        "gansynth_core.training.data.audition",
        "try the programs of synthesizers, and keep those to learn from",
    ),
    ("choose", "gansynth_core.training.data.choose", "choose instruments that differ out of those auditioned"),
    ("evaluate", "gansynth_core.training.evaluation.command", "compare a model with real notes"),
    ("judge", "gansynth_core.training.evaluation.judge", "train the judge used by evaluate"),
    ("voice", "gansynth_core.training.voice", "from soundfonts and synthesizers to a new voice, by all these commands"),
    ("bench", "gansynth_core.bench", "measure speed and memory on this machine"),
)


def _add(listed: Commands, name: str, run: Callable[[Arguments], None], help_text: str) -> argparse.ArgumentParser:
    description = help_text[0].upper() + help_text[1:] + "."
    command = listed.add_parser(name, help=help_text, description=description)
    command.set_defaults(run=run, parser=command)
    commands.add_verbose(command)
    return command


def _add_module(typed: Sequence[str] | None, listed: Commands, name: str, module: str, help_text: str) -> None:
    """A command whose options live beside its code. The module is imported only if this is the command typed."""
    command = _add(listed, name, lambda arguments: None, help_text)
    if typed is None or name in typed:
        loaded = importlib.import_module(module)
        loaded.add_arguments(command)
        command.set_defaults(run=loaded.run)


def _instruments(arguments: Arguments) -> None:
    from gansynth_core.cards import load_card, model_folder

    card = load_card(model_folder(arguments.model))
    if arguments.json:
        commands.print_json({family: list(names) for family, names in card.families().items()})
        return
    if not card.families():
        print(f"'{card.id}' has no instruments to choose from. The command 'name-sounds' names some of its sounds.")
    for family, names in card.families().items():
        print(family)
        for name in names:
            print(f"  {name}")


def _models(arguments: Arguments) -> None:
    from gansynth_core.cards import MODELS_VARIABLE, find_models, load_card

    models = find_models()
    told: list[dict[str, Any]] = []
    for model, folder in models.items():
        try:
            card = load_card(folder)
        except GanSynthError as error:
            told.append({"id": model, "folder": str(folder), "error": str(error)})
            if not arguments.json:
                print(f"{model}: {error}")
            continue
        names = card.instruments or card.named_sounds
        kind = "instruments" if card.instruments else "named sounds"
        spec = card.specgram
        told.append(
            {"id": model, "title": card.title, "family": card.family, "folder": str(folder), "sha256": card.sha256}
            | {"latent_size": card.latent_size, kind.replace(" ", "_"): len(names)}
            | {"pitch_low": card.pitch_low, "pitch_high": card.pitch_high}
            | {"sample_rate": spec.sample_rate, "seconds": spec.seconds, "licence": card.licence}
        )
        if not arguments.json:
            pitches = f"pitches {card.pitch_low}-{card.pitch_high}"
            print(f"{model}: {card.family}, {len(names)} {kind}, {pitches}, {spec.sample_rate / 1000:g} kHz, {folder}")
    if arguments.json:
        commands.print_json(told)
    elif not models:
        print(f"No models were found. Set {MODELS_VARIABLE} to a folder that holds some.")


def _tunings(arguments: Arguments) -> None:
    from gansynth_core.tunings import TUNINGS

    if arguments.json:
        commands.print_json(dict(TUNINGS))
        return
    width = max(map(len, TUNINGS))
    for name, title in TUNINGS.items():
        print(f"{name:<{width}}  {title}")
    print("Also N-edo for N equal steps an octave, NAME@415 for another A4, and Scala's files: scale.scl,keyboard.kbm.")


SHELLS = ("bash", "zsh", "fish")


FILES = ("out", "wav", "z", "sound", "sounds", "song", "plan", "data", "checkpoint", "notes")  # arguments that name one


def _completion(arguments: Arguments) -> None:
    from gansynth_core.cards import find_models
    from gansynth_core.instruments import GM_INSTRUMENTS
    from gansynth_core.tunings import TUNINGS

    try:
        import shtab
    except ImportError as cause:
        raise ToolError("Shell completion needs shtab: pip install shtab.") from cause
    parser = _parser(None)
    parser.prog = "gansynth"
    known = {"instrument": GM_INSTRUMENTS, "model": sorted(find_models()), "tuning": list(TUNINGS)}
    listed = next(action for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    for command in listed.choices.values():
        for action in command._actions:  # the parser is only printed: what it offers is no limit to what may be given
            if action.dest in known:
                action.choices = known[action.dest]
            elif action.dest in FILES:
                action.complete = shtab.FILE
    print(shtab.complete(parser, arguments.shell))


def _train_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--recipe",
        default="studio",
        help="named settings. Reconstruction: studio (default, for a CPU), studio-gpu or tiny. After it: textures with "
        "studio-textures, studio-textures-gpu or tiny-textures, the adversarial stage with studio-gan or tiny-gan, and "
        "the upper half of a 48 kHz voice with studio-48k or tiny-48k. For a set made with 'data --spec magenta': "
        "magenta, magenta-small or magenta-tiny",
    )
    command.add_argument(
        "--data",
        nargs="+",
        required=True,
        help="the training set, made by the command 'data'. With several, each batch takes a share from the first "
        "(--set first_share=0.35), and from the others each instrument as often as any other",
    )
    command.add_argument("--out", required=True, help="run folder; the same command again continues where it stopped")
    command.add_argument(
        "--start-from",
        metavar="MODEL",
        help="studio model to start from, by its id or folder; all that comes after reconstruction needs one",
    )
    command.add_argument("--device", default="auto", help="auto (default), cpu or cuda")
    command.add_argument("--steps", type=int, help="stop after this many steps, to continue later")
    command.add_argument("--dry-run", action="store_true", help="print what would be trained, then stop")
    command.add_argument(
        "--set",
        nargs="+",
        default=[],
        metavar="OPTION=VALUE",
        help="change settings of the recipe, such as notes=100000",
    )


def _train(arguments: Arguments) -> None:
    import json

    from gansynth_core.cards import model_folder
    from gansynth_core.training.data.dataset import open_sets
    from gansynth_core.training.loop import describe, train
    from gansynth_core.training.parallel import is_first
    from gansynth_core.training.recipes import RECIPES

    if arguments.recipe not in RECIPES:
        hint = nearest(arguments.recipe, RECIPES)
        raise InputError(f"There is no recipe '{arguments.recipe}'.{hint} Choose from {', '.join(RECIPES)}.")
    config = RECIPES[arguments.recipe].replace(**dict(_parse_setting(text) for text in arguments.set))
    data = open_sets(arguments.data)
    begun = model_folder(arguments.start_from) if arguments.start_from else None
    if arguments.dry_run:
        print(json.dumps(config.to_json(), indent=1))
        print(describe(config, data, arguments.out, arguments.device, begun))
        return
    snapshot = train(config, data, arguments.out, arguments.device, arguments.steps, begun)
    if is_first():
        print(snapshot or f"'{arguments.out}' holds the state. Give the same command again to continue.")


def _parse_setting(text: str) -> tuple[str, object]:
    name, equals, value = text.partition("=")
    if not equals:
        raise InputError(f"'{text}' is not a setting. Write OPTION=VALUE, such as notes=100000.")
    for kind in (int, float):
        try:
            return name, kind(value)
        except ValueError:
            continue
    return name, value


if __name__ == "__main__":
    sys.exit(main())
