"""Between CPU and GPU: nothing is left behind on the way, and a run goes on on the other one."""

import dataclasses

import numpy as np
import pytest
import torch
from fake_gpu import Astray, gpu, is_away
from sine_voice import SPEC
from test_adversarial import CONFIG as GAN
from test_adversarial import FIRST_STAGE, Tones, same
from test_magenta_training import CONFIG as MAGENTA
from test_magenta_training import SPEC as MEL_SPEC
from test_magenta_training import Tones as WholeTones

from gansynth_core import Synth
from gansynth_core.cards import load_card, load_weights
from gansynth_core.generators.encoder import load_encoder
from gansynth_core.training import loop
from gansynth_core.training.data.prepare import prepare
from gansynth_core.training.directions.components import components
from gansynth_core.training.directions.named import aspect_gradients
from gansynth_core.training.evaluation import trials
from gansynth_core.training.evaluation.comparison import compare
from gansynth_core.training.evaluation.judge import train_judge


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return prepare([Tones()], tmp_path_factory.mktemp("data") / "tones", SPEC, workers=1)


@pytest.fixture(scope="module")
def mel(tmp_path_factory):
    return prepare([WholeTones()], tmp_path_factory.mktemp("data") / "mel", MEL_SPEC, workers=1)


@pytest.fixture(scope="module")
def reconstruction(data, tmp_path_factory):
    """The folder of the last snapshot of a first stage."""
    return loop.train(FIRST_STAGE, data, tmp_path_factory.mktemp("reconstruction") / "run", "cpu")


def test_the_pretended_gpu_notices_what_a_real_one_would():
    with gpu():
        there, here = torch.ones(3, device="cuda"), torch.ones(3)
        assert there.device.type == "cuda" and here.device.type == "cpu" and (2 * there).sum().device.type == "cuda"
        places = torch.arange(2, device="cuda")
        for wrong in (
            lambda: there + here,
            lambda: there.numpy(),
            lambda: torch.stack([there, here]),
            lambda: here[places],
        ):
            with pytest.raises(Astray):
                wrong()
        assert there[torch.arange(2)].device.type == "cuda"
        assert ((there.cpu() + here) == 2).all() and not is_away(there.cpu())
        network = torch.nn.Linear(3, 2).to("cuda")
        with pytest.raises(Astray):
            network(here)
        network(there).sum().backward()
        assert network.weight.grad.device.type == "cuda"


def train(config, data, out, device, start_from=None):
    loop.train(config, data, out, device, steps=2, start_from=start_from)
    return out / "state.pt"


@pytest.mark.slow
@pytest.mark.parametrize("family", ["reconstruction", "gan", "magenta"])
def test_a_run_that_began_on_a_gpu_goes_on_on_the_cpu_and_back(family, data, mel, reconstruction, tmp_path):
    config = {"reconstruction": FIRST_STAGE.replace(notes=1000, snapshot_notes=1000), "gan": GAN, "magenta": MAGENTA}[
        family
    ]
    data, start = (mel, None) if family == "magenta" else (data, reconstruction if family == "gan" else None)
    for _ in range(3):
        stayed = train(config, data, tmp_path / "stayed", "cpu", start)
    with gpu():
        moved = train(config, data, tmp_path / "moved", "cuda", start)
    with pytest.raises(RuntimeError, match="CUDA"):
        torch.load(moved, weights_only=True)  # it is really a GPU's
    train(config, data, tmp_path / "moved", "cpu")
    with gpu():
        train(config, data, tmp_path / "moved", "cuda")
    first, second = (torch.load(path, "cpu", weights_only=True) for path in (stayed, moved))
    assert first["step"] == second["step"] == 6
    assert same(*({name: state[name] for name in state if name != "seconds"} for state in (first, second)))
    logs = [path.with_name("log.csv").read_text().splitlines() for path in (stayed, moved)]
    losses = [[row.split(",")[2:] for row in log] for log in logs]
    assert losses[0] == losses[1] and len(losses[0]) == 4


def by_place(weights):
    """The weights of a model, those of its prior as what they do to places of the latent space: the prior's directions
    are eigenvectors, which come out turned and in another order by the least rounding."""
    weights = {name: value.astype(float) for name, value in weights.items()}
    directions = weights.pop("prior.directions")
    weights["prior.spread"] = directions.T @ weights["prior.spread"] @ directions
    weights["prior.register"] = weights["prior.register"] @ directions
    return weights


@pytest.mark.slow
def test_a_model_is_written_and_measured_on_a_gpu_as_on_the_cpu(data, reconstruction, tmp_path, monkeypatch):
    monkeypatch.setattr(trials, "MORPHS", 2)
    notes = data.notes.copy()
    notes["held_out"] = notes["pitch"] == 52
    with gpu():
        made_there = loop.train(FIRST_STAGE, data, tmp_path / "run", "cuda")
        synth = Synth.load(str(made_there), device="cuda")
        encoder = load_encoder(made_there, synth.card, "cuda")
        data = dataclasses.replace(data, notes=notes)
        judge = train_judge(data, notes=8, epochs=1, device="cuda")
        figures = compare(synth, data, judge, encoder=encoder, notes=2).document["measures"]
        slopes = aspect_gradients(synth, 2, seed=0)
        assert len(components(synth, [], count=2)) == 2
    weights = [by_place(load_weights(folder, load_card(folder))) for folder in (reconstruction, made_there)]
    for name, here in weights[0].items():  # to the last bit of half numbers, of which the prior's are products
        tolerance = {"atol": 5e-3} if name.startswith("prior.") else {"rtol": 1e-3, "atol": 1e-5}
        assert np.allclose(here, weights[1][name], **tolerance), name
    assert set(figures) == {"real", "model", "reconstruction"} and figures["model"]["ndb"] >= 0
    here = aspect_gradients(Synth.load(str(made_there), device="cpu"), 2, seed=0)
    assert (np.linalg.norm(here - slopes, axis=2) < 0.05 * np.linalg.norm(here, axis=2) + 1e-6).all()
