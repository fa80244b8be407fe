"""The map in a real Chromium: what is under the pointer sounds, and what the hand does there ends on the bench."""

import pytest
from browser import HEARS, PATIENCE_MS, assert_hears, enable_sound, seen, wait_for_silence
from playwright.sync_api import Page
from serving import served
from sine_voice import QuickSines, grid_atlas, sine_card

from gansynth_core import GM_INSTRUMENTS, Synth, families
from webapp.player import Player

SIDE = 12  # points in a row of the map; point 0 is the acoustic grand piano's seed 0, point 40 the violin's


@pytest.fixture(scope="module")
def address():
    card = sine_card(instruments=GM_INSTRUMENTS)
    synth = Synth(card, QuickSines(), device="cpu", griffin_lim_steps=0)
    with served(Player.of(synth, atlas=grid_atlas(card, SIDE * SIDE))) as url:
        yield url


@pytest.fixture
def opened(visit):
    """The page with its map drawn and the sound on; nothing sounds yet."""

    def open_page(**options) -> Page:
        page = visit(**options)
        enable_sound(page)
        page.wait_for_function("() => studio.map?.sky.painted.frames > 0")
        wait_for_silence(page)
        return page

    return open_page


def at(page: Page, point: int) -> tuple[float, float]:
    place = page.evaluate("point => studio.map.client(point)", point)
    return place["x"], place["y"]


def between(page: Page, *points: int) -> tuple[float, float]:
    places = [at(page, point) for point in points]
    return tuple(sum(axis) / len(points) for axis in zip(*places, strict=True))


def slot(page: Page, name: str) -> dict:
    return page.evaluate("name => studio.project.slots[name].sound", name)


def sound_of(page: Page, point: int) -> dict:
    return page.evaluate("point => studio.map.atlas.sound(point)", point)


def wait_for_slot(page: Page, name: str, point: int) -> None:
    page.wait_for_function(
        """([name, point]) => {
            const { instruments, seed } = studio.project.slots[name].sound;
            const wanted = studio.map.atlas.sound(point);
            return seed === wanted.seed && JSON.stringify(instruments) === JSON.stringify(wanted.instruments);
        }""",
        arg=[name, point],
    )


def watch_names(page: Page) -> None:
    """From now on `names` are the instruments that the map shows beside a point, one after the other."""
    page.evaluate(
        """() => {
            window.names = [];
            const label = document.querySelector("#map .name");
            const look = () => {
                const name = label.firstChild?.textContent;
                if (label.checkVisibility() && name !== names.at(-1)) names.push(name);
            };
            const all = { subtree: true, childList: true, characterData: true, attributes: true };
            new MutationObserver(look).observe(label.parentElement, all);
        }"""
    )


def test_what_the_pointer_passes_sounds_and_leaves_the_bench_alone(opened):
    page = opened()
    before = page.evaluate("JSON.stringify(studio.project)")
    page.mouse.move(*at(page, 40))
    assert_hears(page, 60)
    page.locator("#map .name", has_text="Violin").wait_for()
    assert "Brightness" in page.locator("#map .note").inner_text()
    page.mouse.move(*between(page, 40, 41))
    page.locator("#map .name").wait_for(state="hidden")
    assert page.evaluate("JSON.stringify(studio.project)") == before


def test_a_silent_map_says_why(visit):
    page = visit()
    page.locator("#map .note", has_text="Sound is off").wait_for()
    enable_sound(page)
    page.locator("#map .note", has_text="Hover to hear").wait_for()
    page.get_by_text("Hear changes").click()
    page.locator("#map .note", has_text="“Hear changes” is off").wait_for()


def test_a_click_puts_a_point_into_a_and_with_shift_into_b(opened):
    page = opened()
    page.mouse.click(*at(page, 40))
    wait_for_slot(page, "a", 40)
    assert_hears(page, 60)
    page.keyboard.down("Shift")
    page.mouse.click(*at(page, 73))
    page.keyboard.up("Shift")
    wait_for_slot(page, "b", 73)
    assert page.evaluate("studio.project.morph.t") == 1
    page.get_by_role("button", name="Undo").click()
    page.wait_for_function("() => studio.project.morph.t === 0")
    assert slot(page, "a") == sound_of(page, 40)


