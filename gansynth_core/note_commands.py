"""The commands that make notes, `generate` and `glide`, and the one that goes the other way, `encode`."""

import argparse
from dataclasses import replace
from pathlib import Path
from typing import Any

from gansynth_core import commands
from gansynth_core.errors import InputError

MOST_SOUNDS = 1000  # in one `generate`; for more, make a pack


def add_generate(parser: argparse.ArgumentParser) -> None:
    """The options of `generate`."""
    parser.add_argument("--instrument", help="such as violin (see 'instruments'), or a mixture: violin:0.5,flute:0.5")
    parser.add_argument(
        "--pitch",
        nargs="+",
        default=["60"],
        metavar="NOTE",
        help="keys: MIDI numbers or names, 60 or C4, or ranges, C3-C5 or C3-C5:3 for every third (default: 60)",
    )
    parser.add_argument("--tuning", help="such as werckmeister, 19-edo, meantone@415, scale.scl,keyboard.kbm")
    parser.add_argument("--seed", type=int, default=0, help="which of the instrument's sounds (default: 0)")
    parser.add_argument("--count", type=int, default=1, help="how many sounds, starting at that seed (default: 1)")
    parser.add_argument("--z", metavar="FILE", help="latents in place of seeds: .npy or .json, one row per sound")
    parser.add_argument(
        "--one-to-one",
        action="store_true",
        help="play the first sound at the first pitch, the second at the second ...",
    )
    parser.add_argument(
        "--duration", type=float, help="seconds, up to 600: notes are cut or held (default: the model's note length)"
    )
    parser.add_argument("--model", default="studio", help="which model (see the command 'models'; default: studio)")
    commands.add_device(parser)
    commands.add_out(
        parser, "note.wav", "sound file (.wav, .flac, .ogg, .mp3 ...); several add their numbers to its name"
    )
    commands.add_json(parser)


def generate(arguments: argparse.Namespace) -> None:
    """Make the notes that the command line asks for, and print their files."""
    from gansynth_core.sound import check_ending, note_paths
    from gansynth_core.synth import generate as generated

    keys = commands.parse_pitches(arguments.pitch)
    pitches = _tuned(keys, arguments.tuning)
    instrument = commands.parse_instrument(arguments.instrument) if arguments.instrument else None
    sounds = _sounds(arguments)
    if arguments.one_to_one and len(keys) != len(sounds):
        raise InputError(f"--one-to-one needs a pitch for each sound, and there are {len(keys)} for {len(sounds)}.")
    out = Path(arguments.out)
    names = [out if len(sounds) == 1 else out.with_name(f"{out.stem}_{mark}{out.suffix}") for mark, _ in sounds]
    places = [slice(number, number + 1) if arguments.one_to_one else slice(None) for number in range(len(sounds))]
    to_stdout = arguments.out == commands.STDOUT
    if to_stdout:
        if sum(len(keys[place]) for place in places) > 1:
            raise InputError("Standard output takes one note. Name a file with -o for several.")
    else:
        check_ending(out)
        files = [note_paths(name, keys[place]) for name, place in zip(names, places, strict=True)]
        commands.check_new((path for paths in files for path in paths), arguments.force)
    told = []
    for (_, sound), name, place in zip(sounds, names, places, strict=True):
        clips = generated(
            pitches[place],
            instrument,
            arguments.duration,
            **sound,
            model=arguments.model,
            device=arguments.device,
        )
        if to_stdout:
            return commands.write_stdout(clips[0].wav())
        paths = replace(clips, pitches=tuple(keys[place])).save(name)  # files are named after keys
        for path, key, pitch in zip(paths, keys[place], pitches[place], strict=True):
            fact = {"key": key, "pitch": pitch, "seconds": clips.seconds, "sample_rate": clips.sample_rate}
            told.append({"file": str(path)} | fact | ({"seed": sound["seed"]} if "seed" in sound else {}))
            if not arguments.json:
                print(path)
    if arguments.json:
        commands.print_json(told)


def _sounds(arguments: argparse.Namespace) -> list[tuple[str, dict[str, Any]]]:
    """The sounds asked for: how their files are marked, and what to tell `generate` of them."""
    if arguments.z:
        if arguments.seed or arguments.count != 1:
            raise InputError("--z takes the place of --seed and --count. Give one or the other.")
        return [(f"z{row + 1}", {"z": z}) for row, z in enumerate(_read_latents(arguments.z))]
    if not 1 <= arguments.count <= MOST_SOUNDS:
        raise InputError(f"--count {arguments.count} is not possible. Choose from 1 to {MOST_SOUNDS} sounds.")
    return [(f"seed{seed}", {"seed": seed}) for seed in range(arguments.seed, arguments.seed + arguments.count)]


def _tuned(keys: list[float], tuning: str | None) -> list[float]:
    """The pitches of keys in a tuning, if there is one."""
    if tuning is None:
        return keys
    from gansynth_core.tunings import parse_tuning

    wanted = parse_tuning(tuning)
    for key in keys:
        if not key.is_integer():
            raise InputError(f"{key:g} lies between two keys, and a tuning has a pitch for whole keys.")
    return [wanted.pitch(int(key)) for key in keys]


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


