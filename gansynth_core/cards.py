"""Models on disk: a folder with `card.json` (all that is known about the model) and `weights.safetensors`.

Weights are never unpickled, never loaded in part, and must be the very bytes that their card was written for.
"""

import dataclasses
import hashlib
import json
import os
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from gansynth_core.errors import InputError, ModelError, nearest, plain_name
from gansynth_core.files import assets_folder, replacing
from gansynth_core.instruments import families
from gansynth_core.specgram import Representation, representation_from_json

FORMAT = 1
NAMED_SOUNDS_KEY = "presets"  # in card.json: what they were first called, so that any version reads any card
BUNDLED_MODELS = assets_folder() / "models"
MODELS_VARIABLE = "GANSYNTH_MODELS"


@dataclass(frozen=True)
class Direction:
    """A direction in latent space: a slider at `amount` (-3 to 3) moves z by amount * vector.

    kind: "named" after the descriptor that it changes, or a principal "component". Only named directions have the rest.
    descriptor: its name (see descriptors.py). per_step: how much that rises for an amount of 1, as the median over
    sounds that the direction was not learned from, in `unit` ("octaves" or "doublings" where the ear hears ratios).
    held_out: the share of those sounds, 0 to 1, in which it rises at all.
    """

    name: str
    vector: tuple[float, ...]
    kind: str = "component"
    descriptor: str = ""
    unit: str = ""
    per_step: float = 0.0
    held_out: float = 0.0


@dataclass(frozen=True)
class NamedSound:
    """A sound of a model without instruments, to be chosen as an instrument is: `bright_pluck_12` among the `Plucks`
    is the sound of seed 12."""

    name: str
    family: str
    seed: int


@dataclass(frozen=True)
class ModelCard:
    """All that is known about a model without its weights.

    pitch_low, pitch_high: lowest and highest MIDI pitch the model learned. instruments: names in the order of the
    network's weights input, none for a pitch-only model. generator: hyperparameters of the family's network.
    directions: latent directions for sliders, the named ones first, then the strongest others. named_sounds: of a model
    without instruments, family by family. sha256: of weights.safetensors.
    training, quality: facts and measured figures, free in form. folder: where the card was read from, which is no part
    of it; None for one made in memory.
    """

    id: str
    title: str
    family: str
    latent_size: int
    pitch_low: int
    pitch_high: int
    instruments: tuple[str, ...]
    specgram: Representation
    generator: dict[str, Any]
    sha256: str = ""
    licence: str = ""
    provenance: str = ""
    directions: tuple[Direction, ...] = ()
    named_sounds: tuple[NamedSound, ...] = ()
    training: dict[str, Any] = field(default_factory=dict)
    quality: dict[str, Any] = field(default_factory=dict)
    folder: Path | None = field(default=None, compare=False, repr=False)

    def __post_init__(self) -> None:
        numbers = (self.latent_size, self.pitch_low, self.pitch_high)
        if not all(type(number) is int for number in numbers) or not 0 < self.latent_size < 2**16:
            raise ModelError(f"The model '{self.id}' has an impossible latent size or pitch range: {numbers}.")
        if not 0 <= self.pitch_low <= self.pitch_high <= 127:
            raise ModelError(f"The model '{self.id}' has an impossible latent size or pitch range: {numbers}.")
        self._check_types()
        if any(len(direction.vector) != self.latent_size for direction in self.directions):
            raise ModelError(f"The model '{self.id}' has directions that do not fit its latent size.")
        names = [sound.name for sound in self.named_sounds]
        if len(set(names)) < len(names):
            raise ModelError(f"The model '{self.id}' has two named sounds of the same name.")
        if names and self.instruments:
            raise ModelError(
                f"The model '{self.id}' has both instruments and named sounds. It may have one or the other."
            )

    def _check_types(self) -> None:
        """Raise ModelError if a field is not of its kind: cards are read from files."""
        named = [text for sound in self.named_sounds for text in (sound.name, sound.family)]
        texts = [self.id, self.title, self.family, self.sha256, self.licence, self.provenance, *self.instruments]
        told = [text for one in self.directions for text in (one.name, one.kind, one.descriptor, one.unit)]
        numbers = [number for one in self.directions for number in (*one.vector, one.per_step, one.held_out)]
        if not all(isinstance(text, str) for text in (*texts, *named, *told)):
            raise ModelError(f"The model '{self.id}' has a name that is not text.")
        if not all(type(number) in (int, float) and abs(number) < 1e30 for number in numbers):
            raise ModelError(f"The model '{self.id}' has directions of something else than numbers.")
        if not all(isinstance(facts, dict) for facts in (self.generator, self.training, self.quality)):
            raise ModelError(f"The model '{self.id}' has facts that are not given by name.")
        if not all(type(sound.seed) is int for sound in self.named_sounds):
            raise ModelError(f"The model '{self.id}' has a named sound without a seed.")

    def __hash__(self) -> int:
        return hash((self.id, self.sha256))

    def check_pitch(self, pitch: float) -> None:
        """Raise InputError unless the model learned `pitch` (MIDI)."""
        if not self.pitch_low <= pitch <= self.pitch_high:  # also refuses NaN
            way = "higher" if pitch < self.pitch_low else "lower"
            raise InputError(
                f"Pitch {pitch:g} is outside what '{self.id}' learned ({self.pitch_low}-{self.pitch_high}). "
                f"Choose a {way} key."
            )

    def find_instrument(self, name: str) -> str:
        """The model's own name of its instrument or named sound `name`; "Electric-Piano 1" is `electric_piano_1`.
        Raises InputError, suggesting the closest names, if there is none."""
        names = self.instruments or tuple(sound.name for sound in self.named_sounds)
        if name in names:
            return name
        for known in names:
            if isinstance(name, str) and plain_name(known) == plain_name(name):
                return known
        raise InputError(
            f"'{self.id}' has no instrument '{name}'.{nearest(str(name), names)} "
            "See them all with: python -m gansynth_core instruments"
        )

    def families(self) -> dict[str, list[str]]:
        """The names that `instrument` may take, by family: the instruments, or the named sounds of a model without
        any."""
        if self.instruments:
            return families(self.instruments)
        grouped: dict[str, list[str]] = {}
        for sound in self.named_sounds:
            grouped.setdefault(sound.family, []).append(sound.name)
        return grouped


