"""Speed and memory of the running app: `python -m webapp.bench`.

app.py starts the app, asks its routes for notes and weighs it; page.py drives its page in a real Chromium.
"""
