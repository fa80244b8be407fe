"""The app in a real Chromium under the real autoplay policy: what a visitor does, and what then leaves the loudspeaker.

Sound is measured by the analyser at the engine's output.
"""

import contextlib
from urllib.parse import parse_qs, urlsplit

import pytest
from browser import HEARD, PATIENCE_MS, assert_hears, at_key, enable_sound, pass_seconds, pick, wait_for_silence
from serving import served
from sine_voice import QuickSines, sine_card, sine_synth

from gansynth_core import ModelError, Synth
from webapp.bench.page import drag, watch
from webapp.player import Player


def test_a_visitor_picks_a_violin_and_hears_the_keys(visit):
    page = visit()
    assert page.locator(".veil").is_visible()
    enable_sound(page)
    page.get_by_text("Hear changes").click()  # only the keys shall sound in this test
    pick(page, "violin", "violin")
    assert page.get_by_role("option", name="Violin", exact=True).get_attribute("aria-selected") == "true"
    page.wait_for_selector("h2:text-is('Violin')")

    page.mouse.move(*at_key(page, 69))
    page.mouse.down()
    assert page.locator("[data-pitch='69']").get_attribute("aria-pressed") == "true"
    assert_hears(page, 69)
    page.mouse.up()
    assert page.locator("[data-pitch='69']").get_attribute("aria-pressed") == "false"
    wait_for_silence(page)

    page.keyboard.down("KeyD")  # the third white key from C4
    assert_hears(page, 64)
    page.keyboard.up("KeyD")
    wait_for_silence(page)

    page.keyboard.press("KeyX")  # an octave up
    page.keyboard.down("KeyA")
    assert_hears(page, 72)
    page.keyboard.up("KeyA")


def test_sound_is_off_until_a_gesture_and_then_the_key_itself_enables_it(visit):
    page = visit(fresh=True)
    # page.evaluate would count as a gesture: what the page shows has to do.
    rail = page.get_by_role("slider", name="Morph from A to B").bounding_box()
    with page.expect_request("**/takes"):  # what a pointer that has rested on the line asks for
        page.mouse.move(rail["x"] + rail["width"] / 2, rail["y"] + rail["height"] / 2)
    assert page.locator(".veil").is_visible()
    page.keyboard.down("KeyA")
    page.locator(".veil").wait_for(state="hidden")
    assert_hears(page, 60)
    page.keyboard.up("KeyA")


def test_sliding_over_the_keys_plays_each_and_leaves_none_behind(visit):
    page = visit()
    enable_sound(page)
    page.wait_for_function("() => studio.blocks().every(block => block.loaded)")
    page.mouse.move(*at_key(page, 60))
    page.mouse.down()
    for pitch in (62, 64, 65):
        page.mouse.move(*at_key(page, pitch))
    assert page.locator(".key.down").count() == 1
    assert_hears(page, 65)
    page.mouse.move(700, 400)  # off the piano, button still down
    assert page.locator(".key.down").count() == 0
    page.mouse.up()
    wait_for_silence(page)


def test_letters_typed_into_a_field_do_not_play(visit):
    page = visit()
    enable_sound(page)
    page.wait_for_function("() => studio.blocks().every(block => block.loaded)")
    page.get_by_role("combobox", name="Search instruments").click()
    page.keyboard.down("KeyA")
    assert page.locator(".key.down").count() == 0
    page.keyboard.up("KeyA")
    page.get_by_label("Seed", exact=True).click()
    page.keyboard.down("KeyE")
    assert page.locator(".key.down").count() == 0
    page.keyboard.up("KeyE")


def test_a_key_pressed_before_its_octave_is_there_waits_and_then_sounds(visit):
    page = visit()
    enable_sound(page)
    page.wait_for_function("() => studio.blocks().every(block => block.loaded)")
    held_back, let_through = [], []
    page.route("**/notes?*", lambda route: route.continue_() if let_through else held_back.append(route))
    page.get_by_label("Seed", exact=True).fill("99")
    page.get_by_label("Seed", exact=True).press("Enter")
    page.mouse.move(*at_key(page, 41))
    page.mouse.down()
    page.wait_for_selector("[data-pitch='41'].waiting")
    let_through.append(True)
    for route in held_back:
        route.continue_()
    assert_hears(page, 41)
    assert page.locator(".waiting").count() == 0
    page.mouse.up()