def find_models() -> dict[str, Path]:
    """Model id -> its folder: the bundled models, then those in the folder that GANSYNTH_MODELS names, which win."""
    found = {}
    own = os.environ.get(MODELS_VARIABLE)
    for root in [BUNDLED_MODELS] + ([Path(own)] if own else []):
        for card in sorted(root.glob("*/card.json")):
            if not card.parent.name.startswith("."):  # what a killed import has left
                found[card.parent.name] = card.parent
    return found


def model_folder(model: str | os.PathLike[str]) -> Path:
    """The folder of a model by its id or its path. Raises ModelError naming the models there are."""
    if not isinstance(model, str | os.PathLike):
        raise ModelError(f"A model is given by its id, such as 'studio', or its folder's path, not by {model!r}.")
    models = find_models()
    if str(model) in models:
        return models[str(model)]
    try:
        if (Path(model) / "card.json").is_file():
            return Path(model)
    except OSError:  # such as a name too long for a path
        pass
    there = (
        f"Choose from {', '.join(models)}."
        if models
        else f"No models were found. Set {MODELS_VARIABLE} to a folder that holds some."
    )
    raise ModelError(f"There is no model '{model}'.{nearest(str(model), models)} {there}")


def load_card(folder: str | os.PathLike[str]) -> ModelCard:
    """Read `folder`/card.json. Raises ModelError if it is missing, damaged, incomplete or from a newer version."""
    path = Path(folder) / "card.json"
    try:
        document = json.loads(path.read_text(encoding="utf-8"))
        version = document.pop("format")
        if version != FORMAT:
            raise ModelError(f"'{path}' has format {version!r}. This version reads only format {FORMAT}.")
        document["specgram"] = representation_from_json(document["specgram"])
        document["instruments"] = tuple(document["instruments"])
        document["directions"] = tuple(_direction_from_json(direction) for direction in document.get("directions", ()))
        document["named_sounds"] = tuple(NamedSound(**sound) for sound in document.pop(NAMED_SOUNDS_KEY, ()))
        document["training"] = in_new_words(document.get("training", {}))
        # A model is known by its folder: two snapshots of one run are two models, and their sounds do not mix.
        own = {"id": path.resolve().parent.name, "folder": path.resolve().parent}
        return ModelCard(**document | own)
    except OSError as cause:
        raise ModelError(f"Cannot read the model card '{path}': {cause.strerror}.") from cause
    except (ValueError, KeyError, TypeError, AttributeError, ArithmeticError, RecursionError) as cause:
        raise ModelError(f"The model card '{path}' is damaged: {str(cause)[:200]}.") from cause


