import math

import numpy as np
import pytest
import torch
from sine_voice import sine_card

from gansynth_core import GM_INSTRUMENTS, InputError, Timbre, blend, morph, nudge, sample
from gansynth_core.latent import slerp

CARD = sine_card()
ANCHOR = (-0.489287406206131, -0.7709517478942871, -0.16183160245418549)  # what seed 2^32 + 5 begins with


def test_item_7_is_the_same_sound_whatever_the_count():
    nine = sample(CARD, 9, seed=3, instrument="violin")
    eight = sample(CARD, 8, seed=3, instrument="violin")
    assert nine[:8] == eight and sample(CARD, 1, seed=10, instrument="violin")[0] == nine[7]
    assert len({timbre.z for timbre in nine}) == 9


def test_a_morph_into_itself_is_itself():
    a = sample(CARD, 1, 1, "violin")[0]
    for t in (0, 0.3, 1):
        assert morph(a, a, t) == a


def test_a_morph_ends_where_it_should_and_mixes_instruments_in_between():
    a, b = sample(CARD, 1, 1, "violin")[0], sample(CARD, 1, 2, "flute")[0]
    assert morph(a, b, 0) == a and morph(a, b, 1) == b
    middle = morph(a, b, 0.25)
    assert dict(middle.instruments) == pytest.approx({"violin": 0.75, "flute": 0.25})
    length = [math.hypot(*timbre.z) for timbre in (a, middle, b)]
    assert length[1] == pytest.approx(0.75 * length[0] + 0.25 * length[2])


def test_slerp_goes_along_the_circle():
    assert slerp((1.0, 0.0), (0.0, 1.0), 0.5) == pytest.approx((math.sqrt(0.5), math.sqrt(0.5)))


@pytest.mark.parametrize(("a", "b"), [((0.0, 0.0), (1.0, 0.0)), ((1.0, 0.0), (-1.0, 0.0)), ((1.0, 0.0), (1.0, 0.0))])
def test_slerp_is_finite_where_the_circle_is_not_defined(a, b):
    assert all(math.isfinite(x) for x in slerp(a, b, 0.5))


def test_models_do_not_mix():
    a, b = sample(CARD, 1, 1, "violin")[0], sample(sine_card("other"), 1, 1, "violin")[0]
    with pytest.raises(InputError, match="one model"):
        morph(a, b, 0.5)


def test_a_blend_of_one_is_that_one():
    a, b = sample(CARD, 2, 1, "violin")
    assert blend([a], [1]) is a and blend([a, b], [3, 0]) is a and blend([a, a], [0.5, 0.1]) == a


def test_a_blend_is_amid_its_sounds_and_no_tamer():
    sounds = [sample(CARD, 1, seed, name)[0] for seed, name in enumerate(("violin", "flute", "flute"))]
    mixed = blend(sounds, [1, 2, 1])
    assert dict(mixed.instruments) == pytest.approx({"violin": 0.25, "flute": 0.75})
    lengths = [math.hypot(*sound.z) for sound in sounds]
    assert math.hypot(*mixed.z) == pytest.approx((lengths[0] + 2 * lengths[1] + lengths[2]) / 4)
    near = [math.dist(mixed.z, sound.z) for sound in sounds]
    assert near[1] < min(near[0], near[2])
    half = blend(sounds[:2], [0.5, 0.5])
    assert math.dist(half.z, morph(*sounds[:2], 0.5).z) < 0.05 * lengths[0]


def test_a_blend_of_opposites_is_finite():
    a = sample(CARD, 1, 1, "violin")[0]
    opposite = Timbre.of(CARD, [-x for x in a.z], "violin")
    assert all(math.isfinite(x) for x in blend([a, opposite], [1, 1]).z)


@pytest.mark.parametrize("weights", [[1], [0, 0], [1, -1], [1, math.nan], [math.inf, 1], []])
def test_an_impossible_blend_is_refused(weights):
    with pytest.raises(InputError, match="weight"):
        blend(sample(CARD, 2, 1, "violin"), weights)
    with pytest.raises(InputError, match="one model"):
        blend([sample(CARD, 1, 1, "violin")[0], sample(sine_card("other"), 1, 1, "violin")[0]], [1, 1])


@pytest.mark.parametrize("t", [-0.1, 1.1, float("nan")])
def test_a_morph_outside_its_ends_is_refused(t):
    a, b = sample(CARD, 2, 1, "violin")
    with pytest.raises(InputError, match="from 0 to 1"):
        morph(a, b, t)


def test_unknown_instrument_names_the_nearest():
    with pytest.raises(InputError, match="Did you mean 'violin'"):
        sample(CARD, 1, 0, "violn")


@pytest.mark.parametrize("z", [[0.0] * 511, [math.nan] * 512, [math.inf] * 512, [1e6] * 512])
def test_an_impossible_z_is_refused(z):
    with pytest.raises(InputError, match="z"):
        Timbre.of(CARD, z, "violin")


@pytest.mark.parametrize("weights", [{"violin": 0.0}, {"violin": -1.0, "flute": 2.0}, {"violin": math.nan}])
def test_impossible_weights_are_refused(weights):
    with pytest.raises(InputError):
        Timbre.of(CARD, [0.0] * 512, weights)


@pytest.mark.parametrize("seed", [-1, 1.5, 2**53 + 1, 2**60, True])
def test_an_impossible_seed_is_refused(seed):
    with pytest.raises(InputError, match="whole number"):
        sample(CARD, 1, seed, "violin")


