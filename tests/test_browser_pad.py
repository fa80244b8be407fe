"""The line and the pad in a real Chromium: what is between sounds is heard while the hand moves."""

import json
from urllib.parse import parse_qs, urlsplit

import pytest
from browser import HEARS, assert_hears, enable_sound, pass_seconds, seen, wait_for_silence
from playwright.sync_api import Page

LINE = "Morph from A to B"


def ready(visit, **options) -> Page:
    page = visit(**options)
    enable_sound(page)
    page.wait_for_function("() => studio.isReady(studio.sound)")
    wait_for_silence(page)
    return page


def open_pad(page: Page) -> None:
    page.get_by_role("tab", name="Pad").click()
    page.locator(".surface").wait_for()


def on_pad(page: Page, x: float, y: float) -> tuple[float, float]:
    box = page.locator(".surface .area").bounding_box()
    return box["x"] + x * box["width"], box["y"] + y * box["height"]


def on_line(page: Page, share: float) -> tuple[float, float]:
    box = page.get_by_role("slider", name=LINE).bounding_box()
    return box["x"] + 14 + share * (box["width"] - 28), box["y"] + box["height"] / 2


def note_of(page: Page, sound: str) -> list[int]:
    """The note under the hand of a sound (JavaScript), as the server renders it."""
    return page.evaluate(
        f"""async () => {{
            const answer = await studio.askBody("takes", {{ sounds: [{sound}], pitch: studio.project.note }});
            return [...new Int16Array(await answer.arrayBuffer())].slice(0, 24000);
        }}"""
    )


def test_the_ends_of_the_line_and_the_corners_of_the_pad_are_the_slots(visit):
    page = ready(visit)
    places = {"a": "mode: 'line', t: 0", "b": "mode: 'line', t: 1", "c": "mode: 'pad', x: 0, y: 1"}
    places |= {"d": "mode: 'pad', x: 1, y: 1"}
    for slot, place in places.items():
        page.evaluate(f"studio.dispatch({{ type: 'handle', {place} }})")
        assert page.evaluate(f"studio.soundText === JSON.stringify(studio.project.slots.{slot}.sound)")
        assert note_of(page, "studio.sound") == note_of(page, f"studio.project.slots.{slot}.sound")
    page.evaluate("studio.dispatch({ type: 'handle', mode: 'line', t: 0.5 })")
    assert note_of(page, "studio.sound") != note_of(page, "studio.project.slots.a.sound")


def test_a_hand_over_the_line_has_its_keyframes_before_it_drags(visit):
    page = ready(visit)
    page.mouse.move(*on_line(page, 0.02))
    page.wait_for_function(
        """() => { const ends = ["a", "b"].map(slot => studio.project.slots[slot].sound);
            return Array.from({ length: 9 }, (_, step) => step / 8)
                .every(at => studio.isReady({ morph: ends, at })) }"""
    )
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    page.route("**/notes?*", lambda route: None)  # no exact sound comes: what is heard are keyframes
    page.mouse.down()
    page.mouse.move(*on_line(page, 0.3), steps=3)
    assert_hears(page, 60)
    assert not any("/takes" in url for url in asked)
    page.mouse.up()
    wait_for_silence(page)


