"""Sliders that follow the sound: walks of the shipped voice, and a predictor of one whose numbers do what is known."""

import dataclasses
import os
import shutil

import numpy as np
import pytest
from sine_voice import sine_card

from gansynth_core import (
    DESCRIPTORS,
    Atlas,
    InputError,
    ModelError,
    Steering,
    Synth,
    Timbre,
    load_card,
    measure,
    model_folder,
    morph,
    nudge,
    sample,
    steer,
)
from gansynth_core.__main__ import main as command_line
from gansynth_core.cards import save_card
from gansynth_core.imprint import SIZE, Imprint
from gansynth_core.steering import FILE, STEERING_HASH, save_steering
from gansynth_core.training.directions import steering as learning
from webapp.sound_document import STEERED, describe, digest_of, parse_sound, reach_of, sound_of, timbre_of

NAMES = [one.name for one in DESCRIPTORS]
CARD = load_card(model_folder("studio"))


def sound(instrument: str, seed: int = 0) -> Timbre:
    return sample(CARD, 1, seed, instrument)[0]


def heard(synth: Synth, timbres: list[Timbre], name: str) -> np.ndarray:
    values = measure(synth.render(timbres, [60] * len(timbres)))[:, NAMES.index(name)]
    return DESCRIPTORS[NAMES.index(name)].heard(values)


# --- the shipped voice ------------------------------------------------------------------------------------------------


@pytest.mark.slow
@pytest.mark.parametrize(
    ("instrument", "name", "least"),
    [
        ("pad_2_warm", "brightness", 0.2),  # which got brighter to the left, by the card's direction
        ("sitar", "brightness", 0.2),  # which got duller to the right
        ("acoustic_grand_piano", "brightness", 0.2),
        ("acoustic_grand_piano", "richness", 0.3),
        ("clarinet", "hollowness", 2.0),
        ("acoustic_grand_piano", "warmth", 2.0),
        ("violin", "noisiness", 2.0),
        ("flute", "noisiness", 2.0),
    ],
)
def test_a_slider_goes_the_way_it_says_at_every_position(instrument, name, least):
    """`least`: how far it must go, as heard (octaves, doublings, dB)."""
    synth = Synth.load("studio", device="cpu")
    base = sound(instrument)
    way = heard(synth, [steer(base, CARD, {name: amount}) for amount in (-3, -1.5, 0, 1.5, 3)], name)
    assert way[-1] - way[0] > least
    assert np.diff(way).min() > -0.1 * (way[-1] - way[0])


def test_walks_are_the_same_every_time_and_stay_near_the_sound():
    steering = Steering.find(CARD)
    everything = {name: 3.0 * (-1) ** index for index, name in enumerate(steering.aspects)}
    for instrument in ("violin", "kalimba"):
        base = sound(instrument)
        assert steer(base, CARD, {}) is base and steer(base, CARD, {"brightness": 0}) is base
        walked = steer(base, CARD, everything)
        assert walked == steer(base, CARD, everything) and walked.instruments == base.instruments
        one = steer(base, CARD, {"Brightness": 3})
        assert 0 < np.linalg.norm(np.subtract(one.z, base.z)) <= steering.length + 1e-6
    mixed = morph(sound("violin"), sound("flute"), 0.4)
    assert steer(mixed, CARD, {"brightness": 2}).instruments == mixed.instruments


def test_a_small_step_of_a_slider_is_a_small_step_of_the_sound():
    base = sound("violin")
    places = [np.array(steer(base, CARD, {"brightness": amount, "warmth": 1}).z) for amount in (0, 0.01, 1, 1.01)]
    assert np.linalg.norm(places[1] - places[0]) < 0.1 and np.linalg.norm(places[3] - places[2]) < 0.1


def test_the_reach_has_the_sound_between_its_ends():
    for instrument in ("acoustic_grand_piano", "violin", "pad_2_warm"):
        for name, reach in Steering.find(CARD).reach(sound(instrument)).items():
            one = DESCRIPTORS[NAMES.index(name)]
            assert one.low <= reach.low and reach.high <= one.high
            if reach.room:
                assert reach.low < reach.high
            if reach.down and reach.up:
                assert reach.low < reach.here < reach.high


