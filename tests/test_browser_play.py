"""Playing, in a real Chromium: velocity, pedal, envelope, MIDI, phrases. What leaves the loudspeaker is measured."""

import json
from itertools import product
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pytest
from browser import HEARD, assert_hears, at_key, enable_sound, pass_seconds, pick, steady_level, wait_for_silence
from playwright.sync_api import Page

from gansynth_core import Envelope
from gansynth_core.sound import ENVELOPE_RANGES, GAIN_RANGE_DB

# Notes down [seconds, level] of the last 20 ms, again and again, beside the engine's own clock.
LISTEN = """() => { window.heard = []; const wave = new Float32Array(8192);
    window.listening = setInterval(() => { studio.engine.wave(wave);
        const level = Math.sqrt(wave.subarray(-480).reduce((sum, value) => sum + value * value, 0) / 480);
        heard.push([studio.engine.now(), level]) }, 8) }"""

# Devices that the test plays: `midi.send(name, ...bytes)`, `midi.unplug(name)`, `midi.plug(name)`.
STUB = """(names) => {
    const inputs = new Map(), access = { inputs, onstatechange: null };
    const plug = (name) => {
        inputs.set(name, { id: name, name, state: "connected", onmidimessage: null }); access.onstatechange?.() };
    names.forEach(plug);
    window.midi = { plug, asked: 0,
        send: (name, ...data) => inputs.get(name).onmidimessage({ data: new Uint8Array(data) }),
        unplug: (name) => { inputs.get(name).state = "disconnected"; inputs.delete(name); access.onstatechange() } };
    navigator.requestMIDIAccess = async () => { midi.asked++; return access } }"""


def ready(visit, **options) -> Page:
    """A page that sounds, whose keys are all there and whose auditions are off."""
    page = visit(**options)
    enable_sound(page)
    page.wait_for_function("() => studio.blocks().every(block => block.loaded)")
    page.evaluate("studio.dispatch({ type: 'audition', on: false })")
    wait_for_silence(page)
    return page


def levels(page: Page) -> np.ndarray:
    """What LISTEN has heard so far: [moments, 2], seconds and level."""
    return np.array(page.evaluate("heard"))


def pace(seconds: np.ndarray, values: np.ndarray) -> float:
    """How much `values` change in a second: the median over all pairs of moments. On a busy machine the clock that the
    page reads may lag behind what is heard, so that only differences of time count."""
    assert len(values) >= 4, "too little was heard of the change"
    before, after = np.triu_indices(len(values), 1)
    apart = seconds[after] - seconds[before] > 0.02
    return float(np.median((values[after] - values[before])[apart] / (seconds[after] - seconds[before])[apart]))


def gain(velocity: float) -> float:
    """Of full level, at a velocity of 0 to 1: a square law from -40 dB at MIDI's velocity 1 to 0 dB at 127."""
    return ((127 * velocity + 13) / 140) ** 2


def test_a_key_struck_at_its_front_edge_is_louder(visit):
    page = ready(visit)
    box = page.locator("[data-pitch='61']").bounding_box()
    heard = []
    for place in (0.15, 0.9):
        page.mouse.move(box["x"] + box["width"] / 2, box["y"] + box["height"] * place)
        page.mouse.down()
        heard.append(steady_level(page))
        page.mouse.up()
        wait_for_silence(page)
    velocities = [0.25 + 0.75 * place for place in (0.15, 0.9)]
    by_gain = gain(velocities[1]) / gain(velocities[0])
    assert by_gain * 0.95 < heard[1] / heard[0] < by_gain * 1.3  # what a soft note loses in brightness counts too


def test_a_soft_note_is_duller(visit):
    page = ready(visit)
    pick(page, "harpsichord", "harpsichord")  # in the test's model: a sine and its eighth harmonic
    page.wait_for_function("() => studio.blocks().every(block => block.loaded)")
    overtone_db = []
    for velocity in (0.9, 0.3):
        page.evaluate("velocity => studio.press(60, velocity)", velocity)
        steady_level(page)
        wave = page.evaluate("() => { const w = new Float32Array(8192); studio.engine.wave(w); return [...w] }")
        spectrum = np.abs(np.fft.rfft(np.array(wave) * np.hanning(8192)))
        hertz = np.fft.rfftfreq(8192, 1 / page.evaluate("studio.model.rate"))
        strength = [spectrum[np.abs(hertz - 261.63 * n) < 20].max() for n in (1, 8)]
        overtone_db.append(20 * np.log10(strength[1] / strength[0]))
        page.evaluate("studio.lift(60)")
        wait_for_silence(page)
    assert -12 < overtone_db[1] - overtone_db[0] < -6


