"""What one keeps, in a real Chromium: favourites, history, links, files, comparing, breeding, pictures."""

import io
import json
import math

import mido
import numpy as np
from browser import HEARD, assert_hears, drop_file, enable_sound, pick, steady_level, wait_for_silence
from PIL import Image
from playwright.sync_api import Page

from gansynth_core import load_patch


def tab(page: Page, name: str) -> None:
    page.get_by_role("tab", name=name, exact=True).click()


def rows(page: Page, room: str) -> list[str]:
    return page.locator(f"#{room} .sounds strong").all_text_contents()


def wait_for_rows(page: Page, room: str, *names: str) -> None:
    page.wait_for_function(
        "([room, names]) => JSON.stringify([...document.querySelectorAll(`#${room} .sounds strong`)]"
        ".map((one) => one.textContent)) === JSON.stringify(names)",
        arg=[room, list(names)],
    )


# Comes back once the browser has stored a sound of that name for good.
STORED = """async name => {
    const answer = (request) => new Promise((resolve, reject) => {
        request.onsuccess = () => resolve(request.result);
        request.onerror = () => reject(request.error);
    });
    const base = await answer(indexedDB.open("gansynth-studio"));
    for (let kept = []; !kept.some(({ item }) => item.name === name); )
        kept = await answer(base.transaction("kept").objectStore("kept").getAll());
    base.close();
}"""


def test_a_starred_sound_is_renamed_tagged_found_again_and_survives_a_reload(visit):
    page = visit()
    enable_sound(page)
    pick(page, "cello", "cello")
    page.get_by_role("button", name="Star this sound").first.click()
    pick(page, "flute", "flute")
    page.keyboard.press("KeyB")
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
    page.evaluate(STORED, "Night strings")
    page.reload()
    page.wait_for_selector("#sliders .slider input")
    tab(page, "Favourites")
    wait_for_rows(page, "favourites", "Flute", "Night strings")
    assert page.locator("#favourites .sounds .tag").all_inner_texts() == ["warm", "pad"]
    page.wait_for_selector("#favourites .thumb img:not([hidden])")
    page.wait_for_function("() => document.querySelector('#favourites .thumb img').naturalWidth === 144")


def test_a_favourite_is_heard_under_the_pointer_and_goes_where_it_is_told(visit):
    page = visit()
    enable_sound(page)
    pick(page, "cello", "cello")
    page.keyboard.press("KeyB")
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
    page.wait_for_function("() => studio.library.basket[0]?.name === 'Cello'")
    page.get_by_role("button", name="Delete Cello").click()
    page.get_by_text("Nothing starred yet").wait_for()
    page.keyboard.press("Control+z")
    wait_for_rows(page, "favourites", "Cello")


def test_the_history_keeps_what_one_rested_on_and_survives_a_reload(visit):
    page = visit()
    enable_sound(page)
    tab(page, "History")
    page.keyboard.press("KeyA")
    wait_for_rows(page, "history", "Acoustic Grand Piano")
    tab(page, "Instruments")
    pick(page, "cello", "cello")
    tab(page, "History")
    wait_for_rows(page, "history", "Cello", "Acoustic Grand Piano")
    box = page.locator("#sliders .slider input").first.bounding_box()
    page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)
    page.mouse.down()
    for share in (0.6, 0.7, 0.8):
        page.mouse.move(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)
        page.wait_for_function("() => studio.heard === studio.soundText")
    page.mouse.up()  # where it was let go counts, not what lay on the way
    wait_for_rows(page, "history", "Cello", "Cello", "Acoustic Grand Piano")
    page.locator("#history .pick", has_text="Piano").click()
    wait_for_rows(page, "history", "Acoustic Grand Piano", "Cello", "Cello")
    page.mouse.move(0, 0)  # what rows move under the pointer would be listened to
    page.keyboard.press("Control+z")  # the way back is not undone
    page.wait_for_function("() => studio.sound.instruments?.cello === 1")
    wait_for_rows(page, "history", "Cello", "Acoustic Grand Piano", "Cello")  # but what sounds again is heard again
    page.evaluate("studio.dispatch({ type: 'audition', on: false })")  # from here on pointing is not listening
    page.locator("#history .pick").nth(1).hover()
    page.locator("#history li").nth(1).get_by_role("button", name="Keep as favourite").click()
    page.wait_for_function("() => studio.library.favourites.length === 1")
    before = rows(page, "history")
    page.reload()
    page.wait_for_selector("#sliders .slider input")
    tab(page, "History")
    wait_for_rows(page, "history", *before)


