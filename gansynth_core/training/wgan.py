"""The losses of a Wasserstein GAN with gradient penalty (Gulrajani et al. 2017, arXiv 1704.00028)."""

from collections.abc import Callable

import torch
from torch import Tensor


def critic_loss(real: Tensor, fake: Tensor) -> Tensor:
    """Scores of real and of made sounds, [batch] each: what the critic lowers, minus the distance that it sees."""
    return fake.mean() - real.mean()


def generator_loss(fake: Tensor) -> Tensor:
    """Scores of made sounds [batch]: what the generator lowers."""
    return -fake.mean()


def gradient_penalty(
    critic: Callable[[Tensor], Tensor],
    real: Tensor,
    fake: Tensor,
    mix: Tensor,
    units: Tensor | float = 1.0,
    target: float = 1.0,
) -> Tensor:
    """How far the slope of the critic is from `target` between real and fake: the mean of (|slope| / target - 1)^2.

    critic: batch -> scores [batch]. real, fake [batch, ...]. mix [batch]: how far from real to fake, 0 to 1.
    units: change of the critic's input for a change of 1 of what the slope is with respect to, broadcast to the input.
    """
    mix = mix.view(-1, *[1] * (real.dim() - 1))
    between = torch.lerp(real, fake, mix).detach().requires_grad_(True)
    (slope,) = torch.autograd.grad(critic(between).sum(), between, create_graph=True)
    length = torch.linalg.vector_norm((slope * units).flatten(1), dim=1)
    penalty: Tensor = (length / target - 1).square().mean()
    return penalty
