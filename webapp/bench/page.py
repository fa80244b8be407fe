"""How the page feels: drives it in a real Chromium, with the movements of a hand.

A time ends when the browser's audio engine is told to start a sound, which it does within one block of 128 samples;
what the sound card adds is not included. Needs playwright and Chromium, as the tests do.
"""

import math
import shutil
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    from playwright.sync_api import FloatRect, Locator, Page, Route

Figure = dict[str, float]
PageFigures = dict[str, Figure | str]

BROWSER_ARGUMENTS = (
    "--no-sandbox", "--disable-gpu", "--no-first-run", "--disable-background-networking", "--disable-component-update",
    "--disable-sync", "--enable-precise-memory-info",
)  # fmt: skip
DRAG_SECONDS = 5.0
STEPS_PER_SECOND = 30  # a hand's pointer events, thinned to what a browser hands on in frames
STOPS = 12  # of the hand at the end of a drag, each waiting for the exact sound
PATIENCE_MS = 60_000

# Every move of a hand with the sound it asks for, every sound the engine is told to start, and the level in between.
# Each sound is named by the text that stands for it; a mixture of keyframes counts as the sound it stands in for.
_WATCH = """() => {
  window.starts = [];
  window.moves = [];
  window.levels = [];
  const { engine } = studio;
  for (const name of ["live", "noteOn", "crossTo"]) {
    const before = engine[name];
    engine[name] = (...rest) => {
      const voice = before(...rest);
      starts.push([performance.now(), studio.heard ?? studio.soundText]);
      return voice;
    };
  }
  window.addEventListener("input", (event) => moves.push([event.timeStamp, studio.soundText]));
  setInterval(() => levels.push([performance.now(), engine.rms()]), 40);
}"""


def measure_page(address: str, seconds: float = DRAG_SECONDS) -> PageFigures:
    """Figures of the page at `address`: the morph's line and a slider dragged for `seconds` each (see `drag`), the map
    hovered over and zoomed, and the page's memory while it plays. A figure that cannot be measured is a sentence."""
    measures = {
        "morph_to_sound": lambda page: drag(page, ".line input", seconds),
        "slider_to_sound": lambda page: drag(page, "#sliders .slider input", seconds),
        "map_hover_to_sound": hover,
        "map_frames": frames,
        "memory_mb": playing_memory,
    }
    figures: PageFigures = {}
    try:
        with opened(address) as page:
            watch(page)
            for name, measure in measures.items():
                figures[name] = _attempted(measure, page)
    except Exception as cause:  # no browser, or one that fails: the app's other figures are worth having
        figures["browser"] = _sentence(cause)
    return figures


@contextmanager
def opened(address: str) -> Iterator["Page"]:
    """The page in Chromium, sound switched on by a real click."""
    from playwright.sync_api import sync_playwright

    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if chromium is None:
        raise OSError("there is no Chromium: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=list(BROWSER_ARGUMENTS))
        page = browser.new_context(viewport={"width": 1440, "height": 900}).new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)
        page.locator(".veil").click()
        page.locator(".veil").wait_for(state="hidden")
        yield page
        browser.close()


def watch(page: "Page") -> None:
    """From now on the page remembers moves, sounds and levels, which `drag` reads."""
    page.evaluate(_WATCH)


def _settle(page: "Page") -> None:
    page.wait_for_function("() => studio.blocks().every((block) => block.loaded) && studio.isQuiet()")


def _box(there: "Locator") -> "FloatRect":
    box = there.bounding_box()
    if box is None:
        raise ValueError(f"{there} is not visible")
    return box


def drag(page: "Page", selector: str, seconds: float) -> Figure:
    """Drag a slider back and forth for `seconds`: milliseconds from each move to the next sound that starts, the
    quietest moment of the drag (dB below its median level) once the first sound was there, and the milliseconds from
    the hand's stop to the exact sound (median of STOPS), where up to then keyframes stood in for it."""
    _settle(page)
    rail = page.locator(selector).first
    rail.scroll_into_view_if_needed()
    box = _box(rail)
    middle = box["y"] + box["height"] / 2
    page.evaluate("() => { starts.length = moves.length = levels.length = 0 }")
    page.mouse.move(box["x"] + 0.1 * box["width"], middle)
    page.mouse.down()
    began, step = time.monotonic(), 0
    while (passed := time.monotonic() - began) < seconds:
        place = 0.5 - 0.4 * abs(2 * ((passed / 2.5) % 1) - 1)  # once there and back in 2.5 s
        page.mouse.move(box["x"] + (0.1 + 1.6 * place) * box["width"], middle)
        step += 1
        time.sleep(max(0.0, began + step / STEPS_PER_SECOND - time.monotonic()))
    last = page.evaluate("performance.now()")
    moves, starts, levels = page.evaluate("[moves, starts, levels]")
    exact = []
    for stop in range(STOPS):
        for place in (0.5, 0.3 + 0.37 * (stop / STOPS)):
            page.mouse.move(box["x"] + place * box["width"], middle)
            page.wait_for_timeout(1000 / STEPS_PER_SECOND)
        page.wait_for_function("() => studio.isReady(studio.sound)")
        exact.append(page.evaluate("starts.at(-1)[0] - moves.at(-1)[0]"))
    page.mouse.up()
    waits = waits_of(moves, starts)
    if not waits:
        raise ValueError("the drag made no sound")
    heard = [level for at, level in levels if starts[0][0] + 300 < at < last]
    gap = 20 * math.log10(min(heard) / statistics.median(heard)) if heard and min(heard) > 0 else float("-inf")
    return _spread(waits) | {
        "exact_ms": round(statistics.median(exact), 1),
        "sounds": len(starts),
        "moves": len(moves),
        "quietest_db": round(gap, 1),
    }


