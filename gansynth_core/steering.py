"""Sliders that follow the sound: a small network predicts what is measured of a sound from its place, and a slider
walks along the gradient of one descriptor at *this* sound while the others are held.

One straight line cannot hold for all sounds: what makes a piano brighter may make a pad duller. The predictor is
learned by `gansynth directions --steering` and lies beside the weights in `steering.safetensors`; a model without one
has only its card's fixed directions.
"""

import dataclasses
import functools
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import safetensors
import safetensors.numpy
from numpy.typing import NDArray

from gansynth_core.cards import ModelCard, load_weights
from gansynth_core.descriptors import DESCRIPTORS
from gansynth_core.errors import InputError, ModelError, nearest, plain_name
from gansynth_core.files import replacing
from gansynth_core.latent import Z_LIMIT, Timbre

Array = NDArray[np.float64]

FORMAT = 1
FILE = "steering.safetensors"
STEERING_HASH = "steering_sha256"  # in a card's `training`; models without a predictor lack it
LIMIT = 3.0  # amounts go from -LIMIT to LIMIT
STEPS = 12  # of a walk, however far it goes
#: The least change on one side that a slider is offered for, in even steps to the ear (see Descriptor.heard): chosen as
#: what one just hears between two notes that are played one after the other.
NOTICED = {
    "brightness": 0.1,  # octaves: 7 % of the spectral centroid
    "attack": 0.25,  # doublings: a fifth of the rise time
    "decay": 0.25,  # doublings
    "noisiness": 1.5,  # dB
    "richness": 0.2,  # doublings: one partial in seven
    "hollowness": 1.5,  # dB
    "warmth": 1.5,  # dB
    "vibrato": 2.0,  # cents
    "tremolo": 0.5,  # dB
    "beating": 0.5,  # dB
    "tuning": 3.0,  # cents
    "loudness": 1.0,  # LU
}


@dataclass(frozen=True)
class Reach:
    """How far a slider can go at a sound, in its descriptor's unit, as the predictor has it: `low` at -LIMIT, `here` at
    rest, `high` at LIMIT. down, up: whether the way to that side is long enough to be heard (see NOTICED)."""

    low: float
    here: float
    high: float
    down: bool
    up: bool

    @property
    def room(self) -> bool:
        return self.down or self.up


@dataclass(frozen=True, eq=False)
class Steering:
    """What predicts descriptors of a model's sounds, and walks by it.

    aspects: descriptors that sliders are offered for. held: those that a walk holds, its own left out. length: how far
    z moves for an amount of LIMIT. pitches: MIDI, at which descriptors are predicted; a walk follows their mean.
    `place`: what the generator makes of z (see StudioGenerator.place). `network`: the predictor's weights.
    """

    aspects: tuple[str, ...]
    held: tuple[str, ...]
    length: float
    pitches: tuple[float, ...]
    instruments: tuple[str, ...]
    place: dict[str, Array]
    network: dict[str, Array]

    @classmethod
    def find(cls, card: ModelCard) -> "Steering | None":
        """The predictor beside the weights of `card`'s model, or None where there is none. Raises ModelError if it is
        damaged or was learned from other weights."""
        if STEERING_HASH not in card.training or card.folder is None or not (card.folder / FILE).is_file():
            return None
        return _found(card.folder, card, str(card.training[STEERING_HASH]))

    # --- walking ------------------------------------------------------------------------------------------------------

    def steer(self, timbre: Timbre, amounts: Mapping[str, float]) -> Timbre:
        """`timbre` walked by `amounts` (-LIMIT to LIMIT) of descriptors by name, all at once. Raises InputError for a
        descriptor that is not steered and an amount out of range."""
        wanted = self._checked(amounts)
        if not wanted.any():
            return timbre
        sound = _Sound(self, timbre)
        z = np.asarray(timbre.z) + sound.walk(wanted[None])[0]
        return dataclasses.replace(timbre, z=tuple(np.clip(z, -Z_LIMIT, Z_LIMIT).tolist()))

    def reach(self, timbre: Timbre) -> dict[str, Reach]:
        """From where to where every steered descriptor of `timbre` goes, by name."""
        sound, count = _Sound(self, timbre), len(self.aspects)
        ends = LIMIT * np.concatenate([np.zeros((1, count)), -np.eye(count), np.eye(count)])
        predicted = sound.predicted(sound.walk(ends))  # [1 + 2 count, descriptors], as heard
        reach = {}
        for index, name in enumerate(self.aspects):
            place = _NAMES.index(name)
            here, low, high = predicted[0, place], predicted[1 + index, place], predicted[1 + count + index, place]
            one, least = DESCRIPTORS[place], NOTICED[name]
            low, here, high = (float(one.heard(np.array(one.unheard(value)))) for value in (low, here, high))
            down, up = here - low >= least, high - here >= least
            reach[name] = Reach(one.unheard(low), one.unheard(here), one.unheard(high), down, up)
        return reach

    def _checked(self, amounts: Mapping[str, float]) -> Array:
        wanted = np.zeros(len(self.aspects))
        places = {plain_name(name): index for index, name in enumerate(self.aspects)}
        for name, amount in amounts.items():
            if plain_name(str(name)) not in places:
                raise InputError(f"No slider follows '{str(name)[:60]}'.{nearest(str(name), list(self.aspects))}")
            number = isinstance(amount, int | float | np.number) and not isinstance(amount, bool)
            if not number or not -LIMIT <= amount <= LIMIT:
                raise InputError(
                    f"The amount of '{name}' must be a number from -{LIMIT:g} to {LIMIT:g}, not {amount!r}."
                )
            wanted[places[plain_name(str(name))]] = amount
        return wanted