def test_the_wheel_zooms_about_the_pointer_and_show_all_takes_it_back(opened):
    page = opened()
    x, y = at(page, 77)
    apart = at(page, 78)[0] - x
    page.mouse.move(x, y)
    page.mouse.wheel(0, -600)
    page.wait_for_function("([point, x, apart]) => studio.map.client(point).x - x > 2 * apart", arg=[78, x, apart])
    assert at(page, 77) == pytest.approx((x, y), abs=3)  # the mouse is at whole pixels
    page.mouse.down(button="middle")
    page.mouse.move(x + 60, y + 20)
    page.mouse.up(button="middle")
    assert at(page, 77) == pytest.approx((x + 60, y + 20), abs=4)
    page.get_by_role("button", name="Show all").click()
    page.wait_for_function("([point, x]) => Math.abs(studio.map.client(point).x - x) < 1", arg=[77, x])
    assert page.evaluate("studio.project.slots.a.sound.instruments") == {"acoustic_grand_piano": 1}


def test_points_are_really_painted_and_take_the_other_layouts_places(opened):
    page = opened()

    def alpha(point: int) -> int:
        return page.evaluate(
            """point => {
                const { x, y } = studio.map.sky.toScreen(studio.map.sky.place(point));
                const ratio = studio.map.sky.size.ratio;
                const pen = document.querySelector("#map .points").getContext("2d");
                return pen.getImageData(Math.round(x * ratio), Math.round(y * ratio), 1, 1).data[3];
            }""",
            point,
        )

    assert alpha(0) > 200 and alpha(100) > 200
    first = at(page, 0)
    page.get_by_role("button", name="By ear").click()
    page.wait_for_function("([point, x]) => studio.map.client(point).x > x + 100", arg=[0, first[0]])
    page.wait_for_function("() => studio.map.sky.place(0).x > 0.95")
    page.mouse.move(*at(page, 40))
    page.locator("#map .name", has_text="Violin").wait_for()


def drag(page: Page, *way: tuple[float, float]) -> None:
    """The mouse goes down at the first place and along the others, in steps; it stays down."""
    page.mouse.move(*way[0])
    page.mouse.down()
    for place in way[1:]:
        page.mouse.move(*place, steps=5)


def test_a_drag_from_point_to_point_morphs_is_heard_and_ends_at_b_in_one_step(opened):
    page = opened()
    start, goal = at(page, 40), at(page, 44)
    half_way = between(page, 42, 43)
    drag(page, start, half_way)
    page.wait_for_function("() => studio.sound.at > 0.3 && studio.sound.at < 1")
    assert_hears(page, 60)
    assert slot(page, "a") == sound_of(page, 40)
    page.mouse.move(*goal, steps=5)
    page.wait_for_function("() => studio.project.morph.t === 1")  # the hand has come to rest on it
    wait_for_slot(page, "b", 44)
    page.mouse.up()
    wait_for_silence(page)
    assert page.evaluate("studio.sound") == sound_of(page, 44)
    page.keyboard.press("Control+z")
    page.wait_for_function("() => studio.sound.instruments?.acoustic_grand_piano === 1")
    assert page.evaluate("studio.undoes()") is None


def test_escape_takes_a_drag_back(opened):
    page = opened()
    before = page.evaluate("JSON.stringify(studio.project)")
    drag(page, at(page, 40), at(page, 43))
    page.wait_for_function("() => studio.project.slots.b.sound.instruments.violin !== 1")
    page.keyboard.press("Escape")
    page.mouse.move(*at(page, 90), steps=3)
    page.mouse.up()
    assert page.evaluate("JSON.stringify(studio.project)") == before
    assert page.evaluate("studio.undoes()") is None
    wait_for_silence(page)


def test_a_drag_over_empty_space_is_the_blend_of_what_lies_around(opened):
    page = opened()
    middle = between(page, 40, 53)  # of four points
    drag(page, middle, (middle[0] + 8, middle[1]))
    page.wait_for_function("() => studio.sound.blend")
    assert_hears(page, 60)
    blended = page.evaluate("studio.sound.blend.map(([sound]) => studio.map.atlas.pointOf(sound))")
    assert set(blended) == {40, 41, 52, 53}
    weights = dict(zip(blended, page.evaluate("studio.sound.blend.map(([, weight]) => weight)"), strict=True))
    assert weights[41] > weights[40] and weights[53] > weights[52]
    page.mouse.move(*between(page, 64, 77), steps=4)
    page.mouse.up()
    wait_for_silence(page)
    assert 64 in page.evaluate("studio.sound.blend.map(([sound]) => studio.map.atlas.pointOf(sound))")
    page.keyboard.press("Control+z")
    page.wait_for_function("() => studio.sound.instruments?.acoustic_grand_piano === 1")


