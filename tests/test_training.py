import dataclasses
import json
import signal

import numpy as np
import pytest
import torch
from sine_voice import SPEC

from gansynth_core import AudioError, Clip, DataError, GanSynthError, InputError, Synth, sample
from gansynth_core.generators import build_generator
from gansynth_core.generators.studio import Spectrum
from gansynth_core.training import loop
from gansynth_core.training.data.dataset import batches
from gansynth_core.training.data.prepare import prepare
from gansynth_core.training.data.source import SourceNote
from gansynth_core.training.directions.components import latent_directions
from gansynth_core.training.parallel import Processes
from gansynth_core.training.recipes import RECIPES
from gansynth_core.training.studio import reconstruction
from gansynth_core.training.studio.adversarial import Adversarial
from gansynth_core.training.studio.losses import band_loss
from gansynth_core.training.studio.prior import fit_prior
from gansynth_core.training.studio.reconstruction import judged_frames

CONFIG = RECIPES["tiny"].replace(notes=16, snapshot_notes=16, latent_size=16)


class Tones:
    """Decaying harmonic tones of two instruments, one with odd partials only."""

    name, licence, variation_names = "tones", "CC0", ()

    def plan(self):
        names = ("broken", "reed", "string")
        return [SourceNote(name, pitch, 100) for name in names for pitch in range(50, 56)]

    def read(self, index):
        note = self.plan()[index]
        if note.instrument == "broken":
            raise AudioError("unreadable")
        seconds = np.arange(48000) / 24000
        hz = 440 * 2 ** ((note.pitch - 69) / 12)
        partials = range(1, 8, 2 if note.instrument == "reed" else 1)
        wave = sum(np.sin(2 * np.pi * hz * k * seconds) / k for k in partials) * np.exp(-seconds)
        return Clip(wave.astype(np.float32) * 0.3, 24000)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return prepare([Tones()], tmp_path_factory.mktemp("data") / "tones", SPEC, workers=1)


def weights_of(run):
    return torch.load(run / "state.pt", weights_only=True)


def test_two_steps_a_stop_and_two_steps_are_four_steps(data, tmp_path):
    config = CONFIG.replace(notes=1000, snapshot_notes=1000)
    loop.train(config, data, tmp_path / "whole", "cpu", steps=4)
    loop.train(config, data, tmp_path / "parts", "cpu", steps=2)
    loop.train(config, data, tmp_path / "parts", "cpu", steps=2)
    whole, parts = weights_of(tmp_path / "whole"), weights_of(tmp_path / "parts")
    assert whole["step"] == parts["step"] == 4
    for kind in ("model", "average"):
        for name, value in whole[kind].items():
            assert torch.equal(value, parts[kind][name]), name


@pytest.mark.slow
def test_a_snapshot_plays_and_says_where_it_comes_from(data, tmp_path):
    folder = loop.train(CONFIG, data, tmp_path / "run", "cpu")
    synth = Synth.load(str(folder), device="cpu")
    audio = synth.render(sample(synth.card, 1, 0, "reed")[0], [52]).audio
    assert np.isfinite(audio).all() and np.abs(audio).max() > 1e-4
    averaged = reconstruction.build(CONFIG, data)
    averaged.load_state_dict(weights_of(tmp_path / "run")["average"])
    fit_prior(averaged.generator, averaged.encoder, data)
    for name, value in averaged.generator.state_dict().items():
        assert torch.allclose(synth._generator.state_dict()[name], value, atol=1e-2, rtol=1e-2), name
    assert synth.card.training["notes_seen"] == 16 and "tones (licence: CC0)" in synth.card.provenance
    assert (folder / "notes.png").exists() and list(folder.glob("real_*.wav")) and list(folder.glob("model_*.wav"))
    assert json.loads((tmp_path / "run" / "config.json").read_text())["notes"] == 16
    assert (tmp_path / "run" / "log.csv").read_text().startswith("notes,seconds,loss")


