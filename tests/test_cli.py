import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import gansynth_core
from gansynth_core import load_card, model_folder, sample
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
        (["--count", "0"], "from 1 to 1000"),
        (["--model", "studo"], "Did you mean 'studio'"),
    ],
)
def test_a_mistake_gets_one_sentence_and_no_file(options, message, tmp_path, capsys):
    assert main(["generate", "-o", str(tmp_path / "a.wav"), *options]) == 1
    error = capsys.readouterr().err
    assert re.search(message, error) and "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


def test_a_glide_lands_on_disk(tmp_path, capsys):
    out = str(tmp_path / "g.wav")
    assert main(["glide", "violin", "flute:3", "--pitch", "A4", "--seconds", "1.5", "-o", out]) == 0
    info = soundfile.info(out)
    assert (info.samplerate, info.frames, info.channels) == (24000, 36000, 1)
    assert capsys.readouterr().out.strip() == out


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (["violn"], "Did you mean 'violin'"),
        (["violin", "flute", "--at", "0,x"], "0,0.5,1"),
        (["violin", "flute", "--at", "0"], "as many moments"),
        (["violin", "flute", "--seconds", "9"], "at most 4 s"),
    ],
)
def test_what_is_no_glide_gets_one_sentence_and_no_file(options, message, tmp_path, capsys):
    assert main(["glide", *options, "-o", str(tmp_path / "g.wav")]) == 1
    assert re.search(message, capsys.readouterr().err)
    assert list(tmp_path.iterdir()) == []


def test_instruments_and_models_are_listed(capsys):
    assert main(["instruments"]) == 0 and main(["models"]) == 0
    output = capsys.readouterr().out
    assert "Piano\n  acoustic_grand_piano" in output and "studio: studio, 128 instruments, pitches 24-84" in output


@pytest.mark.parametrize(
    "command",
    [
        "generate",
        "glide",
        "instruments",
        "models",
        "name-sounds",
        "import-magenta",
        "pack",
        "render-midi",
        "data",
        "train",
        "evaluate",
        "bench",
    ],
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
    assert main(["train", "--recipe", "studo", "--data", str(tmp_path), "--out", str(tmp_path / "run")]) == 1
    assert "Did you mean 'studio'" in capsys.readouterr().err


def test_several_sounds_and_given_latents_get_a_file_each(tmp_path, capsys):
    out = str(tmp_path / "a.wav")
    assert main(["generate", "--instrument", "violin", "--seed", "3", "--count", "2", "-o", out]) == 0
    z = [sample(load_card(model_folder("studio")), 1, seed, "violin")[0].z for seed in (3, 4)]
    (tmp_path / "z.json").write_text(json.dumps(z))
    np.save(tmp_path / "z.npy", z[1])
    assert main(["generate", "--instrument", "violin", "--z", str(tmp_path / "z.json"), "-o", out]) == 0
    assert main(["generate", "--instrument", "violin", "--z", str(tmp_path / "z.npy"), "-o", out]) == 0
    assert [Path(line).name for line in capsys.readouterr().out.splitlines()] == [
        "a_seed3.wav", "a_seed4.wav", "a_z1.wav", "a_z2.wav", "a.wav"
    ]  # fmt: skip
    three, four, one, two, alone = (
        (tmp_path / name).read_bytes() for name in ("a_seed3.wav", "a_seed4.wav", "a_z1.wav", "a_z2.wav", "a.wav")
    )
    assert three == one != four and four == two == alone


@pytest.mark.parametrize(
    ("content", "options", "message"),
    [
        ("[[1, 2], [3]]", [], "holds no latents"),
        ("{", [], "holds no latents"),
        ('["a"]', [], "holds no latents"),
        ("[[[1]]]", [], "holds no latents"),
        ("[1, 2]", [], "takes 512 numbers"),
        ("[1, 2]", ["--seed", "1"], "takes the place"),
    ],
)
def test_latents_that_are_none_are_refused(tmp_path, capsys, content, options, message):
    (tmp_path / "z.json").write_text(content)
    assert main(["generate", "--z", str(tmp_path / "z.json"), "-o", str(tmp_path / "a.wav"), *options]) == 1
    assert message in capsys.readouterr().err and len(list(tmp_path.iterdir())) == 1


def test_the_command_line_tells_its_version(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["--version"])
    assert stop.value.code == 0 and capsys.readouterr().out == f"GANSynth Studio {gansynth_core.__version__}\n"
