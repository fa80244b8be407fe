"""Where the notes of each instrument lie in the latent space, so that a normally distributed z becomes one of them.

A player draws z from N(0, 1). Notes of a real instrument lie around a place of their own, which moves with the pitch
(an instrument sounds different in its low register), and spread more in some directions than in others, in every
instrument differently. Along a few directions of the latent space the prior knows place and spread; z is moved and
turned there.
"""

import torch
from torch import Tensor, nn

DIRECTIONS = 32  # those along which notes of one instrument differ most
KNOTS = 6  # of each instrument's line of places over pitch, an octave apart
LOWEST_KNOT, KNOT_STEP = 24.0, 12.0  # MIDI


class InstrumentPrior(nn.Module):
    """Set once training is done (see training/studio/prior.py); before that it leaves z as it is.

    directions [DIRECTIONS, latent], orthonormal rows or zero. spread [instruments, DIRECTIONS, DIRECTIONS], symmetric:
    so a direction of z means much the same in every instrument. register [instruments, KNOTS, DIRECTIONS].
    """

    directions: Tensor
    spread: Tensor
    register: Tensor

    def __init__(self, instruments: int, latent_size: int) -> None:
        super().__init__()
        self.register_buffer("directions", torch.zeros(DIRECTIONS, latent_size))
        self.register_buffer("spread", torch.eye(DIRECTIONS).repeat(instruments, 1, 1))
        self.register_buffer("register", torch.zeros(instruments, KNOTS, DIRECTIONS))

    def place(self, z: Tensor, instruments: Tensor, pitch: Tensor) -> Tensor:
        """z [batch, latent], weights [batch, instruments], pitch [batch] MIDI -> where that is, [batch, latent]."""
        with torch.autocast(z.device.type, enabled=False):
            along = z @ self.directions.T
            moved = self.places(instruments, pitch) + _times(self.spreads(instruments), along)
            return z + (moved - along) @ self.directions

    def locate(self, point: Tensor, instruments: Tensor, pitch: Tensor) -> Tensor:
        """The inverse of `place`."""
        with torch.autocast(point.device.type, enabled=False):
            along = point @ self.directions.T
            back = self.narrow(along - self.places(instruments, pitch), instruments)
            return point + (back - along) @ self.directions

    def narrow(self, along: Tensor, instruments: Tensor) -> Tensor:
        """Undo the spreads of `instruments` in `along`, [batch, DIRECTIONS]."""
        found: Tensor = torch.linalg.solve(self.spreads(instruments), along)
        return found

    def spreads(self, instruments: Tensor) -> Tensor:
        """Weights [batch, instruments] -> [batch, DIRECTIONS, DIRECTIONS], symmetric."""
        mixed: Tensor = (instruments.float() @ self.spread.flatten(1)).unflatten(1, self.spread.shape[1:])
        return mixed

    def places(self, instruments: Tensor, pitch: Tensor) -> Tensor:
        """The middle of the instruments' notes at `pitch` along the directions, [batch, DIRECTIONS]."""
        lines = (instruments.float() @ self.register.flatten(1)).unflatten(1, self.register.shape[1:])
        places: Tensor = knot_weights(pitch.float())[:, None] @ lines
        return places[:, 0]


def knot_weights(pitch: Tensor) -> Tensor:
    """pitch [batch] MIDI -> weights of the knots [batch, KNOTS], linear in between and constant beyond the ends."""
    place = ((pitch - LOWEST_KNOT) / KNOT_STEP).clamp(0, KNOTS - 1)
    return (1 - (place[:, None] - torch.arange(KNOTS, device=pitch.device)).abs()).clamp_min(0)


def upgrade(weights: dict[str, Tensor], prefix: str, instruments: int) -> None:
    """Convert, in place, weights from before instruments had spreads of their own."""
    if (directions := weights.pop(f"{prefix}stretched", None)) is None:
        return
    factors = weights.pop(f"{prefix}stretch")
    weights[f"{prefix}prior.directions"] = directions
    weights[f"{prefix}prior.spread"] = torch.diag(factors).repeat(instruments, 1, 1)
    weights[f"{prefix}prior.register"] = factors.new_zeros(instruments, KNOTS, DIRECTIONS)


def _times(matrices: Tensor, vectors: Tensor) -> Tensor:
    return (matrices @ vectors[..., None])[..., 0]
