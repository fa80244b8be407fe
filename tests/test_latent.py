import math

import pytest
from sine_voice import sine_card

from gansynth_core import InputError, Timbre, blend, morph, nudge, sample
from gansynth_core.latent import slerp

CARD = sine_card()


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


@pytest.mark.parametrize("seed", [-1, 1.5, 2**60])
def test_an_impossible_seed_is_refused(seed):
    with pytest.raises(InputError, match="whole number"):
        sample(CARD, 1, seed, "violin")


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
        Timbre.from_json(a.to_json() | {"format": 2})
    with pytest.raises(InputError, match="not a saved sound"):
        Timbre.from_json({"format": 1})
