"""The studio's own routes: the right bytes for a good request, a sentence for any other."""

import asyncio
import base64
import dataclasses
import io
import json
import struct
import threading
from urllib.parse import urlencode

import numpy as np
import pytest
import soundfile
from fastapi import FastAPI
from patience import HANG_SECONDS, awaited, until
from PIL import Image
from sine_voice import DYING, QuickSines, grid_atlas, sine_card, sine_synth
from starlette.middleware import Middleware
from starlette.testclient import TestClient

from gansynth_core import DESCRIPTORS, Direction, Envelope, GivenUp, InputError, ModelError, Patch, Synth, sample
from webapp.fair import Visitor
from webapp.gate import VISITOR_COOKIE, Guard, Hosts
from webapp.player import Player
from webapp.routes import PREFIX, Studio, studio_routes
from webapp.sound_document import check_pitch, digest_of
from webapp.turns import EACH_WAITS, Kind

SYNTH = sine_synth()
RATE = SYNTH.card.specgram.sample_rate
SAMPLES = SYNTH.card.specgram.samples
NOTES = f"{PREFIX}/{digest_of(SYNTH.card)}/notes"
WAV = f"{PREFIX}/{digest_of(SYNTH.card)}/wav"
PICTURE = f"{PREFIX}/{digest_of(SYNTH.card)}/picture"
THUMB = f"{PREFIX}/{digest_of(SYNTH.card)}/thumb"


def client_for(player: Player) -> TestClient:
    app = FastAPI(
        routes=studio_routes(Studio(player)), middleware=[Middleware(Guard, hosts=Hosts("0.0.0.0", ["studio.example"]))]
    )
    return TestClient(app, base_url="http://127.0.0.1:7860", raise_server_exceptions=False)


@pytest.fixture(scope="module")
def client():
    return client_for(Player.of(SYNTH))


VIOLIN = {"instruments": {"violin": 1}, "seed": 7}
FLUTE = {"instruments": {"flute": 1}, "seed": 3}


def sound(**changes) -> str:
    return json.dumps(VIOLIN | changes)


def nested(levels: int) -> str:
    document = VIOLIN
    for _ in range(levels):
        document = {"morph": [document, FLUTE], "at": 0.5}
    return json.dumps(document)


def peak_hz(samples: np.ndarray) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 2**20))) * RATE / 2**20)


def test_notes_are_int16_of_the_right_length_each_at_its_pitch(client):
    answer = client.get(NOTES, params={"sound": sound(), "low": 60, "high": 71})
    assert answer.status_code == 200
    notes = np.frombuffer(answer.content, "<i2").reshape(12, SAMPLES)
    for pitch, note in zip(range(60, 72), notes, strict=True):
        assert abs(1200 * np.log2(peak_hz(note / 32768) / (440 * 2 ** ((pitch - 69) / 12)))) < 5
    assert answer.headers["X-Sample-Rate"] == str(RATE)
    assert "private" in answer.headers["Cache-Control"]
    assert "max-age" in answer.headers["Cache-Control"]


def test_sliders_and_seed_change_the_sound_and_only_they(client):
    def note(**changes):
        return client.get(NOTES, params={"sound": sound(**changes), "low": 60, "high": 60}).content

    assert note() == note()
    assert note(sliders={"component 1": 2.0}) != note()
    assert note(raw={"0": 2.0}) != note()
    assert note(seed=8) != note()
    assert note(sliders={"component 1": 0}, raw={}) == note()


def takes(client, *documents) -> np.ndarray:
    address = NOTES.replace("notes", "takes")
    answer = client.post(address, json={"sounds": list(documents), "pitch": 60})
    assert answer.status_code == 200, answer.text
    return np.frombuffer(answer.content, "<i2").reshape(len(documents), SAMPLES)


def test_sounds_wanted_ahead_of_time_let_players_go_first(monkeypatch):
    player, kinds = Player.of(SYNTH), []
    ask = player.turns.ask
    monkeypatch.setattr(player.turns, "ask", lambda *what: kinds.append(what[-1]) or ask(*what))
    watched = client_for(player)
    ahead = watched.post(NOTES.replace("notes", "takes"), json={"sounds": [VIOLIN, FLUTE], "pitch": 60, "ahead": True})
    assert np.array_equal(np.frombuffer(ahead.content, "<i2").reshape(2, SAMPLES), takes(watched, VIOLIN, FLUTE))
    assert thumb_of(watched).status_code == 200
    assert kinds == [Kind.AHEAD, None, Kind.AHEAD]


def test_a_morph_goes_from_one_sound_to_the_other(client):
    ends = {"morph": [VIOLIN, FLUTE]}
    violin, flute, at_0, at_1, between, blended = takes(
        client,
        VIOLIN,
        FLUTE,
        ends | {"at": 0},
        ends | {"at": 1},
        ends | {"at": 0.5},
        {"blend": [[VIOLIN, 1], [FLUTE, 0.5]]},
    )
    assert np.array_equal(at_0, violin)
    assert np.array_equal(at_1, flute)
    for other in (between, blended):
        assert not np.array_equal(other, violin)
        assert not np.array_equal(other, flute)


