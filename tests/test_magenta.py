"""Magenta's models, against what Magenta's own TensorFlow code made of the same numbers (random weights, small widths).

tests/data/magenta: two checkpoints as its Saver wrote them, one grown and one fading in, with latents, pictures (every
8th frame and 4th bin, or every 2nd of each), waves and discriminator outputs; and two sounds with their mel specgrams.
"""

import dataclasses
import json
import re
import shutil
import zipfile
from pathlib import Path

import numpy as np
import pytest
import torch
from fastapi import FastAPI
from sine_voice import sine_card, sine_synth
from starlette.testclient import TestClient

from gansynth_core import InputError, ModelError, Synth, generate, load_card, magenta_import, pcm16, sample
from gansynth_core.__main__ import main
from gansynth_core.cards import save_model
from gansynth_core.generators import build_generator
from gansynth_core.generators.magenta import MagentaGenerator
from gansynth_core.magenta_import import import_magenta
from gansynth_core.specgram import MelSpecgramSpec
from gansynth_core.tensor_bundle import TensorBundle, crc32c
from gansynth_core.training.magenta.discriminator import MagentaDiscriminator
from webapp.actions import generate_action
from webapp.layout import build_page
from webapp.player import Player
from webapp.routes import PREFIX, Studio, studio_routes

DATA = Path(__file__).parent / "data" / "magenta"
SPEC = MelSpecgramSpec(16000, 64000, 2048, 512, 3072, ((0.0712, 0.1625, 0.775, 0.0375),))


def snr_db(expected: np.ndarray, got: torch.Tensor) -> float:
    """The worst of the batch."""
    error = np.square(expected - got.numpy().astype(np.float64)).sum(-1)
    return float((10 * np.log10(np.square(expected.astype(np.float64)).sum(-1) / error)).min())


def pictures(specgrams: torch.Tensor, frames: int, bins: int) -> np.ndarray:
    """As the vectors keep them: [batch, frames, bins, 2], every so many."""
    return specgrams.permute(0, 2, 3, 1)[:, ::frames, ::bins].detach().numpy()


