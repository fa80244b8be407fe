"""The adversarial stage of the studio model, on tones of two instruments."""

import numpy as np
import pytest
import torch
from fakes import SPEC

from gansynth_core import Clip, InputError, ModelError, Synth, load_card, sample
from gansynth_core.generators import build_generator
from gansynth_core.generators.studio import Spectrum, white_noise
from gansynth_core.training import loop
from gansynth_core.training.config import PRESETS
from gansynth_core.training.dataset import SourceNote, prepare
from gansynth_core.training.parallel import Processes
from gansynth_core.training.prior import fit_prior, unfit_prior
from gansynth_core.training.studio_critic import (
    FLOOR,
    StudioCritic,
    band_weights,
    picture,
    real_picture,
    spread_of_groups,
)
from gansynth_core.training.studio_gan import StudioGan, judged_frames, learning_rate
from gansynth_core.training.warm_start import WarmStart, build

WARM = PRESETS["tiny"].replace(notes=16, snapshot_notes=16, latent_size=16, precision="fp32")
CONFIG = PRESETS["tiny-gan"].replace(latent_size=16, precision="fp32", notes=1000, snapshot_notes=1000)


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
def warm(data, tmp_path_factory):
    """The folder of a warm start's last snapshot."""
    return loop.train(WARM, data, tmp_path_factory.mktemp("warm") / "run", "cpu")


@pytest.fixture
def gan(data, warm):
    gan = StudioGan(CONFIG, data, Processes())
    gan.begin(warm)
    return gan


def same(first, second) -> bool:
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list):
        return len(first) == len(second) and all(map(same, first, second))
    return torch.equal(first, second) if isinstance(first, torch.Tensor) else first == second


# --- the generator's texture --------------------------------------------------------------------------------------


def test_a_texture_that_has_learned_nothing_changes_no_note(warm, gan):
    plain = Synth.load(str(warm), device="cpu").generator
    z, pitch, instruments = torch.randn(2, 16), torch.tensor([51.0, 52.5]), torch.eye(2)
    with torch.inference_mode():
        assert torch.equal(plain(z, pitch, instruments), gan.model["generator"](z, pitch, instruments))


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
    model = build(WARM, data).requires_grad_(False)
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


def test_the_posterior_of_a_fitted_prior_is_drawn_and_counted_as_it_is(data):
    """Against the textbook's formula with whole matrices, and draws with the same seed before and after the fit."""
    model, before = fitted(data)
    generator, encoder = model.generator, model.encoder
    notes = data.training()[:3]
    weights = torch.nn.functional.one_hot(torch.from_numpy(data.notes["instrument"][notes].astype(int)), 2).float()
    summary, pitch = encoder.summarize(data.specgram(notes)[:, 0, ::2]), torch.from_numpy(data.notes["pitch"][notes])
    normal = torch.randn(3, 16)
    mean, log_spread = encoder.locate(summary, weights, pitch)
    after = generator.place(encoder.draw(mean, log_spread, weights, normal), weights, pitch)
    nats = encoder.nats(mean, log_spread, weights)
    directions = encoder.prior.directions
    for row in range(3):
        narrowing = torch.linalg.inv(encoder.prior.spreads(weights)[row])
        factor = torch.eye(16) + directions.T @ (narrowing - torch.eye(len(narrowing))) @ directions
        covariance = factor @ torch.diag((2 * log_spread[row]).exp()) @ factor.T
        expected = 0.5 * (covariance.trace() + mean[row] @ mean[row] - 16 - torch.logdet(covariance))
        assert nats[row].item() == pytest.approx(expected.item(), rel=1e-3)
    model.load_state_dict(before)
    mean, log_spread = encoder.locate(summary, weights, pitch)
    assert torch.allclose(
        after, generator.place(encoder.draw(mean, log_spread, weights, normal), weights, pitch), atol=1e-3
    )


# --- the critic ---------------------------------------------------------------------------------------------------


def test_a_real_note_and_one_that_is_made_like_it_are_the_same_picture(data):
    """Nothing but the grain's randomness is left to tell them by: no floor, no offset."""
    stored = torch.from_numpy(data.stored(data.training()[:2]))[:, 0]
    noise = white_noise(SPEC, 2, SPEC.frames, torch.Generator().manual_seed(0))
    generator = build_generator("studio", SPEC, 2, 16, {"channels": 8, "features": 8, "bands": 8})
    level, weights = stored / 127, band_weights(SPEC)
    made, _ = generator.mix(Spectrum(level, torch.ones_like(level)), torch.tensor([50.0, 51.0]), noise)
    real = real_picture(stored, SPEC, weights, torch.zeros(stored.shape))
    assert torch.allclose(picture(made, weights), real, atol=1e-4)
    rounded = real_picture(stored, SPEC, weights, torch.full(stored.shape, 0.5)) - real
    assert rounded.min() >= 0 and 0.02 < rounded.max() < 0.03  # half a step of 0.05 nepers


