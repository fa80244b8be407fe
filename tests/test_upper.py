"""The upper half of a 48 kHz voice: the lower half stays what it is, the head learns what is above."""

import copy
import math

import numpy as np
import pytest
import torch

from gansynth_core import Clip, InputError, ModelError, Synth, load_card, sample
from gansynth_core.generators import build_generator
from gansynth_core.generators.encoder import load_encoder
from gansynth_core.generators.upper import lower_half, upper_half
from gansynth_core.training import loop
from gansynth_core.training.config import STUDIO_SPEC, STUDIO_WIDE_SPEC
from gansynth_core.training.data.prepare import prepare
from gansynth_core.training.data.source import SourceNote
from gansynth_core.training.parallel import Processes
from gansynth_core.training.recipes import RECIPES
from gansynth_core.training.studio.upper import Upper

WIDE = STUDIO_WIDE_SPEC
SIZE = {"channels": 16, "features": 16, "bands": 8, "functions": 8}
CONFIG = RECIPES["tiny-48k"].replace(notes=1000, snapshot_notes=1000)


def networks():
    """A studio generator, and one with the same weights and an upper half."""
    torch.manual_seed(0)
    narrow = build_generator("studio", STUDIO_SPEC, 2, 8, SIZE).eval().requires_grad_(False)
    wide = build_generator("studio", WIDE, 2, 8, SIZE | {"upper_bands": 3}).eval().requires_grad_(False)
    missing, unknown = wide.load_state_dict(narrow.state_dict(), strict=False)
    assert not unknown and {name.split(".")[0] for name in missing} == {"upper"}
    return narrow, wide


INPUTS = torch.linspace(-1, 1, 16).reshape(2, 8), torch.tensor([50.0, 71.5]), torch.eye(2)


def test_half_the_rate_has_the_same_specgrams():
    assert lower_half(WIDE) == STUDIO_SPEC
    seconds = torch.arange(WIDE.samples, dtype=torch.float64) / WIDE.sample_rate
    wave = sum(0.1 * torch.sin(2 * math.pi * hz * seconds) for hz in (220.0, 1234.5, 5000.0)).float()[None]
    wide, narrow = WIDE.encode(wave), STUDIO_SPEC.encode(wave[:, ::2])
    loud = narrow[:, 0] > -0.3
    assert wide.shape[3] == 2 * narrow.shape[3] and wide.shape[2] == narrow.shape[2]
    assert (wide[:, 0, :, : STUDIO_SPEC.bins] - narrow[:, 0])[loud].abs().max() < 0.02
    assert upper_half(wide[:, 0, 8:-8]).max() < -0.9  # the wave begins and ends at once, which is heard everywhere


def test_below_the_middle_a_wide_voice_is_the_narrow_one_to_the_bit():
    narrow, wide = networks()
    with torch.inference_mode():
        whole, lower = wide.stft(*INPUTS), narrow.stft(*INPUTS)
        alone = wide.stft(*(value[:1] for value in INPUTS))
    assert whole.shape == (2, WIDE.frames, WIDE.bins)
    assert torch.equal(whole[..., : STUDIO_SPEC.bins], 2 * lower)
    assert torch.equal(whole[:1], alone)