def test_a_sound_known_by_its_numbers_is_the_sound_itself(client):
    bent = {"morph": [VIOLIN, FLUTE], "at": 0.3, "sliders": {"component 2": -1.5}, "raw": {"5": 2.5}}
    flat = client.post(NOTES.replace("notes", "timbre"), json={"sound": bent}).json()
    assert set(flat) == {"z", "instruments"}
    numbers = np.frombuffer(base64.urlsafe_b64decode(flat["z"] + "=" * (-len(flat["z"]) % 4)), "<f4")
    assert numbers[5] == 2.5
    first, second = takes(client, bent, flat)
    assert np.abs(first.astype(int) - second).max() <= 1  # z is float32 on the way, as in the network


def test_what_is_heard_of_a_sound_is_measured(client):
    address = NOTES.replace("notes", "measures")
    values = client.post(address, json={"sounds": [VIOLIN, FLUTE], "pitch": 60}).json()["values"]
    named = [dict(zip([descriptor.name for descriptor in DESCRIPTORS], row, strict=True)) for row in values]
    # The fake's violin adds partial 2 and its flute partial 3, a quarter as strong: the centre lies 1/17 above the key.
    hz = 440 * 2 ** (-9 / 12)
    assert named[0]["brightness"] == pytest.approx(hz * 18 / 17, rel=0.02)
    assert named[1]["brightness"] == pytest.approx(hz * 19 / 17, rel=0.02)
    assert named[1]["hollowness"] > 20 > named[0]["hollowness"]
    assert client.post(address, json={"sounds": [], "pitch": 60}).status_code == 400
    assert client.post(address, json={"sounds": [VIOLIN] * 14, "pitch": 60}).status_code == 400


def test_what_is_too_long_for_an_address_comes_in_the_body(client):
    by_address = client.get(NOTES, params={"sound": sound(), "low": 60, "high": 61})
    assert client.post(NOTES, json={"sound": sound(), "low": 60, "high": 61}).content == by_address.content
    assert client.post(NOTES, json={"sound": VIOLIN, "low": 60, "high": 61}).content == by_address.content
    for body, kind, status in (
        (b"{", "application/json", 400),
        (b"[]", "application/json", 400),
        (b"{}", "text/plain", 415),
        (b" " * 700_000, "application/json", 413),
    ):
        assert client.post(NOTES, content=body, headers={"Content-Type": kind}).status_code == status


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"low": 20, "high": 24}, "outside what 'sines' learned (24-84). Choose a higher key."),
        ({"low": 80, "high": 85}, "Choose a lower key"),
        ({"low": "c4"}, "not a pitch"),
        ({"low": "60.5"}, "not a pitch"),
        ({"low": "1" * 5000}, "pitch"),
        ({"low": 71, "high": 60}, "1 to 13 neighbouring keys"),
        ({"low": 36, "high": 49}, "1 to 13 neighbouring keys"),
        ({"sound": sound(instruments={"violn": 1})}, "Did you mean 'violin'?"),
        ({"sound": sound(instruments={"violin": -1})}, "weight"),
        ({"sound": sound(instruments={"violin": 0})}, "weight above 0"),
        ({"sound": sound(instruments=["violin"])}, "by name"),
        ({"sound": sound(sliders={"component 1": float("nan")})}, "slider must be a number"),
        ({"sound": sound(sliders={"component 1": float("inf")})}, "slider must be a number"),
        ({"sound": sound(sliders={"component 1": 3.01})}, "from -3 to 3"),
        ({"sound": sound(sliders={"component 1": True})}, "slider must be a number"),
        ({"sound": sound(sliders={"componnt 1": 1})}, "Did you mean 'component 1'?"),
        ({"sound": sound(sliders=[0])}, "by name"),
        ({"sound": sound(raw={"512": 1})}, "from 0 to 511"),
        ({"sound": sound(raw={"-1": 1})}, "from 0 to 511"),
        ({"sound": sound(raw={"²": 1})}, "from 0 to 511"),
        ({"sound": sound(raw={"3": 4.5})}, "from -4 to 4"),
        ({"sound": json.dumps({"morph": [VIOLIN], "at": 0.5})}, "between two sounds"),
        ({"sound": json.dumps({"morph": [VIOLIN, FLUTE], "at": 1.5})}, "from 0 to 1"),
        ({"sound": json.dumps({"morph": [VIOLIN, {}], "at": 0.5})}, "seed"),
        ({"sound": json.dumps({"blend": []})}, "at least one"),
        ({"sound": json.dumps({"blend": [[VIOLIN, 0]]})}, "above 0"),
        ({"sound": json.dumps({"blend": [[VIOLIN, 1]] * 30})}, "too many"),
        ({"sound": json.dumps({"z": "AAAA", "instruments": {}})}, "float32"),
        ({"sound": json.dumps({"z": "AAAAAA", "instruments": {}})}, "takes 512 numbers"),
        ({"sound": json.dumps({"z": "AACAfw" + "A" * 2725, "instruments": {"violin": 1}})}, "finite"),
        ({"sound": json.dumps({"z": 7, "instruments": {}})}, "float32"),
        ({"sound": nested(9)}, "too many"),
        ({"sound": sound(seed=-1)}, "seed"),
        ({"sound": sound(seed=1.5)}, "seed"),
        ({"sound": sound(seed=float("nan"))}, "seed"),
        ({"sound": sound(seed=2**40)}, "seed"),
        ({"sound": sound(instruments={"violin": 10**400})}, "weight"),
        ({"sound": sound(sliders={"component 1": -(10**400)})}, "slider must be a number"),
        ({"sound": sound(seed=10**400)}, "seed"),
        ({"sound": sound(instruments={"\ud800": 1})}, "no instrument '?'"),
        ({"low": "1" * 400}, "pitch"),
        ({"sound": "{"}, "JSON"),
        ({"sound": "[" * 3000}, "JSON"),
        ({"sound": "[]"}, "object"),
        ({"sound": "x" * 50_000}, "longer than"),
        ({"sound": None}, "lacks 'sound'"),
        ({"low": None}, "lacks 'low'"),
    ],
)
def test_bad_requests_get_a_sentence(client, changes, words):
    parameters = {"sound": sound(), "low": 60, "high": 60} | changes
    answer = client.get(NOTES, params={name: value for name, value in parameters.items() if value is not None})
    assert answer.status_code == 400
    assert words in answer.json()["error"]


