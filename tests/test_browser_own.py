"""An own sound in a real Chromium: dropped or recorded, heard beside what the voice makes of it, kept, taken home."""

import io

import numpy as np
import pytest
import soundfile
from browser import assert_hears, at_key, drop_file, wait_for_silence
from playwright.sync_api import Page
from serving import served
from sine_voice import grid_atlas

from gansynth_core import Synth, timbre_in
from webapp.player import Player

RATE = 44100
A3 = 57


@pytest.fixture(scope="module")
def address():
    """The app with the voice itself: what it makes of a recording is what these tests listen to."""
    synth = Synth.load(device="cpu")
    with served(Player.of(synth, atlas=grid_atlas(synth.card, 2 * len(synth.card.instruments)))) as url:
        yield url


@pytest.fixture
def opened(visit):
    """The page, which takes few steps towards a recording, with its room for own sounds in front."""

    def open_page(**options) -> Page:
        def hurry(route):
            route.continue_(url=f"{route.request.url}&steps=2")

        page = visit(routes={"**/encode?*": hurry}, **options)
        page.get_by_role("tab", name="Your sound").click()
        return page

    return open_page


def file_of(wave: np.ndarray, kind: str, subtype: str | None = None) -> bytes:
    file = io.BytesIO()
    soundfile.write(file, wave, RATE, format=kind, subtype=subtype)
    return file.getvalue()


