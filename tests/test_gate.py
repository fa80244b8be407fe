"""Who may ask the app for what, tried on a running one as a browser, another site or a stranger would ask."""

import json
import logging
import shutil
import socket
import tempfile

import httpx
import pytest
from patience import HANG_SECONDS
from serving import served
from sine_voice import sine_synth

from gansynth_core import InputError, TimbrePath, sample
from webapp import app
from webapp.gate import Host, Hosts
from webapp.player import Player

MODEL = "/gradio_api/studio/model"
SCRIPT = "/gradio_api/studio/ui/studio.js"
VIOLIN = {"instruments": {"violin": 1}, "seed": 7}
EVIL = "https://evil.example"
CLIENT = httpx.Client(timeout=HANG_SECONDS, trust_env=False)  # one for all: each takes a while to make


@pytest.fixture(scope="module")
def address():
    with served(Player.of(sine_synth())) as url:
        yield url


@pytest.fixture(scope="module")
def open_address():
    """Of an app that the whole network may reach, and that a proxy serves as studio.example."""
    with served(Player.of(sine_synth()), host="0.0.0.0", allowed_hosts=["studio.example", "lab.example:8443"]) as url:
        yield url


@pytest.fixture(autouse=True)
def quiet_log(caplog):
    """After the test: the server logged no traceback."""
    logger = logging.getLogger("uvicorn.error")
    logger.addHandler(caplog.handler)
    yield
    logger.removeHandler(caplog.handler)
    assert [record.getMessage() for record in caplog.records if record.exc_info] == []


def ask(address: str, path: str, method: str = "GET", host: str | None = None, **options) -> httpx.Response:
    headers = options.pop("headers", {}) | ({"Host": host} if host else {})
    return CLIENT.request(method, f"{address}{path}", headers=headers, **options)


def port_of(address: str) -> str:
    return address.rsplit(":", 1)[1]


@pytest.mark.parametrize("host", ["127.0.0.1", "127.0.0.2", "localhost", "LOCALHOST", "[::1]", "[0:0:0:0:0:0:0:1]"])
def test_an_app_for_this_machine_answers_to_the_machines_own_names(address, host):
    assert ask(address, MODEL, host=f"{host}:{port_of(address)}").status_code == 200


@pytest.mark.parametrize(
    "host",
    [
        *("evil.example", "127.0.0.1.evil.example", "192.168.1.20", "[2001:db8::1]", "0.0.0.0"),
        *(
            "[::ffff:127.0.0.1]",
            "[::ffff:7f00:1]",
            "localhost.evil.example",
            "evil.example/@localhost",
            "[",
            "local host",
        ),
    ],
)
def test_an_app_for_this_machine_answers_to_no_other_name(address, host):
    for path in ("/", "/config", MODEL):
        assert ask(address, path, host=f"{host}:{port_of(address)}").status_code == 400


def test_names_are_told_once_and_forwarded_ones_count(address):
    port = port_of(address)
    with socket.create_connection(("127.0.0.1", int(port)), timeout=HANG_SECONDS) as connection:
        hosts = f"Host: 127.0.0.1:{port}\r\nHost: evil.example\r\n"
        connection.sendall(f"GET {MODEL} HTTP/1.1\r\n{hosts}Connection: close\r\n\r\n".encode())
        assert b" 400 " in connection.recv(100)
    assert ask(address, "/", headers={"X-Forwarded-Host": "evil.example"}).status_code == 400
    assert ask(address, "/", headers={"X-Forwarded-Host": f"localhost:{port}"}).status_code == 200


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "192.168.1.20:7860", "[2001:db8::1]", "studio.example", "lab.example:8443"]
)
def test_an_app_for_the_network_answers_to_addresses_and_to_what_it_was_told(open_address, host):
    assert ask(open_address, MODEL, host=host).status_code == 200
    assert ask(open_address, MODEL, host=host, headers={"Origin": f"http://{host}"}).status_code == 200
    assert ask(open_address, "/config", host=host, headers={"Origin": EVIL}).status_code == 403


@pytest.mark.parametrize("host", ["evil.example", "studio.example.evil.example", "[::ffff:127.0.0.1]"])
def test_an_app_for_the_network_answers_to_no_other_name(open_address, host):
    assert ask(open_address, MODEL, host=host).status_code == 400


FOREIGN = [
    "https://evil.example",
    "null",
    "http://localhost",
    "http://localhost:1",
    "http://[::ffff:127.0.0.1]",
    "",
    "x",
]


