"""Magenta's GANSynth generator (Engel et al. 2019, arXiv 1902.08710; magenta/models/gansynth/lib/networks.py), number
for number: an imported checkpoint makes the picture that the original made.

A progressive GAN (Karras et al. 2018, arXiv 1710.10196): blocks of two 3x3 convolutions, each block at twice the size
of the one below. While it is trained the network grows: `progress` counts blocks, and a fraction fades the next one in.
Learned kernels have unit variance; each layer scales its result instead ("equalised learning rate").
"""

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from gansynth_core.errors import InputError, ModelError
from gansynth_core.generators.prepared import Prepared
from gansynth_core.specgram import Representation

LEAK = 0.2


class MagentaGenerator(Prepared):
    """See above. Hyperparameters, by Magenta's names:

    fmap_base, fmap_max: block i has min(fmap_base / 2^i, fmap_max) channels. num_blocks: blocks trained so far.
    num_resolutions: blocks of the fully grown network, which doubles its first picture num_resolutions - 1 times to
    reach the whole specgram. progress: 0 .. num_blocks - 1. pitch_low, pitches: the keys of its one-hot labels, MIDI.

    The original is given a pitch and nothing else. With `instruments` the network is also given their weights, after
    the pitch's label.

    In inference (`eval()`, no gradients) it takes a shorter way to the same numbers: only the visible blocks are turned
    into pictures, and each doubling is merged with the convolution after it. What that needs is computed at
    the first call, and again when the weights may have changed: see Prepared.
    """

    def __init__(
        self,
        spec: Representation,
        instruments: int = 0,
        latent_size: int = 256,
        *,
        fmap_base: int = 4096,
        fmap_max: int = 256,
        num_resolutions: int = 7,
        num_blocks: int = 7,
        progress: float = 6.0,
        pitch_low: int = 24,
        pitches: int = 61,
    ) -> None:
        super().__init__()
        if not (1 <= num_blocks <= num_resolutions <= 16 and 0 <= progress <= num_blocks - 1):
            raise ModelError(f"A progress of {progress:g} does not fit a network of {num_blocks} blocks.")
        shrink = 1 << (num_resolutions - 1)
        if spec.frames % shrink or spec.bins % shrink:
            raise ModelError(
                f"{spec.frames} frames of {spec.bins} bins cannot be grown by {num_resolutions} doublings."
            )
        self.spec, self.size = spec, (spec.frames, spec.bins)
        missing = num_resolutions - num_blocks
        self.grown_size = (spec.frames >> missing, spec.bins >> missing)
        self.progress, self.pitch_low, self.pitches = float(progress), pitch_low, pitches
        widths = [channels(block, fmap_base, fmap_max) for block in range(num_blocks + 1)]
        start = (spec.frames // shrink, spec.bins // shrink)
        self.blocks = nn.ModuleList(
            [_FirstBlock(latent_size + pitches + instruments, widths[1], start)]
            + [_Block(widths[block - 1], widths[block]) for block in range(2, num_blocks + 1)]
        )

    def forward(self, z: Tensor, pitch: Tensor, instruments: Tensor | None = None) -> Tensor:
        """z [batch, latent], pitch [batch] whole MIDI keys, instruments [batch, instruments] convex weights (None where
        there are none) -> specgram [batch, 2, frames, bins] in [-1, 1]. Raises InputError for a pitch between keys or
        outside the labels."""
        return _repeated(self.picture(z, pitch, instruments), self.size)

    def picture(self, z: Tensor, pitch: Tensor, instruments: Tensor | None = None) -> Tensor:
        """The specgram in the size that the network has grown to so far, `grown_size`; repeating each of its pixels
        makes the whole. Raises InputError as `forward`."""
        x = self._input(z, pitch, instruments)
        if self.training or torch.is_grad_enabled():
            return self._grow(x, short_way=False)
        if x.device.type != "cpu":
            return self._grow(x, short_way=True)
        return torch.cat(
            [self._grow(one[None], short_way=True) for one in x]
        )  # one at a time fits into the CPU's caches

    def stft(self, z: Tensor, pitch: Tensor, instruments: Tensor | None = None) -> Tensor:
        """Inputs as `forward` -> what its specgram decodes to, complex [batch, frames, bins]."""
        return self.spec.from_specgram(self(z, pitch, instruments))

    def embed(self, z: Tensor, pitch: Tensor, instruments: Tensor | None = None) -> Tensor:
        """Inputs as `forward` -> the first block's features, [batch, numbers]."""
        first: Tensor = self.blocks[0](self._input(z, pitch, instruments), False)
        return first.flatten(1)

    def _input(self, z: Tensor, pitch: Tensor, instruments: Tensor | None) -> Tensor:
        """What the first block sees: [batch, latent + pitches + instruments]."""
        told = [self.one_hot(pitch)] + ([] if instruments is None else [instruments])
        return pixel_norm(torch.cat([z, *(label.to(z.dtype) for label in told)], dim=1))

    def _grow(self, x: Tensor, short_way: bool) -> Tensor:
        """Input vectors [batch, numbers] -> specgram of the grown size."""
        amounts = [self.amount(block) for block in range(1, len(self.blocks) + 1)]
        last = max(index for index, amount in enumerate(amounts) if amount > 0)
        specgram = x.new_zeros(len(x), 2, *self.grown_size)
        for index, (block, amount) in enumerate(zip(self.blocks, amounts, strict=True)):
            if index > last:
                break
            x = block(x, short_way)
            if amount > 0:
                specgram = specgram + amount * _repeated(torch.tanh(block.get_submodule("to_rgb")(x)), self.grown_size)
        return specgram

    def amount(self, block: int) -> float:
        """How visible block 1 .. num_blocks is at this progress, 0 to 1 (networks._generator_alpha)."""
        return max(0.0, min(self.progress - (block - 2), block - self.progress))

    def one_hot(self, pitch: Tensor) -> Tensor:
        """pitch [batch] whole MIDI keys -> [batch, pitches]. Raises InputError."""
        label = pitch.round().long() - self.pitch_low
        if not bool((pitch == pitch.round()).all()):
            between = float(pitch[pitch != pitch.round()][0])
            raise InputError(f"Pitch {between:g} lies between two keys, and this model knows only whole keys.")
        if not bool(((label >= 0) & (label < self.pitches)).all()):
            raise InputError(f"This model knows only the keys {self.pitch_low}-{self.pitch_low + self.pitches - 1}.")
        return functional.one_hot(label, self.pitches)

    def forget(self) -> None:
        for module in self.modules():
            if isinstance(module, ScaledConv):
                module.ready = None


def progress_after(images: int, num_blocks: int, stable: int, fade: int) -> float:
    """How far a network that has `num_blocks` by now has grown after `images` training images, 0 to num_blocks - 1
    (networks.compute_progress): each size is held for `stable` images, and the next one faded in for `fade` more."""
    images = max(0, min(images, num_blocks * stable + (num_blocks - 1) * fade - 1))
    grown, rest = divmod(images, stable + fade)
    return grown + max(0.0, (rest - stable) / fade)


def _repeated(x: Tensor, size: tuple[int, int]) -> Tensor:
    return x if x.shape[2:] == size else functional.interpolate(x, size)


def channels(block: int, fmap_base: int, fmap_max: int) -> int:
    """Channels of a block (networks.num_filters)."""
    return int(min(fmap_base / 2**block, fmap_max))


def pixel_norm(x: Tensor) -> Tensor:
    """Channels to unit mean square at each place (layers.pixel_norm, which has this epsilon)."""
    return x * torch.rsqrt((x * x).mean(dim=1, keepdim=True) + 1e-8)


def _active(x: Tensor) -> Tensor:
    return pixel_norm(functional.leaky_relu(x, LEAK))


class ScaledConv(nn.Module):
    """A convolution whose kernel is drawn from N(0, 1) and whose result, without the bias, is multiplied by
    sqrt(2 / ((1 + slope^2) fan-in)) (layers.he_initializer_scale; slope 1 where no rectifier follows)."""

    def __init__(self, inputs: int, outputs: int, kernel: tuple[int, int], *, rectified: bool = True) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.randn(outputs, inputs, *kernel))
        self.bias = nn.Parameter(torch.zeros(outputs))
        self.scale = math.sqrt((2 if rectified else 1) / (inputs * math.prod(kernel)))
        self.ready: Tensor | None = None  # the kernel as the short way takes it

    def forward(self, x: Tensor, padding: int | tuple[int, int] = 0) -> Tensor:
        return functional.conv2d(x, self.weight * self.scale, self.bias, padding=padding)

    def short(self, x: Tensor, padding: int = 0) -> Tensor:
        """The same with the kernel scaled and laid out once."""
        if self.ready is None:
            self.ready = (self.weight * self.scale).contiguous(memory_format=torch.channels_last)
        return functional.conv2d(x, self.ready, self.bias, padding=padding)

    def short_from_vector(self, x: Tensor) -> Tensor:
        """x [batch, inputs] as a picture of one place, padded with zeros until the kernel can start at each of its own
        places: every place of the result meets x once, with the kernel's opposite place."""
        if self.ready is None:
            self.ready = (self.weight * self.scale).flip(2, 3).permute(1, 2, 3, 0).flatten(1).contiguous()
        height, width = self.weight.shape[2:]
        x = (x @ self.ready).unflatten(1, (height, width, -1)) + self.bias
        return x.permute(0, 3, 1, 2)  # as it lies in memory, channels are last: what CPU convolutions like best

    def short_after_doubling(self, x: Tensor) -> Tensor:
        """x doubled by repetition and then convolved 3x3, as one transposed convolution with stride 2.

        Of the nine products that make a place of the larger picture, those that meet the same place of the smaller one
        are added beforehand: four remain. As a kernel that is the 3x3 one spread by a 2x2 box.
        """
        if self.ready is None:
            turned = (self.weight * self.scale).flip(2, 3).transpose(0, 1)
            spread = functional.pad(turned, (0, 1, 0, 1)) + functional.pad(turned, (1, 0, 0, 1))
            spread += functional.pad(turned, (0, 1, 1, 0)) + functional.pad(turned, (1, 0, 1, 0))
            self.ready = spread.contiguous(memory_format=torch.channels_last)
        return functional.conv_transpose2d(x, self.ready, self.bias, stride=2, padding=1)


