"""The panel in a real Chromium: on every screen, under fingers, with keyboards of other languages."""

import dataclasses

import pytest
from browser import enable_sound, pick, wait_for_silence
from playwright.sync_api import Page

from gansynth_core import Reach, Steering

# What Playwright's devices of these names have.
PHONES = {
    "iPhone 13": {"width": 390, "height": 664, "device_scale_factor": 3},
    "Pixel 7": {"width": 412, "height": 839, "device_scale_factor": 2.625},
    "iPad": {"width": 810, "height": 1080, "device_scale_factor": 2},
}
SCREENS = [
    (360, 640),
    (390, 844),
    (768, 1024),
    (1024, 600),
    (1280, 720),
    (1366, 768),
    (1440, 900),
    (1920, 1080),
    (2560, 1440),
]
ROOMS = ["instruments", "favourites", "history", "map", "picture", "pad", "variations", "sliders", "envelope", "pack"]

# Texts that are cut off by what they lie in or by the window, or that lie over others; all that is shown is looked at.
FAULTS = r"""() => {
    const shown = (element) => element.checkVisibility({ visibilityProperty: true, opacityProperty: true });
    const faults = [];
    const texts = [];
    const opaque = (element) => !/, 0(\.\d+)?\)|transparent|\/ 0/.test(getComputedStyle(element).backgroundColor);
    const seen = (element, box) => { // not under something opaque that lies over what scrolls
        let at = document.elementFromPoint((box.left + box.right) / 2, (box.top + box.bottom) / 2);
        while (at && !at.contains(element) && !element.contains(at) && !opaque(at)) at = at.parentElement;
        return !at || at.contains(element) || element.contains(at);
    };
    for (const element of document.querySelectorAll(".room *")) {
        if (!(element instanceof HTMLElement) || element.closest(".said, .key, .cut-name") || !shown(element)) continue;
        if (![...element.childNodes].some((node) => node.nodeType === Node.TEXT_NODE && node.data.trim())) continue;
        const range = document.createRange();
        range.selectNodeContents(element);
        const box = range.getBoundingClientRect();
        if (box.width < 2) continue;
        const words = `${element.tagName}.${element.className} "${element.textContent.trim().slice(0, 40)}"`;
        let scrolls = false, hidden = false, part = false;
        for (let at = element; at && at !== document.body; at = at.parentElement) {
            const { overflowX, overflowY } = getComputedStyle(at);
            const frame = at.getBoundingClientRect();
            const above = box.bottom <= frame.top + 1, below = box.top >= frame.bottom - 1;
            if ((above || below) && overflowY !== "visible") hidden = true; // scrolled away, or left out whole
            if (/auto|scroll/.test(overflowX + overflowY)) scrolls = true;
            const beyond = box.left < frame.left - 1 || box.right > frame.right + 1;
            if (beyond && !scrolls && !hidden && overflowX !== "visible") faults.push(`cut: ${words}`);
            const lower = box.top < frame.top - 1 || box.bottom > frame.bottom + 1;
            if ((beyond && overflowX !== "visible") || (lower && overflowY !== "visible")) part = true;
            if (lower && !scrolls && !hidden && overflowY !== "visible") faults.push(`cut above or below: ${words}`);
        }
        if (hidden || (scrolls && (part || !seen(element, box)))) continue;
        if (!scrolls && (box.right > innerWidth + 1 || box.left < -1)) faults.push(`outside: ${words}`);
        texts.push({ box, words, element });
    }
    for (const [at, { box, words, element }] of texts.entries())
        for (const other of texts.slice(at + 1)) {
            if (element.contains(other.element) || other.element.contains(element)) continue;
            const across = Math.min(box.right, other.box.right) - Math.max(box.left, other.box.left);
            const down = Math.min(box.bottom, other.box.bottom) - Math.max(box.top, other.box.top);
            if (across > 2 && down > 4) faults.push(`over each other: ${words} and ${other.words}`);
        }
    for (const { box, words, element } of texts)
        for (const slot of [...document.querySelectorAll(".room-morph .tile")].filter(shown)) {
            const frame = slot.getBoundingClientRect();
            const across = Math.min(box.right, frame.right) - Math.max(box.left, frame.left);
            const down = Math.min(box.bottom, frame.bottom) - Math.max(box.top, frame.top);
            if (across > 2 && down > 1 && !slot.parentElement.contains(element)) faults.push(`over a slot: ${words}`);
        }
    const pen = document.createElement("canvas").getContext("2d");
    for (const select of [...document.querySelectorAll(".room select")].filter(shown)) {
        const { font, paddingLeft, paddingRight } = getComputedStyle(select);
        pen.font = font;
        const arrow = 18, words = select.selectedOptions[0]?.text ?? "";
        const room = select.clientWidth - parseFloat(paddingLeft) - parseFloat(paddingRight) - arrow;
        if (pen.measureText(words).width > room + 1) faults.push(`cut option: ${words} (${Math.round(room)} pixels)`);
    }
    for (const head of [...document.querySelectorAll(".cut-name .head")].filter(shown))
        if (head.scrollWidth > head.clientWidth && head.clientWidth < 30) faults.push(`cut: ${head.textContent}`);
    const piano = document.querySelector("#piano").getBoundingClientRect();
    if (piano.bottom > innerHeight + 1 || piano.top < 0) faults.push(`piano at ${piano.top} to ${piano.bottom}`);
    const keys = document.querySelector(".keys").getBoundingClientRect();
    if (keys.height < 80) faults.push(`keys of ${keys.height} pixels`);
    if (document.documentElement.scrollWidth > innerWidth) faults.push("the page scrolls sideways");
    return [...new Set(faults)];
}"""