@pytest.fixture(scope="module")
def models(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("models")
    import_magenta(DATA / "official_small.zip", folder, "small")
    import_magenta(DATA / "official_tiny_stage9.zip", folder, "tiny")
    return folder


@pytest.fixture
def checkpoint(tmp_path) -> Path:
    """A folder with the fading checkpoint, to be damaged."""
    with zipfile.ZipFile(DATA / "official_tiny_stage9.zip") as archive:
        archive.extractall(tmp_path)
    return tmp_path / "official_tiny_stage9"


def network(folder: Path) -> MagentaGenerator:
    return Synth.load(str(folder), device="cpu")._generator


def inputs(vectors) -> tuple[torch.Tensor, torch.Tensor]:
    return torch.from_numpy(vectors["z"]), torch.from_numpy(vectors["pitch"]).float()


# --- the same numbers -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("plain", [False, True], ids=["inference", "training"])
def test_latents_become_the_original_pictures_and_waves(models, plain):
    vectors = np.load(DATA / "official_small_io.npz")
    generator = network(models / "small")
    z, pitch = (both[:2] for both in inputs(vectors))
    for progress, name in ((6.0, ""), (4.5, "_p45")):
        generator.progress = progress
        with torch.set_grad_enabled(plain):
            specgrams = generator(z, pitch)
        error = np.abs(pictures(specgrams, 8, 4) - vectors[f"g_raw{name}_sub"][:2])
        assert error.mean() < 1e-5 and error.max() < 3e-4
        assert snr_db(vectors[f"wave{name}_sub"][:2], SPEC.decode(specgrams)[:, ::16]) > 60
    generator.progress = 0.0
    with torch.set_grad_enabled(plain):
        first = generator(z, pitch)
    assert np.abs(pictures(first, 64, 64) - vectors["g_raw_p0_native"][:2]).mean() < 1e-5


def test_a_checkpoint_that_is_fading_in_is_taken_as_it_is(models):
    vectors = np.load(DATA / "official_tiny_stage9_io.npz")
    synth = Synth.load(str(models / "tiny"), device="cpu")
    assert synth.card.generator["progress"] == 4.5 and synth.card.generator["num_blocks"] == 6
    z, pitch = inputs(vectors)
    with torch.inference_mode():
        specgram = synth._generator(z[:1], pitch[:1])
    assert np.abs(pictures(specgram, 2, 2) - vectors["g_raw_stride2"]).mean() < 1e-5
    assert snr_db(vectors["wave"], synth.card.specgram.decode(specgram)) > 60


def test_a_mel_specgram_becomes_the_original_wave():
    vectors = np.load(DATA / "official_tiny_stage9_io.npz")
    mel = torch.from_numpy(vectors["melspecgram_stride2"]).permute(0, 3, 1, 2)
    mel = mel.repeat_interleave(2, dim=2).repeat_interleave(2, dim=3)  # its pictures are in squares of 2 x 2
    assert snr_db(vectors["wave"], SPEC.decode(SPEC.normalize(mel))) > 80


def test_a_wave_becomes_the_original_mel_specgram():
    vectors = np.load(DATA / "specgram_io.npz")
    got = pictures(SPEC.denormalize(SPEC.encode(torch.from_numpy(vectors["waves"]))), 4, 2)
    # "unstable": where the original itself changes by more than this with the rounding of its FFT
    error = np.where(vectors["unstable"], 0, np.abs(got - vectors["melspecgrams"]))
    assert vectors["unstable"].mean() < 0.05 and error.max() < 1e-3


def variable(key: str) -> str:
    """TensorFlow's name of a discriminator's parameter."""
    *place, kind = key.split(".")
    if place == ["pitch_logits"]:
        path = "discriminator_cond/classification_logits"
    elif place == ["logits"]:
        path = "progressive_gan_discriminator/progressive_gan_block_1/logits"
    else:
        path = f"progressive_gan_discriminator/progressive_gan_block_{int(place[1]) + 1}/{place[2]}"
    layer = "dense" if place[-1].endswith("logits") else "conv2d"
    return f"Discriminator/{path}/" + (f"{layer}/kernel" if kind == "weight" else "bias")


def test_the_discriminator_judges_as_the_original(models, tmp_path):
    vectors = np.load(DATA / "official_small_io.npz")
    with zipfile.ZipFile(DATA / "official_small.zip") as archive:
        archive.extractall(tmp_path)
    prefix = str(next(tmp_path.glob("*/stage_00012/*.index"))).removesuffix(".index")
    index = Path(f"{prefix}.index").read_bytes()
    bundle = TensorBundle(index, lambda ending, at, size: Path(prefix + ending).read_bytes()[at : at + size])
    generator = network(models / "small")
    options = {name: load_card(models / "small").generator[name] for name in ("fmap_base", "fmap_max")}
    discriminator = MagentaDiscriminator(SPEC, **options)
    weights = {}
    for key, parameter in discriminator.state_dict().items():
        name = variable(key)
        array = torch.tensor(bundle.tensor(name, bundle.entries[name].shape))
        if "dense" in name:
            array = array[None, None]
        weights[key] = array.permute(3, 2, 0, 1) if parameter.ndim == 4 else array
    discriminator.load_state_dict(weights)
    for progress, name in ((4.5, "_p45"), (6.0, "")):
        generator.progress = discriminator.progress = progress
        with torch.inference_mode():
            mel = SPEC.denormalize(generator(*inputs(vectors)))
            realness, pitch_logits = discriminator(mel)
        assert np.abs(realness.numpy() - vectors[f"d_logits{name}"][:, 0]).mean() < 1e-6
        assert np.abs(pitch_logits.numpy() - vectors[f"d_class_logits{name}"]).mean() < 1e-6
    with torch.inference_mode():
        alone, _ = discriminator(mel[:1])  # without its batch it says something else: the batch is part of it
        clipped, _ = discriminator(1.7 * mel)
    assert np.abs(alone.numpy() - vectors["d_logits_batch1"][:1, 0]).mean() < 1e-6
    assert np.abs(clipped.numpy() - vectors["d_logits_scaled1p7"][:, 0]).mean() < 1e-6


def test_the_short_way_follows_the_weights(models):
    """What inference keeps for itself must not outlive the weights it was made of."""
    z, pitch = torch.randn(1, 256), torch.tensor([60.0])
    generator = network(models / "small")
    with torch.inference_mode():
        before = generator(z, pitch)
        generator.load_state_dict({name: value * 0.5 for name, value in generator.state_dict().items()})
        after = generator(z, pitch)
    assert (before - after).abs().max() > 0.01
    assert (after - generator(z, pitch).detach()).abs().max() < 1e-3
    assert torch.is_grad_enabled()


# --- playing ----------------------------------------------------------------------------------------------------------


def test_an_imported_model_plays_like_any_other(models, monkeypatch):
    monkeypatch.setenv("GANSYNTH_MODELS", str(models))
    synth = Synth.load("small", device="cpu")
    assert synth.griffin_lim_steps == 0 and synth.card.instruments == ()
    vectors = np.load(DATA / "official_small_io.npz")
    z, pitch = vectors["z"][0], int(vectors["pitch"][0])
    clips = generate(pitch, z=z, model="small")
    assert clips.audio.shape == (1, 64000) and clips.sample_rate == 16000
    body, original = clips.audio[0, 160:60000:16], vectors["wave_sub"][0, 10:3750]  # without the fades at both ends
    scale = body @ original / (original @ original)
    assert np.square(original * scale).sum() / np.square(body - original * scale).sum() > 1e5
    timbre = sample(synth.card, 1, seed=3)[0]
    assert np.array_equal(synth.render(timbre, [60, 72]).audio, synth.render(timbre, [60, 72]).audio)
    assert np.array_equal(generate([60, 72], seed=3, model="small").audio, synth.render(timbre, [60, 72]).audio)


def test_the_app_plays_a_model_without_instruments_and_sliders(models, tmp_path):
    synth = Synth.load(str(models / "small"), device="cpu")
    player = Player.of(synth)
    client = TestClient(FastAPI(routes=studio_routes(Studio(player))))
    described = client.get(f"{PREFIX}/model").json()
    assert (described["families"], described["directions"], described["rate"]) == ([], [], 16000)
    sound = json.dumps({"instruments": {}, "seed": 3})
    place = f"{PREFIX}/{described['digest']}"
    answer = client.get(f"{place}/notes", params={"sound": sound, "low": 60, "high": 60})
    played = synth.render(sample(synth.card, seed=3), [60]).audio
    assert answer.status_code == 200 and np.array_equal(np.frombuffer(answer.content, "<i2"), pcm16(played)[0])
    picture = {"sound": sound, "pitch": 60, "width": 300, "height": 240, "theme": "dark"}
    assert client.get(f"{place}/picture", params=picture).content.startswith(b"\x89PNG")
    written = set()
    assert generate_action(player, tmp_path, written)(seed=3).orig_name == "sound_C4_060_seed3.wav"
    assert generate_action(Player.of(sine_synth()), tmp_path, written)().orig_name == "violin_C4_060_seed0.wav"
    assert build_page(player)


def test_keys_it_never_learned_are_refused_in_words(models):
    synth = Synth.load(str(models / "small"), device="cpu")
    timbre = sample(synth.card, 1, seed=0)[0]
    with pytest.raises(InputError, match=r"60\.5 lies between two keys"):
        synth.render(timbre, [60, 60.5])
    with pytest.raises(InputError, match=r"24-84"):
        synth.render(timbre, [85])
    with pytest.raises(InputError, match=r"24-84"):
        synth._generator(torch.zeros(1, 256), torch.tensor([23.0]))
    with pytest.raises(InputError, match="no instruments"):
        sample(synth.card, 1, seed=0, instrument="violin")


def test_a_card_says_which_specgram_it_carries_and_old_ones_need_not(models, tmp_path):
    card = load_card(models / "small")
    assert card.specgram == SPEC and (SPEC.frames, SPEC.bins, SPEC.seconds) == (128, 1024, 4.0)
    rows = tuple((0.07 + n / 9000, 0.1, 0.8, n / 3000) for n in range(1024))  # a normalizer for each bin
    wide = dataclasses.replace(card, specgram=dataclasses.replace(SPEC, normalizer=rows))
    save_model(tmp_path / "wide", wide, {})
    assert load_card(tmp_path / "wide").specgram.normalizer == rows
    assert len((tmp_path / "wide" / "card.json").read_text().splitlines()) < 1200
    save_model(tmp_path / "sines", sine_card(), {})
    assert "kind" not in json.loads((tmp_path / "sines" / "card.json").read_text())["specgram"]
    assert load_card(tmp_path / "sines") == dataclasses.replace(
        sine_card(), sha256=load_card(tmp_path / "sines").sha256
    )


@pytest.mark.parametrize("change", [{"kind": "bark"}, {"normalizer": [[1, 0, 0, 0]]}, {"normalizer": 5}, {"hop": 500}])
def test_a_card_with_an_impossible_specgram_is_refused(models, tmp_path, change):
    folder = shutil.copytree(models / "tiny", tmp_path / "tiny")
    document = json.loads((folder / "card.json").read_text())
    document["specgram"] |= change
    (folder / "card.json").write_text(json.dumps(document))
    with pytest.raises(ModelError):
        load_card(folder)


@pytest.mark.parametrize("change", [{"num_blocks": 8}, {"progress": 6.5}, {"num_resolutions": 9}])
def test_an_impossible_network_is_refused(change):
    options = {"fmap_base": 256, "fmap_max": 4} | change
    with pytest.raises(ModelError):
        build_generator("magenta", SPEC, options.pop("instruments", 0), 256, options)


# --- the import -------------------------------------------------------------------------------------------------------


def test_a_folder_and_a_zip_give_the_same_model(models, checkpoint, tmp_path, capsys):
    assert (
        main(["import-magenta", str(checkpoint), "--name", "same", "--no-named-sounds", "--out", str(tmp_path / "own")])
        == 0
    )
    assert "36 generator, not averaged" in capsys.readouterr().out
    weights = [(folder / "weights.safetensors").read_bytes() for folder in (models / "tiny", tmp_path / "own" / "same")]
    assert weights[0] == weights[1]
    assert sorted(path.name for path in (tmp_path / "own").iterdir()) == ["same"]


def test_the_folder_above_the_checkpoint_will_do(checkpoint, tmp_path):
    assert import_magenta(checkpoint.parent, tmp_path / "own", "tiny").family == "magenta"


def test_a_path_of_the_machine_it_was_trained_on_is_no_trap(checkpoint, tmp_path):
    for path in ("/cns/gone/away/model.ckpt-7600000", "C:\\\\runs\\\\model.ckpt-7600000"):
        (checkpoint / "stage_00009" / "checkpoint").write_text(f'model_checkpoint_path: "{path}"\n')
        assert import_magenta(checkpoint, tmp_path / "own", f"tiny{len(path)}").generator["progress"] == 4.5


@pytest.mark.parametrize("kind", ["simple", "freq"])
def test_normalizers_of_their_own_are_read_from_assets(kind, tmp_path):
    with zipfile.ZipFile(DATA / "official_small.zip") as archive:
        archive.extractall(tmp_path)
    checkpoint = tmp_path / "official_small"
    change_flags(checkpoint, data_normalizer=f"specgrams_{kind}_normalizer")
    card = import_magenta(checkpoint, tmp_path / "own", "small")
    expected = np.load(checkpoint / "assets" / f"specgrams_{kind}_normalizer.npz")["normalizer"]
    assert np.array_equal(np.array(load_card(tmp_path / "own" / "small").specgram.normalizer), np.atleast_2d(expected))
    mel = torch.randn(1, 2, 128, 1024)
    normalized = card.specgram.normalize(mel)
    a, b = np.broadcast_to(expected, (1024, 4))[:, [0, 2]].T, np.broadcast_to(expected, (1024, 4))[:, [1, 3]].T
    assert np.allclose(normalized[0].numpy(), mel[0].numpy() * a[:, None] + b[:, None], atol=1e-5)
    assert torch.allclose(card.specgram.denormalize(normalized), mel, atol=1e-3)
    (checkpoint / "assets" / f"specgrams_{kind}_normalizer.npz").write_bytes(b"PK\x03\x04 nothing")
    refused(checkpoint, tmp_path, "normalizer.npz' is damaged")


def change_flags(checkpoint: Path, **changes) -> None:
    path = checkpoint / "experiment.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def refused(source: Path, tmp_path: Path, words: str) -> None:
    """One sentence with these words, and nothing left behind."""
    with pytest.raises(ModelError, match=words) as refusal:
        import_magenta(source, tmp_path / "refused", "bad")
    assert "\n" not in str(refusal.value)
    assert not (tmp_path / "refused").exists() or list((tmp_path / "refused").iterdir()) == []


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"data_type": "linear"}, 'data_type = "linear"'),
        ({"sample_rate": 8000}, "sample_rate = 8000. Only 16000"),
        ({"num_resolutions": 5}, "num_resolutions"),
        ({"to_rgb_activation": "linear"}, "to_rgb_activation"),
        ({"latent_vector_size": 128}, "shape"),
        ({"fmap_max": 8}, "shape"),
        ({"fmap_base": 1 << 40}, "fmap_base"),
        ({"latent_vector_size": "big"}, "latent_vector_size"),
        ({"stable_stage_num_images": 0}, "stable_stage_num_images"),
        ({"data_normalizer": "magic"}, "normalizer"),
        ({"mag_normalizer_a": None}, "normalizer"),
        ({"mag_normalizer_a": 0}, "normalizer"),
        ({"data_normalizer": "specgrams_freq_normalizer"}, "lacks the file 'assets/specgrams_freq_normalizer.npz'"),
    ],
)
def test_a_checkpoint_of_another_network_is_refused(checkpoint, tmp_path, changes, words):
    change_flags(checkpoint, **changes)
    refused(checkpoint, tmp_path, words)