@pytest.mark.parametrize("value", [10**400, float("nan"), float("inf"), 60.5, None, [60], "sixty", "\ud800"])
def test_what_is_no_key_is_refused_in_words(value):
    with pytest.raises(InputError, match="is not a pitch"):
        check_pitch(value, SYNTH.card)
    assert check_pitch("60", SYNTH.card) == check_pitch(60.0, SYNTH.card) == 60


def test_addresses_change_when_the_sound_may_and_only_then(monkeypatch):
    card = SYNTH.card
    other = {
        "sha256": "0" * 64,
        "directions": (Direction("brightness", card.directions[1].vector), *card.directions[1:]),
        "specgram": dataclasses.replace(card.specgram, hop=card.specgram.hop // 2),
        "instruments": card.instruments[::-1],
        "generator": {"channels": 8},
    }
    digests = {digest_of(dataclasses.replace(card, **{name: value})) for name, value in other.items()}
    assert len(digests | {digest_of(card)}) == 1 + len(other)
    words = {"quality": {"pitch_accuracy": 0.9}, "training": {"steps": 1}, "title": "Sines II", "licence": "CC0-1.0"}
    assert digest_of(dataclasses.replace(card, **words)) == digest_of(card)
    before = digest_of(card)
    monkeypatch.setattr("webapp.sound_document.RENDERING", 0)
    assert digest_of(card) != before


def test_another_model_is_named_as_the_reason(client):
    answer = client.get(f"{PREFIX}/0000000000000000/notes", params={"sound": sound(), "low": 60, "high": 60})
    assert answer.status_code == 404
    assert "another model" in answer.json()["detail"]


def test_a_wav_has_the_length_name_and_depth_asked_for(client):
    answer = client.get(WAV, params={"sound": sound(), "pitch": 61, "seconds": 1.5})
    samples, rate = soundfile.read(io.BytesIO(answer.content))
    assert (len(samples), rate) == (1.5 * RATE, RATE)
    assert soundfile.info(io.BytesIO(answer.content)).subtype == "PCM_24"
    assert 'filename="violin_Cs4_061_seed7.wav"' in answer.headers["Content-Disposition"]


def test_a_wav_may_last_a_minute_as_a_held_note_does(client):
    asked = {"sound": sound(), "pitch": 61, "seconds": 12.5}
    samples, rate = soundfile.read(io.BytesIO(client.get(WAV, params=asked).content))
    timbre = sample(SYNTH.card, seed=7, instrument="violin")[0]
    made = SYNTH.hold(timbre, 61, 12.5).audio[0]
    assert len(samples) == 12.5 * rate and np.abs(samples - made).max() < 1e-4
    shaped = client.post(WAV, json=asked | {"sound": VIOLIN, "patch": {"release": 0.5, "gain": -6}})
    note, _ = soundfile.read(io.BytesIO(shaped.content))
    loud, released = (np.sqrt(np.mean(note[round(start * rate) :][: rate // 20] ** 2)) for start in (12.4, 12.75))
    assert len(note) == 13 * rate and 20 * np.log10(released / loud) == pytest.approx(-33, abs=3)


def held(client, part, **changes):
    return client.get(NOTES.replace("notes", "held"), params={"sound": sound(**changes), "pitch": 60, "part": part})


def test_a_held_key_gets_its_note_in_parts_that_go_on_from_it(client):
    parts = [np.frombuffer(held(client, part).content, "<i2") for part in (0, 1)]
    assert [len(part) for part in parts] == [10 * RATE, 10 * RATE]
    note = np.frombuffer(client.get(NOTES, params={"sound": sound(), "low": 60, "high": 60}).content, "<i2")
    assert np.abs(parts[0][: 2 * RATE].astype(int) - note[: 2 * RATE]).max() < 700  # a seam of its loop at most
    both = np.concatenate(parts) / 32768
    assert abs(1200 * np.log2(peak_hz(both[8 * RATE : 12 * RATE]) / 261.63)) < 5
    step = np.abs(np.diff(both))
    assert step[10 * RATE - 50 : 10 * RATE + 50].max() <= step[5 * RATE : 6 * RATE].max() * 1.05  # no click
    dying = held(client, 0, raw={str(DYING): 4})
    assert (dying.status_code, dying.content) == (204, b"")
    assert held(client, 6).json() == {"error": "'part' must be a whole number from 0 to 5."}


def test_a_saved_note_is_shaped_by_the_patch_and_rings_out(client):
    patch = {"attack": 0.5, "decay": 0.5, "sustain": 0.3, "release": 0.4, "gain": -6}
    asked = {"sound": sound(), "pitch": 61, "seconds": 1.5}
    answer = client.get(WAV, params=asked | {"patch": json.dumps(patch)})
    note, rate = soundfile.read(io.BytesIO(answer.content))
    plain, _ = soundfile.read(io.BytesIO(client.get(WAV, params=asked).content))
    assert len(note) == round(1.9 * rate)

    def level(wave, start, stop):
        return np.sqrt(np.mean(wave[round(start * rate) : round(stop * rate)] ** 2))

    gain = 10 ** (-6 / 20)
    assert level(note, 0.24, 0.26) / level(plain, 0.24, 0.26) == pytest.approx(0.5 * gain, rel=0.01)
    assert level(note, 1.4, 1.45) / level(plain, 1.4, 1.45) == pytest.approx(0.3 * gain, rel=0.01)
    assert level(note, 1.69, 1.71) / level(note, 1.48, 1.5) == pytest.approx(10**-1.5, rel=0.1)
    assert client.post(WAV, json=asked | {"patch": patch}).content == answer.content


@pytest.mark.parametrize(
    ("patch", "sentence"),
    [
        ("{", "This patch is not valid JSON."),
        ("[]", "A patch must be an object with attack, decay, sustain, release and gain."),
        ('{"atack": 1}', "A patch must be an object with attack, decay, sustain, release and gain."),
        ('{"attack": 9}', "The attack of an envelope must be a number from 0 to 2, not 9."),
        ('{"release": NaN}', "The release of an envelope must be a number from 0.01 to 3, not nan."),
        ('{"gain": "loud"}', "A gain in dB must be a number from -24 to 12, not 'loud'."),
    ],
)
def test_a_patch_that_makes_no_sense_is_refused(client, patch, sentence):
    answer = client.get(WAV, params={"sound": sound(), "pitch": 60, "seconds": 1, "patch": patch})
    assert (answer.status_code, answer.json()["error"]) == (400, sentence)


@pytest.mark.parametrize("seconds", ["0", "-1", "60.5", "nan", "inf", "long"])
def test_impossible_lengths_are_refused(client, seconds):
    answer = client.get(WAV, params={"sound": sound(), "pitch": 60, "seconds": seconds})
    assert answer.status_code == 400
    assert answer.json()["error"].endswith(".")


def test_a_picture_is_a_png_of_the_size_asked_for(client):
    size = {"width": 400, "height": 340}
    answer = client.get(PICTURE, params={"sound": sound(), "pitch": 60, "theme": "dark", **size})
    assert answer.content.startswith(b"\x89PNG")
    assert [int.from_bytes(answer.content[at : at + 4], "big") for at in (16, 20)] == [800, 680]  # two pixels for each
    for wrong in ({"width": 99999}, {"width": "²"}, {"height": "-340"}, {"theme": "pink"}):
        answer = client.get(PICTURE, params={"sound": sound(), "pitch": 60, "theme": "dark", **size, **wrong})
        assert answer.status_code == 400


GONE = [
    ("GET", "notes", {"sound": VIOLIN, "low": 60, "high": 60}),
    ("GET", "wav", {"sound": VIOLIN, "pitch": 60, "seconds": 1}),
    ("GET", "held", {"sound": VIOLIN, "pitch": 60, "part": 0}),
    ("GET", "thumb", {"sound": VIOLIN, "pitch": 60, "width": 72, "height": 32, "theme": "dark"}),
    ("GET", "picture", {"sound": VIOLIN, "pitch": 60, "width": 400, "height": 340, "theme": "dark"}),
    ("POST", "notes", {"sound": VIOLIN, "low": 60, "high": 60}),
    ("POST", "takes", {"sounds": [VIOLIN], "pitch": 60}),
    ("POST", "measures", {"sounds": [VIOLIN], "pitch": 60}),
    ("POST", "glide", {"format": "pcm", "sounds": [VIOLIN], "at": [0.0], "pitch": 60, "seconds": 1}),
]


@pytest.mark.parametrize(("method", "what", "asked"), GONE)
def test_whatever_a_page_that_goes_away_has_asked_for_is_given_up(method, what, asked):
    started, told = threading.Event(), []

    class Slow:
        card, device = SYNTH.card, "cpu"

        def render(self, timbre, pitches, *, given_up):
            started.set()
            told.append(given_up.wait(HANG_SECONDS))
            raise GivenUp("Nobody waits.")

    app = FastAPI(routes=studio_routes(Studio(Player.of(Slow()))))
    query = {name: json.dumps(value) if name == "sound" else value for name, value in asked.items()}
    query, body = (urlencode(query).encode(), b"") if method == "GET" else (b"", json.dumps(asked).encode())
    scope = {"type": "http", "method": method, "path": NOTES.replace("notes", what), "query_string": query}
    scope["headers"] = [(b"content-type", b"application/json")] if body else []
    messages = iter([{"type": "http.request", "body": body, "more_body": False}, {"type": "http.disconnect"}])

    async def receive():
        message = next(messages)
        while message["type"] == "http.disconnect" and not started.is_set():
            await asyncio.sleep(0.001)
        return message

    async def send(message):
        pass

    awaited(app(scope, receive, send))
    until(lambda: told == [True])


def test_who_waits_for_too_much_is_refused_and_others_are_not():
    started, go_on = threading.Event(), threading.Event()

    class Slow:
        card, device = SYNTH.card, "cpu"

        def render(self, timbre, pitches, *, given_up):
            started.set()
            assert go_on.wait(HANG_SECONDS)
            return SYNTH.render(timbre, pitches, given_up=given_up)

    player = Player.of(Slow())
    client, greedy, answers = client_for(player), Visitor("testclient"), []
    for seed in range(EACH_WAITS + 1):  # one of them is worked on
        player.turns.ask(player.loaded(), [(sample(SYNTH.card, seed=seed)[0], 60.0)], greedy)
        assert started.wait(HANG_SECONDS)
    parameters = {"sound": sound(), "low": 60, "high": 60}
    refused = client.get(NOTES, params=parameters)
    assert (refused.status_code, refused.headers["Retry-After"]) == (503, "1")
    assert "you wait for too many notes" in refused.json()["error"]
    cookies = {VISITOR_COOKIE: "another"}
    waiting = threading.Thread(target=lambda: answers.append(client.get(NOTES, params=parameters, cookies=cookies)))
    waiting.start()
    until(lambda: player.turns.waiting == EACH_WAITS + 2)
    go_on.set()
    waiting.join(HANG_SECONDS)
    assert answers[0].status_code == 200


@pytest.mark.parametrize(
    ("error", "sentence"),
    [
        (ModelError("The weights are damaged."), "The weights are damaged."),
        (MemoryError("full"), "The model 'sines' could not be loaded (MemoryError: full)."),
    ],
)
def test_a_model_that_cannot_be_loaded_says_why(error, sentence):
    player = Player(SYNTH.card)
    told = []

    def broken():
        raise error

    player.load(broken, told.append)
    answer = client_for(player).get(NOTES, params={"sound": sound(), "low": 60, "high": 60})
    assert answer.status_code == 500
    assert answer.json()["error"] == sentence
    assert told == [sentence]


def test_the_page_learns_the_model(client):
    model = client.get(f"{PREFIX}/model").json()
    assert (model["low"], model["high"], model["rate"], model["latentSize"]) == (36, 84, RATE, 512)
    assert [direction["title"] for direction in model["directions"]][:2] == ["Component 1", "Component 2"]
    assert (model["keys"][0], model["keys"][61 - 36], model["keys"][-1]) == ("C2", "C♯4", "C6")
    names = [instrument["name"] for family in model["families"] for instrument in family["instruments"]]
    assert sorted(names) == sorted(SYNTH.card.instruments)


def test_one_app_plays_several_models(client):
    bells = Synth(sine_card("bells", instruments=()), QuickSines(), device="cpu")
    loads = []

    def load():
        loads.append("bells")
        return bells

    other = Player(bells.card)
    other.load_when_asked(load, pytest.fail)
    both = TestClient(FastAPI(routes=studio_routes(Studio(Player.of(SYNTH), [other]))))
    offered = [{"id": "sines", "title": "Sines"}, {"id": "bells", "title": "Bells"}]
    first, second = (both.get(f"{PREFIX}/model", params=asked).json() for asked in ({}, {"id": "bells"}))
    assert (first["id"], second["id"]) == ("sines", "bells")
    assert first["models"] == second["models"] == offered
    assert client.get(f"{PREFIX}/model").json()["models"] == offered[:1]
    missing = both.get(f"{PREFIX}/model", params={"id": "choir"})
    assert missing.status_code == 404 and "'choir' is not here" in missing.json()["detail"]

    note = {"low": 60, "high": 60}
    assert both.get(NOTES, params=note | {"sound": sound()}).status_code == 200
    assert loads == []  # nobody has played it yet
    for seed in (1, 2):
        plain = json.dumps({"instruments": {}, "seed": seed})
        address = f"{PREFIX}/{second['digest']}/notes"
        assert both.get(address, params=note | {"sound": plain}).status_code == 200
    assert loads == ["bells"]


def test_scripts_and_styles_and_nothing_else_are_served(client):
    assert client.get(f"{PREFIX}/ui/studio.js").headers["content-type"].startswith("text/javascript")
    for path in ("page.css", "rooms/piano.js", "map/map.css"):
        assert client.get(f"{PREFIX}/ui/{path}").status_code == 200
    for path in ("../routes.py", "..%2froutes.py", "%2fetc%2fpasswd", "studio", "..", "rooms", "x" * 400, ""):
        assert client.get(f"{PREFIX}/ui/{path}").status_code == 404


@pytest.mark.parametrize(
    ("host", "status"),
    [
        ("127.0.0.1:7860", 200),
        ("localhost:7860", 200),
        ("[::1]:7860", 200),
        ("192.168.1.20:7860", 200),
        ("studio.example", 200),
        ("evil.example:7860", 400),
        ("127.0.0.1.evil.example", 400),
        ("", 400),
    ],
)
def test_only_known_hosts_are_answered(client, host, status):
    answer = client.get(f"{PREFIX}/model", headers={"Host": host})
    assert answer.status_code == status
    assert (status == 200) == ("default-src 'self'" in answer.headers.get("Content-Security-Policy", ""))


@pytest.mark.parametrize("address", ["/gradio_api/file=http://example.org/x", "/gradio_api/file=HTTPS:/example.org"])
def test_nothing_is_fetched_from_outside_for_a_visitor(client, address):
    assert client.get(address).status_code == 403


def test_a_login_guards_every_route():
    app = FastAPI(routes=studio_routes(Studio(Player.of(SYNTH))))
    app.auth, app.auth_dependency, app.cookie_id, app.tokens = True, None, "x", {"good": "ada"}
    client = TestClient(app, base_url="http://127.0.0.1")
    for path in (f"{PREFIX}/model", NOTES, WAV, PICTURE, f"{PREFIX}/ui/studio.js"):
        assert client.get(path).status_code == 401
    client.cookies.set("access-token-unsecure-x", "good")
    assert client.get(f"{PREFIX}/model").status_code == 200


def thumb_of(client, size=(72, 32), theme="dark", **changes):
    width, height = size
    parameters = {"sound": sound(**changes), "pitch": 60, "width": width, "height": height, "theme": theme}
    return client.get(THUMB, params=parameters)


def test_a_picture_is_a_spectrogram_or_a_rainbowgram(client):
    parameters = {"sound": sound(), "pitch": 60, "width": 400, "height": 300, "theme": "light"}
    plain = client.get(PICTURE, params=parameters).content
    rainbow = client.get(PICTURE, params=parameters | {"kind": "rainbow"}).content
    assert client.get(PICTURE, params=parameters | {"kind": "spectrogram"}).content == plain

    def hues(data):
        colours = np.asarray(Image.open(io.BytesIO(data)).convert("HSV")).reshape(-1, 3)
        return len(np.unique(colours[colours[:, 1] > 120][:, 0] // 16))

    assert hues(rainbow) > hues(plain) + 4
    assert client.get(PICTURE, params=parameters | {"kind": "oil"}).status_code == 400


def test_a_thumbnail_shows_the_note_small(client):
    answer = thumb_of(client)
    assert answer.status_code == 200 and answer.headers["content-type"] == "image/png"
    assert "max-age" in answer.headers["Cache-Control"]
    image = Image.open(io.BytesIO(answer.content))
    assert image.size == (144, 64)
    assert len(answer.content) < 6000
    assert answer.content == thumb_of(client).content
    assert answer.content != thumb_of(client, theme="light").content
    assert answer.content != thumb_of(client, instruments={"flute": 1}).content


@pytest.mark.parametrize("size", [(31, 32), (72, 121), (241, 32)])
def test_a_thumbnail_is_never_large(client, size):
    answer = thumb_of(client, size)
    assert answer.status_code == 400 and "whole number from" in answer.json()["error"]


SOUND = f"{PREFIX}/{digest_of(SYNTH.card)}/sound"


def drop(client, data: bytes, name="found.wav", kind="audio/wav"):
    return client.post(SOUND, params={"name": name}, content=data, headers={"Content-Type": kind})


@pytest.mark.parametrize(
    "document",
    [
        VIOLIN | {"sliders": {"component 1": 1.25}, "raw": {"3": -0.5}},
        {"morph": [VIOLIN, FLUTE], "at": 0.3},
        {"blend": [[VIOLIN, 0.6], [FLUTE, 0.3]]},
    ],
)
def test_a_downloaded_note_gives_its_sound_back_to_the_last_bit(client, document):
    text = json.dumps(document)
    wave = client.get(WAV, params={"sound": text, "pitch": 57, "seconds": 1}).content
    found = drop(client, wave)
    assert found.status_code == 200
    note = {"low": 57, "high": 57}
    original = client.get(NOTES, params=note | {"sound": text}).content
    assert client.post(NOTES, json=note | {"sound": found.text}).content == original


def preset(client, step: str, **asked):
    return client.post(f"{PREFIX}/{digest_of(SYNTH.card)}/preset/{step}", json=asked)


def test_a_preset_gives_back_its_sound_to_the_last_bit_and_its_envelope(client):
    document, patch = VIOLIN | {"sliders": {"component 1": 1.25}}, {"attack": 0.3, "sustain": 0.5, "gain": -6}
    saved = preset(client, "save", sound=document, patch=patch, name="Dusk").json()
    assert Patch.from_json(saved).envelope == Envelope(attack_seconds=0.3, sustain=0.5)
    read = preset(client, "read", preset=saved).json()
    assert read["name"] == "Dusk"
    assert read["patch"] == {"attack": 0.3, "decay": 0.0, "sustain": 0.5, "release": 0.4, "gain": -6}
    note = {"low": 57, "high": 57}
    original = client.post(NOTES, json=note | {"sound": document}).content
    assert client.post(NOTES, json=note | {"sound": read["sound"]}).content == original


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"format": 99}, "saved by a newer version"),
        ({"timbre": {"format": 1}}, "This is not a saved sound"),
        ({"gain_db": 90}, "The gain of a patch in dB must be a number from -24 to 12, not 90."),
        ({"timbre": sample(SYNTH.card, 1)[0].to_json() | {"model": "voices"}}, "belongs to the model 'voices'"),
    ],
)
def test_a_preset_that_does_not_fit_is_refused_in_a_sentence(client, changes, sentence):
    saved = preset(client, "save", sound=VIOLIN, patch={}, name="Dusk").json()
    answer = preset(client, "read", preset=saved | changes)
    assert answer.status_code == 400
    assert sentence in answer.json()["error"]


def test_a_downloaded_note_knows_its_key_in_a_sampler(client):
    wave = client.get(WAV, params={"sound": sound(), "pitch": 57, "seconds": 1}).content
    unity = struct.unpack_from("<I", wave, wave.index(b"smpl") + 8 + 12)[0]
    low, high = wave[wave.index(b"inst") + 8 + 3 : wave.index(b"inst") + 8 + 5]
    assert (unity, low, high) == (57, 0, 127)
    assert wave.index(b"smpl") < wave.index(b"data")


def foreign_wav() -> bytes:
    buffer = io.BytesIO()
    soundfile.write(buffer, np.zeros(100), 44100, format="WAV")
    return buffer.getvalue()


def with_timbre(**changes) -> bytes:
    timbre = json.dumps(sample(SYNTH.card, 1)[0].to_json() | changes).encode()
    body = b"WAVEGSyn" + struct.pack("<I", len(timbre)) + timbre
    return b"RIFF" + struct.pack("<I", len(body)) + body


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"", "'found.wav' is not a WAV file."),
        (b"\x00" * 1000, "'found.wav' is not a WAV file."),
        (foreign_wav(), "'found.wav' was not written by GANSynth Studio: it holds no timbre."),
        (with_timbre()[:-40], "The sound saved in 'found.wav' is damaged"),
        (with_timbre(format=99), "The sound saved in 'found.wav' is damaged"),
        (with_timbre(model="voices"), "belongs to the model 'voices', not to 'sines'"),
        (with_timbre(z=[0.0]), "takes 512 numbers for z, not 1"),
        (with_timbre(instruments={"theremin": 1.0}), "theremin"),
    ],
)
def test_other_files_are_refused_in_words(client, data, sentence):
    answer = drop(client, data)
    assert answer.status_code == 400
    assert sentence in answer.json()["error"]


