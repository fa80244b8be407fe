"""The imprint: a correction in dB by moment and band that a Timbre carries."""

import dataclasses

import numpy as np
import pytest
from sine_voice import SPEC, sine_synth

from gansynth_core import Imprint, InputError, Timbre, blend, morph
from gansynth_core.imprint import BANDS, BODY_BANDS, LIMIT_DB, MOMENTS, SIZE, STEP_DB
from gansynth_core.pitches import pitch_hz


def bin_at(hz: float) -> int:
    return round(hz / SPEC.bin_hz) - 1


def gains_db(grid: np.ndarray, pitch: float) -> np.ndarray:
    imprint = Imprint.of(grid)
    assert imprint is not None
    return 20 * np.log10(imprint.gains(SPEC, pitch))


def empty() -> np.ndarray:
    return np.zeros((len(MOMENTS), BANDS))


def test_a_partials_value_moves_with_the_pitch_and_the_bodys_does_not():
    grid = empty()
    grid[:, BODY_BANDS + 3] = -12.0  # the second partial
    for pitch in (48.0, 60.0, 67.3):
        loudness = gains_db(grid, pitch)[40]
        assert loudness[bin_at(2 * pitch_hz(pitch))] == pytest.approx(-12, abs=1)
        assert loudness[bin_at(pitch_hz(pitch))] == pytest.approx(0, abs=1)
    grid = empty()
    grid[:, BODY_BANDS // 2] = 9.0
    low, high = (gains_db(grid, pitch)[40] for pitch in (48.0, 72.0))
    assert np.array_equal(low, high) and low.max() > 8


def test_the_pattern_of_the_last_partials_goes_on_above_them():
    grid = empty()
    grid[:, -1], grid[:, -2] = 6.0, -6.0
    loudness = gains_db(grid, 40.0)[40]
    for partial in (60, 100):
        assert loudness[bin_at(partial * pitch_hz(40))] > 4
        assert loudness[bin_at((partial + 0.5) * pitch_hz(40))] < -4


def test_a_value_counts_at_its_moment():
    grid = empty()
    grid[0] = 20.0
    loudness = gains_db(grid, 60.0)
    assert loudness[0].max() > 15 and abs(loudness[10:]).max() == 0


def test_values_are_kept_in_steps_within_limits():
    rng = np.random.default_rng(0)
    grid = rng.normal(0, 8, (len(MOMENTS), BANDS))
    imprint = Imprint.of(grid)
    assert np.abs(imprint.grid - np.clip(grid, -LIMIT_DB, LIMIT_DB)).max() <= STEP_DB / 2
    assert Imprint.of(empty()) is None and Imprint.of(empty() + 1000).grid.max() == LIMIT_DB
    assert Imprint.from_text(imprint.to_text()) == imprint and len(imprint.to_text()) < 2.8 * 1000


@pytest.mark.parametrize("text", ["", "!", "AAAA", None, 7, "x" * 100_000, Imprint(b"\1" * SIZE).to_text()[:-12]])
def test_what_is_no_imprint_is_refused_in_words(text):
    with pytest.raises(InputError, match="imprint"):
        Imprint.from_text(text)


def test_imprints_mix_in_a_straight_line():
    synth = sine_synth()
    plain = Timbre.of(synth.card, [1.0] + [0.0] * 511, "violin")
    marked = dataclasses.replace(plain, z=(0.0, 1.0, *[0.0] * 510), imprint=Imprint.of(empty() + 8.0))
    assert morph(plain, marked, 0.25).imprint.grid.max() == pytest.approx(2.0)
    assert morph(marked, marked, 0.7) == marked and morph(plain, marked, 0) == plain
    assert blend([plain, marked], [1, 3]).imprint.grid.max() == pytest.approx(6.0)
    assert morph(plain, plain, 0.5).imprint is None


def test_old_documents_stay_and_new_ones_come_back():
    synth = sine_synth()
    plain = Timbre.of(synth.card, [0.5] * 512, "violin")
    assert plain.to_json()["format"] == 1 and "imprint" not in plain.to_json()
    marked = dataclasses.replace(plain, imprint=Imprint.of(empty() - 3))
    assert marked.to_json()["format"] == 2 and Timbre.from_json(marked.to_json()) == marked
    assert Timbre.from_json(plain.to_json()) == plain
    with pytest.raises(InputError, match="newer"):
        Timbre.from_json(plain.to_json() | {"format": 3})


def test_a_note_has_its_imprint_wherever_it_is_rendered():
    synth = sine_synth()
    plain = Timbre.of(synth.card, [0.0] * 512, "violin")
    grid = empty()
    grid[10:, :BODY_BANDS] = -20.0  # from 1.25 s on, faded to from 0.9 s
    marked = dataclasses.replace(plain, imprint=Imprint.of(grid))

    def fall(wave: np.ndarray) -> float:
        late, early = wave[40_000:60_000], wave[5_000:15_000]
        return float(20 * np.log10(np.std(late) / np.std(early)))

    for options in ({}, {"raw": True}, {"background": True}):
        notes = synth.render([plain, marked, plain], [60, 60, 62], **options).audio
        assert fall(notes[1]) - fall(notes[0]) == pytest.approx(-20, abs=0.5)
        assert fall(notes[2]) == pytest.approx(fall(notes[0]), abs=0.5)
    levels = [np.abs(synth.stft(timbre, 60))[0, 60].max() for timbre in (plain, marked)]
    assert 20 * np.log10(levels[1] / levels[0]) == pytest.approx(-20, abs=0.5)
    pictures = synth.specgram([plain, marked], 60)
    assert pictures[1, 0, 60].max() < pictures[0, 0, 60].max()