@pytest.fixture(scope="module")
def address(mapped_address):
    return mapped_address


def show(page: Page, room: str) -> None:
    """Brings a room to the front, on a phone too, where its tab may not be in sight."""
    page.evaluate("room => document.getElementById(`tab-${room}`).click()", room)
    page.wait_for_function("room => document.getElementById(room).checkVisibility()", arg=room)


@pytest.mark.slow
def test_nothing_is_cut_or_covered_on_any_screen_and_the_piano_is_in_sight(visit):
    page = visit(color_scheme="dark")
    page.locator(".veil").click()
    pick(page, "honky", "honky_tonk_piano")
    page.keyboard.press("KeyB")
    page.evaluate(
        """() => {
            studio.dispatch({ type: "seed", seed: 41877 });
            const sound = { instruments: { acoustic_grand_piano: 1 }, seed: 98765 };
            studio.dispatch({ type: "put", slot: "b", sound });
            studio.dispatch({ type: "handle", mode: "line", t: 0 });
            studio.dispatch({ type: "slide", sliders: { "component 1": 1.23 } });
            const name = "A name that somebody typed in full, from its beginning to its end, take 01";
            studio.dispatch({ type: "put", slot: "c", sound, name, stay: true });
            studio.dispatch({ type: "put", slot: "b", sound, name, stay: true });
            studio.library.keep("basket", [{ id: "1", tags: [], sound, name, note: 60 }], studio.project.patch);
            for (const fold of document.querySelectorAll("#pack details")) fold.open = true;
        }"""
    )
    found = {}
    for width, height in SCREENS:
        page.set_viewport_size({"width": width, "height": height})
        for room in ROOMS:
            show(page, room)
            page.evaluate("() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
            if faults := page.evaluate(FAULTS):
                found[f"{width} x {height}, {room}"] = faults
    assert found == {}


def touch(session, kind: str, *places: tuple[float, float]) -> None:
    points = [{"x": x, "y": y} for x, y in places]
    session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})


@pytest.mark.parametrize("device", PHONES)
def test_fingers_move_sliders_along_and_scroll_across_them(visit, device):
    page = visit(**PHONES[device], has_touch=True, is_mobile=True)
    page.locator(".veil").tap()
    show(page, "sliders")
    session = page.context.new_cdp_session(page)
    rail = page.locator("#sliders .slider .runner").nth(1)
    rail.scroll_into_view_if_needed()
    box = rail.bounding_box()
    assert box["width"] > 200 and box["height"] >= 44
    x, y = box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2
    value = "Number(document.querySelectorAll('#sliders .slider input')[1].value)"

    touch(session, "touchStart", (x, y))
    for step in range(1, 15):
        touch(session, "touchMove", (x + step % 2, y - 4 * step))
    touch(session, "touchEnd")
    assert page.evaluate(value) == 0
    assert not page.evaluate("studio.sound.sliders")

    rail.scroll_into_view_if_needed()
    box = rail.bounding_box()
    y = box["y"] + box["height"] / 2
    touch(session, "touchStart", (x, y))
    values = []
    for step in range(1, 21):
        touch(session, "touchMove", (x - 2 * step, y))
        values.append(page.evaluate(value))
    touch(session, "touchEnd")
    pixel = 6 / (box["width"] - 16)
    steps = [before - after for before, after in zip([0.0, *values], values, strict=False)]
    assert min(steps) >= 0 and max(steps) < 3.5 * 2 * pixel  # neither dead nor a leap
    assert values[-1] == pytest.approx(-36 * pixel, abs=6 * pixel)
    assert page.evaluate("studio.undoes()") == "sliders"


