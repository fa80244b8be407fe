"""Keys that stay down, in a real Chromium: what holds sounds for as long as they do, what dies away dies away."""

import numpy as np
import pytest
from browser import HEARD, HEARS, LOADED, assert_hears, pass_seconds, pick, steady_level, wait_for_silence
from playwright.sync_api import Page
from sine_voice import DYING
from test_browser_play import LISTEN, levels, ready

RELEASED = 4.3  # seconds after which the test's notes would be over


def fetch_parts(page: Page, pitch: int, parts: int) -> None:
    """Strikes a key until so many parts of its held note are here: for a slow machine a note may be over too soon."""
    page.evaluate("performance.clearResourceTimings()")
    here = "performance.getEntriesByType('resource').filter(({ name }) => name.includes('/held?')).length"
    while page.evaluate(here) < parts:
        page.evaluate("pitch => studio.press(pitch)", pitch)
        page.wait_for_function(HEARD)
        page.wait_for_function(f"() => {here} >= {parts} || !studio.engine.busy()")
        page.evaluate("pitch => studio.lift(pitch)", pitch)
        wait_for_silence(page)


def test_a_held_key_sounds_until_it_is_let_go(visit):
    page = ready(visit)
    fetch_parts(page, 64, 2)
    page.evaluate("studio.press(64)")
    level = steady_level(page)
    began = page.evaluate("studio.engine.now()")
    page.evaluate(LISTEN)
    pass_seconds(page, 11.5)  # beyond the first part of ten seconds
    assert steady_level(page) == pytest.approx(level, rel=0.03)
    assert_hears(page, 64)
    page.evaluate("clearInterval(window.listening)")
    seconds, heard = levels(page).T
    heard = heard[(seconds > began) & (seconds < began + 11.5)]
    assert len(heard) > 100
    assert heard.min() > 0.9 * np.median(heard) and heard.max() < 1.1 * np.median(heard)  # no gap, no phase that jumps
    page.evaluate("studio.lift(64)")
    wait_for_silence(page)
    assert not page.evaluate("studio.engine.busy()")


def test_the_pedal_holds_as_a_key_does(visit):
    page = ready(visit)
    fetch_parts(page, 60, 1)
    page.evaluate("studio.pedal(true); studio.press(60); studio.lift(60)")
    pass_seconds(page, RELEASED + 0.5)
    assert_hears(page, 60)
    page.evaluate("studio.pedal(false)")
    wait_for_silence(page)


def test_a_held_key_goes_over_to_another_sound_and_holds_on(visit):
    page = ready(visit)
    for instrument in ("flute", "violin"):
        pick(page, instrument, instrument)
        page.wait_for_function(LOADED)
        fetch_parts(page, 60, 1)
    page.evaluate("studio.press(60)")
    pass_seconds(page, RELEASED)
    assert_hears(page, 60)
    pick(page, "flute", "flute")
    for _ in range(2):
        pass_seconds(page, 2.5)
        assert page.evaluate(f"{HEARS % 60}")
    page.evaluate("studio.lift(60)")
    wait_for_silence(page)


def test_what_dies_away_dies_away_under_the_hand(visit):
    page = ready(visit)
    page.evaluate("index => studio.dispatch({ type: 'raw', values: { [index]: 4 } })", DYING)
    page.wait_for_function("() => studio.blocks().every(block => block.loaded)")
    with page.expect_response("**/held?*") as told:
        page.evaluate("studio.press(60)")
        page.wait_for_function(HEARD)
    assert told.value.status == 204
    wait_for_silence(page)  # long before a minute is over, and with the key still down
    page.wait_for_function("() => !studio.engine.busy()")
    assert page.evaluate("studio.keys().down.has(60)")
    page.evaluate("studio.lift(60)")


@pytest.mark.parametrize("status", [503, 500])
def test_without_an_answer_the_note_ends_as_it_is(visit, status):
    refused = {"status": status, "json": {"error": "No."}}
    page = ready(visit, routes={"**/held?*": lambda route: route.fulfill(**refused)}, ignored=(str(status),))
    page.evaluate("studio.press(60)")
    page.wait_for_function(HEARD)
    pass_seconds(page, 3)
    assert_hears(page, 60)
    wait_for_silence(page)
    page.evaluate("studio.lift(60)")
    page.evaluate("studio.press(62)")  # and the next one plays
    page.wait_for_function(f"() => {HEARS % 62}")
