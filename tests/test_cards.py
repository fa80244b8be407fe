import dataclasses
import json

import numpy as np
import pytest
from sine_voice import sine_card

from gansynth_core import Direction, ModelError, Synth, find_models, load_card
from gansynth_core.cards import load_weights, save_card, save_model


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("GANSYNTH_MODELS", str(tmp_path))
    save_model(tmp_path / "sines", sine_card(), {"w": np.arange(1000, dtype=np.float16)})
    return tmp_path / "sines"


def test_a_card_and_its_weights_come_back_as_they_were(folder):
    card = load_card(folder)
    assert card.directions == sine_card().directions and card.specgram == sine_card().specgram
    assert np.array_equal(load_weights(folder, card)["w"], np.arange(1000))
    assert find_models()["sines"] == folder


def test_arrays_of_any_memory_order_come_back_as_they_were(folder):
    array = np.arange(24.0).reshape(2, 3, 4).transpose(2, 0, 1)
    card = save_model(folder, sine_card(), {"w": array})
    assert np.array_equal(load_weights(folder, card)["w"], array)


def test_directions_tell_what_they_do_and_older_and_newer_ones_are_read(folder):
    card = load_card(folder)
    named = Direction("brightness", (0.5,) * card.latent_size, "named", "brightness", "octaves", 0.25, 0.98)
    save_card(folder, dataclasses.replace(card, directions=(named, *card.directions)))
    assert load_card(folder).directions == (named, *card.directions)
    path = folder / "card.json"
    document = json.loads(path.read_text())
    document["directions"] = [
        {"name": "component 1", "vector": [1.0] * card.latent_size},
        {"name": "breath", "vector": [2.0] * card.latent_size, "colour": "blue"},
    ]
    path.write_text(json.dumps(document))
    older, newer = load_card(folder).directions
    assert older == Direction("component 1", (1.0,) * card.latent_size) and older.kind == "component"
    assert newer == Direction("breath", (2.0,) * card.latent_size)


@pytest.mark.parametrize("damage", ["flip", "truncate", "remove"])
def test_damaged_weights_are_refused(folder, damage):
    path = folder / "weights.safetensors"
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    {"flip": lambda: path.write_bytes(data), "truncate": lambda: path.write_bytes(data[:-7]), "remove": path.unlink}[
        damage
    ]()
    with pytest.raises(ModelError, match=r"weights\.safetensors"):
        load_weights(folder, load_card(folder))


def test_weights_of_another_network_are_refused(folder):
    with pytest.raises(ModelError):
        Synth.load("sines")  # the right hash, the wrong tensors


@pytest.mark.parametrize("change", [{"format": 2}, {"specgram": {}}, {"unheard_of": 1}])
def test_a_card_that_does_not_fit_is_refused(folder, change):
    path = folder / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ModelError, match=r"card\.json"):
        load_card(folder)


def test_a_truncated_card_is_refused(folder):
    path = folder / "card.json"
    path.write_text(path.read_text()[:200])
    with pytest.raises(ModelError, match="damaged"):
        load_card(folder)


def test_an_unknown_family_is_refused(folder):
    save_card(folder, dataclasses.replace(load_card(folder), family="wavenet"))
    with pytest.raises(ModelError, match="wavenet"):
        Synth.load("sines")


def test_an_unknown_model_names_those_there_are(folder):
    with pytest.raises(ModelError, match="Did you mean 'sines'"):
        Synth.load("sine")


def test_a_model_is_known_by_its_folder(folder):
    """Two snapshots of one run are two models: their sounds must not mix."""
    card = load_card(folder.rename(folder.with_name("later")))
    assert card.id == "later"


@pytest.mark.parametrize(
    "change",
    [{"latent_size": 0}, {"pitch_low": None}, {"directions": [{"name": "x", "vector": [1.0, 2.0]}]}, {"family": []}],
)
def test_a_card_with_impossible_values_is_refused(folder, change):
    path = folder / "card.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(ModelError):
        Synth.load("sines")