@pytest.mark.slow
def test_it_learns(data, tmp_path):
    config = CONFIG.replace(notes=240, snapshot_notes=240, precision="fp32", warmup_notes=8, learning_rate=3e-3)
    loop.train(config, data, tmp_path / "run", "cpu", steps=5)
    loop.train(config, data, tmp_path / "run", "cpu")
    rows = np.genfromtxt(tmp_path / "run" / "log.csv", delimiter=",", names=True)
    assert rows["magnitude"][-1] < 0.75 * rows["magnitude"][0]


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good_state(data, tmp_path, monkeypatch):
    loop.train(CONFIG, data, tmp_path / "run", "cpu", steps=2)
    good = (tmp_path / "run" / "state.pt").read_bytes()
    forward = reconstruction.ReconstructionLoss.forward
    monkeypatch.setattr(
        reconstruction.ReconstructionLoss,
        "forward",
        lambda *a: (forward(*a)[0] * float("nan"), {"magnitude": torch.zeros(())}),
    )
    with pytest.raises(GanSynthError, match="no longer a number"):
        loop.train(CONFIG, data, tmp_path / "run", "cpu")
    assert (tmp_path / "run" / "state.pt").read_bytes() == good


class Layers(Tones):
    """The tones, and some of both instruments at once: a quarter string in each."""

    def plan(self):
        layers = [SourceNote("reed", pitch, 100, second="string", share=0.25) for pitch in range(50, 56)]
        return [note for note in super().plan() if note.instrument != "broken"] + layers

    def read(self, index):
        plan = super().plan()[6:]
        if index < len(plan):
            return super().read(index + 6)
        reed, string = (super(Layers, self).read(6 + index - 12 + n).samples for n in (0, 6))
        return Clip(0.75 * reed + 0.25 * string, 24000)


@pytest.fixture(scope="module")
def layered(tmp_path_factory):
    return prepare([Layers()], tmp_path_factory.mktemp("data") / "layers", SPEC, workers=1)


def test_a_layer_teaches_both_its_instruments_by_their_shares(layered):
    objective = reconstruction.Reconstruction(CONFIG.replace(precision="fp32"), layered, Processes())
    notes = np.flatnonzero(~layered.plain())
    loss, parts = objective.model(objective.load(0, notes[:4]))
    loss.backward()
    reed, string = objective.model.generator.instrument_mean.grad
    assert reed.abs().max() > 1e-6 and torch.allclose(string, reed / 3, rtol=1e-3, atol=1e-9)
    summary = objective.model.encoder.summarize(layered.specgram(notes[:4])[:, 0, ::2])
    chance = objective.model.encoder.instrument_logits(summary).log_softmax(dim=1)
    expected = -(0.75 * chance[:, 0] + 0.25 * chance[:, 1]).mean()
    assert parts["naming"] == pytest.approx(expected.item(), rel=1e-4)


@pytest.mark.slow
def test_reconstruction_learns_from_layers_and_the_adversarial_stage_from_plain_notes(layered, tmp_path, monkeypatch):
    learned = {}
    for objective in (reconstruction.Reconstruction, Adversarial):
        load, seen = objective.load, learned.setdefault(objective, [])

        def watched(self, step, notes, load=load, seen=seen):
            seen += notes.tolist()
            return load(self, step, notes)

        monkeypatch.setattr(objective, "load", watched)
    gan = RECIPES["tiny-gan"].replace(latent_size=16, notes=16, snapshot_notes=16)
    first = loop.train(CONFIG.replace(notes=24, snapshot_notes=24), layered, tmp_path / "first", "cpu")
    loop.train(gan, layered, tmp_path / "gan", "cpu", start_from=first)
    layers = set(np.flatnonzero(~layered.plain() & ~layered.notes["held_out"]).tolist())
    assert layers and layers < set(learned[reconstruction.Reconstruction]) <= set(layered.training(layers=True))
    assert learned[Adversarial] and set(learned[Adversarial]) <= set(layered.training())
    count = len(layered.training(layers=True))
    assert f"on {count} notes" in loop.describe(CONFIG, layered, tmp_path / "new", "cpu")


def test_silence_is_refused_and_pitches_that_the_notes_have_not_are_named(data, tmp_path, capsys):
    loop.train(CONFIG, data, tmp_path / "right", "cpu", steps=1)
    assert "pitches are wrong" not in capsys.readouterr().err
    wrong = data.notes.copy()
    wrong["pitch"] += 2
    loop.train(CONFIG, dataclasses.replace(data, notes=wrong), tmp_path / "wrong", "cpu", steps=1)
    assert "0% have their partials where their pitch says" in capsys.readouterr().err
    silence = np.full_like(data.stored(np.arange(len(data))), -127)
    silent = dataclasses.replace(data, specgrams=silence, rows=np.arange(len(data)))
    with pytest.raises(DataError, match="silent"):
        loop.train(CONFIG, silent, tmp_path / "silent", "cpu", steps=1)
    assert not (tmp_path / "silent").exists()


