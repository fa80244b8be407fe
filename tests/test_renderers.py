"""Processes that render (`--workers`): the same notes, and another process when one is lost."""

import os
import signal
import threading

import numpy as np
import pytest

from gansynth_core import GivenUp, ModelError, Synth, model_folder, sample
from webapp.line import Busy
from webapp.player import Player
from webapp.renderers import Processes
from webapp.turns import Turns


@pytest.fixture(scope="module")
def processes():
    made = Processes(2)
    yield made
    made.close()


@pytest.mark.slow
def test_processes_render_what_a_synth_renders(processes):
    folder = model_folder("studio")
    synth = processes.synth(folder, "cpu")
    turns = Turns(2)
    player = Player.of(synth, turns)
    timbre = sample(synth.card, seed=3)[0]
    made = player.render(timbre, [60, 64, 67]).audio
    expected = Synth.load(str(folder), device="cpu").render(timbre, [60, 64, 67]).audio
    assert np.abs(made - expected).max() < 1e-4 * np.abs(expected).max()

    part = synth.held_part(timbre, 60, 12.0, (5, 6), given_up=threading.Event())
    expected = Synth.load(str(folder), device="cpu").held_part(timbre, 60, 12.0, (5, 6))
    assert np.abs(part - expected).max() < 1e-4 * np.abs(expected).max()

    with pytest.raises(GivenUp):
        given_up = threading.Event()
        given_up.set()
        synth.render([timbre], [60], given_up=given_up)

    with pytest.raises(Busy, match="lost a process"):
        killed = processes.call(os.getpid).result()
        os.kill(killed, getattr(signal, "SIGKILL", signal.SIGTERM))
        for _ in range(100):
            synth.render([timbre], [60], given_up=threading.Event())
    assert np.array_equal(player.render(timbre, [60, 64, 67]).audio, made)
    assert np.abs(synth.render([timbre], [72], given_up=threading.Event()).audio).max() > 0.01
    turns.close()


def test_a_model_that_is_not_there_is_told_in_words(processes, tmp_path):
    with pytest.raises(ModelError, match="There is no model"):
        processes.synth(tmp_path, "cpu")
