"""The one component of our own: a host element whose behaviour is an ES module in `static/`."""

import gradio as gr


class Room(gr.HTML):
    """A part of the page built by `static/<module>.js`, whose default export is called with Gradio's handles.

    The template never changes, so Gradio never redraws over what the module built. The value is a small JSON object
    that tells the module what Python knows when the page is built.
    """

    def __init__(self, module: str, value: dict | None = None, **options):
        super().__init__(
            value=value,
            html_template=f"<div class='room room-{module}'></div>",
            apply_default_css=False,
            js_on_load=f"import(new URL('gradio_api/studio/ui/{module}.js', document.baseURI))"
            ".then(m => m.default({element, props}))",
            **options,
        )

    def api_info(self) -> dict:
        return {"type": "object"}
