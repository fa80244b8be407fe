"""Own sounds as the page sends them."""

import io
import json

import numpy as np
import pytest
import soundfile
from fastapi import FastAPI
from patience import until
from starlette.testclient import TestClient

from gansynth_core import Synth, sample
from webapp.player import Player
from webapp.routes import PREFIX, Studio, studio_routes
from webapp.sound_document import digest_of

LEAD = {"instruments": {"flute": 1}, "seed": 1}


@pytest.fixture(scope="module")
def synth():
    return Synth.load(device="cpu")


@pytest.fixture
def ask(synth):
    client = TestClient(FastAPI(routes=studio_routes(Studio(Player.of(synth)))), raise_server_exceptions=False)
    place = f"{PREFIX}/{digest_of(synth.card)}"

    def send(method, path, **options):
        return client.request(method, f"{place}/{path}", **options)

    return send


def recording(synth) -> bytes:
    note = synth.render(sample(synth.card, 1, 4, "cello")[0], 50).audio[0]
    file = io.BytesIO()
    soundfile.write(file, np.stack([0.2 * note, 0.2 * note], axis=1), 24000, format="FLAC")
    return file.getvalue()


def sent(ask, data: bytes, **parameters):
    return ask("POST", "encode", content=data, headers={"content-type": "application/octet-stream"}, params=parameters)


def ended(ask, job: str) -> dict:
    state = {}

    def is_over() -> bool:
        state.update(ask("GET", f"jobs/{job}").json())
        return state["state"] in ("done", "failed")

    until(is_over)
    return state


def test_a_recording_becomes_a_sound_that_plays(ask, synth):
    job = sent(ask, recording(synth), steps=2, name="My cello").json()["job"]
    state = ended(ask, job)
    assert state["state"] == "done" and state["total"] == 2
    about = state["about"]
    assert about["pitched"] and abs(about["pitch"] - 50) < 0.1 and about["instruments"][0][0] == "cello"
    assert 0 < about["distance"] <= about["refined"] <= about["encoder"] and about["seconds"] == 4
    file = ask("GET", f"jobs/{job}/file").content
    back = ask("POST", "sound", content=file, headers={"content-type": "audio/wav"}, params={"name": "a"}).json()
    assert back == about["sound"] and back["imprint"]
    morph = {"morph": [back, {"instruments": {"flute": 1}, "seed": 1}], "at": 0.5}
    for sound in (back, morph):
        answer = ask("POST", "wav", json={"sound": sound, "pitch": 50, "seconds": 1})
        assert answer.status_code == 200 and len(soundfile.read(io.BytesIO(answer.content))[0]) == 24000
    saved = ask("POST", "preset/save", json={"sound": back, "patch": {}, "name": "mine"}).json()
    assert ask("POST", "preset/read", json={"preset": saved}).json()["sound"] == back
    start = {name: back[name] for name in ("z", "instruments")}
    closer = ended(
        ask, sent(ask, recording(synth), steps=2, pitch=about["pitch"], start=json.dumps(start)).json()["job"]
    )
    assert closer["about"]["encoder"] == pytest.approx(about["refined"], abs=0.02), "it goes on from there"
    refused = ask("POST", "wav", json={"sound": back | {"imprint": "x"}, "pitch": 50, "seconds": 1})
    assert refused.status_code == 400 and "imprint" in refused.json()["error"]


def test_a_recording_comes_back_as_a_browser_reads_it(ask, synth):
    def read(data: bytes):
        return ask("POST", "recording", content=data, headers={"content-type": "application/octet-stream"})

    samples, rate = soundfile.read(io.BytesIO(read(recording(synth)).content))
    whole = soundfile.read(io.BytesIO(recording(synth)))[0].mean(axis=1)
    assert rate == 24000 and np.corrcoef(samples, whole)[0, 1] > 0.9999
    assert np.abs(samples).max() == pytest.approx(0.9, abs=1e-3), "as loud as it may be"
    silence = io.BytesIO()
    soundfile.write(silence, np.zeros(24000), 24000, format="WAV")
    for data, sentence in ((silence.getvalue(), "silent"), (b"no sound at all", "Cannot read these bytes")):
        answer = read(data)
        assert answer.status_code == 400 and sentence in answer.json()["error"]


def test_what_is_no_recording_is_said(ask):
    state = ended(ask, sent(ask, b"no sound at all", steps=0).json()["job"])
    assert state["state"] == "failed" and "Cannot read these bytes" in state["error"]
    assert sent(ask, b"").status_code == 400
    for wrong in ({"pitch": "H9"}, {"pitch": "120"}, {"steps": 10_000}, {"start": "{}"}, {"start": json.dumps(LEAD)}):
        assert sent(ask, b"RIFF", **wrong).status_code == 400
    assert ask("POST", "encode", json={"pitch": "60"}).status_code == 400
