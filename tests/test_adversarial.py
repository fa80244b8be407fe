"""The adversarial stage of the studio model, on tones of two instruments."""

import copy
import json
import shutil

import numpy as np
import pytest
import torch
from sine_voice import SPEC
from torch.utils._python_dispatch import TorchDispatchMode

from gansynth_core import Clip, InputError, ModelError, Synth, load_card, sample
from gansynth_core.generators import build_generator
from gansynth_core.generators.studio import Spectrum
from gansynth_core.generators.tone_and_noise import white_noise
from gansynth_core.training import loop
from gansynth_core.training.data.prepare import prepare
from gansynth_core.training.data.source import SourceNote
from gansynth_core.training.parallel import Processes
from gansynth_core.training.recipes import RECIPES
from gansynth_core.training.studio.adversarial import Adversarial
from gansynth_core.training.studio.critic import FLOOR, spread_of_groups
from gansynth_core.training.studio.prior import fit_prior, unfit_prior
from gansynth_core.training.studio.reconstruction import Reconstruction, build
from gansynth_core.training.studio.schedule import learning_rate

FIRST_STAGE = RECIPES["tiny"].replace(notes=16, snapshot_notes=16, latent_size=16, precision="fp32")
CONFIG = RECIPES["tiny-gan"].replace(latent_size=16, precision="fp32", notes=1000, snapshot_notes=1000)


class Tones:
    """Decaying harmonic tones with some breath, three of every key of two instruments."""

    name, licence, variation_names = "tones", "CC0", ()

    def plan(self):
        return [
            SourceNote(name, pitch, velocity)
            for name in ("reed", "string")
            for pitch in range(50, 54)
            for velocity in (45, 80, 115)
        ]

    def read(self, index):
        note = self.plan()[index]
        seconds = np.arange(48000) / 24000
        hz = 440 * 2 ** ((note.pitch - 69) / 12)
        partials = range(1, 8, 2 if note.instrument == "reed" else 1)
        wave = sum(np.sin(2 * np.pi * hz * k * seconds) / k for k in partials)
        wave += np.random.default_rng(index).normal(size=len(wave)) * 0.05
        return Clip((wave * np.exp(-seconds * note.velocity / 80)).astype(np.float32) * 0.3, 24000)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return prepare([Tones()], tmp_path_factory.mktemp("data") / "tones", SPEC, workers=1)


@pytest.fixture(scope="module")
def reconstruction(data, tmp_path_factory):
    """The folder of the last snapshot of a first stage."""
    return loop.train(FIRST_STAGE, data, tmp_path_factory.mktemp("reconstruction") / "run", "cpu")


@pytest.fixture
def gan(data, reconstruction):
    gan = Adversarial(CONFIG, data, Processes())
    gan.begin(reconstruction)
    return gan


def same(first, second) -> bool:
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list):
        return len(first) == len(second) and all(map(same, first, second))
    return torch.equal(first, second) if isinstance(first, torch.Tensor) else first == second


# --- the generator's texture --------------------------------------------------------------------------------------


def test_a_texture_that_has_learned_nothing_changes_no_note(reconstruction, gan):
    plain = Synth.load(str(reconstruction), device="cpu").generator
    z, pitch, instruments = torch.randn(2, 16), torch.tensor([51.0, 52.5]), torch.eye(2)
    with torch.inference_mode():
        assert torch.equal(plain(z, pitch, instruments), gan.generator(z, pitch, instruments))


def wavering(keys):
    """Features of one timbre at `keys`, of a generator that hears its texture loudly."""
    torch.manual_seed(0)
    size = {"channels": 16, "features": 16, "bands": 8, "texture": 2}
    generator = build_generator("studio", SPEC, 2, 16, size).requires_grad_(False)
    for block in generator.blocks:
        block.texture_scale.fill_(0.3)
    pitch = torch.tensor(keys)
    place = torch.ones(len(keys), 16)
    return generator.grow(place, pitch), generator.grow(place, pitch, generator.texture[:1].expand(len(keys), -1, -1))