def cut(path: Path, size: int) -> None:
    path.write_bytes(path.read_bytes()[:size])


def flip(path: Path, at: int) -> None:
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


DAMAGES = {
    "no experiment.json": (lambda c, d, i: (c / "experiment.json").unlink(), "no experiment.json"),
    "experiment.json cut": (lambda c, d, i: cut(c / "experiment.json", 200), "not readable JSON"),
    "experiment.json a list": (lambda c, d, i: (c / "experiment.json").write_text("[]"), "settings by name"),
    "no stage": (lambda c, d, i: (c / "stage_00009").rename(c / "stage"), "no stage_"),
    "no checkpoint file": (lambda c, d, i: (c / "stage_00009" / "checkpoint").unlink(), "lacks the file"),
    "empty checkpoint file": (lambda c, d, i: cut(c / "stage_00009" / "checkpoint", 0), "names no checkpoint"),
    "no index": (lambda c, d, i: i.unlink(), "lacks the file"),
    "index cut": (lambda c, d, i: cut(i, 5000), "index is damaged"),
    "index empty": (lambda c, d, i: cut(i, 0), "index is damaged"),
    "index flipped": (lambda c, d, i: flip(i, 777), "index is damaged"),
    "no shard": (lambda c, d, i: d.unlink(), "lacks the file"),
    "shard cut": (lambda c, d, i: cut(d, 300_000), "cut short"),
    "shard empty": (lambda c, d, i: cut(d, 0), "cut short"),
}