def lasso_around(page: Page, first: int, last: int) -> None:
    """Draws around the points from `first` to `last` of a row, or of rows below each other."""
    (left, top), (right, bottom) = at(page, first), at(page, last)
    apart = (at(page, 1)[0] - at(page, 0)[0]) / 2
    left, top, right, bottom = left - apart, top - apart, right + apart, bottom + apart
    page.keyboard.down("Alt")
    drag(page, (left, top), (right, top), (right, bottom), (left, bottom))
    page.mouse.up()
    page.keyboard.up("Alt")


def test_a_lasso_gathers_sounds_for_the_pack_and_the_favourites(opened):
    page = opened()
    lasso_around(page, 27, 41)  # two rows of three
    page.get_by_text("6 sounds", exact=True).wait_for()
    page.get_by_role("button", name="To pack").click()
    page.get_by_text("Added 6 sounds to the pack basket.").wait_for()
    kept = page.evaluate("studio.library.basket.map(({ sound }) => studio.map.atlas.pointOf(sound))")
    assert sorted(kept) == [27, 28, 29, 39, 40, 41]
    assert "Violin" in page.evaluate("studio.library.basket.map(({ name }) => name)")
    page.get_by_role("button", name="To pack").click()
    page.get_by_text("Already in the pack basket.").wait_for()
    page.get_by_role("button", name="Favourite", exact=True).click()
    page.wait_for_function("() => studio.library.favourites.length === 6")
    page.get_by_role("button", name="Undo").click()
    page.wait_for_function("() => studio.library.favourites.length === 0")
    page.get_by_role("button", name="Clear selection").click()
    page.get_by_text("6 sounds", exact=True).wait_for(state="hidden")


def test_a_selection_is_played_through_and_stops(opened):
    page = opened()
    page.get_by_role("button", name="Select by drawing around").click()
    (left, top), (right, bottom) = between(page, 26, 39), between(page, 41, 54)
    drag(page, (left, top), (right, top), (right, bottom), (left, bottom))
    page.mouse.up()
    page.get_by_text("3 sounds", exact=True).wait_for()
    watch_names(page)
    with seen(page, HEARS % 60):
        page.get_by_role("button", name="Play through").click()
    page.get_by_role("button", name="Play through").wait_for()  # it has come to its end
    assert page.evaluate("names") == ["Synth Bass 2", "Violin", "Viola"]  # from the left to the right
    page.get_by_role("button", name="Play through").click()
    page.locator("#map .selection").get_by_role("button", name="Stop").click()
    page.get_by_role("button", name="Play through").wait_for()


def test_the_keyboard_walks_the_map_and_puts_points_into_a_and_b(opened):
    page = opened()
    page.get_by_role("application", name="Map of 144 sounds").focus()
    page.keyboard.press("ArrowRight")  # from the piano, which is A: point 0
    page.locator("#map .name", has_text="Bright Acoustic Piano").wait_for()
    assert_hears(page, 60)
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    wait_for_slot(page, "a", SIDE + 1)
    said = page.locator("#map [aria-live]").inner_text()
    assert "is now A" in said and "Brightness" in said
    page.keyboard.press("ArrowDown")
    page.keyboard.press("Shift+Enter")
    wait_for_slot(page, "b", 2 * SIDE + 1)
    page.keyboard.press("Control+Enter")
    page.get_by_text("1 sound", exact=True).wait_for()
    page.keyboard.press("Escape")
    page.get_by_text("1 sound", exact=True).wait_for(state="hidden")


