"""The app's bench: starting, asking and weighing an app, and the arithmetic of waits.

tests/test_browser.py lets it drive a page.
"""

import json
import sys

from patience import HANG_SECONDS

from webapp.bench import __main__ as bench
from webapp.bench.app import measure_app
from webapp.bench.page import waits_of


def test_a_move_waits_for_its_own_sound_or_a_later_one():
    moves = [(0.0, "a"), (10.0, "b"), (20.0, "c"), (90.0, "d")]
    starts = [(5.0, "z"), (15.0, "a"), (40.0, "c"), (50.0, "a")]
    # a is heard at 15; b never, but c, which came after it, at 40; nothing answers d; late sounds answer nothing
    assert waits_of(moves, starts) == [15.0, 30.0, 20.0]


def test_a_sound_that_started_before_the_move_is_no_answer():
    assert waits_of([(10.0, "a")], [(5.0, "a")]) == []
    assert waits_of([(10.0, "a")], [(5.0, "a"), (12.0, "a")]) == [2.0]


def test_an_app_that_stops_is_told_in_a_sentence(tmp_path):
    command = [sys.executable, "-c", "import sys; sys.exit('The piano is out of tune.')"]
    assert measure_app(tmp_path, command) == "it stopped before it served a page: The piano is out of tune."


APP = """
import argparse, http.server, json
parser = argparse.ArgumentParser()
parser.add_argument("--port", type=int)
parser.add_argument("--model")
port = parser.parse_args().port
class Page(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        families = [{"instruments": [{"name": "violin"}]}]
        self.send_response(200)
        self.end_headers()
        self.wfile.write(json.dumps({"digest": "d", "low": 36, "families": families}).encode())
    def log_message(self, *words):
        pass
http.server.HTTPServer(("127.0.0.1", port), Page).serve_forever()
"""


def test_an_app_is_started_asked_and_stopped(tmp_path, monkeypatch):
    monkeypatch.setattr("webapp.bench.app.START_SECONDS", HANG_SECONDS)
    (tmp_path / "app.py").write_text(APP)
    figures = measure_app(tmp_path, [sys.executable, str(tmp_path / "app.py")])
    assert figures["start_to_page"]["median_ms"] > 0
    assert figures["octave"]["runs"] == 49  # 600 notes by twelve, the first not counted
    assert list(figures["memory_mb"]) == ["after_200_notes", "after_400_notes", "after_600_notes"]


def test_the_command_prints_and_writes_what_it_measured(tmp_path, monkeypatch, capsys):
    timing = {"median_ms": 4321.0, "min_ms": 4000.0, "max_ms": 5000.0, "runs": 3}
    wait = {"median_ms": 21.0, "p95_ms": 40.0, "max_ms": 50.0, "runs": 60, "exact_ms": 70.0, "quietest_db": -3.0}
    frames = {"points": 12000, "frames_a_second": 59.9, "painted": 120, "paint_ms": 4.5}
    page = {"morph_to_sound": wait, "map_frames": frames, "memory_mb": {"before": 10.0}, "slider_to_sound": "no hand"}
    app = {"start_to_page": timing, "octave": timing, "memory_mb": {"after_200_notes": None}, "page": page}
    monkeypatch.setattr(bench, "measure_app", lambda folder, page: app)
    assert bench.main(["--json", str(tmp_path / "bench.json")]) == 0
    said = capsys.readouterr().out
    assert "the app, start to page: 4.32 s, 4.00 to 5.00 in 3 runs (target: at most 8 s)" in said
    assert "memory of the app: after 200 notes unknown (target: at most 1200 MB)" in said
    assert (
        "the page, morph to sound: 21 ms, 95 % within 40 ms, 60 moves, quietest -3.0 dB, exact 70 ms after the hand "
        "stops (target: at most 80 ms)"
    ) in said
    assert "the page, map frames: 60 frames a second, 4.5 ms to paint one, with 12,000 points" in said
    assert "the page, memory mb: before 10 MB" in said and "the page, slider to sound: no hand" in said
    document = json.loads((tmp_path / "bench.json").read_text())
    assert document["format"] == 1 and document["app"] == app


def test_an_app_that_does_not_start_is_one_line(monkeypatch):
    lines = []
    monkeypatch.setattr(bench, "measure_app", lambda folder, page: "it served no page within 60 s.")
    assert bench.bench("studio", lines.append)["app"] == "it served no page within 60 s."
    assert lines[-1] == "  the app: it served no page within 60 s."


def test_an_unknown_model_is_refused(capsys):
    assert bench.main(["--model", "theremin"]) == 1
    assert "no model 'theremin'" in capsys.readouterr().err
