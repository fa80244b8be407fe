"""What tests of the page in a real Chromium share: hearing it, playing it. Its fixtures are in conftest.py.

Nothing here sleeps: what is awaited is what the page shows, what the engine plays, or the engine's own clock. A slow
machine takes longer and hears the same.
"""

import base64
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Page

HEARD = "() => studio.engine.rms() > 0.01"
SILENT = "() => studio.engine.rms() < 0.0005"
LOADED = "() => studio.blocks().every(block => block.loaded)"
PATIENCE_MS = 300_000  # catches what hangs; a slow, busy machine needs a small part of it
WINDOW_SECONDS = 0.4  # what the analyser looks at (8192 samples at 24 kHz), and a little more

# The strongest frequency is the pitch's fundamental (the test's generator plays sines) within 20 cents.
HEARS = """studio.engine.rms() > 0.01
    && Math.abs(1200 * Math.log2((studio.engine.peakHz() ?? 1) / (440 * 2 ** ((%g - 69) / 12)))) < 20"""

# The level at the output, once it has been the same all through the analyser's window, which `begun` lets fill first.
STEADY = """begun => {
    const wave = new Float32Array(8192);
    studio.engine.wave(wave);
    const rms = (samples) => Math.sqrt(samples.reduce((sum, value) => sum + value * value, 0) / samples.length);
    const levels = Array.from({ length: 8 }, (_, part) => rms(wave.subarray(1024 * part, 1024 * (part + 1))));
    const [low, high] = [Math.min(...levels), Math.max(...levels)];
    return studio.engine.now() >= begun && low > 0.005 && high < 1.03 * low ? rms(wave) : null;
}"""


def enable_sound(page: Page) -> None:
    page.get_by_text("Click to enable sound").click()
    page.locator(".veil").wait_for(state="hidden")


def at_key(page: Page, pitch: int) -> tuple[float, float]:
    """A point on the lower part of a key, where black keys do not reach, once the page around it has settled."""
    key = page.locator(f"[data-pitch='{pitch}']").element_handle()
    key.wait_for_element_state("stable")
    box = key.bounding_box()
    return box["x"] + box["width"] / 2, box["y"] + box["height"] * 0.9


def assert_hears(page: Page, pitch: float) -> None:
    """The pitch is heard, once the analyser's window has filled with it."""
    page.wait_for_function(f"() => {HEARS % pitch}")


@contextmanager
def seen(page: Page, condition: str) -> Iterator[None]:
    """`condition` (a JavaScript expression) holds at some moment from here on, which may soon be over: the page itself
    looks for it, as it would be over before an answer could reach the test."""
    page.evaluate(
        f"""() => {{
            window.seen = false;
            const looking = setInterval(() => {{
                if (!({condition})) return;
                window.seen = true;
                clearInterval(looking);
            }}, 40);
        }}"""
    )
    yield
    page.wait_for_function("() => window.seen")


def pass_seconds(page: Page, seconds: float) -> None:
    """Waits until so much more has been played, by the engine's clock."""
    start = page.evaluate("studio.engine.now()")
    page.wait_for_function("end => studio.engine.now() >= end", arg=start + seconds)


def steady_level(page: Page) -> float:
    """The level of what sounds from now on, once it is steady."""
    begun = page.evaluate("studio.engine.now()") + WINDOW_SECONDS
    return page.wait_for_function(STEADY, arg=begun).json_value()


def wait_for_silence(page: Page) -> None:
    page.wait_for_function(SILENT)


def pick(page: Page, typed: str, instrument: str) -> None:
    page.get_by_role("combobox", name="Search instruments").click()
    page.keyboard.type(typed)
    page.keyboard.press("Enter")
    page.wait_for_function("name => studio.sound.instruments?.[name] === 1", arg=instrument)


def drop_file(page: Page, name: str, data: bytes) -> None:
    """Drops a file onto the middle of the page as a hand would."""
    page.evaluate(
        """([name, data]) => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))], name));
            for (const type of ["dragenter", "dragover", "drop"]) {
                const event = new DragEvent(type, { bubbles: true, cancelable: true, dataTransfer: transfer });
                document.querySelector("#desk").dispatchEvent(event);
            }
        }""",
        [name, base64.b64encode(data).decode()],
    )
