"""The critics of the textures stage: each looks at patches of a note's log-magnitudes as at a picture.

What wavers in a note, and how, is to be seen in a few partials over a few frames, whatever the instrument: so a critic
that sees no more than that (PatchGAN: Isola et al. 2017, arXiv 1611.07004) learns from a few thousand notes, where one
that hears whole notes needs millions. Two of them share the work. *Fine* sees every bin of some consecutive frames;
*slow* sees every second frame of the whole note, and of these the levels of eight bins together.

Both are told where the partials of the key lie and at which frequency they look, so that they need not know the key.
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.parametrizations import weight_norm

from gansynth_core.pitches import pitch_hz
from gansynth_core.specgram import SpecgramSpec

LEAK = 0.2
# Of the log-magnitude in nepers: critics are shown ln(e^x + e^FLOOR). Below it a made note still has grain, and a
# stored one has only its minimum.
FLOOR = -4.5
BAND = 8  # bins of the slow critic's bands
FINE_KERNELS = ((3, 7), (3, 7), (3, 5), (3, 5))  # frames, bins
FINE_STRIDES = ((1, 2), (2, 3), (2, 2), (1, 2))
FINE_WIDTHS = (1, 2, 4, 5)  # channels, in units of the narrowest
SLOW_KERNELS = ((5, 5), (5, 5), (5, 5))
SLOW_STRIDES = ((1, 2), (2, 2), (2, 2))
SLOW_WIDTHS = (1, 2, 4)
MARKS = 3  # what a critic is told of each place beside the level: see `marks`


class PatchCritic(nn.Module):
    """How real each patch of a picture is: convolutions with normalised weights (Salimans & Kingma 2016, arXiv
    1602.07868), nothing that would carry anything from one patch to another."""

    def __init__(
        self, kernels: tuple[tuple[int, int], ...], strides: tuple[tuple[int, int], ...], widths: list[int]
    ) -> None:
        super().__init__()
        channels = [1 + MARKS, *widths]
        self.layers = nn.ModuleList(
            weight_norm(nn.Conv2d(before, after, kernel, stride, (kernel[0] // 2, kernel[1] // 2)))
            for before, after, kernel, stride in zip(channels, widths, kernels, strides, strict=False)
        )
        self.score = weight_norm(nn.Conv2d(widths[-1], 1, 3, padding=1))

    def forward(self, picture: Tensor) -> list[Tensor]:
        """picture [batch, 1 + MARKS, frames, places] -> the features of every layer, and last the scores of all patches
        [batch, 1, ...], higher for more real."""
        x, found = picture, []
        for layer in self.layers:
            x = functional.leaky_relu(layer(x), LEAK)
            found.append(x)
        return [*found, self.score(x)]


class PatchCritics(nn.Module):
    """The fine and the slow critic, and the pictures that they look at."""

    def __init__(self, spec: SpecgramSpec, fine_width: int, slow_width: int) -> None:
        """fine_width, slow_width: channels of their first layers."""
        super().__init__()
        self.spec = spec
        self.fine = PatchCritic(FINE_KERNELS, FINE_STRIDES, [fine_width * width for width in FINE_WIDTHS])
        self.slow = PatchCritic(SLOW_KERNELS, SLOW_STRIDES, [slow_width * width for width in SLOW_WIDTHS])
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]  # torch's types lack this way

    def pictures(self, nepers: Tensor, pitch: Tensor, consecutive: int, slow_at: Tensor) -> tuple[Tensor, Tensor]:
        """Log-magnitudes in nepers [batch, heard, bins], pitch [batch] MIDI -> what the fine critic looks at, the first
        `consecutive` frames [batch, 1 + MARKS, consecutive, bins]; and the slow one, those at `slow_at` [frames], in
        bands [batch, 1 + MARKS, frames, bins / BAND]."""
        floored = torch.logaddexp(nepers, torch.full_like(nepers, FLOOR))
        told = self.marks(pitch)
        fine = self._picture(floored[:, :consecutive], told)
        power = (2 * floored[:, slow_at]).exp().unflatten(2, (-1, BAND)).mean(dim=3)
        slow = self._picture(power.log() / 2, told.unflatten(2, (-1, BAND)).mean(dim=3))
        return fine, slow

    def marks(self, pitch: Tensor) -> Tensor:
        """pitch [batch] MIDI -> what is said of every bin [batch, MARKS, bins]: how near it is to a partial, within one
        bin and as the cosine of its place between two of them; and its own height, -1 to 1 over the octaves."""
        place = torch.arange(1, self.spec.bins + 1, device=pitch.device)
        f0 = (pitch_hz(pitch) / self.spec.bin_hz)[:, None]
        distance = place - (place / f0).round().clamp_min(1) * f0
        near = (-((distance / 0.8) ** 2).clamp_max(50)).exp()
        height = (2 * place.log2() / math.log2(self.spec.bins) - 1).expand_as(near)
        return torch.stack([near, torch.cos(2 * math.pi * place / f0), height], dim=1)

    def _picture(self, nepers: Tensor, told: Tensor) -> Tensor:
        levels = self.spec.normalize(nepers)[:, None]
        picture = torch.cat([levels, told[:, :, None].expand(-1, -1, levels.shape[2], -1)], dim=1)
        return picture.contiguous(memory_format=torch.channels_last)

    def forward(self, pictures: tuple[Tensor, Tensor]) -> tuple[list[Tensor], list[Tensor]]:
        """What the fine and the slow critic find in `pictures`: see PatchCritic."""
        fine: list[Tensor] = self.fine(pictures[0])
        slow: list[Tensor] = self.slow(pictures[1])
        return fine, slow


def critic_loss(real: list[Tensor], made: list[Tensor]) -> Tensor:
    """The hinge loss (Lim & Ye 2017, arXiv 1705.02894) of one critic by the scores it gives, the last of what it finds
    in real and in made notes: 2 where it cannot tell them apart, 0 where it is sure."""
    return functional.relu(1 - real[-1].float()).mean() + functional.relu(1 + made[-1].float()).mean()


def matching_loss(real: list[Tensor], made: list[Tensor]) -> Tensor:
    """How far what a critic finds in made notes is from what it finds in their real ones: the mean over its layers of
    the mean absolute difference, in units of the real features' mean size (Larsen et al. 2016, arXiv 1512.09300)."""
    layers = [
        (a.float() - b.float()).abs().mean() / a.float().abs().mean().clamp_min(1e-3)
        for a, b in zip(real[:-1], made[:-1], strict=True)
    ]
    return torch.stack(layers).mean()
