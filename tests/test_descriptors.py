"""Every descriptor on sounds whose value is known."""

import numpy as np
import pytest

from gansynth_core import DESCRIPTORS, Clips, measure
from gansynth_core.sound import HELD_SHARE

RATE, SECONDS = 24000, 4.0
TIME = np.arange(int(RATE * SECONDS)) / RATE
NAMES = [descriptor.name for descriptor in DESCRIPTORS]


def hz(pitch):
    return 440.0 * 2.0 ** ((pitch - 69) / 12)


def heard(wave, pitch=60.0, rate=RATE):
    """Descriptor name -> value of one wave."""
    wave = 0.9 * wave / max(np.abs(wave).max(), 1e-9)
    row = measure(Clips(wave[None].astype(np.float32), rate, (pitch,)))[0]
    return dict(zip(NAMES, row.tolist(), strict=True))


def partials(levels, pitch=60.0, phase=None):
    """Sum of partials n with amplitudes levels[n - 1]; `phase` in cycles of the first over time."""
    phase = hz(pitch) * TIME if phase is None else phase
    count = min(len(levels), int(0.49 * RATE / hz(pitch)))
    return sum(levels[n] * np.sin(2 * np.pi * ((n + 1) * phase + 0.618 * n)) for n in range(count))


def saw(pitch=60.0, slope=1.0, phase=None):
    return partials(np.arange(1, 200.0) ** -slope, pitch, phase)


def noise(seed=0):
    return np.random.default_rng(seed).standard_normal(len(TIME))


def swept(rate_hz, cents):
    """Cycles over time of a tone at middle C whose pitch swings by `cents` to either side."""
    return np.cumsum(hz(60) * 2 ** (cents / 1200 * np.sin(2 * np.pi * rate_hz * TIME))) / RATE


@pytest.mark.parametrize("pitch", [24, 36, 60, 84])
def test_a_sine_is_as_bright_as_its_own_frequency_and_pure(pitch):
    sine = heard(partials([1.0], pitch), pitch)
    assert sine["brightness"] == pytest.approx(hz(pitch), rel=0.03)
    assert sine["richness"] <= 2  # the start of a note as low as C1 is heard as a click
    assert sine["noisiness"] < -40
    assert sine["vibrato"] < 1 and sine["tremolo"] < 0.2 and sine["beating"] < 0.3
    assert sine["decay"] == 1 and abs(sine["tuning"]) < 1


@pytest.mark.parametrize("pitch", [36, 60])
def test_a_low_passed_saw_is_darker_warmer_and_poorer(pitch):
    bright, dark = heard(saw(pitch), pitch), heard(saw(pitch, slope=2.0), pitch)
    assert dark["brightness"] < bright["brightness"] / 1.5
    assert dark["warmth"] > bright["warmth"] + 6
    # A saw's 40 partials within 32 dB; with a slope of 2 the tenth is 40 dB down.
    assert dark["richness"] == pytest.approx(10, abs=1.5)
    assert bright["richness"] > 40 if pitch == 60 else bright["richness"] > 90
    assert bright["noisiness"] < -30


def test_the_centroid_of_two_sines_lies_between_them_by_power():
    low_and_high = partials([1.0, 0, 0, 0, 0.5])
    assert heard(low_and_high)["brightness"] == pytest.approx(hz(60) * (1 + 0.25 * 5) / 1.25, rel=0.02)


@pytest.mark.parametrize(("seconds", "tolerance"), [(0.005, 0.004), (0.1, 0.01), (0.5, 0.02), (1.0, 0.03)])
def test_a_slow_attack_is_slower_by_its_own_number(seconds, tolerance):
    ramp = np.minimum(TIME / seconds, 1)
    assert heard(ramp * saw())["attack"] == pytest.approx((np.sqrt(0.5) - 0.1) * seconds, abs=tolerance)


@pytest.mark.parametrize("rate_db", [5, 20, 100])
def test_decay_is_the_slope(rate_db):
    assert heard(saw() * 10 ** (-rate_db * TIME / 20))["decay"] == pytest.approx(rate_db, rel=0.05)


@pytest.mark.parametrize("below_db", [0, 10, 20, 30])
@pytest.mark.parametrize("pitch", [30, 60, 80])
def test_noise_is_as_far_below_the_tone_as_it_was_mixed(below_db, pitch):
    tone, hiss = saw(pitch, 1.5), noise()
    hiss *= tone.std() / hiss.std() * 10 ** (-below_db / 20)
    share_db = -10 * np.log10(1 + 10 ** (below_db / 10))
    assert heard(tone + hiss, pitch)["noisiness"] == pytest.approx(share_db, abs=2.0)


def test_bells_are_no_noise():
    bell = sum(np.sin(2 * np.pi * hz(60) * ratio * TIME) for ratio in (1, 2.41, 3.9, 5.42, 7.13))
    assert heard(bell)["noisiness"] < -40


def test_a_square_is_hollow_and_a_saw_is_not():
    square = partials([1 / n if n % 2 else 0 for n in range(1, 60)])
    assert heard(square)["hollowness"] > 30
    odd, even = sum(n**-2.0 for n in range(3, 16, 2)), sum(n**-2.0 for n in range(2, 15, 2))
    assert heard(saw())["hollowness"] == pytest.approx(10 * np.log10(odd / even), abs=0.3)


