"""The page: where each room lies, and the native sliders between them."""

import inspect
from pathlib import Path

import gradio as gr

from webapp.actions import generate_action
from webapp.components import Room
from webapp.player import Player
from webapp.routes import PREFIX
from webapp.sounds import SLIDER_LIMIT

SHEETS = ("page", "picker", "shape", "view", "piano")
MODULES = ("studio", "store", "net", "engine", "keys", "dom", "masthead", "picker", "shape", "view", "piano")

# Relative addresses, so that the page also works below a path prefix.
HEAD = "\n".join(
    [
        *(f'<link rel="stylesheet" href="{PREFIX[1:]}/ui/{name}.css">' for name in SHEETS),
        *(f'<link rel="modulepreload" href="{PREFIX[1:]}/ui/{name}.js">' for name in MODULES),
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


def _sentence(name: str) -> str:
    return name[:1].upper() + name[1:]


def build_page(player: Player) -> gr.Blocks:
    """The Blocks of the app around `player`: five rooms, one native slider per direction, the endpoint `/generate`."""
    with gr.Blocks(
        title="GANSynth Studio", analytics_enabled=False, fill_width=True, delete_cache=(3600, 3600)
    ) as page:
        Room("masthead", elem_id="masthead")
        with gr.Column(elem_id="desk"):
            Room("picker", elem_id="picker")
            with gr.Column(elem_id="shape"):
                shape = Room("shape", value={}, elem_id="seedbox")
                with gr.Column(elem_id="sliders"):
                    sliders = [
                        gr.Slider(-SLIDER_LIMIT, SLIDER_LIMIT, 0.0, step=0.05, label=_sentence(name), interactive=True)
                        for name in (direction.name for direction in player.card.directions)
                    ]
            Room("view", elem_id="view")
        Room("piano", elem_id="piano")

        quiet = {"show_progress": "hidden", "api_visibility": "private"}
        if sliders:
            # `.input` is the hand alone: what the page itself sets must not come back as a change.
            moved = [slider.input for slider in sliders]
            gr.on(moved, None, sliders, None, js="(...values) => { window.studio?.slide(values) }", **quiet)
            shape.sync(None, shape, sliders, js="(project) => project.sliders", **quiet)

        written: set[str] = set()
        page.temp_file_sets.append(written)  # so that `delete_cache` finds these files too
        gr.api(generate_action(player, Path(page.GRADIO_CACHE), written), api_name="generate")
    page.queue(max_size=32)
    return page
