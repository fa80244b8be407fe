import io
import json
import re
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import gansynth_core
from gansynth_core import generate, load_card, load_patch, model_folder, sample
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
        (["--duration", "601"], "at most 600 s"),
        (["--seed", "-1"], "whole number"),
        (["--count", "0"], "from 1 to 1000"),
        (["--model", "studo"], "Did you mean 'studio'"),
        (["--device", "gpu"], "Choose auto, cpu, cuda or mps"),
        (["--pitch", "C5-C3"], "lower one first"),
        (["--pitch", "C3-C5:x"], "the step"),
        (["--pitch", "C3-H5"], "is not a pitch"),
        (["--instrument", "violin:much"], r"violin:0\.5,flute:0\.5"),
        (["--tuning", "werkmeister"], "Did you mean 'werckmeister'"),
        (["--tuning", "just", "--pitch", "60.5"], "between two keys"),
        (["--one-to-one", "--count", "2"], "a pitch for each sound"),
    ],
)
def test_a_mistake_gets_one_sentence_and_no_file(options, message, tmp_path, capsys):
    assert main(["generate", "-o", str(tmp_path / "a.wav"), *options]) == 1
    error = capsys.readouterr().err
    assert re.search(message, error) and "Traceback" not in error
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_replaced_unless_one_says_so(tmp_path, capsys):
    (tmp_path / "a_seed1.wav").write_text("mine")
    command = ["generate", "--instrument", "violin", "--count", "2", "-o", str(tmp_path / "a.wav")]
    assert main(command) == 1
    assert "a_seed1.wav' is there already" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["a_seed1.wav"]  # nor is half of it done
    assert main([*command, "--force"]) == 0
    assert (tmp_path / "a_seed1.wav").read_bytes() != b"mine"
    (tmp_path / "g.wav").write_text("mine")
    assert main(["glide", "violin", "-o", str(tmp_path / "g.wav")]) == 1


def test_what_was_made_is_told_as_json(tmp_path, capsys):
    out = ["--json", "-o", str(tmp_path / "a.wav")]
    mixture = ["--instrument", "violin:0.25,flute:0.75", "--pitch", "C4-D4", "67"]
    assert main(["generate", *mixture, "--tuning", "meantone", *out]) == 0
    told = json.loads(capsys.readouterr().out)
    assert [Path(one["file"]).name for one in told] == ["a_060.wav", "a_061.wav", "a_062.wav", "a_067.wav"]
    assert [one["key"] for one in told] == [60, 61, 62, 67]
    assert told[3]["pitch"] - told[0]["pitch"] == pytest.approx(6.96578)
    alone = generate(told[0]["pitch"], {"violin": 0.25, "flute": 0.75})
    assert (tmp_path / "a_060.wav").read_bytes() == alone[0].wav()
    for command, known in (("instruments", "Strings"), ("models", 0), ("tunings", "meantone")):
        assert main([command, "--json"]) == 0
        assert json.loads(capsys.readouterr().out)[known]


def test_a_note_goes_to_standard_output(capfdbinary):
    assert main(["generate", "--duration", "0.1", "--seed", "8191", "-o", "-", "-vv"]) == 0
    sound, log = capfdbinary.readouterr()
    samples, rate = soundfile.read(io.BytesIO(sound))
    assert (len(samples), rate) == (2400, 24000)
    assert b"1 notes in" in log  # and stays out of the sound


def test_standard_output_takes_one_note(capsys):
    assert main(["generate", "--count", "2", "-o", "-"]) == 1
    assert "takes one note" in capsys.readouterr().err


def test_an_unknown_option_gets_the_usage_of_its_command(capsys):
    with pytest.raises(SystemExit) as stop:
        main(["glide", "violin", "--secnds", "3"])
    said = capsys.readouterr().err
    assert stop.value.code == 2 and "SOUND" in said and "Did you mean '--seconds'?" in said


def test_a_shell_completes_commands_instruments_and_options(capsys):
    assert main(["completion", "bash"]) == 0
    script = capsys.readouterr().out
    assert all(word in script for word in ("render-midi", "--one-to-one", "--seconds-per-timbre", "contrabass"))


def test_an_own_sound_is_found_again(tmp_path, capsys):
    assert main(["generate", "--instrument", "trumpet", "--pitch", "C5", "-o", str(tmp_path / "a.wav")]) == 0
    files = ["-o", str(tmp_path / "a.json"), "--wav", str(tmp_path / "b.wav")]
    capsys.readouterr()
    assert main(["encode", str(tmp_path / "a.wav"), *files, "--json"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert abs(told["pitch"] - 72) < 0.1 and next(iter(told["instruments"])) == "trumpet"
    assert load_patch(tmp_path / "a.json").timbre.to_json() == told["timbre"]
    assert soundfile.info(tmp_path / "b.wav").frames == 96000


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
        "encode",
        "instruments",
        "models",
        "tunings",
        "completion",
        "name-sounds",
        "import-magenta",
        "pack",
        "midi",
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


def test_sounds_may_have_a_pitch_each(tmp_path, capsys):
    out = str(tmp_path / "a.wav")
    sounds = ["--instrument", "violin", "--count", "2", "--duration", "0.5"]
    assert main(["generate", *sounds, "--pitch", "60", "67", "--one-to-one", "-o", out]) == 0
    assert [Path(line).name for line in capsys.readouterr().out.splitlines()] == ["a_seed0.wav", "a_seed1.wav"]
    second = generate(67, "violin", 0.5, seed=1)[0].wav()
    assert (tmp_path / "a_seed1.wav").read_bytes() == second


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