def test_the_texture_is_the_same_at_every_call_and_goes_smoothly_from_key_to_key():
    heard, alike = wavering([60.0, 60.001, 60.999, 61.0])
    assert torch.equal(heard, wavering([60.0, 60.001, 60.999, 61.0])[0])
    far = (heard[0] - heard[3]).abs().mean()
    assert (heard[0] - heard[1]).abs().mean() < 0.02 * far > (heard[2] - heard[3]).abs().mean()
    assert (alike[0] - alike[3]).abs().mean() < 0.5 * far  # most of that is the noise, not the key


# --- the prior ----------------------------------------------------------------------------------------------------


def fitted(data):
    model = build(FIRST_STAGE, data).requires_grad_(False)
    model.encoder.posterior.weight.mul_(30)
    model.encoder.posterior.bias[:16] = 0.5
    before = {name: value.clone() for name, value in model.state_dict().items()}
    fit_prior(model.generator, model.encoder, data)
    return model, before


def test_an_unfitted_prior_is_as_it_was_before_the_fit(data):
    model, before = fitted(data)
    assert model.generator.prior.directions.any()
    unfit_prior(model.generator, model.encoder)
    for name, value in model.state_dict().items():
        assert torch.allclose(value, before[name], atol=1e-5), name


def test_the_posterior_of_a_fitted_prior_is_drawn_as_it_is(data):
    """The same draws, before and after the fit, are the same places."""
    model, before = fitted(data)
    generator, encoder = model.generator, model.encoder
    notes = data.training()[:3]
    weights = torch.nn.functional.one_hot(torch.from_numpy(data.notes["instrument"][notes].astype(int)), 2).float()
    summary, pitch = encoder.summarize(data.specgram(notes)[:, 0, ::2]), torch.from_numpy(data.notes["pitch"][notes])
    normal = torch.randn(3, 16)
    mean, log_spread = encoder.locate(summary, weights, pitch)
    after = generator.place(encoder.draw(mean, log_spread, weights, normal), weights, pitch)
    model.load_state_dict(before)
    mean, log_spread = encoder.locate(summary, weights, pitch)
    assert torch.allclose(
        after, generator.place(encoder.draw(mean, log_spread, weights, normal), weights, pitch), atol=1e-3
    )


# --- the critic ---------------------------------------------------------------------------------------------------


def nepers_of(data, count=4):
    """Log-magnitudes of so many training notes, every second frame."""
    return SPEC.denormalize(data.specgram(data.training()[:count])[:, 0, ::2])


def test_a_real_note_and_one_that_is_made_like_it_sound_the_same_to_the_critic(gan, data):
    """Nothing but the grain's randomness is left to tell them by: what is silent in a stored note has grain in a made
    one."""
    real = nepers_of(data)
    spectrum = Spectrum(SPEC.normalize(real), torch.ones_like(real))
    noise = white_noise(SPEC, 4, 64, torch.Generator().manual_seed(0), 2)
    made, _ = gan.generator.mix(spectrum, torch.full((4,), 50.0), noise)
    grain = torch.where(real < FLOOR - 1, real + 0.5, real)
    assert (grain != real).float().mean() > 0.2
    for like in (made, grain):
        assert torch.allclose(gan.critic.hear(like), gan.critic.hear(real), atol=0.1)
    assert not torch.allclose(gan.critic.hear(real + 1), gan.critic.hear(real), atol=0.1)


def test_a_critic_of_slope_one_sees_the_change_of_all_stages_alike(gan, data):
    heard, critic = gan.critic.hear(nepers_of(data)), gan.critic
    units = critic.slope_units()
    assert heard.shape == (4, len(units)) and heard.square().mean() == pytest.approx(1.0, abs=0.01)
    assert torch.linalg.vector_norm(torch.full_like(units, 0.5) / units) == pytest.approx(0.5, rel=1e-4)
    of_the_finest = torch.zeros_like(units)
    of_the_finest[-64 * 256 :] = 1.0
    assert torch.linalg.vector_norm(of_the_finest / units) ** 2 == pytest.approx(1 / 6, rel=1e-4)