def test_search_and_families_leave_only_what_fits_to_be_found(opened):
    page = opened()
    page.get_by_role("searchbox", name="Find sounds on the map").fill("violin")
    assert page.evaluate("studio.map.sky.lit.reduce((sum, on) => sum + on)") == 1
    watch_names(page)
    page.mouse.move(*at(page, 41))
    page.mouse.move(*at(page, 40))
    page.locator("#map .name", has_text="Violin").wait_for()
    assert page.evaluate("names") == ["Violin"]  # point 41 is not found
    page.get_by_role("searchbox", name="Find sounds on the map").fill("theremin")
    page.get_by_text("No sounds on the map match").wait_for()
    page.get_by_role("searchbox", name="Find sounds on the map").press("Escape")
    page.get_by_role("button", name="Brass", exact=True).click()
    page.mouse.move(700, 700)
    bright = page.evaluate("Array.from(studio.map.sky.lit.keys()).filter((point) => studio.map.sky.lit[point])")
    names = page.evaluate("points => points.map((point) => studio.map.atlas.instrument(point))", bright)
    assert set(names) == set(families(GM_INSTRUMENTS)["Brass"])
    page.get_by_label("Colour").select_option("brightness")
    page.locator("#map .measured", has_text="Brightness").wait_for()
    assert "Hz" in page.locator("#map .ticks").inner_text()


LIT = "studio.map.sky.lit.reduce((sum, on) => sum + on)"


def test_sounds_are_found_by_their_character_by_ranges_and_by_likeness(opened):
    page = opened()
    whole = page.evaluate(LIT)
    brightness = """() => { const { atlas, sky } = studio.map;
        const values = atlas.values(atlas.descriptors.findIndex(({ name }) => name === "brightness"));
        const lit = [...sky.lit.keys()].filter((point) => sky.lit[point]);
        return [lit.map((point) => values[point]), [...values]]; }"""
    search = page.get_by_role("searchbox", name="Find sounds on the map")
    search.fill("dark")
    found, every = page.evaluate(brightness)
    assert whole / 4 < len(found) < whole / 2 and max(found) <= sorted(every)[whole // 2]
    search.fill("dark piano")
    assert 0 < page.evaluate(LIT) < len(found)
    search.press("Escape")

    page.get_by_label("Colour").select_option("brightness")
    ramp = page.locator("#map .ramp").bounding_box()
    page.mouse.move(ramp["x"] + 5, ramp["y"] + 0.5 * ramp["height"])
    page.mouse.down()
    page.mouse.move(ramp["x"] + 5, ramp["y"] - 5, steps=3)
    page.mouse.up()
    found, every = page.evaluate(brightness)
    assert 0 < len(found) < whole and min(found) > min(every) and max(found) == max(every)
    page.get_by_role("button", name="Remove the filter: Brightness from").click()
    assert page.evaluate(LIT) == whole

    page.get_by_role("button", name="Options for B").click()
    page.get_by_role("menuitem", name="Find more like this").click()
    page.get_by_role("button", name="Remove the filter: Like Violin").wait_for()
    assert page.evaluate(LIT) == 48
    assert page.evaluate("studio.map.sky.lit[studio.map.atlas.pointOf(studio.project.slots.b.sound)]") == 1


def test_fingers_tap_hold_and_pinch(opened):
    page = opened(width=390, height=844, has_touch=True)
    before = page.evaluate("JSON.stringify(studio.project)")
    page.touchscreen.tap(*at(page, 40))
    assert_hears(page, 60)
    assert page.evaluate("JSON.stringify(studio.project)") == before  # heard, not taken
    page.touchscreen.tap(*at(page, 40))
    wait_for_slot(page, "a", 40)
    session = page.context.new_cdp_session(page)

    def touch(kind: str, *places: tuple[float, float]) -> None:
        points = [{"x": x, "y": y, "id": finger} for finger, (x, y) in enumerate(places)]
        session.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": points})

    touch("touchStart", at(page, 29))
    wait_for_slot(page, "b", 29)
    touch("touchEnd")
    (x, y), apart = at(page, 42), at(page, 43)[0] - at(page, 42)[0]
    touch("touchStart", (x - 20, y), (x + 20, y))
    touch("touchMove", (x - 60, y), (x + 60, y))
    touch("touchEnd")
    page.wait_for_function(
        "([one, apart]) => studio.map.client(one + 1).x - studio.map.client(one).x > 2 * apart", arg=[42, apart]
    )
    wait_for_slot(page, "b", 29)


def test_a_model_without_a_map_is_told_how_to_get_one(browser):
    card = sine_card(instruments=GM_INSTRUMENTS)
    with served(Player.of(Synth(card, QuickSines(), device="cpu"))) as address:
        page = browser.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.goto(address)
        page.get_by_text("python -m gansynth_core atlas --model sines").wait_for()
        page.close()
