"""The networks. A Generator is the one thing in which model families differ."""

from typing import Protocol

from torch import Tensor, nn

from gansynth_core.errors import ModelError
from gansynth_core.generators.magenta import MagentaGenerator
from gansynth_core.generators.studio import StudioGenerator
from gansynth_core.specgram import Representation


class Generator(Protocol):
    """(z, pitch, instruments) -> specgram: a torch module, or anything with these three methods."""

    def __call__(self, z: Tensor, pitch: Tensor, instruments: Tensor) -> Tensor:
        """z float [batch, latent_size]; pitch float [batch] in MIDI; instruments float [batch, instruments], convex
        weights (zero columns for a model without instruments) -> specgram [batch, 2, frames, bins] in [-1, 1]."""
        ...

    def embed(self, z: Tensor, pitch: Tensor, instruments: Tensor) -> Tensor:
        """What the network makes of its inputs before it grows a note: [batch, numbers], near to each other where the
        notes will be. Inputs as above."""
        ...

    def to(self, device: str) -> "Generator": ...


def stft_of(generator: Generator, spec: Representation, z: Tensor, pitch: Tensor, instruments: Tensor) -> Tensor:
    """What the generator makes of its inputs as an STFT, complex [batch, frames, bins]: by its own way there (a method
    `stft`), or from its specgram."""
    short_way = getattr(generator, "stft", None)
    inputs = z, pitch, instruments
    return short_way(*inputs) if short_way else spec.from_specgram(generator(*inputs))


#: Family name, as a card writes it -> the module's class: cls(spec, instruments, latent_size, **hyperparameters).
FAMILIES: dict[str, type[nn.Module]] = {"magenta": MagentaGenerator, "studio": StudioGenerator}


def build_generator(
    family: str, spec: Representation, instruments: int, latent_size: int, hyperparameters: dict
) -> nn.Module:
    """The untrained network of a family. Raises ModelError for an unknown family or hyperparameter."""
    if not isinstance(family, str) or family not in FAMILIES:
        raise ModelError(f"This version knows no model family '{family}' (it knows {', '.join(FAMILIES)}).")
    try:
        return FAMILIES[family](spec, instruments, latent_size, **hyperparameters)
    except TypeError as cause:
        raise ModelError(f"The card's hyperparameters do not fit the family '{family}': {cause}") from cause