def test_a_list_of_sounds_is_walked_by_the_keyboard(visit):
    page = visit()
    enable_sound(page)
    for typed, name in (("cello", "cello"), ("flute", "flute"), ("oboe", "oboe")):
        pick(page, typed, name)
        page.keyboard.press("KeyB")
    tab(page, "Favourites")
    wait_for_silence(page)
    page.get_by_role("searchbox", name="Filter favourites").focus()
    page.keyboard.press("Tab")  # the library's menu
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


def note_bytes(page: Page) -> str:
    """The note under the hand as the page's own route sends it."""
    return page.evaluate(
        """async () => {
            const note = studio.project.note;
            const answer = await studio.askModel("notes", { sound: studio.soundText, low: note, high: note });
            return [...new Uint8Array(await answer.arrayBuffer())].join();
        }"""
    )


def copied_link(page: Page) -> str:
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_role("button", name="Copy a link to this sound").click()
    page.get_by_text("A link to this sound is copied.").wait_for()
    return page.evaluate("navigator.clipboard.readText()")


def bend(page: Page) -> None:
    page.evaluate("studio.dispatch({ type: 'slide', sliders: { 'component 1': -1.37, 'component 2': 0.5 } })")


def test_a_link_brings_the_very_same_sound_to_a_fresh_browser(visit):
    page = visit()
    pick(page, "cello", "cello")
    page.evaluate("studio.dispatch({ type: 'handle', mode: 'line', t: 0.31 })")
    bend(page)
    page.evaluate("studio.dispatch({ type: 'note', pitch: 57 })")
    link = copied_link(page)
    assert len(link) < 600
    assert "?model=sines#" in link
    there = visit(path=link[link.index("?") :])
    there.get_by_text("is in A.").wait_for()
    assert there.evaluate("studio.project.note") == 57
    assert there.evaluate("studio.soundText") == page.evaluate("studio.soundText")
    assert note_bytes(there) == note_bytes(page)
    assert "#" not in there.url
    there.get_by_role("button", name="Undo").click()  # one step back to the bench as it was
    there.wait_for_function("() => studio.sound.instruments?.acoustic_grand_piano === 1 && studio.undoes() === null")


def test_a_link_to_a_sound_of_many_parts_is_short_and_sounds_the_same(visit):
    page = visit()
    page.evaluate(
        """() => {
            let sound = studio.sound;
            for (let n = 0; n < 3; n++) {
                const raw = Object.fromEntries(Array.from({ length: 200 }, (_, at) => [at, Math.sin(n + at)]));
                sound = { morph: [{ ...sound, raw }, { instruments: { oboe: 1 }, seed: n }], at: 0.4 };
            }
            studio.dispatch({ type: "put", slot: "a", sound });
        }"""
    )
    assert page.evaluate("studio.soundText.length") > 4000
    link = copied_link(page)
    assert len(link) < 4000
    there = visit(path=link[link.index("#") :])
    there.get_by_text("is in A.").wait_for()
    assert note_bytes(there) == note_bytes(page)


def test_links_that_cannot_be_followed_are_refused_in_words_and_change_nothing(visit):
    page = visit(path="#s=nonsense")
    page.get_by_text("This link is damaged").wait_for()
    before = page.evaluate("JSON.stringify(studio.project)")
    other = page.evaluate(
        """async () => {
            const { writeLink } = await import(new URL("gradio_api/studio/ui/document/permalink.js", document.baseURI));
            const other = { ...studio.model, digest: "f00d" };
            return writeLink({ sound: studio.sound, name: "x", note: 60, patch: {} }, other);
        }"""
    )
    page.evaluate("hash => { location.hash = hash }", other)
    page.get_by_text("This link was made with another version of 'sines'").wait_for()
    assert page.evaluate("JSON.stringify(studio.project)") == before


def test_a_project_goes_out_as_a_file_and_leaves_the_library_alone_where_it_is_opened(visit, tmp_path):
    page = visit()
    pick(page, "cello", "cello")
    bend(page)
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the project").click()
    file = tmp_path / download.value.suggested_filename
    download.value.save_as(file)
    assert file.name.startswith("gansynth-") and file.suffix == ".json"
    saved = page.evaluate("studio.project")

    there = visit()
    there.keyboard.press("KeyB")
    with there.expect_file_chooser() as chooser:
        there.get_by_role("button", name="Open a file").click()
    chooser.value.set_files(file)
    there.get_by_text(f"Opened {file.name}.").wait_for()
    assert there.evaluate("studio.project") == saved
    assert there.evaluate("studio.library.favourites.length") == 1
    there.keyboard.press("Control+z")
    there.wait_for_function("() => studio.sound.instruments.acoustic_grand_piano === 1")

    kept = {"id": "old", "name": "Dusk", "tags": [], "note": 57, "sound": {"instruments": {"flute": 1}, "seed": 3}}
    drop_file(there, "older.json", json.dumps({**saved, "format": 2, "favourites": [kept]}).encode())
    there.get_by_text("It holds one kept sound besides.").wait_for()
    assert there.evaluate("studio.library.favourites.length") == 1
    there.get_by_role("button", name="Add to my library").click()
    there.wait_for_function("() => studio.library.favourites.some(({ name }) => name === 'Dusk')")