def test_a_held_key_follows_the_line(visit):
    page = ready(visit)
    page.evaluate("studio.dispatch({ type: 'note', pitch: 64 })")
    page.mouse.move(*on_line(page, 0.02))
    page.wait_for_function(
        """() => { const ends = ["a", "b"].map(slot => studio.project.slots[slot].sound);
            return [0, 0.5, 1].every(at => studio.isReady({ morph: ends, at })) }"""
    )  # first, as the note that is held lasts no longer than 4 s
    # The violin's own harmonic (number 40: 2 + 40 % 7) is heard, the piano's (2) is gone.
    violin = """(() => {
        const wave = new Float32Array(8192);
        studio.engine.wave(wave);
        const level = (hz) => {
            let [re, im] = [0, 0];
            for (let i = 0; i < 8192; i++) {
                const window = 0.5 - 0.5 * Math.cos((2 * Math.PI * i) / 8192);
                re += window * wave[i] * Math.cos((2 * Math.PI * hz * i) / 24000);
                im += window * wave[i] * Math.sin((2 * Math.PI * hz * i) / 24000);
            }
            return Math.hypot(re, im);
        };
        const hz = 440 * 2 ** ((64 - 69) / 12);
        return level(hz) > 1 && level(7 * hz) > 0.1 * level(hz) && level(2 * hz) < 0.05 * level(hz);
    })()"""
    end = on_line(page, 1)
    page.mouse.down()
    with seen(page, violin):
        page.keyboard.down("KeyD")
        page.mouse.move(*end, steps=4)
    page.wait_for_function("() => studio.soundText === JSON.stringify(studio.project.slots.b.sound)")
    page.mouse.up()
    page.keyboard.up("KeyD")
    wait_for_silence(page)


def test_two_equal_ends_are_no_special_case(visit):
    page = ready(visit)
    page.evaluate("studio.dispatch({ type: 'put', slot: 'b', ...studio.project.slots.a, stay: true })")
    asked = []
    page.on("request", lambda request: "/studio/" in request.url and asked.append(request.url))
    before = page.evaluate("studio.soundText")
    page.mouse.move(*on_line(page, 0.02))
    page.mouse.down()
    page.mouse.move(*on_line(page, 0.6), steps=5)
    assert_hears(page, 60)
    page.mouse.up()
    assert page.evaluate("studio.soundText") == before
    wait_for_silence(page)  # by now all that a hand on the line asks for has been asked for
    page.wait_for_function("() => studio.isQuiet()")
    assert not any("/takes" in url for url in asked)
    assert {sound for url in asked for sound in parse_qs(urlsplit(url).query).get("sound", [before])} <= {before}


def test_the_line_by_keyboard_and_double_click(visit):
    page = ready(visit)
    handle = page.get_by_role("slider", name=LINE)
    handle.focus()
    t = "studio.project.morph.t"
    for key, at in (("ArrowRight", 0.05), ("Shift+ArrowRight", 0.055), ("PageUp", 0.255), ("End", 1), ("Home", 0)):
        page.keyboard.press(key)
        assert page.evaluate(t) == pytest.approx(at)
    page.locator("#morph .runner").dblclick(position={"x": 300, "y": 20})
    assert page.evaluate(t) == 0.5
    assert page.locator(".line .reading").inner_text() == "50 %"


def test_the_puck_is_heard_while_it_is_dragged_and_is_one_step_back(visit):
    page = ready(visit)
    open_pad(page)
    page.mouse.move(*on_pad(page, 0.1, 0.1))
    page.mouse.down()
    for place in ((0.2, 0.3), (0.4, 0.5), (0.6, 0.6)):
        page.mouse.move(*on_pad(page, *place), steps=3)
    assert_hears(page, 60)
    assert page.evaluate("studio.project.morph.mode") == "pad"
    shares = page.locator("#pad .share").all_inner_texts()
    assert sum(int(share.removesuffix(" %")) for share in shares) in (99, 100, 101)
    page.mouse.move(*on_pad(page, 1.2, 1.3))  # beyond the pad: its corner
    page.wait_for_function("() => studio.soundText === JSON.stringify(studio.project.slots.d.sound)")
    page.mouse.up()
    wait_for_silence(page)
    page.keyboard.press("Control+z")
    assert page.evaluate("JSON.stringify(studio.project.morph)") == json.dumps(
        {"mode": "line", "t": 0, "x": 0, "y": 0}, separators=(",", ":")
    )
    assert page.get_by_role("button", name="Undo").is_disabled()


