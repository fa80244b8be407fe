"""What axe finds that people who see, hear or move otherwise would stumble over: nothing, in any room."""

import pytest
from axe_playwright_python.sync_playwright import Axe
from browser import enable_sound
from playwright.sync_api import Page

ROOMS = ("favourites", "history", "map", "picture", "pad", "variations", "midi", "own", "sliders", "envelope", "pack")
AT_REST = "() => document.getAnimations().every(({ effect }) => effect.getComputedTiming().iterations === Infinity)"
PHONE = {"width": 390, "height": 844, "has_touch": True, "is_mobile": True}


@pytest.fixture(scope="module")
def address(mapped_address):
    return mapped_address


def assert_clean(page: Page, where: str) -> None:
    page.wait_for_function(AT_REST)  # halfway through a change of colour there is little contrast
    found = Axe().run(page, options={"resultTypes": ["violations"]}).response["violations"]
    assert not [(where, fault["help"], [node["html"] for node in fault["nodes"]]) for fault in found]


@pytest.mark.slow
@pytest.mark.parametrize("screen", [{}, PHONE | {"color_scheme": "dark"}], ids=["desk", "phone in the dark"])
def test_axe_finds_nothing_in_any_room(visit, screen):
    page = visit(**screen)
    assert_clean(page, "before sound")
    enable_sound(page)
    page.evaluate("studio.dispatch({ type: 'seed', seed: 41877 })")
    for room in ROOMS:
        page.evaluate("room => document.getElementById(`tab-${room}`).click()", room)
        page.wait_for_function("room => document.getElementById(room).checkVisibility()", arg=room)
        assert_clean(page, room)
    page.keyboard.press("?")
    page.get_by_role("dialog", name="Keyboard shortcuts").wait_for()
    assert_clean(page, "shortcuts")