def hover(page: "Page", points: int = 40) -> Figure:
    """Milliseconds from the pointer coming to rest on a point of the map to its sound, for `points` of them, each
    approached over its neighbours as a hand does."""
    page.wait_for_function("() => studio.map?.sky.painted.frames > 0")
    _settle(page)
    count = page.evaluate("studio.map.atlas.points")
    waits = []
    for number in range(points):
        place = page.evaluate("point => studio.map.client(point)", (number * 7919) % count)
        page.mouse.move(place["x"] - 6, place["y"] - 4, steps=2)
        page.evaluate("() => { starts.length = 0 }")
        began = page.evaluate("performance.now()")
        page.mouse.move(place["x"], place["y"])
        try:
            page.wait_for_function("() => starts.length > 0", timeout=3000)
        except Exception:  # two points at one place: the pointer was on this one's neighbour already
            continue
        waits.append(page.evaluate("starts[0][0]") - began)
    if not waits:
        raise ValueError("no point of the map made a sound")
    return _spread(waits)


def frames(page: "Page", points: int = 10_000, seconds: float = 3.0) -> Figure:
    """Frames a second that the map shows while it is zoomed without a pause, and the milliseconds it takes to paint
    one; its points are repeated until there are at least `points` of them."""
    crowded = page.context.new_page()
    try:
        _repeat_points(crowded, points)
        crowded.goto(page.url)
        crowded.wait_for_function("() => window.studio?.map?.sky.painted.frames > 0")
        _settle(crowded)
        box = _box(crowded.locator("#map .sky"))
        crowded.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
        crowded.evaluate(
            """() => { window.shown = [];
                const tick = (now) => { shown.push(now); window.ticking = requestAnimationFrame(tick); };
                requestAnimationFrame(tick); Object.assign(studio.map.sky.painted, { frames: 0, milliseconds: 0 }); }"""
        )
        began, step = time.monotonic(), 0
        while time.monotonic() - began < seconds:
            crowded.mouse.wheel(0, -40 if step % 40 < 20 else 40)
            step += 1
            time.sleep(1 / 120)
        shown, painted, count = crowded.evaluate("[shown, studio.map.sky.painted, studio.map.atlas.points]")
    finally:
        crowded.close()
    rate = 1000 * (len(shown) - 1) / (shown[-1] - shown[0])
    paint = painted["milliseconds"] / max(1, painted["frames"])
    return {
        "points": count,
        "frames_a_second": round(rate, 1),
        "painted": painted["frames"],
        "paint_ms": round(paint, 1),
    }


def _repeat_points(page: "Page", points: int) -> None:
    """Give the page a larger map than the model has: every point several times, each slightly displaced."""
    times: dict[str, int] = {}

    def describe(route: "Route") -> None:
        facts = route.fetch().json()
        times["count"], times["times"] = facts["points"], -(-points // facts["points"])
        route.fulfill(json=facts | {"points": facts["points"] * times["times"]})

    def repeat(route: "Route") -> None:
        body, count = route.fetch().body(), times["count"]
        row = 4 * count  # bytes of one number a point; places come first, two of them for each of two layouts
        random, parts = np.random.default_rng(0), []
        for start in (0, 2 * row):
            places = np.frombuffer(body[start : start + 2 * row], "<f4")
            parts += [
                (places + random.normal(0, 0.004, places.shape)).astype("<f4").tobytes() for _ in range(times["times"])
            ]
        for start in range(4 * row, len(body), row):
            parts += [body[start : start + row]] * times["times"]
        route.fulfill(body=b"".join(parts), content_type="application/octet-stream")

    page.route("**/atlas", describe)
    page.route("**/points?*", repeat)


def waits_of(moves: list[tuple[float, str]], starts: list[tuple[float, str]]) -> list[float]:
    """Milliseconds from each of `moves` (time, sound asked for) to the first of `starts` (time, sound that starts) that
    is its sound or a later one's. Moves that were never answered are left out."""
    newest = {sound: number for number, (_, sound) in enumerate(moves)}
    answers = [(at, newest[sound]) for at, sound in starts if sound in newest]
    waits = []
    for number, (moved, _) in enumerate(moves):
        heard = [at for at, answered in answers if at >= moved and answered >= number]
        if heard:
            waits.append(heard[0] - moved)
    return waits


def playing_memory(page: "Page", notes: int = 300) -> Figure:
    """The page's JavaScript memory in MB before, half way through and after `notes` new sounds, one after the other as
    fast as they arrive."""
    before = page.evaluate("performance.memory.usedJSHeapSize / 1e6")
    half = before
    for number in range(notes):
        page.evaluate("seed => studio.dispatch({ type: 'seed', seed })", number)
        page.wait_for_function("() => studio.blocks().some((block) => block.loaded)")
        if number == notes // 2:
            half = page.evaluate("performance.memory.usedJSHeapSize / 1e6")
    after = page.evaluate("performance.memory.usedJSHeapSize / 1e6")
    return {"before": round(before, 1), "half_way": round(half, 1), "after": round(after, 1)}


def _spread(milliseconds: list[float]) -> Figure:
    ordered = sorted(milliseconds)
    return {
        "median_ms": round(statistics.median(ordered), 1),
        "p95_ms": round(ordered[min(len(ordered) - 1, int(0.95 * len(ordered)))], 1),
        "max_ms": round(ordered[-1], 1),
        "runs": len(ordered),
    }


def _attempted(measure: Callable[["Page"], Figure], page: "Page") -> Figure | str:
    try:
        return measure(page)
    except Exception as cause:  # one figure that cannot be had must not take the others with it
        return _sentence(cause)


def _sentence(cause: Exception) -> str:
    return f"not measured: {(str(cause).splitlines() or [type(cause).__name__])[0]}"
