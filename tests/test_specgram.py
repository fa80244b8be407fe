import math

import pytest
import torch
from sine_voice import SPEC

from gansynth_core.specgram import instantaneous_frequency, phase


def snr_db(wave: torch.Tensor, back: torch.Tensor) -> float:
    return float(10 * torch.log10(wave.square().sum() / (wave - back).square().sum()))


def note(hz: float, partials: int = 8) -> torch.Tensor:
    seconds = torch.arange(SPEC.samples) / SPEC.sample_rate
    envelope = torch.exp(-seconds) * (1 - torch.exp(-seconds / 0.005))
    return (envelope * sum(torch.sin(2 * math.pi * hz * k * seconds) / k for k in range(1, partials + 1)))[None] * 0.4


def test_the_studio_shape_is_128_frames_of_1536_bins_and_4_seconds():
    assert (SPEC.frames, SPEC.bins, SPEC.seconds) == (128, 1536, 4.0)
    assert SPEC.encode(note(220)).shape == (1, 2, 128, 1536)


@pytest.mark.parametrize("hz", [65.4, 440.0, 1046.5])
def test_a_note_survives_the_way_to_a_specgram_and_back(hz):
    wave = note(hz)
    specgram = SPEC.encode(wave)
    assert specgram.abs().max() <= 1
    assert snr_db(wave, SPEC.decode(specgram)) > 35


def test_stft_is_exact_but_for_the_dropped_constant_part():
    wave = note(440)
    wave = wave - wave.mean()
    assert snr_db(wave, SPEC.istft(SPEC.stft(wave))) > 50


def test_a_partial_lies_in_the_bin_of_its_frequency_and_advances_by_it():
    specgram = SPEC.encode(note(1000.0, partials=1))
    loudest = int(specgram[0, 0, 40].argmax())
    assert loudest == round(1000.0 / SPEC.bin_hz) - 1  # the constant bin is dropped
    advance = specgram[0, 1, 40, loudest] * math.pi
    expected = 2 * math.pi * 1000.0 * SPEC.hop / SPEC.sample_rate
    assert abs(math.remainder(float(advance) - expected, 2 * math.pi)) < 1e-3


def test_running_sum_restores_every_phase():
    phases = torch.rand(2, 9, 5) * 2 * math.pi
    back = phase(instantaneous_frequency(phases))
    assert torch.allclose(torch.polar(torch.ones(()), back), torch.polar(torch.ones(()), phases), atol=1e-4)


def test_normalize_and_its_inverse():
    nepers = torch.linspace(SPEC.log_magnitude_low, SPEC.log_magnitude_high, 7)
    assert torch.allclose(SPEC.denormalize(SPEC.normalize(nepers)), nepers, atol=1e-5)
    assert SPEC.normalize(torch.tensor(99.0)) == 1


def test_silence_stays_silent():
    assert SPEC.decode(SPEC.encode(torch.zeros(1, SPEC.samples))).abs().max() == 0


def test_griffin_lim_makes_scrambled_phases_more_consistent():
    specgram = SPEC.encode(note(220))
    specgram[:, 1] = torch.rand(specgram[:, 1].shape, generator=torch.Generator().manual_seed(0)) * 2 - 1

    def error(steps: int) -> float:
        magnitude = SPEC.from_specgram(specgram).abs()
        return float((SPEC.stft(SPEC.decode(specgram, steps)).abs() - magnitude).square().sum())

    assert error(4) < 0.8 * error(0)
