"""The one call a musician writes, on a small network of the studio family."""

import numpy as np
import pytest
import torch
from sine_voice import SPEC

from gansynth_core import InputError, ModelCard, generate
from gansynth_core.cards import save_model
from gansynth_core.generators import build_generator


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    torch.manual_seed(0)
    size = {"channels": 8, "features": 8, "bands": 8}
    network = build_generator("studio", SPEC, 2, 16, size)
    card = ModelCard("small", "Small", "studio", 16, 24, 84, ("violin", "flute"), SPEC, size)
    folder = tmp_path_factory.mktemp("models") / "small"
    save_model(folder, card, {name: value.numpy() for name, value in network.state_dict().items()})
    return str(folder)


def test_the_result_is_what_the_readme_says(model):
    notes = generate([48, "C4"], {"violin": 0.5, "flute": 0.5}, 2.0, seed=7, model=model)
    assert notes.audio.shape == (2, 48000) and notes.audio.dtype == np.float32
    assert notes.sample_rate == 24000 and notes.pitches == (48.0, 60.0)


def test_a_seed_is_always_the_same_sound_and_another_is_another(model):
    one, again, other = (generate(60, "violin", seed=seed, model=model).audio for seed in (1, 1, 2))
    assert np.array_equal(one, again) and np.abs(one - other).max() > 1e-3


def test_z_takes_the_place_of_a_seed(model):
    z = torch.randn(16, generator=torch.Generator().manual_seed(5))
    assert np.array_equal(generate(60, z=z.tolist(), model=model).audio, generate(60, seed=5, model=model).audio)


@pytest.mark.parametrize("note", [60, 60.0, "C4", np.array(60), torch.tensor(60), np.int64(60)])
def test_a_note_may_be_written_in_many_ways(model, note):
    assert generate(note, "violin", model=model).pitches == (60.0,)


@pytest.mark.parametrize(
    "mistake",
    [
        {"note_number": "H4"},
        {"note_number": None},
        {"note_number": [60, "x"]},
        {"note_number": 96},
        {"instrument": "violn"},
        {"instrument": 5},
        {"instrument": ["violin"]},
        {"duration": 0},
        {"duration": 4.1},
        {"duration": "x"},
        {"seed": None},
        {"seed": "x"},
        {"seed": float("nan")},
        {"z": ["a"] * 16},
        {"z": [0.0] * 15},
        {"z": np.zeros((4, 4))},
        {"z": [float("nan")] * 16},
    ],
)
def test_mistakes_are_refused_in_words(model, mistake):
    with pytest.raises(InputError):
        generate(model=model, **mistake)
