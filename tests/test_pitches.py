import numpy as np
import pytest

from gansynth_core import InputError, parse_pitch, pitch_label
from gansynth_core.pitches import pitch_hz


def test_pitches_have_frequencies():
    assert pitch_hz(69) == 440.0 and pitch_hz(57) == 220.0
    assert pitch_hz(60) == pytest.approx(261.6256, abs=1e-4)  # middle C
    np.testing.assert_allclose(pitch_hz(np.array([81.0, 69.5])), [880.0, 452.8930], atol=1e-4)


@pytest.mark.parametrize(
    ("text", "pitch"),
    [("60", 60), ("60.5", 60.5), ("C4", 60), ("a4", 69), ("F#3", 54), ("Bb-1", 10), ("E♭4", 63), ("G9", 127)],
)
def test_pitches_are_numbers_or_names(text, pitch):
    assert parse_pitch(text) == pitch


@pytest.mark.parametrize("text", ["H4", "C", "", "C#", "4C", "C4x", "nan", "inf", "128", "-1", "A9"])
def test_what_is_no_pitch_is_refused(text):
    with pytest.raises(InputError, match=f"'{text}'"):
        parse_pitch(text)


def test_labels_sort_in_order_of_pitch():
    pitches = [0, 9, 24, 60, 60.5, 61, 108]
    assert sorted(pitch_label(pitch) for pitch in pitches) == [pitch_label(pitch) for pitch in pitches]