def test_on_a_phone_targets_fit_fingers_and_a_tap_lets_hear_before_it_takes(visit):
    page = visit(390, 664, has_touch=True, is_mobile=True)
    page.locator(".veil").tap()
    page.locator(".veil").wait_for(state="hidden")
    small = """() => [...document.querySelectorAll(".room button, .room select, .room input:not([type='checkbox'])")]
        .filter((one) => one.checkVisibility() && !one.matches(".key, .families button, .tag, .hint-line button"))
        .map((one) => [one, (one.closest(".runner") ?? one).getBoundingClientRect()])
        .filter(([, box]) => box.width < 40 || box.height < 40)
        .map(([one]) => one.outerHTML.slice(0, 90))"""
    for room in ("instruments", "map", "sliders"):
        show(page, room)
        assert page.evaluate(small) == [], room
    show(page, "map")
    before = page.locator("#map .sky").bounding_box()
    piano = page.locator("#piano").bounding_box()
    assert before["y"] + before["height"] <= piano["y"]
    page.get_by_role("button", name="Fold the keys away").tap()
    page.wait_for_function(
        "height => document.querySelector('#map .sky').clientHeight > height + 30", arg=before["height"]
    )

    show(page, "variations")
    page.wait_for_selector(".litter[aria-busy='false']")
    page.get_by_text("Tap to hear, tap again").wait_for()
    wait_for_silence(page)
    bench = page.evaluate("studio.soundText")
    page.locator(".litter .pick").first.tap()
    page.wait_for_function("() => studio.engine.rms() > 0.01")
    assert page.evaluate("studio.soundText") == bench
    page.locator(".litter .pick").first.tap()
    page.wait_for_function("bench => studio.soundText !== bench", arg=bench)


def press(page: Page, key: str, code: str, modifiers: int = 0) -> None:
    """A key as a keyboard of another layout sends it."""
    session = page.context.new_cdp_session(page)
    for kind in ("rawKeyDown", "keyUp"):
        session.send("Input.dispatchKeyEvent", {"type": kind, "key": key, "code": code, "modifiers": modifiers})
    session.detach()


def test_keys_belong_to_the_instrument_wherever_the_focus_is(visit):
    page = visit()
    enable_sound(page)
    page.get_by_role("button", name="Another seed").click()
    seed = page.evaluate("studio.sound.seed")
    page.keyboard.down("Space")
    assert page.evaluate("studio.keys().pedal") is True
    page.keyboard.up("Space")
    assert page.evaluate("[studio.sound.seed, studio.keys().pedal]") == [seed, False]
    page.get_by_role("combobox", name="Phrase").select_option("chords")
    page.get_by_role("combobox", name="Phrase").focus()
    page.keyboard.down("KeyA")
    page.keyboard.down("KeyD")
    assert page.evaluate("[...studio.keys().down].join()") == "60,64"
    page.keyboard.up("KeyA")
    page.keyboard.up("KeyD")
    assert page.evaluate("studio.project.phrase.name") == "chords"
    page.get_by_text("Hold", exact=True).click()
    page.keyboard.press("Enter")  # switches too: the space bar is the pedal
    assert page.evaluate("studio.project.hold") is False

    press(page, "я", "KeyZ", modifiers=2)  # Ctrl+Z on a Cyrillic keyboard
    page.wait_for_function("() => studio.sound.seed === 0")
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keyboard shortcuts")
    sheet.wait_for()
    assert "Sustain pedal" in sheet.inner_text()
    page.keyboard.press("Escape")
    sheet.wait_for(state="hidden")


