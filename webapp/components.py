"""The one component of our own: a host element whose behaviour is an ES module in `static/`."""

import gradio as gr


class Room(gr.HTML):
    """A part of the page built by `static/<module>.js`, whose default export is called with Gradio's handles.

    The template never changes, so Gradio never redraws over what the module built. The value is the project document
    (JSON, a few hundred bytes); `sync` is the event with which the module tells Gradio to take the document over.
    """

    def __init__(self, module: str, value: dict | None = None, **options):
        super().__init__(
            value=value,
            html_template=f"<div class='room room-{module}'></div>",
            apply_default_css=False,
            # Gradio offers an event only if its name stands in quotes in this code: hence 'sync' in the comment.
            js_on_load=f"/* 'sync' */ import(new URL('gradio_api/studio/ui/{module}.js', document.baseURI))"
            ".then(m => m.default({element, trigger, props}))",
            **options,
        )

    def api_info(self) -> dict:
        return {"type": "object"}
