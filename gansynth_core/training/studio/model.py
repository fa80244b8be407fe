"""Studio models on disk, generator and encoder: written as snapshots, read to start from."""

import dataclasses
import inspect
from pathlib import Path
from typing import Any

import torch
from torch import Tensor
from torch.nn import functional

from gansynth_core.cards import ModelCard, load_card, load_weights, save_tensors
from gansynth_core.errors import DataError, InputError, ModelError
from gansynth_core.generators import build_generator
from gansynth_core.generators.encoder import ENCODER_HASH, StudioEncoder, load_encoder
from gansynth_core.generators.studio import StudioGenerator
from gansynth_core.specgram import Representation, SpecgramSpec
from gansynth_core.training.config import TrainConfig
from gansynth_core.training.data.dataset import Array, NoteSet
from gansynth_core.training.directions.components import latent_directions
from gansynth_core.training.snapshot import half_weights, shown_notes, snapshot_card, write_model


def studio_spec(data: NoteSet) -> SpecgramSpec:
    """The spec of a set that studio models learn from, which the training loop has checked."""
    assert isinstance(data.spec, SpecgramSpec)
    return data.spec


def build_studio_generator(
    spec: Representation, instruments: int, latent_size: int, hyperparameters: dict[str, Any]
) -> StudioGenerator:
    """An untrained studio generator. Raises ModelError for an unknown hyperparameter."""
    generator = build_generator("studio", spec, instruments, latent_size, hyperparameters)
    assert isinstance(generator, StudioGenerator)
    return generator


@torch.inference_mode()
def write_studio_model(
    folder: Path,
    config: TrainConfig,
    data: NoteSet,
    generator: StudioGenerator,
    encoder: StudioEncoder,
    hyperparameters: dict[str, Any],
    facts: dict[str, Any],
) -> None:
    """Write a generator whose prior is fitted as a model that plays, with its directions, and the encoder beside it.
    hyperparameters: the generator's. facts: what goes into the card's `training`."""
    pitches = int(data.notes["pitch"].min()), int(data.notes["pitch"].max())
    card = snapshot_card(config, data, hyperparameters, data.instruments, pitches, facts)
    directions = latent_directions(generator, data.spec, len(data.instruments), pitches)
    card = dataclasses.replace(card, directions=directions)
    shown = shown_notes(data)
    made = torch.cat([_note(generator, data, int(index)) for index in shown])
    digest = save_tensors(folder / "encoder.safetensors", half_weights(encoder))
    card = dataclasses.replace(card, training=card.training | {ENCODER_HASH: digest})
    write_model(folder, card, half_weights(generator), data, shown, made)


def _note(generator: StudioGenerator, data: NoteSet, index: int) -> Tensor:
    """What a player gets of the instrument and pitch of note `index`: [1, 2, frames, bins] on the CPU."""
    note, mean = data.notes[index], generator.instrument_mean
    z = torch.randn(1, mean.shape[1], generator=torch.Generator().manual_seed(index)).to(mean)
    weights = functional.one_hot(torch.tensor([int(note["instrument"])]), len(data.instruments)).to(mean)
    made: Tensor = generator(z, torch.tensor([float(note["pitch"])]).to(mean), weights)
    return made.cpu()


def read_studio_model(
    folder: Path, data: NoteSet, added: dict[str, Any], *, more_instruments: bool = False
) -> tuple[ModelCard, dict[str, Any], StudioGenerator, StudioEncoder]:
    """A studio model's card, all its hyperparameters with those `added` that its card does not name, its generator
    built with these, and its encoder, in float32 on the CPU. Parameters that only the added ones ask for are untrained.

    more_instruments: whether the set may go on with instruments after those of the model.
    Raises ModelError or DataError if it is damaged, of another family or without an encoder, and InputError if it was
    made for other instruments or other specgrams than `data` has.
    """
    folder = Path(folder)
    card = load_card(folder)
    if card.family != "studio":
        raise InputError(f"'{folder}' is of the family '{card.family}'; this training starts from a studio model.")
    heard = data.instruments[: len(card.instruments)] if more_instruments else data.instruments
    if missing := [name for name in card.instruments if name not in data.instruments]:
        known = ", ".join(missing[:5]) + " and others" * (len(missing) > 5)
        raise InputError(f"'{folder}' knows instruments of which '{data.folder}' has no note: {known}.")
    if card.instruments != heard or card.specgram != data.spec:
        hint = " New instruments are learned after those it knows: give a set of those first." * more_instruments
        raise InputError(
            f"'{folder}' was made for other instruments or other specgrams than '{data.folder}' has.{hint}"
        )
    options = inspect.signature(StudioGenerator).parameters.values()
    defaults = {option.name: option.default for option in options if option.kind is option.KEYWORD_ONLY}
    hyperparameters = defaults | added | card.generator
    size = len(card.instruments), card.latent_size
    generator = build_studio_generator(card.specgram, *size, hyperparameters)
    load_network(generator, load_weights(folder, card), folder / "weights.safetensors", new=set(added))
    encoder = load_encoder(folder, card)
    if encoder is None:
        raise DataError(f"Training needs the model's encoder, and '{folder}' has none.")
    return card, hyperparameters, generator, encoder.train().requires_grad_(True)


def load_network(network: torch.nn.Module, weights: dict[str, Array], path: Path, new: set[str]) -> None:
    """Load weights in float32; parameters of what is `new` (a hyperparameter, with which their names begin) may be
    missing."""
    try:
        missing, unknown = network.load_state_dict(
            {name: torch.from_numpy(weight).float() for name, weight in weights.items()}, strict=False
        )
    except RuntimeError as cause:
        raise ModelError(f"The weights in '{path}' are not of the size that its card says.") from cause
    missing = [name for name in missing if not any(part.startswith(tuple(new)) for part in name.split("."))]
    if missing or unknown:
        raise ModelError(
            f"The weights in '{path}' do not fit its card: '{[*missing, *unknown][0]}' is missing in one of them."
        )
