"""The one call a musician writes, on a small network of the studio family."""

import copy
import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys
import threading
from pathlib import Path

import numpy as np
import pytest
import torch
from patience import HANG_SECONDS
from sine_voice import SPEC

from gansynth_core import InputError, ModelCard, ModelError, Synth, generate, sample
from gansynth_core.cards import save_model
from gansynth_core.generators import build_generator

ROOT = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="module")
def model(tmp_path_factory):
    torch.manual_seed(0)
    size = {"channels": 8, "features": 8, "bands": 8}
    network = build_generator("studio", SPEC, 2, 16, size)
    card = ModelCard("small", "Small", "studio", 16, 24, 84, ("violin", "flute"), SPEC, size)
    folder = tmp_path_factory.mktemp("models") / "small"
    save_model(folder, card, {name: value.numpy() for name, value in network.state_dict().items()})
    return str(folder)


def test_the_result_is_what_the_readme_says(model):
    notes = generate([48, "C4"], {"violin": 0.5, "flute": 0.5}, 2.0, seed=7, model=model)
    assert notes.audio.shape == (2, 48000) and notes.audio.dtype == np.float32
    assert notes.sample_rate == 24000 and notes.pitches == (48.0, 60.0)


def test_a_seed_is_always_the_same_sound_and_another_is_another(model):
    one, again, other = (generate(60, "violin", seed=seed, model=model).audio for seed in (1, 1, 2))
    assert np.array_equal(one, again) and np.abs(one - other).max() > 1e-3


def test_z_takes_the_place_of_a_seed(model):
    z = torch.randn(16, generator=torch.Generator().manual_seed(5))
    for given in (z.tolist(), z.numpy(), z.clone().requires_grad_()):
        assert np.array_equal(generate(60, z=given, model=model).audio, generate(60, seed=5, model=model).audio)


@pytest.mark.parametrize("note", [60, 60.0, "C4", np.array(60), torch.tensor(60), np.int64(60)])
def test_a_note_may_be_written_in_many_ways(model, note):
    assert generate(note, "violin", model=model).pitches == (60.0,)


@pytest.mark.parametrize(
    "mistake",
    [
        {"note_number": "H4"},
        {"note_number": None},
        {"note_number": [60, "x"]},
        {"note_number": 96},
        {"instrument": "violn"},
        {"instrument": 5},
        {"instrument": ["violin"]},
        {"duration": 0},
        {"duration": 600.1},
        {"duration": "x"},
        {"seed": 2**53 + 1},
        {"seed": None},
        {"seed": "x"},
        {"seed": float("nan")},
        {"z": ["a"] * 16},
        {"z": [0.0] * 15},
        {"z": np.zeros((4, 4))},
        {"z": [float("nan")] * 16},
    ],
)
def test_mistakes_are_refused_in_words(model, mistake):
    with pytest.raises(InputError):
        generate(model=model, **mistake)


@pytest.mark.parametrize("nothing", [None, 5, b"studio", ["studio"]])
def test_what_names_no_model_is_refused_in_words(nothing):
    for load in (lambda: generate(model=nothing), lambda: Synth.load(nothing)):
        with pytest.raises(ModelError, match="by its id"):
            load()


@pytest.mark.parametrize("again", [copy.copy, copy.deepcopy, lambda synth: pickle.loads(pickle.dumps(synth))])
def test_a_loaded_synth_can_be_pickled_and_copied(model, again):
    synth = Synth.load(model, device="cpu", griffin_lim_steps=0)
    other = again(synth)
    timbre = sample(synth.card)[0]
    assert other is not synth and (other.card, other.griffin_lim_steps) == (synth.card, 0)
    assert np.array_equal(other.render(timbre, 60).audio, synth.render(timbre, 60).audio)
    assert len(pickle.dumps(synth)) < 10_000  # the model's place, not its weights


