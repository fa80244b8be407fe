"""The command that makes a voice out of soundfonts and synthesizers: its steps, stops and pieces."""

import argparse
import json
import shlex
import tarfile

import pytest
from sine_voice import sine_card

from gansynth_core import DataError, GanSynthError, InputError
from gansynth_core.cards import save_model
from gansynth_core.training import voice as module
from gansynth_core.training.voice import SCALES, Step, Voice


def a_voice(out, **changes):
    options = {"fonts": [], "sources": ["fm"], "workers": 2, "device": "cpu"} | changes
    return Voice(out, "studio", SCALES["rehearsal"], **options)


def run_command(*options):
    parser = argparse.ArgumentParser()
    module.add_arguments(parser)
    module.run(parser.parse_args([str(option) for option in options]))


def test_every_step_takes_up_what_the_one_before_it_left(tmp_path):
    steps = {step.name: step for step in a_voice(tmp_path, fonts=["a.sf2", "b.sf3"]).steps()}
    order = "audition choose gm new gm-wide new-wide learn textures upper judge report sliders map pack"
    assert " ".join(steps) == order
    with pytest.raises(DataError, match="'learn' has left no snapshot"):
        steps["textures"].command()
    for name in ("learn", "textures", "upper"):
        for notes in (16, 48):
            (tmp_path / name / f"snapshot-{notes:09d}").mkdir(parents=True)
    lines = {name: shlex.join(step.command()) for name, step in steps.items() if step.command}
    assert "--source gm fm" in lines["audition"] and "--path a.sf2 b.sf3" in lines["gm"]
    assert f"--data {tmp_path}/gm {tmp_path}/new " in lines["learn"] and "models/studio --set" in lines["learn"]
    assert f"--start-from {tmp_path}/learn/snapshot-000000048" in lines["textures"]
    assert f"--data {tmp_path}/gm-wide {tmp_path}/new-wide" in lines["upper"]
    assert "--spec studio-wide" in lines["new-wide"] and f"--model {tmp_path}/upper/snapshot" in lines["report"]


def test_hours_bytes_and_unknown_steps_are_told_before_anything_is_done(tmp_path, capsys, monkeypatch):
    out = tmp_path / "voice"
    run_command("--out", out, "--scale", "rehearsal", "--workers", 1, "--dry-run")
    said = capsys.readouterr().out
    assert "learn: about 0.00 hours" in said and "gm: about 0.01 hours, 453.0 MB" in said and not out.exists()
    with pytest.raises(InputError, match="Did you mean 'learn'"):
        run_command("--out", out, "--only", "lern")
    with pytest.raises(InputError, match="--minutes"):
        run_command("--out", out, "--minutes", 0)
    usage = module.shutil.disk_usage(tmp_path)
    monkeypatch.setattr(module.shutil, "disk_usage", lambda _: usage._replace(free=1_000_000))
    with pytest.raises(DataError, match="the disk has"):
        run_command("--out", out, "--scale", "gpu", "--dry-run")


def test_a_stop_a_failure_and_a_finished_step_are_known_again(tmp_path, monkeypatch):
    made = a_voice(tmp_path)
    calls = []
    steps = [Step(name, None, lambda name=name: calls.append(name)) for name in ("one", "two")]
    broken = Step("broken", lambda: ["instruments", "--model", "none-such"])
    monkeypatch.setattr(Voice, "steps", lambda self: [*steps, broken])
    made.run(only=["two"])
    with pytest.raises(GanSynthError, match="'broken' failed"):
        made.run()
    assert calls == ["two", "one"] and set(made.done()) == {"one", "two"}
    with pytest.raises(SystemExit) as stopped:  # no time left: the step is stopped as by Ctrl-C
        made.run(minutes=1e-9)
    assert stopped.value.code == module.STOPPED and set(made.done()) == {"one", "two"}
    (tmp_path / "done.json").write_text("{")
    with pytest.raises(DataError, match="damaged"):
        made.done()


def test_the_pieces_are_the_model(tmp_path, monkeypatch):
    monkeypatch.setattr(module, "PIECE_BYTES", 1024)
    made = a_voice(tmp_path)
    save_model(tmp_path / "upper" / "snapshot-000000048", sine_card(instruments=("bell",)), {})
    made.run(only=["pack"])
    pieces = sorted((tmp_path / "pieces").iterdir())
    assert len(pieces) > 1 and all(piece.stat().st_size <= 1024 for piece in pieces)
    (tmp_path / "again.tar").write_bytes(b"".join(piece.read_bytes() for piece in pieces))
    with tarfile.open(tmp_path / "again.tar") as archive:
        archive.extractall(tmp_path / "again", filter="data")
    card = json.loads((tmp_path / "again" / "voice" / "card.json").read_text())
    assert card["instruments"] == ["bell"] and "pack" in made.done()