@pytest.mark.parametrize(
    ("amounts", "words"),
    [
        ({"brightnes": 1}, "No slider follows 'brightnes'.*brightness"),
        ({"brightness": 3.5}, "from -3 to 3, not 3.5"),
        ({"brightness": float("nan")}, "from -3 to 3"),
        ({"brightness": "much"}, "from -3 to 3, not 'much'"),
        ({"brightness": True}, "from -3 to 3"),
    ],
)
def test_what_cannot_be_steered_is_told(amounts, words):
    with pytest.raises(InputError, match=words):
        steer(sound("violin"), CARD, amounts)


# --- documents --------------------------------------------------------------------------------------------------------


def played(document: dict) -> Timbre:
    return timbre_of(parse_sound(document, CARD), CARD)


def test_sliders_of_saved_sounds_stay_what_they_were_and_new_ones_follow():
    violin, flute = ({"instruments": {name: 1}, "seed": 3} for name in ("violin", "flute"))
    base = sample(CARD, 1, 3, "violin")[0]
    assert played(violin | {"sliders": {"brightness": 2}}) == nudge(base, CARD, {"brightness": 2})
    bent = violin | {"sliders": {STEERED + "brightness": 2}}
    assert played(bent) == steer(base, CARD, {"brightness": 2}) != nudge(base, CARD, {"brightness": 2})
    both = played(violin | {"sliders": {STEERED + "brightness": 2, "component 1": 1}})
    assert both == steer(nudge(base, CARD, {"component 1": 1}), CARD, {"brightness": 2})
    middle = played({"morph": [bent, flute], "at": 0.5})
    assert middle == morph(played(bent), played(flute), 0.5)
    with pytest.raises(InputError, match=r"no slider 'steered brighness'.*steered brightness"):
        played(violin | {"sliders": {STEERED + "brighness": 1}})


def test_the_page_learns_which_sliders_follow_and_how_far_they_go():
    model = describe(CARD)
    steered = [STEERED + name for name in Steering.find(CARD).aspects]
    assert model["steered"] == steered
    kinds = {one["name"]: one["kind"] for one in model["directions"]}
    assert all(kinds[name] == "named" for name in steered) and kinds["brightness"] == "former"
    assert kinds["attack"] == "named"  # which walks do no better than its direction
    assert list(kinds)[: len(steered)] == steered and kinds["component 1"] == "component"
    reach = reach_of(parse_sound({"instruments": {"violin": 1}, "seed": 3}, CARD), CARD)
    assert list(reach) == steered
    assert reach[STEERED + "brightness"]["low"] < reach[STEERED + "brightness"]["high"]
    own = dataclasses.replace(sample(CARD, 1, 3, "violin")[0], imprint=Imprint(b"\x20" * SIZE))
    assert reach_of(parse_sound(sound_of(own), CARD), CARD) == {}  # of imprints nothing is predicted


def test_a_model_without_a_predictor_has_the_sliders_it_had():
    card = sine_card()
    assert Steering.find(card) is None and describe(card)["steered"] == []
    assert [one["name"] for one in describe(card)["directions"]] == [one.name for one in card.directions]
    assert reach_of(parse_sound({"instruments": {"violin": 1}, "seed": 3}, card), card) == {}
    with pytest.raises(InputError, match="no sliders that follow the sound"):
        steer(sample(card, 1, 0, "violin")[0], card, {"brightness": 1})


def test_another_predictor_has_other_addresses_and_none_has_those_of_the_first():
    def digest(training: dict) -> str:
        return digest_of(dataclasses.replace(CARD, training=training))

    without = {name: fact for name, fact in CARD.training.items() if name != STEERING_HASH}
    assert digest_of(CARD) == digest(without)  # links of before there was one are this voice's
    assert digest(without | {STEERING_HASH: "0" * 64}) != digest_of(CARD)


# --- files ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def folder(tmp_path):
    """The voice, its predictor a copy and its weights a link."""
    copied = tmp_path / "studio"
    copied.mkdir()
    for name in ("card.json", FILE):
        shutil.copy(model_folder("studio") / name, copied)
    os.symlink(model_folder("studio") / "weights.safetensors", copied / "weights.safetensors")
    return copied


