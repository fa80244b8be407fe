import copy
import math

import pytest
import torch
from sine_voice import SPEC

from gansynth_core.errors import ModelError
from gansynth_core.generators import build_generator
from gansynth_core.generators.instrument_prior import InstrumentPrior
from gansynth_core.generators.studio import Spectrum
from gansynth_core.training.evaluation.pitch_tracker import cents_off, hear

SIZE = {"channels": 16, "features": 16, "bands": 8}


@pytest.fixture(scope="module")
def generator():
    torch.manual_seed(0)
    return build_generator("studio", SPEC, 3, 32, SIZE).eval().requires_grad_(False)


def weights(*rows):
    return torch.tensor(rows, dtype=torch.float32)


def test_a_specgram_is_finite_in_range_and_repeatable(generator):
    z, pitch, instruments = torch.randn(2, 32), torch.tensor([24.0, 84.0]), weights([1, 0, 0], [0.2, 0.3, 0.5])
    specgram = generator(z, pitch, instruments)
    assert specgram.shape == (2, 2, SPEC.frames, SPEC.bins)
    assert torch.isfinite(specgram).all() and specgram.abs().max() <= 1
    assert torch.equal(specgram, generator(z, pitch, instruments))


@pytest.mark.parametrize(("functions", "texture"), [(6, 0), (8, 4)])
def test_the_short_way_says_what_the_long_way_says(functions, texture):
    torch.manual_seed(1)
    size = SIZE | {"functions": functions, "texture": texture}
    network = build_generator("studio", SPEC, 3, 32, size).requires_grad_(False)
    for name, number in network.named_parameters():
        if "texture" in name or "when" in name:
            number.normal_()
    inputs = torch.randn(3, 32), torch.tensor([24.0, 60.5, 84.0]), weights([1, 0, 0], [0, 1, 0], [0.2, 0.3, 0.5])
    long = network.stft(*inputs)
    with torch.inference_mode():
        short = network.eval().stft(*inputs)
        assert torch.equal(network.stft(*(part[1:2] for part in inputs))[0], short[1])
    noise = (long - short).abs().square().mean(dim=(1, 2)) / long.abs().square().mean(dim=(1, 2))
    assert (noise < 1e-5).all(), noise  # -50 dB: phases of 128 frames are summed up in float32


def test_what_a_network_has_prepared_is_made_anew_when_its_weights_change(generator):
    network = copy.deepcopy(generator)
    inputs = torch.randn(1, 32), torch.tensor([60.0]), weights([1, 0, 0])
    with torch.no_grad():
        before = network.stft(*inputs)
        assert torch.equal(copy.deepcopy(network).stft(*inputs), before)
        network.load_state_dict({name: 1.1 * number for name, number in network.state_dict().items()})
        assert not torch.allclose(network.stft(*inputs), before)
        assert torch.equal(generator.stft(*inputs), before)


def test_the_short_way_to_a_wave_ends_where_the_specgram_does(generator):
    inputs = torch.randn(3, 32), torch.tensor([24.0, 60.5, 84.0]), weights([1, 0, 0], [0, 1, 0], [0.2, 0.3, 0.5])
    waves, decoded = SPEC.invert(generator.stft(*inputs), 2), SPEC.decode(generator(*inputs), 2)
    noise = (waves - decoded).square().mean(dim=1) / decoded.square().mean(dim=1)
    assert (noise < 1e-8).all()  # -80 dB: phases summed up and not


def test_no_number_of_the_basis_is_too_small_for_a_fast_product(generator):
    basis = generator.harmonic_basis(torch.tensor([30.0, 84.0])).abs()
    assert not ((basis > 0) & (basis < torch.finfo(torch.float32).tiny)).any()


def test_pitch_is_continuous(generator):
    z, instruments = torch.randn(1, 32).repeat(3, 1), weights([1, 0, 0]).repeat(3, 1)
    log_magnitude = generator(z, torch.tensor([60.0, 60.001, 61.0]), instruments)[:, 0]
    near, far = (log_magnitude[0] - log_magnitude[1]).abs().mean(), (log_magnitude[0] - log_magnitude[2]).abs().mean()
    assert near < 0.05 * far


def test_instrument_weights_mix_means_and_spreads(generator):
    z = torch.randn(1, 32)
    ends = generator.place(z.repeat(2, 1), weights([1, 0, 0], [0, 1, 0]), torch.tensor([60.0, 60.0]))
    middle = generator.place(z, weights([0.5, 0.5, 0]), torch.tensor([60.0]))
    assert torch.allclose(middle[0], ends.mean(dim=0), atol=1e-5)


@pytest.mark.parametrize("pitch", [24.0, 57.3, 84.0])
def test_the_harmonic_basis_peaks_at_the_partials(generator, pitch):
    basis = generator.harmonic_basis(torch.tensor([pitch]))
    peaks = basis[0].unflatten(0, (generator.functions, -1)).sum(dim=1)[2]
    f0 = 440 * 2 ** ((pitch - 69) / 12)
    for harmonic in (1, 2, 5):
        place = f0 * harmonic / SPEC.bin_hz
        lowest = max(0, round(place - 2) - 1)
        assert abs(lowest + int(peaks[lowest : round(place + 2)].argmax()) + 1 - place) <= 0.51


