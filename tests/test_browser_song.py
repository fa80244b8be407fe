"""A MIDI file in a real Chromium: chosen or dropped, given a path of sounds, rendered, listened to, taken home."""

import io
import threading
import zipfile

import pytest
import soundfile
from browser import pick
from mido import Message, MetaMessage
from patience import HANG_SECONDS
from playwright.sync_api import Page
from test_midi import midi, partial_db, played

from gansynth_core import Clip, render_midi

SONG = midi(played(0, 0.5, 60) + played(1.5, 2, 60) + played(0, 2, 96), played(1, 1.5, 38, channel=9))
FLUTE = [(0, Message("program_change", program=73, channel=1)), (0, MetaMessage("track_name", name="Descant"))]
DUO = midi(played(0, 0.5, 60), FLUTE + played(1, 1.5, 60, channel=1))


def choose(page: Page, data: bytes = SONG, name: str = "tune.mid") -> None:
    page.set_input_files("#midi input[type=file]", {"name": name, "mimeType": "audio/midi", "buffer": data})


def open_song(page: Page, data: bytes = SONG, way: str = "Along a path") -> None:
    page.get_by_role("tab", name="MIDI", exact=True).click()
    choose(page, data)
    page.wait_for_selector("#midi .title:visible")
    page.get_by_role("button", name=way).click()


def places(page: Page) -> dict[str, float]:
    return {
        pin.get_attribute("aria-label"): float(pin.get_attribute("aria-valuenow"))
        for pin in page.locator("#midi .pin").all()
    }


def render(page: Page) -> None:
    page.locator("#midi .foot > .button").click()
    page.get_by_role("link", name="Download WAV").wait_for()


def test_a_song_is_played_from_one_sound_to_the_next_heard_and_taken_home(visit):
    page = visit()
    pick(page, "violin", "violin")
    page.evaluate("studio.dispatch({type: 'pick', slot: 'b', instrument: 'flute', stay: true})")
    open_song(page)
    assert page.locator("#midi .title").inner_text() == "tune.mid"
    assert page.locator("#midi .head .facts").inner_text().startswith("0:02 · 4 notes · 2 parts · C4")
    assert "96 to 84" in page.locator("#midi .notices").inner_text()
    assert places(page) == {"Violin": 0, "Flute": 100}

    render(page)
    page.get_by_role("button", name="Play the song").click()
    page.wait_for_function("() => document.querySelector('#midi audio').currentTime > 0.2")
    page.get_by_role("button", name="Pause the song").click()
    page.locator("#midi .roll").click(position={"x": 5, "y": 5})
    page.wait_for_function("() => document.querySelector('#midi audio').currentTime < 0.2")
    with page.expect_download() as download:
        page.get_by_role("link", name="Download WAV").click()
    assert download.value.suggested_filename == "tune.wav"
    samples, rate = soundfile.read(io.BytesIO(download.value.path().read_bytes()), dtype="float32")
    clip, first = Clip(samples, rate), 440 * 2 ** (-9 / 12)

    # The fake's violin adds the seventh partial, its flute the fifth.
    fifth, seventh = ([partial_db(clip, number * first, at, at + 0.5) for at in (0, 1.5)] for number in (5, 7))
    assert seventh[0] > fifth[0] + 10 and fifth[1] > seventh[1] + 5
    assert len(samples) / rate == pytest.approx(2.3, abs=0.01)


def test_a_song_is_played_in_the_tuning_of_the_keys(visit):
    page = visit()
    open_song(page)
    render(page)
    pitches = [key + (0.3 if key % 12 == 4 else 0) for key in range(128)]
    page.evaluate("pitches => studio.dispatch({ type: 'tuning', tuning: { name: 'sharp thirds', pitches } })", pitches)
    with page.expect_request("**/midi/render") as asked:  # what was made is no longer what is wanted
        page.locator("#midi .foot > .button").click()
    assert asked.value.post_data_json["tuning"] == {"name": "sharp thirds", "pitches": pitches}
    page.get_by_role("link", name="Download WAV").wait_for()
    assert "The keys are tuned to 'sharp thirds'." in page.locator("#midi .notices").inner_text()


def test_the_path_is_laid_by_hand_and_keys_and_kept(visit):
    page = visit()
    pick(page, "cello", "cello")
    open_song(page)
    pick(page, "oboe", "oboe")
    page.get_by_role("button", name="This sound", exact=True).click()
    assert places(page)["Oboe"] == 50
    track = page.locator("#midi .track").bounding_box()
    pin = page.locator("#midi .pin[aria-label='Oboe']").bounding_box()
    page.mouse.move(pin["x"] + 12, pin["y"] + 12)
    page.mouse.down()
    page.mouse.move(track["x"] + 0.2 * track["width"], track["y"] + 15, steps=4)
    page.mouse.up()
    assert places(page)["Oboe"] == pytest.approx(20, abs=0.5)
    page.locator("#midi .pin[aria-label='Oboe']").focus()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+ArrowRight")
    page.keyboard.press("ArrowRight")
    assert places(page)["Oboe"] == 11
    page.get_by_role("spinbutton", name="Place of Oboe in percent").fill("30")
    page.keyboard.press("Enter")
    assert places(page)["Oboe"] == 30
    bell = {"id": "f", "name": "My bell", "tags": [], "sound": {"instruments": {"celesta": 1}, "seed": 1}, "note": 60}
    page.evaluate("item => studio.library.keep('favourites', [item])", bell)
    page.get_by_label("Add a favourite").select_option(label="My bell")
    assert places(page)["My bell"] == 65
    page.locator("#midi .pin[aria-label='Oboe']").focus()
    page.keyboard.press("Delete")
    assert "Oboe" not in places(page)
    page.get_by_role("button", name="Spread evenly").click()
    page.reload()
    page.wait_for_selector("#sliders .slider input")
    open_song(page)
    assert list(places(page).values()) == [0, 50, 100] and "My bell" in places(page)