def test_bands_are_bins_at_first_and_quarter_tones_then():
    weights = band_weights(SPEC)
    assert torch.allclose(weights.sum(dim=0), torch.ones(SPEC.bins))
    assert torch.equal(weights[:30, :30], torch.eye(30))
    centres = (weights @ torch.arange(1.0, SPEC.bins + 1)) / weights.sum(dim=1)
    ratios = centres[60:-1].log2().diff() * 24
    assert len(weights) < 200 and ratios.min() > 0.95 and ratios.max() < 1.05


def test_a_picture_shows_loud_bands_in_nepers_and_nothing_below_its_floor():
    weights = band_weights(SPEC)
    soft = torch.full((1, 2, SPEC.bins), FLOOR - 3.0)
    loud = soft.clone()
    loud[..., 10], loud[..., 1000] = FLOOR + 3.0, FLOOR + 4.0
    heard = picture(loud, weights)
    assert picture(soft, weights).max() < 0.1
    assert heard[0, 0, 10] == pytest.approx(3.0, abs=0.01) and heard[0, 0, 100:].max() == pytest.approx(4.0, abs=0.4)
    assert (heard > 0.5).sum(dim=2).max() <= 3


def test_a_critic_of_slope_one_sees_the_distance_in_nepers():
    critic = StudioCritic(SPEC, 2, (50, 53), 32, 4, 2)
    louder = 0.5 * torch.ones(32, len(critic.band_weights))
    assert float(torch.linalg.vector_norm(louder)) / critic.slope_units(32) == pytest.approx(0.5)


def test_a_group_of_equal_notes_is_found_out():
    x = torch.randn(4, 3, 2, 2)
    x[2:] = x[2]
    spread = spread_of_groups(x, 2)
    assert spread.shape == (4, 3) and torch.equal(spread[0], spread[1])
    assert spread[2:].max() == pytest.approx(0.01) and spread[0].mean() > 0.2


def test_the_critic_learns_to_tell_real_from_made_and_to_name(gan, data):
    batch = gan.load(0, data.training()[:4])
    stored, pitch, instrument, _, frames = batch
    with torch.no_grad():
        made = gan._make(*batch, torch.Generator().manual_seed(0))[0]
    level = stored[:, 0, frames]
    real = real_picture(level, SPEC, gan.critic.band_weights, torch.zeros(level.shape))
    judged = [
        gan._critic_step(real, made, pitch, instrument, frames / 127, number, torch.Generator().manual_seed(number))
        for number in range(60)
    ]
    assert judged[-1]["distance"] > 0.1 > abs(judged[0]["distance"])
    assert judged[-1]["real_naming"] < 0.5 * judged[0]["real_naming"]


def test_the_critic_looks_at_whole_notes_first_and_at_every_frame_in_the_end():
    config = PRESETS["studio-gan"].replace(grow_notes=1_280)  # ten steps
    looks = [judged_frames(config, 128, step) for step in range(1000)]
    strides = np.array([look[1] - look[0] for look in looks])
    assert all(len(look) == 32 and (np.diff(look) == look[1] - look[0]).all() and look[-1] < 128 for look in looks)
    assert set(strides[:10]) == {4} and set(strides[10:20]) == {4, 2}
    assert [(strides[20:] == stride).sum() > 200 for stride in (1, 2, 4)] == [True] * 3
    assert 0.4 < np.mean([look[0] == 0 for look in looks[20:] if look[1] - look[0] == 1]) < 0.6
    assert len(set(np.concatenate([look for look in looks if look[1] - look[0] == 1]))) > 120


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


def test_the_critic_learns_alone_first_and_then_all_parts_learn(gan, data):
    before = {name: value.clone() for name, value in gan.model.state_dict().items()}
    gan.step(gan.load(0, data.training()[:4]), 0)
    assert same(before, gan.model.state_dict())
    gan.step(gan.load(2, data.training()[:4]), 8)
    moved = {name for name, value in gan.model.state_dict().items() if not torch.equal(value, before[name])}
    for part in ("generator.blocks.3.texture_scale", "generator.envelopes.weight", "generator.instrument_mean"):
        assert part in moved
    assert {"encoder.bins_in.weight", "encoder.posterior.weight"} <= moved
    assert not {name for name in moved if "prior" in name or "centre" in name}  # the prior stays as it was fitted


