"""The app's start, its public endpoint, its page's pictures, and the page's own JavaScript under node."""

import shutil
import socket
import subprocess
import sys
from pathlib import Path

import httpx
import numpy as np
import pytest
import soundfile
from gradio import Error
from gradio_client import Client
from gradio_client.exceptions import AppError
from patience import HANG_SECONDS
from serving import served
from sine_voice import sine_synth

from gansynth_core import Clip
from webapp import app
from webapp.actions import generate_action
from webapp.player import Player

ROOT = Path(__file__).parent.parent


def peak_hz(samples: np.ndarray, rate: int) -> float:
    """Frequency of the strongest partial, by a zero-padded FFT (within 0.1 Hz for a second of sound)."""
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)), 2**20))
    return float(np.argmax(spectrum) * rate / 2**20)


def cents(measured_hz: float, pitch: int) -> float:
    return 1200 * np.log2(measured_hz / (440 * 2 ** ((pitch - 69) / 12)))


def test_javascript():
    node = shutil.which("node")
    assert node, "node is needed to test the page's scripts: apt-get install nodejs"
    scripts = sorted(str(path) for path in (ROOT / "tests" / "js").glob("*.test.mjs"))
    done = subprocess.run([node, "--test", *scripts], capture_output=True, text=True, timeout=HANG_SECONDS)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def studio_address():
    with served(Player.of(sine_synth())) as url:
        yield url


@pytest.fixture(scope="module")
def client(studio_address, tmp_path_factory):
    return Client(
        studio_address,
        verbose=False,
        analytics_enabled=False,
        download_files=tmp_path_factory.mktemp("downloads"),
        httpx_kwargs={"timeout": HANG_SECONDS},
    )


def test_generate_endpoint_writes_the_note_asked_for(client):
    path = Path(client.predict("violin", 69, 7, 0.5, api_name="/generate"))
    samples, rate = soundfile.read(path)
    assert path.name == "violin_A4_069_seed7.wav"
    assert soundfile.info(path).subtype == "PCM_24"
    assert len(samples) == rate // 2
    assert abs(cents(peak_hz(samples, rate), 69)) < 5


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (("violn", 60, 0, 1.0), "Did you mean 'violin'"),
        (("violin", 60, 10**400, 1.0), "seed must be a whole number"),
        (("violin", 100, 0, 1.0), "outside what"),
        (("violin", 60, -1, 1.0), "seed must be a whole number"),
        (("violin", 60, 0, 61.0), "duration of 61"),
        (("violin", "sixty", 0, 1.0), "not a pitch"),
    ],
)
def test_generate_endpoint_refuses_in_words(client, values, words):
    with pytest.raises(AppError, match=words):
        client.predict(*values, api_name="/generate")


def test_generate_endpoint_holds_a_note(client):
    samples, rate = soundfile.read(Path(client.predict("violin", 69, 7, 21.0, api_name="/generate")))
    assert len(samples) == 21 * rate
    assert abs(cents(peak_hz(samples[18 * rate : 20 * rate], rate), 69)) < 5


def test_generate_refuses_a_name_that_no_text_can_hold(tmp_path):
    generate = generate_action(Player.of(sine_synth()), tmp_path, set())
    with pytest.raises(Error, match=r"no instrument '\?'"):
        generate("\ud800")


@pytest.mark.parametrize(
    ("address", "status", "answer"),
    [
        ("notes?low=60&high=60", 400, {"error": "The request lacks 'sound'."}),
        ("thumb?width=9999", 400, {"error": "'width' must be a whole number from 32 to 240."}),
        ("jobs/none", 400, {"error": "This export no longer exists. Start it again."}),
        ("nothing", 404, {"detail": "This page was opened with another model. Reload it."}),
    ],
)
def test_routes_behind_gradio_refuse_in_words(studio_address, address, status, answer):
    studio = f"{studio_address}/gradio_api/studio"
    digest = httpx.get(f"{studio}/model", timeout=HANG_SECONDS).json()["digest"]
    refused = httpx.get(f"{studio}/{digest}/{address}", timeout=HANG_SECONDS)
    assert (refused.status_code, refused.json()) == (status, answer)


def test_only_generate_is_public(client):
    assert list(client.view_api(return_format="dict", print_info=False)["named_endpoints"]) == ["/generate"]


def test_a_taken_port_is_one_sentence(capsys):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        assert app.main(["--port", str(taken.getsockname()[1])]) == 1
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert "taken" in complaint


@pytest.mark.parametrize("port", ["99999", "0", "-1", "65536", "1e3", "http", "²", "9" * 5000])
def test_what_is_no_port_is_refused_in_words(capsys, port):
    with pytest.raises(SystemExit):
        app.main([f"--port={port}"])
    assert "is not a port. Choose a whole number from 1 to 65535." in capsys.readouterr().err


@pytest.mark.parametrize("host", ["studio.invalid", "192.0.2.1", "a..b", "x" * 70])  # 192.0.2.x is never anyone's
def test_a_host_that_is_not_this_machine_is_one_sentence(capsys, host):
    assert app.main(["--host", host]) == 1
    assert capsys.readouterr().err == f"'{host}' is not an address of this machine. Choose another with --host.\n"


def test_a_missing_model_is_one_sentence(capsys):
    assert app.main(["--model", "theremin"]) == 1
    complaint = capsys.readouterr().err
    assert complaint.count("\n") == 1
    assert "no model 'theremin'" in complaint


@pytest.mark.slow
def test_neither_what_pictures_nor_what_making_maps_needs_is_imported_at_the_start():
    code = (
        "import sys, gansynth_core.atlas, webapp.app, webapp.layout, webapp.routes; "
        "print([name for name in ('matplotlib', 'umap', 'numba', 'sklearn') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, timeout=HANG_SECONDS)
    assert (done.returncode, done.stdout.strip()) == (0, "[]"), done.stderr


def test_a_spectrogram_shows_the_note_at_its_frequency():
    from webapp.figures import log_spectrogram_db

    rate = 24000
    tone = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    levels, frequencies_hz = log_spectrogram_db(Clip(tone.astype(np.float32), rate))
    loudest = levels.mean(axis=1).argmax()
    assert abs(frequencies_hz[loudest] / 440 - 1) < 0.02
    assert levels.max() > -1
    assert levels[np.abs(frequencies_hz - 3000).argmin()].mean() < -70


def test_a_picture_of_silence_is_drawn():
    from webapp.figures import note_figure, png

    figure = note_figure(Clip(np.zeros(24000, np.float32), 24000), "Silence, C4, seed 0", 60, 30, True, (300, 340))
    assert png(figure).startswith(b"\x89PNG")
    assert figure.get_suptitle() == "Silence, C4, seed 0"
    assert [axes.get_xlabel() or axes.get_ylabel() for axes in figure.axes] == ["Amplitude", "Time (s)", "Level (dB)"]
    assert figure.axes[1].get_ylabel() == "Frequency (Hz)"
