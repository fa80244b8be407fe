"""Named sounds of a model without instruments: sounds of a kind share a family, and a name is always one sound."""

import dataclasses
import json
import math
import re

import numpy as np
import pytest
import torch
from sine_voice import SPEC, SineGenerator, sine_card, sine_synth

from gansynth_core import DESCRIPTORS, InputError, ModelError, Synth, Timbre, generate, load_card, parse_timbre, sample
from gansynth_core.__main__ import main
from gansynth_core.cards import NamedSound, save_card, save_model
from gansynth_core.generators import build_generator
from gansynth_core.latent import VARIATION, slerp
from gansynth_core.named_sounds import A_FAMILY, find_named_sounds, name_sounds
from gansynth_core.pitches import pitch_hz
from webapp.sound_document import describe, parse_sound, timbre_of


class Zoo(SineGenerator):
    """z[0] chooses among a pluck, an organ, a slow swell and noise; z[1] how steeply its partials fall."""

    def __call__(self, z, pitch, instruments):
        seconds = torch.arange(SPEC.samples) / SPEC.sample_rate
        waves = []
        for row, key in zip(z, pitch, strict=True):
            hz = pitch_hz(float(key))
            partials = range(1, min(20, int(SPEC.sample_rate / 2 / hz)))
            wave = sum(n ** -(1.5 + float(row[1])) * torch.sin(2 * math.pi * n * hz * seconds + n) for n in partials)
            kind = int(torch.searchsorted(torch.tensor([-0.67, 0.0, 0.67]), row[0]))
            if kind == 0:
                wave = wave * 10 ** (-40 * seconds / 20)
            elif kind == 2:
                wave = wave * (seconds / 1.2).clamp(max=1)
            elif kind == 3:
                wave = torch.randn(SPEC.samples, generator=torch.Generator().manual_seed(1))
            waves.append(0.3 * wave / wave.abs().max())
        return SPEC.encode(torch.stack(waves))


CARD = sine_card("zoo", ())


@pytest.fixture(scope="module")
def sounds():
    return find_named_sounds(Synth(CARD, Zoo(), device="cpu", griffin_lim_steps=0), 36)


def kind_of(seed):
    return int(np.searchsorted([-0.67, 0.0, 0.67], sample(CARD, 1, seed)[0].z[0]))


def test_sounds_are_named_by_how_they_go_on_in_time(sounds):
    families = {}
    for sound in sounds:
        families.setdefault(sound.family, set()).add(kind_of(sound.seed))
    assert families["Plucks"] == {0} and families["Swells"] == {2} and families["Noises"] == {3}
    steady = [kinds for family, kinds in families.items() if family not in ("Plucks", "Swells", "Noises")]
    assert steady and all(kinds == {1} for kinds in steady)


def test_the_adjective_is_what_sets_a_sound_apart(sounds):
    """Those with strong upper partials are called bright, rich or thin, those with weak ones dark, plain or warm."""
    strong, weak = (
        [sample(CARD, 1, sound.seed)[0].z[1] for sound in sounds if sound.name.split("_")[0] in words]
        for words in (("bright", "rich", "thin"), ("dark", "plain", "warm"))
    )
    tonal = [sample(CARD, 1, sound.seed)[0].z[1] for sound in sounds if kind_of(sound.seed) < 3]
    assert strong and min(weak) > np.median(tonal)
    assert {sound.name.split("_")[0] for sound in sounds if sound.family == "Noises"} == {"bright"}
    assert not any(sound.name.startswith("soft_swell") for sound in sounds)


def test_a_name_ends_in_its_seed_and_comes_once(sounds):
    assert all(re.fullmatch(rf"[a-z]+_[a-z]+_{sound.seed}", sound.name) for sound in sounds)
    assert len({sound.name for sound in sounds}) == len(sounds)


def test_named_sounds_are_the_same_each_time():
    calls = []
    first, second = (
        find_named_sounds(Synth(CARD, Zoo(), device="cpu", griffin_lim_steps=0), 14, lambda *call: calls.append(call))
        for _ in range(2)
    )
    assert first == second and calls == 2 * [(12, 14), (14, 14)]


def test_a_family_offers_a_dozen_that_differ():
    """Of 40 sounds, 30 the same and 10 others, all the others are offered."""
    middle = {"brightness": 500, "attack": 0.01, "decay": 40, "noisiness": -40, "richness": 8, "warmth": 20}
    values = np.tile([middle.get(descriptor.name, 0.0) for descriptor in DESCRIPTORS], (40, 1))
    values[30:, 0] = np.geomspace(1000, 8000, 10)
    sounds = name_sounds(range(100, 140), values)
    assert len(sounds) == A_FAMILY and {sound.family for sound in sounds} == {"Plucks"}
    assert {sound.seed for sound in sounds} >= set(range(130, 140))
    assert {sound.name.split("_")[0] for sound in sounds if sound.seed >= 130} == {"bright"}


@pytest.fixture(scope="module")
def named():
    return dataclasses.replace(
        CARD, named_sounds=(NamedSound("bright_pluck_12", "Plucks", 12), NamedSound("dark_organ_7", "Organs", 7))
    )


def test_a_named_sound_is_chosen_as_an_instrument_is(named):
    assert named.families() == {"Plucks": ["bright_pluck_12"], "Organs": ["dark_organ_7"]}
    twelve, seven = sample(CARD, 1, 12)[0], sample(CARD, 1, 7)[0]
    for seed_0 in (sample(named, 1, 0, "bright_pluck_12")[0], parse_timbre("bright_pluck_12", named)):
        assert seed_0 == twelve
    assert sample(named, 1, 0, {"bright_pluck_12": 1.0, "dark_organ_7": 0.0})[0] == twelve
    middle = np.array(sample(named, 1, 0, {"bright_pluck_12": 0.5, "dark_organ_7": 0.5})[0].z)
    assert middle @ twelve.z == pytest.approx(middle @ seven.z, rel=0.1)
    assert sample(named, 1, 12) == [twelve] and parse_timbre("7", named) == seven


