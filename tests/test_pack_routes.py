"""The page's pack basket by its own routes: estimated, made by a job, taken home."""

import io
import json
import threading
import zipfile

import numpy as np
import pytest
import soundfile
from fastapi import FastAPI
from patience import HANG_SECONDS, until
from sine_voice import sine_synth
from starlette.testclient import TestClient

from gansynth_core import Timbre
from webapp import packs
from webapp.player import Player
from webapp.routes import PREFIX, Studio, studio_routes
from webapp.sound_document import digest_of, parse_sound, timbre_of

SYNTH = sine_synth()
CARD = SYNTH.card
PLACE = f"{PREFIX}/{digest_of(CARD)}"
VIOLIN = {"sound": {"instruments": {"violin": 1}, "seed": 7}, "name": "My violin"}
MIX = {"sound": {"morph": [VIOLIN["sound"], {"instruments": {"flute": 1}, "seed": 3}], "at": 0.4}, "name": "../mix"}
SWELL = VIOLIN | {"name": "Swell", "patch": {"attack": 0.5, "release": 1.2}}
ONE_KEY = {"pitches": 60, "name": "Two sounds"}


@pytest.fixture(scope="module")
def client():
    return TestClient(FastAPI(routes=studio_routes(Studio(Player.of(SYNTH)))), raise_server_exceptions=False)


def finished(client, job: str) -> dict:
    until(lambda: client.get(f"{PLACE}/jobs/{job}").json()["state"] not in ("waiting", "running"))
    return client.get(f"{PLACE}/jobs/{job}").json()


def exported(client, sounds: list, options: dict, **more) -> tuple[dict, zipfile.ZipFile]:
    body = json.dumps({"sounds": sounds, "options": options} | more)  # in ASCII, as half a surrogate pair has no UTF-8
    answer = client.post(f"{PLACE}/pack/export", content=body, headers={"Content-Type": "application/json"})
    assert answer.status_code == 200, answer.text
    job = answer.json()["job"]
    state = finished(client, job)
    assert state["state"] == "done", state
    file = client.get(f"{PLACE}/jobs/{job}/file")
    assert file.headers["Content-Type"] == "application/zip" and len(file.content) == state["about"]["bytes"]
    return state["about"], zipfile.ZipFile(io.BytesIO(file.content))


def manifest_of(pack: zipfile.ZipFile) -> dict:
    (name,) = [name for name in pack.namelist() if name.endswith("manifest.json")]
    return json.loads(pack.read(name))


def test_a_basket_becomes_a_pack_of_its_very_sounds(client):
    about, pack = exported(client, [VIOLIN, MIX], ONE_KEY)
    assert about["name"] == "Two_sounds.zip" and (about["notes"], about["leftOut"]) == (2, 0)
    sounds = manifest_of(pack)["sounds"]
    assert [sound["title"] for sound in sounds] == ["My violin", "../mix"]
    for sound, entry in zip(sounds, (VIOLIN, MIX), strict=True):
        timbre = timbre_of(parse_sound(entry["sound"], CARD), CARD)
        assert Timbre.from_json(sound["timbre"]) == timbre
        samples, rate = soundfile.read(io.BytesIO(pack.read(f"Two_sounds/{sound['notes'][0]['file']}")))
        heard = SYNTH.render(timbre, [60]).audio[0]
        assert rate == 44100 and abs(len(samples) / rate - len(heard) / 24000) < 0.06