@pytest.mark.parametrize("damage", DAMAGES)
def test_a_damaged_checkpoint_is_refused_in_a_sentence(checkpoint, tmp_path, damage):
    stage = checkpoint / "stage_00009"
    act, words = DAMAGES[damage]
    act(checkpoint, stage / "model.ckpt-7600000.data-00000-of-00001", stage / "model.ckpt-7600000.index")
    refused(checkpoint, tmp_path, words)


def test_one_wrong_bit_in_a_weight_is_found(checkpoint, tmp_path):
    stage = checkpoint / "stage_00009"
    index = TensorBundle((stage / "model.ckpt-7600000.index").read_bytes(), lambda *_: b"")
    name = "Generator/progressive_gan_generator/progressive_gan_block_1/conv0/conv2d/kernel/ExponentialMovingAverage"
    flip(stage / "model.ckpt-7600000.data-00000-of-00001", index.entries[name].offset + 1234)
    refused(checkpoint, tmp_path, "block_1/conv0/conv2d/kernel/ExponentialMovingAverage' are damaged")


@pytest.mark.parametrize("name", ["Generator/else", "Variable_1", "Discriminator/progressive_gan_discriminator/x/bias"])
def test_a_variable_that_nobody_knows_is_refused(checkpoint, tmp_path, name, monkeypatch):
    real = TensorBundle.__init__

    def with_another(self, *arguments):
        real(self, *arguments)
        self.entries[name] = self.entries["global_step"]

    monkeypatch.setattr(TensorBundle, "__init__", with_another)
    refused(checkpoint, tmp_path, re.escape(f"'{name}'"))