def test_hold_keeps_a_note_until_stop(visit):
    page = visit()
    enable_sound(page)
    page.wait_for_function("() => studio.blocks().every(block => block.loaded)")
    page.get_by_text("Hold", exact=True).click()
    page.keyboard.press("KeyA")
    pass_seconds(page, 0.7)  # well past the release of a note that is not held
    assert_hears(page, 60)
    page.get_by_role("button", name="Stop").click()
    wait_for_silence(page)


def test_sliders_change_the_sound_and_reset_moves_them_back(visit):
    page = visit()
    enable_sound(page)
    first = page.locator("#sliders .slider input").first
    first.focus()
    for _ in range(4):
        page.keyboard.press("ArrowRight")
    page.keyboard.press("Shift+ArrowRight")
    page.wait_for_function("() => Math.abs(studio.sound.sliders['component 1'] - 0.41) < 1e-6")
    page.get_by_role("button", name="Reset sliders").click()
    page.wait_for_function("() => !studio.sound.sliders")
    assert first.input_value() == "0"
    page.get_by_role("button", name="Undo").click()
    page.wait_for_function("() => Math.abs(studio.sound.sliders['component 1'] - 0.41) < 1e-6")


def test_a_slider_is_heard_while_it_is_dragged_and_is_one_step_back(visit):
    page = visit()
    enable_sound(page)
    page.wait_for_function("() => studio.blocks().every(block => block.loaded)")
    wait_for_silence(page)
    box = page.locator("#sliders .slider input").first.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    for share in (0.6, 0.7, 0.8, 0.9):
        page.mouse.move(box["x"] + box["width"] * share, middle)
    assert_hears(page, 60)
    pass_seconds(page, 2.5)  # longer than the note is played before it starts anew
    assert_hears(page, 60)
    page.mouse.up()
    wait_for_silence(page)
    assert page.evaluate("studio.sound.sliders['component 1']") > 1.5
    page.keyboard.press("Control+z")
    page.wait_for_function("() => !studio.sound.sliders")


def test_a_slider_under_the_hand_is_heard_at_once_and_exactly_where_it_rests(visit):
    page = visit()
    enable_sound(page)
    page.wait_for_function("() => studio.blocks().every(block => block.loaded)")
    wait_for_silence(page)
    box = page.locator("#sliders .slider input").first.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)  # it rests there: what lies along the slider is fetched
    there = "amount => studio.isReady({ ...studio.sound, sliders: { 'component 1': amount } })"
    page.wait_for_function(there, arg=3)
    page.wait_for_function(there, arg=-0.75)
    held = []
    page.route("**/notes?*", lambda route: held.append(route))  # no exact sound comes yet
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.8, middle)
    assert_hears(page, 60)
    assert not page.evaluate("studio.isReady(studio.sound)")  # between two keyframes
    held.pop(0).continue_()
    page.unroute("**/notes?*")
    page.wait_for_function("() => studio.isReady(studio.sound)")
    page.mouse.up()


def drag_heard(page, rail):
    """Figures of a drag as long as this machine needs to be heard at all."""
    for seconds in (1.5, 15, 150):
        page.evaluate("studio.drop()")  # a slider let go where it was before tells of no change
        with contextlib.suppress(ValueError):
            figures = drag(page, rail, seconds)
            if figures["quietest_db"] > -60:
                return figures
    pytest.fail("nothing was heard of the drag")


def test_the_benchmark_of_the_page_hears_what_it_moves(visit):
    page = visit()
    enable_sound(page)
    watch(page)
    for selector in (".line input", "#sliders .slider input"):
        figures = drag_heard(page, selector)
        assert figures["runs"] >= 1
        assert 0 < figures["median_ms"] <= figures["p95_ms"] <= figures["max_ms"]
        assert figures["exact_ms"] > 0
        assert figures["quietest_db"] <= 0


def test_any_number_of_the_latent_can_be_set(visit):
    page = visit()
    page.get_by_role("tab", name="All 512").click()
    page.get_by_role("button", name="Next page").click()
    rail = page.get_by_role("slider", name="z 17", exact=True)
    page.wait_for_function(
        "() => document.querySelector('.raw .number').textContent !== '0.00'"
    )  # the seed's own number
    before = float(rail.input_value())
    rail.focus()
    page.keyboard.press("ArrowRight")
    page.wait_for_function("before => Math.abs(studio.sound.raw[16] - before - 0.1) < 0.02", arg=before)
    page.keyboard.press("Delete")
    page.wait_for_function("() => !studio.sound.raw")