def add_glide(parser: argparse.ArgumentParser) -> None:
    """The options of `glide`."""
    parser.add_argument(
        "sounds",
        nargs="+",
        metavar="SOUND",
        help="the sounds to go through: violin, flute:3 (with a seed), a .json or .wav file",
    )
    parser.add_argument("--pitch", default="60", help="key: a MIDI number or a name, 60 or C4 (default: 60)")
    parser.add_argument(
        "--seconds", type=float, help="length, up to the model's note length (default: the whole note with its release)"
    )
    parser.add_argument("--at", metavar="0,...,1", help="when each sound is reached, as fractions of the length")
    parser.add_argument("--model", default="studio", help="which model (default: studio)")
    commands.add_device(parser)
    commands.add_out(parser, "glide.wav", "the sound file")
    commands.add_json(parser)


def glide(arguments: argparse.Namespace) -> None:
    """Make the note that the command line asks for, and print its file."""
    from gansynth_core.glide import glide as glided
    from gansynth_core.midi.timbres import parse_timbre
    from gansynth_core.pitches import parse_pitch
    from gansynth_core.synth import Synth

    commands.check_out(arguments)
    try:
        at = None if arguments.at is None else [float(part) for part in arguments.at.split(",")]
    except ValueError as cause:
        raise InputError(f"--at {arguments.at} is not a list of numbers such as 0,0.5,1.") from cause
    synth = Synth.load(arguments.model, device=arguments.device)
    timbres = [parse_timbre(text, synth.card) for text in arguments.sounds]
    note = glided(synth, timbres, parse_pitch(arguments.pitch), arguments.seconds, at)
    clip = note.shorten(arguments.seconds or note.seconds)[0]
    commands.deliver(clip, arguments, {"pitch": note.pitches[0], "seconds": clip.seconds})


def add_encode(parser: argparse.ArgumentParser) -> None:
    """The options of `encode`."""
    parser.add_argument("sound", help="the sound file: of any rate and length, heard from its onset")
    parser.add_argument("--pitch", help="its pitch, 60 or C4 (default: found)")
    parser.add_argument("--instrument", help="the instrument, or a mixture (default: what the encoder hears)")
    parser.add_argument("--steps", type=int, help="how many steps are taken to come nearer (default: 50)")
    parser.add_argument(
        "--no-imprint", action="store_true", help="leave out what the model has no sound for; the file is as ever then"
    )
    parser.add_argument("--model", default="studio", help="which model (default: studio)")
    commands.add_device(parser)
    parser.add_argument("-o", "--out", metavar="JSON", help="where to save the sound, for glide, midi and the app")
    parser.add_argument("--wav", metavar="FILE", help="where to save it as the model plays it, at the same pitch")
    parser.add_argument("--force", action="store_true", help="replace files that are there already")
    commands.add_json(parser)


def encode(arguments: argparse.Namespace) -> None:
    """Find the sound that comes nearest to a file, save it and say what it is."""
    from tqdm import tqdm

    from gansynth_core.patch import Patch
    from gansynth_core.pitches import pitch_name
    from gansynth_core.sound import check_ending
    from gansynth_core.synth import REFINING_STEPS, Synth

    files = [Path(name) for name in (arguments.out, arguments.wav) if name]
    commands.check_new(files, arguments.force)
    if arguments.wav:
        check_ending(Path(arguments.wav))
    synth = Synth.load(arguments.model, device=arguments.device)
    instrument = commands.parse_instrument(arguments.instrument) if arguments.instrument else None
    steps = REFINING_STEPS if arguments.steps is None else arguments.steps
    with tqdm(total=max(0, steps), unit="step", delay=1, leave=False) as bar:
        found = synth.encode(
            arguments.sound,
            arguments.pitch,
            instrument,
            steps=steps,
            imprint=not arguments.no_imprint,
            progress=lambda done, total: bar.update(done - bar.n) and None,
        )
    if arguments.out:
        Patch(found.timbre, name=Path(arguments.sound).stem[:120]).save(arguments.out)
    if arguments.wav:
        synth.render(found.timbre, found.pitch).save(arguments.wav)
    likely = [(name, share) for name, share in found.instruments[:5] if share >= 0.01]
    if arguments.json:
        heard = {"pitch": found.pitch, "pitched": found.pitched, "instruments": dict(likely)}
        heard |= {name: round(getattr(found, name), 2) for name in ("distance_db", "refined_db", "encoder_db")}
        heard |= {name: round(getattr(found, name), 3) for name in ("start_seconds", "heard_seconds")}
        commands.print_json(heard | {"files": [str(file) for file in files], "timbre": found.timbre.to_json()})
        return
    for file in files:
        print(file)
    unsure = "" if found.pitched else " (no clear pitch; --pitch overrules it)"
    print(f"pitch {pitch_name(found.pitch)}{unsure}, {found.distance_db:.1f} dB from the sound, which may be:")
    for name, share in likely:
        print(f"  {share:4.0%} {name}")