def test_tabs_share_one_library_and_what_an_older_page_kept_moves_in(visit):
    page = visit()
    item = {"id": "1", "name": "Dusk", "tags": ["warm"], "note": 57, "sound": {"instruments": {"cello": 1}, "seed": 2}}
    page.evaluate(
        """item => {
            const former = { ...studio.project, format: 2, favourites: [item], basket: [{ ...item, id: "2" }] };
            localStorage.clear();
            sessionStorage.clear();
            localStorage.setItem("gansynth-studio:sines", JSON.stringify(former));
            localStorage.setItem("gansynth-studio:sines:heard", JSON.stringify([{ ...item, name: "Dawn" }]));
        }""",
        item,
    )
    other = page.context.new_page()
    other.goto(page.url)
    other.wait_for_selector("#sliders .slider input")
    kept = "() => ['favourites', 'basket', 'heard'].map(list => studio.library[list].map(({ name }) => name)).join()"
    assert other.evaluate(kept) == "Dusk,Dusk,Dawn"
    assert other.evaluate("localStorage.getItem('gansynth-studio:sines')") is None
    page.wait_for_function(f"() => ({kept})() === 'Dusk,Dusk,Dawn'")  # told by the other tab

    page.evaluate("studio.library.forget('favourites', ['1'])")
    other.wait_for_function("() => studio.library.favourites.length === 0")
    other.keyboard.press("KeyB")
    page.wait_for_function("() => studio.library.favourites.length === 1")
    page.evaluate("studio.undo()")  # its own deletion, not the other's star
    page.wait_for_function("() => studio.library.favourites.length === 2")
    other.wait_for_function("() => studio.library.favourites.some(({ name }) => name === 'Dusk')")
    other.reload()
    other.wait_for_selector("#sliders .slider input")
    assert other.evaluate("studio.library.favourites.length") == 2
    other.close()


def test_files_that_are_none_of_ours_are_refused_in_words_and_change_nothing(visit):
    page = visit(ignored=("status of 400",))
    before = page.evaluate("JSON.stringify(studio.project)")
    newer = json.dumps({"format": 99, "slots": {}}).encode()
    other = json.dumps({"format": 2, "model": "voices", "slots": {}}).encode()
    for name, data, sentence in [
        ("notes.json", b"{not json", "This project could not be read. The bench stays as it is."),
        ("empty.json", b"", "This project could not be read."),
        ("package.json", b'{"name": "x", "version": "1"}', "This project could not be read."),
        ("newer.json", newer, "saved by a newer version of the studio."),
        ("other.json", other, "belongs to the model 'voices', not to 'sines'."),
        ("kick.wav", b"RIFF\x12\x00\x00\x00WAVEGSyn\x02\x00\x00\x00{}", "The sound saved in 'kick.wav' is damaged"),
        ("cover.png", b"PNG", "Can't open “cover.png”. Drop "),
    ]:
        drop_file(page, name, data)
        page.locator(".toast", has_text=sentence).wait_for()
        page.locator(".toast button").first.click()
    assert page.evaluate("JSON.stringify(studio.project)") == before


def test_a_midi_file_dropped_anywhere_opens_in_its_tab(visit):
    page = visit()
    notes = [mido.Message("note_on", note=60), mido.Message("note_off", note=60, time=480)]
    song = mido.MidiFile(tracks=[mido.MidiTrack(notes)])
    data = io.BytesIO()
    song.save(file=data)
    drop_file(page, "tune.mid", data.getvalue())
    page.wait_for_selector("#tab-midi[aria-selected='true']")
    page.locator("#midi", has_text="tune.mid").wait_for()


def test_a_downloaded_note_dropped_on_the_page_is_its_sound_again(visit, tmp_path):
    page = visit()
    pick(page, "cello", "cello")
    bend(page)
    original = note_bytes(page)
    tab(page, "Picture")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download WAV").click()
    download.value.save_as(tmp_path / "note.wav")
    page.keyboard.press("Control+z")
    page.keyboard.press("Control+z")
    page.wait_for_function("() => studio.sound.instruments.acoustic_grand_piano === 1")
    drop_file(page, "My cello.wav", (tmp_path / "note.wav").read_bytes())
    page.get_by_text("The sound of My cello.wav is in A.").wait_for()
    page.wait_for_selector("h2:text-is('My cello')")
    assert note_bytes(page) == original


