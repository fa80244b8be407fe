"""The command `directions`: finds a model's directions and writes them into its card."""

import argparse
import dataclasses
from pathlib import Path

import numpy as np
import numpy.typing as npt

from gansynth_core.atlas import Atlas
from gansynth_core.cards import model_folder, save_card
from gansynth_core.errors import InputError
from gansynth_core.generators.encoder import load_encoder
from gansynth_core.steering import STEERING_HASH, save_steering
from gansynth_core.synth import Synth
from gansynth_core.training.data.dataset import NoteSet
from gansynth_core.training.directions.components import components
from gansynth_core.training.directions.known_changes import known_directions
from gansynth_core.training.directions.named import HELD_OUT, SOUNDS, named_directions
from gansynth_core.training.directions.steering import learn_steering, notes_needed


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The options of `directions`."""
    parser.add_argument("--model", default="studio", help="which model, or its folder (default: studio)")
    parser.add_argument("--sounds", type=int, default=SOUNDS, help=f"how many to learn from (default: {SOUNDS})")
    parser.add_argument("--held-out", type=int, default=HELD_OUT, help=f"how many to measure on (default: {HELD_OUT})")
    parser.add_argument(
        "--data", help="for a studio model: the training set, which knows what was changed about its notes"
    )
    parser.add_argument(
        "--steering",
        action="store_true",
        help="of a studio model with a map: learn what sliders that follow the sound rest on, and no directions",
    )
    parser.add_argument("--seed", type=int, default=0, help="seed of the random sounds (default: 0)")
    parser.add_argument("--dry-run", action="store_true", help="print what was found and leave the card as it is")


def run(arguments: argparse.Namespace) -> None:
    """Find the model's directions, print them, and write them into its card."""
    from tqdm import tqdm

    folder = model_folder(arguments.model)
    synth = Synth.load(str(folder))
    if arguments.steering:
        return _steer(folder, synth, arguments.seed, arguments.dry_run)
    known = _known(arguments.data, folder, synth) if arguments.data else None
    with tqdm(total=arguments.sounds + arguments.held_out, unit="sound") as bar:
        named, dropped = named_directions(
            synth,
            sounds=arguments.sounds,
            held_out=arguments.held_out,
            seed=arguments.seed,
            known=known,
            progress=lambda done: bar.update(done - bar.n),
        )
    for direction in named:
        step = f"{direction.per_step:+.2f} {direction.unit} a step"
        print(f"{direction.name}: {step}, rises in {direction.held_out:.0%} of held-out sounds")
    for name, words in dropped.items():
        print(f"{name}: left out; it {words}")
    if not arguments.dry_run:
        card = dataclasses.replace(synth.card, directions=(*named, *components(synth, named, seed=arguments.seed)))
        save_card(folder, card)
        print(f"{folder}: {len(named)} named directions and {len(card.directions) - len(named)} components")


def _steer(folder: Path, synth: Synth, seed: int, dry_run: bool) -> None:
    from tqdm import tqdm

    card, atlas = synth.card, Atlas.find(folder, synth.card)
    if card.family != "studio" or atlas is None:
        raise InputError(
            f"Sliders follow the sounds of a studio model that has a map, and '{card.id}' is none. "
            f"Make its map with: python -m gansynth_core atlas --model {card.id}"
        )
    with tqdm(total=notes_needed(), unit="note") as bar:
        steering = learn_steering(synth, atlas, seed=seed, progress=lambda done: bar.update(done - bar.n))
    if not dry_run:
        digest = save_steering(folder, card, steering)
        save_card(folder, dataclasses.replace(card, training=card.training | {STEERING_HASH: digest}))
        print(f"{folder}: {', '.join(steering.aspects)} follow the sound")


def _known(folder: str, model: Path, synth: Synth) -> dict[str, npt.NDArray[np.float64]]:
    data, encoder = NoteSet.open(folder), load_encoder(model, synth.card)
    if encoder is None:
        raise InputError(f"'{model}' has no encoder to locate the notes of '{folder}'.")
    if data.instruments != synth.card.instruments or data.spec != synth.card.specgram:
        raise InputError(f"'{folder}' has other instruments or other specgrams than '{model}' was made for.")
    return known_directions(encoder, data)
