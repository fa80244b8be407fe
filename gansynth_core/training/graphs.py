"""On a GPU, one and the same step over and over: recorded once as a CUDA graph, and from then on started as a whole.

A training step of ours is about a thousand small operations. Starting them one by one from Python takes longer than the
GPU needs to do them.
"""

from collections.abc import Callable

import torch
from torch import Tensor

WARM_UP = 3  # calls before the recording: libraries choose their algorithms then, and optimizers make their tensors


class Recorded:
    """`function`(*tensors) -> tensors or dicts of them: the same on every device, on a GPU fast after WARM_UP calls.

    The function has to do the same operations in the same shapes at every call, may not ask for a value on the CPU,
    and may write only into tensors that stay where they are, such as parameters. Gradients that it sets to None first
    become tensors of the recording, written anew at each call. What it returns is overwritten by the next call.
    """

    def __init__(self, function: Callable, device: str) -> None:
        self._function = function
        self._records = torch.device(device).type == "cuda"
        self._calls = 0
        self._graph: torch.cuda.CUDAGraph | None = None

    def __call__(self, *inputs: Tensor):
        if not self._records:
            return self._function(*inputs)
        if self._graph is not None:
            for kept, given in zip(self._inputs, inputs, strict=True):
                kept.copy_(given)
            self._graph.replay()
            return self._outputs
        self._calls += 1
        if self._calls <= WARM_UP:
            return self._aside(inputs)
        self._inputs = [given.clone() for given in inputs]
        torch.cuda.synchronize()
        graph = torch.cuda.CUDAGraph()
        # Only this thread is held to what may be recorded: another one fetches the next notes meanwhile.
        with torch.cuda.graph(graph, capture_error_mode="thread_local"):
            self._outputs = self._function(*self._inputs)
        self._graph = graph
        graph.replay()  # recording alone does nothing
        return self._outputs

    def _aside(self, inputs: tuple[Tensor, ...]):
        """A call on a stream of its own, as what is recorded later must have been called before."""
        stream = torch.cuda.Stream()
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            outputs = self._function(*inputs)
        torch.cuda.current_stream().wait_stream(stream)
        return outputs
