"""The textures stage of the studio model, and its critics, on tones of two instruments."""

import copy

import numpy as np
import pytest
import torch
from sine_voice import SPEC
from test_adversarial import FIRST_STAGE, Operations, Tones, same

from gansynth_core import InputError, Synth, load_card, sample
from gansynth_core.training import loop
from gansynth_core.training.data.prepare import prepare
from gansynth_core.training.parallel import Processes
from gansynth_core.training.recipes import RECIPES
from gansynth_core.training.studio.patch_critic import PatchCritics, critic_loss, matching_loss
from gansynth_core.training.studio.textures import CONSECUTIVE, Textures, frames_heard, guard_loss

CONFIG = RECIPES["tiny-textures"].replace(latent_size=16, notes=1000, snapshot_notes=1000)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return prepare([Tones()], tmp_path_factory.mktemp("data") / "tones", SPEC, workers=1)


@pytest.fixture(scope="module")
def reconstruction(data, tmp_path_factory):
    return loop.train(FIRST_STAGE, data, tmp_path_factory.mktemp("reconstruction") / "run", "cpu")


@pytest.fixture
def textures(data, reconstruction):
    stage = Textures(CONFIG, data, Processes())
    stage.begin(reconstruction)
    return stage


def test_frames_are_some_in_a_row_and_all_even_ones():
    starts = set()
    for step in range(60):
        frames, slow_at = frames_heard(128, 0.4, 0, step)
        assert len(frames) == 80 and (np.diff(frames[:CONSECUTIVE]) == 1).all() and frames[0] % 2 == 0
        assert np.array_equal(frames[slow_at], np.arange(0, 128, 2)) and len(set(frames)) == 80
        starts.add(int(frames[0]))
    assert max(starts) > 80 and sum(frames_heard(128, 0.4, 0, step)[0][0] == 0 for step in range(200)) in range(60, 110)