def test_the_browser_shapes_a_note_as_saved_notes_are(visit):
    """Web Audio's own rendering of an envelope, of keys (live) and of a phrase, beside the one that Python puts on
    exports."""
    page = visit()
    patch = {"attack": 0.2, "decay": 0.7, "sustain": 0.35, "release": 0.5, "gain": 0}
    rate = 24000
    block = 128 / rate  # Web Audio stops between blocks only
    lengths = (25 * block, 50 * block, 100 * block)  # within the attack, soon after it, later
    for held, live in product(lengths, (True, False)):
        heard = page.evaluate(
            """async ([patch, held, live, rate]) => {
                const module = new URL("gradio_api/studio/ui/audio/adsr.js", document.baseURI);
                const { scheduleEnvelope, scheduleRelease } = await import(module);
                const context = new OfflineAudioContext(1, 2 * rate, rate);
                const source = new ConstantSourceNode(context), gain = new GainNode(context, { gain: 0 });
                source.connect(gain).connect(context.destination);
                source.start();
                scheduleEnvelope(gain.gain, patch, 0, live ? {} : { held });
                if (live) context.suspend(held).then(() => {
                    gain.gain.cancelAndHoldAtTime(held);
                    scheduleRelease(gain.gain, patch, held);
                    context.resume();
                });
                return [...(await context.startRendering()).getChannelData(0)];
            }""",
            [patch, held, live, rate],
        )
        envelope = Envelope(patch["attack"], patch["decay"], patch["sustain"], patch["release"])
        assert np.abs(np.array(heard) - envelope.gains(2 * rate, rate, held)).max() < 1e-3
    patch = page.evaluate("studio.model.shared.patch")
    ranges = {name: [part["low"], part["high"]] for name, part in patch.items()}
    assert ranges.pop("gain") == list(GAIN_RANGE_DB)
    assert list(ranges.values()) == [list(limits) for limits in ENVELOPE_RANGES.values()]


def test_an_attack_of_one_and_a_half_seconds_rises_so(visit):
    page = ready(visit)
    page.evaluate("studio.dispatch({ type: 'patch', patch: { attack: 1.5 } })")
    page.evaluate(LISTEN)
    start = page.evaluate("() => { studio.press(60, 1); return studio.engine.now() }")
    page.wait_for_function("start => studio.engine.now() > start + 2.4", arg=start)
    seconds, heard = levels(page).T
    full = np.median(heard[seconds > start + 1.8])
    rising = (heard > 0.15 * full) & (heard < 0.85 * full)
    assert pace(seconds[rising], heard[rising] / full) == pytest.approx(1 / 1.5, rel=0.2)


def test_a_release_of_a_second_fades_so(visit):
    page = ready(visit)
    page.evaluate("studio.dispatch({ type: 'patch', patch: { release: 1 } })")
    page.evaluate("studio.press(60, 1)")
    full = steady_level(page)
    page.evaluate(LISTEN)
    end = page.evaluate("() => { studio.lift(60); return studio.engine.now() }")
    page.wait_for_function("end => studio.engine.now() > end + 1.1", arg=end)
    seconds, heard = levels(page).T
    fall_db = 20 * np.log10(np.maximum(heard, 1e-6) / full)
    falling = (fall_db < -6) & (fall_db > -36)
    assert pace(seconds[falling], fall_db[falling]) == pytest.approx(-60, rel=0.15)


def test_the_space_bar_is_a_sustain_pedal(visit):
    page = ready(visit)
    page.keyboard.down("Space")
    page.keyboard.press("KeyA")
    page.keyboard.press("KeyD")
    pass_seconds(page, 0.7)  # past the release
    assert page.evaluate("[...studio.keys().sounding].sort().join()") == "60,64"
    assert page.evaluate(HEARD)
    assert page.evaluate("window.scrollY") == 0
    page.keyboard.up("Space")
    wait_for_silence(page)


