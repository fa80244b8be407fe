"""Tunings as the page asks for them."""

import pytest
from fastapi import FastAPI
from sine_voice import sine_synth
from starlette.testclient import TestClient

from gansynth_core import TUNINGS, Tuning
from webapp.player import Player
from webapp.routes import PREFIX, Studio, studio_routes
from webapp.sound_document import digest_of

SYNTH = sine_synth()
PLACE = f"{PREFIX}/{digest_of(SYNTH.card)}"
SCL = "!\nthree notes\n3\n400.0\n800.0\n2/1\n"


@pytest.fixture(scope="module")
def client():
    return TestClient(FastAPI(routes=studio_routes(Studio(Player.of(SYNTH)))), raise_server_exceptions=False)


def test_the_named_tunings_come_with_the_pitches_of_all_keys(client):
    named = client.get(f"{PLACE}/tunings").json()
    assert [(one["name"], one["title"]) for one in named] == list(TUNINGS.items())
    assert all(one["pitches"] == list(Tuning.named(one["name"]).pitches) for one in named)


def test_scala_files_become_tunings(client):
    found = client.post(f"{PLACE}/tuning", json={"scl": SCL, "name": "mine"}).json()
    assert found["name"] == "mine" and found["pitches"][60:64] == [60.0, 64.0, 68.0, 72.0]
    lone = client.post(f"{PLACE}/tuning", json={"kbm": "0\n0\n127\n60\n69\n432.0\n12\n"}).json()
    assert lone["pitches"][70] - lone["pitches"][69] == pytest.approx(1)
    refused = client.post(f"{PLACE}/tuning", json={"scl": "nothing"})
    assert refused.status_code == 400 and "not a Scala scale" in refused.json()["error"]
    assert client.post(f"{PLACE}/tuning", json={"scl": 7}).status_code == 400
