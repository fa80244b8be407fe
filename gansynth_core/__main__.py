"""The command line: python -m gansynth_core COMMAND. Each command imports what it needs and no more, so that a note
does not wait for matplotlib."""

import argparse
import importlib
import sys
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

from gansynth_core import __version__
from gansynth_core.errors import GanSynthError, InputError

Arguments = argparse.Namespace
Commands: TypeAlias = "argparse._SubParsersAction[argparse.ArgumentParser]"  # argparse has no public name for it
MOST_SOUNDS = 1000  # in one `generate`; for more, make a pack


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns the exit status: 0 done, 1 a sentence was printed instead, 130 stopped by Ctrl-C."""
    argv = list(sys.argv[1:] if argv is None else argv)
    arguments = _parser(argv[:1]).parse_args(argv)
    try:
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


def _parser(typed: Sequence[str]) -> argparse.ArgumentParser:
    """The parser; `typed` holds the command's name, whose options alone have to be known."""
    parser = argparse.ArgumentParser(
        prog="python -m gansynth_core",
        description="Instrument notes from a neural network: make them, train the network, measure it.",
    )
    parser.add_argument("--version", action="version", version=f"GANSynth Studio {__version__}")
    commands = parser.add_subparsers(title="commands", required=True, metavar="COMMAND")

    command = _add(commands, "generate", _generate, "make notes and save them as WAV files")
    command.add_argument("--instrument", help="such as violin (see the command 'instruments')")
    command.add_argument(
        "--pitch", nargs="+", default=["60"], type=str, help="keys: MIDI numbers or names, 60 or C4 (default: 60)"
    )
    command.add_argument("--seed", type=int, default=0, help="which of the instrument's sounds (default: 0)")
    command.add_argument("--count", type=int, default=1, help="how many sounds, starting at that seed (default: 1)")
    command.add_argument("--z", metavar="FILE", help="latents in place of seeds: .npy or .json, one row per sound")
    command.add_argument("--duration", type=float, help="seconds, up to the model's note length (default: all of it)")
    command.add_argument("--model", default="studio", help="which model (see the command 'models'; default: studio)")
    command.add_argument(
        "-o",
        "--out",
        default="note.wav",
        help="sound file (.wav, .flac, .ogg, .mp3 ...); several sounds or keys add their numbers to its name",
    )

    command = _add(commands, "glide", _glide, "make a note whose timbre moves from sound to sound")
    command.add_argument(
        "sounds",
        nargs="+",
        metavar="SOUND",
        help="the sounds to go through: violin, flute:3 (with a seed), a .json or .wav file",
    )
    command.add_argument("--pitch", default="60", help="key: a MIDI number or a name, 60 or C4 (default: 60)")
    command.add_argument(
        "--seconds", type=float, help="length, up to the model's note length (default: the whole note with its release)"
    )
    command.add_argument("--at", metavar="0,...,1", help="when each sound is reached, as fractions of the length")
    command.add_argument("--model", default="studio", help="which model (default: studio)")
    command.add_argument("-o", "--out", default="glide.wav", help="the sound file (default: glide.wav)")

    command = _add(commands, "instruments", _instruments, "list the instruments of a model, by family")
    command.add_argument("--model", default="studio", help="which model (default: studio)")

    _add(commands, "models", _models, "list the models on this machine")

    _add_module(
        typed, commands, "import-magenta", "gansynth_core.magenta_import", "import a checkpoint of Magenta's GANSynth"
    )
    _add_module(
        typed, commands, "name-sounds", "gansynth_core.named_sounds", "name sounds of a model that has no instruments"
    )
    _add_module(typed, commands, "pack", "gansynth_core.packs.command", "make a sample pack that opens in a sampler")
    _add_module(typed, commands, "render-midi", "gansynth_core.midi.command", "play a MIDI file with a path of timbres")
    _add_module(typed, commands, "atlas", "gansynth_core.atlas", "make a map of a model's sounds, to explore by ear")
    _add_module(
        typed,
        commands,
        "directions",
        "gansynth_core.training.directions.command",
        "find the directions that sliders move along",
    )
    _add_module(typed, commands, "data", "gansynth_core.training.data.command", "turn sounds into a training set")
    command = _add(commands, "train", _train, "train a model on a training set, or continue training it")
    _train_arguments(command)
    _add_module(
        typed, commands, "evaluate", "gansynth_core.training.evaluation.command", "compare a model with real notes"
    )
    _add_module(typed, commands, "judge", "gansynth_core.training.evaluation.judge", "train the judge used by evaluate")
    _add_module(typed, commands, "bench", "gansynth_core.bench", "measure speed and memory on this machine")
    return parser


def _add(commands: Commands, name: str, run: Callable[[Arguments], None], help_text: str) -> argparse.ArgumentParser:
    description = help_text[0].upper() + help_text[1:] + "."
    command = commands.add_parser(name, help=help_text, description=description)
    command.set_defaults(run=run)
    return command


def _add_module(typed: Sequence[str], commands: Commands, name: str, module: str, help_text: str) -> None:
    """A command whose options live beside its code. The module is imported only if this is the command typed."""
    command = _add(commands, name, lambda arguments: None, help_text)
    if name in typed:
        loaded = importlib.import_module(module)
        loaded.add_arguments(command)
        command.set_defaults(run=loaded.run)


