"""A MIDI file on the page's own routes: looked at, rendered by a job, listened to, taken home."""

import base64
import io
import json
import zipfile

import numpy as np
import pytest
import soundfile
from fastapi import FastAPI
from mido import Message, MetaMessage
from patience import HANG_SECONDS, until
from sine_voice import sine_synth
from starlette.testclient import TestClient
from test_midi import cents_off, midi, partial_db, played

from gansynth_core import Clip, Synth, Tuning, read_timbre, sample
from webapp.player import Player
from webapp.routes import PREFIX, Studio, studio_routes
from webapp.sound_document import digest_of

SYNTH = sine_synth()
PLACE = f"{PREFIX}/{digest_of(SYNTH.card)}"
VIOLIN = {"instruments": {"violin": 1}, "seed": 7}
FLUTE = {"instruments": {"flute": 1}, "seed": 3}
DRUM = played(1, 1.5, 38, channel=9)


@pytest.fixture(scope="module")
def client():
    return TestClient(FastAPI(routes=studio_routes(Studio(Player.of(SYNTH)))), raise_server_exceptions=False)


def coded(data: bytes) -> str:
    return base64.b64encode(data).decode()


def path(*stops):
    return [{"sound": sound, "at": at} for sound, at in stops]


def render(client, data: bytes, **options):
    body = {"midi": coded(data), "parts": ["path"], "path": path((VIOLIN, 0), (FLUTE, 1)), "name": "My song.mid"}
    return client.post(f"{PLACE}/midi/render", json=body | options)


def finished(client, job: str) -> dict:
    until(lambda: client.get(f"{PLACE}/jobs/{job}").json()["state"] not in ("waiting", "running"))
    return client.get(f"{PLACE}/jobs/{job}").json()


def test_a_song_is_described_before_it_is_played(client):
    named = [(0, MetaMessage("track_name", name="Lead")), (0, Message("program_change", program=73))]
    song = midi(named + played(0, 0.5, 60) + played(1, 65, 96), DRUM)
    answer = client.post(f"{PLACE}/midi/look", json={"midi": coded(song)}).json()
    assert (answer["seconds"], answer["notes"]) == (65, 3)
    assert (answer["low"], answer["high"]) == ("C4", "C7")
    assert answer["roll"] == [[0, 0.5, 60, 0], [1, 65, 96, 0], [1, 1.5, 38, 1]]
    lead, drums = answer["parts"]
    assert [lead[key] for key in ("name", "channel", "notes", "instrument", "written", "drums")] == [
        "Lead", 1, 2, "Flute", "Flute", False,
    ]  # fmt: skip
    assert lead["sound"] == {"instruments": {"flute": 1}, "seed": 0} and "96 to 84" in lead["notices"][0]
    assert drums["drums"] and drums["channel"] == 10 and drums["notices"] == [] == answer["notices"]


def test_a_song_of_many_notes_is_drawn_by_a_part_of_them(client):
    track = [note for number in range(3500) for note in played(number / 100, number / 100 + 0.01, 60)]
    answer = client.post(f"{PLACE}/midi/look", json={"midi": coded(midi(track))}).json()
    assert answer["notes"] == 3500 and len(answer["roll"]) == 1750