def test_the_slope_of_a_peak_moves_a_partial_by_a_fraction_of_a_bin():
    torch.manual_seed(0)
    generator = build_generator("studio", SPEC, 1, 8, SIZE | {"functions": 8})
    basis = generator.harmonic_basis(torch.tensor([69.0]))[0].unflatten(0, (8, -1)).sum(dim=1)
    place = 440 / SPEC.bin_hz

    def centre(levels):  # of the parabola through the highest bin and its neighbours
        top = round(place) - 3 + int(levels[round(place) - 3 : round(place) + 2].argmax())
        low, mid, high = levels[top - 1 : top + 2]
        return top + 1 + float((low - high) / (2 * (low - 2 * mid + high)))

    straight, moved = centre(basis[2]), centre(basis[2] + 0.3 * basis[6])
    assert abs(straight - place) < 0.2 and 0.2 < moved - straight < 1
    with pytest.raises(ModelError, match="6 or 8"):
        build_generator("studio", SPEC, 1, 8, SIZE | {"functions": 7})


def flat_noise() -> Spectrum:
    """A spectrum of one level, 0 dB, without any tone in it."""
    level = SPEC.normalize(torch.tensor(0.0)).expand(1, SPEC.frames, SPEC.bins)
    return Spectrum(level, torch.full_like(level, 0.4))


def test_noise_keeps_its_level(generator):
    """Random phases drawn bin by bin would lose several dB to the overlap of the frames."""
    wave = SPEC.decode(generator.voice(flat_noise(), torch.tensor([60.0])))
    heard = SPEC.stft(wave)[0, 4:-4].abs().log().median() * 8.685889638
    assert abs(float(heard)) < 0.5


def test_neighbouring_keys_get_different_noise(generator):
    waves = [SPEC.decode(generator.voice(flat_noise(), torch.tensor([pitch])))[0] for pitch in (60.0, 61.0)]
    assert abs(float(torch.nn.functional.cosine_similarity(*waves, dim=0))) < 0.05


@pytest.mark.parametrize("hz", [82.4, 440.0, 1000.0])
def test_a_partial_sounds_at_the_frequency_its_magnitudes_point_to(generator, hz):
    """Whatever the key: the phases follow the magnitudes, not the nearest harmonic."""
    seconds = torch.arange(SPEC.samples) / SPEC.sample_rate
    specgram = SPEC.encode(0.5 * torch.sin(2 * math.pi * hz * seconds)[None])
    tonal = Spectrum(specgram[:, 0], torch.ones_like(specgram[:, 0]))
    wave = SPEC.decode(generator.voice(tonal, torch.tensor([60.0])), griffin_lim_steps=2)[0]
    spectrum = torch.fft.rfft(wave * torch.hann_window(len(wave)), n=8 * len(wave)).abs()
    heard = float(spectrum.argmax()) * SPEC.sample_rate / (8 * len(wave))
    assert abs(1200 * math.log2(heard / hz)) < 5


def test_a_prior_places_notes_by_instrument_and_pitch_and_finds_them_again():
    torch.manual_seed(0)
    prior = InstrumentPrior(2, 64)
    prior.directions[:] = torch.linalg.qr(torch.randn(64, 32))[0].T
    prior.spread[:] = (torch.eye(32) + 0.2 * torch.ones(32, 32)) * torch.tensor([0.5, 2])[:, None, None]
    prior.register[0, 0, 0], prior.register[0, 5, 0] = 3.0, -3.0  # the first instrument's lowest and highest octave
    z, mixed = torch.randn(3, 64), weights([1, 0], [0, 1], [0.3, 0.7])
    for pitch in (24.0, 60.0, 84.5):
        there = prior.place(z, mixed, torch.full((3,), pitch))
        assert torch.allclose(prior.locate(there, mixed, torch.full((3,), pitch)), z, atol=1e-4)
        assert not torch.allclose(there, z, atol=0.1)
    still = torch.zeros(1, 64)
    drift = [
        float(prior.place(still, mixed[:1], torch.tensor([p]))[0] @ prior.directions[0]) for p in (24.0, 30.0, 84.0)
    ]
    assert drift == pytest.approx([3.0, 1.5, -3.0], abs=1e-4)


def test_weights_from_before_instruments_had_spreads_of_their_own_place_z_as_they_did():
    torch.manual_seed(0)
    new = build_generator("studio", SPEC, 3, 64, SIZE)
    directions, factors = torch.linalg.qr(torch.randn(64, 32))[0].T, torch.linspace(0.5, 2, 32)
    old = {name: value for name, value in new.state_dict().items() if not name.startswith("prior.")}
    new.load_state_dict(old | {"stretched": directions, "stretch": factors}, strict=True)
    z, mixed = torch.randn(2, 64), weights([1, 0, 0], [0.2, 0.3, 0.5])
    stretched = z + (z @ directions.T * (factors - 1)) @ directions
    assert torch.allclose(new.prior.place(z, mixed, torch.tensor([40.0, 70.0])), stretched, atol=1e-5)


@pytest.mark.parametrize(("pitch", "off_cents", "least", "most"), [(30.0, 25, -10, 10), (69.0, 50, 45, 55)])
def test_partials_a_hair_beside_their_pitch_are_put_right_and_others_stay(generator, pitch, off_cents, least, most):
    hz = 440 * 2 ** ((pitch - 69 + off_cents / 100) / 12)
    seconds = torch.arange(SPEC.samples) / SPEC.sample_rate
    wave = sum(torch.sin(2 * math.pi * hz * k * seconds + k) / k for k in range(1, 9))[None] / 8
    specgram = SPEC.encode(wave)
    made = generator.voice(Spectrum(specgram[:, 0], torch.ones_like(specgram[:, 0])), torch.tensor([pitch]))
    heard = hear(SPEC.decode(made)[0].numpy(), SPEC.sample_rate, 24, 84)
    assert least < cents_off(heard.hz, pitch) < most
