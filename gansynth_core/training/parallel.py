"""One run in several processes, each with a share of every batch: `torchrun --nproc-per-node 2 -m gansynth_core train`.

Gradients are averaged, so that all processes keep the same weights; only the first writes files.
"""

import os
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import torch
from torch import Tensor, distributed

from gansynth_core.errors import InputError
from gansynth_core.synth import choose_device


@dataclass(frozen=True)
class Processes:
    """This process among those of a run. device: the torch device that it trains on."""

    device: str = "cpu"
    rank: int = 0
    count: int = 1

    @property
    def first(self) -> bool:
        return self.rank == 0

    def share(self, batch: int, group: int = 1) -> slice:
        """Which notes of a batch are this process's, in whole groups. Raises InputError where they cannot be shared
        evenly."""
        if batch % self.count:
            raise InputError(f"A batch of {batch} notes cannot be shared by {self.count} processes. Change 'batch'.")
        size = batch // self.count
        if size % group:
            raise InputError(
                f"A batch of {batch} notes in {self.count} processes does not split into groups of {group}. Change "
                "'batch' or 'group'."
            )
        return slice(self.rank * size, (self.rank + 1) * size)

    def average_gradients(self, parameters: Iterable[Tensor]) -> None:
        """Replace every gradient by its mean over the processes."""
        if self.count == 1:
            return
        gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
        flat = torch.cat([gradient.flatten() for gradient in gradients])
        distributed.all_reduce(flat)
        parts = (flat / self.count).split([gradient.numel() for gradient in gradients])
        torch._foreach_copy_(gradients, [part.view_as(g) for part, g in zip(parts, gradients, strict=True)])

    def mean(self, numbers: Iterable[Tensor | float]) -> list[float]:
        """The means over the processes of a few numbers."""
        together = torch.stack([torch.as_tensor(n, dtype=torch.float64, device=self.device) for n in numbers])
        if self.count > 1:
            distributed.all_reduce(together)
        means: list[float] = (together / self.count).tolist()
        return means


def is_first() -> bool:
    """Whether this is the first process that torchrun started, or the only one."""
    return int(os.environ.get("RANK", "0")) == 0


@contextmanager
def processes(device: str) -> Iterator[Processes]:
    """This process among those that torchrun started, each of which gets a GPU of its own where `device` ("auto", "cpu"
    or "cuda") comes to that. Raises InputError if there are too few."""
    device, count = choose_device(device), int(os.environ.get("WORLD_SIZE", "1"))
    if count == 1:
        yield Processes(device)
        return
    if device == "cuda":
        local = int(os.environ["LOCAL_RANK"])
        if local >= torch.cuda.device_count():
            raise InputError(f"There are {torch.cuda.device_count()} GPUs here. Start that many processes, or fewer.")
        torch.cuda.set_device(local)
        device = f"cuda:{local}"
    distributed.init_process_group("nccl" if device.startswith("cuda") else "gloo")
    try:
        yield Processes(device, distributed.get_rank(), count)
    finally:
        distributed.destroy_process_group()