def test_the_critic_listens_to_coarse_stages_first_and_then_to_finer_ones(gan, data):
    critic, heard = gan.critic, gan.critic.hear(nepers_of(data))
    pitch, instrument = torch.full((4,), 50.0), torch.zeros(4, dtype=torch.int64)
    counts = [512, 4 * 384, 8 * 384, 16 * 320, 32 * 256, 64 * 256]
    parts = heard.split(counts, dim=1)

    def listened(grown):
        """To which parts the score answers when the critic has grown so far."""
        amounts = critic.amounts(grown)
        rest = pitch, instrument, amounts, int((amounts > 0).sum())
        score = critic(heard, *rest)[0]
        others = [torch.cat([*parts[:n], parts[n] + 1, *parts[n + 1 :]], dim=1) for n in range(len(parts))]
        return [not torch.equal(critic(other, *rest)[0], score) for other in others]

    assert listened(0.0) == [True, True, False, False, False, False]
    assert listened(0.5) == [True, True, True, False, False, False]
    assert listened(3.0) == [True, True, True, True, True, False]
    assert all(listened(3.1)) and all(listened(99.0))


def test_a_group_of_equal_notes_is_found_out():
    x = torch.randn(4, 3, 2, 2)
    x[2:] = x[2]
    spread = spread_of_groups(x, 2)
    assert spread.shape == (4, 3) and torch.equal(spread[0], spread[1])
    assert spread[2:].max() == pytest.approx(0.01) and spread[0].mean() > 0.2


def heard_in_a_step(gan, data):
    """What the critic hears in a step in which it listens to all stages: real and made notes, pitch, instrument."""
    gan.step(gan.load(0, data.training()[:4]), CONFIG.critic_notes + 100 * CONFIG.batch)
    return gan._remembered[-1]


@pytest.mark.slow
def test_the_critic_learns_to_tell_real_from_made_and_to_name(gan, data):
    heard, amounts = heard_in_a_step(gan, data), gan.critic.amounts(9.0)
    random = torch.Generator().manual_seed(0)
    judged = [gan._critic_step(heard, amounts, random) for _ in range(60)]
    assert judged[-1]["distance"] > 0.1 > abs(judged[0]["distance"])
    assert judged[-1]["real_naming"] < 0.5 * judged[0]["real_naming"]


def test_noise_in_strides_is_noise_of_which_frames_are_left_out():
    whole, some = (
        white_noise(SPEC, 2, frames, torch.Generator().manual_seed(0), stride) for frames, stride in ((9, 1), (5, 2))
    )
    assert torch.equal(whole[:, ::2], some)


def test_notes_come_in_groups_of_one_instrument_and_key(gan, data):
    notes = data.training()[[0, 5, 9, 12]]
    for size in (2, 3):
        groups = gan._kin.groups(notes, size, np.random.default_rng(0)).reshape(4, size)
        assert np.array_equal(groups[:, 0], notes) and set(groups.flat) <= set(data.training())
        for group in groups:
            assert len(set(group)) == size
            assert len(set(data.notes["instrument"][group])) == len(set(data.notes["pitch"][group])) == 1
    alone = gan._kin.groups(notes, 7, np.random.default_rng(0)).reshape(4, 7)  # there are three of a key
    assert all(len(set(group)) == 7 for group in alone)


# --- steps and runs -----------------------------------------------------------------------------------------------


def test_the_critic_learns_alone_first_and_then_the_generator_learns_too(gan, data):
    parts = {name: getattr(gan, name) for name in ("generator", "encoder", "critic")}
    before = {name: copy.deepcopy(part.state_dict()) for name, part in parts.items()}

    def moved(name):
        return {key for key, value in parts[name].state_dict().items() if not torch.equal(value, before[name][key])}

    gan.step(gan.load(0, data.training()[:4]), 0)
    assert moved("critic") and not moved("generator")
    gan.step(gan.load(2, data.training()[:4]), 500)
    assert {"blocks.3.texture_scale", "envelopes.weight", "instrument_mean"} <= moved("generator")
    assert not {name for name in moved("generator") if "prior" in name}  # which stays as it was fitted
    assert not moved("encoder") and not {name for name in moved("critic") if name.startswith("ear.")}


