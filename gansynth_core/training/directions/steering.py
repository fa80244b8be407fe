"""Learns what sliders that follow the sound rest on: a predictor of what is measured of a sound (see
gansynth_core/steering.py).

It learns from the model's map, from sounds moved at random, and in rounds from its own walks: where it promises more
than is then measured, the next round knows better. Several small networks are learned and their mean is taken, as a
walk looks for whatever one of them has wrong.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn
from torch.nn import functional

from gansynth_core.atlas import Atlas
from gansynth_core.descriptors import DESCRIPTORS, measure
from gansynth_core.latent import Timbre, sample
from gansynth_core.steering import Steering, place_of
from gansynth_core.synth import BATCH, Synth

Array = npt.NDArray[np.float64]

#: What sliders are offered for: where walks do better than the card's directions (see docs/evaluation.md), or where
#: there are none. Attack, decay and vibrato are hard to predict, and keep their directions.
ASPECTS = ("brightness", "noisiness", "richness", "hollowness", "warmth")
OTHERS = ("attack", "decay", "vibrato", "tremolo", "beating")  # walked while learning only
HELD = ("brightness", "attack", "decay", "noisiness", "vibrato", "loudness")
LENGTH = 9.0  # of z, for a slider at its end; a normal draw is 5.7 long along the prior's directions
PITCHES = (60.0, 60.0, 60.0, 60.0, 48.0, 72.0)  # of the notes that are measured
BENT, FURTHEST = 6000, 9.0  # sounds moved at random, and how far at most
ROUNDS, WALKED, WALKS = 5, 240, 5  # rounds of walks, sounds in each, sliders of each sound
SEEDS = 2**31  # those from here on are kept for measuring what was learned
NETWORKS, FIRST, SECOND = 4, 128, 64
EPOCHS, RATE, DECAY, GROUP = 50, 4e-3, 3e-2, 256
BLUR = 0.3  # standard deviation of what is added to places while learning: slopes are those of a neighbourhood
OWN_WEIGHT = 3.0  # of moved sounds, beside those of the map
CLIPPED = 4.0  # spreads beyond which a descriptor is not followed

Progress = Callable[[int], object]


@dataclass
class Notes:
    """Measured notes: places along the prior's directions [n, directions], instrument weights [n, instruments], MIDI
    pitches [n], and descriptors as heard [n, descriptors]."""

    places: Array
    weights: Array
    pitches: Array
    heard: Array

    def __add__(self, other: "Notes") -> "Notes":
        return Notes(*(np.concatenate(pair) for pair in zip(vars(self).values(), vars(other).values(), strict=True)))


def notes_needed() -> int:
    """How many notes `learn_steering` renders, for a progress bar."""
    return BENT + ROUNDS * WALKED * (1 + 2 * WALKS)


def learn_steering(synth: Synth, atlas: Atlas, *, seed: int = 0, progress: Progress = lambda done: None) -> Steering:
    """A predictor of `synth`'s model, whose map is `atlas`. progress(done) is told how many of `notes_needed` are done.
    The same on one machine for one seed."""
    teacher = _Teacher(synth, np.random.default_rng((seed, 3)), progress)
    # The map's own figures: what they are of needs no rendering.
    mapped = [atlas.timbre(point) for point in range(len(atlas))]
    known = teacher.placed(mapped, [atlas.pitch] * len(mapped), atlas.descriptors.astype(float))
    moved = teacher.measured(*teacher.bent(BENT))
    for round_ in range(ROUNDS):
        steering = teacher.steering(fitted(known, moved, seed=seed + 100 * round_), (*ASPECTS, *OTHERS))
        moved += teacher.measured(*teacher.walked(steering, WALKED))
    return teacher.steering(fitted(known, moved, seed=seed + 100 * ROUNDS), ASPECTS)


class _Teacher:
    """Sounds to learn from, rendered and measured."""

    def __init__(self, synth: Synth, draw: np.random.Generator, progress: Progress) -> None:
        self.synth, self.card, self.draw, self.progress, self.done = synth, synth.card, draw, progress, 0
        assert isinstance(synth.generator, nn.Module)
        self.place = place_of({name: value.cpu().numpy() for name, value in synth.generator.state_dict().items()})
        self.families = list(self.card.families().values())

    def steering(self, network: dict[str, Array], aspects: Sequence[str]) -> Steering:
        return Steering(tuple(aspects), HELD, LENGTH, (60.0,), self.card.instruments, self.place, network)

    def sound(self, number: int) -> Timbre:
        """A sound of the families in turn."""
        names = self.families[number % len(self.families)]
        return sample(self.card, 1, int(self.draw.integers(SEEDS)), str(self.draw.choice(names)))[0]

    def bent(self, count: int) -> tuple[list[Timbre], list[float]]:
        """Sounds moved anywhere along the prior's directions, one in ten of them a mixture of two instruments."""
        directions, timbres = self.place["directions"], []
        for number in range(count):
            sound = self.sound(number)
            instruments = dict(sound.instruments)
            if self.draw.random() < 0.1:
                share = self.draw.random()
                other = self.card.instruments[self.draw.integers(len(self.card.instruments))]
                instruments = {name: 1 - share for name in instruments} | {other: share}
            way = self.draw.standard_normal(len(directions))
            z = np.asarray(sound.z) + self.draw.uniform(0, FURTHEST) * (way / np.linalg.norm(way)) @ directions
            timbres.append(Timbre.of(self.card, z, instruments))
        return timbres, self.draw.choice(PITCHES, count).tolist()

    def walked(self, steering: Steering, count: int) -> tuple[list[Timbre], list[float]]:
        """Sounds, and each of them walked both ways by WALKS sliders, twice as often by those that are held."""
        chances = np.array([2.0 if name in HELD else 1.0 for name in steering.aspects])
        timbres, pitches = [], []
        for number in range(count):
            sound, pitch = self.sound(number), float(self.draw.choice(PITCHES))
            chosen = self.draw.choice(steering.aspects, WALKS, replace=False, p=chances / chances.sum())
            amounts = [(name, float(self.draw.choice([1.5, 3.0]))) for name in chosen]
            moved = [steering.steer(sound, {name: way * by}) for name, by in amounts for way in (-1, 1)]
            timbres += [sound, *moved]
            pitches += [pitch] * (1 + len(moved))
        return timbres, pitches

    def measured(self, timbres: Sequence[Timbre], pitches: Sequence[float]) -> Notes:
        rows = []
        for start in range(0, len(timbres), BATCH):
            part = slice(start, start + BATCH)
            rows.append(measure(self.synth.render(timbres[part], pitches[part])))
            self.done += len(rows[-1])
            self.progress(self.done)
        return self.placed(timbres, pitches, np.concatenate(rows))

    def placed(self, timbres: Sequence[Timbre], pitches: Sequence[float], values: Array) -> Notes:
        number = {name: index for index, name in enumerate(self.card.instruments)}
        weights = np.zeros((len(timbres), len(number)))
        for row, timbre in enumerate(timbres):
            for name, weight in timbre.instruments:
                weights[row, number[name]] = weight
        along = np.array([timbre.z for timbre in timbres]) @ self.place["directions"].T
        places = np.concatenate(
            [
                np.einsum("ni,ijk,nk->nj", weights[part], self.place["turn"], along[part], optimize=True)
                for part in (slice(start, start + 256) for start in range(0, len(timbres), 256))
            ]
        )
        heard = np.stack([one.heard(values[:, index]) for index, one in enumerate(DESCRIPTORS)], axis=1)
        return Notes(places, weights, np.asarray(pitches, float), heard)


