"""Training of Magenta's family, on tones and a specgram of 32 x 64 places."""

import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sine_voice import SPEC as STUDIO_SPEC
from torch.nn import functional

from gansynth_core import Clip, DataError, GanSynthError, InputError, Synth, load_card, morph, sample
from gansynth_core.generators.magenta import progress_after
from gansynth_core.specgram import MelSpecgramSpec
from gansynth_core.training import loop, wgan
from gansynth_core.training.config import MAGENTA_SPEC, MagentaConfig
from gansynth_core.training.data.dataset import dequantize, quantize, stored_type
from gansynth_core.training.data.prepare import prepare
from gansynth_core.training.data.source import SourceNote
from gansynth_core.training.magenta.discriminator import spread
from gansynth_core.training.magenta.gan import MagentaGan, last_stage, stage_after
from gansynth_core.training.parallel import Processes
from gansynth_core.training.recipes import RECIPES

ROOT = Path(__file__).parent.parent
SPEC = MelSpecgramSpec(8000, 1984, 128, 64, 128, ((0.07, 0.11, 0.8, 0.0),))
CONFIG = MagentaConfig(
    model="mag", latent_size=8, fmap_base=64, fmap_max=8, num_resolutions=4, batch=4, group=2, notes=48,
    stable_notes=8, fade_notes=8, snapshot_notes=1000,
)  # fmt: skip
TOLD = CONFIG.replace(instrument_weight=10.0)


class Tones:
    """Decaying tones at whole keys, every second key twice."""

    name, licence, variation_names = "tones", "CC0", ()

    def __init__(self, fraction=0.0):
        self.fraction = fraction

    def plan(self):
        return [
            SourceNote(name, pitch + self.fraction, 100)
            for pitch in range(60, 66)
            for name in ("reed", "string", "bell")[: 1 + 2 * (pitch % 2)]
        ]

    def read(self, index):
        note = self.plan()[index]
        seconds = np.arange(1984) / 8000
        hz = 440 * 2 ** ((note.pitch - 69) / 12)
        wave = np.sin(2 * np.pi * hz * seconds) * np.exp(-8 * seconds)
        return Clip(self.coloured(wave, note.instrument).astype(np.float32), 8000)

    def coloured(self, wave, instrument):
        return wave


class Colours(Tones):
    """The same, with instruments that sound unlike."""

    def coloured(self, wave, instrument):
        return {"reed": wave, "string": np.tanh(20 * wave), "bell": wave[::-1]}[instrument]


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return prepare([Tones()], tmp_path_factory.mktemp("data") / "tones", SPEC, workers=1)


@pytest.fixture(scope="module")
def colours(tmp_path_factory):
    return prepare([Colours()], tmp_path_factory.mktemp("data") / "colours", SPEC, workers=1)


@pytest.fixture
def gan(data):
    return MagentaGan(CONFIG, data, Processes())


def weights_of(run):
    return torch.load(run / "state.pt", weights_only=True)


def same(first, second) -> bool:
    if isinstance(first, dict):
        return first.keys() == second.keys() and all(same(first[key], second[key]) for key in first)
    if isinstance(first, list):
        return len(first) == len(second) and all(map(same, first, second))
    return torch.equal(first, second) if isinstance(first, torch.Tensor) else first == second


# --- the schedule -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("images", "blocks", "progress"),
    [
        (0, 1, 0.0), (799_999, 1, 0.0), (5_000_000, 1, 0.0), (800_000, 2, 0.0), (1_200_000, 2, 0.5),
        (1_600_000, 2, 1.0), (2_400_000, 3, 1.0), (7_600_000, 6, 4.5), (11_000_000, 7, 6.0),
    ],
)  # fmt: skip
def test_progress_is_the_originals(images, blocks, progress):
    assert progress_after(images, blocks, 800_000, 800_000) == progress