def test_a_note_at_48_khz_is_the_note_at_24_khz_and_more():
    narrow, wide = networks()
    with torch.inference_mode():
        high, low = WIDE.invert(wide.stft(*INPUTS)), STUDIO_SPEC.invert(narrow.stft(*INPUTS))
    assert high.shape == (2, WIDE.samples)
    spectrum = torch.fft.rfft(high)
    spectrum[:, low.shape[1] // 2 :] = 0  # nothing above 12 kHz is left
    halved = torch.fft.irfft(spectrum[:, : low.shape[1] // 2 + 1], n=low.shape[1]) / 2
    assert (halved - low).square().mean() < 1e-3 * low.square().mean()


def test_an_untrained_head_is_next_to_silent():
    _, wide = networks()
    with torch.inference_mode():
        whole = wide.stft(*INPUTS).abs()
    assert upper_half(whole).square().mean() < 1e-3 * whole.square().mean()


def test_partials_above_the_middle_are_in_tune_and_silence_is_silence():
    _, wide = networks()
    pitch = torch.tensor([96.0])  # 2093 Hz: harmonics 6 to 11 are above 12 kHz
    spectrum = wide.upper(torch.zeros(1, WIDE.frames, 16), pitch)
    place = torch.arange(WIDE.bins // 2 + 1, WIDE.bins + 1)
    f0 = 2093.0045 / WIDE.bin_hz
    distance = place - (place / f0).round() * f0
    spectrum.log_magnitude[:] = torch.where(distance.abs() < 2, 0.5 - 0.1 * distance**2, -1.0)
    spectrum.tonality[:] = 1.0
    upper = wide.upper.stft(spectrum, pitch)
    assert (upper.abs()[:, :, distance.abs() >= 2] == 0).all()
    wave = WIDE.invert(torch.cat([torch.zeros_like(upper), upper], dim=-1))[0]
    middle = wave[len(wave) // 4 : len(wave) // 2].double()
    levels = torch.fft.rfft(middle * torch.hann_window(len(middle), dtype=torch.float64)).abs()
    hz = torch.fft.rfftfreq(len(middle), 1 / WIDE.sample_rate)
    for harmonic in (6, 8, 10):
        near = (hz - harmonic * 2093.0045).abs() < 200
        found = hz[near][levels[near].argmax()]
        assert abs(float(found) / (harmonic * 2093.0045) - 1) < 1e-4


def test_a_rate_without_a_half_is_refused():
    odd = type(WIDE)(47999, 191996, 6144, 1536, 4608, 4612, -5.5, 7.3)
    with pytest.raises(ModelError, match="even"):
        lower_half(odd)


class Airy:
    """Tones of two instruments at 48 kHz, of which one has a band of noise at 14 kHz."""

    name, licence, variation_names = "airy", "CC0", ()

    def plan(self):
        return [SourceNote(name, pitch, 80) for name in ("air", "plain") for pitch in range(50, 60)]

    def read(self, index):
        note = self.plan()[index]
        seconds = np.arange(96000) / 48000
        hz = 440 * 2 ** ((note.pitch - 69) / 12)
        wave = sum(np.sin(2 * np.pi * hz * k * seconds) / k for k in range(1, 8))
        if note.instrument == "air":
            breath = np.random.default_rng(index).normal(size=len(wave))
            spectrum = np.fft.rfft(breath)
            spectrum[np.abs(np.fft.rfftfreq(len(wave), 1 / 48000) - 14000) > 1000] = 0
            wave = wave + 2 * np.fft.irfft(spectrum, len(wave))
        return Clip((0.1 * wave).astype(np.float32), 48000)


class Halved(Airy):
    """The same at 24 kHz."""

    def read(self, index):
        whole = super().read(index).samples
        spectrum = np.fft.rfft(whole)[: len(whole) // 4 + 1]
        return Clip((np.fft.irfft(spectrum, len(whole) // 2) / 2).astype(np.float32), 24000)


@pytest.fixture(scope="module")
def narrow(tmp_path_factory):
    data = prepare([Halved()], tmp_path_factory.mktemp("data") / "narrow", STUDIO_SPEC, workers=1)
    config = RECIPES["tiny"].replace(notes=16, snapshot_notes=16, latent_size=8, precision="fp32")
    return loop.train(config, data, tmp_path_factory.mktemp("narrow") / "run", "cpu")


@pytest.fixture(scope="module")
def wide_set(tmp_path_factory):
    return prepare([Airy()], tmp_path_factory.mktemp("data") / "wide", WIDE, workers=1)


def test_only_the_head_learns(narrow, wide_set):
    stage = Upper(CONFIG, wide_set, Processes())
    stage.begin(narrow)
    before = copy.deepcopy(stage.generator.state_dict())
    losses = [float(stage.step(stage.load(0, wide_set.training()[:8]), 100 + n)["loss"]) for n in range(12)]
    moved = {name for name, value in stage.generator.state_dict().items() if not torch.equal(value, before[name])}
    assert moved and all(name.startswith("upper.") for name in moved) and losses[-1] < 0.9 * losses[0]


@pytest.mark.slow
def test_a_wide_snapshot_plays_at_both_rates_and_goes_on(narrow, wide_set, tmp_path):
    config = CONFIG.replace(notes=32, snapshot_notes=32)
    folder = loop.train(config, wide_set, tmp_path / "run", "cpu", start_from=narrow)
    card = load_card(folder)
    assert card.specgram == WIDE and card.generator["upper_bands"] == 3 and card.latent_size == 8
    assert card.training["stage"] == "upper half" and card.training["started_from"]["notes_seen"] == 16
    synth = Synth.load(str(folder), device="cpu")
    clips = synth.render(sample(synth.card, 1, 0, "air")[0], [52])
    assert clips.sample_rate == 48000 and clips.audio.shape == (1, WIDE.samples) and np.isfinite(clips.audio).all()
    encoder = load_encoder(folder, card)
    heard = encoder.heard(wide_set.specgram(np.arange(2)))
    assert torch.equal(encoder.summarize(heard), load_encoder(narrow, load_card(narrow)).summarize(heard))
    again = Upper(config, wide_set, Processes())
    again.begin(folder)
    assert torch.equal(again.generator.upper.hidden.weight, synth.generator.upper.hidden.weight)


def test_a_stop_costs_nothing(narrow, wide_set, tmp_path):
    loop.train(CONFIG, wide_set, tmp_path / "whole", "cpu", steps=3, start_from=narrow)
    loop.train(CONFIG, wide_set, tmp_path / "parts", "cpu", steps=2, start_from=narrow)
    loop.train(CONFIG, wide_set, tmp_path / "parts", "cpu", steps=1)
    whole, parts = (torch.load(tmp_path / run / "state.pt", weights_only=True) for run in ("whole", "parts"))
    for name, value in whole["generator"].items():
        assert torch.equal(value, parts["generator"][name]), name


def test_a_set_of_the_wrong_rate_is_refused(narrow, wide_set, tmp_path):
    with pytest.raises(InputError, match="--start-from"):
        loop.train(CONFIG, wide_set, tmp_path / "run", "cpu")
    halved = prepare([Halved()], tmp_path / "narrow", STUDIO_SPEC, workers=1)
    with pytest.raises(InputError, match="lower half"):
        loop.train(CONFIG, halved, tmp_path / "run", "cpu", start_from=narrow)