@pytest.mark.parametrize("host", ["127.0.0.1", "localhost", "[::1]", "127.0.0.2", "[::ffff:127.0.0.1]"])
@pytest.mark.parametrize("method", ["GET", "HEAD", "POST", "OPTIONS", "PUT"])
def test_pages_of_other_sites_are_refused_whatever_the_host(address, method, host):
    preflight = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "content-type"}
    for origin in FOREIGN:
        for path in ("/", "/config", MODEL, "/gradio_api/queue/join", "/gradio_api/heartbeat/x"):
            headers = preflight | {"Origin": origin}
            answer = ask(address, path, method, host=f"{host}:{port_of(address)}", headers=headers)
            assert answer.status_code in (400, 403)
            assert not [name for name in answer.headers if name.startswith("access-control")]


def test_the_apps_own_page_is_answered(address):
    for host in (f"127.0.0.1:{port_of(address)}", f"localhost:{port_of(address)}"):
        headers = {"Origin": f"http://{host}", "Sec-Fetch-Site": "same-origin"}
        assert ask(address, MODEL, host=host, headers=headers).status_code == 200
    sound = {"sound": VIOLIN}
    digest = ask(address, MODEL).json()["digest"]
    path = f"/gradio_api/studio/{digest}/timbre"
    assert ask(address, path, "POST", json=sound, headers={"Origin": address}).status_code == 200
    assert ask(address, path, "POST", json=sound, headers={"Origin": EVIL}).status_code == 403


@pytest.mark.parametrize(
    ("host", "origin", "status"),
    [
        ("studio.example", "https://studio.example", 200),  # the proxy speaks TLS and passes the name on
        ("127.0.0.1:7860", "https://studio.example", 200),  # or does not
        ("127.0.0.1:7860", "https://studio.example:443", 200),
        ("lab.example", "https://lab.example:8443", 200),
        ("lab.example:8443", "https://lab.example:8443", 200),
        ("studio.example", "https://studio.example:444", 403),
        ("127.0.0.1:7860", "https://evil.studio.example", 403),
        ("studio.example", "ftp://studio.example", 403),
    ],
)
def test_behind_a_proxy_its_pages_are_the_apps_own(open_address, host, origin, status):
    assert ask(open_address, MODEL, host=host, headers={"Origin": origin}).status_code == status


def fetched(site: str, mode: str, dest: str) -> dict[str, str]:
    return {"Sec-Fetch-Site": site, "Sec-Fetch-Mode": mode, "Sec-Fetch-Dest": dest}


@pytest.mark.parametrize("site", ["cross-site", "same-site", "anything"])
def test_what_other_sites_fetch_is_refused_but_a_link_to_the_page_works(address, site):
    visit = fetched(site, "navigate", "document")
    assert ask(address, "/?__theme=dark", headers=visit).status_code == 200
    assert ask(address, "/", headers=fetched(site, "navigate", "iframe")).status_code == 403
    assert ask(address, "/", headers=fetched(site, "no-cors", "image")).status_code == 403
    assert ask(address, "/", "POST", headers=visit).status_code == 403
    for path in (MODEL, SCRIPT, "/config", "/logout", "/gradio_api/queue/data?session_hash=x"):
        assert ask(address, path, headers=visit).status_code == 403
        assert ask(address, path, headers=fetched(site, "no-cors", "script")).status_code == 403
    assert ask(address, MODEL, headers=fetched("none", "navigate", "document")).status_code == 200


def test_sockets_for_other_sites_are_refused(address):
    upgrade = {"Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13"}
    upgrade |= {"Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==", "Origin": EVIL}
    assert ask(address, "/gradio_api/queue/join", headers=upgrade).status_code == 403


def test_browsers_are_told_to_keep_other_sites_out(address):
    for path in ("/", MODEL, SCRIPT, "/theme.css"):
        headers = ask(address, path).headers
        assert "frame-ancestors 'self'" in headers["Content-Security-Policy"]
        assert headers["Cross-Origin-Resource-Policy"] == "same-origin"


@pytest.mark.parametrize(
    ("method", "path"),
    [
        *(("GET", f"{place}/openapi.json") for place in ("", "/gradio_api")),
        *(("POST", f"/gradio_api/{name}") for name in ("upload", "run/generate", "api/generate", "component_server")),
        *(
            ("GET", f"/gradio_api/{name}")
            for name in ("upload_progress?upload_id=x", "proxy=https://x.hf.space/", "runs")
        ),
        ("GET", "/?page=x"),
        ("GET", "/monitoring"),
        ("GET", "/assets/" + "x" * 400),
        ("GET", "/static/" + "x/" * 2000),
    ],
)
def test_what_the_page_does_not_use_of_gradio_is_closed(address, method, path):
    files = {"files": ("note.wav", b"x" * 1000)} if method == "POST" else None
    answer = ask(address, path, method, files=files)
    assert (answer.status_code, answer.json()) == (404, {"error": "There is nothing at this address."})