@pytest.mark.slow
def test_the_critic_takes_more_steps_with_notes_that_it_heard_before(gan, data, monkeypatch):
    heard = []
    step = gan._critic_step
    monkeypatch.setattr(gan, "_critic_step", lambda own, *rest: heard.append(own[0]) or step(own, *rest))
    for number in range(20):
        gan.step(gan.load(number, data.training()[:4]), 4 * number)
    steps = [heard[0:1], *(heard[start : start + 4] for start in range(1, 77, 4))]  # nothing to go back to at first
    fresh = [own[0] for own in steps]
    assert len(heard) == 77 and len(gan._remembered) == 16
    for number, own in enumerate(steps):
        before = [id(real) for real in fresh[max(0, number - 16) : number]]
        assert all(id(again) in before for again in own[1:])


class Operations(TorchDispatchMode):
    """Remembers what is done within it."""

    def __init__(self):
        super().__init__()
        self.names = set()

    def __torch_dispatch__(self, operation, types, args=(), kwargs=None):
        self.names.add(operation.overloadpacket.__name__)
        return operation(*args, **(kwargs or {}))


@pytest.mark.parametrize("objective", ["Reconstruction", "Adversarial"])
def test_what_a_gpu_records_waits_for_nothing(objective, gan, data):
    """Numbers handed to the CPU and solvers, which check what they found, cannot be recorded."""
    seen = Operations()

    def watched(function):
        def call(*inputs):
            with seen:
                return function(*inputs)

        return call

    if objective == "Reconstruction":
        gan = Reconstruction(FIRST_STAGE, data, Processes())
        gan._descend = watched(gan._gradients)
    else:
        gan._listen_to(len(gan.critic.stages))
        gan._descend, gan._judge_both = watched(gan._generator_gradients), watched(gan._critic_gradients)
    gan.step(gan.load(0, data.training()[:4]), 500)
    assert {"mm", "_log_softmax"} <= seen.names
    assert not {name for name in seen.names if "linalg_solve" in name or "inv" in name or "nonzero" in name}
    assert "_local_scalar_dense" not in seen.names


def test_two_steps_a_stop_and_two_steps_are_four_steps(data, reconstruction, tmp_path):
    loop.train(CONFIG, data, tmp_path / "whole", "cpu", steps=4, start_from=reconstruction)
    loop.train(CONFIG, data, tmp_path / "parts", "cpu", steps=2, start_from=reconstruction)
    loop.train(CONFIG, data, tmp_path / "parts", "cpu", steps=2)
    whole, parts = (torch.load(tmp_path / run / "state.pt", weights_only=True) for run in ("whole", "parts"))
    assert whole["step"] == parts["step"] == 4
    for name in ("generator", "encoder", "average", "critic", "remembered", "optimizers", "hyperparameters"):
        assert same(whole[name], parts[name]), name


@pytest.mark.slow
def test_a_snapshot_plays_and_says_what_it_began_with(data, reconstruction, tmp_path):
    config = CONFIG.replace(notes=16, snapshot_notes=16)
    folder = loop.train(config, data, tmp_path / "run", "cpu", start_from=reconstruction)
    synth = Synth.load(str(folder), device="cpu")
    audio = synth.render(sample(synth.card, 1, 0, "reed")[0], [52]).audio
    assert np.isfinite(audio).all() and np.abs(audio).max() > 1e-4
    assert synth.card.generator["texture"] == 2 and synth.card.training["stage"] == "adversarial"
    assert synth.card.training["started_from"]["notes_seen"] == 16
    again = Adversarial(config, data, Processes())
    again.begin(folder)  # and one can go on from it
    assert torch.equal(again.generator.texture, synth.generator.texture)


