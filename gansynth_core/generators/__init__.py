"""The networks: from a latent, a pitch and instrument weights to the spectrum of a note.

magenta.py           the generator of Magenta's GANSynth, number for number
studio.py            the generator of the studio voice: frequency as channels, with a harmonic basis
upper.py             its upper half, for a voice of twice the rate
instrument_prior.py  where each instrument's notes lie in the studio voice's latent space
encoder.py           the way back: from a sound to its instrument and z

A Generator is the one thing in which model families differ. FAMILIES names them as cards do.
"""

from collections.abc import Callable, Mapping
from typing import Any, Protocol

from torch import Tensor

from gansynth_core.errors import ModelError
from gansynth_core.generators.magenta import MagentaGenerator
from gansynth_core.generators.studio import StudioGenerator
from gansynth_core.generators.upper import build_studio
from gansynth_core.specgram import Representation


class Generator(Protocol):
    """(z, pitch, instruments) -> a note's spectrum: a torch module, or anything with these methods.

    All three methods take z float [batch, latent_size]; pitch float [batch] in MIDI; instruments float
    [batch, instruments], convex weights (zero columns for a model without instruments).
    """

    def __call__(self, z: Tensor, pitch: Tensor, instruments: Tensor) -> Tensor:
        """The specgram, float [batch, 2, frames, bins] in [-1, 1]."""
        ...

    def stft(self, z: Tensor, pitch: Tensor, instruments: Tensor) -> Tensor:
        """What the specgram decodes to, complex [batch, frames, bins], by the shortest way the network has."""
        ...

    def embed(self, z: Tensor, pitch: Tensor, instruments: Tensor) -> Tensor:
        """What the network makes of its inputs before it grows a note: float [batch, numbers], close together for
        notes that sound alike to it."""
        ...

    def to(self, device: str) -> "Generator": ...


Network = MagentaGenerator | StudioGenerator

#: Family name, as a card writes it -> what makes the network: build(spec, instruments, latent_size, **hyperparameters).
FAMILIES: dict[str, Callable[..., Network]] = {"magenta": MagentaGenerator, "studio": build_studio}
WHOLE_KEYS = ("magenta",)  # families that know no pitch between two keys


def build_generator(
    family: str, spec: Representation, instruments: int, latent_size: int, hyperparameters: Mapping[str, Any]
) -> Network:
    """The untrained network of a family. Raises ModelError for an unknown family or hyperparameter."""
    if not isinstance(family, str) or family not in FAMILIES:
        raise ModelError(f"This version has no model family '{family}'. It has {', '.join(FAMILIES)}.")
    try:
        return FAMILIES[family](spec, instruments, latent_size, **hyperparameters)
    except TypeError as cause:
        raise ModelError(f"The card's hyperparameters do not fit the family '{family}': {cause}") from cause