def test_a_preset_saved_from_a_slot_opens_with_its_sound_and_envelope(visit, tmp_path):
    page = visit()
    pick(page, "cello", "cello")
    bend(page)
    original = note_bytes(page)
    page.evaluate("studio.dispatch({ type: 'patch', patch: { attack: 0.5, gain: -3 } })")
    page.get_by_role("button", name="Options for A").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Save as a preset").click()
    assert download.value.suggested_filename == "Cello_preset.json"
    download.value.save_as(tmp_path / "cello.json")
    preset = load_patch(tmp_path / "cello.json")
    assert (preset.name, preset.envelope.attack_seconds, preset.gain_db) == ("Cello", 0.5, -3)
    for _ in range(3):
        page.keyboard.press("Control+z")
    page.wait_for_function("() => studio.sound.instruments.acoustic_grand_piano === 1")
    assert page.evaluate("studio.project.patch.attack") == 0
    drop_file(page, "cello.json", (tmp_path / "cello.json").read_bytes())
    page.get_by_text("The preset Cello is in A, with its envelope.").wait_for()
    assert page.evaluate("[studio.project.patch.attack, studio.project.patch.gain]") == [0.5, -3]
    assert note_bytes(page) == original


def test_the_sound_is_downloaded_from_the_top_line(visit):
    page = visit()
    pick(page, "cello", "cello")
    with page.expect_download() as download:
        page.get_by_role("button", name="Download this sound as a WAV file").click()
    assert download.value.suggested_filename == "cello_C4_060_seed0.wav"
    page.get_by_role("button", name="Options for B").click()
    with page.expect_download() as download:
        page.get_by_role("menuitem", name="Download as WAV").click()
    assert download.value.suggested_filename == "violin_C4_060_seed0.wav"


def test_a_server_that_goes_in_the_middle_of_a_drag_is_said_and_the_drag_is_kept(visit):
    page = visit(ignored=("ERR_FAILED",))
    enable_sound(page)
    wait_for_silence(page)
    box = page.locator("#sliders .slider input").first.bounding_box()
    middle = box["y"] + box["height"] / 2
    page.mouse.move(box["x"] + box["width"] / 2, middle)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, middle)
    assert_hears(page, 60)
    gone = [f"**/{kind}**" for kind in ("notes?*", "takes", "measures", "picture?*", "thumb?*")]
    for pattern in gone:
        page.route(pattern, lambda route: route.abort())
    page.mouse.move(box["x"] + box["width"] * 0.8, middle)
    page.locator(".state", has_text="The studio does not answer. Your sound is kept. Trying again.").wait_for()
    page.mouse.move(box["x"] + box["width"] * 0.9, middle)
    assert_hears(page, 60)  # what was there last goes on
    page.mouse.up()
    amount = page.evaluate("studio.sound.sliders['component 1']")
    assert amount > 2
    kept = "JSON.parse(localStorage.getItem('gansynth-studio:sines:bench'))?.slots.a.sound.sliders?.['component 1']"
    page.wait_for_function(f"amount => {kept} === amount", arg=amount)  # saved a moment after its last change
    for pattern in gone:
        page.unroute(pattern)
    page.get_by_text("Ready", exact=True).wait_for()
    page.keyboard.down("KeyA")
    assert_hears(page, 60)
    page.keyboard.up("KeyA")


def tiles(page: Page):
    return page.locator("#variations .cell .pick")


def show_variations(page: Page) -> None:
    tab(page, "Variations")
    page.wait_for_selector("#variations .litter[aria-busy='false']")
    assert tiles(page).count() == 9


def test_variations_are_heard_and_taken(visit):
    page = visit()
    enable_sound(page)
    pick(page, "cello", "cello")
    show_variations(page)
    assert tiles(page).nth(4).inner_text() == "Cello"
    wait_for_silence(page)
    before = page.evaluate("studio.soundText")
    requests = []
    page.on(
        "request", lambda request: "morph" in request.url and "/notes" in request.url and requests.append(request.url)
    )
    tiles(page).nth(1).hover()
    assert_hears(page, 60)
    assert page.evaluate("studio.soundText") == before
    assert requests == []  # fetched with the others before one pointed at it
    tiles(page).nth(1).click()
    page.wait_for_selector("h2:text-is('Cello · varied 2')")
    taken = page.evaluate("studio.soundText")
    assert taken != before
    assert tiles(page).nth(1).get_attribute("aria-current") == "true"
    tiles(page).nth(4).click()
    page.wait_for_function("before => studio.soundText === before", arg=before)
    page.keyboard.press("Control+z")
    page.wait_for_function("taken => studio.soundText === taken", arg=taken)