def test_a_missing_or_surplus_variable_is_refused(checkpoint, tmp_path):
    (checkpoint / "stage_00009").rename(checkpoint / "stage_00011")  # says seven blocks, and has six
    refused(checkpoint, tmp_path, "lacks the variable '.*block_7")
    (checkpoint / "stage_00011").rename(checkpoint / "stage_00007")  # says five
    change_flags(checkpoint, stable_stage_num_images=900_000)
    refused(checkpoint, tmp_path, "block_6.* does not have")


def packed(path: Path, files: dict[str, bytes]) -> Path:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files.items():
            archive.writestr(name, data)
    return path


@pytest.mark.parametrize("name", ["../../evil", "/etc/evil", "a/../../evil", "..\\evil", "C:\\evil"])
def test_a_zip_with_paths_that_climb_out_is_refused(tmp_path, name):
    refused(packed(tmp_path / "a.zip", {"experiment.json": b"{}", name: b"x"}), tmp_path, "leads outside it")


def test_a_zip_bomb_is_refused_unopened(tmp_path, monkeypatch):
    bomb = packed(tmp_path / "a.zip", {"m/experiment.json": b"{}", "m/stage_00012/m.data": bytes(33 << 20)})
    refused(bomb, tmp_path, "unpacks to more")
    monkeypatch.setattr(magenta_import, "FILES_LIMIT", 1)
    refused(bomb, tmp_path, "holds 2 files")