def test_a_job_renders_the_song_along_its_path(client):
    data = midi(played(0, 0.5, 60) + played(2, 2.5, 60), DRUM)
    answer = render(client, data, parts=["path", "off"], subtype="FLOAT", rate=48000)
    assert answer.status_code == 200
    job = answer.json()["job"]
    state = finished(client, job)
    assert (state["state"], state["done"], state["total"]) == ("done", 2, 2)
    assert state["about"]["name"] == "My_song.wav" and state["about"]["notes"] == 2
    assert state["about"]["notices"] == [] and "stems" not in state["about"]
    file = client.get(f"{PLACE}/jobs/{job}/file")
    assert file.headers["Content-Type"] in ("audio/wav", "audio/x-wav")
    assert 'filename="My_song.wav"' in file.headers["Content-Disposition"]
    about = soundfile.info(io.BytesIO(file.content))
    assert (about.subtype, about.samplerate, about.channels) == ("FLOAT", 48000, 2)
    samples, rate = soundfile.read(io.BytesIO(file.content), dtype="float32")
    assert len(samples) / rate == pytest.approx(2.8, abs=0.01) and len(file.content) == state["about"]["bytes"]
    clip, first = Clip(samples, rate), 440 * 2 ** (-9 / 12)
    assert partial_db(clip, 2 * first, 0, 0.5) > partial_db(clip, 3 * first, 0, 0.5) + 10
    assert partial_db(clip, 3 * first, 2, 2.5) > partial_db(clip, 2 * first, 2, 2.5) + 5
    part = client.get(f"{PLACE}/jobs/{job}/file", headers={"Range": "bytes=0-99"})
    assert part.status_code == 206 and part.content == file.content[:100]
    assert client.get(f"{PLACE}/jobs/{job}/file", params={"beside": "stems"}).status_code == 400
    assert client.post(f"{PLACE}/jobs/{job}/cancel", json={}).status_code == 200
    assert client.get(f"{PLACE}/jobs/{job}/file").status_code == 400


def test_a_song_is_rendered_in_the_tuning_of_the_page(client):
    tuning = Tuning.named("pythagorean@430")
    document = {"name": tuning.name, "pitches": list(tuning.pitches)}
    job = render(client, midi(played(0, 0.5, 64)), tuning=document).json()["job"]
    state = finished(client, job)
    assert state["about"]["notices"] == ["The keys are tuned to 'pythagorean@430'."]
    samples, rate = soundfile.read(io.BytesIO(client.get(f"{PLACE}/jobs/{job}/file").content), dtype="float32")
    assert abs(cents_off(Clip(samples, rate), tuning.pitch(64), 0.05, 0.5)) < 3
    for wrong, told in (({"name": "x"}, "an object with a name"), ({"pitches": [60]}, "each of the 128 keys")):
        answer = render(client, midi(played(0, 0.5, 64)), tuning=wrong)
        assert answer.status_code == 400 and told in answer.json()["error"]


def test_each_part_has_its_sound_and_may_be_a_file_of_its_own(client, tmp_path):
    flute = [(0, Message("program_change", program=73))]
    data = midi(flute + played(0, 0.5, 60), played(1, 1.5, 60, channel=1), played(2, 2.5, 60, channel=2), DRUM)
    answer = render(client, data, parts=["written", {"sound": VIOLIN}, "off"], path=None, stems=True)
    job = answer.json()["job"]
    about = finished(client, job)["about"]
    assert about["notes"] == 3 and about["stems"] == "My_song_stems.zip"
    packed = client.get(f"{PLACE}/jobs/{job}/file", params={"beside": "stems"})
    assert 'filename="My_song_stems.zip"' in packed.headers["Content-Disposition"]
    with zipfile.ZipFile(io.BytesIO(packed.content)) as pack:
        pack.extractall(tmp_path)
    stems = sorted((tmp_path / "My_song_stems").iterdir())
    assert [stem.name for stem in stems] == ["01_flute.wav", "02_violin.wav", "04_violin.wav"]
    assert read_timbre(stems[0]) == sample(SYNTH.card, 1, 0, "flute")[0]
    assert read_timbre(stems[1]) == sample(SYNTH.card, 1, 7, "violin")[0]
    mix, rate = soundfile.read(io.BytesIO(client.get(f"{PLACE}/jobs/{job}/file").content))
    assert rate == 44100 and mix.shape[1] == 2
    assert np.abs(sum(soundfile.read(stem)[0] for stem in stems) - mix).max() < 4 / 2**23


