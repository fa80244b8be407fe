"""How every test runs, and the fixtures of the browser tests: one server and one real Chromium a file, under the real
autoplay policy."""

import os
import shutil
from urllib.parse import urlsplit

# One thread a process, before anything that counts cores is imported: two processes (`pytest -n 2`) then do not fight
# for them, and sums are added up in the same order whatever the machine.
for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(threads, "1")
os.environ.setdefault("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "600s")  # its workers start as slowly as all else

import numpy as np
import pytest
import torch
from browser import PATIENCE_MS
from playwright.sync_api import Page, sync_playwright
from serving import served
from sine_voice import SineGenerator, sine_card

from gansynth_core import GM_INSTRUMENTS, Synth
from webapp.player import Player

ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in item.fixturenames:
            item.add_marker("browser")


@pytest.fixture(scope="session", autouse=True)
def small_snapshots():
    """Two notes of a snapshot are drawn, not six: pictures take most of its time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gansynth_core.training.snapshot.SHOWN_NOTES", 2)
        yield


@pytest.fixture(autouse=True)
def seeded():
    """Chance is the same in every run, in whatever order tests come."""
    torch.manual_seed(0)
    np.random.seed(0)


@pytest.fixture(scope="module")
def address():
    synth = Synth(sine_card(instruments=GM_INSTRUMENTS), SineGenerator(), device="cpu", griffin_lim_steps=0)
    with served(Player.of(synth)) as url:
        yield url


@pytest.fixture(scope="module")
def browser():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert chromium, "the browser tests need Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS, timeout=PATIENCE_MS)
        yield browser
        browser.close()


@pytest.fixture
def visit(browser, address):
    """Opens the page in a fresh profile. After the test: no console error, no failed or foreign request."""
    contexts, complaints = [], []

    def watch(request):
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and f"http://{parts.netloc}" != address:
            complaints.append(f"request to {request.url}")

    def complain(text, ignored):
        if not any(expected in text for expected in ignored):
            complaints.append(text)

    def open_page(width=1440, height=900, ignored=(), path="", **options) -> Page:
        context = browser.new_context(viewport={"width": width, "height": height}, **options)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(PATIENCE_MS)
        page.on("request", watch)
        page.on("console", lambda message: message.type == "error" and complain(message.text, ignored))
        page.on("pageerror", lambda error: complaints.append(str(error)))
        page.goto(f"{address}/{path}")
        page.wait_for_selector(".key")
        page.wait_for_selector("#sliders .slider input")
        return page

    yield open_page
    for context in contexts:
        for page in context.pages:
            page.unroute_all(behavior="ignoreErrors")  # answers under way would fail in the next test
        context.close()
    assert complaints == []