@pytest.mark.parametrize("cents", [10, 30, 80])
@pytest.mark.parametrize("rate_hz", [4.5, 6])
def test_vibrato_measures_its_own_depth(cents, rate_hz):
    found = heard(saw(phase=swept(rate_hz, cents)))
    assert found["vibrato"] == pytest.approx(cents, rel=0.1, abs=1)
    assert found["tremolo"] < 0.5


def test_vibrato_is_found_in_a_dying_note():
    assert heard(saw(phase=swept(5, 30)) * 10 ** (-TIME))["vibrato"] == pytest.approx(30, abs=5)


@pytest.mark.parametrize("db", [1, 4])
def test_tremolo_measures_its_own_depth(db):
    found = heard(saw() * 10 ** (db / 20 * np.sin(2 * np.pi * 5 * TIME)))
    assert found["tremolo"] == pytest.approx(db, rel=0.1) and found["vibrato"] < 3
    assert heard(saw() * 10 ** (-8 * TIME / 20))["tremolo"] < 0.3  # a decay is none


def test_two_strings_out_of_tune_beat():
    twin = partials([1.0]) + 0.4 * np.sin(2 * np.pi * (hz(60) + 2) * TIME)
    db = 20 * np.log10(np.abs(1 + 0.4 * np.exp(2j * np.pi * np.arange(0, 1, 0.001))))
    assert heard(twin)["beating"] == pytest.approx(np.sqrt(2) * db.std(), rel=0.15)
    assert heard(partials([1.0]) * 10 ** (-20 * TIME / 20))["beating"] < 0.5


@pytest.mark.parametrize("cents", [-40, 15])
def test_tuning_is_told_from_the_key(cents):
    assert heard(saw(60 + cents / 100), 60)["tuning"] == pytest.approx(cents, abs=3)


def test_loudness_is_that_of_the_standard():
    """BS.1770: a sine of 997 Hz at full scale is -3.01 LUFS; the ear hears less of the lows."""
    pitch = 69 + 12 * np.log2(997 / 440)
    assert heard(partials([1.0], pitch), pitch)["loudness"] == pytest.approx(-3.01 + 20 * np.log10(0.9), abs=0.1)
    assert heard(partials([1.0], 24), 24)["loudness"] < -6
    assert heard(saw() * 10 ** (-60 * TIME / 20))["loudness"] < heard(saw())["loudness"] - 3


@pytest.mark.parametrize("rate", [16000, 48000])
def test_numbers_do_not_hang_on_the_rate(rate):
    ours, time = heard(partials(np.arange(1, 21.0) ** -1.0)), np.arange(int(rate * SECONDS)) / rate
    same = sum(np.sin(2 * np.pi * (n * hz(60) * time + 0.618 * (n - 1))) / n for n in range(1, 21))
    theirs = heard(same, rate=rate)
    for name in ("brightness", "richness", "hollowness", "warmth", "loudness"):
        assert theirs[name] == pytest.approx(ours[name], rel=0.02, abs=0.2), name


def drum():
    return noise() * 10 ** (-60 * TIME / 20)


def click():
    wave = np.zeros(len(TIME))
    wave[100] = 1
    return wave


@pytest.mark.parametrize("wave", [np.zeros(len(TIME)), noise(), drum(), click(), np.ones(len(TIME))])
@pytest.mark.parametrize("pitch", [24, 84.5])
def test_everything_has_a_number(wave, pitch):
    row = measure(Clips(wave[None].astype(np.float32), RATE, (pitch,)))[0]
    assert np.isfinite(row).all()
    for descriptor, value in zip(DESCRIPTORS, row, strict=True):
        assert descriptor.low <= value <= descriptor.high
        assert np.isfinite(descriptor.heard(value))


def test_noise_and_drums_are_noisy_and_have_no_vibrato():
    for wave in (noise(), drum()):
        found = heard(wave)
        assert found["noisiness"] > -1 and found["vibrato"] < 40
    assert heard(drum())["decay"] == pytest.approx(60, rel=0.1)


@pytest.mark.parametrize("seconds", [0.05, 0.5, 1.0])
def test_short_notes_are_measured_too(seconds):
    clips = Clips(saw()[None, : int(seconds * RATE)].astype(np.float32), RATE, (60,))
    assert np.isfinite(measure(clips)).all()


def test_notes_are_measured_one_by_one():
    both = Clips(np.stack([saw(60), noise()]).astype(np.float32), RATE, (60, 72))
    apart = [measure(Clips(both.audio[i : i + 1], RATE, both.pitches[i : i + 1]))[0] for i in range(2)]
    assert np.array_equal(measure(both), np.stack(apart))
    assert measure(Clips(np.zeros((0, 100), np.float32), RATE, ())).shape == (0, len(DESCRIPTORS))


def test_what_happens_after_the_key_is_let_go_is_no_brightness():
    wave = saw(slope=2.0)
    wave[int(HELD_SHARE * len(wave)) + 5000 :] = noise()[int(HELD_SHARE * len(wave)) + 5000 :] * 0.1
    assert heard(wave)["brightness"] == pytest.approx(heard(saw(slope=2.0))["brightness"], rel=0.05)
