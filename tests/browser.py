"""What tests of the page in a real Chromium share: hearing it, playing it. Its fixtures are in conftest.py."""

from playwright.sync_api import Page

HEARD = "() => studio.engine.rms() > 0.01"
SILENT = "() => studio.engine.rms() < 0.0005"
PATIENCE_MS = 60_000  # a slow machine may take to render before it counts as a failure


def enable_sound(page: Page) -> None:
    page.get_by_text("Click to enable sound").click()
    page.locator(".veil").wait_for(state="hidden")


def at_key(page: Page, pitch: int) -> tuple[float, float]:
    """A point on the lower part of a key, where black keys do not reach."""
    box = page.locator(f"[data-pitch='{pitch}']").bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.9


def assert_hears(page: Page, pitch: int) -> None:
    """The strongest frequency is the key's fundamental (the test's generator plays sines) within 20 cents."""
    page.wait_for_function(HEARD)
    hz = 440 * 2 ** ((pitch - 69) / 12)
    page.wait_for_function(
        "hz => Math.abs(1200 * Math.log2((studio.engine.peakHz() ?? 1) / hz)) < 20", arg=hz
    )  # the analyser's window first has to fill with the new note


def wait_for_silence(page: Page) -> None:
    page.wait_for_function(SILENT)


def pick(page: Page, typed: str, instrument: str) -> None:
    page.get_by_role("combobox", name="Search instruments").click()
    page.keyboard.type(typed)
    page.keyboard.press("Enter")
    page.wait_for_function("name => studio.sound.instruments?.[name] === 1", arg=instrument)
