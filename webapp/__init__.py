"""The app: Gradio for layout and sliders, own routes for sound, ES modules in `static/` for everything that plays."""