def test_a_space_typed_is_a_space(visit):
    page = ready(visit)
    search = page.get_by_role("combobox", name="Search instruments")
    search.click()
    page.keyboard.type("steel v")
    assert search.input_value() == "steel v"
    assert page.evaluate("[studio.keys().pedal, studio.phrase.isOn(), studio.keys().down.size]") == [False, False, 0]


def test_the_seventeenth_voice_takes_the_place_of_the_first(visit):
    page = ready(visit)
    page.evaluate("for (let pitch = 40; pitch < 56; pitch++) studio.press(pitch, 0.3)")
    page.wait_for_function("studio.keys().sounding.size === 16")  # the clock of a busy machine may lag behind a press
    page.evaluate("studio.press(70, 0.3)")
    page.wait_for_function("studio.keys().sounding.has(70)")
    assert sorted(page.evaluate("[...studio.keys().sounding]")) == [*range(41, 56), 70]
    page.keyboard.press("Escape")
    wait_for_silence(page)


def test_a_midi_keyboard_plays_bends_and_turns_the_handle(visit):
    page = ready(visit)
    page.evaluate(STUB, ["Keystation"])
    assert page.evaluate("midi.asked") == 0
    page.get_by_role("button", name="Connect MIDI").click()
    page.get_by_role("button", name="Keystation").wait_for()
    page.evaluate("midi.send('Keystation', 0x90, 69, 127)")
    assert_hears(page, 69)
    loud = steady_level(page)
    page.evaluate("midi.send('Keystation', 0xe0, 127, 127)")
    assert_hears(page, 71)
    page.evaluate("midi.send('Keystation', 0xe0, 0, 64)")
    assert_hears(page, 69)
    page.evaluate("midi.send('Keystation', 0x80, 69, 0)")
    wait_for_silence(page)
    page.evaluate("midi.send('Keystation', 0x90, 69, 64)")
    assert 0.75 * gain(64 / 127) < steady_level(page) / loud < 1.05 * gain(64 / 127)

    page.evaluate("midi.send('Keystation', 0xb0, 64, 127)")
    page.evaluate("midi.send('Keystation', 0x90, 69, 0)")
    pass_seconds(page, 0.7)
    assert page.evaluate(HEARD)
    page.evaluate("midi.send('Keystation', 0xb0, 64, 0)")
    wait_for_silence(page)

    for value in (20, 60, 64):
        page.evaluate("value => midi.send('Keystation', 0xb0, 1, value)", value)
    page.wait_for_function("() => Math.abs(studio.sound.at - 64 / 127) < 1e-3")
    page.wait_for_function("() => studio.isQuiet()")  # the wheel was let go
    page.evaluate("studio.undo()")
    assert page.evaluate("studio.project.morph.t") == 0

    page.evaluate("midi.send('Keystation', 0x90, 60, 127)")
    page.wait_for_function(HEARD)
    page.evaluate("midi.unplug('Keystation')")
    wait_for_silence(page)
    page.get_by_role("button", name="No MIDI device").wait_for()
    page.evaluate("midi.plug('Pads')")
    page.get_by_role("button", name="Pads").wait_for()