def test_files_are_limited_and_must_say_what_they_are(client):
    assert drop(client, b"\x00" * 25_000_001).status_code == 413
    assert drop(client, foreign_wav(), kind="text/plain").status_code == 415
    assert client.post(SOUND, json={"name": "x", "file": "x"}).status_code == 400


GLIDE = {"sounds": [VIOLIN, FLUTE], "at": [0, 1], "pitch": 60, "seconds": 2, "format": "pcm"}


def glided(client, **changes):
    return client.post(NOTES.replace("notes", "glide"), json=GLIDE | changes)


def test_a_glide_goes_from_one_sound_to_the_other(client):
    violin, flute = takes(client, VIOLIN, FLUTE).astype(int)
    note = np.frombuffer(glided(client).content, "<i2").astype(int)
    assert len(note) == SAMPLES  # the rest is what a release is heard of
    assert np.array_equal(note[2 * RATE :], flute[2 * RATE :])
    assert np.abs(note[: RATE // 100] - violin[: RATE // 100]).max() < 400
    same = np.frombuffer(glided(client, sounds=[VIOLIN, VIOLIN]).content, "<i2").astype(int)
    assert np.abs(same - violin).max() <= 1


def test_a_glide_is_saved_as_it_is_played(client):
    answer = glided(client, format="wav", patch={"release": 0.5, "gain": -6})
    assert 'filename="violin_flute_C4_060_glide.wav"' in answer.headers["Content-Disposition"]
    samples, rate = soundfile.read(io.BytesIO(answer.content))
    assert (len(samples), rate) == (round(2.5 * RATE), RATE)
    plain, _ = soundfile.read(io.BytesIO(glided(client, format="wav").content))
    assert np.abs(samples[:RATE]).max() == pytest.approx(np.abs(plain[:RATE]).max() / 10 ** (6 / 20), rel=0.01)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"sounds": []}, "1 to 24 sounds"),
        ({"sounds": [VIOLIN] * 25, "at": [0] * 25}, "1 to 24 sounds"),
        ({"sounds": "violin"}, "1 to 24 sounds"),
        ({"sounds": [VIOLIN, {"seed": 3}]}, "Instruments are given"),
        ({"at": [0]}, "as many moments"),
        ({"at": ["0", "1"]}, "a number from 0 to 1"),
        ({"at": [1, 0]}, "later than the one before"),
        ({"at": [0, 9]}, "from 0 to 1"),
        ({"pitch": 99}, "24-84"),
        ({"seconds": 60}, "at most 4 s"),
        ({"seconds": "nan"}, "at most 4 s"),
        ({"format": "mp3"}, "'format' must be pcm or wav"),
        ({"format": "wav", "patch": {"attack": 99}}, "attack"),
    ],
)
def test_what_is_no_glide_is_refused_in_words(client, changes, message):
    answer = glided(client, **changes)
    assert answer.status_code == 400
    assert message in answer.json()["error"]