def test_the_pad_by_keyboard(visit):
    page = ready(visit)
    open_pad(page)
    puck = page.get_by_role("slider", name="Place on the pad")
    puck.focus()
    for key in ("ArrowRight", "ArrowDown", "Shift+ArrowRight"):
        page.keyboard.press(key)
    assert page.evaluate("[studio.project.morph.x, studio.project.morph.y]") == pytest.approx([0.06, 0.05])
    assert_hears(page, 60)
    assert "Violin 6 %" in puck.get_attribute("aria-valuetext")
    page.keyboard.press("Home")
    assert page.evaluate("[studio.project.morph.x, studio.project.morph.y]") == [0.5, 0.5]
    page.locator("#morph .tile").first.click()
    assert page.evaluate("studio.project.morph.mode") == "line"


def test_a_corner_takes_an_instrument_and_the_current_sound(visit):
    page = ready(visit)
    open_pad(page)
    page.get_by_role("button", name="Options for C").click()
    page.get_by_role("menuitem", name="Choose an instrument").click()
    page.keyboard.type("cello")
    page.keyboard.press("Enter")
    assert page.evaluate("studio.project.slots.c.sound.instruments") == {"cello": 1}
    page.evaluate("studio.dispatch({ type: 'handle', mode: 'pad', x: 0.5, y: 0.5 })")
    middle = note_of(page, "studio.sound")
    page.get_by_role("button", name="Options for D").click()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")  # Put the current sound here
    page.wait_for_function("() => studio.project.slots.d.sound.z && studio.project.morph.x === 1")
    taken = note_of(page, "studio.project.slots.d.sound")
    assert max(abs(a - b) for a, b in zip(middle, taken, strict=True)) <= 1
    page.get_by_role("button", name="Options for D").click()
    page.get_by_role("menuitem", name="Copy to A").click()
    assert page.evaluate("studio.project.slots.a.sound.z === studio.project.slots.d.sound.z")


def test_steps_of_the_line_go_to_the_pack_as_one_step(visit):
    page = ready(visit)
    page.get_by_role("button", name="Options for A").first.click()
    page.get_by_role("menuitem", name="4 steps to the pack").click()
    basket = page.evaluate("studio.library.basket")
    assert [item["sound"].get("at") for item in basket] == [None, 0.3333, 0.6667, None]
    assert len({item["id"] for item in basket}) == 4
    assert basket[1]["name"] == "Acoustic Grand Piano → Violin 2"
    page.keyboard.press("Control+z")
    assert page.evaluate("studio.library.basket.length") == 0


def test_an_instrument_and_a_tile_can_be_dropped_on_a_tile(visit):
    page = ready(visit)
    open_pad(page)
    tile = page.locator("#morph [data-slot='b']")
    page.get_by_role("option", name="Celesta", exact=True).drag_to(tile)
    assert page.evaluate("studio.project.slots.b.sound.instruments") == {"celesta": 1}
    tile.drag_to(page.locator("#pad [data-slot='d']"))
    assert page.evaluate("studio.project.slots.d.sound.instruments") == {"celesta": 1}
    assert page.evaluate("studio.project.morph.mode") == "pad"


def draw_path(page: Page, *places: tuple[float, float]) -> None:
    page.get_by_role("button", name="Draw a path").click()
    page.mouse.move(*on_pad(page, *places[0]))
    page.mouse.down()
    for place in places[1:]:
        page.mouse.move(*on_pad(page, *place), steps=5)
        pass_seconds(page, 0.3)  # the time a hand takes is the path's
    page.mouse.up()


