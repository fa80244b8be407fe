"""The one component of our own: a host element whose behaviour is an ES module in `static/`."""

from typing import Any

import gradio as gr


class Room(gr.HTML):
    """A part of the page built by `static/<module>.js`; `static/mount.js` says what such a module exports.

    The template never changes, so Gradio never redraws over what the module built. The value is a small JSON object
    that tells the module what Python knows when the page is built.
    """

    def __init__(self, module: str, scripts: str, value: dict[str, Any] | None = None, **options: Any):
        """scripts: the folder of the page's scripts, as an address relative to the page's."""
        super().__init__(
            value=value,
            html_template=f"<div class='room room-{module.rsplit('/')[-1]}'></div>",
            apply_default_css=False,
            js_on_load=f"import(new URL('{scripts}/mount.js', document.baseURI))"
            f".then(m => m.mountRoom('{module}', {{element, props}}))",
            **options,
        )

    def api_info(self) -> dict[str, Any]:
        return {"type": "object"}
