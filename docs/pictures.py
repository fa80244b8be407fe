"""Retakes the pictures in docs/images, with Chromium: python docs/pictures.py. Look at each before you keep it."""

import base64
import io
import shutil
import sys
from pathlib import Path

import numpy as np
import soundfile
from PIL import Image
from playwright.sync_api import Browser, Page, sync_playwright

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
IMAGES = ROOT / "docs/images"

from gansynth_core import Synth, glide, load_card, model_folder, sample  # noqa: E402
from webapp import app  # noqa: E402
from webapp.connections import listen  # noqa: E402
from webapp.figures import png, rainbow_figure  # noqa: E402
from webapp.player import Player  # noqa: E402

PATIENCE_MS = 180_000
FLAGS = ["--no-sandbox", "--disable-gpu", "--autoplay-policy=no-user-gesture-required"]
CELLO_TO_CHOIR = """() => {
    for (const [slot, instrument] of [["b", "choir_aahs"], ["c", "vibraphone"], ["d", "pan_flute"], ["a", "cello"]])
        studio.dispatch({ type: "pick", slot, instrument });
}"""

DROP = """([name, data]) => {
    const transfer = new DataTransfer();
    transfer.items.add(new File([Uint8Array.from(atob(data), (letter) => letter.charCodeAt(0))], name));
    const drop = new DragEvent("drop", { bubbles: true, cancelable: true, dataTransfer: transfer });
    document.querySelector("#desk").dispatchEvent(drop);
}"""


def main() -> None:
    """Start the app with the studio voice and photograph it, then draw the rainbowgram of a morph."""
    IMAGES.mkdir(exist_ok=True)
    folder = model_folder("studio")
    player = Player(load_card(folder), folder=folder)
    player.load(lambda: Synth.load(str(folder), device="cpu"), print)
    sockets = listen("127.0.0.1", 0)
    assert sockets
    port = sockets[0].getsockname()[1]
    server = app.app_server(player, "127.0.0.1", sockets)
    server.start()
    chromium = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium, args=FLAGS)
        for look in ("dark", "light"):
            page = visit(browser, port, look)
            take(page, "Map", f"map_{look}")
            take(page, "Pad", f"pad_{look}")
            bring_own(page)
            take(page, "Your sound", f"own_{look}")
            page.get_by_role("tab", name="Map", exact=True).click()
            page.get_by_role("button", name="By ear").click()
            page.wait_for_function("() => studio.map.atlas.near.size > 0")
            take(page, "Map", f"own_map_{look}")
        page = visit(browser, port, "dark", width=390, height=844, device_scale_factor=2, has_touch=True)
        take(page, "Pad", "phone")
        browser.close()
    server.close()
    draw_glide(Synth.load(str(folder), device="cpu"))


def draw_glide(synth: Synth) -> None:
    """The rainbowgram of one note from a trumpet to a choir, on the page's dark ground."""
    ends = [sample(synth.card, 1, seed=0, instrument=name)[0] for name in ("trumpet", "choir_aahs")]
    figure = rainbow_figure(glide(synth, ends, 60)[0], "Trumpet → Choir Aahs, C4, one note", 60, True, (720, 380))
    figure.patch.set(facecolor="#151619", alpha=1)
    keep(png(figure), "glide")


def visit(browser: Browser, port: int, look: str, width: int = 1440, height: int = 900, **options: object) -> Page:
    """The page in a fresh profile, sound on, with four sounds on the bench and the handle between A and B."""
    page = browser.new_page(viewport={"width": width, "height": height}, color_scheme=look, **options)
    page.set_default_timeout(PATIENCE_MS)
    page.add_init_script("localStorage.setItem('gansynth-studio:hints', '3')")
    page.goto(f"http://127.0.0.1:{port}/")
    page.wait_for_selector(".key")
    page.wait_for_selector("#sliders .slider input", state="attached")  # a phone shows one pane
    page.get_by_text("Click to enable sound").click()
    page.evaluate(CELLO_TO_CHOIR)
    return page


def iron_string() -> bytes:
    """A recording that no soundfont has, as a WAV file: a stiff iron string, plucked, and its beating twin."""
    rate, random = 44100, np.random.default_rng(0)
    seconds = np.arange(int(3.2 * rate)) / rate
    wave = 0.02 * random.standard_normal(len(seconds)) * np.exp(-30 * seconds)
    for partial in range(1, 19):
        hz = 196 * partial * np.sqrt(1 + 0.0004 * partial**2)
        fall = np.exp(-seconds * (0.7 + 0.35 * partial)) / partial**0.8
        for twin, level in ((1, 1), (1.0035, 0.6)):
            wave += level * fall * np.sin(2 * np.pi * hz * twin * seconds + random.uniform(0, 6))
    file = io.BytesIO()
    soundfile.write(file, 0.5 * wave / np.abs(wave).max(), rate, format="WAV")
    return file.getvalue()


def bring_own(page: Page) -> None:
    """Drop a recording, wait until it is a sound in A, and keep it."""
    page.evaluate(DROP, ["Iron string.wav", base64.b64encode(iron_string()).decode()])
    page.wait_for_function("() => studio.project.slots.a.sound.z")
    page.wait_for_function("() => !document.querySelector('#own .pair button').disabled")
    page.get_by_role("button", name="Keep", exact=True).click()
    page.locator(".toast button").last.click()


def take(page: Page, tab: str, name: str) -> None:
    """A screenshot of the page with `tab` in front and its notes loaded."""
    page.get_by_role("tab", name=tab, exact=True).click()
    place = "mode: 'pad', x: 0.36, y: 0.3" if tab == "Pad" else "mode: 'line', t: 0.4"
    page.evaluate(f"studio.dispatch({{ type: 'handle', {place} }})")
    page.wait_for_function("() => studio.isSettled() && studio.status.busy === false")
    page.mouse.move(1, 1)
    page.wait_for_timeout(1500)  # small movements and thumbnails come to rest
    keep(page.screenshot(), name)


def keep(picture: bytes, name: str) -> None:
    """Write `picture` (PNG) as a WebP file that a README loads fast."""
    image = Image.open(io.BytesIO(picture)).convert("RGB")
    path = IMAGES / f"{name}.webp"
    image.save(path, quality=88, method=6)
    print(f"{path.relative_to(ROOT)}: {image.width} x {image.height}, {path.stat().st_size / 1000:.0f} KB")


if __name__ == "__main__":
    main()