def test_two_sounds_have_children_between_them_and_one_can_go_back(visit):
    page = visit()
    enable_sound(page)
    show_variations(page)
    breed = page.get_by_role("button", name="Breed", exact=True)
    assert breed.is_disabled()
    picks = page.locator("#variations .act.between")
    for index in (0, 5, 8):  # of three the first gives way
        picks.nth(index).click()
    assert page.locator("#variations .act.between[aria-pressed='true']").count() == 2
    assert picks.nth(0).get_attribute("aria-pressed") == "false"
    breed.click()
    page.wait_for_function("() => document.querySelectorAll('#variations .pick').length === 10")
    page.wait_for_selector("#variations .litter[aria-busy='false']")
    tiles(page).nth(4).click()
    page.wait_for_function("() => studio.sound.morph?.[0].morph?.length === 2")
    at = page.evaluate("studio.sound.morph[0].at")
    assert 0.3 < at < 0.6
    page.get_by_role("button", name="Previous variations").click()
    page.wait_for_function("() => document.querySelectorAll('#variations .pick').length === 9")


def test_generations_do_not_grow_into_sounds_that_cannot_be_sent(visit):
    page = visit()
    show_variations(page)
    for _ in range(5):
        tiles(page).nth(2).click()
        page.wait_for_function(
            "() => document.querySelectorAll('#variations .pick')[2].getAttribute('aria-current') === 'true'"
        )
        page.evaluate("window.before = document.querySelector('#variations .pick')")
        page.get_by_role("button", name="New variations").click()
        page.wait_for_function("() => document.querySelector('#variations .pick') !== window.before")
    assert page.evaluate("studio.soundText.length") < 4000
    page.get_by_text("Ready", exact=True).wait_for()


def test_sounds_are_compared_at_one_loudness_while_a_note_goes_on(visit):
    def halve(route):  # the studio levels its notes by their peaks: here B's are half as strong
        answer = route.fetch()
        samples = np.frombuffer(answer.body(), "<i2") // 2
        route.fulfill(response=answer, body=samples.tobytes())

    page = visit(routes={"**/takes": halve})
    enable_sound(page)
    page.evaluate("studio.prepare([studio.project.slots.b.sound])")  # so that all fits into one note, on any machine
    page.keyboard.down("KeyA")
    own = steady_level(page)
    page.keyboard.up("KeyA")
    wait_for_silence(page)
    page.keyboard.down("KeyA")
    page.wait_for_function(HEARD)
    page.keyboard.down("KeyC")
    page.locator(".compare-reading", has_text="dB").wait_for()
    other = steady_level(page)
    name, decibels, _ = page.locator(".compare-reading").inner_text().split()
    page.keyboard.up("KeyC")
    page.locator(".compare-reading", has_text="dB").wait_for(state="hidden")
    again = steady_level(page)
    page.keyboard.up("KeyA")
    assert name == "Violin" and abs(float(decibels) - 6.0) < 0.5
    assert abs(20 * math.log10(again / own)) < 0.3
    assert abs(20 * math.log10(other / own)) < 0.7


def test_pictures_of_a_and_b_and_of_both_kinds_are_saved(visit):
    page = visit()
    tab(page, "Picture")
    page.wait_for_selector("#picture img[alt^='Waveform and spectrogram of Acoustic Grand Piano']")
    page.get_by_role("radio", name="B", exact=True).click()
    page.wait_for_selector("#picture img[alt='Waveform and spectrogram of Violin, C4']")
    page.get_by_role("radio", name="Rainbow").click()
    page.wait_for_selector("#picture img[alt='Rainbowgram of Violin, C4']")
    with page.expect_download() as download:
        page.get_by_role("button", name="Save the picture as PNG").click()
    assert download.value.suggested_filename == "Violin_C4_rainbow.png"
    pixels = np.asarray(Image.open(download.value.path()).convert("RGBA"))
    assert pixels.shape[1] == page.evaluate("document.querySelector('#picture img').naturalWidth")
    assert (pixels[..., 3] == 255).all()  # no transparent ground: dark letters must be read anywhere
    colours = pixels[..., :3].reshape(-1, 3).astype(int)
    assert (np.ptp(colours, axis=1) > 80).any()  # hues, not the page's own greys