def test_mpe_bends_each_note_by_itself_and_a_tuning_moves_the_keys(visit):
    page = ready(visit)
    page.evaluate(STUB, ["Pads"])
    page.get_by_role("button", name="Connect MIDI").click()
    page.get_by_role("button", name="What MIDI moves").wait_for()

    def send(*data):
        page.evaluate("data => midi.send('Pads', ...data)", list(data))

    for control, value in ((101, 0), (100, 6), (6, 15)):  # a zone of 15 channels
        send(0xB0, control, value)
    send(0x91, 69, 127)
    send(0xE1, *divmod(8192 + round(8191 * 4 / 48), 128)[::-1])  # four semitones of 48
    assert_hears(page, 73)
    send(0x81, 69, 0)
    wait_for_silence(page)
    send(0x92, 69, 127)
    assert_hears(page, 69)
    send(0xD2, 127)
    page.wait_for_function("() => studio.project.morph.t === 1")  # how hard it is pressed moves the handle
    send(0xD2, 0)
    page.wait_for_function("() => studio.project.morph.t === 0 && studio.isSettled()")
    send(0x82, 69, 0)
    wait_for_silence(page)

    page.get_by_role("button", name="Tuning", exact=True).hover()
    page.get_by_role("button", name="Tuning", exact=True).click()
    page.get_by_role("menuitem", name="Quarter tones").click()
    send(0x92, 78, 127)  # 18 quarter tones above middle C
    assert_hears(page, 69)
    send(0x82, 78, 0)
    wait_for_silence(page)
    send(0x92, 79, 127)
    assert_hears(page, 69.5)
    assert page.evaluate("studio.keys().down.has(79)")


def test_midi_that_cannot_be_had_is_said(visit):
    page = visit(fresh=True)  # for the script it adds
    page.evaluate("void (navigator.requestMIDIAccess = () => Promise.reject(new Error('denied')))")
    page.get_by_role("button", name="Connect MIDI").click()
    page.get_by_role("button", name="MIDI refused").wait_for()
    assert "site settings" in page.get_by_role("button", name="MIDI refused").get_attribute("title")
    page.add_init_script("delete Navigator.prototype.requestMIDIAccess")
    page.reload()
    page.get_by_role("button", name="No MIDI here").wait_for()


def test_a_phrase_plays_follows_the_sound_and_stops(visit):
    page = ready(visit)
    page.keyboard.press("KeyV")
    assert_hears(page, 60)
    page.wait_for_function("() => studio.keys().sounding.has(67)")
    page.wait_for_function("() => studio.keys().sounding.has(76)")
    pick(page, "violin", "violin")
    page.keyboard.press("Escape")  # closes the search, or stops
    page.evaluate("studio.phrase.start()")
    page.wait_for_function("() => studio.keys().sounding.has(72)")
    page.get_by_role("combobox", name="Phrase").select_option("bass")
    page.wait_for_function("() => [...studio.keys().sounding].some(pitch => pitch < 50)")
    page.get_by_role("button", name="Stop the phrase").click()
    wait_for_silence(page)


def test_a_phrase_has_no_holes_while_its_sound_is_dragged(visit):
    page = ready(visit)
    page.evaluate("studio.dispatch({ type: 'phrase', tempo: 200 })")
    page.keyboard.press("KeyV")
    page.wait_for_function(HEARD)
    page.evaluate(LISTEN)
    box = page.get_by_role("slider", name="Morph from A to B").bounding_box()
    page.mouse.move(box["x"] + 14, box["y"] + box["height"] / 2)
    page.mouse.down()
    for step in range(1, 25):
        page.mouse.move(box["x"] + box["width"] * step / 30, box["y"] + box["height"] / 2)
        pass_seconds(page, 0.08)
    page.wait_for_function("() => heard.length > 50")
    page.mouse.up()
    heard = levels(page)
    assert np.diff(heard[:, 0]).min() >= 0
    assert np.median(heard[:, 1]) > 0.02
    assert np.mean(heard[:, 1] < 0.002) < 0.2


def test_a_drag_is_as_loud_as_keys_are_and_has_their_envelope(visit):
    page = ready(visit)
    page.evaluate("studio.dispatch({ type: 'audition', on: true })")

    def dragged(patch):
        page.evaluate("patch => studio.dispatch({ type: 'patch', patch })", patch)
        page.evaluate("studio.drag({ type: 'slide', sliders: { 'component 2': Math.random() } })")
        heard = steady_level(page)
        page.evaluate("studio.drop()")
        wait_for_silence(page)
        return heard

    full = dragged({})
    page.evaluate("studio.press(60)")
    key = steady_level(page)
    page.evaluate("studio.lift(60)")
    wait_for_silence(page)
    assert full == pytest.approx(key, rel=0.1)
    assert dragged({"decay": 0.1, "sustain": 0.25}) / full == pytest.approx(0.25, rel=0.1)


