"""CUDA graphs: on a GPU, a step that is the same every time is recorded once and from then on started as a whole.

One of our training steps is about a thousand small operations. Starting them one by one from Python takes longer than
the GPU needs to do them.
"""

from collections.abc import Callable
from typing import Generic, NamedTuple, TypeVar

import torch
from torch import Tensor

WARM_UP = 3  # calls before the recording: libraries choose their algorithms then, and optimizers make their tensors

Tensors = TypeVar("Tensors", bound=NamedTuple)  # a NamedTuple whose fields are all tensors
Result = TypeVar("Result")


def each(tensors: Tensors, change: Callable[[Tensor], Tensor]) -> Tensors:
    """The same NamedTuple with every tensor changed."""
    return tensors._make(map(change, tensors))


class Recorded(Generic[Tensors, Result]):
    """`function`(NamedTuple of tensors) -> tensors, in tuples or dicts: the same on every device, and fast on a GPU
    after WARM_UP calls.

    The function has to do the same operations on the same shapes at every call, must not ask for a value on the CPU,
    and may write only to tensors that stay where they are, such as parameters. Gradients that it sets to None first
    become tensors of the recording, written anew at each call. The next call overwrites what it returned.
    """

    def __init__(self, function: Callable[[Tensors], Result], device: str) -> None:
        self._function = function
        self._records = torch.device(device).type == "cuda"
        self._calls = 0
        self._recording: tuple[torch.cuda.CUDAGraph, Tensors, Result] | None = None

    def __call__(self, inputs: Tensors) -> Result:
        if not self._records:
            return self._function(inputs)
        if self._recording is not None:
            graph, kept, outputs = self._recording
            for there, given in zip(kept, inputs, strict=True):
                there.copy_(given)
            graph.replay()
            return outputs
        self._calls += 1
        if self._calls <= WARM_UP:
            return self._aside(inputs)
        kept = each(inputs, Tensor.clone)
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        # Only this thread is held to what may be recorded: another one fetches the next notes meanwhile.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            outputs = self._function(kept)
        self._recording = graph, kept, outputs
        graph.replay()  # recording alone does nothing
        return outputs

    def _aside(self, inputs: Tensors) -> Result:
        """A call on a stream of its own: whatever is recorded must have been called this way before."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            outputs = self._function(inputs)
        torch.cuda.current_stream().wait_stream(stream)
        return outputs