def test_a_pickle_whose_model_is_gone_or_another_says_so(model, tmp_path):
    folder = tmp_path / "here"
    shutil.copytree(model, folder)
    pickled = pickle.dumps(Synth.load(str(folder), device="cpu"))
    network = build_generator("studio", SPEC, 2, 16, {"channels": 8, "features": 8, "bands": 8})
    card = Synth.load(str(folder), device="cpu").card
    save_model(folder, card, {name: value.numpy() for name, value in network.state_dict().items()})
    with pytest.raises(ModelError, match="other weights"):
        pickle.loads(pickled)
    shutil.rmtree(folder)
    with pytest.raises(ModelError, match="no model 'here'"):
        pickle.loads(pickled)


FORKED = """
import multiprocessing, sys
import numpy as np
from gansynth_core import Synth, generate, sample

model, seconds = sys.argv[1], float(sys.argv[2])
synth = Synth.load(model, device="cpu")
timbre = sample(synth.card)[0]
expected = [synth.render(timbre, 60).audio, generate([60, 62], seed=1, model=model).audio]

def child(answers):
    answers.send([synth.render(timbre, 60).audio, generate([60, 62], seed=1, model=model).audio])
    fresh = Synth.load(model, device="cpu")
    answers.send([fresh.render(timbre, 60).audio, synth.render(timbre, 61).audio])

ours, theirs = multiprocessing.Pipe()
# The fork comes while a thread has the turn of the synth: in the child, nobody would ever give it back.
with synth._turns.turn(background=False):
    worker = multiprocessing.get_context("fork").Process(target=child, args=(theirs,), daemon=True)
    worker.start()
try:
    assert ours.poll(seconds), "the child hangs"
    assert all(map(np.array_equal, ours.recv(), expected))
    assert ours.poll(seconds), "the child hangs"
    assert np.array_equal(ours.recv()[0], expected[0])
    assert np.array_equal(synth.render(timbre, 60).audio, expected[0])  # the parent is as it was
    worker.join(seconds)
    assert worker.exitcode == 0
finally:
    worker.kill()
"""


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system does not fork")
def test_a_forked_child_makes_the_same_notes(model):
    done = subprocess.run(
        [sys.executable, "-c", FORKED, model, str(HANG_SECONDS)], capture_output=True, text=True, cwd=ROOT
    )
    assert done.returncode == 0, done.stderr


LOADED = """
import sys
import numpy as np, torch
from torch.utils.data import DataLoader, Dataset
from gansynth_core import Synth, sample

class Notes(Dataset):
    def __init__(self, synth):
        self.synth, self.timbres = synth, sample(synth.card, 4)

    def __len__(self):
        return len(self.timbres)

    def __getitem__(self, index):
        return self.synth.render(self.timbres[index], 60 + index).to_torch()[0]

if __name__ == "__main__":
    model, method = sys.argv[1:]
    notes = Notes(Synth.load(model, device="cpu"))
    expected = torch.stack(list(notes))  # before the fork, too: its threads do not live on in the workers
    loaded = torch.cat(list(DataLoader(notes, batch_size=2, num_workers=2, multiprocessing_context=method)))
    assert torch.equal(loaded, expected)
"""


@pytest.mark.slow
@pytest.mark.parametrize("method", ["fork", "spawn"])
def test_workers_of_a_data_loader_make_the_same_notes(model, method, tmp_path):
    if method not in multiprocessing.get_all_start_methods():
        pytest.skip("this system does not fork")
    script = tmp_path / "loaded.py"
    script.write_text(LOADED, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, str(script), model, method],
        capture_output=True,
        text=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        timeout=HANG_SECONDS,
    )
    assert done.returncode == 0, done.stderr


def test_many_threads_make_the_same_notes(model):
    expected = {seed: generate([60, 62], seed=seed, model=model).audio for seed in range(4)}
    heard: list[tuple[int, np.ndarray]] = []

    def play(seed: int) -> None:
        heard.append((seed, generate([60, 62], seed=seed, model=model).audio))

    threads = [threading.Thread(target=play, args=(number % 4,)) for number in range(12)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(HANG_SECONDS)
    assert len(heard) == 12 and all(np.array_equal(audio, expected[seed]) for seed, audio in heard)
