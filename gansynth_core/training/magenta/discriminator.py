"""Magenta's GANSynth discriminator with its auxiliary classifier of pitch (magenta/models/gansynth/lib/networks.py,
network_functions.py), number for number. It grows with the generator: see generators/magenta.py."""

import torch
from torch import Tensor, nn
from torch.nn import functional

from gansynth_core.generators.magenta import LEAK, ScaledConv, channels
from gansynth_core.specgram import MelSpecgramSpec


class MagentaDiscriminator(nn.Module):
    """Hyperparameters as MagentaGenerator's; the two are built with the same ones. Where there are instruments, which
    the original is not told, there is a classifier of them too."""

    def __init__(
        self,
        spec: MelSpecgramSpec,
        *,
        fmap_base: int = 4096,
        fmap_max: int = 256,
        num_resolutions: int = 7,
        num_blocks: int = 7,
        progress: float = 6.0,
        pitches: int = 61,
        instruments: int = 0,
    ) -> None:
        super().__init__()
        self.spec, self.progress = spec, float(progress)
        widths = [channels(block, fmap_base, fmap_max) for block in range(num_blocks + 1)]
        shrink = 1 << (num_resolutions - 1)
        self.start = (spec.frames // shrink, spec.bins // shrink)
        last = ScaledConv(widths[1], widths[0], self.start)
        blocks = [_Block(widths[1], ScaledConv(widths[1] + 1, widths[1], (3, 3)), last)]  # + 1: see spread()
        for block in range(2, num_blocks + 1):
            conv0 = ScaledConv(widths[block], widths[block], (3, 3))
            blocks.append(_Block(widths[block], conv0, ScaledConv(widths[block], widths[block - 1], (3, 3))))
        self.blocks = nn.ModuleList(blocks)
        self.logits = ScaledConv(widths[0], 1, (1, 1), rectified=False)
        self.pitch_logits = ScaledConv(widths[0], pitches, (1, 1), rectified=False)
        self.instrument_logits = ScaledConv(widths[0], instruments, (1, 1), rectified=False) if instruments else None

    def forward(self, mel: Tensor) -> tuple[Tensor, ...]:
        """Log mel power and instantaneous frequency [batch, 2, frames, bins], *not* normalised: gradients, and with
        them the gradient penalty, are in those units -> how real each is [batch], higher is more real, the logits of
        its pitch [batch, pitches] and, where there are any, of its instrument [batch, instruments]. The answer for one
        depends on the others of its batch."""
        return self.judge(self.spec.normalize(mel))

    def judge(self, specgram: Tensor, group: int | None = None) -> tuple[Tensor, ...]:
        """The same for specgrams that are normalised, and of the whole size or of that the network has grown to
        (MagentaGenerator.picture): it sees no finer than that. Each is compared with those of its `group` of that many
        in a row only (None: with the whole batch, which must be a multiple of the group)."""
        specgram = specgram.clamp(-1, 1)
        top = len(self.blocks)
        x = self._seen(specgram, top)
        for block in range(top, 1, -1):
            x = functional.avg_pool2d(self._block(block).convolve(x, padding=1), 2)
            fresh = min(1.0, max(0.0, block - 1 - self.progress))  # 1: this block is not part of the network yet
            if fresh > 0:
                x = fresh * self._seen(specgram, block - 1) + (1 - fresh) * x
        x = torch.cat([x, spread(x, group).expand(len(x), 1, *x.shape[2:])], dim=1)
        x = self._block(1).convolve(x, padding=0)
        heads = [self.pitch_logits] + ([self.instrument_logits] if self.instrument_logits else [])
        return self.logits(x).flatten(), *(head(x).flatten(1) for head in heads)

    def _block(self, number: int) -> "_Block":
        """Number 1 is the last that a picture goes through."""
        block = self.blocks[number - 1]
        assert isinstance(block, _Block)
        return block

    def _seen(self, specgram: Tensor, block: int) -> Tensor:
        """What `block` sees of the picture: averaged to its own size, as channels."""
        shrink = specgram.shape[2] // (self.start[0] << (block - 1))
        if shrink > 1:
            specgram = functional.avg_pool2d(specgram, shrink)
        return functional.leaky_relu(self._block(block).from_rgb(specgram), LEAK)


class _Block(nn.Module):
    def __init__(self, width: int, conv0: ScaledConv, conv1: ScaledConv) -> None:
        super().__init__()
        self.from_rgb = ScaledConv(2, width, (1, 1))
        self.conv0, self.conv1 = conv0, conv1

    def convolve(self, x: Tensor, padding: int) -> Tensor:
        """Both convolutions; `padding` is the second one's."""
        x = functional.leaky_relu(self.conv0(x, 1), LEAK)
        return functional.leaky_relu(self.conv1(x, padding), LEAK)


def spread(x: Tensor, group: int | None = None) -> Tensor:
    """How different the items of a group are, one number: the mean standard deviation (Karras et al. 2018, section 3;
    layers.minibatch_mean_stddev, which has this epsilon). x [batch, ...] -> [batch, 1, 1, 1], alike within a group."""
    group = group or len(x)
    deviation: Tensor = (x.unflatten(0, (-1, group)).var(dim=1, correction=0) + 1e-6).sqrt()
    return deviation.flatten(1).mean(dim=1).repeat_interleave(group)[:, None, None, None]