def test_each_part_has_a_sound_which_may_be_changed_and_a_file_of_its_own(visit):
    page = visit()
    open_song(page, DUO, "As written")
    assert page.locator("#midi .track").is_hidden()
    lines = page.locator("#midi .parts li")
    assert [" ".join(text.split("\n")[:2]) for text in lines.all_inner_texts()] == [
        "Acoustic Grand Piano channel 1 · 1 note",
        "Descant channel 2 · 1 note",
    ]
    second = page.get_by_label("What plays Descant")
    assert second.input_value() == "written"
    second.focus()
    second.select_option(label="Violin")
    page.get_by_label("Listen to Descant").click()
    page.get_by_label("Stems").check()
    page.get_by_label("Bits").select_option(label="16 bit")
    render(page)
    with page.expect_download() as download:
        page.get_by_role("link", name="Stems").click()
    with zipfile.ZipFile(download.value.path()) as pack:
        assert [name.split("/")[1] for name in pack.namelist()] == [
            "01_acoustic_grand_piano.wav",
            "02_descant_violin.wav",
        ]
        assert soundfile.info(io.BytesIO(pack.read(pack.namelist()[0]))).subtype == "PCM_16"
    second.focus()
    second.select_option(label="Left out")
    assert page.locator("#midi .foot > .button").inner_text() == "Render the changes"
    assert "1 note ·" in page.locator("#midi .head .facts").inner_text()
    page.get_by_label("What plays Acoustic Grand Piano").focus()
    page.get_by_label("What plays Acoustic Grand Piano").select_option(label="Left out")
    assert page.locator("#midi .foot > .button").is_disabled()
    second.focus()
    second.select_option(label="Path of sounds")
    page.locator("#midi .track").wait_for()


def test_a_song_under_way_can_be_cancelled(visit, monkeypatch):
    gate = threading.Event()

    def render_until_cancelled(*arguments, progress, **options):
        def tell(*done):
            progress(*done)
            gate.wait(HANG_SECONDS)

        return render_midi(*arguments, progress=tell, **options)

    monkeypatch.setattr("webapp.midi.render_midi", render_until_cancelled)
    page = visit()
    long = [note for number in range(600) for note in played(number / 20, number / 20 + 0.1, 36 + number % 48)]
    open_song(page, midi(long))
    with page.expect_response("**/midi/render") as answer:
        page.get_by_role("button", name="Render", exact=True).click()
    job = answer.value.json()["job"]
    page.wait_for_function("() => /%/.test(document.querySelector('#midi .how').textContent)")
    assert 0 <= page.locator("#midi progress").evaluate("bar => bar.value") < 1
    page.get_by_role("button", name="Cancel", exact=True).click()
    page.get_by_role("button", name="Render", exact=True).wait_for()
    gate.set()
    asking = "job => studio.askModel(`jobs/${job}`, {}).then(a => a.json()).then(s => s.state === 'cancelled')"
    page.wait_for_function(asking, arg=job)
    assert page.locator("#midi .player:visible").count() == 0


def test_what_is_no_song_is_said_in_words(visit):
    page = visit(ignored=("400",))
    page.get_by_role("tab", name="MIDI", exact=True).click()
    choose(page, b"RIFF and so on", "noise.wav")
    page.wait_for_function("() => document.querySelector('#midi .problem').textContent.includes('not a MIDI file')")
    choose(page, bytes(2_000_001))
    page.wait_for_function("() => document.querySelector('#midi .problem').textContent.includes('larger than 2 MB')")
    choose(page)
    page.wait_for_selector("#midi .title:visible")
    assert page.locator("#midi .problem").is_hidden()
    choose(page, SONG[:24], "broken.mid")
    page.wait_for_function("() => document.querySelector('#midi .problem').textContent.includes('ends too early')")
    assert page.locator("#midi .title").inner_text() == "tune.mid"  # what was there stays


def test_a_file_is_dropped_on_a_phone_that_never_scrolls_sideways(visit):
    page = visit(390, 844)
    page.get_by_role("tab", name="MIDI", exact=True).click()
    page.evaluate(
        """bytes => {
          const data = new DataTransfer();
          data.items.add(new File([new Uint8Array(bytes)], "dropped.mid", { type: "audio/midi" }));
          const room = document.querySelector("#midi .room");
          const options = { dataTransfer: data, bubbles: true, cancelable: true };
          for (const kind of ["dragenter", "drop"]) room.dispatchEvent(new DragEvent(kind, options));
        }""",
        list(SONG),
    )  # fmt: skip
    page.wait_for_selector("#midi .title:visible")
    assert page.locator("#midi .title").inner_text() == "dropped.mid"
    page.get_by_role("button", name="Along a path").click()
    render(page)
    assert page.evaluate("document.documentElement.scrollWidth") <= 390
    for button in page.locator("#midi .button:visible, #midi .pin").all():
        box = button.bounding_box()
        assert box["x"] >= -8 and box["x"] + box["width"] <= 398
