"""What the training loop leaves to a family: networks, losses and steps."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple, Protocol, TypeVar

from torch import Tensor

from gansynth_core.training.config import (
    AdversarialConfig,
    MagentaConfig,
    ReconstructionConfig,
    TextureConfig,
    TrainConfig,
    UpperConfig,
)
from gansynth_core.training.data.dataset import Indices, NoteSet
from gansynth_core.training.magenta.gan import MagentaGan
from gansynth_core.training.parallel import Processes
from gansynth_core.training.studio.adversarial import Adversarial
from gansynth_core.training.studio.reconstruction import Reconstruction
from gansynth_core.training.studio.textures import Textures
from gansynth_core.training.studio.upper import Upper

Batch = TypeVar("Batch", bound=NamedTuple)  # its fields are tensors


class Objective(Protocol[Batch]):
    """One way to train. Ready after `begin` or `restore`; untrained networks depend on the config's seed alone.

    The same steps of the same config and data give the same weights, whether in one run or resumed.
    """

    def begin(self, model: Path | None) -> None:
        """Start from the model in that folder (None: from scratch), before the first step of a run that has no state.
        Raises InputError, ModelError or DataError where that is not possible."""
        ...

    def load(self, step: int, notes: Indices) -> Batch:
        """What step number `step` needs, on the CPU: `notes` are the indices of the whole batch's notes, of which
        this process takes its share. Called in a thread of its own, ahead of the steps."""
        ...

    def step(self, batch: Batch, seen: int) -> dict[str, Tensor | float]:
        """One step on what `load` returned, now on the device, after `seen` notes; returns what the log keeps of it,
        always under the same names. A number that is not finite ends the run."""
        ...

    def state(self) -> dict[str, Any]:
        """All that `restore` needs, tensors and plain values."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Be as when `state` was taken. Raises KeyError, ValueError or RuntimeError if it is another network's."""
        ...

    def write_snapshot(self, folder: Path, seen: int, facts: dict[str, Any]) -> None:
        """Write the averaged weights after `seen` notes as a model that plays; `facts` go into its card."""
        ...

    def generator_weights(self) -> int:
        """How many numbers the finished generator will have learned."""
        ...


Build = Callable[[Any, NoteSet, Processes], Objective[Any]]

#: For each kind of config what to build: cls(config, data, processes), which raises DataError for a set that cannot be
#: learned from.
OBJECTIVES: dict[type[TrainConfig], Build] = {
    ReconstructionConfig: Reconstruction,
    MagentaConfig: MagentaGan,
    AdversarialConfig: Adversarial,
    TextureConfig: Textures,
    UpperConfig: Upper,
}
