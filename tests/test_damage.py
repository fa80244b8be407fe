"""Bits that flip on a disk are noticed, and a pulled plug costs nothing that was finished."""

import json
import os
import random
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from sine_voice import sine_card
from test_dataset import SPEC, Tones
from test_judge import tiny_judge
from test_packs import plan, synth
from test_training import CONFIG
from test_training import SPEC as LABELLED_SPEC
from test_training import Tones as Labelled

from gansynth_core import InputError, ModelError, load_card, model_folder
from gansynth_core.__main__ import main as command_line
from gansynth_core.cards import save_card
from gansynth_core.errors import DataError
from gansynth_core.generators.encoder import load_encoder
from gansynth_core.packs import render, sound_writer
from gansynth_core.packs.render import write_pack
from gansynth_core.training import loop
from gansynth_core.training.data.dataset import NoteSet
from gansynth_core.training.data.prepare import prepare
from gansynth_core.training.evaluation import judge as judging
from gansynth_core.training.evaluation.judge import load_judge, save_judge
from gansynth_core.training.run import Run, begin
from webapp import app
from webapp.turns import Turns


def flip(path, bit):
    """Change one bit of a file, counted from its end round and round."""
    data = bytearray(path.read_bytes())
    data[-1 - bit // 8 % len(data)] ^= 1 << bit % 8
    path.write_bytes(data)


def places(count):
    return [random.Random(number).randrange(2**40) for number in range(count)]


@pytest.fixture
def studio(tmp_path):
    folder = tmp_path / "studio"
    folder.mkdir()
    for name in ("card.json", "encoder.safetensors"):
        shutil.copy(model_folder("studio") / name, folder)
    return folder


def test_a_changed_bit_in_an_encoder_is_noticed(studio):
    card = load_card(studio)
    assert load_encoder(studio, card) is not None
    for bit in places(4):
        flip(studio / "encoder.safetensors", bit)
        with pytest.raises(ModelError, match="hash differs"):
            load_encoder(studio, card)
        flip(studio / "encoder.safetensors", bit)


class Sums:
    """Stands for what a run trains."""

    def __init__(self):
        self.weights = None

    def begin(self, start_from):
        raise AssertionError("there is a state")

    def restore(self, state):
        self.weights = state["weights"]


def test_a_changed_bit_in_a_state_is_noticed(tmp_path):
    weights = torch.arange(5000.0)
    torch.save({"weights": weights, "data": "x", "seen": 7, "step": 3, "seconds": 1.0}, tmp_path / "state.pt")
    restored = Sums()
    assert begin(tmp_path, restored, "x", None) == (7, 3, 1.0)
    noticed = 0
    for bit in places(60):
        flip(tmp_path / "state.pt", bit)
        try:
            told, changed = begin(tmp_path, restored, "x", None), restored.weights
        except DataError:
            noticed += 1
        else:  # a bit that says nothing, such as the date of an entry
            assert told == (7, 3, 1.0) and torch.equal(changed, weights)
        flip(tmp_path / "state.pt", bit)
    assert noticed > 50


@pytest.mark.parametrize("content", [b"", b"PK", b"x" * 1000, "another"])
def test_what_is_no_state_is_told_in_words(tmp_path, content):
    if content == "another":
        torch.save({"weights": torch.zeros(3)}, tmp_path / "state.pt")
    else:
        (tmp_path / "state.pt").write_bytes(content)
    with pytest.raises(DataError, match=r"state\.pt' is (damaged|not the state)"):
        begin(tmp_path, Sums(), "x", None)


def test_a_changed_bit_in_a_training_set_is_noticed(tmp_path):
    prepare([Tones(6)], tmp_path, SPEC, workers=1)
    good = NoteSet.open(tmp_path).stored(np.arange(6))
    for name in ("specgrams.npy", "notes.npy", "sums.npy", "state.npy"):
        size = (tmp_path / name).stat().st_size
        begins = len((tmp_path / name).read_bytes()) - np.load(tmp_path / name).nbytes
        for bit in places(8):
            bit %= 8 * (size - begins)
            flip(tmp_path / name, bit)
            try:
                found = NoteSet.open(tmp_path)
                stored = found.stored(np.arange(len(found)))
            except DataError as error:
                assert "damaged" in str(error)
            else:
                assert name == "state.npy"  # a flag that says neither "ready" nor anything else: that note is left out
                assert np.array_equal(stored, np.delete(good, sorted({*range(6)} - {*found.rows.tolist()}), axis=0))
            flip(tmp_path / name, bit)


def test_a_set_from_before_there_were_checksums_still_opens(tmp_path):
    prepare([Tones(4)], tmp_path, SPEC, workers=1)
    (tmp_path / "sums.npy").unlink()
    assert len(NoteSet.open(tmp_path).stored(np.arange(4))) == 4
    assert len(prepare([Tones(4)], tmp_path, SPEC, workers=1)) == 4


def test_a_changed_bit_in_a_judge_is_noticed(tmp_path):
    own = tmp_path / "own.safetensors"
    save_judge(own, tiny_judge())
    shipped = tmp_path / "shipped.safetensors"
    shutil.copy(judging.SHIPPED, shipped)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(judging, "SHIPPED", shipped)
        for file in (own, shipped):
            load_judge(file)
            for bit in places(6):
                flip(file, bit)
                with pytest.raises(ModelError, match="judge"):
                    load_judge(file)
                flip(file, bit)


DAMAGED = ["{", "[]", "[" * 100_000, '{"format": 1}', "\ud800", json.dumps({"format": 1, "latent_size": 10**400})]


@pytest.mark.parametrize("text", DAMAGED)
def test_a_damaged_neighbour_is_left_out_and_all_else_works(tmp_path, monkeypatch, capsys, text):
    save_card(tmp_path / "sines", sine_card())
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "card.json").write_bytes(text.encode(errors="surrogatepass"))
    monkeypatch.setenv("GANSYNTH_MODELS", str(tmp_path))
    opened = load_card(model_folder("studio"))
    turns = Turns()
    others = app.other_players(opened, turns, lambda folder: None)
    turns.close()
    assert [player.card.id for player in others] == ["sines"]
    complaint = capsys.readouterr().err
    assert "broken" in complaint and complaint.count("\n") == 1 and len(complaint) < 500
    assert command_line(["models"]) in (0, None)
    told = capsys.readouterr().out
    assert "broken: " in told and "sines: " in told and "studio: " in told


