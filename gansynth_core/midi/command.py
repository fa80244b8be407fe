"""`python -m gansynth_core midi`: a MIDI file as a sound file, each part with its sound, or all along one path."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from gansynth_core.cards import ModelCard, load_card, model_folder
from gansynth_core.errors import InputError
from gansynth_core.latent import Timbre
from gansynth_core.midi.casting import Casting, cast_song
from gansynth_core.midi.mastering import SAMPLE_RATES
from gansynth_core.midi.reading import read_midi
from gansynth_core.midi.render import RELEASE_SECONDS, render_midi
from gansynth_core.midi.song import Song
from gansynth_core.midi.timbres import parse_timbre, random_timbres
from gansynth_core.sound import check_ending
from gansynth_core.synth import Synth

SUBTYPES = {16: "PCM_16", 24: "PCM_24", 32: "FLOAT"}
OPUS_RATE = 48000  # the only one of ours that Opus has


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `midi`."""
    parser.add_argument("song", help="the MIDI file")
    parser.add_argument("--list", action="store_true", help="print the parts and what plays them, and render nothing")
    parser.add_argument(
        "--part",
        action="append",
        default=[],
        metavar="N=SOUND",
        help="what plays part N: a sound as in --timbres, several that it goes through (violin,flute), or 'off'; "
        "may be given for several parts",
    )
    parser.add_argument(
        "--timbres",
        metavar="A,B,...",
        help="one path of timbres for all parts: instruments (violin), instruments with a seed (violin:7), bare seeds "
        "for a model without instruments, saved sounds (.json), notes of a pack (.wav); or random:4 (default: each "
        "part's General MIDI instrument)",
    )
    parser.add_argument(
        "--at", metavar="0,...,1", help="when each is reached, as fractions of the song (default: evenly spread)"
    )
    parser.add_argument(
        "--seconds-per-timbre", type=float, help="random timbres, a new one every S seconds", metavar="S"
    )
    parser.add_argument("--seed", type=int, default=0, help="which random timbres (default: 0)")
    parser.add_argument(
        "--drums",
        action=argparse.BooleanOptionalAction,
        default=None,
        help="whether channel 10 is heard (default: if there is no path, and the model has General MIDI's instruments, "
        "of which the nearest to each drum plays it; others play its keys as a melody)",
    )
    parser.add_argument(
        "--tuning", help="of the keys, such as werckmeister, 19-edo, meantone@415, scale.scl,keyboard.kbm"
    )
    parser.add_argument(
        "--release",
        type=float,
        default=RELEASE_SECONDS,
        help=f"seconds a note takes to fade (default: {RELEASE_SECONDS:g})",
    )
    parser.add_argument(
        "--rate", type=int, choices=SAMPLE_RATES, help="samples a second (default: 44100, and 48000 for .opus)"
    )
    parser.add_argument(
        "--bits", type=int, choices=sorted(SUBTYPES), help="bits a sample of a .wav, 32 as float (default: 24)"
    )
    parser.add_argument("--stems", metavar="FOLDER", help="also write each part there as a WAV file of its own")
    parser.add_argument("--model", default="studio", help="model, or its folder (default: studio)")
    parser.add_argument("-o", "--out", default="song.wav", help="the sound file (default: song.wav)")


def run(arguments: argparse.Namespace) -> None:
    """Play the song that the command line names, with a progress line, and print the notices."""
    from tqdm import tqdm

    out = Path(arguments.out)
    check_ending(out)
    if arguments.bits is not None and out.suffix.lower() != ".wav":
        raise InputError(f"--bits are those of a .wav file, and '{out.name}' is none. Leave them out.")
    card = load_card(model_folder(arguments.model))
    song = read_midi(arguments.song)
    timbres, at = _timbres(arguments, song, card), _points(arguments.at)
    parts = _parts(arguments.part, card)
    casting = cast_song(song, card, timbres, at, parts=parts, drums=arguments.drums, tuning=arguments.tuning)
    if arguments.list:
        print(_table(casting))
        return
    synth = Synth.load(arguments.model)
    with tqdm(total=len(song.notes), unit="note", delay=1) as bar:  # errors come before it

        def progress(done: int, total: int) -> None:
            bar.total = total
            bar.update(done - bar.n)

        rendered = render_midi(
            casting,
            synth,
            sample_rate=arguments.rate or (OPUS_RATE if out.suffix.lower() == ".opus" else SAMPLE_RATES[0]),
            stems=arguments.stems is not None,
            release_seconds=arguments.release,
            progress=progress,
        )
    subtype = None if arguments.bits is None else SUBTYPES[arguments.bits]
    path = rendered.clip.save(out, subtype)
    for stem in rendered.stems:
        print(stem.save(arguments.stems, subtype or SUBTYPES[24]))
    for notice in rendered.notices:
        print(notice)
    print(f"{path}: {rendered.notes:,} notes, {rendered.clip.seconds:.1f} s")


def _timbres(arguments: argparse.Namespace, song: Song, card: ModelCard) -> list[Timbre] | None:
    """The path's timbres, None without one. With --seconds-per-timbre there is one at the start and one at the end
    too."""
    if arguments.seconds_per_timbre is not None:
        if arguments.timbres or arguments.at:
            raise InputError("--seconds-per-timbre draws timbres at random: leave out --timbres and --at.")
        if not arguments.seconds_per_timbre > 0:
            raise InputError(f"--seconds-per-timbre must be above 0, not {arguments.seconds_per_timbre:g}.")
        return random_timbres(card, round(song.seconds / arguments.seconds_per_timbre) + 1, arguments.seed)
    if arguments.timbres is None:
        return None
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


def _parts(given: Sequence[str], card: ModelCard) -> dict[int, list[Timbre] | None]:
    parts: dict[int, list[Timbre] | None] = {}
    for text in given:
        number, equals, sounds = text.partition("=")
        if not (equals and number.isdecimal() and int(number) > 0):
            raise InputError(f"--part takes the number of a part and its sound, such as 2=flute, not '{text}'.")
        parts[int(number) - 1] = None if sounds == "off" else [parse_timbre(one, card) for one in sounds.split(",")]
    return parts


def _table(casting: Casting) -> str:
    """A line a part, then the notices."""
    rows = [("part", "channel", "notes", "name", "written for", "played by")]
    for number, (part, cast) in enumerate(zip(casting.song.parts, casting.parts, strict=True)):
        notes = sum(note.part == number for note in casting.song.notes)
        rows.append(
            (str(number + 1), str(part.channel), f"{notes:,}", part.name, part.instrument, cast.sound or "nothing")
        )
    widths = [max(len(row[column]) for row in rows) for column in range(len(rows[0]))]
    lines = ["  ".join(text.ljust(width) for text, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join([*lines, *casting.notices])
