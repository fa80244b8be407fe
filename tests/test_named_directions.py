"""Named directions of a voice whose latent numbers do what is known."""

import dataclasses
import math

import numpy as np
import pytest
import torch
from sine_voice import SPEC, SineGenerator, sine_card

from gansynth_core import DESCRIPTORS, Direction, InputError, Synth, measure, nudge, sample
from gansynth_core.training.directions.components import components
from gansynth_core.training.directions.named import (
    ASPECTS,
    _freed,
    aspects,
    measured_effects,
    named_directions,
)

LATENT = 16
BRIGHTNESS, ATTACK, NOISE, DECAY = 3, 5, 7, 9  # what each of these numbers changes; all others change nothing
CARD = dataclasses.replace(sine_card(instruments=()), latent_size=LATENT, directions=(), pitch_low=55, pitch_high=67)


class Voice(SineGenerator):
    """Twelve partials and some noise. Nothing changes the balance of odd and even partials but brightness, a little."""

    def __call__(self, z, pitch, instruments):
        seconds = torch.arange(SPEC.samples) / SPEC.sample_rate
        number = torch.arange(1, 13)
        levels = (number.log() * (0.3 * z[:, BRIGHTNESS, None] - 1.5)).exp()
        hz = 440.0 * 2.0 ** ((pitch - 69.0) / 12.0)
        partials = torch.sin(2 * math.pi * hz[:, None, None] * number[:, None] * seconds + number[:, None] ** 2)
        tone = torch.einsum("bk,bkn->bn", levels / levels.norm(dim=1, keepdim=True), partials)
        rising = 1 - torch.exp(-seconds / (0.05 * torch.exp(0.7 * z[:, ATTACK, None])))
        falling = torch.exp(-0.4 * seconds * torch.exp(0.7 * z[:, DECAY, None]))
        noise = torch.randn(SPEC.samples, generator=torch.Generator().manual_seed(0))
        noise = noise * 10 ** ((5 * z[:, NOISE, None] - 30) / 20)
        return SPEC.encode(0.2 * (tone + noise) * rising * falling)

    def embed(self, z, pitch, instruments):
        return z[:, [BRIGHTNESS, ATTACK, NOISE, DECAY]] * torch.tensor([4.0, 3.0, 2.0, 1.0])


@pytest.fixture(scope="module")
def synth():
    return Synth(CARD, Voice(), device="cpu", griffin_lim_steps=0)


@pytest.fixture(scope="module")
def found(synth):
    told = []
    named, dropped = named_directions(synth, sounds=8, held_out=8, progress=told.append)
    assert told[-1] == 16 and told == sorted(told)
    return named, dropped


def test_what_a_voice_can_do_is_found_and_named(found):
    named, dropped = found
    assert [direction.name for direction in named] == ["brightness", "attack", "decay", "noisiness"]
    for direction, number in zip(named, (BRIGHTNESS, ATTACK, DECAY, NOISE), strict=True):
        vector = np.array(direction.vector)
        assert vector[number] / np.linalg.norm(vector) > 0.85, direction.name
        assert np.linalg.norm(vector) == pytest.approx(0.5 / 3 * math.sqrt(LATENT), rel=1e-3)
        assert direction.kind == "named" and direction.descriptor == direction.name
        assert direction.held_out >= 0.85 and direction.per_step > 0
    assert list(dropped) == ["hollowness"]


def test_a_step_is_as_long_as_it_says(found, synth):
    """Measured on sounds that neither learning nor measuring saw; the units are those the ear hears in."""
    named, _ = found
    units = {direction.name: direction.unit for direction in named}
    assert units == {"brightness": "octaves", "attack": "doublings", "decay": "doublings", "noisiness": "dB"}
    length = 0.5 / 3 * math.sqrt(LATENT)
    assert named[3].per_step == pytest.approx(5 * length, rel=0.25)  # 5 dB for each unit of z
    effects, _ = measured_effects(synth, named, 4, seed=77)
    for index, column in enumerate((0, 1, 2, 3)):
        assert np.median(effects[:, index, column]) == pytest.approx(named[index].per_step, rel=0.5)


