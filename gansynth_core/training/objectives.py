"""What the training loop leaves to a family: networks, losses and steps."""

from pathlib import Path
from typing import Protocol

import numpy as np
from torch import Tensor

from gansynth_core.training.config import AdversarialConfig, MagentaConfig, ReconstructionConfig, TrainConfig
from gansynth_core.training.magenta.gan import MagentaGan
from gansynth_core.training.studio.adversarial import Adversarial
from gansynth_core.training.studio.reconstruction import Reconstruction


class Objective(Protocol):
    """One way to train. Built as cls(config, data, processes), and ready after `begin` or `restore`; untrained networks
    depend on the config's seed alone. Raises DataError for a set that cannot be learned from.

    The same steps of the same config and data give the same weights, in one go or resumed.
    """

    def begin(self, model: Path | None) -> None:
        """Start from the model in that folder (None: from nothing), before the first step of a run that has no state.
        Raises InputError, ModelError or DataError where that cannot be."""
        ...

    def load(self, step: int, notes: np.ndarray) -> tuple[Tensor, ...]:
        """What step number `step` needs, on the CPU: `notes` are the indices of the whole batch's notes, of which
        this process takes its share. Called in a thread of its own, ahead of the steps."""
        ...

    def step(self, batch: tuple[Tensor, ...], seen: int) -> dict[str, Tensor | float]:
        """One step on `load`'s tensors, now on the device, after `seen` notes; returns what the log keeps of it, always
        by the same names. A number that is not finite ends the run."""
        ...

    def state(self) -> dict:
        """All that `restore` needs, tensors and plain values."""
        ...

    def restore(self, state: dict) -> None:
        """Be as when `state` was taken. Raises KeyError, ValueError or RuntimeError if it is another network's."""
        ...

    def write_snapshot(self, folder: Path, seen: int, facts: dict) -> None:
        """Write the averaged weights after `seen` notes as a model that plays; `facts` go into its card."""
        ...

    def generator_weights(self) -> int:
        """Numbers that the finished generator will have learned."""
        ...


OBJECTIVES: dict[type[TrainConfig], type[Objective]] = {
    ReconstructionConfig: Reconstruction,
    MagentaConfig: MagentaGan,
    AdversarialConfig: Adversarial,
}
