"""The proxies of SECURITY.md, started for real with what stands there, and the app's own login and HTTPS."""

import re
import shutil
import socket
import ssl
import subprocess
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest
from patience import HANG_SECONDS, until
from serving import served
from sine_voice import sine_synth

from webapp import app
from webapp.player import Player

SECURITY = (Path(__file__).parent.parent / "SECURITY.md").read_text(encoding="utf-8")
NAME, EVIL = "studio.example.org", "https://evil.example"
MODEL = "/gradio_api/studio/model"
LOGIN = ("ada", "secret")


@pytest.fixture(scope="module")
def certificate(tmp_path_factory):
    """A certificate for NAME and this machine, and its key."""
    folder = tmp_path_factory.mktemp("certificate")
    command = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    command += ["-subj", f"/CN={NAME}", "-addext", f"subjectAltName=DNS:{NAME},IP:127.0.0.1"]
    command += ["-keyout", folder / "key", "-out", folder / "crt"]
    subprocess.run(command, check=True, capture_output=True)
    return folder / "crt", folder / "key"


def trusting(certificate, **options) -> httpx.Client:
    context = ssl.create_default_context(cafile=str(certificate[0]))
    context.check_hostname = False  # the name stands in the header Host alone
    return httpx.Client(verify=context, trust_env=False, timeout=HANG_SECONDS, **options)


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def examples(language: str) -> list[str]:
    return re.findall(rf"```{language}\n(.*?)```", SECURITY, re.S)


def example(language: str, number: int, changes: dict[str, str]) -> str:
    """One of the examples, with its places changed to those of a test."""
    text = examples(language)[number]
    for old, new in changes.items():
        assert old in text
        text = text.replace(old, new)
    return text


@contextmanager
def running(command, port: int):
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)

    def listens() -> bool:
        assert process.poll() is None, process.stderr.read()
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", port)) == 0

    try:
        until(listens)
        yield
    finally:
        process.terminate()
        process.wait(HANG_SECONDS)


@contextmanager
def nginx(folder: Path, servers: str, port: int):
    program = shutil.which("nginx") or shutil.which("/usr/sbin/nginx")
    if program is None:
        pytest.skip("nginx is not installed: apt-get install nginx-light")
    temporary = "".join(f"{name}_temp_path {folder}/{name};\n" for name in TEMPORARY)
    config = folder / "nginx.conf"
    config.write_text(
        f"daemon off;\nmaster_process off;\npid {folder}/pid;\nerror_log {folder}/log;\nevents {{}}\n"
        f"http {{\naccess_log off;\n{temporary}{servers}\n}}\n"
    )
    with running([program, "-c", config, "-e", folder / "log"], port):
        yield


TEMPORARY = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")


def check_page(client: httpx.Client, root: str) -> None:
    """That the app is played through a proxy at `root` by its own page, and by no other."""
    host, own = {"Host": NAME}, {"Host": NAME, "Origin": f"https://{NAME}"}
    model = client.get(root + MODEL, headers=own)
    assert model.status_code == 200
    sound = {"instruments": {"violin": 1}, "seed": 7}
    note = {"sound": sound, "low": 60, "high": 60}
    place = f"{root}/gradio_api/studio/{model.json()['digest']}/notes"
    assert len(client.post(place, json=note, headers=own).content) > 8000
    assert client.post(place, json=note, headers=own | {"Origin": EVIL}).status_code == 403
    page = client.get(f"{root}/", headers=host)
    assert page.status_code == 200
    script = re.search(r"gradio_api/studio/ui/[0-9a-f]{12}/studio\.js", page.text)[0]
    assert client.get(f"{root}/{script}", headers=host).headers["content-type"].startswith("text/javascript")
    assert client.get(f"{root}/config", headers=host).json()["root"].startswith(f"https://{NAME}")
    assert client.get(f"{root}/metrics", headers=host).status_code == 404
    with client.stream("GET", f"{root}/gradio_api/heartbeat/x", headers=host) as events:
        assert "ALIVE" in next(events.iter_text())


def test_nginx_as_in_the_example(tmp_path, certificate):
    port = free_port()
    (tmp_path / "logins").write_text("ada:{PLAIN}secret\n")
    with served(Player.of(sine_synth()), allowed_hosts=[NAME]) as address:
        changes = {
            "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
            "/etc/ssl/studio.crt": str(certificate[0]),
            "/etc/ssl/studio.key": str(certificate[1]),
            "/etc/nginx/studio.htpasswd": str(tmp_path / "logins"),
            "http://127.0.0.1:7860": address,
        }
        with nginx(tmp_path, example("nginx", 0, changes), port), trusting(certificate) as client:
            root = f"https://127.0.0.1:{port}"
            assert client.get(root + MODEL, headers={"Host": NAME}).status_code == 401
            client.auth = LOGIN
            check_page(client, root)
            assert client.get(root + MODEL, headers={"Host": "evil.example"}).status_code == 400