def test_thirteen_stages_of_the_papers_schedule():
    config = RECIPES["magenta"]
    ends = [int(800_000 * (stage // 2 + 1) + 800_000 * ((stage + 1) // 2)) for stage in range(12)]
    assert [stage_after(end - 1, config) for end in ends] == list(range(12))
    assert [stage_after(end, config) for end in ends] == list(range(1, 13))
    assert stage_after(11_000_000, config) == last_stage(config) == 12 and config.notes == 11_000_000


def test_a_stage_keeps_what_was_learned_and_begins_with_new_optimizers(gan, data):
    notes = data.training()[:4]
    gan.step(gan.load(0, notes), 0)
    gan.step(gan.load(1, notes), 4)
    before = {name: value.clone() for name, value in gan.generator.state_dict().items()}
    steps = {float(kept["step"]) for kept in gan.optimizers[1].state_dict()["state"].values()}
    assert steps == {2.0} and len(gan.generator.blocks) == 1
    gan._enter(1)
    assert len(gan.generator.blocks) == len(gan.discriminator.blocks) == len(gan.average.blocks) == 2
    for name, value in before.items():
        assert torch.equal(gan.generator.state_dict()[name], value), name
    assert all(optimizer.state_dict()["state"] == {} for optimizer in gan.optimizers)
    gan.step(gan.load(2, notes), 8)  # the first step of a fade: what comes in is not seen yet
    assert gan.stage == 1 and gan.generator.progress == 0.0
    gan.step(gan.load(3, notes), 12)
    assert gan.generator.progress == gan.discriminator.progress == 0.5


def test_real_pictures_are_as_fine_as_generated_ones(gan):
    gan._enter(3)
    specgram = torch.rand(2, 2, 32, 64)
    gan.generator.progress = 1.25
    half = functional.avg_pool2d(specgram, 2)
    expected = 0.25 * half + 0.75 * functional.interpolate(functional.avg_pool2d(half, 2), scale_factor=2)
    assert torch.allclose(gan.blend(specgram), expected, atol=1e-6)


def test_small_pictures_give_the_numbers_of_whole_ones(gan):
    """Scores and penalty as the original computes them: on the whole specgram, in units that are not normalised."""
    gan._enter(3)
    gan.generator.progress = gan.discriminator.progress = 1.5
    z, pitch = torch.randn(4, 8), torch.tensor([60.0, 61, 62, 63])
    with torch.no_grad():
        small, whole = gan.generator.picture(z, pitch), SPEC.denormalize(gan.generator(z, pitch))
    real = torch.rand(4, 2, 16, 32) - 0.5
    whole_real = SPEC.denormalize(functional.interpolate(real, (32, 64)))
    for mine, original in zip(gan.discriminator.judge(small), gan.discriminator(whole), strict=True):
        assert torch.allclose(mine, original, atol=1e-4)
    mix = torch.rand(4)
    original = wgan.gradient_penalty(lambda x: gan.discriminator(x)[0], whole_real, whole, mix)
    mine = wgan.gradient_penalty(lambda x: gan.discriminator.judge(x)[0], real, small, mix, gan.units())
    assert mine.item() == pytest.approx(original.item(), rel=1e-4)


# --- losses -------------------------------------------------------------------------------------------------------


def test_the_penalty_of_a_linear_critic_is_known():
    """Its slope is its weights, wherever one looks."""
    weights = torch.tensor([[3.0, 0.0], [0.0, 4.0]])
    real, fake, mix = torch.randn(5, 2, 2), torch.randn(5, 2, 2), torch.rand(5)
    critic = lambda x: (x * weights).sum(dim=(1, 2))  # noqa: E731
    assert wgan.gradient_penalty(critic, real, fake, mix).item() == pytest.approx((5 - 1) ** 2)
    assert wgan.gradient_penalty(critic, real, fake, mix, target=2.5).item() == pytest.approx((5 / 2.5 - 1) ** 2)
    units = torch.tensor([2.0, 0.0])[:, None]
    assert wgan.gradient_penalty(critic, real, fake, mix, units).item() == pytest.approx((2 * 3 - 1) ** 2)


def test_the_penalty_looks_between_real_and_fake():
    """The slope of |x|^2 / 2 is x."""
    real, fake = torch.full((2, 3), 1.0), torch.full((2, 3), 5.0)
    expected = ((1 + 4 * torch.tensor([0.0, 0.75])) * 3**0.5 - 1).square().mean()
    penalty = wgan.gradient_penalty(lambda x: x.square().sum(dim=1) / 2, real, fake, torch.tensor([0.0, 0.75]))
    assert penalty.item() == pytest.approx(expected.item())
    flat = wgan.gradient_penalty(lambda x: 0 * x.sum(dim=1), real, fake, torch.rand(2))
    assert flat.item() == 1.0  # and no NaN


def test_the_critic_wants_real_scores_high_and_the_generator_its_own():
    real, fake = torch.tensor([2.0, 4.0]), torch.tensor([1.0, 0.0])
    assert wgan.critic_loss(real, fake).item() == -2.5 and wgan.generator_loss(fake).item() == -0.5


def test_each_step_lowers_its_own_loss(gan, data):
    """Trained again and again on one batch, against a partner that stands still: the discriminator tells real from made
    and names the pitch; the generator raises its score and is named right."""
    gan.optimizers = [
        torch.optim.Adam(network.parameters(), lr=3e-3, betas=(0.0, 0.99))
        for network in (gan.generator, gan.discriminator)
    ]
    stored, pitch, latents, labels, mix = gan.load(0, data.training()[[0, 4, 5, 9]])
    real = gan.blend(dequantize(stored))
    still = [p.clone() for p in gan.generator.parameters()]
    judged = [gan._discriminator_step(real, pitch, latents[1], labels[1], mix) for _ in range(80)]
    assert all(map(torch.equal, still, gan.generator.parameters()))
    assert judged[-1]["discriminator"] < 0.5 * judged[0]["discriminator"]
    assert judged[-1]["real_pitch"] < 0.5 * judged[0]["real_pitch"]
    still = [p.clone() for p in gan.discriminator.parameters()]
    made = [gan._generator_step(latents[0], labels[0]) for _ in range(60)]
    assert all(map(torch.equal, still, gan.discriminator.parameters()))
    assert made[-1]["generator"] < made[0]["generator"] - 1
    assert all(p.requires_grad for p in gan.discriminator.parameters())


def test_the_average_keeps_its_share_of_every_step(gan, data):
    name = "blocks.0.conv1.weight"
    before = gan.average.state_dict()[name].clone()
    gan.step(gan.load(0, data.training()[:4]), 0)
    expected = 0.999 * before + 0.001 * gan.generator.state_dict()[name]
    assert torch.allclose(gan.average.state_dict()[name], expected, atol=1e-7)
    assert not torch.equal(before, gan.average.state_dict()[name])


def test_labels_are_drawn_as_often_as_the_set_has_them(gan, data):
    notes = data.training()
    drawn = torch.cat([gan.load(step, np.resize(notes, 200))[3].flatten() for step in range(10)])
    of_the_set = np.bincount(data.notes["pitch"][notes].astype(int), minlength=66) / len(notes)
    shares = torch.bincount(drawn, minlength=66) / len(drawn)
    assert np.abs(shares.numpy() - of_the_set).max() < 0.03 and of_the_set[61] > 2 * of_the_set[62] > 0


def test_only_instruments_that_a_key_has_are_drawn_with_it(data):
    gan, notes = MagentaGan(TOLD, data, Processes()), data.training()
    pitch, weights = gan._told(torch.cat([gan.load(step, np.resize(notes, 200))[3].flatten() for step in range(5)]))
    drawn = set(zip(pitch.int().tolist(), weights.argmax(dim=1).tolist(), strict=True))
    assert drawn == set(zip(data.notes["pitch"][notes].astype(int), data.notes["instrument"][notes], strict=True))
    assert len(drawn) < 18 and weights.shape[1] == 3 and (weights.sum(dim=1) == 1).all()


def test_what_is_told_of_instruments_is_heard(colours):
    """The discriminator learns to tell them, the generator to be told apart by it: of one latent and key, each
    instrument is mostly named right, and half of one and half of another lies between them."""
    gan = MagentaGan(TOLD.replace(learning_rate=1e-2), colours, Processes())
    notes = colours.training()
    for step in range(200):
        stored, label, latents, labels, mix = gan.load(step, notes[np.arange(8 * step, 8 * step + 8) % len(notes)])
        gan._discriminator_step(gan.blend(dequantize(stored)), label, latents[1], labels[1], mix)
        gan._generator_step(latents[0], labels[0])
    z = torch.randn(100, 8, generator=torch.Generator().manual_seed(0)).repeat_interleave(3, dim=0)
    with torch.no_grad():
        pictures = gan.generator.picture(z, torch.full((300,), 63.0), torch.eye(3).repeat(100, 1))
        named = gan.discriminator.judge(pictures)[2].argmax(dim=1)
        half = gan.generator.picture(z[:1], torch.tensor([63.0]), torch.tensor([[0.5, 0.5, 0.0]]))
    # By chance a third; with other seeds 0.93 to 0.98.
    assert (named == torch.arange(3).repeat(100)).float().mean() > 0.6
    ends = pictures[:2]
    assert all(0.2 < (half[0] - end).norm() / (ends[0] - ends[1]).norm() < 1 for end in ends)


def test_notes_are_compared_within_their_group_only():
    x = torch.randn(4, 3, 2, 2)
    x[2:] = x[2]
    first, *_, last = spread(x, 2).flatten().tolist()
    assert last == pytest.approx(1e-3) and first == pytest.approx(spread(x[:2])[0].item())
    assert spread(x).shape == (4, 1, 1, 1) and len(set(spread(x).flatten().tolist())) == 1


# --- runs ---------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", [CONFIG, TOLD], ids=["pitches", "instruments"])
def test_two_steps_a_stop_and_two_steps_are_four_steps(data, tmp_path, config):
    loop.train(config, data, tmp_path / "whole", "cpu", steps=4)
    loop.train(config, data, tmp_path / "parts", "cpu", steps=2)  # the first stage's last step
    loop.train(config, data, tmp_path / "parts", "cpu", steps=2)
    whole, parts = weights_of(tmp_path / "whole"), weights_of(tmp_path / "parts")
    assert whole["step"] == parts["step"] == 4 and whole["stage"] == parts["stage"] == 1
    for name in ("generator", "discriminator", "average", "optimizers"):
        assert same(whole[name], parts[name]), name
    rows = [(tmp_path / run / "log.csv").read_text().splitlines()[-1].split(",") for run in ("whole", "parts")]
    assert rows[0][0] == rows[1][0] == "16"


def test_a_snapshot_plays_in_every_stage(data, tmp_path):
    config = CONFIG.replace(snapshot_notes=12)
    loop.train(config, data, tmp_path / "run", "cpu")
    names = sorted(folder.name for folder in (tmp_path / "run").glob("snapshot-*"))
    assert names == [f"snapshot-{notes:09d}" for notes in (12, 24, 36, 48)]
    for name, blocks, progress in zip(names, (2, 2, 3, 4), (0.5, 1.0, 2.0, 2.999), strict=True):
        synth = Synth.load(str(tmp_path / "run" / name), device="cpu")
        card = synth.card
        assert (card.generator["num_blocks"], card.family) == (blocks, "magenta")
        assert card.generator["progress"] == pytest.approx(progress, abs=0.01)
        assert (card.pitch_low, card.pitch_high, card.instruments) == (60, 65, ()) and card.specgram == SPEC
        audio = synth.render(sample(card, 1, 0)[0], [61, 65]).audio
        assert audio.shape == (2, 1984) and np.isfinite(audio).all() and np.abs(audio).max() > 1e-4
    assert "tones (licence: CC0)" in card.provenance and card.training["notes_seen"] == 48
    averaged = weights_of(tmp_path / "run")["average"]
    for name, value in synth._generator.state_dict().items():
        assert torch.allclose(value, averaged[name], atol=1e-3, rtol=1e-3), name
    folder = tmp_path / "run" / names[-1]
    assert (folder / "notes.png").exists() and len(list(folder.glob("*.wav"))) == 2 * len(list(folder.glob("real_*")))
    assert json.loads((tmp_path / "run" / "config.json").read_text())["family"] == "magenta"


def test_a_model_that_was_told_instruments_plays_and_morphs_them(data, tmp_path):
    loop.train(TOLD.replace(notes=16), data, tmp_path / "run", "cpu")
    synth = Synth.load(str(tmp_path / "run" / "snapshot-000000016"), device="cpu")
    assert synth.card.instruments == data.instruments == ("reed", "string", "bell")
    reed, bell = (sample(synth.card, 1, 7, name)[0] for name in ("reed", "bell"))
    one, other = (synth.render(timbre, [61]).audio for timbre in (reed, bell))
    assert reed.z == bell.z and np.abs(one - other).max() > 1e-3
    halfway = synth.render(morph(reed, bell, 0.5), [61]).audio
    assert min(np.abs(halfway - one).max(), np.abs(halfway - other).max()) > 1e-3
    folder = tmp_path / "run" / "snapshot-000000016"
    made, real = ({path.name.split("_", 1)[1] for path in folder.glob(f"{kind}_*")} for kind in ("model", "real"))
    assert made == real
    with pytest.raises(InputError, match="no instrument 'tuba'"):
        sample(synth.card, 1, 7, "tuba")


@pytest.mark.slow
def test_two_processes_are_one_with_their_batches_together(data, tmp_path):
    options = {name: getattr(CONFIG, name) for name in ("latent_size", "fmap_base", "fmap_max", "num_resolutions")}
    options |= {"batch": 4, "group": 2, "notes": 16, "stable_notes": 8, "fade_notes": 8, "snapshot_notes": 16}
    command = ["-m", "gansynth_core", "train", "--recipe", "magenta-tiny", "--device", "cpu", "--data", data.folder]
    command += ["--set", *(f"{name}={value}" for name, value in options.items())]
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    run = subprocess.run(
        [*map(str, launcher + command), "--out", str(tmp_path / "two")],
        cwd=ROOT, env=os.environ | {"OMP_NUM_THREADS": "1"}, capture_output=True, text=True,
    )  # fmt: skip
    assert run.returncode == 0, run.stderr
    assert run.stdout.splitlines() == [str(tmp_path / "two" / "snapshot-000000016")]  # the first process alone speaks
    loop.train(RECIPES["magenta-tiny"].replace(**options), data, tmp_path / "one", "cpu")
    logs = [np.genfromtxt(tmp_path / run / "log.csv", delimiter=",", names=True) for run in ("one", "two")]
    for name in logs[0].dtype.names:
        if name != "seconds":
            assert logs[1][name] == pytest.approx(logs[0][name], rel=1e-3, abs=1e-5), name
    one, two = weights_of(tmp_path / "one"), weights_of(tmp_path / "two")
    for name, value in one["generator"].items():
        assert torch.allclose(value, two["generator"][name], atol=1e-3), name
    assert load_card(tmp_path / "two" / "snapshot-000000016").training["processes"] == 2


def test_a_loss_that_is_no_number_stops_the_run_and_keeps_the_last_good_state(data, tmp_path, monkeypatch):
    loop.train(CONFIG, data, tmp_path / "run", "cpu", steps=2)
    good = (tmp_path / "run" / "state.pt").read_bytes()
    penalty = wgan.gradient_penalty
    monkeypatch.setattr(wgan, "gradient_penalty", lambda *a: penalty(*a) * float("nan"))
    with pytest.raises(GanSynthError, match="no longer a number"):
        loop.train(CONFIG, data, tmp_path / "run", "cpu")
    assert (tmp_path / "run" / "state.pt").read_bytes() == good


# --- what is refused ----------------------------------------------------------------------------------------------


def test_sets_that_cannot_be_learned_from_are_refused_before_the_first_step(data, tmp_path):
    studio = prepare([Tones()], tmp_path / "studio", STUDIO_SPEC, workers=1)
    between = prepare([Tones(0.25)], tmp_path / "between", SPEC, workers=1)
    rows = dataclasses.replace(SPEC, normalizer=SPEC.normalizer * SPEC.bins)
    for config, chosen, message in [
        (CONFIG, studio, r"family 'magenta' do not hear.*data --spec magenta"),
        (RECIPES["tiny"], data, r"family 'studio' do not hear.*data --spec studio"),
        (CONFIG, between, r"12 notes between two keys, such as 60.25"),
        (CONFIG, dataclasses.replace(data, spec=rows), "a normalizer for each bin"),
        (CONFIG.replace(batch=64), data, "less than one batch of 64"),
        (CONFIG.replace(num_resolutions=7, fmap_base=256), data, "cannot be grown by 7 doublings"),
    ]:
        with pytest.raises(GanSynthError, match=message) as refusal:
            loop.train(config, chosen, tmp_path / "run", "cpu")
        assert "\n" not in str(refusal.value) and not (tmp_path / "run").exists()


def test_a_run_goes_on_with_its_own_family_only(data, tmp_path):
    loop.train(CONFIG, data, tmp_path / "run", "cpu", steps=1)
    with pytest.raises(DataError, match="another size"):
        loop.train(CONFIG.replace(fmap_max=4), data, tmp_path / "run", "cpu")
    state = weights_of(tmp_path / "run")
    torch.save({"model": {}, "average": {}} | {key: state[key] for key in ("data", "seen", "step", "seconds")},
               tmp_path / "run" / "state.pt")  # fmt: skip
    with pytest.raises(DataError, match="another network"):
        loop.train(CONFIG, data, tmp_path / "run", "cpu")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"precision": "bf16"}, "Choose fp32"),
        ({"batch": 12, "group": 8}, "groups of 8"),
        ({"average_decay": 1.0}, "below 1"),
        ({"channels": 3}, "no training option 'channels'"),
        ({"fmap_base": 8}, "'fmap_base'"),
        ({"fade_notes": 0}, "at least 1"),
        ({"instrument_weight": -1.0}, "'instrument_weight' must be a number of at least 0"),
        ({"instrument_weight": float("nan")}, "'instrument_weight' must be a number of at least 0"),
    ],
)
def test_settings_that_make_no_sense_are_refused(change, message):
    with pytest.raises(InputError, match=message):
        RECIPES["magenta"].replace(**change)