def test_a_changed_bit_in_a_predictor_is_noticed(folder):
    data = bytearray((folder / FILE).read_bytes())
    data[-1000] ^= 4
    (folder / FILE).write_bytes(data)
    with pytest.raises(ModelError, match="hash differs"):
        Steering.find(load_card(folder))


def test_a_predictor_of_other_weights_is_refused(folder):
    card = load_card(folder)
    digest = save_steering(folder, dataclasses.replace(card, sha256="0" * 64), Steering.find(CARD))
    save_card(folder, dataclasses.replace(card, id="other", training=card.training | {STEERING_HASH: digest}))
    with pytest.raises(ModelError, match="learned from other weights"):
        Steering.find(load_card(folder))


def test_a_predictor_is_read_as_it_was_written(folder):
    known = Steering.find(CARD)
    digest = save_steering(folder, CARD, known)
    assert digest == CARD.training[STEERING_HASH]
    assert (folder / FILE).stat().st_size < 1e6


# --- learning ---------------------------------------------------------------------------------------------------------


def test_a_predictor_learns_what_each_number_does(monkeypatch):
    """Of a voice in which the first number makes brightness, the second the attack, and the third both."""
    monkeypatch.setattr(learning, "EPOCHS", 60)
    draw = np.random.default_rng(0)

    def notes(count: int) -> learning.Notes:
        places, owner = draw.standard_normal((count, 4)), draw.integers(2, size=count)
        values = np.zeros((count, len(NAMES)))
        values[:, NAMES.index("brightness")] = 8 + places[:, 0] + places[:, 2] + 2 * owner
        values[:, NAMES.index("attack")] = -4 + places[:, 1] + places[:, 2] - 2 * owner
        return learning.Notes(places, np.eye(2)[owner], np.full(count, 60.0), values)

    network = learning.fitted(notes(1500), notes(500), seed=1)
    place = {"directions": np.eye(4), "turn": np.stack([np.eye(4)] * 2)}
    steering = Steering(("brightness", "attack"), ("brightness", "attack"), 2.0, (60.0,), ("a", "b"), place, network)
    for instrument in "ab":
        base = Timbre("voice", (0.1, -0.2, 0.0, 0.3), ((instrument, 1.0),))
        moved = np.subtract(steering.steer(base, {"brightness": 3}).z, base.z)
        assert moved[0] + moved[2] > 1.2  # brighter
        assert abs(moved[1] + moved[2]) < 0.3  # by what leaves the attack
        assert abs(moved[3]) < 0.3
        reach = steering.reach(base)["brightness"]
        assert reach.down and reach.up
        assert np.log2(reach.high / reach.low) == pytest.approx(2 * (moved[0] + moved[2]), rel=0.3)


def test_a_model_without_a_map_cannot_learn_to_follow(folder, capsys):
    assert command_line(["directions", "--steering", "--model", str(folder)]) != 0
    assert "that has a map" in capsys.readouterr().err


@pytest.mark.slow
def test_the_command_learns_a_predictor_and_names_it_in_the_card(folder, monkeypatch, capsys):
    for name, few in {"BENT": 12, "ROUNDS": 1, "WALKED": 2, "WALKS": 1, "EPOCHS": 1}.items():
        monkeypatch.setattr(learning, name, few)
    bundled = Atlas.find(model_folder("studio"), CARD)
    points = slice(0, 256)
    some = {name: layout[points] for name, layout in bundled.layouts.items()}
    parts = {name: getattr(bundled, name)[points] for name in ("descriptors", "instruments", "seeds")}
    monkeypatch.setattr(Atlas, "find", lambda folder, card: dataclasses.replace(bundled, layouts=some, **parts))
    before, digests = load_card(folder), []
    for _ in range(2):
        assert command_line(["directions", "--steering", "--model", str(folder)]) == 0
        assert "brightness" in capsys.readouterr().out
        after = load_card(folder)
        digests.append(after.training[STEERING_HASH])
        assert Steering.find(after).aspects == learning.ASPECTS and after.directions == before.directions
    assert digests[0] == digests[1] != before.training[STEERING_HASH]