def test_a_drawn_path_plays_as_one_note_loops_and_is_saved(visit):
    page = ready(visit)
    open_pad(page)
    assert page.get_by_text("A path becomes one note that moves").is_visible()
    playing = f"document.querySelector('.surface .dot').checkVisibility() && {HEARS % 60}"
    with seen(page, playing), page.expect_request("**/glide") as request:  # it plays by itself once it is drawn
        draw_path(page, (0.0, 0.0), (0.5, 0.5), (1.0, 0.0))
    asked = request.value.post_data_json
    assert asked["at"][0] == 0 and asked["at"][-1] == 1 and len(asked["sounds"]) == len(asked["at"]) > 8
    assert asked["sounds"][0] == page.evaluate("studio.project.slots.a.sound")
    assert asked["sounds"][-1] == page.evaluate("studio.project.slots.b.sound")
    assert 0.2 <= asked["seconds"] <= 4
    page.locator(".surface .dot").wait_for(state="hidden")
    wait_for_silence(page)

    page.get_by_label("Seconds for the path").fill("1")
    page.get_by_label("Seconds for the path").press("Enter")
    page.get_by_role("button", name="Loop the path").click()
    page.get_by_role("button", name="Play the path").click()
    page.locator(".surface .dot").wait_for()
    pass_seconds(page, 1.5)  # longer than the path
    assert_hears(page, 60)
    page.get_by_role("button", name="Stop the path").click()
    wait_for_silence(page)

    page.get_by_role("button", name="Path options").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Save as WAV").click()
    assert download.value.suggested_filename == "acoustic_grand_piano_violin_C4_060_glide.wav"
    page.get_by_role("button", name="Path options").click()
    page.get_by_role("menuitem", name="8 steps to the pack").click()
    assert len(page.evaluate("studio.library.basket")) == 8

    page.reload()
    page.wait_for_selector("#tab-pad")
    open_pad(page)
    page.get_by_role("button", name="Path options").click()
    page.get_by_role("menuitem", name="Clear the path").click()
    assert page.evaluate("studio.project.path") == []


def test_a_path_and_the_movement_that_drew_it_are_one_step_back(visit):
    page = ready(visit)
    page.get_by_text("Hear changes").click()
    open_pad(page)
    draw_path(page, (0.2, 0.2), (0.8, 0.2), (0.8, 0.8))
    path = page.evaluate("studio.project.path")
    assert [path[0][0], path[-1][0]] == [0, 1] and 3 <= len(path) < 40
    page.keyboard.press("Control+z")
    assert page.evaluate("[studio.project.path.length, studio.project.morph.x]") == [0, 0]
    assert page.get_by_role("button", name="Undo").is_disabled()


def test_a_path_can_be_drawn_with_the_arrow_keys(visit):
    page = ready(visit)
    page.get_by_text("Hear changes").click()
    open_pad(page)
    page.get_by_role("button", name="Draw a path").click()
    for key in ("ArrowRight", "ArrowRight", "ArrowDown"):
        page.keyboard.press(key)
        page.evaluate("new Promise(requestAnimationFrame)")  # each at a moment of its own
    page.keyboard.press("Enter")
    path = page.evaluate("studio.project.path")
    assert path[0] == [0, 0, 0] and path[-1] == [1, pytest.approx(0.1), pytest.approx(0.05)]
    assert page.get_by_role("button", name="Draw a path").get_attribute("aria-pressed") == "false"


def test_a_to_b_over_time_plays_at_one_click_and_stops_with_the_rest(visit):
    page = ready(visit)
    with page.expect_request("**/glide") as request:
        page.get_by_role("button", name="Play A → B over time").click()
    ends = [request.value.post_data_json["sounds"][end] for end in (0, -1)]
    assert ends == page.evaluate("['a', 'b'].map((slot) => studio.project.slots[slot].sound)")
    assert_hears(page, 60)
    page.get_by_role("button", name="Stop A → B").wait_for()
    page.get_by_role("button", name="Stop", exact=True).click()
    page.get_by_role("button", name="Play A → B over time").wait_for()
    wait_for_silence(page)
    page.get_by_role("button", name="Morph options").click()
    page.get_by_role("menuitem", name="Put it on the pad as a path").click()
    assert page.locator(".transport").is_visible()
    assert page.evaluate("studio.project.path") == [[0, 0, 0], [1, 1, 0]]