def test_every_bit_of_a_seed_counts():
    seeds = [0, 1, 2**31, 2**32 - 1, 2**32, 2**32 + 1, 2**33, 2**53 - 1, 2**53]
    drawn = np.array([sample(CARD, 1, seed, "violin")[0].z for seed in seeds])
    assert np.abs(np.corrcoef(drawn) - np.eye(len(seeds))).max() < 0.25  # 512 numbers each: 0.044 is usual
    assert np.abs(drawn.mean(axis=1)).max() < 0.25 and np.abs(drawn.std(axis=1) - 1).max() < 0.25


@pytest.mark.parametrize("seed", [0, 7, 2**31, 2**32 - 1])
def test_seeds_of_32_bits_stay_the_sounds_they_are(seed):
    z = torch.randn(512, generator=torch.Generator().manual_seed(seed)).tolist()
    assert sample(CARD, 1, seed, "violin")[0].z == tuple(z)


def test_a_larger_seed_is_the_same_sound_everywhere():
    assert sample(CARD, 1, 2**32 + 5, "violin")[0].z[:3] == ANCHOR
    across = sample(CARD, 2, 2**32 - 1, "violin")
    assert across[1] == sample(CARD, 1, np.int64(2**32), "violin")[0] and across[0] != across[1]


@pytest.mark.parametrize(("count", "seed"), [(-1, 0), (1.5, 0), (None, 0), (True, 0), (2, 2**53)])
def test_an_impossible_number_of_sounds_is_refused(count, seed):
    with pytest.raises(InputError, match="sounds"):
        sample(CARD, count, seed, "violin")
    assert sample(CARD, 0) == []


@pytest.mark.parametrize("name", ["Violin", "VIOLIN", " violin ", {"Violin": 2}, {"violin": np.float32(0.5)}])
def test_an_instrument_may_be_written_in_many_ways(name):
    assert sample(CARD, 1, 3, name) == sample(CARD, 1, 3, "violin")


def test_spaces_and_hyphens_in_a_name_do_not_matter():
    card = sine_card(instruments=("electric_piano_1", "violin"))
    for name in ("Electric Piano 1", "electric-piano-1", "ELECTRIC_PIANO 1"):
        assert sample(card, 1, 3, name) == sample(card, 1, 3, "electric_piano_1")
    halves = {"Violin": 0.25, "violin": np.float64(0.25), "electric piano-1": np.int64(1)}
    assert dict(sample(card, 1, 0, halves)[0].instruments) == pytest.approx(
        {"violin": 1 / 3, "electric_piano_1": 2 / 3}
    )


@pytest.mark.parametrize("weight", [np.float32("nan"), np.float32(-1), "1", None])
def test_weights_that_are_no_numbers_are_refused(weight):
    with pytest.raises(InputError, match="weight of 'violin'"):
        sample(CARD, 1, 0, {"violin": weight})


@pytest.mark.parametrize("name", ["piano", "Piano", "pianos"])
def test_a_word_that_several_instruments_have_suggests_them(name):
    with pytest.raises(
        InputError, match=r"Did you mean 'acoustic_grand_piano', 'bright_acoustic_piano' or 'electric_g"
    ):
        sample(sine_card(instruments=GM_INSTRUMENTS), 1, 0, name)


@pytest.mark.parametrize("name", [5, None, ("violin",)])
def test_a_name_that_is_no_text_is_refused(name):
    with pytest.raises(InputError, match="no instrument"):
        sample(CARD, 1, 0, {name: 1.0})


def test_z_may_be_an_array_or_a_tensor_with_a_gradient():
    z = torch.linspace(-1, 1, 512, requires_grad=True)
    plain = Timbre.of(CARD, z.tolist(), "violin")
    assert Timbre.of(CARD, z, "violin") == plain == Timbre.of(CARD, z.detach().numpy(), "violin")
    for wrong in (None, "x", 5, [None] * 512):
        with pytest.raises(InputError, match="z must be"):
            Timbre.of(CARD, wrong, "violin")


def test_nudge_by_name():
    a = sample(CARD, 1, 1, "violin")[0]
    assert (
        nudge(a, CARD, {"component 2": 2}) == nudge(a, CARD, {"Component-2": np.float32(2)}) == nudge(a, CARD, [0, 2])
    )
    assert nudge(a, CARD, {}) is a


@pytest.mark.parametrize(
    ("amounts", "message"),
    [
        ({"componnt 2": 1}, "no direction 'componnt 2'. Did you mean 'component 2'"),
        ({3: 1}, "no direction '3'"),
        ({"component 2": "x"}, "must be numbers"),
        ([None], "must be numbers"),
        (2, "must be numbers"),
        ([0.0] * 9, "8 directions"),
    ],
)
def test_an_impossible_nudge_is_refused(amounts, message):
    with pytest.raises(InputError, match=message):
        nudge(sample(CARD, 1, 1, "violin")[0], CARD, amounts)


def test_nudge_moves_along_the_direction_and_no_other():
    a = sample(CARD, 1, 1, "violin")[0]
    moved = nudge(a, CARD, [0.0, 2.0])
    difference = [y - x for x, y in zip(a.z, moved.z, strict=True)]
    assert difference[1] == pytest.approx(2.0) and sum(map(abs, difference)) == pytest.approx(2.0)
    assert nudge(a, CARD, [0.0] * 8) is a


def test_a_timbre_survives_json():
    a = Timbre.of(CARD, [0.1] * 512, {"violin": 1, "flute": 3})
    assert Timbre.from_json(a.to_json()) == a
    with pytest.raises(InputError, match="newer version"):
        Timbre.from_json(a.to_json() | {"format": 3})
    with pytest.raises(InputError, match="not a saved sound"):
        Timbre.from_json({"format": 1})
