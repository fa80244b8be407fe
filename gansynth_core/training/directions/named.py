"""Sliders that do what they say.

Brightness, attack and so on are traced back through the network, by gradient, to the latent numbers that change them,
at many sounds; what those sounds have in common is a direction. Each is freed of what changes the other aspects, and
kept only if it also holds for the notes of other sounds, rendered and measured as they are heard.
"""

import dataclasses
import math
from collections.abc import Callable, Mapping, Sequence

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from gansynth_core.cards import Direction
from gansynth_core.descriptors import DESCRIPTORS, Descriptor, measure
from gansynth_core.errors import InputError
from gansynth_core.latent import Timbre, nudge, sample
from gansynth_core.pitches import pitch_hz
from gansynth_core.sound import HELD_SHARE
from gansynth_core.synth import BATCH, Synth
from gansynth_core.training.data.dataset import Array

# Of DESCRIPTORS, in the order of the sliders. The first ones are freed of each other, the rest of all of them: what is
# bright is less hollow in most sounds, and a brightness that may not change that would hardly be brightness.
ASPECTS = ("brightness", "attack", "decay", "noisiness", "hollowness")
FIRST = 4
SOUNDS, HELD_OUT = 192, 96
AMOUNT = 2.0  # up and down, over which a direction is measured
# A slider at 3 moves z by half the length of a usual one: it is bent far, and still a z that the network may meet.
LONGEST = 0.5 / 3
LEAST_HELD = 0.75  # of the held-out sounds it changes, the share in which it must go the way it says
LEAST_RANGE = 0.5  # from -3 to 3, of the descriptor's spread over all sounds, that it must cover
OWN = 0.2  # of an aspect's gradient, the least that must not be a mixture of others'
LOWEST_HZ = 60.0  # below, partials lie too close together for the spectra that gradients are taken of
SMALL = 16  # sounds whose gradients are taken at a time

Progress = Callable[[int], object]


def named_directions(
    synth: Synth,
    *,
    sounds: int = SOUNDS,
    held_out: int = HELD_OUT,
    seed: int = 0,
    known: Mapping[str, Array] | None = None,
    progress: Progress = lambda done: None,
) -> tuple[list[Direction], dict[str, str]]:
    """The named directions that hold, in the order of ASPECTS, and why each of the others does not (name -> words).

    sounds: at how many random sounds gradients are taken; held_out: at how many others directions are measured. The
    vectors are not at right angles to each other, as what changes one aspect alone seldom is; they are to each other's
    gradients (see `_freed`). known: unit vectors from elsewhere by what rises along them (see known_changes.py). Of two
    directions of one name the one stays that rises in more of the held-out sounds. progress(done) is told how many
    sounds of `sounds` + `held_out` are done.
    Raises InputError for fewer than 8 sounds of either.
    """
    if min(sounds, held_out) < 8:
        raise InputError("Directions need at least 8 sounds to learn from, and 8 to be measured on.")
    length = LONGEST * math.sqrt(synth.card.latent_size)
    vectors = _freed(_in_common(aspect_gradients(synth, sounds, seed, progress)))
    known = known or {}
    candidates = [(name, vector) for name, vector in zip(ASPECTS, vectors, strict=True) if vector.any()]
    candidates += known.items()
    trial = [
        Direction(name, tuple(np.round(length * vector, 5).tolist()), "named", name, _unit(_descriptor(name)))
        for name, vector in candidates
    ]
    dropped = {name: "is moved only by what moves those before it" for name in ASPECTS}
    if not trial:
        progress(sounds + held_out)
        return [], dropped
    effects, spread = measured_effects(synth, trial, held_out, seed, lambda done: progress(sounds + done))
    kept: dict[str, Direction] = {}
    for index, direction in enumerate(trial):
        name = direction.name
        own = effects[:, index, _place(name)]
        changed = own[np.abs(own) > 1e-3 * spread[_place(name)]]
        share = float((changed > 0).mean()) if len(changed) else 0.0
        per_step = float(np.median(changed)) if len(changed) else 0.0
        range_ = 6 * per_step / max(float(spread[_place(name)]), 1e-9)
        if share < LEAST_HELD or range_ < LEAST_RANGE:
            dropped[name] = f"rises in {share:.0%} of held-out sounds, by {range_:.2f} spreads from -3 to 3"
        elif name not in kept or share > kept[name].held_out:
            kept[name] = dataclasses.replace(direction, per_step=round(per_step, 4), held_out=round(share, 3))
    names = dict.fromkeys([*ASPECTS, *known])
    return [kept[name] for name in names if name in kept], {name: dropped[name] for name in names if name not in kept}


