"""How the app is doing, for programs that watch it."""

import gc
import json

import httpx
import pytest
from browser import PATIENCE_MS
from patience import until
from prometheus_client.parser import text_string_to_metric_families
from serving import served
from sine_voice import sine_card, sine_synth
from starlette.responses import Response

from gansynth_core import ModelError
from webapp.player import Player

STUDIO = "/gradio_api/studio"
SOUND = {"instruments": {"violin": 1}, "seed": 7}


@pytest.fixture(scope="module")
def client():
    with served(Player.of(sine_synth())) as address, httpx.Client(base_url=address, trust_env=False) as client:
        yield client


def counted(client) -> dict[tuple[str, ...], float]:
    """Every number of /metrics by its name and labels."""
    families = text_string_to_metric_families(client.get("/metrics").text)
    return {(one.name, *one.labels.values()): one.value for family in families for one in family.samples}


def test_what_was_asked_and_made_is_counted(client):
    before = counted(client)
    digest = client.get(f"{STUDIO}/model").json()["digest"]
    for _ in range(2):
        client.post(f"{STUDIO}/{digest}/notes", json={"sound": SOUND, "low": 60, "high": 63})
    client.post(f"{STUDIO}/{digest}/notes", json={"sound": SOUND, "low": 63, "high": 60})
    client.get("/nothing/of/" + "x" * 50)
    after = counted(client)
    gained = {key: after[key] - before.get(key, 0.0) for key in after if after[key] != before.get(key, 0.0)}
    assert gained[("studio_notes_total", "rendered")] == 4 and gained[("studio_notes_total", "found")] == 4
    assert gained[("studio_answers_total", "200", "notes")] == 2
    assert gained[("studio_answers_total", "400", "notes")] == 1
    assert gained[("studio_answer_seconds_count", "notes")] == 2
    assert after[("studio_waiting_requests",)] == 0 and after[("studio_open_exports",)] == 0
    assert after[("process_open_fds",)] > 0 and not any("xxx" in label for key in after for label in key)


def test_an_answer_leaves_memory_once_it_was_sent(client):
    digest = client.get(f"{STUDIO}/model").json()["digest"]

    def kept() -> list[Response]:
        return [one for one in gc.get_objects() if type(one) is Response and len(one.body) > 1_000_000]

    gc.collect()  # of tests before
    gc.disable()  # it would find them sooner or later, at gigabytes in a busy app
    try:
        for seed in range(3):
            parameters = {"sound": json.dumps(SOUND | {"seed": seed}), "low": 60, "high": 71}
            assert client.get(f"{STUDIO}/{digest}/notes", params=parameters).status_code == 200
        until(lambda: not kept())
    finally:
        gc.enable()


@pytest.mark.parametrize("header", ["X-Forwarded-For", "X-Forwarded-Proto", "Forwarded", "X-Real-IP"])
def test_metrics_are_for_this_machine_alone(client, header):
    assert client.get("/metrics", headers={header: "203.0.113.7"}).status_code == 404
    assert client.get("/healthz", headers={header: "203.0.113.7"}).status_code == 200


def test_the_app_is_ready_once_a_note_was_made():
    player, may = Player(sine_card()), []

    def load():
        until(lambda: may)
        return sine_synth()

    with served(player) as address, httpx.Client(base_url=address, trust_env=False) as client:
        assert (client.get("/healthz").status_code, client.get("/healthz").text) == (503, "not ready\n")
        player.load(load, pytest.fail)
        assert client.get("/healthz").status_code == 503
        may.append(True)
        until(lambda: client.get("/healthz").status_code == 200)


def test_an_app_whose_model_is_damaged_is_never_ready():
    def load():
        raise ModelError("The weights are damaged.")

    player, told = Player(sine_card()), []
    player.load(load, told.append)
    until(lambda: told)
    with served(player) as address, httpx.Client(base_url=address, trust_env=False) as client:
        assert client.get("/healthz").status_code == 503
        digest = client.get(f"{STUDIO}/model").json()["digest"]
        answer = client.post(f"{STUDIO}/{digest}/notes", json={"sound": SOUND, "low": 60, "high": 60})
        assert (answer.status_code, answer.json()) == (500, {"error": "The weights are damaged."})


def test_a_page_that_is_opened_again_asks_for_little(browser, client):
    def asked() -> float:
        return sum(value for key, value in counted(client).items() if key[0] == "studio_answers_total")

    context = browser.new_context()
    for _ in range(2):
        page, before = context.new_page(), asked()
        page.goto(str(client.base_url))
        page.wait_for_selector(".key", timeout=PATIENCE_MS)
        page.wait_for_selector("#sliders .slider input", timeout=PATIENCE_MS)
        page.wait_for_function("studio.blocks().every(block => block.loaded)", timeout=PATIENCE_MS)
        requests = asked() - before
        page.close()
    context.close()
    assert requests < 10