def test_nginx_below_a_path_as_in_the_example(tmp_path, certificate):
    port = free_port()
    with served(Player.of(sine_synth()), allowed_hosts=[NAME], root_path="/studio") as address:
        location = example("nginx", 1, {"http://127.0.0.1:7860/": f"{address}/"})
        secure = f"ssl_certificate {certificate[0]};\nssl_certificate_key {certificate[1]};"
        servers = f"server {{\nlisten 127.0.0.1:{port} ssl;\n{secure}\n{location}\n}}"
        with nginx(tmp_path, servers, port), trusting(certificate) as client:
            check_page(client, f"https://127.0.0.1:{port}/studio")


def test_caddy_as_in_the_example(tmp_path, certificate):
    program = shutil.which("caddy")
    if program is None:
        pytest.skip("Caddy is not installed: apt-get install caddy")
    port = free_port()
    hashed = subprocess.run(
        [program, "hash-password", "--plaintext", "secret"], check=True, capture_output=True, text=True
    )
    with served(Player.of(sine_synth()), allowed_hosts=[NAME]) as address:
        secure = f"    bind 127.0.0.1\n    tls {certificate[0]} {certificate[1]}\n    basicauth"
        changes = {
            "    basicauth": secure,
            f"{NAME} {{": f"https://:{port} {{",
            "HASH": hashed.stdout.strip(),
            "127.0.0.1:7860": address.removeprefix("http://"),
        }
        own = f"admin off\nauto_https disable_redirects\ndefault_sni {NAME}\nstorage file_system {tmp_path}/caddy"
        (tmp_path / "Caddyfile").write_text(f"{{\n{own}\n}}\n" + example("caddy", 0, changes))
        command = [program, "run", "--adapter", "caddyfile", "--config", tmp_path / "Caddyfile"]
        with running(command, port), trusting(certificate) as client:
            root = f"https://127.0.0.1:{port}"
            assert client.get(root + MODEL, headers={"Host": NAME}).status_code == 401
            client.auth = LOGIN
            check_page(client, root)


def test_the_apps_own_login_and_https(certificate):
    files = {"ssl_certfile": str(certificate[0]), "ssl_keyfile": str(certificate[1])}
    with served(Player.of(sine_synth()), auth=[LOGIN], **files) as address, trusting(certificate) as client:
        root = address.replace("http:", "https:")
        with pytest.raises(httpx.HTTPError):
            httpx.get(address, trust_env=False)
        for path in (MODEL, "/config", "/theme.css", "/gradio_api/info"):
            assert client.get(root + path).status_code == 401 or path == "/theme.css"
        assert client.get(f"{root}/healthz").text == "ready\n"
        for user, password in (("ada", "wrong"), ("ben", "secret"), ("ada", ""), ("", "")):
            answer = client.post(f"{root}/login", data={"username": user, "password": password})
            assert answer.status_code in (400, 422)
        assert client.get(root + MODEL).status_code == 401
        logged_in = client.post(f"{root}/login", data={"username": "ada", "password": "secret"})
        assert logged_in.status_code == 200
        assert "secure" in logged_in.headers["set-cookie"].lower()
        assert client.get(root + MODEL).status_code == 200
        assert client.get(f"{root}/config").status_code == 200


@pytest.mark.parametrize("login", ["ada", ":x", "ada:", " :x", "nothing.txt"])
def test_what_is_no_login_is_refused_in_words(capsys, login):
    assert app.main(["--auth", login]) == 1
    assert "A login is a user and a password" in capsys.readouterr().err


def test_logins_are_read_from_a_file(tmp_path, capsys):
    file = tmp_path / "logins"
    file.write_text("# the class\nada:se:cret\n\nben: x\n")
    assert app.logins(str(file)) == [("ada", "se:cret"), ("ben", " x")]
    assert app.logins("ada:secret") == [("ada", "secret")] and app.logins("") == []
    file.write_bytes(b"\xff\xfe")
    assert app.main(["--auth", str(file)]) == 1
    assert "cannot be read" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (["--ssl-certfile", "nothing.crt", "--ssl-keyfile", __file__], "'nothing.crt' is not a file that can be read"),
        (["--ssl-certfile", __file__], "go together"),
        (["--workers", "0"], "not a number of processes from 1 to 64"),
        (["--workers", "many"], "not a number of processes"),
    ],
)
def test_what_is_no_option_is_refused_in_words(capsys, options, words):
    try:
        assert app.main(options) == 1
    except SystemExit as end:
        assert end.code == 2
    assert words in capsys.readouterr().err
