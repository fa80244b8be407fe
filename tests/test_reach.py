"""What a slider can do to a sound is told as its ends were measured."""

import dataclasses

import numpy as np
import pytest
from sine_voice import sine_card

from gansynth_core import DESCRIPTORS, Direction
from webapp.sound_document import parse_sound, slider_ends, told_reach

NAMES = [descriptor.name for descriptor in DESCRIPTORS]
NAMED = tuple(
    Direction(name, tuple(float(place == at) for place in range(512)), "named", name)
    for at, name in enumerate(("brightness", "decay"))
)
CARD = dataclasses.replace(sine_card(), directions=(*NAMED, Direction("component 1", (0.0,) * 511 + (1.0,))))


def ends(name: str, low: float, high: float) -> np.ndarray:
    measured = np.ones((2, len(NAMES)))
    measured[:, NAMES.index(name)] = low, high
    return measured


@pytest.mark.parametrize(
    ("name", "low", "high", "goes"),
    [
        ("brightness", 400, 800, "rises"),
        ("brightness", 295, 226, "falls"),
        ("brightness", 400, 410, "none"),  # a thirtieth of an octave
        ("decay", 1, 1, "none"),
    ],
)
def test_a_slider_says_whether_it_has_room_and_which_way_it_goes(name, low, high, goes):
    assert told_reach(name, ends(name, low, high), CARD) == {"low": low, "high": high, "goes": goes}


def test_the_ends_of_a_slider_leave_the_others_where_they_are():
    sound = parse_sound({"instruments": {"violin": 1}, "seed": 3, "sliders": {"decay": 1, "component 1": 2}}, CARD)
    found = slider_ends(sound, CARD)
    assert list(found) == ["brightness", "decay"]
    assert [end["sliders"] for end in found["decay"]] == [
        {"decay": -3.0, "component 1": 2.0},
        {"decay": 3.0, "component 1": 2.0},
    ]
    assert found["brightness"][1]["sliders"] == {"brightness": 3.0, "decay": 1.0, "component 1": 2.0}
    assert sound["sliders"] == {"decay": 1.0, "component 1": 2.0}
