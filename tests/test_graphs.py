"""The recording of a step, with a graph that only writes down what was called: what a real GPU does is up to CUDA."""

import contextlib
from typing import NamedTuple

import pytest
import torch
from torch import Tensor

from gansynth_core.training import graphs
from gansynth_core.training.graphs import WARM_UP, Recorded, each


class Pair(NamedTuple):
    left: Tensor
    right: Tensor


def pair(left: float, right: float) -> Pair:
    return Pair(torch.tensor([left]), torch.tensor([right]))


@pytest.fixture
def replays(monkeypatch):
    """Stands in for CUDA; the list of what to do at each replay, which a test fills."""
    todo = []

    class Graph:
        def replay(self):
            for action in todo:
                action()

    monkeypatch.setattr(torch.cuda, "CUDAGraph", Graph)
    monkeypatch.setattr(torch.cuda, "graph", lambda graph, **_: contextlib.nullcontext())
    monkeypatch.setattr(torch.cuda, "synchronize", lambda: None)
    monkeypatch.setattr(graphs.Recorded, "_aside", lambda self, inputs: self._function(inputs))
    return todo


def test_each_changes_every_field_and_keeps_the_names():
    doubled = each(pair(1, 2), lambda tensor: 2 * tensor)
    assert isinstance(doubled, Pair) and (doubled.left.item(), doubled.right.item()) == (2, 4)


def test_on_a_cpu_the_function_is_called_as_it_is():
    calls = []
    recorded = Recorded(lambda both: calls.append(both) or both.left - both.right, "cpu")
    assert [recorded(pair(n, 1)).item() for n in range(6)] == [-1, 0, 1, 2, 3, 4] and len(calls) == 6


def test_once_recorded_a_step_reads_its_own_copies_of_the_inputs_by_field(replays):
    calls = []

    def difference(both: Pair) -> dict[str, Tensor]:
        calls.append(both)
        out = torch.empty(1)
        replays[:] = [lambda: torch.sub(both.left, both.right, out=out)]
        return {"difference": out}

    recorded = Recorded(difference, "cuda")
    for _ in range(WARM_UP):
        recorded(pair(1, 1))
    given = pair(5, 3)
    assert recorded(given)["difference"].item() == 2
    assert calls[-1].left is not given.left  # which may go: the recording has a copy
    assert recorded(pair(9, 2))["difference"].item() == 7 and len(calls) == WARM_UP + 1
    assert given.left.item() == 5