@pytest.mark.parametrize(
    "path", ["/gradio_api/queue/join", "/gradio_api/call/generate", "/gradio_api/cancel", "/login"]
)
@pytest.mark.parametrize("chunked", [False, True])
def test_what_gradio_reads_is_limited(address, path, chunked):
    body = json.dumps({"data": ["x" * 2_000_000, 60, 0, 1.0], "fn_index": 0, "session_hash": "a"}).encode()
    pieces = (body[start : start + 50_000] for start in range(0, len(body), 50_000))
    headers = {"Content-Type": "application/json"}
    answer = ask(address, path, "POST", content=pieces if chunked else body, headers=headers)
    assert (answer.status_code, answer.json()) == (413, {"error": "A request can be at most 1 MB long."})


@pytest.mark.parametrize(
    "changes",
    [
        *({"fn_index": value} for value in (1, -1, 10**400, "\ud800", True, [0])),
        *({"session_hash": value} for value in ("\ud800", "x" * 100, 10**400, ["a"], "../x")),
        *({"data": value} for value in (None, [], ["violin"], "violin", [[[]], 60, 0, 1.0])),
        {"data": [{"path": "/etc/passwd", "meta": {"_type": "gradio.FileData"}}, 60, 0, 1.0]},
    ],
)
def test_what_gradios_queue_cannot_use_is_refused_in_words(address, changes):
    good = {"data": ["violin", 60, 0, 1.0], "fn_index": 0, "session_hash": "a"}
    answer = ask(address, "/gradio_api/queue/join", "POST", json=good | {"trigger_id": None})
    assert answer.status_code == 200
    sent = json.dumps(good | changes).encode()
    answer = ask(address, "/gradio_api/queue/join", "POST", content=sent, headers={"Content-Type": "application/json"})
    assert (answer.status_code, answer.json()) == (400, {"error": "This is not a request for a note."})


@pytest.mark.parametrize(
    "body", [b"[" * 100_000, b'{"data":' * 100_000, b"\xff", b"", b"[]", b'{"event_id": ["\\ud800"]}']
)
def test_what_is_no_request_is_refused_in_words(address, body):
    for path in ("queue/join", "call/generate", "cancel", "reset"):
        headers = {"Content-Type": "application/json"}
        answer = ask(address, f"/gradio_api/{path}", "POST", content=body, headers=headers)
        assert (answer.status_code, answer.json()) == (400, {"error": "This is not a request for a note."})


def test_plain_http_gets_a_note_and_unknown_events_end_in_words(address):
    call = f"{address}/gradio_api/call/generate"
    event = CLIENT.post(call, json={"data": ["violin", 60, 7, 0.5]}).json()["event_id"]
    assert "event: complete" in CLIENT.get(f"{call}/{event}").text
    assert "404" in CLIENT.get(f"{call}/unknown").text
    assert "404" in ask(address, "/gradio_api/queue/data?session_hash=unknown").text


@pytest.mark.parametrize("encoding", ["identity", "br", "gzip"])
def test_a_script_that_the_browser_has_is_not_sent_again(address, encoding):
    fresh = ask(address, SCRIPT, headers={"Accept-Encoding": encoding})
    tag = fresh.headers["ETag"]
    for known in (tag, f"W/{tag}", f'"x", {tag}'):
        again = ask(address, SCRIPT, headers={"If-None-Match": known, "Accept-Encoding": encoding})
        assert (again.status_code, again.content) == (304, b"")
        assert (again.headers["ETag"], again.headers["Cache-Control"]) == (tag, "no-cache")
    assert ask(address, SCRIPT, headers={"If-None-Match": '"x"'}).text == fresh.text


@pytest.fixture
def studio(address):
    return f"/gradio_api/studio/{ask(address, MODEL).json()['digest']}"


def posted(address: str, path: str, document: object) -> httpx.Response:
    body = json.dumps(document).encode()  # in ASCII, as half a surrogate pair has no UTF-8
    return ask(address, path, "POST", content=body, headers={"Content-Type": "application/json"})


def test_half_a_surrogate_pair_in_a_name_comes_back_as_it_was(address, studio):
    saved = posted(address, f"{studio}/preset/save", {"sound": VIOLIN, "patch": {}, "name": "a\ud800"})
    assert (saved.status_code, json.loads(saved.content)["name"]) == (200, "a\ud800")
    read = posted(address, f"{studio}/preset/read", {"preset": json.loads(saved.content)})
    assert (read.status_code, json.loads(read.content)["name"]) == (200, "a\ud800")


def test_half_a_surrogate_pair_in_an_option_is_refused_in_words(address, studio):
    for options in ({"pitches": {"\ud800": 1}}, {"pitches": 60, "\ud800": 1}):
        answer = posted(address, f"{studio}/pack/estimate", {"sounds": 1, "options": options})
        assert answer.status_code == 200 and "?" in answer.json()["refused"]


