"""Loops of steady notes, and notes held for longer than they are."""

import math

import numpy as np
import pytest
import soxr
from packtools import heard_pitch

from gansynth_core.sustain import crossfaded, find_loop, rescaled, sustain

RATE, HELD = 24000, 67200


def tone(pitch: float, seconds: float = 4.0, vibrato_cents: float = 0.0, beating_hz: float = 0.0) -> np.ndarray:
    """A note of eight partials; held for 2.85 s, then let go."""
    time = np.arange(round(seconds * RATE)) / RATE
    hz = 440 * 2 ** ((pitch - 69) / 12)
    bend = 1 + vibrato_cents / 1200 * math.log(2) * np.sin(2 * math.pi * 5.3 * time)
    phase = 2 * math.pi * np.cumsum(hz * bend) / RATE
    wave = sum(np.sin(n * phase + n * n) / n for n in range(1, 9))
    if beating_hz:  # a second voice, quieter and mistuned
        wave = wave + 0.4 * sum(np.sin(n * phase * (1 + beating_hz / hz) + n) / n for n in range(1, 9))
    level = np.minimum(1, time / 0.05) * np.where(time > 2.85, np.exp(-(time - 2.85) / 0.1), 1)
    return (0.2 * wave * level).astype(np.float32)


def noise() -> np.ndarray:
    return (0.1 * np.random.default_rng(1).standard_normal(4 * RATE)).astype(np.float32)


def held(wave: np.ndarray, loop, seconds: float, rate: int) -> np.ndarray:
    """What a sampler plays while the key is down."""
    period = wave[loop.start : loop.end + 1]
    times = math.ceil((seconds * rate - loop.start) / len(period))
    return np.concatenate([wave[: loop.start], np.tile(period, (times, *[1] * (wave.ndim - 1)))])[
        : round(seconds * rate)
    ]


def jolt(wave: np.ndarray, place: int) -> float:
    """The largest second difference within 3 samples of `place`, beside the largest elsewhere near it: a click is a
    corner in the wave."""
    bend = np.abs(np.diff(wave, 2, axis=0))
    if bend.ndim > 1:
        bend = bend.max(axis=1)
    around = np.concatenate([bend[place - 3000 : place - 10], bend[place + 10 : place + 3000]])
    return float(bend[place - 5 : place + 3].max() / around.max())