def test_batches_that_cannot_be_shared_are_refused(data):
    with pytest.raises(InputError, match="cannot be shared by 3 processes"):
        MagentaGan(CONFIG, data, Processes(count=3))
    with pytest.raises(InputError, match="Change 'batch' or 'group'"):
        MagentaGan(CONFIG.replace(group=4), data, Processes(count=2))


# --- the sets -----------------------------------------------------------------------------------------------------


def test_mel_sets_are_stored_finely_enough_to_sound_the_same(data):
    assert data.stored(np.array([0])).dtype == stored_type(SPEC) == np.float16 and data.spec == SPEC
    seconds = np.arange(64000) / 16000
    wave = torch.tensor(0.5 * np.sin(2 * np.pi * 330 * seconds) * np.exp(-seconds), dtype=torch.float32)[None]
    specgram = MAGENTA_SPEC.encode(wave)
    plain, stored = (MAGENTA_SPEC.decode(x) for x in (specgram, dequantize(quantize(specgram, np.dtype(np.float16)))))
    assert 10 * torch.log10(plain.square().sum() / (plain - stored).square().sum()) > 40
    assert prepare([Tones()], data.folder, SPEC, workers=1).spec == SPEC  # known again, and not made anew


def test_mel_bins_say_where_a_tone_lies():
    """Within half a semitone, or a bin of the FFT."""
    seconds = np.arange(64000) / 16000
    for hz in (130.8, 440.0, 1046.5, 4186.0):
        wave = torch.tensor(0.5 * np.sin(2 * np.pi * hz * seconds), dtype=torch.float32)[None]
        loudest = MAGENTA_SPEC.bins_hz[int(MAGENTA_SPEC.encode(wave)[0, 0, 60].argmax())]
        assert abs(loudest - hz) < max(0.03 * hz, MAGENTA_SPEC.bin_hz)