def test_a_run_goes_on_with_its_own_network_and_data_only(data, tmp_path):
    run = tmp_path / "run"
    assert loop.train(CONFIG, data, run, "cpu", steps=1) is None  # no snapshot yet
    before = (run / "config.json").read_text()
    with pytest.raises(DataError, match="another size"):
        loop.train(CONFIG.replace(channels=24), data, run, "cpu")
    other = dataclasses.replace(data, notes=data.notes[:-1], rows=data.rows[:-1])
    with pytest.raises(DataError, match="another set"):
        loop.train(CONFIG, other, run, "cpu")
    assert (run / "config.json").read_text() == before
    (run / "state.pt").write_bytes(b"")
    with pytest.raises(DataError, match="damaged"):
        loop.train(CONFIG, data, run, "cpu")


def test_ctrl_c_ends_the_step_and_saves_it(data, tmp_path, monkeypatch):
    forward, steps = reconstruction.ReconstructionLoss.forward, []

    def press_in_the_third_step(*arguments):
        steps.append(0)
        if len(steps) == 3:
            signal.raise_signal(signal.SIGINT)
        return forward(*arguments)

    monkeypatch.setattr(reconstruction.ReconstructionLoss, "forward", press_in_the_third_step)
    config = CONFIG.replace(notes=1000, snapshot_notes=1000)
    with pytest.raises(KeyboardInterrupt):
        loop.train(config, data, tmp_path / "run", "cpu")
    assert weights_of(tmp_path / "run")["step"] == 3


def test_the_log_forgets_the_steps_that_were_lost(data, tmp_path):
    config = CONFIG.replace(notes=1000, snapshot_notes=1000)
    loop.train(config, data, tmp_path / "run", "cpu", steps=2)
    log = tmp_path / "run" / "log.csv"
    log.write_text(log.read_text() + "999,9,1,1,1,1,1\n")
    loop.train(config, data, tmp_path / "run", "cpu", steps=1)
    assert [row.split(",")[0] for row in log.read_text().splitlines()] == ["notes", "8", "12"]


def test_the_average_lags_behind_the_weights_by_its_half_life(data, tmp_path):
    config = CONFIG.replace(notes=1000, snapshot_notes=1000, ema_notes=4)  # half of each step's change
    loop.train(config, data, tmp_path / "run", "cpu", steps=1)
    first = weights_of(tmp_path / "run")
    loop.train(config, data, tmp_path / "run", "cpu", steps=1)
    second = weights_of(tmp_path / "run")
    name = "generator.envelopes.weight"
    kept = 0.5 ** (4 / min(4, 0.1 * 8 + 4))
    expected = kept * first["average"][name] + (1 - kept) * second["model"][name]
    assert torch.allclose(second["average"][name], expected, atol=1e-6)
    assert not torch.allclose(second["average"][name], second["model"][name], atol=1e-6)


def test_too_few_notes_are_refused_before_the_first_step(data, tmp_path):
    with pytest.raises(DataError, match="less than one batch"):
        loop.train(CONFIG.replace(batch=64), data, tmp_path / "run", "cpu")
    assert not (tmp_path / "run").exists()


def test_an_instrument_without_a_usable_note_is_left_out(data):
    assert data.instruments == ("reed", "string") and set(data.notes["instrument"]) == {0, 1}


def test_held_out_notes_are_never_trained_on(data):
    assert not data.notes["held_out"][data.training()].any()
    seen = np.concatenate([batch for batch, _ in zip(batches(data.training(), 4, 0), range(20), strict=False)])
    assert set(seen) <= set(data.training())


def test_batches_go_on_where_they_would_have_been():
    whole = batches(np.arange(10), 3, seed=1)
    later = batches(np.arange(10), 3, seed=1, start=5)
    for _ in range(5):
        next(whole)
    for _ in range(6):
        assert np.array_equal(next(whole), next(later))


def test_judged_frames_are_distinct_and_look_at_the_attack_more_often():
    frames = np.concatenate([judged_frames(128, 48, 0, step) for step in range(50)])
    assert len(set(judged_frames(128, 48, 0, 3))) == 48
    early = np.mean(frames < 32)
    assert early == pytest.approx(1 / 3, abs=0.01)


