import re
import subprocess
import sys
from pathlib import Path

import pytest
import soundfile

from gansynth_core.__main__ import main

ROOT = Path(__file__).parent.parent


def test_a_note_lands_on_disk(tmp_path, capsys):
    assert main(["generate", "--instrument", "violin", "--pitch", "A4", "-o", str(tmp_path / "a.wav")]) == 0
    info = soundfile.info(tmp_path / "a.wav")
    assert (info.samplerate, info.frames, info.channels) == (24000, 96000, 1)
    assert capsys.readouterr().out.strip() == str(tmp_path / "a.wav")


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["--instrument", "violn"], "Did you mean 'violin'"),
        (["--pitch", "96"], r"24-84\)\. Choose a lower key"),
        (["--duration", "5"], "at most 4 s"),
        (["--seed", "-1"], "whole number"),
        (["--model", "studo"], "Did you mean 'studio'"),
    ],
)
def test_a_mistake_gets_one_sentence_and_no_file(options, message, tmp_path, capsys):
    assert main(["generate", "-o", str(tmp_path / "a.wav"), *options]) == 1
    error = capsys.readouterr().err
    assert re.search(message, error) and "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


def test_instruments_and_models_are_listed(capsys):
    assert main(["instruments"]) == 0 and main(["models"]) == 0
    output = capsys.readouterr().out
    assert "Piano\n  acoustic_grand_piano" in output and "studio: studio, 128 instruments, pitches 24-84" in output


@pytest.mark.parametrize(
    "command", ["generate", "instruments", "models", "import-magenta", "pack", "data", "train", "evaluate", "bench"]
)
def test_every_command_explains_itself(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([command, "--help"])
    assert stop.value.code == 0 and len(capsys.readouterr().out.splitlines()) > 5


def test_a_note_needs_no_plotting_or_training_code():
    """A musician waits for every import."""
    code = (
        "import sys; from gansynth_core.__main__ import main; main(['models']); import gansynth_core.synth; "
        "print([m for m in ('matplotlib', 'gradio', 'gansynth_core.training', 'soxr') if m in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=True)
    assert run.stdout.splitlines()[-1] == "[]"


def test_train_shows_what_it_would_do_and_refuses_what_it_cannot(tmp_path, capsys):
    assert main(["train", "--data", str(tmp_path), "--out", str(tmp_path / "run")]) == 1
    assert "is not a prepared training set" in capsys.readouterr().err
    assert main(["train", "--preset", "studo", "--data", str(tmp_path), "--out", str(tmp_path / "run")]) == 1
    assert "Did you mean 'studio'" in capsys.readouterr().err