def test_each_leaves_the_others_aspects_alone():
    common = np.random.default_rng(0).standard_normal((5, 30)) + 2  # much in common
    freed = _freed(common)
    for index, vector in enumerate(freed):
        assert np.linalg.norm(vector) == pytest.approx(1)
        others = [other for other in range(5) if other != index and (other < 4 or index == 4)]
        assert np.abs(common[others] @ vector).max() < 1e-9 < common[index] @ vector
    assert _freed(np.ones((3, 4))).any(axis=1).tolist() == [True, False, False]  # the first one wins
    assert not _freed(np.zeros((2, 4))).any()


def test_components_are_at_right_angles_to_named_ones_and_to_each_other(synth):
    named = [Direction("noisiness", tuple(2.0 * (np.arange(LATENT) == NOISE)), "named", "noisiness")]
    found = components(synth, named, count=3)
    vectors = np.array([direction.vector for direction in found])
    assert vectors @ vectors.T == pytest.approx(np.eye(3), abs=1e-3)
    assert np.abs(vectors @ np.array(named[0].vector)).max() < 1e-3
    # What is left of the voice, strongest first.
    assert [int(np.abs(vector).argmax()) for vector in vectors] == [BRIGHTNESS, ATTACK, DECAY]
    assert all(direction.kind == "component" for direction in found)


def test_stand_ins_rise_with_what_they_stand_for():
    def of(**changed):
        numbers = {"BRIGHTNESS": BRIGHTNESS, "ATTACK": ATTACK, "NOISE": NOISE, "DECAY": DECAY}
        z = torch.zeros(1, LATENT)
        for name, value in changed.items():
            z[0, numbers[name]] = value
        waves = SPEC.decode(Voice()(z, torch.tensor([60.0]), torch.zeros(1, 0)))
        return dict(zip(ASPECTS, aspects(waves, torch.tensor([261.6]), SPEC.sample_rate)[0].tolist(), strict=True))

    plain = of()
    for name, aspect in (("BRIGHTNESS", 0), ("ATTACK", 1), ("DECAY", 2), ("NOISE", 3)):
        assert of(**{name: 1.5})[ASPECTS[aspect]] > plain[ASPECTS[aspect]], name
    assert of(NOISE=2)["noisiness"] - plain["noisiness"] == pytest.approx(10, abs=1.5)


def test_too_few_sounds_are_refused(synth):
    with pytest.raises(InputError, match="8 sounds"):
        named_directions(synth, sounds=4)


def test_silence_has_no_direction():
    class Silent(SineGenerator):
        def __call__(self, z, pitch, instruments):
            return super().__call__(z, pitch, instruments) * 0 - 1 + 0 * z[:, :1, None, None]

    silent = Synth(CARD, Silent(), device="cpu", griffin_lim_steps=0)
    named, dropped = named_directions(silent, sounds=8, held_out=8)
    assert named == [] and list(dropped) == list(ASPECTS)


def test_the_studio_voices_sliders_do_what_they_say():
    synth = Synth.load("studio", device="cpu")
    directions = synth.card.directions
    named = [direction for direction in directions if direction.kind == "named"]
    assert {"brightness", "attack", "decay", "noisiness"} <= {direction.name for direction in named}
    assert directions[: len(named)] == tuple(named)
    vectors = np.array([direction.vector for direction in directions])
    assert np.abs(vectors[: len(named)] @ vectors[len(named) :].T).max() < 1e-3
    names = [descriptor.name for descriptor in DESCRIPTORS]
    sounds = [sample(synth.card, 1, 5, name)[0] for name in ("acoustic_grand_piano", "trumpet", "vibraphone")]
    for index, direction in enumerate(named):
        amounts = [0.0] * index + [2.5]
        moved = [
            nudge(sound, synth.card, [sign * amount for amount in amounts]) for sound in sounds for sign in (1, -1)
        ]
        heard = measure(synth.render(moved, [60] * len(moved)))
        column = names.index(direction.descriptor)
        values = DESCRIPTORS[column].heard(heard[:, column])
        assert np.median(values[::2] - values[1::2]) > direction.per_step, direction.name  # of five steps
        tuning = heard[:, names.index("tuning")]
        limit = 30 if direction.name == "vibrato" else 20  # cents; what wavers by as much is in tune in no other way
        assert np.abs(tuning[::2] - tuning[1::2]).max() < limit, direction.name