def fitted(known: Notes, moved: Notes, seed: int) -> dict[str, Array]:
    """The weights of NETWORKS networks that were learned from both, side by side as one."""
    mean, spread = known.heard.mean(axis=0), known.heard.std(axis=0)
    every = known + moved
    goals = np.clip((every.heard - mean) / np.where(spread > 1e-9, spread, 1.0), -CLIPPED, CLIPPED)
    inputs = np.concatenate([every.places, every.weights, (every.pitches[:, None] - 60) / 12], axis=1)
    weight = np.where(np.arange(len(goals)) < len(known.heard), 1.0, OWN_WEIGHT)
    directions = every.places.shape[1]
    seen, wanted, counts = (torch.from_numpy(part).float() for part in (inputs, goals, weight))
    networks = [_network(seen, wanted, counts, places=directions, seed=seed + number) for number in range(NETWORKS)]
    first, second, third = ([one[layer] for one in networks] for layer in (0, 1, 2))
    into = np.concatenate([weights for weights, _ in first])
    return {
        "w1": into[:, :directions],
        "instruments": into[:, directions:-1].T,
        "pitch": into[:, -1],
        "b1": np.concatenate([bias for _, bias in first]),
        "w2": np.stack([weights for weights, _ in second]),
        "b2": np.concatenate([bias for _, bias in second]),
        "w3": np.concatenate([weights for weights, _ in third], axis=1) / NETWORKS,
        "b3": np.mean([bias for _, bias in third], axis=0),
        "mean": mean,
        "spread": spread,
    }


def _network(inputs: Tensor, goals: Tensor, weight: Tensor, *, places: int, seed: int) -> list[tuple[Array, Array]]:
    """One network's weights and biases, layer by layer."""
    draw = torch.Generator().manual_seed(seed)
    layers = [nn.Linear(*sizes) for sizes in ((inputs.shape[1], FIRST), (FIRST, SECOND), (SECOND, goals.shape[1]))]
    with torch.no_grad():
        for layer in layers:
            for part in (layer.weight, layer.bias):
                part.uniform_(-1, 1, generator=draw).mul_(layer.in_features**-0.5)
    network = nn.Sequential(layers[0], nn.SiLU(), layers[1], nn.SiLU(), layers[2])
    optimizer = torch.optim.AdamW(network.parameters(), weight_decay=DECAY)
    groups = max(1, len(inputs) // GROUP)
    pace = torch.optim.lr_scheduler.OneCycleLR(optimizer, RATE, total_steps=EPOCHS * groups)
    for _ in range(EPOCHS):
        for rows in torch.randperm(len(inputs), generator=draw).split(GROUP)[:groups]:
            seen = inputs[rows]
            seen[:, :places] += BLUR * torch.randn(len(rows), places, generator=draw)
            wrong = functional.huber_loss(network(seen), goals[rows], reduction="none").mean(dim=1)
            optimizer.zero_grad()
            (wrong * weight[rows]).mean().backward()
            optimizer.step()
            pace.step()
    return [(layer.weight.detach().double().numpy(), layer.bias.detach().double().numpy()) for layer in layers]
