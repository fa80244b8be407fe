"""What nobody sends: whatever comes in, there is a note, a file or a sentence, and never a traceback.

The same examples in every run. `python -m tests.campaigns.fuzz` looks for an hour, with others.
"""

import json
import os
import zipfile

import pytest
from fastapi import FastAPI
from fuzzing import ANY_JSON, ROUTES, card_documents, changed_bytes, request_of
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sine_voice import sine_card, sine_synth
from starlette.testclient import TestClient

from gansynth_core import GanSynthError, Patch, load_card, parse_timbre, read_midi, timbre_in
from gansynth_core.packs.plan import PackPlan
from webapp.gate import Guard, Hosts
from webapp.player import Player
from webapp.routes import Studio, studio_routes
from webapp.sound_document import describe, digest_of, parse_patch, parse_sound, timbre_of

EXAMPLES = int(os.environ.get("FUZZ_EXAMPLES", "60"))
CARD = sine_card()

seeded = settings(
    max_examples=EXAMPLES,
    deadline=None,
    derandomize=EXAMPLES == 60,
    database=None,
    suppress_health_check=list(HealthCheck),
)


@pytest.fixture(scope="module")
def client():
    app = Guard(FastAPI(routes=studio_routes(Studio(Player.of(sine_synth(griffin_lim_steps=0))))), Hosts("127.0.0.1"))
    return TestClient(app, base_url="http://127.0.0.1:7860", raise_server_exceptions=False)


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_answers_anything_with_a_sentence(client, caplog, route):
    digest = digest_of(CARD)

    @seeded
    @given(request_of(route))
    def check(request):
        answer = client.request(route.method, route.path.format(digest=digest), **request)
        assert answer.status_code < 500 or answer.status_code == 503, answer.text
        assert len(answer.content) < 2000 or answer.status_code == 200
        if answer.status_code != 200:
            told = answer.json()
            assert isinstance(told.get("error", told.get("detail")), str)
        assert not [record for record in caplog.records if record.exc_info]

    check()


@seeded
@given(st.one_of(ANY_JSON, ANY_JSON.map(json.dumps), st.text()))
def test_sounds_patches_presets_and_plans_are_read_or_refused(document):
    for read in (
        lambda: timbre_of(parse_sound(document, CARD), CARD),
        lambda: parse_patch(document),
        lambda: Patch.from_json(document),
        lambda: PackPlan.from_json(document, CARD),
    ):
        try:
            read()
        except GanSynthError as error:
            assert str(error)


@seeded
@given(card_documents())
def test_a_card_is_whole_or_refused(tmp_path_factory, document):
    folder = tmp_path_factory.getbasetemp() / "fuzzed"
    folder.mkdir(exist_ok=True)
    (folder / "card.json").write_text(json.dumps(document))
    try:
        card = load_card(folder)
    except GanSynthError as error:
        assert str(error)
    else:
        assert json.dumps(describe(card)) and digest_of(card)


SONG = bytes.fromhex(
    "4d546864000000060000000100604d54726b00000020 00ff5103 07a120 00c005 00903c40 60803c00 00904040 60804000 00ff2f00"
)


@seeded
@given(st.one_of(st.binary(max_size=200), changed_bytes(SONG)))
def test_midi_files_are_read_or_refused(data):
    try:
        read_midi(data)
    except GanSynthError as error:
        assert str(error)


@seeded
@given(st.binary(max_size=200).map(lambda data: b"RIFF" + data[:4].ljust(4, b"\0") + b"WAVE" + data))
def test_wav_files_are_read_or_refused(data):
    with pytest.raises(GanSynthError):
        timbre_in(data, "x.wav")


@seeded
@given(st.text(max_size=40))
def test_timbres_on_the_command_line_are_read_or_refused(text):
    try:
        parse_timbre(text, CARD)
    except GanSynthError as error:
        assert str(error)


@seeded
@given(st.integers(0, 2**31))
def test_a_map_with_a_changed_bit_is_refused_or_the_same(tmp_path_factory, place):
    from sine_voice import grid_atlas

    from gansynth_core import Atlas

    folder = tmp_path_factory.getbasetemp()
    whole = folder / "whole.npz"
    if not whole.exists():
        grid_atlas(CARD, 25).save(whole)
    data = bytearray(whole.read_bytes())
    data[place // 8 % len(data)] ^= 1 << place % 8
    (folder / "changed.npz").write_bytes(data)
    try:
        changed = Atlas.load(folder / "changed.npz", CARD)
    except GanSynthError as error:
        assert str(error)
    else:  # a bit that says nothing, such as the date of an entry
        same = Atlas.load(whole, CARD)
        assert changed.seeds.tolist() == same.seeds.tolist() and zipfile.is_zipfile(whole)
        assert changed.descriptors.tolist() == same.descriptors.tolist()
