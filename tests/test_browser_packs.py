"""The pack basket in a real Chromium: filled, exported, and its sounds those that one heard."""

import io
import json
import threading
import zipfile

import numpy as np
import soundfile
from browser import enable_sound, pick
from patience import HANG_SECONDS
from sine_voice import SineGenerator

FETCH = """async ([sound, pitch]) => {
  const answer = await studio.askModel("notes", { sound: JSON.stringify(sound), low: pitch, high: pitch });
  return Array.from(new Int16Array(await answer.arrayBuffer()));
}"""


def open_basket(page) -> None:
    page.get_by_role("tab", name="Pack", exact=True).click()
    page.get_by_role("button", name="Add current sound").wait_for()


def export(page) -> zipfile.ZipFile:
    with page.expect_download() as download:
        page.get_by_role("button", name="Export", exact=True).click()
    with open(download.value.path(), "rb") as file:
        return zipfile.ZipFile(io.BytesIO(file.read()))


def choose(page, label: str, option: str) -> None:
    page.locator("#pack").get_by_label(label, exact=True).select_option(label=option)


def test_sounds_from_the_bench_and_the_morph_come_home_as_they_were_heard(visit):
    page = visit()
    enable_sound(page)
    page.get_by_text("Hear changes").click()
    open_basket(page)
    assert page.get_by_text("An empty basket").is_visible()
    assert page.get_by_role("button", name="Export", exact=True).is_disabled()
    pick(page, "violin", "violin")
    page.get_by_role("button", name="Add current sound").click()
    page.locator("#pack li").first.wait_for()
    page.evaluate("() => studio.dispatch({ type: 'pick', instrument: 'trumpet', slot: 'b', stay: true })")
    page.evaluate("() => studio.dispatch({ type: 'handle', t: 0.4 })")
    page.get_by_role("button", name="Add current sound").click()
    page.locator("#pack li").nth(1).wait_for()
    page.get_by_role("button", name="Add current sound").click()
    page.get_by_text("is already in the pack basket").wait_for()
    assert page.locator("#pack li").count() == 2

    choose(page, "Notes", "One-shots")
    choose(page, "Key", "A4 (69)")
    page.get_by_text("Files and levels").click()
    choose(page, "Rate", "24 kHz, as made")
    page.get_by_label("Name", exact=True).first.fill("From the bench")
    page.wait_for_function("() => document.querySelector('#pack .weight').textContent.startsWith('2 notes')")
    heard = [np.array(page.evaluate(FETCH, [item["sound"], 69])) for item in page.evaluate("studio.library.basket")]
    pack = export(page)

    assert all(name.startswith("From_the_bench/") for name in pack.namelist())
    (manifest,) = [name for name in pack.namelist() if name.endswith("manifest.json")]
    sounds = json.loads(pack.read(manifest))["sounds"]
    assert len(sounds) == 2 and sounds[0]["name"] == "Violin"
    for sound, note in zip(sounds, heard, strict=True):
        samples, rate = soundfile.read(io.BytesIO(pack.read(f"From_the_bench/{sound['notes'][0]['file']}")))
        length = min(len(samples), len(note)) - 2 * rate // 5  # but for the release at its end
        likeness = np.corrcoef(samples[100:length], note[100:length])[0, 1]
        assert rate == 24000 and likeness > 0.9999
        assert abs(np.abs(samples).max() - 10 ** (-1 / 20)) < 1e-3
    page.get_by_role("link", name="From_the_bench.zip: 2 notes").wait_for()


def test_the_basket_is_put_in_order_renamed_emptied_and_undone(visit):
    page = visit()
    open_basket(page)
    for instrument in ("violin", "flute", "oboe"):
        page.evaluate("name => studio.dispatch({ type: 'pick', instrument: name })", instrument)
        page.get_by_role("button", name="Add current sound").click()
        page.locator("#pack li").get_by_text(instrument.capitalize(), exact=True).wait_for()
    names = "() => studio.library.basket.map(item => item.name).join()"
    page.locator("#pack li").nth(2).hover()
    page.get_by_role("button", name="Move Oboe up").click()
    page.locator("#pack li .pick").nth(1).focus()
    page.keyboard.press("Alt+ArrowUp")
    page.wait_for_function(f"() => ({names})() === 'Oboe,Violin,Flute'")
    page.locator("#pack li .pick").first.focus()
    page.keyboard.press("F2")
    page.get_by_role("textbox", name="Name", exact=True).first.wait_for()
    page.locator("#pack .edit").get_by_label("Name").fill("Reed")
    page.keyboard.press("Enter")
    page.wait_for_function("() => studio.library.basket[0].name === 'Reed'")
    page.get_by_role("button", name="Empty").click()
    page.get_by_text("An empty basket").wait_for()
    page.get_by_role("button", name="Undo", exact=True).click()
    page.wait_for_function("() => studio.library.basket.length === 3")


def test_a_wish_that_cannot_be_is_told_before_the_export_and_options_are_remembered(visit):
    page = visit()
    open_basket(page)
    page.get_by_role("button", name="Add current sound").click()
    choose(page, "Notes", "Instruments, all keys")
    page.get_by_text("Files and levels").click()
    choose(page, "Made for", "OP-XY")
    page.get_by_text("takes at most 24 notes an instrument, not 49").wait_for()
    assert page.get_by_role("button", name="Export", exact=True).is_disabled()
    choose(page, "Notes", "Instruments")
    page.wait_for_function("() => document.querySelector('#pack .weight').textContent.startsWith('17 notes')")
    page.reload()
    page.wait_for_selector("#pack select", state="attached")
    open_basket(page)
    assert page.locator("#pack-device").input_value() == "op-xy" and page.locator("#pack-keys").input_value() == "range"


def test_an_export_can_be_stopped_and_another_one_started(visit, monkeypatch):
    page = visit()
    gate, play = threading.Event(), SineGenerator.__call__
    gate.set()
    monkeypatch.setattr(SineGenerator, "__call__", lambda *sound: gate.wait(HANG_SECONDS) and play(*sound))
    open_basket(page)
    page.get_by_role("button", name="Add current sound").click()
    choose(page, "Notes", "Instruments, all keys")
    page.locator("#pack summary").first.click()
    choose(page, "Round robins", "4")
    page.wait_for_function("() => document.querySelector('#pack .weight').textContent.startsWith('196 notes')")
    gate.clear()  # it lasts until it is stopped
    page.get_by_role("button", name="Export", exact=True).click()
    page.get_by_role("button", name="Cancel", exact=True).click()
    gate.set()
    page.get_by_role("button", name="Export", exact=True).wait_for()
    choose(page, "Notes", "One-shots")
    choose(page, "Round robins", "1")
    page.wait_for_function("() => document.querySelector('#pack .weight').textContent.startsWith('1 note ')")
    assert any("/OneShots/" in name for name in export(page).namelist())


def test_an_export_cancelled_before_the_server_names_it_gives_the_button_back(visit):
    page = visit()
    open_basket(page)
    page.get_by_role("button", name="Add current sound").click()
    page.wait_for_function("() => !document.querySelector('#pack .weight').textContent.startsWith('Nothing')")
    asked = []
    page.route("**/pack/export", lambda route: asked.append(route))  # the answer waits
    page.get_by_role("button", name="Export", exact=True).click()
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Export", exact=True).wait_for()
    page.route("**/cancel", lambda route: route.fulfill(json={}))
    with page.expect_response("**/cancel") as cancelled:
        asked[0].fulfill(json={"job": "late"})
    assert cancelled.value.url.endswith("/jobs/late/cancel")