def test_keys_are_labelled_as_they_are_printed(visit):
    page = visit(fresh=True)  # for the script it adds
    page.add_init_script(
        """Object.defineProperty(navigator, "keyboard", { value: { getLayoutMap: async () => new Map(Object.entries({
            KeyA: "q", KeyW: "z", KeyS: "s", KeyE: "e", KeyZ: "w", Semicolon: "m", Quote: "ù" })) } });"""
    )
    page.reload()
    page.wait_for_selector(".key[data-letter='Q']")
    assert page.locator("[data-pitch='61']").get_attribute("data-letter") == "Z"
    assert page.locator(".rail .hint").inner_text().split()[:2] == ["Q\N{EN DASH}Ù", "play"]
    assert page.get_by_role("button", name="Octave down").get_attribute("title") == "Octave down (W)"
    page.get_by_text("press Q S D F").wait_for()
    press(page, "Z", "KeyW", modifiers=2)  # what is printed counts
    page.get_by_role("button", name="Redo").wait_for()


def test_line_and_pad_show_the_one_place_that_plays(visit):
    page = visit()
    enable_sound(page)
    page.get_by_role("tab", name="Pad").click()
    page.evaluate("studio.dispatch({ type: 'handle', mode: 'pad', x: 0.6, y: 0.6 })")
    assert page.get_by_role("slider", name="Morph from A to B").input_value() == "0.6"
    page.locator(".room-morph.aside").wait_for()
    assert page.locator("#morph .reading").inner_text() == "on the pad"
    page.evaluate("studio.dispatch({ type: 'handle', mode: 'line', t: 0.25 })")
    assert page.locator(".puck").evaluate("puck => [puck.style.left, puck.style.top]") == ["25%", "0%"]
    page.get_by_role("option", name="Flute", exact=True).click()
    page.wait_for_function("() => studio.project.slots.a.sound.instruments.flute === 1")
    assert page.evaluate("studio.project.morph.t") == 0.25  # a change of an end keeps the place between


def test_tabs_are_remembered_and_messages_stay_in_the_top_line(visit):
    page = visit()
    page.get_by_role("tab", name="Pad").click()
    page.get_by_role("tab", name="Envelope").click()
    page.reload()
    page.wait_for_selector(".surface")
    assert page.get_by_role("tab", name="Pad").get_attribute("aria-selected") == "true"
    assert page.get_by_role("tab", name="Envelope").get_attribute("aria-selected") == "true"
    page.get_by_role("tab", name="Pack").click()
    page.get_by_role("button", name="Add current sound").click()
    for _ in range(2):
        page.get_by_role("button", name="Add current sound").click()
    page.locator(".toast", has_text="is already in the pack basket").wait_for()
    assert page.locator(".toast").count() == 1
    message = page.locator(".toast").bounding_box()
    assert message["y"] + message["height"] <= page.locator("#morph").bounding_box()["y"]


class Followed:
    """A predictor of any sound: brightness goes both ways, the attack hardly at all, and decay only up."""

    aspects = ("brightness", "attack", "decay")

    def reach(self, timbre):
        return {
            "brightness": Reach(490.0, 630.0, 2836.0, down=True, up=True),
            "attack": Reach(0.1, 0.1, 0.101, down=False, up=False),
            "decay": Reach(1.0, 1.0, 12.0, down=False, up=True),
        }

    def steer(self, timbre, amounts):
        return dataclasses.replace(timbre, z=(amounts.get("brightness", 0.0), *timbre.z[1:]))


def test_sliders_that_follow_the_sound_show_how_far_they_go(visit, monkeypatch):
    monkeypatch.setattr(Steering, "find", lambda card: Followed())
    page = visit()
    named = {name: page.get_by_role("slider", name=name) for name in ("Brightness", "Decay")}
    rows = {name: page.locator("#sliders .slider", has=slider) for name, slider in named.items()}
    page.get_by_text("2.8 kHz").wait_for()
    assert rows["Brightness"].locator(".reach i").all_inner_texts() == ["490 Hz", "2.8 kHz"]
    assert rows["Decay"].locator(".reach i").all_inner_texts() == ["", "12 dB/s"]
    assert "its attack has no room that would be heard" in page.locator("#sliders .slider.roomless").get_attribute(
        "title"
    )
    ends = "row => ['--from', '--to'].map((name) => row.style.getPropertyValue(name))"
    assert rows["Decay"].evaluate(ends) == ["50%", "100%"] and rows["Brightness"].evaluate(ends) == ["0%", "100%"]
    page.get_by_role("slider", name="Brightness").press("ArrowRight")
    page.wait_for_function("() => studio.project.slots.a.sound.sliders?.['steered brightness'] === 0.1")
    assert page.evaluate(FAULTS) == []