def test_other_seeds_of_a_named_sound_are_variations_of_it(named):
    sound, *variations = sample(named, 5, 0, "bright_pluck_12")
    assert len(set(variations)) == 4 and variations[2] == sample(named, 1, 3, "bright_pluck_12")[0]
    assert variations[0] == parse_timbre("bright_pluck_12:1", named)
    assert variations[0] == Timbre("zoo", slerp(sound.z, sample(CARD, 1, 1)[0].z, VARIATION))
    for timbre in variations:
        cosine = np.dot(sound.z, timbre.z) / np.linalg.norm(sound.z) / np.linalg.norm(timbre.z)
        assert 0.88 < cosine < 0.95


def test_the_app_offers_named_sounds_as_instruments(named):
    page = describe(named)
    assert [family["title"] for family in page["families"]] == ["Plucks", "Organs"]
    assert page["families"][0]["instruments"] == [{"name": "bright_pluck_12", "title": "Bright Pluck 12"}]
    assert page["digest"] != describe(CARD)["digest"]
    assert page["digest"] == "f6aa6bcae57e7dad"  # links made when they were called presets carry it
    sound = parse_sound('{"instruments": {"bright_pluck_12": 1}, "seed": 0}', named)
    assert timbre_of(sound, named) == sample(CARD, 1, 12)[0]


def test_named_sounds_are_refused_in_words(named):
    with pytest.raises(InputError, match="Did you mean 'bright_pluck_12'"):
        sample(named, 1, 0, "bright_pluck_1")
    for weights in ({"bright_pluck_12": -1}, {"bright_pluck_12": 0.0}, ["bright_pluck_12"], {"bright_pluck_12": "x"}):
        with pytest.raises(InputError):
            sample(named, 1, 0, weights)
    with pytest.raises(InputError, match="give a seed in place of z"):
        Timbre.of(named, [0.0] * 512, "bright_pluck_12")
    with pytest.raises(InputError, match="3 instruments to choose from"):
        find_named_sounds(sine_synth())
    for count in (0, 10_001, 1.5):
        with pytest.raises(InputError, match="from 1 to 10,000"):
            find_named_sounds(Synth(CARD, Zoo(), device="cpu"), count)


class Silence(Zoo):
    def __call__(self, z, pitch, instruments):
        return SPEC.encode(torch.zeros(len(z), SPEC.samples))


def test_a_silent_model_has_none():
    with pytest.raises(InputError, match="All 12 sounds of 'zoo' that were tried are silent"):
        find_named_sounds(Synth(CARD, Silence(), device="cpu"), 12)


@pytest.fixture
def model(tmp_path, monkeypatch):
    torch.manual_seed(0)
    size = {"channels": 8, "features": 8, "bands": 8}
    network = build_generator("studio", SPEC, 0, 16, size)
    card = dataclasses.replace(sine_card("plain", ()), latent_size=16, generator=size, directions=())
    save_model(tmp_path / "plain", card, {name: value.numpy() for name, value in network.state_dict().items()})
    monkeypatch.setenv("GANSYNTH_MODELS", str(tmp_path))
    return tmp_path / "plain"


def test_the_command_keeps_named_sounds_with_the_model(model, capsys, tmp_path):
    assert main(["instruments", "--model", "plain"]) == 0
    assert "The command 'name-sounds' names some" in capsys.readouterr().out
    assert main(["name-sounds", "--model", "plain", "--sounds", "14"]) == 0
    sounds = load_card(model).named_sounds
    assert sounds and all(sound.seed < 14 for sound in sounds)
    first = sounds[0]
    assert f"{first.family}: {first.name}" in capsys.readouterr().out
    assert np.array_equal(
        generate(60, first.name, model="plain").audio, generate(60, seed=first.seed, model="plain").audio
    )
    assert main(["instruments", "--model", "plain"]) == 0 and main(["models"]) == 0
    output = capsys.readouterr().out
    assert f"{first.family}\n  {first.name}" in output and f"plain: studio, {len(sounds)} named sounds" in output
    out = tmp_path / "a.wav"
    assert main(["generate", "--model", "plain", "--instrument", first.name, "-o", str(out)]) == 0 and out.exists()


def test_a_card_from_when_they_were_called_presets_is_read_and_written_as_it_was(model):
    path = model / "card.json"
    document = json.loads(path.read_text())
    assert "named_sounds" not in document and document["presets"] == []
    document["presets"] = [{"name": "bright_pluck_12", "family": "Plucks", "seed": 12}]
    path.write_text(json.dumps(document))
    card = load_card(model)
    assert card.named_sounds == (NamedSound("bright_pluck_12", "Plucks", 12),)
    save_card(model, card)
    assert json.loads(path.read_text()) == document


def test_a_card_with_two_named_sounds_of_one_name_is_refused(model):
    card = load_card(model)
    with pytest.raises(ModelError, match="two named sounds of the same name"):
        dataclasses.replace(card, named_sounds=(NamedSound("a_pad_1", "Pads", 1), NamedSound("a_pad_1", "Pads", 2)))
    save_card(model, dataclasses.replace(card, named_sounds=(NamedSound("a_pad_1", "Pads", 1),)))
    text = (model / "card.json").read_text()
    (model / "card.json").write_text(text.replace('"family": "Pads"', '"famly": "Pads"'))
    with pytest.raises(ModelError, match="damaged"):
        load_card(model)