def _direction_from_json(document: dict[str, Any]) -> Direction:
    """A direction of a card. Older ones have only a name and a vector; newer ones may have fields unknown here."""
    known = {field.name for field in dataclasses.fields(Direction)}
    return Direction(
        **{name: value for name, value in document.items() if name in known} | {"vector": tuple(document["vector"])}
    )


def in_new_words(training: dict[str, Any]) -> dict[str, Any]:
    """The facts of a card's `training` in today's words: the stage "reconstruction" was once called "warm start"."""
    new = dict(training)
    if new.get("stage") == "warm start":
        new["stage"] = "reconstruction"
    if isinstance(new.get("started_from"), dict):
        new["started_from"] = in_new_words(new["started_from"])
    return new


def load_weights(folder: str | os.PathLike[str], card: ModelCard) -> dict[str, NDArray[Any]]:
    """Read `folder`/weights.safetensors after checking its hash against the card: name -> array. Raises ModelError."""
    path = Path(folder) / "weights.safetensors"
    try:
        data = path.read_bytes()
    except OSError as cause:
        raise ModelError(f"Cannot read the weights '{path}': {cause.strerror}.") from cause
    if hashlib.sha256(data).hexdigest() != card.sha256:
        raise ModelError(f"The weights '{path}' are damaged or belong to another card (the hash differs).")
    try:
        return safetensors.numpy.load(data)
    except safetensors.SafetensorError as cause:
        raise ModelError(f"The weights '{path}' are not a safetensors file: {cause}") from cause


def save_model(folder: str | os.PathLike[str], card: ModelCard, weights: dict[str, NDArray[Any]]) -> ModelCard:
    """Write weights and card to `folder`; returns the card with its hash filled in. Raises ModelError.

    The card comes last: a folder whose card is readable has the weights that belong to it.
    """
    digest = save_tensors(Path(folder) / "weights.safetensors", weights)
    card = dataclasses.replace(card, sha256=digest)
    save_card(folder, card)
    return card


def save_tensors(path: Path, tensors: dict[str, NDArray[Any]]) -> str:
    """Write a safetensors file; returns its sha256. Raises ModelError."""
    # Contiguous, because safetensors writes the memory as it lies, whatever the strides say.
    data = safetensors.numpy.save({name: np.ascontiguousarray(array) for name, array in tensors.items()})
    with replacing(path, ModelError) as partial:
        partial.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def save_card(folder: str | os.PathLike[str], card: ModelCard) -> None:
    """Write `folder`/card.json for weights that are there already. Raises ModelError."""
    document = {"format": FORMAT} | dataclasses.asdict(card) | {"specgram": card.specgram.to_json()}
    del document["folder"]
    document = {NAMED_SOUNDS_KEY if key == "named_sounds" else key: value for key, value in document.items()}
    text = json.dumps(document, indent=1)
    # A list of numbers on one line: a direction has 512 of them.
    text = re.sub(r"\[\n[\s\d.,eE+-]+\]", lambda numbers: json.dumps(json.loads(numbers[0])), text)
    with replacing(Path(folder) / "card.json", ModelError) as partial:
        partial.write_text(text + "\n", encoding="utf-8", newline="\n")