def test_what_is_no_checkpoint_at_all_is_refused(tmp_path):
    refused(tmp_path / "nowhere", tmp_path, "There is no folder or zip")
    (tmp_path / "a.zip").write_bytes(b"PK\x03\x04 but no more")
    refused(tmp_path / "a.zip", tmp_path, "neither a folder nor a readable zip")
    refused(packed(tmp_path / "b.zip", {"readme": b""}), tmp_path, "no experiment.json")
    two = packed(tmp_path / "c.zip", {"a/experiment.json": b"{}", "b/experiment.json": b"{}"})
    refused(two, tmp_path, "several checkpoints")
    broken = bytearray((DATA / "official_tiny_stage9.zip").read_bytes())
    broken[len(broken) // 2] ^= 255  # in the middle of the packed data
    (tmp_path / "d.zip").write_bytes(broken)
    refused(tmp_path / "d.zip", tmp_path, "damaged")


def test_a_model_is_never_overwritten_and_its_name_stays_in_the_folder(models, tmp_path):
    before = (models / "small" / "card.json").read_bytes()
    for name in ("small", "../out", "", "a/b", ".hidden"):
        with pytest.raises(InputError):
            import_magenta(DATA / "official_tiny_stage9.zip", models, name)
    assert (models / "small" / "card.json").read_bytes() == before


# --- the reader of bundles --------------------------------------------------------------------------------------------


def test_checksums_are_castagnolis():
    assert crc32c(b"123456789") == 0xE3069283  # RFC 3720, B.4, and its 32 zeros
    assert crc32c(bytes(32)) == 0x8A9136AA
    long = bytes(range(256)) * 21  # long enough to be computed in pieces
    state = 0xFFFFFFFF
    for byte in long + b"tail":
        state ^= byte
        for _ in range(8):
            state = state >> 1 ^ (0x82F63B78 if state & 1 else 0)
    assert crc32c(long + b"tail") == state ^ 0xFFFFFFFF


def test_snappy_blocks_are_unpacked():
    from gansynth_core.tensor_bundle import _unsnap

    # "abcd", then 8 from 4 back (one-byte form), then 5 from 12 back (two-byte form), then a long run
    packed_text = bytes([4 + 8 + 5 + 64, 3 << 2]) + b"abcd" + bytes([(8 - 4) << 2 | 1, 4])
    packed_text += bytes([4 << 2 | 2, 12, 0]) + bytes([60 << 2, 63]) + b"x" * 64
    assert _unsnap(packed_text) == b"abcd" * 3 + b"abcda" + b"x" * 64
    for damaged in (packed_text[:-1], bytes([9, 1, 7]), bytes([200, 3 << 2]) + b"abcd"):
        with pytest.raises((ValueError, IndexError)):
            _unsnap(damaged)