ATLAS = f"{PREFIX}/{digest_of(SYNTH.card)}/atlas"


def test_the_map_is_described_and_its_points_are_what_the_description_says():
    atlas = grid_atlas(SYNTH.card, 30)
    client = client_for(Player.of(SYNTH, atlas=atlas))
    answer = client.get(ATLAS)
    facts = answer.json()
    assert answer.headers["Cache-Control"] == "no-store"
    assert facts["points"] == 30 and facts["instruments"] == list(SYNTH.card.instruments)
    assert [one["name"] for one in facts["descriptors"]] == list(atlas.descriptor_names)
    assert facts["descriptors"][0] | {"about": ""} == {
        "name": "brightness",
        "title": "Brightness",
        "unit": "Hz",
        "log": True,
        "about": "",
    }

    points = client.get(ATLAS.replace("atlas", "points"), params={"map": facts["hash"]})
    assert "immutable" in points.headers["Cache-Control"]
    floats = np.frombuffer(points.content, "<f4")
    whole = np.frombuffer(points.content, "<i4")
    assert np.array_equal(floats[:60].reshape(30, 2), atlas.layouts["latent"])
    assert np.array_equal(floats[60:120].reshape(30, 2), atlas.layouts["sound"])
    measured = 30 * len(atlas.descriptor_names)
    assert np.array_equal(floats[120 : 120 + measured].reshape(-1, 30), atlas.descriptors.T)
    assert np.array_equal(whole[-60:-30], atlas.instruments) and np.array_equal(whole[-30:], atlas.seeds)
    assert len(floats) == 120 + measured + 60