# --- pulled plugs -----------------------------------------------------------------------------------------------------


def killed(*arguments, **options):
    raise KeyboardInterrupt


@pytest.mark.parametrize("removed", range(6))
def test_a_pack_that_was_killed_while_it_cleaned_up_is_whole(tmp_path, monkeypatch, removed):
    """removed: things that were gone from its work folder by then."""
    out, one = tmp_path / "a.zip", plan(pitches=(60,))
    gone: list[object] | None = None

    def until_killed(remove):
        def call(*arguments, **options):
            if gone is not None:
                if len(gone) == removed:
                    raise KeyboardInterrupt
                gone.append(arguments)
            remove(*arguments, **options)

        return call

    def move(whole, out):
        nonlocal gone
        os.rename(whole, out)
        gone = []

    with monkeypatch.context() as patch, pytest.raises(KeyboardInterrupt):
        patch.setattr(render.shutil, "rmtree", until_killed(shutil.rmtree))
        patch.setattr(render.Path, "unlink", until_killed(Path.unlink))
        patch.setattr(render.Path, "rmdir", until_killed(Path.rmdir))
        patch.setattr(render, "_move", move)
        write_pack(one, synth(), out)
        pytest.fail("it was not killed")
    whole = out.read_bytes()
    with pytest.raises(InputError, match="already exists: choose another name"):
        write_pack(one, synth(), out)
    if (tmp_path / "a.zip.work" / render.MOVED).exists():
        report = write_pack(one, synth(), out, resume=True)
        assert report.bytes == len(whole) and report.notes == 2
        assert [path.name for path in tmp_path.iterdir()] == ["a.zip"]
    assert out.read_bytes() == whole
    with pytest.raises(InputError, match="already exists: there is nothing left to continue"):
        write_pack(one, synth(), out, resume=True)


def test_samples_are_on_the_disk_before_a_record_calls_them_whole(tmp_path, monkeypatch):
    order = []
    monkeypatch.setattr(sound_writer, "sync", lambda path: order.append(path.suffix))
    monkeypatch.setattr(render, "sync", lambda path: order.append("zip"))
    save = render.save_text
    monkeypatch.setattr(render, "save_text", lambda path, text: (order.append(path.parent.name), save(path, text))[1])
    link = os.link

    def named(source, target):
        order.append("named")
        link(source, target)

    monkeypatch.setattr(render.os, "link", named)
    write_pack(plan(pitches=(60,)), synth(), tmp_path / "a.zip")
    samples = [number for number, what in enumerate(order) if what == ".wav"]
    assert len(samples) == 2 and samples[-1] < len(order) - 1 - order[::-1].index("sounds")
    assert order.index("zip") < order.index("named")


def test_a_snapshot_whose_writing_was_killed_is_written_when_the_run_goes_on(tmp_path, monkeypatch):
    written = []

    def write(self):
        folder = self.out / f"snapshot-{self.seen:09d}"
        written.append(folder)
        if len(written) == 1:
            raise KeyboardInterrupt
        return folder

    monkeypatch.setattr(Run, "save_snapshot", write)
    data = prepare([Labelled()], tmp_path / "set", LABELLED_SPEC, workers=1)
    with pytest.raises(KeyboardInterrupt):
        loop.train(CONFIG, data, tmp_path / "run", "cpu")
    assert loop.train(CONFIG, data, tmp_path / "run", "cpu") == written[1] == written[0]
