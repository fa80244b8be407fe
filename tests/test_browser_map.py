"""The map in a real Chromium: what is under the pointer sounds, and what the hand does there ends on the bench."""

import socket

import pytest
from browser import assert_hears, enable_sound, wait_for_silence
from fakes import SineGenerator, grid_atlas, sine_card
from playwright.sync_api import Page

import app
from gansynth_core import GM_INSTRUMENTS, Synth
from webapp.player import Player

SIDE = 12  # points in a row of the map; point 0 is the acoustic grand piano's seed 0, point 40 the violin's


@pytest.fixture(scope="module")
def address():
    card = sine_card(instruments=GM_INSTRUMENTS)
    player = Player.of(Synth(card, SineGenerator(), device="cpu"), atlas=grid_atlas(card, SIDE * SIDE))
    with socket.socket() as probe:  # any port that is free: suites may run side by side
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    page = app.launch(player, "127.0.0.1", port, block=False)
    yield f"http://127.0.0.1:{port}"
    page.close(verbose=False)


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


def test_a_drag_from_point_to_point_morphs_and_is_heard_and_is_one_step_back(opened):
    page = opened()
    before = page.evaluate("JSON.stringify(studio.project.slots)")
    page.mouse.move(*at(page, 40))
    page.mouse.down()
    page.mouse.move(*between(page, 40, 40, 41), steps=3)  # a third of the way
    page.wait_for_function("() => studio.sound.morph && studio.sound.at > 0.1 && studio.sound.at < 0.6")
    assert_hears(page, 60)
    page.mouse.move(*at(page, 41), steps=3)
    page.mouse.up()
    wait_for_slot(page, "a", 40)
    wait_for_slot(page, "b", 41)
    assert page.evaluate("studio.project.morph.t") == 1
    page.keyboard.press("Control+z")
    page.wait_for_function("before => JSON.stringify(studio.project.slots) === before", arg=before)


def test_a_drag_that_is_given_up_leaves_the_bench_as_it_was(opened):
    page = opened()
    before = page.evaluate("JSON.stringify(studio.project.slots)")
    page.mouse.move(*at(page, 40))
    page.mouse.down()
    page.mouse.move(*at(page, 42), steps=4)
    page.wait_for_function("before => JSON.stringify(studio.project.slots) !== before", arg=before)
    page.keyboard.press("Escape")
    page.wait_for_function("before => JSON.stringify(studio.project.slots) === before", arg=before)
    page.mouse.up()
    assert page.evaluate("JSON.stringify(studio.project.slots)") == before


def test_a_drag_over_empty_ground_blends_what_lies_around(opened):
    page = opened()
    page.mouse.move(*between(page, 40, 41, 52, 53))
    page.mouse.down()
    page.mouse.move(*between(page, 66, 67, 78, 79), steps=4)
    assert_hears(page, 60)
    page.mouse.up()
    page.wait_for_function("() => studio.project.slots.a.sound.blend?.length >= 3")
    parts = page.evaluate("studio.project.slots.a.sound.blend")
    around = [sound_of(page, point) for point in (66, 67, 78, 79)]
    heaviest = sorted(parts, key=lambda part: -part[1])[:4]
    assert all(sound in around for sound, _ in heaviest)
    assert sum(weight for _, weight in parts) == pytest.approx(1, abs=0.05)


def test_a_lasso_gathers_sounds_for_the_pack_and_the_favourites(opened):
    page = opened()
    page.get_by_role("button", name="Select by drawing around (or hold Alt)").click()
    corners = [between(page, *points) for points in ((27, 40), (30, 41), (66, 53), (63, 52))]
    page.mouse.move(*corners[0])
    page.mouse.down()
    for corner in [*corners[1:], corners[0]]:
        page.mouse.move(*corner, steps=3)
    page.mouse.up()
    page.get_by_text("4 sounds", exact=True).wait_for()
    page.get_by_role("button", name="To pack").click()
    kept = page.evaluate("studio.project.basket.map(({ sound }) => sound)")
    assert kept == [sound_of(page, point) for point in (40, 41, 52, 53)]
    page.get_by_role("button", name="Favourite", exact=True).click()
    assert len(page.evaluate("studio.project.favourites")) == 4
    page.get_by_role("button", name="Play through").click()
    assert_hears(page, 60)
    page.get_by_role("button", name="Clear selection").click()
    page.get_by_text("4 sounds", exact=True).wait_for(state="hidden")


def test_the_arrow_keys_walk_the_map_and_enter_takes(opened):
    page = opened()
    page.mouse.click(*at(page, 40))
    wait_for_slot(page, "a", 40)
    page.keyboard.press("ArrowRight")
    page.keyboard.press("ArrowDown")
    assert_hears(page, 60)
    page.keyboard.press("Enter")
    wait_for_slot(page, "a", 53)
    page.keyboard.press("ArrowLeft")
    page.keyboard.press("Shift+Enter")
    wait_for_slot(page, "b", 52)