def test_two_steps_a_stop_and_two_steps_are_four_steps(data, warm, tmp_path):
    loop.train(CONFIG, data, tmp_path / "whole", "cpu", steps=4, start_from=warm)
    loop.train(CONFIG, data, tmp_path / "parts", "cpu", steps=2, start_from=warm)
    loop.train(CONFIG, data, tmp_path / "parts", "cpu", steps=2)
    whole, parts = (torch.load(tmp_path / run / "state.pt", weights_only=True) for run in ("whole", "parts"))
    assert whole["step"] == parts["step"] == 4
    for name in ("model", "average", "critic", "optimizers", "hyperparameters"):
        assert same(whole[name], parts[name]), name


def test_a_snapshot_plays_and_says_what_it_began_with(data, warm, tmp_path):
    config = CONFIG.replace(notes=16, snapshot_notes=16)
    folder = loop.train(config, data, tmp_path / "run", "cpu", start_from=warm)
    synth = Synth.load(str(folder), device="cpu")
    audio = synth.render(sample(synth.card, 1, 0, "reed")[0], [52]).audio
    assert np.isfinite(audio).all() and np.abs(audio).max() > 1e-4
    assert synth.card.generator["texture"] == 2 and synth.card.training["stage"] == "adversarial"
    assert synth.card.training["started_from"]["notes_seen"] == 16
    again = StudioGan(config, data, Processes())
    again.begin(folder)  # and one can go on from it
    assert torch.equal(again.model["generator"].texture, synth.generator.texture)


def test_the_warm_start_goes_on_from_a_model(data, warm):
    run = WarmStart(WARM, data, Processes())
    run.begin(warm)
    generator = Synth.load(str(warm), device="cpu").generator
    assert generator.prior.directions.any() and not run.model.generator.prior.directions.any()
    for name in ("envelopes.weight", "blocks.2.first.weight"):
        assert torch.equal(run.model.generator.state_dict()[name], generator.state_dict()[name])
    assert same(run.model.state_dict(), run.average.state_dict())


def test_models_that_do_not_fit_are_refused(data, warm, tmp_path):
    with pytest.raises(InputError, match="--start-from"):
        loop.train(CONFIG, data, tmp_path / "run", "cpu")
    with pytest.raises(InputError, match="channels=32"):
        WarmStart(WARM.replace(channels=24), data, Processes()).begin(warm)
    with pytest.raises(InputError, match="latent_size=16"):
        StudioGan(CONFIG.replace(latent_size=8), data, Processes()).begin(warm)
    with pytest.raises(ModelError):
        StudioGan(CONFIG, data, Processes()).begin(tmp_path)
    with pytest.raises(InputError, match="groups of 4"):
        CONFIG.replace(group=4, batch=6)
    assert not (tmp_path / "run").exists()


def test_the_learning_rate_waits_rises_and_falls():
    config = PRESETS["studio-gan"]
    rates = [learning_rate(config, seen) for seen in (0, 63_872, 64_000, 300_000, 512_000, 639_999)]
    assert rates[0] == rates[1] == 0 < rates[2] < rates[3] == config.learning_rate
    assert rates[4] == pytest.approx(0.5 * config.learning_rate) and 0 < rates[5] < rates[4]


def test_a_generator_step_raises_the_score_of_a_critic_that_stands_still(gan, data):
    batch = gan.load(0, data.training()[:4])
    _, pitch, instrument, _, frames = batch
    scores = []
    for _ in range(5):
        made, kept = gan._make(*batch, torch.Generator().manual_seed(0))
        step = gan._generator_step(made, 0 * kept["loss"], pitch, instrument, frames / 127, 500, True)
        scores.append(float(step[0]))
    assert scores[-1] > scores[0] and all(weight.requires_grad for weight in gan.critic.parameters())


def test_the_card_of_a_model_without_texture_says_nothing_of_it(warm):
    assert "texture" not in load_card(warm).generator


def test_slopes_begin_near_one(data):
    torch.manual_seed(0)
    critic = StudioCritic(SPEC, 2, (50, 53), 32, 8, 2)
    level = torch.from_numpy(data.stored(data.training()[:4]))[:, 0, :32]
    heard = real_picture(level, SPEC, critic.band_weights, torch.zeros(level.shape)).requires_grad_(True)
    score = critic(heard, torch.full((4,), 50.0), torch.zeros(4, dtype=torch.int64), torch.linspace(0, 1, 32))[0]
    (slope,) = torch.autograd.grad(score.sum(), heard)
    assert 0.2 < float((slope * critic.slope_units(32)).flatten(1).norm(dim=1).mean()) < 6