def test_envelopes_options_and_a_wavetable_reach_the_pack(client):
    options = {"pitches": {"low": 48, "high": 60, "every": 12}, "sample_rate": 48000, "stereo": True, "name": "All"}
    options |= {"velocity_layers": 2, "formats": ["sfz", "sf2"], "wavetable": True}
    ends = [VIOLIN["sound"], MIX["sound"]["morph"][1]]
    about, pack = exported(client, [SWELL], options, ends=ends)
    names = pack.namelist()
    assert (
        about["notes"] == 4
        and "All/Multisamples/Swell.sf2" in names
        and "ampeg_release=1.2" in (pack.read("All/Multisamples/Swell.sfz").decode())
    )
    (table,) = [name for name in names if "/Wavetables/" in name]
    assert table.endswith("Violin_7_to_Flute_3.wav")
    samples, rate = soundfile.read(io.BytesIO(pack.read("All/Multisamples/Swell/Swell_v2_048.wav")))
    assert rate == 48000 and samples.shape[1] == 2
    assert np.abs(samples[: rate // 20]).max() < 0.3 * np.abs(samples[rate // 2 : rate]).max()


def test_the_estimate_is_that_of_the_plan(client):
    def asked(sounds, **options):
        return client.post(f"{PLACE}/pack/estimate", json={"sounds": sounds, "options": ONE_KEY | options})

    one, two = asked(1).json(), asked(2).json()
    assert (one["notes"], two["notes"]) == (1, 2) and two["bytes"] == 2 * one["bytes"] and one["seconds"] > 0
    assert asked(1, pitches="all", velocity_layers=3).json()["notes"] == 61 * 3
    assert asked(0, wavetable=True).json()["notes"] == 1
    assert "at most 24 notes an instrument" in asked(1, pitches="all", device="op-xy").json()["refused"]
    assert "too large for the page" in asked(40, pitches="all").json()["refused"]
    assert asked("all").status_code == asked(True).status_code == asked(2, items=[]).status_code == 400
    plan = packs.parse_plan([VIOLIN, MIX], None, ONE_KEY, CARD)
    found = vars(plan.estimate(CARD))
    assert (found["notes"], found["bytes"]) == (two["notes"], two["bytes"])


def test_an_estimate_knows_how_fast_the_machine_is_now():
    pacing, player = packs.Pacing(), Player.of(SYNTH)
    assert pacing.now(Player(CARD)) == packs.TWO_QUIET_CORES  # it is still loading
    pace = pacing.now(player)
    assert pace.render_seconds > 0 and pace.write_seconds > 0 and pacing.now(player) is pace
    plan = packs.parse_plan([VIOLIN, MIX], None, ONE_KEY, CARD)
    slow = packs.Pace(10 * pace.render_seconds, 10 * pace.write_seconds)
    assert plan.estimate(CARD, slow).seconds == pytest.approx(10 * plan.estimate(CARD, pace).seconds)


@pytest.mark.parametrize(
    ("change", "sentence"),
    [
        ({"sounds": []}, "Put a sound into the basket first"),
        ({"sounds": "all"}, "A basket holds up to 2,000"),
        ({"sounds": [3]}, "object with a sound and a name"),
        ({"sounds": [{"sound": {"instruments": {"violn": 1}, "seed": 0}}]}, "Did you mean 'violin'"),
        ({"sounds": [VIOLIN | {"patch": {"attack": 99}}]}, "attack of an envelope"),
        ({"options": None}, "lacks 'options'"),
        ({"options": [1]}, "given by name"),
        ({"options": ONE_KEY | {"items": []}}, "given by name"),
        ({"options": ONE_KEY | {"wavetable": "yes"}}, "must be true or false"),
        ({"options": ONE_KEY | {"wavetable": True}}, "needs two sounds"),
        ({"options": ONE_KEY | {"stereo": 1}}, "stereo must be true or false"),
        ({"options": ONE_KEY | {"pitches": [96]}}, "Choose a lower key"),
        ({"options": ONE_KEY | {"device": "op-xy", "velocity_layers": 2}}, "'op-xy' takes at most 1"),
        ({"options": {"pitches": "all", "velocity_layers": 4, "round_robins": 4}, "sounds": [VIOLIN] * 3}, "too large"),
    ],
)
def test_a_wrong_wish_gets_one_sentence_and_no_job(client, change, sentence):
    answer = client.post(f"{PLACE}/pack/export", json={"sounds": [VIOLIN], "options": ONE_KEY} | change)
    assert answer.status_code == 400 and sentence in answer.json()["error"] and "\n" not in answer.json()["error"]


def test_a_name_from_anywhere_stays_a_name(client):
    about, pack = exported(client, [VIOLIN | {"name": "\ud83d"}], ONE_KEY | {"name": "../../x" * 60})
    assert about["name"].startswith("x_") and not any(".." in name or name.startswith("/") for name in pack.namelist())


def test_an_export_can_be_cancelled_and_leaves_nothing(client, monkeypatch):
    gate = threading.Event()
    render = type(SYNTH).render

    def slow(synth, *arguments, **options):
        gate.wait(HANG_SECONDS)
        return render(synth, *arguments, **options)

    monkeypatch.setattr(type(SYNTH), "render", slow)
    options = {"pitches": "all", "name": "Long"}
    job = client.post(f"{PLACE}/pack/export", json={"sounds": [VIOLIN], "options": options}).json()["job"]
    client.post(f"{PLACE}/jobs/{job}/cancel", json={})
    gate.set()
    assert finished(client, job)["state"] == "cancelled"
    assert client.get(f"{PLACE}/jobs/{job}/file").status_code == 400