def test_critics_are_told_where_partials_lie():
    critics = PatchCritics(SPEC, 4, 4)
    near, between, height = critics.marks(torch.tensor([69.0]))[0]
    partials = [round(440 * k / SPEC.bin_hz) - 1 for k in (1, 2, 3)]  # a bin counts from 1
    assert near[partials].min() > 0.6 and near[partials[0] + 5] < 0.01 < between[partials].min()
    assert between[(partials[0] + partials[1]) // 2] < -0.99 and height[0] == -1 and height[-1] == 1


def test_the_critics_see_a_few_frames_in_full_and_the_whole_note_in_bands():
    critics = PatchCritics(SPEC, 4, 4)
    frames, slow_at = (torch.from_numpy(x) for x in frames_heard(128, 0.0, 0, 3))
    nepers = torch.full((2, len(frames), SPEC.bins), -3.0)
    nepers[:, int((frames == 100).nonzero()[0]), 80:88] = 2.0
    fine, slow = critics.pictures(nepers, torch.tensor([60.0, 62.0]), CONSECUTIVE, slow_at)
    assert fine.shape == (2, 4, CONSECUTIVE, SPEC.bins) and slow.shape == (2, 4, 64, SPEC.bins // 8)
    loudest = (slow[0, 0] == slow[0, 0].max()).nonzero()
    assert loudest.tolist() == [[50, 10]] and SPEC.denormalize(slow[0, 0, 50, 10]) == pytest.approx(2.0, abs=0.01)


def test_a_guarded_note_may_waver_but_not_leave_its_key():
    pitch = torch.tensor([60.0])
    place = torch.arange(1, SPEC.bins + 1)
    f0 = 261.63 / SPEC.bin_hz

    def note(first, shake=0.0):
        """Log-magnitudes of partials at multiples of `first` bins, each of which swells and fades by `shake` nepers."""
        near = (place / first).round().clamp_min(1) * first
        peaks = 4.0 - 8.0 * ((place - near) / 1.6).square().clamp_max(1.2)
        swells = shake * torch.sin(torch.arange(64)[:, None] * 0.9 + near * 3.7)
        return SPEC.normalize((peaks + swells)[None])

    steady = note(f0)
    assert guard_loss(steady, steady, pitch, SPEC) == 0
    assert guard_loss(note(f0, 0.3), steady, pitch, SPEC) < 0.01
    assert guard_loss(note(f0 / 2), steady, pitch, SPEC) > 0.3  # an octave below: partials between the partials
    assert guard_loss(note(f0 * 1.03), steady, pitch, SPEC) > 0.1


def test_losses_of_critics_are_known():
    real, made = [torch.zeros(1), torch.tensor([2.0, 0.5])], [torch.zeros(1), torch.tensor([-3.0, 1.0])]
    assert critic_loss(real, made) == pytest.approx((0 + 0.5) / 2 + (0 + 2) / 2)
    real, made = [torch.tensor([2.0, -2.0]), torch.zeros(1)], [torch.tensor([1.0, -2.0]), torch.ones(1)]
    assert matching_loss(real, made) == pytest.approx(0.5 / 2)


def test_critics_learn_alone_first_and_the_generator_after_them(textures, data):
    parts = {name: getattr(textures, name) for name in ("generator", "encoder", "critics", "before")}
    states = {name: copy.deepcopy(part.state_dict()) for name, part in parts.items()}

    def moved(name):
        return {key for key, value in parts[name].state_dict().items() if not torch.equal(value, states[name][key])}

    logged = textures.step(textures.load(0, data.training()[:4]), 0)
    assert moved("critics") and not moved("generator")
    assert logged.keys() == textures.step(textures.load(2, data.training()[:4]), 500).keys()
    assert {"blocks.3.texture_scale", "envelopes.weight", "instrument_mean"} <= moved("generator")
    assert not moved("encoder") and not moved("before")
    assert all(weight.requires_grad for weight in textures.critics.parameters())


@pytest.mark.slow
def test_critics_learn_to_tell_made_notes_from_real_ones(textures, data):
    losses = [textures.step(textures.load(0, data.training()[:8]), 0) for _ in range(20)]
    for name in ("fine", "slow"):
        assert 1.8 < float(losses[0][name]) < 2.3 and float(losses[-1][name]) < 0.9 * float(losses[0][name])


def test_what_a_gpu_records_waits_for_nothing(textures, data):
    seen = Operations()

    def watched(function):
        def call(*inputs):
            with seen:
                return function(*inputs)

        return call

    textures._descend, textures._judge = watched(textures._generator_gradients), watched(textures._critic_gradients)
    textures.step(textures.load(0, data.training()[:4]), 500)
    assert {"mm", "convolution"} <= seen.names and "_local_scalar_dense" not in seen.names
    assert not {name for name in seen.names if "linalg_solve" in name or "inv" in name or "nonzero" in name}


def test_two_steps_a_stop_and_two_steps_are_four_steps(data, reconstruction, tmp_path):
    loop.train(CONFIG, data, tmp_path / "whole", "cpu", steps=4, start_from=reconstruction)
    loop.train(CONFIG, data, tmp_path / "parts", "cpu", steps=2, start_from=reconstruction)
    loop.train(CONFIG, data, tmp_path / "parts", "cpu", steps=2)
    whole, parts = (torch.load(tmp_path / run / "state.pt", weights_only=True) for run in ("whole", "parts"))
    for name in ("generator", "encoder", "average", "before", "critics", "optimizers", "hyperparameters"):
        assert same(whole[name], parts[name]), name


@pytest.mark.slow
def test_a_snapshot_plays_and_says_what_it_began_with(data, reconstruction, tmp_path):
    folder = loop.train(
        CONFIG.replace(notes=16, snapshot_notes=16), data, tmp_path / "run", "cpu", None, reconstruction
    )
    synth = Synth.load(str(folder), device="cpu")
    audio = synth.render(sample(synth.card, 1, 0, "reed")[0], [52]).audio
    assert np.isfinite(audio).all() and np.abs(audio).max() > 1e-4
    card = load_card(folder)
    assert card.generator["texture"] == 2 and card.training["stage"] == "textures"
    assert card.training["started_from"]["notes_seen"] == 16


def test_what_does_not_fit_is_refused(data, reconstruction, tmp_path):
    with pytest.raises(InputError, match="--start-from"):
        loop.train(CONFIG, data, tmp_path / "run", "cpu")
    with pytest.raises(InputError, match="latent_size=16"):
        Textures(CONFIG.replace(latent_size=8), data, Processes()).begin(reconstruction)
    with pytest.raises(InputError, match="even"):
        CONFIG.replace(batch=5)
    with pytest.raises(InputError, match="attack_share"):
        CONFIG.replace(attack_share=1.5)