def test_a_running_job_can_be_cancelled():
    import threading

    gate = threading.Event()

    class Waiting(type(SYNTH._generator)):
        def __call__(self, z, pitch, instruments):
            gate.wait(HANG_SECONDS)
            return super().__call__(z, pitch, instruments)

    client = TestClient(FastAPI(routes=studio_routes(Studio(Player.of(Synth(SYNTH.card, Waiting(), device="cpu"))))))
    song = midi([note for pitch in range(40, 70) for note in played(0, 0.1, pitch)])
    job = render(client, song).json()["job"]
    assert client.post(f"{PLACE}/jobs/{job}/cancel", json={}).status_code == 200
    gate.set()
    assert finished(client, job)["state"] == "cancelled"
    assert client.get(f"{PLACE}/jobs/{job}/file").status_code == 400


SONG = midi(played(0, 0.5, 60))


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({"midi": "%%%"}, "did not arrive intact"),
        ({"midi": 5}, "did not arrive intact"),
        ({"midi": coded(b"RIFF")}, "not a MIDI file"),
        ({"midi": coded(SONG[:23])}, "ends too early"),
        ({"midi": coded(midi([]))}, "no notes"),
        ({"midi": coded(midi(played(0, 1000, 60)))}, "lasts 17 minutes; the page plays up to 15 minutes"),
        ({"midi": coded(bytes(2_000_001))}, "larger than 2 MB"),
        ({"parts": ["off"]}, "Every part of this song is left out"),
        ({"parts": ["path", "path"]}, "This song has 1 part, not 2"),
        ({"parts": ["drums"]}, "or not at all"),
        ({"parts": "path"}, "must be a list"),
        ({"parts": [{"sound": {"instruments": {"violn": 1}, "seed": 1}}]}, "violn"),
        ({"path": None}, "needs at least one sound"),
        ({"rate": 22050}, "'rate' must be 44100 or 48000"),
        ({"subtype": "PCM_8"}, "'subtype' must be PCM_16, PCM_24 or FLOAT"),
        ({"path": []}, "1 to 16 sounds"),
        ({"path": path(*[(VIOLIN, at / 20) for at in range(17)])}, "1 to 16 sounds"),
        ({"path": [VIOLIN]}, "its place in the song"),
        ({"path": path((VIOLIN, 0.5), (FLUTE, 0.5))}, "must rise"),
        ({"path": path((VIOLIN, -1))}, "fractions"),
        ({"path": path(({"instruments": {"violn": 1}, "seed": 1}, 0))}, "violn"),
        ({"name": None}, "lacks 'name'"),
    ],
)
def test_a_song_that_cannot_be_played_gets_one_sentence(client, changes, sentence):
    answer = render(client, SONG, **changes)
    assert answer.status_code == 400, answer.text
    assert sentence in answer.json()["error"]


def test_only_the_midi_routes_take_large_bodies_and_jobs_of_others_are_not_guessed(client):
    large = {"midi": "A" * 700_000}
    assert client.post(f"{PLACE}/midi/look", json=large).status_code == 400
    assert client.post(f"{PLACE}/takes", json=large).status_code == 413
    assert client.post(f"{PLACE}/midi/look", json={"midi": "A" * 4_000_000}).status_code == 413
    assert client.post(f"{PLACE}/midi/look", content=json.dumps({"midi": ""})).status_code == 415
    assert client.get(f"{PLACE}/jobs/1").status_code == 400
    assert client.post(f"{PREFIX}/0000/midi/look", json={"midi": coded(SONG)}).status_code == 404


def test_a_file_name_is_made_safe(client):
    for name, safe in {"../../x y.mid": "x_y.wav", "…": "song.wav", "a" * 300: "a" * 60 + ".wav"}.items():
        assert finished(client, render(client, SONG, name=name).json()["job"])["about"]["name"] == safe


def test_players_are_answered_while_a_song_is_rendered(client):
    song = midi([note for pitch in range(24, 85) for note in played(0, 0.1, pitch)])
    job = render(client, song).json()["job"]
    notes = client.get(f"{PLACE}/notes", params={"sound": json.dumps(VIOLIN), "low": 60, "high": 60})
    assert len(np.frombuffer(notes.content, "<i2")) == SYNTH.card.specgram.samples
    assert client.get(f"{PLACE}/jobs/{job}").json()["state"] in ("waiting", "running")
    client.post(f"{PLACE}/jobs/{job}/cancel", json={})
