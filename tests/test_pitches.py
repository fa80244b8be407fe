import pytest

from gansynth_core import InputError, parse_pitch, pitch_label


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