def _generate(arguments: Arguments) -> None:
    from pathlib import Path

    from gansynth_core.pitches import parse_pitch
    from gansynth_core.synth import generate

    pitches = [parse_pitch(text) for text in arguments.pitch]
    if arguments.z and (arguments.seed or arguments.count != 1):
        raise InputError("--z takes the place of --seed and --count. Give one or the other.")
    if arguments.z:
        sounds: list[dict[str, Any]] = [{"z": z} for z in _read_latents(arguments.z)]
    elif not 1 <= arguments.count <= MOST_SOUNDS:
        raise InputError(f"--count {arguments.count} is not possible. Choose from 1 to {MOST_SOUNDS} sounds.")
    else:
        sounds = [{"seed": arguments.seed + number} for number in range(arguments.count)]
    out = Path(arguments.out)
    for number, sound in enumerate(sounds):
        clips = generate(pitches, arguments.instrument, arguments.duration, **sound, model=arguments.model)
        mark = f"_seed{sound['seed']}" if "seed" in sound else f"_z{number + 1}"
        name = out if len(sounds) == 1 else out.with_name(out.stem + mark + out.suffix)
        for path in clips.save(name):
            print(path)


def _read_latents(path: str) -> list[list[float]]:
    """The rows of a file of latents, [latent_size] or [sounds, latent_size]; the model checks whether they fit."""
    import json

    import numpy as np

    try:
        if path.lower().endswith(".npy"):
            latents = np.load(path, allow_pickle=False)
        else:
            with open(path, encoding="utf-8") as file:
                latents = np.asarray(json.load(file), np.float64)
    except (ValueError, TypeError, EOFError, RecursionError) as cause:
        raise InputError(f"'{path}' holds no latents. Give an array of numbers as .npy or .json.") from cause
    if (
        latents.ndim not in (1, 2)
        or latents.dtype.kind not in "fiu"
        or not 1 <= len(np.atleast_2d(latents)) <= MOST_SOUNDS
    ):
        raise InputError(
            f"'{path}' holds no latents. Give one row of numbers per sound, for up to {MOST_SOUNDS} sounds."
        )
    return [[float(x) for x in row] for row in np.atleast_2d(latents)]


def _glide(arguments: Arguments) -> None:
    from gansynth_core.glide import glide
    from gansynth_core.midi.timbres import parse_timbre
    from gansynth_core.pitches import parse_pitch
    from gansynth_core.synth import Synth

    synth = Synth.load(arguments.model)
    timbres = [parse_timbre(text, synth.card) for text in arguments.sounds]
    try:
        at = None if arguments.at is None else [float(part) for part in arguments.at.split(",")]
    except ValueError as cause:
        raise InputError(f"--at {arguments.at} is not a list of numbers such as 0,0.5,1.") from cause
    note = glide(synth, timbres, parse_pitch(arguments.pitch), arguments.seconds, at)
    print(note.shorten(arguments.seconds or note.seconds)[0].save(arguments.out))


def _instruments(arguments: Arguments) -> None:
    from gansynth_core.cards import load_card, model_folder

    card = load_card(model_folder(arguments.model))
    if not card.families():
        print(f"'{card.id}' has no instruments to choose from. The command 'name-sounds' names some of its sounds.")
    for family, names in card.families().items():
        print(family)
        for name in names:
            print(f"  {name}")


def _models(arguments: Arguments) -> None:
    from gansynth_core.cards import MODELS_VARIABLE, find_models, load_card

    models = find_models()
    for model, folder in models.items():
        try:
            card = load_card(folder)
        except GanSynthError as error:
            print(f"{model}: {error}")
            continue
        names = card.instruments or card.named_sounds
        kind = "instruments" if card.instruments else "named sounds"
        rate = card.specgram.sample_rate / 1000
        pitches = f"pitches {card.pitch_low}-{card.pitch_high}"
        print(f"{model}: {card.family}, {len(names)} {kind}, {pitches}, {rate:g} kHz, {folder}")
    if not models:
        print(f"No models were found. Set {MODELS_VARIABLE} to a folder that holds some.")


def _train_arguments(command: argparse.ArgumentParser) -> None:
    command.add_argument(
        "--recipe",
        default="studio",
        help="named settings. Reconstruction: studio (default, for a CPU), studio-gpu or tiny. The adversarial stage "
        "after it: studio-gan or tiny-gan. For a set made with 'data --spec magenta': magenta, magenta-small or "
        "magenta-tiny",
    )
    command.add_argument("--data", required=True, help="the training set, made by the command 'data'")
    command.add_argument("--out", required=True, help="run folder; the same command again continues where it stopped")
    command.add_argument(
        "--start-from", metavar="MODEL", help="studio model to start from, by its id or folder; studio-gan needs one"
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
    from gansynth_core.errors import nearest
    from gansynth_core.training.data.dataset import NoteSet
    from gansynth_core.training.loop import describe, train
    from gansynth_core.training.parallel import is_first
    from gansynth_core.training.recipes import RECIPES

    if arguments.recipe not in RECIPES:
        hint = nearest(arguments.recipe, RECIPES)
        raise InputError(f"There is no recipe '{arguments.recipe}'.{hint} Choose from {', '.join(RECIPES)}.")
    config = RECIPES[arguments.recipe].replace(**dict(_parse_setting(text) for text in arguments.set))
    data = NoteSet.open(arguments.data)
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