@pytest.mark.slow
def test_what_was_saved_when_reconstruction_was_called_a_warm_start_is_read(data, reconstruction, tmp_path):
    model = shutil.copytree(reconstruction, tmp_path / "model")
    card = json.loads((model / "card.json").read_text())
    assert card["training"]["stage"] == "reconstruction"
    card["training"]["stage"] = "warm start"
    (model / "card.json").write_text(json.dumps(card))
    assert load_card(model).training == load_card(reconstruction).training

    config = CONFIG.replace(notes=8, snapshot_notes=8)
    loop.train(config, data, tmp_path / "run", "cpu", steps=1, start_from=model)
    state = torch.load(tmp_path / "run" / "state.pt", weights_only=True)
    state["origin"]["stage"] = "warm start"
    torch.save(state, tmp_path / "run" / "state.pt")
    folder = loop.train(config, data, tmp_path / "run", "cpu")
    assert load_card(folder).training["started_from"]["stage"] == "reconstruction"


def test_the_reconstruction_goes_on_from_a_model(data, reconstruction):
    run = Reconstruction(FIRST_STAGE, data, Processes())
    run.begin(reconstruction)
    generator = Synth.load(str(reconstruction), device="cpu").generator
    assert generator.prior.directions.any() and not run.model.generator.prior.directions.any()
    for name in ("envelopes.weight", "blocks.2.first.weight"):
        assert torch.equal(run.model.generator.state_dict()[name], generator.state_dict()[name])
    assert same(run.model.state_dict(), run.average.state_dict())


def test_models_that_do_not_fit_are_refused(data, reconstruction, tmp_path):
    with pytest.raises(InputError, match="--start-from"):
        loop.train(CONFIG, data, tmp_path / "run", "cpu")
    with pytest.raises(InputError, match="channels=32"):
        Reconstruction(FIRST_STAGE.replace(channels=24), data, Processes()).begin(reconstruction)
    with pytest.raises(InputError, match="latent_size=16"):
        Adversarial(CONFIG.replace(latent_size=8), data, Processes()).begin(reconstruction)
    with pytest.raises(ModelError):
        Adversarial(CONFIG, data, Processes()).begin(tmp_path)
    with pytest.raises(InputError, match="groups of 4"):
        CONFIG.replace(group=4, batch=6)
    assert not (tmp_path / "run").exists()


def test_the_learning_rate_waits_rises_and_falls():
    config = RECIPES["studio-gan"]
    rates = [learning_rate(config, seen, config.critic_notes) for seen in (0, 7_968, 8_000, 24_000, 41_600, 51_999)]
    assert rates[0] == rates[1] == 0 < rates[2] < rates[3] == config.learning_rate
    assert rates[4] == pytest.approx(0.5 * config.learning_rate) and 0 < rates[5] < rates[4]


def test_a_generator_step_raises_the_score_of_a_critic_that_stands_still(gan, data, monkeypatch):
    monkeypatch.setattr(gan, "_critic_step", lambda *_: {})
    gan.config = CONFIG.replace(reconstruction_weight=0.0, naming_weight=0.0)
    batch = gan.load(0, data.training()[:4])
    scores = [float(gan.step(batch, 500)["score"]) for _ in range(5)]
    assert scores[-1] > scores[0] and all(weight.requires_grad for weight in gan.critic.learned())


def test_the_card_of_a_model_without_texture_says_nothing_of_it(reconstruction):
    assert "texture" not in load_card(reconstruction).generator


def test_slopes_begin_below_one(gan, data):
    heard = gan.critic.hear(nepers_of(data)).requires_grad_(True)
    all_stages = gan.critic.amounts(9.0), len(gan.critic.stages)
    score = gan.critic(heard, torch.full((4,), 50.0), torch.zeros(4, dtype=torch.int64), *all_stages)[0]
    (slope,) = torch.autograd.grad(score.sum(), heard)
    assert 0.01 < float((slope * gan.critic.slope_units()).norm(dim=1).mean()) < 1
