"""Points of sound: the Timbre, how it is drawn, morphed and nudged."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from gansynth_core.cards import ModelCard
from gansynth_core.errors import InputError, nearest, plain_name
from gansynth_core.imprint import Imprint, mixed

FORMAT, IMPRINT_FORMAT = 1, 2  # a sound without an imprint is written as ever
VARIATION = (
    0.25  # the way from a named sound towards a draw, along the great circle: 22 degrees in a space of many numbers
)
MOST_SEED = 2**53  # the largest whole number that JSON keeps everywhere
Z_LIMIT = 20.0  # |z_i|; a normal draw never comes near, and beyond it the network never learned anything


@dataclass(frozen=True)
class Timbre:
    """A point of sound without a pitch: which model, `z`, and convex instrument weights (none for a pitch-only model).

    `instruments` holds (name, weight) pairs in order of name, weights > 0 and summing to 1, so that equal sounds are
    equal objects. imprint: what an own sound has and the model lacks (see Synth.encode). Raises InputError otherwise.
    """

    model: str
    z: tuple[float, ...]
    instruments: tuple[tuple[str, float], ...] = ()
    imprint: Imprint | None = None

    def __post_init__(self) -> None:
        if not all(isinstance(x, (int, float)) and abs(x) <= Z_LIMIT for x in self.z):  # NaN fails the comparison
            raise InputError(f"Every number of z must be finite and between {-Z_LIMIT:g} and {Z_LIMIT:g}.")
        weights = [weight for _, weight in self.instruments]
        if weights and not (all(weight > 0 for weight in weights) and math.isclose(sum(weights), 1, abs_tol=1e-6)):
            raise InputError("Instrument weights must be above 0 and add up to 1.")
        if list(self.instruments) != sorted(dict(self.instruments).items()):
            raise InputError("Instruments must be given once each, in order of name.")

    @classmethod
    def of(
        cls,
        card: ModelCard,
        z: Sequence[float] | NDArray[np.floating] | torch.Tensor,
        instrument: str | Mapping[str, float] | None = None,
        imprint: Imprint | None = None,
    ) -> "Timbre":
        """A Timbre of `card`'s model: `instrument` a name, or weights by name (scaled to sum 1; the model's first
        instrument if None). Case, spaces and hyphens in a name do not matter. Raises InputError for a wrong size of z,
        an unknown instrument or impossible weights."""
        z = _vector(z)
        if len(z) != card.latent_size:
            raise InputError(f"'{card.id}' takes {card.latent_size} numbers for z, not {len(z)}.")
        if not card.instruments:
            if instrument:
                raise InputError(
                    f"'{card.id}' has no instruments to choose from. Leave the instrument out"
                    + (", or give a seed in place of z." if card.named_sounds else ".")
                )
            return cls(card.id, tuple(z), (), imprint)
        if instrument is None:
            instrument = card.instruments[0]
        if not isinstance(instrument, str | Mapping):
            raise InputError(f"An instrument is a name, or weights by name, not {instrument!r}.")
        weights: dict[str, float] = {}
        for name, weight in ({instrument: 1.0} if isinstance(instrument, str) else instrument).items():
            own_name = card.find_instrument(name)
            if not (isinstance(weight, int | float | np.number) and 0 <= weight < math.inf):
                raise InputError(f"The weight of '{name}' must be a number of at least 0, not {weight!r}.")
            weights[own_name] = weights.get(own_name, 0.0) + float(weight)
        return cls(card.id, tuple(z), _convex(weights), imprint)

    def to_json(self) -> dict[str, Any]:
        """A JSON document, which `from_json` turns back into the same Timbre."""
        document: dict[str, Any] = {"format": FORMAT, "model": self.model, "z": list(self.z)}
        document["instruments"] = dict(self.instruments)
        if self.imprint is not None:
            document |= {"format": IMPRINT_FORMAT, "imprint": self.imprint.to_text()}
        return document

    @classmethod
    def from_json(cls, document: Any) -> "Timbre":
        """Inverse of `to_json`. Raises InputError for a damaged document or one of a newer version."""
        try:
            if document["format"] not in (FORMAT, IMPRINT_FORMAT):
                raise InputError(f"This sound was saved by a newer version (format {document['format']}).")
            instruments = sorted((str(name), float(weight)) for name, weight in document["instruments"].items())
            imprint = Imprint.from_text(document["imprint"]) if document["format"] == IMPRINT_FORMAT else None
            return cls(str(document["model"]), tuple(float(x) for x in document["z"]), tuple(instruments), imprint)
        except (KeyError, TypeError, ValueError, OverflowError, AttributeError) as cause:
            raise InputError(f"This is not a saved sound: {cause!r}.") from cause


def _vector(z: Sequence[float] | NDArray[np.floating] | torch.Tensor) -> list[float]:
    try:
        vector = np.asarray(z.detach().cpu() if isinstance(z, torch.Tensor) else z, dtype=np.float64)
    except (TypeError, ValueError) as cause:
        raise InputError("z must be a list of numbers.") from cause
    if vector.ndim != 1:
        raise InputError(f"z must be one list of numbers, not an array of shape {vector.shape}.")
    numbers: list[float] = vector.tolist()
    return numbers


def _convex(weights: Mapping[str, float]) -> tuple[tuple[str, float], ...]:
    total = sum(weights.values())
    if total <= 0:
        raise InputError("At least one instrument needs a weight above 0.")
    return tuple(sorted((name, weight / total) for name, weight in weights.items() if weight > 0))


def sample(
    card: ModelCard, n: int = 1, seed: int = 0, instrument: str | Mapping[str, float] | None = None
) -> list[Timbre]:
    """`n` Timbres with z ~ N(0, 1). Item i is drawn on the CPU from seed + i alone: the same sound on any device, for
    any n. Of a named sound (or weights by name), seed 0 is the sound itself and any other a variation of it.
    Raises InputError as Timbre.of, for a negative n, and for a seed that is not an integer from 0 to 2^53."""
    if isinstance(n, bool) or not isinstance(n, int | np.integer) or n < 0:
        raise InputError(f"The number of sounds must be a whole number of at least 0, not {n!r}.")
    if isinstance(seed, bool) or not isinstance(seed, int | np.integer) or not 0 <= seed <= MOST_SEED:
        raise InputError(f"Seed {seed!r} must be a whole number from 0 to {MOST_SEED}.")
    seeds = range(int(seed), int(seed) + int(n))
    if seeds.stop > MOST_SEED + 1:
        raise InputError(f"{n} sounds from seed {seed} on would go beyond the last seed, {MOST_SEED}.")
    if card.named_sounds and instrument:
        named = _named_sound(card, instrument)
        return [
            dataclasses.replace(named, z=slerp(named.z, _draw(card, number), VARIATION)) if number else named
            for number in seeds
        ]
    return [Timbre.of(card, _draw(card, number), instrument) for number in seeds]


def _draw(card: ModelCard, seed: int) -> list[float]:
    """z of a seed. torch's generator takes the lower 32 bits of a seed only; larger ones are drawn with all their bits
    by NumPy's RandomState, whose numbers never change from version to version."""
    if seed < 2**32:
        return torch.randn(card.latent_size, generator=torch.Generator().manual_seed(seed)).tolist()
    drawn = np.random.RandomState([seed % 2**32, seed // 2**32]).standard_normal(card.latent_size)
    numbers: list[float] = drawn.astype(np.float32).tolist()
    return numbers


def _named_sound(card: ModelCard, instrument: str | Mapping[str, float]) -> Timbre:
    """The sound of a name, or the blend of several by their weights. Raises InputError."""
    weights = {instrument: 1.0} if isinstance(instrument, str) else instrument
    if not isinstance(weights, Mapping):
        raise InputError(f"An instrument is a name, or weights by name, not {instrument!r}.")
    seeds = {sound.name: sound.seed for sound in card.named_sounds}
    names = [card.find_instrument(name) for name in weights]
    return blend([Timbre.of(card, _draw(card, seeds[name])) for name in names], list(weights.values()))


def morph(a: Timbre, b: Timbre, t: float) -> Timbre:
    """The sound at `t` in [0, 1] between `a` (0) and `b` (1): z on the great circle between the two (slerp, Shoemake
    1985), its length, the instrument weights and the imprint (in dB) in a straight line. morph(a, a, t) is a.

    Raises InputError for another t and for timbres of two models.
    """
    if a.model != b.model:
        raise InputError(
            f"A sound of '{a.model}' cannot be morphed into one of '{b.model}'. Choose one model for both."
        )
    if not 0 <= t <= 1:
        raise InputError(f"A morph goes from 0 to 1, not to {t:g}.")
    if t == 0 or a == b:
        return a
    if t == 1:
        return b
    weights = {name: (1 - t) * weight for name, weight in a.instruments}
    for name, weight in b.instruments:
        weights[name] = weights.get(name, 0.0) + t * weight
    imprint = mixed([a.imprint, b.imprint], [1 - t, t])
    return Timbre(a.model, slerp(a.z, b.z, t), _convex(weights) if weights else (), imprint)


def blend(timbres: Sequence[Timbre], weights: Sequence[float]) -> Timbre:
    """The sound between several, each counting by its weight (at least 0, any sum above 0): for neighbours on a map.

    z is the weighted mean, stretched to the weighted mean length (the plain mean of n unrelated draws
    would be 1 / sqrt(n) as long and sound tamer); instrument weights and imprints mix in a straight line. If one timbre
    has all the weight, the blend is that very timbre. Of two, `morph` keeps an even pace, and this is close to it.

    Raises InputError for no timbres, impossible weights and timbres of two models.
    """
    if len(timbres) != len(weights) or not timbres:
        raise InputError(f"A blend takes a weight for each of its sounds, not {len(weights)} for {len(timbres)}.")
    if not all(isinstance(weight, int | float | np.number) and 0 <= weight < math.inf for weight in weights):
        raise InputError("The weights of a blend must be numbers of at least 0.")
    models = sorted({timbre.model for timbre in timbres})
    if len(models) > 1:
        raise InputError(f"Sounds of '{models[0]}' and '{models[1]}' cannot be blended. Choose one model for all.")
    shares: dict[Timbre, float] = {}
    for timbre, weight in zip(timbres, weights, strict=True):
        if weight > 0:
            shares[timbre] = shares.get(timbre, 0.0) + float(weight)
    total = sum(shares.values())
    if not 0 < total < math.inf:
        raise InputError("At least one sound of a blend needs a weight above 0.")
    if len(shares) == 1:
        return next(iter(shares))
    part = np.array(list(shares.values())) / total
    z = np.array([timbre.z for timbre in shares])
    mean, length = part @ z, float(part @ np.linalg.norm(z, axis=1))
    own_length = float(np.linalg.norm(mean))
    if own_length > 1e-9:
        mean *= length / own_length
    instruments: dict[str, float] = {}
    for timbre, share in zip(shares, part, strict=True):
        for name, weight in timbre.instruments:
            instruments[name] = instruments.get(name, 0.0) + float(share) * weight
    imprint = mixed([timbre.imprint for timbre in shares], part.tolist())
    return Timbre(models[0], tuple(mean.tolist()), _convex(instruments) if instruments else (), imprint)


def slerp(a: Sequence[float], b: Sequence[float], t: float) -> tuple[float, ...]:
    """Point at `t` on the great circle from `a` to `b`, with the length in between; a straight line where the circle is
    not defined (a zero vector, equal or opposite directions)."""
    x, y = torch.tensor(a, dtype=torch.float64), torch.tensor(b, dtype=torch.float64)
    length_x, length_y = x.norm(), y.norm()
    straight = (1 - t) * x + t * y
    if min(length_x, length_y) < 1e-9:
        return tuple(straight.tolist())
    cosine = float((x @ y) / (length_x * length_y))
    if abs(cosine) > 1 - 1e-9:
        return tuple(straight.tolist())
    angle = math.acos(cosine)
    along = (math.sin((1 - t) * angle) * x / length_x + math.sin(t * angle) * y / length_y) / math.sin(angle)
    return tuple((along * ((1 - t) * length_x + t * length_y)).tolist())


def nudge(timbre: Timbre, card: ModelCard, amounts: Sequence[float] | Mapping[str, float]) -> Timbre:
    """`timbre` moved by `amounts[i]` (-3 .. 3 makes sense) along the card's i-th direction, or by amounts by the names
    of directions. Raises InputError for more amounts than directions, an unknown name, or values beyond the range of
    z."""
    if len(timbre.z) != card.latent_size:
        raise InputError(f"This sound belongs to the model '{timbre.model}', not to '{card.id}'.")
    if isinstance(amounts, Mapping):
        amounts = _amounts(card, amounts)
    try:
        amounts = [float(amount) for amount in amounts]
    except (TypeError, ValueError) as cause:
        raise InputError("The amounts of a nudge must be numbers, or numbers by the names of directions.") from cause
    if len(amounts) > len(card.directions):
        raise InputError(f"'{card.id}' has {len(card.directions)} directions, not {len(amounts)}.")
    if not any(amounts):
        return timbre
    z = torch.tensor(timbre.z, dtype=torch.float64)
    for amount, direction in zip(amounts, card.directions, strict=False):
        z += amount * torch.tensor(direction.vector, dtype=torch.float64)
    return dataclasses.replace(timbre, z=tuple(z.tolist()))


def _amounts(card: ModelCard, by_name: Mapping[str, float]) -> list[float]:
    """The amount of every direction of the card, 0 for those that are not named. Raises InputError."""
    places = {plain_name(direction.name): place for place, direction in enumerate(card.directions)}
    amounts = [0.0] * len(card.directions)
    for name, amount in by_name.items():
        if plain_name(str(name)) not in places:
            known = nearest(str(name), [direction.name for direction in card.directions])
            raise InputError(f"'{card.id}' has no direction '{name}'.{known}")
        amounts[places[plain_name(str(name))]] = amount
    return amounts