def test_locked_sliders_are_not_varied(visit):
    page = visit()
    page.get_by_role("button", name="Lock Component 1").click()
    page.get_by_role("button", name="Vary", exact=True).click()
    sliders = page.evaluate("studio.sound.sliders")
    assert "component 1" not in sliders
    assert len(sliders) == 7


def test_the_line_morphs_while_it_is_dragged_and_ends_at_b(visit):
    page = visit()
    enable_sound(page)
    page.wait_for_function("() => studio.blocks().every(block => block.loaded)")
    wait_for_silence(page)
    box = page.get_by_role("slider", name="Morph from A to B").bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + 14, middle)
    page.mouse.down()
    for share in (0.2, 0.4, 0.5):
        page.mouse.move(box["x"] + box["width"] * share, middle)
        page.wait_for_function("share => Math.abs(studio.sound.at - share) < 0.1", arg=share)
    assert_hears(page, 60)
    assert 0.4 < page.evaluate("studio.sound.at") < 0.6
    page.mouse.move(box["x"] + box["width"] + 30, middle)
    page.mouse.up()
    page.wait_for_function("() => studio.sound.instruments?.violin === 1")
    assert page.locator("#morph .tile", has_text="Violin").get_attribute("aria-pressed") == "true"
    page.keyboard.press("Control+z")
    page.wait_for_function("() => studio.project.morph.t === 0")


def test_the_bench_survives_a_reload(visit):
    page = visit()
    pick(page, "flute", "flute")
    page.get_by_label("Seed", exact=True).fill("1234")
    page.get_by_label("Seed", exact=True).press("Enter")
    page.locator("#sliders .slider input").nth(2).focus()
    page.keyboard.press("ArrowLeft")
    page.wait_for_function("() => studio.sound.sliders['component 3'] < 0")
    page.reload()
    page.wait_for_selector("h2:text-is('Flute · seed 1234')")
    assert page.get_by_label("Seed", exact=True).input_value() == "1234"
    page.wait_for_function("() => document.querySelectorAll('#sliders .slider input')[2].value == -0.1")


def test_the_note_is_pictured_and_saved(visit):
    page = visit()
    enable_sound(page)
    pick(page, "violin", "violin")
    page.get_by_role("tab", name="Picture").click()
    page.locator("#picture").get_by_label("Key").select_option("48")
    page.wait_for_selector("#picture img[alt$=', C3']")
    assert page.evaluate("document.querySelector('#picture img').naturalWidth") > 500
    page.get_by_label("Length").fill("1.5")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download WAV").click()
    assert download.value.suggested_filename == "violin_C3_048_seed0.wav"
    page.get_by_text("Saved violin_C3_048_seed0.wav").wait_for()


def test_a_server_that_is_gone_is_said_in_words_and_found_again(visit):
    page = visit(ignored=("ERR_FAILED",))
    page.wait_for_function("() => studio.blocks().every(block => block.loaded)")
    page.route("**/notes?*", lambda route: route.abort())
    pick(page, "cello", "cello")
    page.get_by_text("The studio does not answer").wait_for()
    page.unroute("**/notes?*")
    page.get_by_text("Ready", exact=True).wait_for()
    page.wait_for_function("() => studio.blocks().every(block => block.loaded)")


def test_a_picture_that_fails_is_drawn_once_it_can_be(visit):
    page = visit(ignored=("ERR_FAILED", "status of 503"))
    page.get_by_role("tab", name="Picture").click()
    page.wait_for_selector("#picture img[alt$=', C4']")
    page.route("**/picture?*", lambda route: route.abort())
    page.locator("#picture").get_by_label("Key").select_option("48")
    page.get_by_text("No picture: The studio does not answer. Your sound is kept. Trying again.").wait_for()
    page.unroute("**/picture?*")
    page.route("**/picture?*", lambda route: route.fulfill(status=503, json={"error": "Busy."}))
    page.get_by_text("No picture: Busy. Trying again.").wait_for()
    page.unroute("**/picture?*")
    page.wait_for_selector("#picture img[alt$=', C3']")
    page.get_by_text("No picture").wait_for(state="hidden")


