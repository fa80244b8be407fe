"""The page: which rooms there are and where they lie."""

import inspect
from pathlib import Path

import gradio as gr
from gradio.events import api

from webapp.actions import generate_action
from webapp.components import Room
from webapp.player import Player
from webapp.routes import FRONT_END, PREFIX, VERSION

# The page's own tokens come first: the other sheets build on them.
SHEETS = sorted((name for name in FRONT_END if name.endswith(".css")), key=lambda name: (name != "page.css", name))
MODULES = [name for name in FRONT_END if name.endswith(".js") and not name.endswith(".worklet.js")]

UI = f"{PREFIX[1:]}/ui/{VERSION}"

# Relative addresses, so that the page also works below a path prefix.
HEAD = "\n".join(
    [
        *(f'<link rel="stylesheet" href="{UI}/{name}">' for name in SHEETS),
        *(f'<link rel="modulepreload" href="{UI}/{name}">' for name in MODULES),
        '<meta name="color-scheme" content="light dark">',
    ]
)


def studio_theme() -> gr.themes.Base:
    """Gradio's theme variables pointed at the page's own tokens (`page.css`), which know light and dark."""
    both = {
        "body_background_fill": "var(--ground)",
        "body_text_color": "var(--ink)",
        "body_text_color_subdued": "var(--muted)",
        "background_fill_primary": "var(--panel)",
        "background_fill_secondary": "var(--ground)",
        "border_color_primary": "var(--line)",
        "block_background_fill": "transparent",
        "block_border_width": "0px",
        "block_label_background_fill": "transparent",
        "block_label_text_color": "var(--ink)",
        "block_title_text_color": "var(--ink)",
        "block_title_background_fill": "transparent",
        "input_background_fill": "var(--well)",
        "input_background_fill_focus": "var(--well)",
        "input_border_color": "var(--line)",
        "slider_color": "var(--accent)",
        "color_accent": "var(--accent)",
    }
    # Where Gradio has no dark variant of a variable, the one it has serves both looks.
    known = inspect.signature(gr.themes.Base.set).parameters
    dark = {f"{name}_dark": value for name, value in both.items() if f"{name}_dark" in known}
    # Of the weights Gradio brings along, only these two hold every letter; nothing is loaded from font services.
    sans = gr.themes.utils.fonts.LocalFont("IBM Plex Sans", weights=(400, 700))
    mono = gr.themes.utils.fonts.LocalFont("IBM Plex Mono", weights=(400, 700))
    base = gr.themes.Base(font=(sans, "system-ui", "sans-serif"), font_mono=(mono, "ui-monospace", "monospace"))
    return base.set(block_shadow="none", block_padding="0", layout_gap="0", **both, **dark)


def _pane(name: str, label: str, rooms: dict[str, str]) -> None:
    """A part of the desk that shows one of its `rooms` {name: title} at a time, under a row of tabs."""
    with gr.Column(elem_id=name, elem_classes="pane"):
        Room(
            "parts/tabs", UI, value={"pane": name, "label": label, "tabs": list(rooms.items())}, elem_id=f"{name}-tabs"
        )
        for room in rooms:
            Room("map/map" if room == "map" else f"rooms/{room}", UI, elem_id=room)


def build_page(player: Player) -> gr.Blocks:
    """The Blocks of the app around `player`: masthead, morph, three panes, piano, and the endpoint `/generate`."""
    page = gr.Blocks(title="GANSynth Studio", analytics_enabled=False, fill_width=True, delete_cache=(3600, 3600))
    with page:
        Room("rooms/masthead", UI, elem_id="masthead")
        Room("rooms/morph", UI, elem_id="morph")
        Room("parts/tabs", UI, elem_id="panes")
        with gr.Column(elem_id="desk"):
            _pane("library", "Sounds", {"instruments": "Instruments", "favourites": "Favourites", "history": "History"})
            stage = {
                "map": "Map",
                "picture": "Picture",
                "pad": "Pad",
                "variations": "Variations",
                "midi": "MIDI",
                "own": "Your sound",
            }
            _pane("stage", "Stage", stage)
            _pane("panel", "Shape", {"sliders": "Sliders", "envelope": "Envelope", "pack": "Pack"})
        Room("rooms/piano", UI, elem_id="piano")

        written: set[str] = set()
        page.temp_file_sets.append(written)  # so that `delete_cache` finds these files too
        api(generate_action(player, Path(page.GRADIO_CACHE), written), api_name="generate")
    page.queue(max_size=32)
    return page