@pytest.mark.parametrize("place", ["z", "instruments"])
def test_numbers_of_400_digits_in_a_preset_are_refused_in_words(address, studio, place):
    preset = json.loads(posted(address, f"{studio}/preset/save", {"sound": VIOLIN, "patch": {}, "name": ""}).content)
    if place == "z":
        preset["timbre"]["z"][3] = 10**400
    else:
        preset["timbre"]["instruments"]["violin"] = 10**400
    answer = posted(address, f"{studio}/preset/read", {"preset": preset})
    assert answer.status_code == 400 and "not a saved sound" in answer.json()["error"]


def test_numbers_of_400_digits_in_a_path_are_refused_in_words():
    with pytest.raises(InputError, match="fractions of the song"):
        TimbrePath(sample(sine_synth().card), [10**400])


def test_errors_do_not_repeat_what_is_long(address, studio):
    answer = posted(address, f"{studio}/notes", {"sound": VIOLIN, "low": "x" * 500_000, "high": 60})
    assert answer.status_code == 400 and len(answer.content) < 600


def test_an_export_that_cannot_be_written_says_so(monkeypatch, tmp_path):
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with served(Player.of(sine_synth())) as address:
        studio = f"/gradio_api/studio/{ask(address, MODEL).json()['digest']}"
        for folder in tmp_path.glob("gansynth-studio-*"):
            shutil.rmtree(folder)
        export = {"sounds": [{"sound": VIOLIN, "name": "x"}], "options": {"pitches": 60}}
        answer = posted(address, f"{studio}/pack/export", export)
        assert answer.status_code == 503 and "nowhere to write exports" in answer.json()["error"]


def test_an_app_that_has_nowhere_to_write_says_so_and_ends(monkeypatch, capsys):
    def nowhere():
        raise FileNotFoundError("No usable temporary directory found")

    monkeypatch.setattr(tempfile, "gettempdir", nowhere)
    assert app.main([]) == 1
    assert "TMPDIR" in capsys.readouterr().err


@pytest.mark.parametrize("name", ["https://studio.example", "studio example", "a/b", "", "*"])
def test_what_is_no_host_name_is_refused_in_words(capsys, name):
    with pytest.raises(SystemExit):
        app.main(["--allowed-host", name])
    assert "is not a host name" in capsys.readouterr().err


@pytest.mark.parametrize("path", ["studio", "/a b", "https://studio.example/x", "/a/../b?x"])
def test_what_is_no_path_is_refused_in_words(capsys, path):
    with pytest.raises(SystemExit):
        app.main(["--root-path", path])
    assert "is not a path" in capsys.readouterr().err


@pytest.mark.parametrize("sent", ["", "/studio"])  # by a proxy that cuts the path off, and by one that does not
def test_the_app_is_served_below_a_path(sent):
    allowed = ["studio.example"]
    with served(Player.of(sine_synth()), allowed_hosts=allowed, root_path="/studio") as address:
        for path in ("/", "/config", MODEL, SCRIPT, "/theme.css"):
            assert ask(address, sent + path, host="studio.example").status_code == 200
        forwarded = {"X-Forwarded-Proto": "https"}
        config = ask(address, f"{sent}/config", host="studio.example", headers=forwarded).json()
        assert config["root"] == "https://studio.example/studio"
        assert ask(address, f"{sent}/gradio_api/upload", "POST", host="studio.example").status_code == 404


@pytest.mark.parametrize("host", ["::1", "::"])
def test_an_app_listens_at_addresses_of_version_6(host):
    if not app.can_listen(host):
        pytest.skip("this machine has no IPv6")
    with served(Player.of(sine_synth()), host=host) as address:
        own = f"http://[::1]:{port_of(address)}"
        assert ask(own, MODEL).status_code == 200
        assert ask(own, MODEL, headers={"Origin": own}).status_code == 200
        assert ask(own, "/config", headers={"Origin": EVIL}).status_code == 403


def test_the_machines_name_in_the_network_is_for_an_app_that_the_network_may_reach(monkeypatch):
    monkeypatch.setattr(socket, "gethostname", lambda: "Studio-PC")
    assert not Hosts("127.0.0.1").know(Host("studio-pc", None))
    assert Hosts("0.0.0.0").know(Host("studio-pc", None))


def test_a_name_of_this_machine_alone_is_loopback():
    for address in ("localhost", "127.0.0.1", "127.0.0.2", "::1"):
        assert Hosts(address).local
    for address in ("0.0.0.0", "::", "192.168.1.20", "nothing.invalid"):
        assert not Hosts(address).local
    assert Host.of("[::0:1]:80") == Host("::1", 80)