def test_of_pictures_that_fail_only_the_newest_is_asked_for_again(visit):
    page = visit(ignored=("status of 503",))
    page.get_by_role("tab", name="Picture").click()
    page.wait_for_selector("#picture img[alt$=', C4']")
    asked = []

    def refuse(route):
        asked.append(parse_qs(urlsplit(route.request.url).query)["pitch"][0])
        route.fulfill(status=503, json={"error": "Busy."})

    page.route("**/picture?*", refuse)
    page.locator("#picture").get_by_label("Key").select_option("48")
    page.get_by_text("No picture: Busy.").wait_for()
    with page.expect_request("**/picture?*pitch=50*"):
        page.locator("#picture").get_by_label("Key").select_option("50")
    for _ in range(3):  # asked for again as often as the older one would have been, and more
        with page.expect_request("**/picture?*"):
            pass
    first_new = asked.index("50")
    assert set(asked[first_new:]) == {"50"}
    assert len(asked[first_new:]) > 1


def test_a_download_that_fails_promises_nothing(visit):
    page = visit(ignored=("ERR_FAILED",))
    page.get_by_role("tab", name="Picture").click()
    page.route("**/wav?*", lambda route: route.abort())
    page.get_by_role("button", name="Download WAV").click()
    toast = page.locator(".toast", has_text="The studio does not answer.")
    toast.wait_for()
    assert "rying again" not in toast.inner_text()
    assert page.get_by_role("button", name="Download WAV").is_enabled()


def test_a_page_whose_server_is_gone_opens_once_it_is_back(browser, address):
    page = browser.new_page()
    page.set_default_timeout(PATIENCE_MS)
    page.route("**/studio/model", lambda route: route.abort())
    page.goto(address)
    page.locator(".toast", has_text="The studio does not answer. Your sound is kept. Trying again.").wait_for()
    page.unroute("**/studio/model")
    page.wait_for_selector(".key")
    page.get_by_text("Ready", exact=True).wait_for()
    page.close()


@pytest.mark.parametrize("width", [1440, 390])
def test_a_model_that_cannot_be_loaded_is_said_on_the_page_and_stays_there(browser, width):
    sentence = "The weights 'a-rather-long-name-of-the-weights-of-a-model.safetensors' are damaged and left out."

    def broken():
        raise ModelError(sentence.replace("'a-", "'/the/servers/own/folder/a-"))

    player = Player(sine_card())
    player.load(broken, failed=lambda _: None)
    with served(player) as address, browser.new_page(viewport={"width": width, "height": 900}) as page:
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)
        page.locator(".toast", has_text=sentence).wait_for()
        page.get_by_role("button", name="Dismiss").click()
        state = page.locator(".state", has_text=sentence)
        state.wait_for()
        box, below = state.bounding_box(), page.locator("#desk").bounding_box()
        assert box["x"] >= 0 and box["x"] + box["width"] <= width
        assert box["y"] >= 0 and box["y"] + box["height"] <= below["y"]
        page.get_by_role("tab", name="Picture").click()
        page.get_by_text(f"No picture: {sentence}").wait_for()


def test_another_model_is_a_choice_away_and_has_a_bench_of_its_own(browser):
    bells = Player.of(Synth(sine_card("bells", instruments=("music_box",)), QuickSines(), device="cpu"))
    phone = {"width": 390, "height": 844}
    with served(Player.of(sine_synth()), others=[bells]) as address, browser.new_page(viewport=phone) as page:
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)
        page.wait_for_selector(".key")
        page.get_by_role("button", name="More", exact=True).click()
        page.get_by_role("menuitem", name="Model: bells").click()
        page.wait_for_function("() => window.studio?.model.id === 'bells' && studio.sound.instruments.music_box === 1")
        page.locator(".veil").click()
        page.locator(".veil").wait_for(state="hidden")
        page.wait_for_function("() => studio.blocks().every(block => block.loaded)")
        page.mouse.move(*at_key(page, 60))
        page.mouse.down()
        assert_hears(page, 60)
        page.mouse.up()
        page.goto(f"{address}/?model=theremin")
        page.locator(".toast", has_text="The model 'theremin' is not here.").wait_for()
        page.wait_for_function("() => window.studio?.model.id === 'sines'")


