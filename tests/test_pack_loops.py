"""Loops of a pack's notes: long, level and without a seam, of notes that hold and of those that are made to."""

import math

import numpy as np
import pytest
import soxr
from packtools import heard_pitch
from test_sustain import HELD, RATE, burst_db, held, jolt, noise, tone

from gansynth_core.packs.check import loop_levels_db, seam_bend
from gansynth_core.packs.loops import holds, level_curve, looped, steadied

OUT = 44100


def run_db(wave: np.ndarray, rate: int, pitch: float) -> float:
    """How far the level over a quarter of a second runs."""
    levels, hop = level_curve(wave, rate, pitch)
    width = round(0.25 * rate / hop)
    return float(np.ptp(10 * np.log10(np.convolve(10 ** (levels / 10), np.ones(width) / width, "valid"))))


def falling(db_a_second: float, pitch: float = 60) -> np.ndarray:
    return (tone(pitch) * 10 ** (-db_a_second * np.arange(4 * RATE) / RATE / 20)).astype(np.float32)


def swelling() -> np.ndarray:
    """Two seconds until it is there, as a pad."""
    return (tone(60) * np.minimum(1, np.arange(4 * RATE) / (1.8 * RATE))).astype(np.float32)


NOTES = {
    "steady": (36, tone(36)),
    "vibrato": (60, tone(60, vibrato_cents=12)),
    "beating": (64, tone(64, beating_hz=0.7)),
    "fast beating": (48, tone(48, beating_hz=6)),
    "high": (84, tone(84, vibrato_cents=8)),
    "noise": (60, noise()),
    "falling": (60, falling(5)),
    "falling fast": (55, falling(17, 55)),
    "swelling": (60, swelling()),
}


@pytest.mark.parametrize("name", NOTES)
def test_any_note_is_made_to_hold_level_and_in_tune_without_a_click(name):
    pitch, wave = NOTES[name]
    even, loop = steadied(wave, RATE, pitch, HELD)
    resampled = soxr.resample(even, RATE, OUT, quality="VHQ")
    both, loop = looped(np.stack([resampled, -0.5 * resampled], axis=1), resampled, OUT, pitch, loop, OUT / RATE)
    assert loop.length >= (0.65 if name != "falling fast" else 0.3) * OUT and loop.end < HELD / RATE * OUT
    swing, spread = loop_levels_db(both, OUT, pitch, loop)
    assert swing < 2 and spread < 5 and seam_bend(both, loop) < 1.3
    long = held(both, loop, 12, OUT)
    assert run_db(long[OUT * 2 :], OUT, pitch) < 2.5
    assert jolt(long, loop.end + 1) < 1.2 and burst_db(long[:, 0], loop.end + 1) < 3
    if name != "noise":
        assert abs(heard_pitch(long[-4 * OUT :, 0], OUT) - pitch) < 0.1
    onset = slice(0, round(0.3 * OUT))
    assert np.allclose(both[onset, 0], resampled[onset], atol=1e-5)  # what comes before is left alone


def test_the_way_on_into_the_release_has_no_step():
    wave = falling(5)
    even, loop = steadied(wave, RATE, 60, HELD)
    mixed, loop = looped(even, even, RATE, 60, loop, 1.0)
    assert jolt(mixed, loop.end + 1) < 1.2
    levels, hop = level_curve(mixed[loop.end - RATE // 4 : loop.end + RATE // 4], RATE, 60)
    assert np.abs(np.diff(levels)).max() < 0.7 and hop == 120  # the release begins within


@pytest.mark.parametrize(("fall", "holding"), [(0.0, True), (2.0, True), (5.0, False), (30.0, False)])
def test_what_holds_is_told_from_what_dies_away(fall, holding):
    assert holds(falling(fall), RATE, HELD) == holding


def test_a_drum_and_silence_do_not_hold_and_a_short_note_has_no_room():
    hum = tone(60) * np.where(np.arange(4 * RATE) < 0.2 * RATE, 1, 0.01).astype(np.float32)
    assert not holds(hum, RATE, HELD) and not holds(np.zeros(4 * RATE, np.float32), RATE, HELD)
    assert (
        not holds(tone(60)[:2000], RATE, -400) and steadied(tone(60)[: RATE // 3], RATE, 60, RATE // 3 - 2400) is None
    )


def test_a_level_does_not_ripple_with_the_wave():
    pulses = np.zeros(2 * RATE, np.float32)
    pulses[:: round(RATE / 32.7)] = 1  # C1: less than two in 50 ms
    levels, _ = level_curve(pulses, RATE, 24)
    assert np.ptp(levels[30:-30]) < 1 and levels[100] == pytest.approx(10 * math.log10(32.7 / RATE), abs=0.5)
    around, _ = level_curve(pulses[: 2 * 734], RATE, 24, circular=True)
    assert np.ptp(around) < 1