class _FirstBlock(nn.Module):
    """From a vector to the smallest picture."""

    def __init__(self, inputs: int, width: int, size: tuple[int, int]) -> None:
        super().__init__()
        self.padding = (size[0] - 1, size[1] - 1)
        self.conv0 = ScaledConv(inputs, width, size)
        self.conv1 = ScaledConv(width, width, (3, 3))
        self.to_rgb = ScaledConv(width, 2, (1, 1), rectified=False)

    def forward(self, x: Tensor, short_way: bool) -> Tensor:
        if short_way:
            return _active(self.conv1.short(_active(self.conv0.short_from_vector(x)), 1))
        x = _active(self.conv0(x[:, :, None, None], self.padding))
        return _active(self.conv1(x, 1))


class _Block(nn.Module):
    """Double the picture, then two convolutions."""

    def __init__(self, inputs: int, width: int) -> None:
        super().__init__()
        self.conv0 = ScaledConv(inputs, width, (3, 3))
        self.conv1 = ScaledConv(width, width, (3, 3))
        self.to_rgb = ScaledConv(width, 2, (1, 1), rectified=False)

    def forward(self, x: Tensor, short_way: bool) -> Tensor:
        if short_way:
            return _active(self.conv1.short(_active(self.conv0.short_after_doubling(x)), 1))
        x = functional.interpolate(x, scale_factor=2, mode="nearest")
        return _active(self.conv1(_active(self.conv0(x, 1)), 1))