def _descriptor(name: str) -> Descriptor:
    return DESCRIPTORS[_place(name)]


def _place(name: str) -> int:
    return [descriptor.name for descriptor in DESCRIPTORS].index(name)


def _unit(descriptor: Descriptor) -> str:
    """Of a difference as it is heard."""
    if not descriptor.log:
        return descriptor.unit
    return "octaves" if descriptor.unit == "Hz" else "doublings"


# --- what changes an aspect ---------------------------------------------------------------------------------------


def aspect_gradients(synth: Synth, sounds: int, seed: int, progress: Progress = lambda done: None) -> Array:
    """How every aspect of random sounds changes with z, float64 [sounds, aspects, latent]."""
    card, draw = synth.card, np.random.default_rng((seed, 1))
    device = synth.device
    lowest = max(card.pitch_low, math.ceil(69 + 12 * math.log2(LOWEST_HZ / 440)))
    found = []
    for start in range(0, sounds, SMALL):
        count = min(SMALL, sounds - start)
        z = torch.from_numpy(draw.standard_normal((count, card.latent_size))).float().to(device).requires_grad_()
        pitch = torch.from_numpy(draw.integers(lowest, card.pitch_high + 1, count)).float().to(device)
        owner = torch.from_numpy(draw.integers(max(1, len(card.instruments)), size=count))
        weights = functional.one_hot(owner, max(1, len(card.instruments))).float()[:, : len(card.instruments)]
        specgram = synth.generator(z, pitch, weights.to(device))
        # Through the levels alone: no aspect depends on how phases come about, which is not a smooth function either.
        waves = card.specgram.decode(torch.stack([specgram[:, 0], specgram[:, 1].detach()], dim=1))
        values = aspects(waves, pitch_hz(pitch), card.specgram.sample_rate)
        by_aspect = [torch.autograd.grad(value.sum(), z, retain_graph=True)[0] for value in values.T]
        found.append(torch.stack(by_aspect, dim=1).double().cpu().numpy())
        progress(start + count)
    return np.concatenate(found)


