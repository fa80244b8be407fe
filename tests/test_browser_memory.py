"""What one keeps, in a real Chromium: favourites, history, links, files, comparing, breeding, pictures."""

from browser import assert_hears, enable_sound, pick, wait_for_silence
from playwright.sync_api import Page


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def rows(page: Page, room: str) -> list[str]:
    return page.locator(f"#{room} .sounds strong").all_inner_texts()


def wait_for_rows(page: Page, room: str, *names: str) -> None:
    page.wait_for_function(
        "([room, names]) => JSON.stringify([...document.querySelectorAll(`#${room} .sounds strong`)]"
        ".map((one) => one.textContent)) === JSON.stringify(names)",
        arg=[room, list(names)],
    )


def test_a_starred_sound_is_renamed_tagged_found_again_and_survives_a_reload(visit):
    page = visit()
    enable_sound(page)
    pick(page, "cello", "cello")
    page.get_by_role("button", name="Star this sound").first.click()
    pick(page, "flute", "flute")
    page.keyboard.press("KeyV")
    tab(page, "Favourites")
    wait_for_rows(page, "favourites", "Flute", "Cello")

    page.locator("#favourites li", has_text="Cello").hover()
    page.get_by_role("button", name="Rename or tag Cello").click()
    page.get_by_role("textbox", name="Name").fill("Night strings")
    page.get_by_role("textbox", name="Tags").fill("warm, pad, Warm")
    page.get_by_role("textbox", name="Tags").press("Enter")
    wait_for_rows(page, "favourites", "Flute", "Night strings")
    page.get_by_role("searchbox", name="Filter favourites").fill("wa")
    wait_for_rows(page, "favourites", "Night strings")
    page.wait_for_timeout(400)  # the project is saved a moment after its last change
    page.reload()
    page.wait_for_selector("#shape .slider input")
    tab(page, "Favourites")
    wait_for_rows(page, "favourites", "Flute", "Night strings")
    assert page.locator("#favourites .tag").all_inner_texts() == ["warm", "pad"]
    page.wait_for_selector("#favourites .thumb img:not([hidden])")
    page.wait_for_function("() => document.querySelector('#favourites .thumb img').naturalWidth === 144")


def test_a_favourite_is_heard_under_the_pointer_and_goes_where_it_is_told(visit):
    page = visit()
    enable_sound(page)
    pick(page, "cello", "cello")
    page.keyboard.press("KeyV")
    pick(page, "flute", "flute")
    page.get_by_role("button", name="Swap A and B").click()
    tab(page, "Favourites")
    wait_for_silence(page)
    before = page.evaluate("JSON.stringify(studio.project.slots)")
    row = page.locator("#favourites .pick", has_text="Cello")
    row.hover()
    assert_hears(page, 60)
    assert page.evaluate("JSON.stringify(studio.project.slots)") == before  # listening touches nothing
    row.click(modifiers=["Shift"])
    page.wait_for_function("() => studio.project.slots.b.sound.instruments.cello === 1")
    row.click()
    page.wait_for_function("() => studio.project.slots.a.sound.instruments.cello === 1")
    page.wait_for_selector("#favourites li[aria-current]")
    page.get_by_role("button", name="Send Cello to the pack basket").click()
    page.wait_for_function("() => studio.project.basket[0]?.name === 'Cello'")
    page.get_by_role("button", name="Delete Cello").click()
    page.get_by_text("Nothing starred yet").wait_for()
    page.keyboard.press("Control+z")
    wait_for_rows(page, "favourites", "Cello")


def test_the_history_keeps_what_one_rested_on_and_survives_a_reload(visit):
    page = visit()
    enable_sound(page)
    tab(page, "History")
    page.keyboard.press("KeyA")
    wait_for_rows(page, "heard", "Acoustic Grand Piano")
    tab(page, "Instruments")
    pick(page, "cello", "cello")
    tab(page, "History")
    wait_for_rows(page, "heard", "Cello", "Acoustic Grand Piano")
    box = page.locator("#shape .slider input").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    for share in (0.6, 0.7, 0.8):
        page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)
        page.wait_for_timeout(150)
    page.wait_for_function("() => studio.heard === studio.soundText")
    page.mouse.up()  # where it was let go counts, not what lay on the way
    wait_for_rows(page, "heard", "Cello", "Cello", "Acoustic Grand Piano")
    page.locator("#heard .pick", has_text="Piano").click()
    wait_for_rows(page, "heard", "Acoustic Grand Piano", "Cello", "Cello")
    page.keyboard.press("Control+z")  # the way back is not undone
    page.wait_for_function("() => studio.sound.instruments?.cello === 1")
    assert "Acoustic Grand Piano" in rows(page, "heard")
    page.locator("#heard .pick").nth(1).hover()
    page.locator("#heard li").nth(1).get_by_role("button", name="Keep as favourite").click()
    page.wait_for_function("() => studio.project.favourites.length === 1")
    before = rows(page, "heard")
    page.reload()
    page.wait_for_selector("#shape .slider input")
    tab(page, "History")
    wait_for_rows(page, "heard", *before)


def test_a_list_of_sounds_is_walked_by_the_keyboard(visit):
    page = visit()
    enable_sound(page)
    for typed, name in (("cello", "cello"), ("flute", "flute"), ("oboe", "oboe")):
        pick(page, typed, name)
        page.keyboard.press("KeyV")
    tab(page, "Favourites")
    wait_for_silence(page)
    page.get_by_role("searchbox", name="Filter favourites").focus()
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowDown")
    assert_hears(page, 60)
    assert "Flute" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("Shift+Enter")
    page.wait_for_function("() => studio.project.slots.b.sound.instruments.flute === 1")
    page.keyboard.press("Delete")
    wait_for_rows(page, "favourites", "Oboe", "Cello")
    assert "Cello" in page.evaluate("document.activeElement.textContent")
    page.keyboard.press("F2")
    page.keyboard.type("My cello")
    page.keyboard.press("Enter")
    wait_for_rows(page, "favourites", "Oboe", "My cello")