def burst_db(wave: np.ndarray, place: int) -> float:
    """Energy above 10 kHz in the 5 ms around `place`, beside the loudest of 40 windows before it."""
    size = 120

    def energy(start: int) -> float:
        spectrum = np.abs(np.fft.rfft(wave[start : start + size] * np.hanning(size))) ** 2
        return float(spectrum[round(10000 / RATE * size) :].sum()) + 1e-12

    others = max(energy(place - size * n) for n in range(2, 42))
    return 10 * math.log10(energy(place - size // 2) / others)


@pytest.mark.parametrize("pitch", [28, 36, 48.5, 60, 84])
@pytest.mark.parametrize(("vibrato", "beating"), [(0, 0), (12, 0), (0, 0.7)])
def test_a_held_note_goes_on_without_a_click_at_its_pitch_and_level(pitch, vibrato, beating):
    wave = tone(pitch, vibrato_cents=vibrato, beating_hz=beating)
    loop = find_loop(wave, RATE, pitch, HELD)
    assert loop is not None and HELD // 4 <= loop.start < loop.end < HELD
    period = RATE / (440 * 2 ** ((pitch - 69) / 12))
    assert abs(loop.length / period - round(loop.length / period)) * period <= max(1, 0.01 * period) + 1e-6
    mixed = crossfaded(wave, loop)
    long = held(mixed, loop, 12, RATE)
    seam = loop.end + 1
    assert jolt(long, seam) < 1.1 and burst_db(long, seam) < 3
    assert abs(heard_pitch(long[-4 * RATE :], RATE) - pitch) < 0.1
    levels = np.sqrt(np.square(long[RATE : 12 * RATE].reshape(22, -1)).mean(axis=1))
    before = np.sqrt(np.square(wave[RATE // 2 : HELD].reshape(-1, 1380)).mean(axis=1))
    assert 20 * np.log10(levels.max() / before.max()) < 0.5 and 20 * np.log10(levels.min() / before.min()) > -1


def test_the_way_on_into_the_release_is_as_smooth_and_all_else_is_untouched():
    wave = tone(60, vibrato_cents=12)
    loop = find_loop(wave, RATE, 60, HELD)
    mixed = crossfaded(wave, loop)
    assert jolt(mixed, loop.end + 1) < 1.1
    far = np.abs(np.arange(len(wave)) - loop.end) > loop.fade + 1
    assert np.array_equal(mixed[far], wave[far])
    # The frames behind the end are those behind the start, as a player that reads ahead expects.
    assert np.allclose(mixed[loop.end + 1], mixed[loop.start], atol=1e-3)


def test_a_cut_without_a_cross_fade_would_click():
    wave = noise()
    loop = find_loop(wave, RATE, 60, HELD)
    plain, mixed = (held(x, loop, 8, RATE) for x in (wave, crossfaded(wave, loop)))
    seams = np.arange(loop.end + 1, 7 * RATE, loop.length)
    saw = tone(36, vibrato_cents=25)
    rough = find_loop(saw, RATE, 36, HELD)._replace(end=find_loop(saw, RATE, 36, HELD).end - 150)
    assert jolt(held(saw, rough, 6, RATE), rough.end + 1) > 1.5
    assert len(seams) and np.isfinite(plain).all()
    # Noise has no likeness at all: its power must not dip where both ends are mixed.
    power = [np.square(mixed[seam - loop.fade : seam]).mean() for seam in seams]
    assert abs(10 * np.log10(np.mean(power) / np.square(wave[:HELD]).mean())) < 1


def test_a_short_note_has_no_room_for_a_loop():
    for length in (RATE // 2, 1900):  # the shorter ends before its release can
        assert find_loop(tone(60)[:length], RATE, 60, length - 2400) is None


@pytest.mark.parametrize("rate", [44100, 48000])
def test_a_loop_found_at_the_models_rate_is_one_at_the_packs_rate_in_stereo_too(rate):
    wave = tone(64, vibrato_cents=5, beating_hz=0.9)
    loop = find_loop(wave, RATE, 64, HELD)
    resampled = soxr.resample(wave, RATE, rate, quality="VHQ")
    moved = rescaled(loop, resampled, rate / RATE)
    assert abs(moved.length - loop.length * rate / RATE) <= 4
    mixed = crossfaded(np.stack([resampled, -0.5 * resampled], axis=1), moved)
    long = held(mixed, moved, 8, rate)
    assert long.shape[1] == 2 and jolt(long, moved.end + 1) < 1.1
    assert abs(heard_pitch(long[-3 * rate :, 0], rate) - 64) < 0.05


# --- notes held for longer --------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fall", [4.0, 12.0])
def test_a_note_that_dies_away_goes_on_dying_at_its_pace(fall):
    seconds = np.arange(4 * RATE) / RATE
    wave = (0.9 * np.sin(2 * np.pi * 220 * seconds) * 10 ** (-fall * seconds / 20)).astype(np.float32)
    wave[3 * RATE :] *= np.linspace(1, 0, RATE, dtype=np.float32) ** 4  # the release
    longer, how = sustain(wave, RATE, 57, 8 * RATE)
    assert how == "dying away" and len(longer) == 8 * RATE
    levels = 10 * np.log10(np.square(longer.reshape(80, -1)).mean(axis=1))
    assert np.allclose(np.diff(levels[::10]), -fall, atol=0.5)
    assert np.array_equal(longer[: round(0.8 * RATE)], wave[: round(0.8 * RATE)])


def test_a_note_that_is_gone_stays_gone():
    seconds = np.arange(4 * RATE) / RATE
    wave = (0.9 * np.sin(2 * np.pi * 220 * seconds) * 10 ** (-30 * seconds / 20)).astype(np.float32)
    longer, how = sustain(wave, RATE, 57, 8 * RATE)
    assert how == "gone" and np.array_equal(longer[: 4 * RATE], wave) and not longer[4 * RATE :].any()
    assert not sustain(np.zeros(4 * RATE, np.float32), RATE, 57, 8 * RATE).wave.any()


def test_noise_is_looped_without_a_dip():
    wave = np.random.default_rng(1).normal(0, 0.2, 4 * RATE).astype(np.float32)
    longer, how = sustain(wave, RATE, 57, 12 * RATE)
    levels = 10 * np.log10(np.square(longer.reshape(240, -1)).mean(axis=1))
    assert how == "steady" and np.ptp(levels) < 2