def test_the_envelope_is_drawn_by_hand_heard_undone_and_saved(visit):
    page = ready(visit)
    page.get_by_role("tab", name="Envelope").click()
    corner = page.locator("[data-corner='decay'] .dot").bounding_box()
    x, y = corner["x"] + corner["width"] / 2, corner["y"] + corner["height"] / 2
    drawing = page.locator(".adsr svg").bounding_box()
    page.evaluate("studio.press(60, 1)")
    before = steady_level(page)
    assert page.locator(".adsr .point").get_attribute("visibility") == "visible"
    page.mouse.move(x, y)
    page.mouse.down()
    page.mouse.move(x, y + drawing["height"] * 0.2, steps=3)
    page.mouse.move(x, y + drawing["height"] * 0.385, steps=3)
    page.mouse.up()
    sustain = page.evaluate("studio.project.patch.sustain")
    assert 0.4 < sustain < 0.6
    assert steady_level(page) / before == pytest.approx(sustain, rel=0.1)  # the note held follows
    page.evaluate("studio.lift(60)")
    page.keyboard.press("Control+z")
    assert page.evaluate("studio.project.patch.sustain") == 1

    attack = page.get_by_role("slider", name="Attack")
    attack.focus()
    for _ in range(10):
        page.keyboard.press("ArrowRight")
    assert page.evaluate("studio.project.patch.attack") == pytest.approx(2 * 0.2**2, abs=0.003)
    assert attack.get_attribute("aria-valuetext") in ("79 ms", "80 ms", "81 ms", "82 ms")
    page.get_by_role("button", name="Pad", exact=True).click()
    assert page.evaluate("studio.project.patch.attack") == 0.7
    page.get_by_role("tab", name="Picture").click()
    with page.expect_request("**/wav?*") as asked, page.expect_download():
        page.get_by_role("button", name="Download WAV").click()
    patch = json.loads(parse_qs(urlsplit(asked.value.url).query)["patch"][0])
    assert patch == page.evaluate("studio.project.patch")
    page.get_by_role("button", name="Reset envelope").click()
    assert page.evaluate("studio.project.patch.attack") == 0


def test_a_corner_is_dragged_by_a_finger_on_a_phone(visit):
    page = visit(390, 844, has_touch=True, is_mobile=True)
    page.locator(".veil").tap()
    page.get_by_role("button", name="More of the piano").tap()
    page.get_by_role("combobox", name="Phrase").wait_for()
    page.get_by_role("button", name="More of the piano").tap()
    page.get_by_role("button", name="Shape").tap()
    page.get_by_role("tab", name="Envelope").tap()
    page.wait_for_function(
        """() => { document.querySelector(".adsr").scrollIntoView({ block: "start", behavior: "instant" });
            const { x, y } = document.querySelector("[data-corner='release'] .dot").getBoundingClientRect();
            return document.elementFromPoint(x + 6, y + 6).closest(".corner") }"""
    )  # pictures that arrive above may push it down
    box = page.locator("[data-corner='release'] .dot").bounding_box()
    x, y = box["x"] + box["width"] / 2, box["y"] + box["height"] / 2
    fingers = page.context.new_cdp_session(page)
    fingers.send("Input.dispatchTouchEvent", {"type": "touchStart", "touchPoints": [{"x": x, "y": y}]})
    fingers.send("Input.dispatchTouchEvent", {"type": "touchMove", "touchPoints": [{"x": x + 40, "y": y}]})
    fingers.send("Input.dispatchTouchEvent", {"type": "touchEnd", "touchPoints": []})
    page.wait_for_function("() => studio.project.patch.release > 1")
    assert page.evaluate("document.documentElement.scrollWidth") <= 390


def test_held_notes_are_struck_as_their_place_says_and_letters_as_usual(visit):
    page = ready(visit)
    page.mouse.move(*at_key(page, 60))
    page.mouse.down()
    loud = steady_level(page)
    page.mouse.up()
    wait_for_silence(page)
    page.keyboard.down("KeyA")
    assert steady_level(page) / loud == pytest.approx(gain(0.8) / gain(0.25 + 0.75 * 0.9), rel=0.15)
    page.keyboard.up("KeyA")
