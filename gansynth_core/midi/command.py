"""`python -m gansynth_core render-midi`: a MIDI file as a sound file, with a timbre that changes along the song."""

import argparse
from pathlib import Path

from gansynth_core.cards import ModelCard
from gansynth_core.errors import InputError
from gansynth_core.latent import Timbre, sample
from gansynth_core.midi.render import RELEASE_SECONDS, render_midi
from gansynth_core.midi.song import Song, read_midi
from gansynth_core.midi.timbres import parse_timbre, random_timbres
from gansynth_core.sound import check_ending
from gansynth_core.synth import Synth


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `render-midi`."""
    parser.add_argument("song", help="the MIDI file")
    parser.add_argument(
        "--timbres",
        metavar="A,B,...",
        help="the path of timbres: instruments (violin), instruments with a seed (violin:7), bare seeds for a model "
        "without instruments, saved sounds (.json), notes of a pack (.wav); or random:4 (default: the model's first)",
    )
    parser.add_argument(
        "--at", metavar="0,...,1", help="when each is reached, as fractions of the song (default: evenly spread)"
    )
    parser.add_argument(
        "--seconds-per-timbre", type=float, help="random timbres, a new one every S seconds", metavar="S"
    )
    parser.add_argument("--seed", type=int, default=0, help="which random timbres (default: 0)")
    parser.add_argument("--drums", action="store_true", help="play the drum channel as if it were a melody")
    parser.add_argument(
        "--release",
        type=float,
        default=RELEASE_SECONDS,
        help=f"seconds a note takes to fade (default: {RELEASE_SECONDS:g})",
    )
    parser.add_argument("--model", default="studio", help="model, or its folder (default: studio)")
    parser.add_argument("-o", "--out", default="song.wav", help="the sound file (default: song.wav)")


def run(arguments: argparse.Namespace) -> None:
    """Play the song that the command line names, with a progress line, and print the notices."""
    from tqdm import tqdm

    check_ending(Path(arguments.out))
    song = read_midi(arguments.song)
    synth = Synth.load(arguments.model)
    timbres, at = _timbres(arguments, song, synth.card), _points(arguments.at)
    with tqdm(total=len(song.notes), unit="note", delay=1) as bar:  # errors come before it

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        rendered = render_midi(
            song, synth, timbres, at, drums=arguments.drums, release_seconds=arguments.release, progress=progress
        )
    path = rendered.clip.save(arguments.out)
    for notice in rendered.notices:
        print(notice)
    print(f"{path}: {rendered.notes:,} notes, {rendered.clip.seconds:.1f} s")


def _timbres(arguments: argparse.Namespace, song: Song, card: ModelCard) -> list[Timbre]:
    """The path's timbres. With --seconds-per-timbre there is one at the start and one at the end too."""
    if arguments.seconds_per_timbre is not None:
        if arguments.timbres or arguments.at:
            raise InputError("--seconds-per-timbre draws timbres at random: leave out --timbres and --at.")
        if not arguments.seconds_per_timbre > 0:
            raise InputError(f"--seconds-per-timbre must be above 0, not {arguments.seconds_per_timbre:g}.")
        return random_timbres(card, round(song.seconds / arguments.seconds_per_timbre) + 1, arguments.seed)
    if arguments.timbres is None:
        return sample(card, 1, arguments.seed)
    named, colon, count = arguments.timbres.partition(":")
    if named == "random":
        if not (colon and count.isdecimal()):
            raise InputError(f"'{arguments.timbres}' does not say how many timbres: write random:4, for example.")
        return random_timbres(card, int(count), arguments.seed)
    return [parse_timbre(text, card) for text in arguments.timbres.split(",")]


def _points(text: str | None) -> list[float] | None:
    if text is None:
        return None
    try:
        return [float(point) for point in text.split(",")]
    except ValueError:
        raise InputError(f"--at must be a list of fractions, such as 0,0.5,1, not '{text}'.") from None