def test_other_models_and_other_maps_have_no_points_here(client):
    mapped = client_for(Player.of(SYNTH, atlas=grid_atlas(SYNTH.card, 30)))
    points = ATLAS.replace("atlas", "points")
    assert mapped.get(ATLAS.replace(digest_of(SYNTH.card), "0" * 16)).status_code == 404
    stale = mapped.get(points, params={"map": "0" * 16})
    assert stale.status_code == 404 and "Reload" in stale.json()["detail"]
    assert mapped.get(points).status_code == 400
    assert client.get(points, params={"map": "0" * 16}).status_code == 404


def test_a_model_without_a_map_says_how_to_make_one_and_finds_it_once_it_is_there(tmp_path):
    player = Player(SYNTH.card, folder=tmp_path)
    client = client_for(player)
    missing = client.get(ATLAS)
    assert missing.status_code == 200
    assert missing.json() == {"missing": f"python -m gansynth_core atlas --model {SYNTH.card.id}"}
    (tmp_path / "atlas.npz").write_bytes(b"no map")
    damaged = client.get(ATLAS)
    assert damaged.status_code == 500 and "damaged" in damaged.json()["error"]
    grid_atlas(SYNTH.card, 20).save(tmp_path / "atlas.npz")
    assert client.get(ATLAS).json()["points"] == 20