def test_a_refusal_is_said_in_words(visit):
    page = visit(ignored=("status of 400",))
    page.wait_for_function("() => studio.blocks().every(block => block.loaded)")
    sentence = "This sound cannot be made."
    page.route("**/notes?*", lambda route: route.fulfill(status=400, json={"error": sentence}))
    pick(page, "cello", "cello")
    page.locator(".toast", has_text=sentence).wait_for()


@pytest.mark.parametrize("look", ["light", "dark"])
def test_a_phone_shows_two_octaves_and_never_scrolls_sideways(visit, look):
    page = visit(390, 844, has_touch=True, is_mobile=True, color_scheme=look)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    inside = page.locator(".key.white").evaluate_all(
        "keys => keys.filter(k => { const r = k.getBoundingClientRect(); return r.left >= 0 && r.right <= 391 }).length"
    )
    assert 14 <= inside <= 16
    page.locator(".veil").tap()
    page.locator(".veil").wait_for(state="hidden")
    page.get_by_role("button", name="Octave down").tap()
    page.wait_for_function("() => studio.project.octave === 48")
    page.get_by_role("button", name="Sounds", exact=True).tap()
    page.get_by_role("button", name="Next instrument").tap()
    page.wait_for_selector(".current:text-is('Bright Acoustic Piano')")


def test_two_fingers_play_two_notes(visit):
    page = visit(390, 844, has_touch=True, is_mobile=True, reduced_motion="reduce")  # the piano does not glide
    page.locator(".veil").tap()
    page.locator(".veil").wait_for(state="hidden")
    page.wait_for_function("() => studio.blocks().every(block => block.loaded)")
    fingers = page.context.new_cdp_session(page)
    points = [dict(zip("xy", at_key(page, pitch), strict=True), id=pitch) for pitch in (60, 64)]
    fingers.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": points})
    page.wait_for_function("() => document.querySelectorAll('.key.down').length === 2")
    page.wait_for_function(HEARD)
    fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function("() => document.querySelectorAll('.key.down').length === 0")
    wait_for_silence(page)


def test_a_change_of_sound_does_not_click(visit):
    """A note held over a change of instrument, then let go: no step between samples beyond the tone's own."""
    page = visit()
    enable_sound(page)
    page.get_by_text("Hear changes").click()
    page.wait_for_function("() => studio.blocks().every(block => block.loaded)")
    page.keyboard.down("KeyA")
    assert_hears(page, 60)
    watch = """() => { window.steps = []; window.watching = setInterval(() => {
        const wave = new Float32Array(8192); studio.engine.wave(wave);
        let step = 0; for (let i = 1; i < wave.length; i++) step = Math.max(step, Math.abs(wave[i] - wave[i - 1]));
        steps.push(step) }, 60) }"""
    page.evaluate(watch)
    pass_seconds(page, 0.3)
    page.wait_for_function("() => steps.length > 2")
    own = page.evaluate("Math.max(...steps.splice(0))")
    page.get_by_role("option", name="Cello", exact=True).dispatch_event("click")
    pass_seconds(page, 0.4)
    page.keyboard.up("KeyA")
    page.wait_for_function("() => studio.blocks().every(block => block.loaded)")
    for seconds in (0.061, 0.083, 0.097, 0.113):  # a cut may fall on a zero of the wave by luck, but not every time
        pass_seconds(page, 0.4)
        page.keyboard.down("KeyA")
        pass_seconds(page, seconds)
        page.keyboard.up("KeyA")
    pass_seconds(page, 0.4)
    page.wait_for_function("seen => steps.length > seen", arg=page.evaluate("steps.length"))
    assert 0 < page.evaluate("Math.max(...steps)") < 1.3 * own


def test_what_is_dragged_away_and_let_go_where_it_was_taken_falls_silent(visit):
    page = visit()
    enable_sound(page)
    page.evaluate("studio.dispatch({ type: 'handle', mode: 'line', t: 0.5 })")
    for selector in (".line input", "#sliders .slider input"):
        rail = page.locator(selector).first
        box = rail.bounding_box()
        before = rail.input_value()
        x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
        page.mouse.move(x, y)
        page.mouse.down()
        page.mouse.move(x + 30, y, steps=3)
        page.wait_for_function("studio.heard !== null")
        page.mouse.move(x, y, steps=3)
        page.wait_for_function(
            "([selector, before]) => document.querySelector(selector).value === before", arg=[selector, before]
        )
        page.mouse.up()
        page.wait_for_function("studio.heard === null")
        wait_for_silence(page)
