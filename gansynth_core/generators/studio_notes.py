"""The studio generator's notes for playing: what StudioGenerator.stft says of one note, by the shortest way.

The same numbers up to rounding, with a third fewer multiplications and fewer passes over memory:

- Doubling the frames by repetition and the width-3 convolution after it are two products of two taps each.
- A bin lies under two of the bands, so the harmonic product is done in blocks of neighbouring bands.
- What a note's weights and constants are multiplied with once is kept.

A note is worked on in parts of its bins that fit into a core's cache. They are the same parts whichever threads take
them, so that a note's bytes do not depend on the threads.
"""

import functools
import itertools
import math
from typing import TYPE_CHECKING, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn import functional

from gansynth_core.generators.packed import Packed
from gansynth_core.generators.tone_and_noise import (
    MEDIAN_TO_RMS,
    harmonic_shapes,
    pitch_features,
    running_phase,
    tonal_share,
    white_noise,
)
from gansynth_core.threads import together

if TYPE_CHECKING:
    from gansynth_core.generators.studio import StudioGenerator, _GrowingBlock

PARTS = 4  # of a note's bins
LONG_SEED = 190_200  # of the noise of long notes; every pitch has its own
IN_TUNE_FRAMES = 13  # within which a partial that moves comes back to its harmonic: longer than a vibrato's period
CURVED_FRAMES = 64  # of a note whose pitch moves, made at a time
BLENDED = 4  # frames over which a long note's noise turns from the bank's to its own
BLOCK_BANDS = 9  # in a block of the harmonic product: with more, more zeros are multiplied; with fewer, more is begun


class _Doubling(NamedTuple):
    """The weights of a block of the network, laid out for `_doubled`."""

    first: Packed  # to 4 * out: taps of an even frame on the frame before and its own, of an odd one on its own and the
    first_bias: Tensor  # next
    second: Packed  # to 3 * out
    second_bias: Tensor
    when: Tensor  # [frames, out]
    texture: Tensor | None  # [sequences, out]


class _Block(NamedTuple):
    """Neighbouring bins and the bands that they lie under."""

    bins: slice  # of a part
    columns: slice  # of a part's envelopes
    weights: Tensor  # [bands, 1, bins]


class _Part(NamedTuple):
    """Neighbouring bins of a note and the envelopes of the bands that they lie under."""

    bins: slice
    envelopes: Packed  # to 2 * bands * functions: of the log-magnitude, then of the tonality
    residual: Packed  # to 2 * bins, of the same two
    blocks: tuple[_Block, ...]


class Course(NamedTuple):
    """A note whose pitch moves, frame by frame of a tape on which it does not: base [1] MIDI is the pitch there, and
    every frame is played `ratios` [n] (1 or more) times as fast. features [pitches, frames, features] of `grown` at
    rising pitches, of which `keys` [n] says where each frame is, and `frames` [n] where in the note; both may lie in
    between. gains_db [pitches, frames, bins] come on top, or None."""

    base: Tensor
    features: Tensor
    keys: Tensor
    frames: Tensor
    ratios: Tensor
    gains_db: Tensor | None = None

    def features_at(self, part: slice) -> tuple[Tensor, Tensor | None]:
        """Features and gains of the tape's frames `part`."""
        there = None if self.gains_db is None else self._at(self.gains_db, part)
        return self._at(self.features, part), there

    def _at(self, table: Tensor, part: slice) -> Tensor:
        key, frame = self.keys[part], self.frames[part]
        low, first = (
            where.floor().clamp(0, max(0, size - 2)).long()
            for where, size in ((key, len(table)), (frame, table.shape[1]))
        )
        high = (low + 1).clamp_max(len(table) - 1)
        over, on = (key - low)[:, None], (frame - first)[:, None]
        one, other = (torch.lerp(table[row, first], table[row, first + 1], on) for row in (low, high))
        return torch.lerp(one, other, over)


