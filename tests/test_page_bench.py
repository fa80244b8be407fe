"""The arithmetic of the page's benchmark; tests/test_browser.py lets it drive a page."""

from gansynth_core.page_bench import waits_of


def test_a_move_waits_for_its_own_sound_or_a_later_one():
    moves = [(0.0, "a"), (10.0, "b"), (20.0, "c"), (90.0, "d")]
    starts = [(5.0, "z"), (15.0, "a"), (40.0, "c"), (50.0, "a")]
    # a is heard at 15; b never, but c, which came after it, at 40; nothing answers d; late sounds answer nothing
    assert waits_of(moves, starts) == [15.0, 30.0, 20.0]


def test_a_sound_that_started_before_the_move_is_no_answer():
    assert waits_of([(10.0, "a")], [(5.0, "a")]) == []
    assert waits_of([(10.0, "a")], [(5.0, "a"), (12.0, "a")]) == [2.0]
