"""How every test runs, and the fixtures of the browser tests: one server and one real Chromium a process, under the
real autoplay policy."""

import os
import shutil
from urllib.parse import urlsplit

# One thread a process, before anything that counts cores is imported: the processes of `pytest -n 3` then do not fight
# for cores, and sums are added up in the same order whatever the machine.
for threads in ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS"):
    os.environ.setdefault(threads, "1")
os.environ.setdefault("NUMBA_DISABLE_JIT", "1")  # compiling UMAP takes 20 s, a layout of a few points without that 2 s
os.environ.setdefault("DASK_DISTRIBUTED__COMM__TIMEOUTS__CONNECT", "600s")  # its workers start as slowly as all else

import numpy as np
import pytest
import torch
from browser import PATIENCE_MS
from playwright.sync_api import Page, sync_playwright
from serving import served
from sine_voice import QuickSines, grid_atlas, sine_card

from gansynth_core import GM_INSTRUMENTS, Synth
from webapp.player import Player

MEDIA = ("color_scheme", "reduced_motion", "forced_colors")
ARGUMENTS = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--use-fake-device-for-media-stream",  # a microphone that beeps; pages must be allowed it all the same
]


def pytest_collection_modifyitems(items):
    for item in items:
        if "browser" in item.fixturenames:
            item.add_marker("browser")
    items.sort(key=lambda item: "browser" not in item.fixturenames)  # together, so that one process opens most pages


@pytest.fixture(scope="session", autouse=True)
def small_snapshots():
    """Of a snapshot two notes are drawn, not six, and directions are looked for at 8 sounds, not 96, which take most of
    its time."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("gansynth_core.training.snapshot.SHOWN_NOTES", 2)
        patch.setattr("gansynth_core.training.directions.components.SOUNDS", 8)
        yield


@pytest.fixture(autouse=True)
def seeded():
    """Chance is the same in every run, in whatever order tests come."""
    torch.manual_seed(0)
    np.random.seed(0)


@pytest.fixture(scope="session")
def address():
    synth = Synth(sine_card(instruments=GM_INSTRUMENTS), QuickSines(), device="cpu", griffin_lim_steps=0)
    with served(Player.of(synth)) as url:
        yield url


@pytest.fixture(scope="session")
def mapped_address():
    """Of an app whose model has a map."""
    card = sine_card(instruments=GM_INSTRUMENTS)
    synth = Synth(card, QuickSines(), device="cpu", griffin_lim_steps=0)
    with served(Player.of(synth, atlas=grid_atlas(card, 144))) as url:
        yield url


@pytest.fixture(scope="session")
def browser():
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    assert chromium, "the browser tests need Chromium: apt-get install chromium"
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=ARGUMENTS, timeout=PATIENCE_MS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def usual_pages():
    """The pages that tests open in turn, by what a context cannot change later: with its scripts at hand, a page opens
    in a quarter of the time."""
    return {}


def forget(page: Page, address: str) -> None:
    """Leaves the page as a fresh profile has it: nothing stored, nothing allowed, nothing under way."""
    page.mouse.up()
    page.mouse.move(0, 0)  # a hand that rests on the line would ask for its keyframes as soon as the page is back
    page.evaluate("sessionStorage.clear()")
    page.goto("about:blank")
    session = page.context.new_cdp_session(page)
    session.send("Storage.clearDataForOrigin", {"origin": address, "storageTypes": "all"})
    session.detach()
    page.context.clear_permissions()
    page.emulate_media(media="null", **dict.fromkeys(MEDIA, "null"))


@pytest.fixture
def visit(browser, usual_pages, address):
    """Opens the page as in a fresh profile. A page with `fresh`, or a second one of a test, has a profile of its own.
    `routes` answer by pattern of the address, from the first request on; further options are those of Playwright's
    contexts. After the test: no console error, no failed or foreign request."""
    contexts, opened, complaints = [], [], []

    def watch(request):
        parts = urlsplit(request.url)
        if parts.scheme in ("http", "https", "ws", "wss") and f"http://{parts.netloc}" != address:
            complaints.append(f"request to {request.url}")

    def page_for(size, fresh, options) -> Page:
        kind = repr((size, sorted(options.items()))) if options else "mouse"
        if fresh or any(page is usual_pages.get(kind) for page, _ in opened):
            contexts.append(browser.new_context(viewport=size, **options))
            return contexts[-1].new_page()
        if kind not in usual_pages:
            usual_pages[kind] = browser.new_context(viewport=size, **options).new_page()
        page = usual_pages[kind]
        if not options:
            page.set_viewport_size(size)
        return page

    def open_page(width=1440, height=900, ignored=(), path="", routes=None, fresh=False, **options) -> Page:
        media = {name: options.pop(name) for name in MEDIA if name in options}
        page = page_for({"width": width, "height": height}, fresh, options)
        page.emulate_media(**media)

        def hear_console(message):
            if message.type == "error" and not any(expected in message.text for expected in ignored):
                complaints.append(message.text)

        def hear_error(error):
            complaints.append(str(error))

        listeners = {"request": watch, "console": hear_console, "pageerror": hear_error}
        for event, listener in listeners.items():
            page.on(event, listener)
        opened.append((page, listeners))
        page.set_default_timeout(PATIENCE_MS)
        for pattern, answer in (routes or {}).items():
            page.route(pattern, answer)
        page.goto(f"{address}/{path}")
        page.wait_for_selector(".key")
        page.wait_for_selector("#sliders .slider input", state="attached")  # a phone shows one pane
        return page

    yield open_page
    for page, listeners in opened:
        page.unroute_all(behavior="ignoreErrors")  # answers under way would fail in the next test
        for event, listener in listeners.items():
            page.remove_listener(event, listener)
        if page.context not in contexts:
            forget(page, address)
    for context in contexts:
        context.close()
    assert complaints == []