class _Sound:
    """One sound as the predictor sees it: how far it lies from the middle of its instruments along the prior's
    directions, `into` times z. What differs between instruments is given by their names alone, so that the predictor
    cannot take it for something that z does. A walk moves z along these directions alone; the others hardly matter to
    the ear."""

    def __init__(self, steering: Steering, timbre: Timbre) -> None:
        place, self.net, self.steering = steering.place, steering.network, steering
        weights = np.zeros(len(steering.instruments))
        for name, weight in timbre.instruments:
            weights[steering.instruments.index(name)] = weight
        self.into = np.tensordot(weights, place["turn"], 1) @ place["directions"]  # [directions, latent]
        self.start = self.into @ np.asarray(timbre.z)
        self.metric = self.into @ self.into.T
        pitches = (np.asarray(steering.pitches) - 60) / 12
        self.given = weights @ self.net["instruments"] + self.net["b1"] + np.outer(pitches, self.net["pitch"])
        self.held = [_NAMES.index(name) for name in steering.held]
        self.own = [_NAMES.index(name) for name in steering.aspects]

    def walk(self, amounts: Array) -> Array:
        """amounts [batch, aspects] -> how z moves, [batch, latent]: STEPS steps of one length each, every one along the
        directions that the aspects' gradients show where it begins."""
        moved = np.zeros((len(amounts), len(self.metric)))  # in features, before `into` takes it to z
        stride = amounts * (self.steering.length / LIMIT / STEPS)
        asked = np.flatnonzero(amounts.any(axis=0))
        for _ in range(STEPS):
            slopes = self._slopes(self.start + moved @ self.metric)  # [batch, descriptors, features]
            for index in asked:
                moved += stride[:, index, None] * self._direction(slopes, self.own[index])
        return moved @ self.into

    def predicted(self, moves: Array) -> Array:
        """Moves of z [batch, latent] -> descriptors as heard [batch, descriptors], the mean over the pitches."""
        values, _ = self._forward(self.start + moves @ self.into.T)
        heard: Array = values.mean(axis=1) * self.net["spread"] + self.net["mean"]
        return heard

    def _direction(self, slopes: Array, own: int) -> Array:
        """Steps of z [batch, features], of length 1, along which `own` rises most while what is held stays; shorter
        where it hardly rises, so that a sound without room does not wander."""
        order = [own, *(place for place in self.held if place != own)]
        firmness = np.array([LOUD if _NAMES[place] == "loudness" else 1.0 for place in order])
        chosen = slopes[:, order] * firmness[:, None]
        products = chosen @ self.metric @ chosen.swapaxes(1, 2)  # [batch, chosen, chosen]
        size = np.trace(products, axis1=1, axis2=2)[:, None, None]
        rise = np.zeros((len(slopes), chosen.shape[1], 1))
        rise[:, 0] = 1.0
        parts = np.linalg.solve(products + (RIDGE * size + 1e-12) * np.eye(chosen.shape[1]), rise)
        direction: Array = (chosen.swapaxes(1, 2) @ parts)[..., 0]
        lengths = np.sqrt(np.maximum(((direction @ self.metric) * direction).sum(axis=1), 1e-24))[:, None]
        direction /= lengths
        rises = (chosen[:, :1] @ self.metric @ direction[..., None])[..., 0]  # spreads for a step of length 1
        step: Array = direction * np.minimum(1, np.maximum(rises, 0) / FLAT)
        return step

    def _forward(self, features: Array) -> tuple[Array, list[Array]]:
        """Features [batch, n] -> standardised descriptors [batch, pitches, descriptors], and the slopes of
        both hidden layers' units."""
        net = self.net
        first, first_slope = _silu((features @ net["w1"].T)[:, None] + self.given)
        # The networks lie side by side: each knows its own part of the first layer alone.
        apart = first.reshape(-1, *net["w2"].shape[::2]).swapaxes(0, 1)  # [networks, rows, units]
        met = (apart @ net["w2"].swapaxes(1, 2)).swapaxes(0, 1).reshape(*first.shape[:2], -1)
        second, second_slope = _silu(met + net["b2"])
        return second @ net["w3"].T + net["b3"], [first_slope, second_slope]

    def _slopes(self, features: Array) -> Array:
        """How every standardised descriptor rises with the features, [batch, descriptors, n], the mean over pitches."""
        net, (_, (first, second)) = self.net, self._forward(features)
        back = net["w3"] * second[:, :, None]  # [batch, pitches, descriptors, units of the second layer]
        apart = back.reshape(-1, *net["w2"].shape[:2]).swapaxes(0, 1) @ net["w2"]  # [networks, rows, first]
        back = apart.swapaxes(0, 1).reshape(*back.shape[:3], -1)
        slopes: Array = ((back * first[:, :, None]) @ net["w1"]).mean(axis=1)
        return slopes