def bar() -> np.ndarray:
    """A struck bar with a glassy partial, such as the voice has none, after half a second of silence."""
    seconds = np.arange(int(1.2 * RATE)) / RATE
    partials = [(1, 1.0, 1.5), (2, 0.5, 2.5), (3, 0.2, 4), (6.27, 0.25, 9)]
    wave = sum(level * np.exp(-fall * seconds) * np.sin(2 * np.pi * 220 * of * seconds) for of, level, fall in partials)
    return np.concatenate([np.zeros(RATE // 2), 0.3 * wave])


def slot_a(page: Page) -> dict:
    return page.evaluate("studio.project.slots.a")


def make(page: Page, name: str = "Iron bar.flac") -> None:
    drop_file(page, name, file_of(bar(), "FLAC"))
    page.wait_for_function("() => studio.project.slots.a.sound.imprint")
    page.wait_for_function("() => !document.querySelector('#own .pair button').disabled")


def loudest(page: Page, button: str) -> float:
    """The highest level, in dB, of what a button plays, listened to to its end."""
    wait_for_silence(page)
    page.evaluate(
        """() => {
            window.loudest = 0;
            window.listening = setInterval(() => (window.loudest = Math.max(window.loudest, studio.engine.rms())), 20);
        }"""
    )
    page.locator("#own .pair").get_by_role("button", name=button).click()
    assert_hears(page, A3)
    wait_for_silence(page)
    return 20 * np.log10(page.evaluate("clearInterval(window.listening), window.loudest"))


def test_a_dropped_recording_is_compared_played_morphed_and_taken_home(opened):
    page = opened()
    page.wait_for_function("() => studio.engine.isRunning()")
    before = slot_a(page)
    make(page)
    made = slot_a(page)
    assert made["name"] == "Iron bar" and made["sound"]["z"]
    assert page.evaluate("studio.project.note") == A3
    assert page.locator("#own-pitch option:checked").inner_text().startswith("A3")
    assert float(page.locator("#own .how-near strong").inner_text().removesuffix(" dB away")) < 7
    begins = float(page.get_by_label("Begin of the part").get_attribute("aria-valuenow"))
    assert 0.45 < begins <= 0.5, "silence is cut"

    assert abs(loudest(page, "Recording") - loudest(page, "Voice")) < 4

    x, y = at_key(page, 64)
    page.mouse.move(x, y)
    page.mouse.down()
    assert_hears(page, 64)
    page.mouse.up()
    page.evaluate("studio.dispatch({ type: 'handle', t: 0.5 })")
    page.wait_for_function("() => studio.isSettled() && studio.sound.morph[0].imprint")
    wait_for_silence(page)
    page.mouse.down()
    assert_hears(page, 64)
    page.mouse.up()

    page.get_by_role("tab", name="Map").click()
    page.wait_for_function("() => studio.map?.atlas.near.size === 1")
    assert "A is not on the map" not in page.locator("#map .note").inner_text()
    page.evaluate("studio.dispatch({ type: 'handle', t: 0 })")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download this sound as a WAV file").click()
    saved = download.value.path().read_bytes()
    assert timbre_in(saved, "note").imprint is not None
    page.get_by_role("tab", name="Pack", exact=True).click()
    page.get_by_role("button", name="Add current sound").click()
    assert page.evaluate("studio.library.basket.map(({ name, sound }) => [name, Boolean(sound.imprint)])") == [
        ["Iron bar", True]
    ]
    page.evaluate("while (studio.undoes()) studio.undo()")
    assert slot_a(page) == before
    drop_file(page, "My bar.wav", saved)  # carries its sound, and is no recording
    page.get_by_text("The sound of My bar.wav is in A.").wait_for()
    assert slot_a(page)["sound"] == made["sound"]


def test_an_own_sound_is_kept_with_its_recording_and_found_again(opened):
    page = opened()
    make(page)
    page.get_by_role("button", name="Keep", exact=True).click()
    assert page.evaluate("studio.library.favourites.map(({ name, original }) => [name, original.rate])") == [
        ["Iron bar", 24000]
    ]
    sound = slot_a(page)["sound"]
    page.evaluate("studio.dispatch({ type: 'pick', slot: 'a', instrument: 'flute' })")
    page.reload()
    page.get_by_role("tab", name="Favourites").click()
    page.locator("#favourites li").hover()
    page.get_by_role("button", name="Compare Iron bar with its recording").click()
    page.wait_for_function("() => !document.querySelector('#own .pair button').disabled")
    assert page.locator("#own .title").inner_text() == "Iron bar"
    page.get_by_role("button", name="Put into A").click()
    assert slot_a(page)["sound"] == sound
    page.get_by_role("button", name="Closer").click()  # on from what was kept
    page.locator("#own .working").wait_for(state="visible")
    page.locator("#own .working").wait_for(state="hidden")
    assert page.locator("#own .problem").is_hidden()
    assert "near" in page.locator("#own .how-near").inner_text()


def test_what_is_no_recording_is_said_in_words_and_changes_nothing(opened):
    page = opened(ignored=("status of 400",))
    before = page.evaluate("JSON.stringify(studio.project)")
    silence, broken = np.zeros(RATE), bar()
    broken[RATE] = np.nan
    for name, data, sentence in [
        ("empty.wav", b"", "“empty.wav” is empty."),
        ("silence.flac", file_of(silence, "FLAC"), "“silence.flac” is silent."),
        ("broken.wav", file_of(broken, "WAV", "FLOAT"), "not numbers"),
        ("letter.mp3", b"Dear Sir or Madam, " * 50, "“letter.mp3” cannot be opened: Cannot read these bytes"),
    ]:
        drop_file(page, name, data)
        page.locator("#own .problem", has_text=sentence).wait_for()
    page.evaluate(
        """() => {
            const transfer = new DataTransfer();
            transfer.items.add(new File([new Uint8Array(61e6)], "concert.wav"));
            const drop = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: transfer });
            document.querySelector("#desk").dispatchEvent(drop);
        }"""
    )
    page.locator("#own .problem", has_text="“concert.wav” has 61 MB; a recording may have 60 MB.").wait_for()
    assert page.evaluate("JSON.stringify(studio.project)") == before


def test_a_file_that_only_the_server_reads_is_cut_by_hand_and_can_be_given_up(opened):
    page = opened()
    before = slot_a(page)
    drop_file(page, "Bar.mp3", file_of(bar(), "AIFF"))  # neither what its name says nor what this browser reads
    page.locator("#own .title", has_text="Bar").wait_for()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Make the sound").wait_for()
    page.get_by_label("End of the part").focus()
    page.keyboard.press("PageDown")
    assert "1.12 s of 1.70 s" in page.locator("#own .facts").inner_text()
    part = page.locator("#own .part").bounding_box()
    page.mouse.move(part["x"] + part["width"] / 2, part["y"] + 20)
    page.mouse.down()
    page.mouse.move(part["x"], part["y"] + 20, steps=3)
    page.mouse.up()
    assert page.get_by_label("Begin of the part").get_attribute("aria-valuenow") == "0.000"
    assert slot_a(page) == before


def test_the_microphone_is_recorded_if_it_may_be(opened):
    page = opened(fresh=True)
    page.get_by_role("button", name="Record", exact=True).click()
    page.locator("#own .problem", has_text="does not let this page use the microphone").wait_for()
    page.context.grant_permissions(["microphone"])
    page.get_by_role("button", name="Record", exact=True).click()
    page.wait_for_function("() => parseFloat(document.querySelector('#own .meter output').textContent) >= 1.2")
    page.get_by_role("button", name="Stop", exact=True).first.click()
    page.locator("#own .title", has_text="Recording").wait_for()
    assert page.locator("#own .problem").is_hidden()
    page.get_by_role("button", name="Cancel").click()
    page.get_by_role("button", name="Make the sound").wait_for()