def test_bands_are_to_be_as_loud_as_real_ones_wherever_in_them_the_sound_lies():
    generator = build_generator("studio", SPEC, 2, 16, {"channels": 8, "features": 8, "bands": 8})
    frames = torch.arange(100)
    random = torch.Generator().manual_seed(0)
    shape = 1, len(frames), SPEC.bins

    def error(real_nepers, made_nepers, tonality):
        stored = (SPEC.normalize(real_nepers) * 127).round().to(torch.int8)[:, None].expand(-1, 2, -1, -1)
        made = Spectrum(SPEC.normalize(made_nepers), torch.full(shape, tonality))
        return band_loss(made, stored, frames, generator).item()

    grain = (torch.randn(2, *shape, generator=random).square().sum(dim=0) / 2).sqrt().log()  # noise of unit RMS
    median = torch.full(shape, 0.5 * np.log(np.log(2)))
    assert error(grain, median, 0.3) < 0.06 < 0.1 < error(grain, median, 1.0)  # which would be tone, and softer
    assert error(grain, median - 1, 0.3) == pytest.approx(error(grain, median, 0.3) + 1.0, abs=0.2)

    steady = torch.full(shape, -3.0)
    partials, smeared, lost = steady.clone(), steady.clone(), steady.clone()
    partials[..., 10::20] = 4.0
    for spread, level in ((smeared, 4.0 - np.log(2) / 2), (lost, 1.0)):
        spread[..., 10::20] = spread[..., 11::20] = level
    assert error(partials, partials, 1.0) < 0.04  # as finely as notes are stored
    assert error(partials, smeared, 1.0) < 0.12 < 1.0 < error(partials, lost, 1.0)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"bach": 3}, "Did you mean 'batch'"),
        ({"batch": "x"}, "must be a whole number"),
        ({"batch": 0}, "at least 1"),
        ({"precision": "fp8"}, "bf16"),
        ({"learning_rate": -1.0}, "at least 0"),
        ({"learning_rate": float("nan")}, "at least 0"),
        ({"model": "../x"}, "cannot name a model"),
        ({"decay_share": 2.0}, "at most 1"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        CONFIG.replace(**change)


def test_directions_find_what_changes_the_sound_and_lengthen_what_hardly_does():
    """A network in which one direction of z changes the level much, another a little, and the rest nothing."""
    generator = build_generator("studio", SPEC, 2, 16, {"channels": 8, "features": 8, "bands": 8})
    random = torch.randn(16, 16, generator=torch.Generator().manual_seed(0))
    generator.prior.directions[:16] = torch.linalg.qr(random)[0]
    much, little = torch.eye(16)[3], torch.eye(16)[5]
    generator.place = lambda z, instruments, pitch: z
    generator.grow = lambda w, pitch: w[:, None].expand(-1, SPEC.frames, -1)
    slope = torch.linspace(-1, 1, SPEC.bins)
    generator.spectrum = lambda features, basis: Spectrum(
        (features @ much)[..., None] * 0.1 * slope + (features @ little)[..., None] * 0.002, torch.zeros(1)
    )
    first, second, third = latent_directions(generator, SPEC, 2, (50, 60), count=3, sounds=8)
    assert torch.tensor(first.vector) == pytest.approx(much, abs=0.02)  # upwards is brighter
    assert torch.tensor(second.vector).abs() == pytest.approx(3 * little, abs=0.05)
    assert abs(torch.tensor(first.vector) @ torch.tensor(third.vector)) < 0.01


def test_fitting_the_prior_moves_z_and_leaves_the_sound_of_every_real_note(data):
    model = reconstruction.build(CONFIG, data).requires_grad_(False)
    generator, encoder = model.generator, model.encoder
    with torch.no_grad():
        encoder.posterior.weight.mul_(30)  # notes that lie far apart and off centre, as after training
        encoder.posterior.bias[:16] = 0.5
    indices = data.training()
    weights = torch.nn.functional.one_hot(torch.from_numpy(data.notes["instrument"][indices].astype(int)), 2).float()
    summary, pitch = (
        encoder.summarize(data.specgram(indices)[:, 0, ::2]),
        torch.from_numpy(data.notes["pitch"][indices]),
    )

    def found():
        mean, log_spread = encoder.locate(summary, weights, pitch)
        return mean, log_spread, generator.place(mean, weights, pitch)

    before = found()
    fit_prior(generator, encoder, data)
    after = found()
    assert torch.allclose(before[2], after[2], atol=1e-3)
    reeds = weights[:, 0] > 0
    assert after[0][reeds].mean(dim=0).abs().max() < 0.05 < before[0][reeds].mean(dim=0).abs().max()
    assert after[0].square().mean() < before[0].square().mean()
    fit_prior(generator, encoder, data)
    assert torch.equal(after[0], found()[0])  # a second fit changes nothing