# Of all slopes: how firmly the others are held. Less lets a walk find what only the predictor believes in.
RIDGE = 0.06
LOUD = 3.0  # times as firmly as the others is loudness held
FLAT = 0.03  # spreads of a descriptor for a step of length 1, below which it hardly rises
_NAMES = [descriptor.name for descriptor in DESCRIPTORS]


def _silu(x: Array) -> tuple[Array, Array]:
    """x sigmoid(x) and its slope."""
    gate = 1 / (1 + np.exp(-np.clip(x, -60, 60)))
    return x * gate, gate * (1 + x * (1 - gate))


@functools.lru_cache(maxsize=4)
def _found(folder: Path, card: ModelCard, digest: str) -> Steering:
    path = folder / FILE
    try:
        data = path.read_bytes()
        if hashlib.sha256(data).hexdigest() != digest:
            raise ModelError(f"The predictor '{path}' is damaged or belongs to another model (the hash differs).")
        with safetensors.safe_open(path, "np") as file:
            facts = json.loads(file.metadata()["facts"])
        if facts["format"] != FORMAT:
            found = f"has format {facts['format']!r}. This version reads only format {FORMAT}."
            raise ModelError(f"The predictor '{path}' {found}")
        if facts["sha256"] != card.sha256:
            raise ModelError(
                f"The predictor '{path}' was learned from other weights than '{card.id}' has now. "
                f"Learn it anew with: python -m gansynth_core directions --steering --model {card.id}"
            )
        network = {name: value.astype(float) for name, value in safetensors.numpy.load(data).items()}
        aspects, held = tuple(facts["aspects"]), tuple(facts["held"])
        if not {*aspects, *held} <= set(_NAMES) or list(facts["descriptors"]) != _NAMES:
            raise ModelError(f"The predictor '{path}' was learned with another version's descriptors.")
        return Steering(
            aspects,
            held,
            float(facts["length"]),
            tuple(facts["pitches"]),
            card.instruments,
            place_of(load_weights(folder, card)),
            network,
        )
    except OSError as cause:
        raise ModelError(f"Cannot read the predictor '{path}': {cause.strerror or cause}.") from cause
    except (ValueError, KeyError, TypeError, safetensors.SafetensorError) as cause:
        raise ModelError(f"The predictor '{path}' is damaged: {cause}.") from cause


def place_of(weights: Mapping[str, NDArray[Any]]) -> dict[str, Array]:
    """Of a studio generator's weights, what says where a z lies: see StudioGenerator.place."""
    return {
        "directions": weights["prior.directions"].astype(float),
        "turn": weights["prior.spread"].astype(float),
    }


def save_steering(folder: Path, card: ModelCard, steering: Steering) -> str:
    """Write `steering` beside the weights in `folder`; returns the file's sha256, which belongs in the card's
    `training` under STEERING_HASH. Raises ModelError."""
    facts = {
        "format": FORMAT,
        "sha256": card.sha256,
        "aspects": steering.aspects,
        "held": steering.held,
        "length": steering.length,
        "pitches": steering.pitches,
        "descriptors": _NAMES,
    }
    network = {name: np.ascontiguousarray(value, np.float32) for name, value in steering.network.items()}
    data = safetensors.numpy.save(network, {"facts": json.dumps(facts)})
    with replacing(folder / FILE, ModelError) as partial:
        partial.write_bytes(data)
    return hashlib.sha256(data).hexdigest()


def steer(timbre: Timbre, card: ModelCard, amounts: Mapping[str, float]) -> Timbre:
    """`timbre` walked by `amounts` (-3 to 3) of what is measured of it, by name: {"brightness": 1.5}. Unlike `nudge` it
    goes the way that suits this very sound and holds the other aspects. Raises InputError for a model that cannot, a
    descriptor that it does not steer, and an amount out of range."""
    if timbre.model != card.id:
        raise InputError(f"This sound belongs to the model '{timbre.model}', not to '{card.id}'.")
    steering = Steering.find(card)
    if steering is None:
        raise InputError(f"'{card.id}' has no sliders that follow the sound. Use `nudge` with its directions.")
    return steering.steer(timbre, amounts)
