"""The command line of `evaluate`."""

import argparse
import dataclasses
import os
from collections.abc import Sequence
from pathlib import Path

from gansynth_core.cards import model_folder, save_card
from gansynth_core.errors import InputError
from gansynth_core.generators.encoder import StudioEncoder, load_encoder
from gansynth_core.synth import Synth, choose_device
from gansynth_core.training.data.dataset import NoteSet, open_sets
from gansynth_core.training.evaluation.audio import evaluate_folder
from gansynth_core.training.evaluation.columns import Column, check_comparable, column_of
from gansynth_core.training.evaluation.comparison import compare
from gansynth_core.training.evaluation.judge import SHIPPED, Judge, load_judge
from gansynth_core.training.evaluation.report import write_report


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `evaluate`."""
    parser.add_argument("--model", default="studio", help="which model, or its folder (default: studio)")
    parser.add_argument(
        "--data", nargs="+", required=True, help="the training set (or sets) whose held-out notes it is compared with"
    )
    parser.add_argument(
        "--audio",
        metavar="FOLDER",
        help="in place of a model: measure the notes in this folder, whose files are named like cello_C3.wav",
    )
    parser.add_argument("--out", required=True, help="folder for the report, its pictures and notes to listen to")
    parser.add_argument("--notes", type=int, default=400, help="how many held-out notes (default: 400)")
    parser.add_argument("--seed", type=int, default=0, help="draws the notes and the model's z (default: 0)")
    parser.add_argument("--judge", default=str(SHIPPED), help="a file that 'judge' made (default: the shipped one)")
    parser.add_argument(
        "--beside",
        action="append",
        default=[],
        metavar="NAME=REPORT",
        help="an earlier report.json of another model, with the same judge, notes and seed, as a column; repeatable",
    )
    parser.add_argument("--name", help="title of the model's own column (default: its id)")
    parser.add_argument("--device", default="auto", help="auto (default), cpu or cuda")
    parser.add_argument("--into-card", action="store_true", help="keep the figures in the model's card as its quality")


def run(arguments: argparse.Namespace) -> None:
    """Evaluate as the command line says, and print the headline figures."""
    if arguments.audio:
        _evaluate_audio(arguments)
        return
    folder = model_folder(arguments.model)
    synth = Synth.load(str(folder), device=arguments.device)
    data, judge = open_sets(arguments.data), load_judge(arguments.judge, synth.device)
    figures = evaluate(
        synth,
        data,
        arguments.out,
        judge=judge,
        encoder=load_encoder(folder, synth.card, synth.device),
        notes=arguments.notes,
        seed=arguments.seed,
        beside=[column_of(text) for text in arguments.beside],
        name=arguments.name,
    )
    for name, value in figures.items():
        print(f"{name}: {value}")
    _tell_unknown(judge, data)
    if arguments.into_card:
        save_card(folder, dataclasses.replace(synth.card, quality=figures))
    print(Path(arguments.out) / "report.md")


def _evaluate_audio(arguments: argparse.Namespace) -> None:
    """Measure a folder of notes."""
    if arguments.beside or arguments.into_card:
        raise InputError("--beside and --into-card go with a model, not with --audio.")
    data, judge = open_sets(arguments.data), load_judge(arguments.judge, choose_device(arguments.device))
    name = arguments.name or Path(arguments.audio).resolve().name
    options = {"notes": arguments.notes, "seed": arguments.seed, "name": name}
    for key, value in evaluate_folder(arguments.audio, data, arguments.out, judge, **options).items():
        print(f"{key}: {value}")
    _tell_unknown(judge, data)
    print(Path(arguments.out) / "report.md")


def _tell_unknown(judge: Judge, data: NoteSet) -> None:
    if sentence := judge.unknown(data):
        print(sentence)


def evaluate(
    synth: Synth,
    data: NoteSet,
    out: str | os.PathLike[str],
    *,
    judge: Judge,
    encoder: StudioEncoder | None = None,
    notes: int = 400,
    seed: int = 0,
    beside: Sequence[Column] = (),
    name: str | None = None,
) -> dict[str, float | int]:
    """Measure `synth` on up to `notes` held-out notes of `data`; write report.md, report.json, pictures and a page of
    WAVs to the folder `out`; return the headline figures, shares from 0 to 1.

    beside: other models' columns, from their reports. name: of this model's column.
    An earlier report in `out` is replaced as a whole; a folder with anything else in it is left alone (InputError).
    Raises DataError if the set, the model and the judge do not fit together or the report cannot be written, and
    InputError for another model's report that cannot be compared.
    """
    out = Path(out)
    if out.exists() and not (out / "report.json").is_file() and any(out.iterdir()):
        raise InputError(f"'{out}' holds something other than a report. Choose another folder.")
    for column in beside:
        check_comparable(column, judge, data, synth.card, notes, seed)
    comparison = compare(synth, data, judge, encoder=encoder, notes=notes, seed=seed)
    write_report(out, comparison, data.spec, beside, name or synth.card.id)
    headline: dict[str, float | int] = comparison.document["headline"]
    return headline