def aspects(waves: Tensor, f0: Tensor, sample_rate: int) -> Tensor:
    """Smooth stand-ins for the descriptors in ASPECTS, of which a gradient can be taken: waves [batch, samples] with
    fundamentals `f0` [batch] in Hz -> [batch, aspects], each rising with its descriptor."""
    size = 1 << round(math.log2(0.17 * sample_rate))
    held = waves[:, : int(HELD_SHARE * waves.shape[1])]
    window = torch.hann_window(size, device=waves.device)
    stft = torch.stft(held, size, size // 4, window=window, return_complex=True)
    power = (stft.real.square() + stft.imag.square()).mean(dim=2)[:, 1:]
    total = power.sum(dim=1, keepdim=True) + 1e-12
    hz = torch.arange(1, power.shape[1] + 1, device=waves.device) * (sample_rate / size)
    number = (hz / f0[:, None]).round()
    between = ((hz / f0[:, None] - number).abs() > 0.25) & (number >= 1)

    def share_db(chosen: Tensor) -> Tensor:
        return 10 * ((power * chosen).sum(dim=1) / total[:, 0] + 1e-9).log10()

    odd = (number % 2 == 1) & (number >= 3) & (number <= 15)
    even = (number % 2 == 0) & (number >= 2) & (number <= 14)
    block = max(1, int(0.01 * sample_rate))
    level = waves[:, : waves.shape[1] // block * block].square().unflatten(1, (-1, block)).mean(dim=2)
    level = functional.avg_pool1d(level[:, None], 5, 1, 2)[:, 0]  # [batch, hundredths of a second]
    level = 10 * (level / (level.amax(dim=1, keepdim=True).detach() + 1e-12) + 1e-5).log10()
    steady = level[:, 20 : int(HELD_SHARE * level.shape[1]) - 20]
    seconds = torch.linspace(-0.5, 0.5, steady.shape[1], device=waves.device) * 0.01 * steady.shape[1]
    return torch.stack(
        [
            ((power * hz).sum(dim=1) / total[:, 0] + 1).log2(),
            level[:, 15:60].amax(dim=1) - level[:, :15].clamp(min=-40).mean(dim=1),  # how late the level comes
            -(steady * seconds).sum(dim=1) / seconds.square().sum(),
            share_db(between),
            share_db(odd) - share_db(even),
        ],
        dim=1,
    )


def _in_common(gradients: Array) -> Array:
    """The mean gradient of every aspect [aspects, latent]; the longest three tenths count as if they were no longer
    than the rest, so that a few sensitive sounds do not outweigh all others."""
    length = np.linalg.norm(gradients, axis=2, keepdims=True)
    limit = np.quantile(length, 0.7, axis=0, keepdims=True)
    return np.asarray((gradients * np.minimum(1, limit / np.maximum(length, 1e-12))).mean(axis=0))


def _freed(common: Array) -> Array:
    """Unit vectors [aspects, latent] that change one aspect each and, as far as gradients tell, none of the others:
    the FIRST rows at right angles to each other's gradients, the rest to all others'. A row that is (but for OWN) a
    mixture of rows before it has nothing of its own: it becomes zero, and does not constrain them."""
    unit = common / np.maximum(np.linalg.norm(common, axis=1, keepdims=True), 1e-12)
    kept: list[int] = []
    for index, row in enumerate(unit):
        if np.linalg.norm(_beside(row, unit[kept])) > OWN:
            kept.append(index)
    freed: Array = np.zeros_like(unit)
    for index in kept:
        constraints = [other for other in kept if other != index and (other < FIRST or index >= FIRST)]
        own = _beside(unit[index], unit[constraints])
        freed[index] = own / np.linalg.norm(own)
    return freed


def _beside(row: Array, others: Array) -> Array:
    """The part of `row` [n] at right angles to all `others` [any, n]."""
    return np.asarray(row - others.T @ np.linalg.lstsq(others.T, row, rcond=None)[0]) if len(others) else row


# --- what it is heard to do ---------------------------------------------------------------------------------------


def measured_effects(
    synth: Synth, directions: Sequence[Direction], sounds: int, seed: int, progress: Progress = lambda done: None
) -> tuple[Array, Array]:
    """What an amount of 1 of every direction does to random sounds, and how far sounds differ in each descriptor:
    (float [sounds, directions, descriptors], float [descriptors]), both as differences are heard."""
    card, draw = dataclasses.replace(synth.card, directions=tuple(directions)), np.random.default_rng((seed, 2))
    amounts = AMOUNT * np.concatenate([np.eye(len(directions)), -np.eye(len(directions)), [np.zeros(len(directions))]])
    found = []
    for done in range(sounds):
        instrument = str(draw.choice(card.instruments)) if card.instruments else None
        base = sample(card, 1, int(draw.integers(2**53)) % 2**32, instrument)[0]  # as the bundled ones were measured
        pitch = float(draw.integers(card.pitch_low, card.pitch_high + 1))
        moved = [nudge(base, card, row.tolist()) for row in amounts]
        found.append(_heard(synth, moved, pitch))
        progress(done + 1)
    heard = np.array(found)  # [sounds, amounts, descriptors]
    up, down = heard[:, : len(directions)], heard[:, len(directions) : -1]
    return (up - down) / (2 * AMOUNT), heard[:, -1].std(axis=0)


def _heard(synth: Synth, timbres: Sequence[Timbre], pitch: float) -> Array:
    rows = [
        measure(synth.render(timbres[start : start + BATCH], [pitch] * len(timbres[start : start + BATCH])))
        for start in range(0, len(timbres), BATCH)
    ]
    values = np.concatenate(rows)
    return np.stack([descriptor.heard(values[:, i]) for i, descriptor in enumerate(DESCRIPTORS)], axis=1)