class StudioNotes:
    """The notes of `generator`, whose weights it lays out anew: make another one when they change. Safe in threads."""

    @torch.no_grad()
    def __init__(self, generator: "StudioGenerator") -> None:
        spec = generator.spec
        self.generator, self.spec = generator, spec
        blocks: list[_GrowingBlock] = list(generator.blocks)  # type: ignore[arg-type]
        linear = [layer for layer in generator.condition if isinstance(layer, nn.Linear)]
        self.condition = [Packed(layer.weight, layer.bias, 1) for layer in linear]
        start = generator.start.weight.unflatten(0, (-1, 2)).transpose(0, 1).flatten(0, 1)
        self.start = Packed(start, generator.start.bias.unflatten(0, (-1, 2)).T.flatten(), 1)
        modulations = [block.modulate for block in blocks]
        weight, bias = (torch.cat([getattr(each, name) for each in modulations]) for name in ("weight", "bias"))
        self.modulation = Packed(weight, bias, 1)
        self.doublings = [_doubling(block) for block in blocks]
        parts = PARTS if generator.noise.device.type == "cpu" else 1
        edges = [round(part * spec.bins / parts) for part in range(parts + 1)]
        self.parts = [self._part(first, end) for first, end in itertools.pairwise(edges)]
        grain = generator.noise * math.exp(MEDIAN_TO_RMS)
        self.grain = grain.real.contiguous(), grain.imag.contiguous()

    def _part(self, first: int, end: int) -> _Part:
        generator = self.generator
        functions, weights = generator.functions, generator.band_weights
        under = [set(weights[:, bin_].nonzero()[:, 0].tolist()) for bin_ in range(first, end)]
        low, high = min(map(min, under)), max(map(max, under)) + 1
        rows = torch.arange(2 * functions * generator.bands).view(2, functions, generator.bands)
        rows = rows[:, :, low:high].transpose(1, 2).flatten()  # (of what, band, function)
        blocks, begin = [], 0
        while begin < end - first:
            lowest = min(under[begin])
            bins = [bin_ for bin_ in range(begin, end - first) if max(under[bin_]) < lowest + BLOCK_BANDS]
            bands = slice(lowest, max(map(max, under[begin : bins[-1] + 1])) + 1)
            columns = slice((bands.start - low) * functions, (bands.stop - low) * functions)
            bins_ = slice(begin, bins[-1] + 1)
            there = weights[bands, None, first:end][..., bins_]
            blocks.append(_Block(bins_, columns, there.contiguous()))
            begin = bins[-1] + 1
        both = torch.cat([torch.arange(first, end), torch.arange(first, end) + self.spec.bins])
        frames = self.spec.frames
        return _Part(
            slice(first, end),
            Packed(generator.envelopes.weight[rows], generator.envelopes.bias[rows], frames),
            Packed(generator.residual.weight[both], generator.residual.bias[both], frames),
            tuple(blocks),
        )

    def stft(self, z: Tensor, pitch: Tensor, instruments: Tensor) -> Tensor:
        """As StudioGenerator.stft, of one note: complex [1, frames, bins]."""
        return self.played(self.grown(z, pitch, instruments), pitch)

    def played(self, features: Tensor, pitch: Tensor) -> Tensor:
        """Features of `grown` with the bank's noise and with phases: complex [1, frames, bins]."""
        first = self.generator.noise_place(pitch)
        grain = self.grain[0][first : first + self.spec.frames], self.grain[1][first : first + self.spec.frames]
        return self.voiced(features, pitch, grain)[None]

    def prolonged(self, features: Tensor, pitch: Tensor, on: Tensor, after: int, only: Tensor | None = None) -> Tensor:
        """The note of the features of `grown`, which after its first `after` frames goes through those of `on` [n]:
        complex [1, after + n, bins], or `only` these frames of it. Its phases run on, and its noise is its own for as
        long as the bank's piece lasts, then drawn for it."""
        return self.voiced(features, pitch, self._long_grain(pitch, after + len(on), only), on, after, only)[None]

    def curved(self, course: Course) -> Tensor:
        """A note whose pitch moves, as it is on a tape that slows down and speeds up so that the pitch stays, complex
        [1, n, bins]. Partials are where the tape has them, and envelopes where the ear will: what is above half the
        rate then is left out."""
        spec, functions, bands = self.spec, self.generator.functions, self.generator.bands
        count, bins = len(course.frames), spec.bins
        shapes = harmonic_shapes(course.base, spec, functions)[0]
        loud = shapes.new_zeros(count, bins + 2)
        tonality = shapes.new_empty(count, bins)
        bin_ = torch.arange(1, bins + 1, device=loud.device)
        for begin in range(0, count, CURVED_FRAMES):
            part = slice(begin, min(begin + CURVED_FRAMES, count))
            features, gains_db = course.features_at(part)
            ratio = course.ratios[part, None]
            place = bin_ * ratio - 1
            below = place.floor().clamp(0, bins - 2)
            share, below = (place - below).clamp(0, 1), below.long()

            def moved(x: Tensor, share: Tensor = share, below: Tensor = below) -> Tensor:
                """x [frames, ..., bins] where the tape has it."""
                middle = (slice(None), *[None] * (x.ndim - 2))
                low, high = (x.gather(-1, (below + step)[middle].expand(x.shape)) for step in range(2))
                return torch.lerp(low, high, share[middle])

            envelopes = self.generator.envelopes(features).unflatten(1, (2, functions, bands))
            whole = moved(self.generator.residual(features).unflatten(1, (2, bins)))
            for number in range(functions):
                whole += moved(envelopes[:, :, number] @ self.generator.band_weights) * shapes[number]
            levels, tonality[part] = whole[:, 0].clamp(-1, 1), whole[:, 1]
            # A tape that speeds up spreads noise, not tone, over more of the spectrum.
            spread = 0.5 * ratio.log() * (1 - tonal_share(tonality[part]).square())
            nepers = spec.denormalize(levels) + spread
            if gains_db is not None:
                nepers += moved(gains_db) * (math.log(10) / 20)
            silent = spec.log_magnitude_low - 5  # and above zero, as phases need
            loud[part, 1:-1] = torch.where(place <= bins - 1, nepers, silent).clamp_min(silent).exp()
        stft = torch.empty(count, bins, dtype=torch.complex64, device=loud.device)
        grain = self._long_grain(course.base, count)

        def mixed(part: _Part) -> None:
            self._mixed(part, loud, tonality, course.base, grain, stft, None, 0, IN_TUNE_FRAMES)

        together([functools.partial(mixed, part) for part in self.parts])
        return stft[None]

    def _long_grain(self, pitch: Tensor, frames: int, only: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Noise of unit RMS of `frames` frames, or `only` these of them, by real and imaginary part [frames, bins]."""
        first = int(self.generator.noise_place(pitch))
        random = torch.Generator().manual_seed(LONG_SEED + round(100 * float(pitch)))
        there = None if only is None else only.to(random.device)
        fresh = white_noise(self.spec, 1, frames, random, only=there)[0].to(pitch.device)
        fresh = torch.view_as_real(fresh * math.exp(MEDIAN_TO_RMS))
        own = min(frames, self.spec.frames)
        # From one to the other at constant power.
        at = torch.arange(frames, device=pitch.device) if only is None else only
        early = (at < own).nonzero()[:, 0]
        at = at[early]
        turn = (at - (own - 1 - BLENDED)).clamp(0, BLENDED) * (math.pi / 2 / BLENDED)
        for part in range(2):
            bank = self.grain[part][first + at]
            fresh[early, :, part] = turn.sin()[:, None] * fresh[early, :, part] + turn.cos()[:, None] * bank
        return fresh[..., 0].contiguous(), fresh[..., 1].contiguous()

    def grown(self, z: Tensor, pitch: Tensor, instruments: Tensor) -> Tensor:
        """As StudioGenerator.grow, of one note: features [frames, features]."""
        generator = self.generator
        condition = torch.cat([generator.place(z, instruments, pitch), pitch_features(pitch)], dim=1)
        for layer in self.condition:
            condition = functional.leaky_relu_(layer(condition), 0.2)
        sizes = [4 * doubling.when.shape[1] for doubling in self.doublings]
        modulations = self.modulation(condition)[0].split(sizes)
        noises = generator.texture_of(pitch)[0].split(generator.texture_frames, dim=1)
        x = self.start(condition).view(2, -1)
        for block, doubling, modulation, noise in zip(
            generator.blocks, self.doublings, modulations, noises, strict=True
        ):
            if doubling.texture is not None:
                noise = noise * (1 + block.get_submodule("texture_amount")(condition)[0, :, None])
            x = _doubled(x, doubling, modulation, noise)
        return x

    def voiced(
        self,
        features: Tensor,
        pitch: Tensor,
        grain: tuple[Tensor, Tensor],
        on: Tensor | None = None,
        after: int = 0,
        only: Tensor | None = None,
    ) -> Tensor:
        """features [frames, features], noise of unit RMS by real and imaginary part [frames, bins] each, for any number
        of frames -> complex [frames, bins]. on, after, only: see `prolonged`; there are then as many frames of noise
        as are made."""
        frames, bins = len(features), self.spec.bins
        shapes = harmonic_shapes(pitch, self.spec, self.generator.functions)[0]
        loud = features.new_zeros(frames, bins + 2)  # with silence below the lowest bin and above the highest
        tonality = features.new_empty(frames, bins)
        stft = torch.empty(len(grain[0]), bins, dtype=torch.complex64, device=features.device)

        def spectrum(part: _Part) -> None:
            self._spectrum(part, features, shapes, loud, tonality)

        def mixed(part: _Part) -> None:
            self._mixed(part, loud, tonality, pitch, grain, stft, on, after, only=only)

        together([functools.partial(spectrum, part) for part in self.parts])
        together([functools.partial(mixed, part) for part in self.parts])
        return stft

    def _spectrum(self, part: _Part, features: Tensor, shapes: Tensor, loud: Tensor, tonality: Tensor) -> None:
        """StudioGenerator.spectrum for the bins of `part`: writes magnitudes to `loud`, and `tonality`."""
        bins = part.bins
        width = bins.stop - bins.start
        envelopes, whole = part.envelopes(features), part.residual(features)
        half = envelopes.shape[1] // 2
        for block in part.blocks:
            functions = (block.weights * shapes[:, bins][:, block.bins]).flatten(0, 1)
            for of in range(2):
                columns = envelopes[:, half * of :][:, block.columns]
                whole[:, width * of :][:, block.bins].addmm_(columns, functions)
        levels = whole[:, :width].clamp_(-1, 1)
        torch.exp(self.spec.denormalize(levels), out=loud[:, bins.start + 1 : bins.stop + 1])
        tonality[:, bins] = whole[:, width:]

    def _mixed(
        self,
        part: _Part,
        loud: Tensor,
        tonality: Tensor,
        pitch: Tensor,
        grain: tuple[Tensor, Tensor],
        stft: Tensor,
        on: Tensor | None,
        after: int,
        over: int | None = None,
        only: Tensor | None = None,
    ) -> None:
        """StudioGenerator.mix for the bins of `part` and the level of what it mixed: writes to `stft`."""
        bins, spec = part.bins, self.spec
        phase = running_phase(loud[None, :, bins.start : bins.stop + 2], pitch, spec, bins, on, after, over, only)[0]
        loud, tonality = loud[:, bins.start + 1 : bins.stop + 1], tonality[:, bins]
        if on is not None:
            way = torch.cat([torch.arange(after, device=on.device), on])
            way = way if only is None else way[only]
            loud, tonality = loud[way], tonality[way]
        tonal = tonal_share(tonality)
        rest = torch.addcmul(tonal.new_ones(()), tonal, tonal, value=-1).sqrt_()
        real = phase.cos().mul_(tonal).addcmul_(rest, grain[0][:, bins])
        imag = phase.sin_().mul_(tonal).addcmul_(rest, grain[1][:, bins])
        size = torch.addcmul(real * real, imag, imag).sqrt_()
        low, high = math.exp(spec.log_magnitude_low), math.exp(spec.log_magnitude_high)
        level = loud * size.clamp_min(1e-4)
        level = functional.threshold(level, low, 0.0, inplace=True).clamp_max_(high).div_(size.clamp_min_(1e-12))
        stft[:, bins] = torch.complex(real.mul_(level), imag.mul_(level))


def _doubling(block: "_GrowingBlock") -> _Doubling:
    frames = block.when.shape[-1]
    assert block.first.bias is not None and block.second.bias is not None
    first, second = block.first.weight[:, :, 0].permute(2, 0, 1), block.second.weight[:, :, 0].permute(2, 0, 1)
    return _Doubling(
        Packed(torch.cat([first[0], first[1] + first[2], first[0] + first[1], first[2]]), None, frames // 2),
        block.first.bias.detach(),
        Packed(torch.cat(list(second)), None, frames),
        block.second.bias.detach(),
        block.when[0, :, 0].T.contiguous(),
        block.texture_scale.detach() if block.texture else None,
    )


def _doubled(x: Tensor, weights: _Doubling, modulation: Tensor, noise: Tensor) -> Tensor:
    """_GrowingBlock.forward with channels last: x [frames, in] -> [2 * frames, out]. noise [sequences, 2 * frames]."""
    scale, shift, scale2, shift2 = modulation.chunk(4)
    scale, scale2 = 1 + scale, 1 + scale2
    frames = len(x)
    before, even, odd, after = weights.first(x).view(frames, 4, -1).unbind(1)
    even[1:] += before[:-1]
    odd[:-1] += after[1:]
    y = torch.stack([even, odd], dim=1).flatten(0, 1)
    if weights.texture is not None:
        y.addmm_(noise.T, weights.texture)
    y = torch.addcmul(weights.when + torch.addcmul(shift, weights.first_bias, scale), y, scale)
    y = _normed(y)
    before, at, after = weights.second(y).view(2 * frames, 3, -1).unbind(1)
    at[1:] += before[:-1]
    at[:-1] += after[1:]
    return _normed(torch.addcmul(torch.addcmul(shift2, weights.second_bias, scale2), at, scale2))


def _normed(x: Tensor) -> Tensor:
    x = functional.leaky_relu_(x, 0.2)
    return functional.rms_norm(x, x.shape[-1:], eps=1e-6)
