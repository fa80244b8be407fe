"""A timbre brought nearer to an own sound: first within the model, by gradients of z and the instruments' weights, then
by an imprint, which holds what is left.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional

from gansynth_core.cards import ModelCard
from gansynth_core.generators.studio import StudioGenerator
from gansynth_core.imprint import BANDS, BODY_BANDS, MOMENTS, Imprint, bands_of, moments_of
from gansynth_core.latent import Z_LIMIT, Timbre
from gansynth_core.specgram import Representation
from gansynth_core.spectrum import FLOOR_DB, FRAME_DB

DB_PER_NEPER = 20 / np.log(10)
MOST_INSTRUMENTS = 6  # that a refined timbre mixes
LEAST_WEIGHT = 0.01
FIRST_WEIGHT = 0.004  # of an instrument that the start lacks
Z_RATE, WEIGHT_RATE, LAST_RATE = 0.03, 0.1, 0.1  # Adam's steps, and the share of them that is left at the end
LEASH = 0.001  # dB for a squared distance of 1 from the encoder's z: what is near it sounds well at other keys, too
LOUD_NEPERS = 3.0  # below the peak: the bins by which two levels are brought together
POOLS = (
    (1, 16),
    (4, 4),
    (8, 32),
)  # frames x bins over which power is averaged, so that the grain of noise is not fitted
POOLED_SHARE = 0.5
IMPRINT_ROUNDS, SOLVER_STEPS = 3, 40
BODY_EASE, PARTIALS_EASE = 2.5, 8.0  # bins that must agree before a value of the imprint follows them half way


class Refinement:
    """Gradient steps from `start` towards `note` float32 [samples], which sounds at `pitch` (MIDI); of its frames the
    first `frames` count. others: instruments that may be mixed in, the likeliest first; none leaves the weights alone.

    The loss is, in dB, `spectrum.log_spectral_distance` on the network's own magnitudes, before any noise, and the same
    of power averaged over POOLS, with a leash to the start.
    """

    def __init__(
        self,
        generator: StudioGenerator,
        card: ModelCard,
        note: NDArray[np.float32],
        pitch: float,
        start: Timbre,
        *,
        frames: int,
        others: tuple[str, ...],
        steps: int,
    ) -> None:
        device = generator.band_weights.device
        self._generator, self._card, self._frames, self._steps = generator, card, frames, steps
        own = sorted(start.instruments, key=lambda pair: -pair[1])
        names = [name for name, _ in own]
        self._names = list(dict.fromkeys([*names, *others]))[: max(MOST_INSTRUMENTS, len(names))] if others else names
        weights = [max(dict(own).get(name, 0.0), FIRST_WEIGHT) for name in self._names]
        self._columns = torch.tensor([card.instruments.index(name) for name in self._names], device=device)
        self._start = torch.tensor([start.z], dtype=torch.float32, device=device)
        self._z = self._start.clone().requires_grad_()
        self._logits = torch.tensor(weights, device=device).log().requires_grad_()
        self._pitch = torch.tensor([float(pitch)], device=device)
        self._basis = generator.harmonic_basis(self._pitch)
        wave = torch.from_numpy(note)[None].to(device)
        self._wanted = card.specgram.stft(wave).abs().clamp_min(1e-9).log()[:, :frames]
        self._peak = self._wanted.amax()
        self._floor = self._peak + FLOOR_DB / DB_PER_NEPER
        self._pools = self._pooled(self._wanted.clamp_min(self._floor))
        moved = [{"params": [self._z], "lr": Z_RATE}] + (
            [{"params": [self._logits], "lr": WEIGHT_RATE}] if others else []
        )
        self._adam = torch.optim.Adam(moved)
        self._best = float("inf"), self._z.detach().clone(), self._logits.detach().clone()

    def step(self) -> None:
        """Take one step."""
        with torch.enable_grad():
            distance, pooled = self._distances()
            self._remember(distance)
            away = (self._z - self._start).square().sum()
            loss = distance + POOLED_SHARE * pooled + LEASH * away
            self._adam.zero_grad()
            loss.backward()
        self._adam.step()
        for group in self._adam.param_groups:
            group["lr"] *= LAST_RATE ** (1 / self._steps)

    @torch.no_grad()
    def timbre(self) -> Timbre:
        """The nearest so far."""
        self._remember(self._distances()[0])
        _, z, logits = self._best
        shares = dict(zip(self._names, logits.softmax(dim=0).tolist(), strict=True))
        kept = {name: share for name, share in shares.items() if share >= LEAST_WEIGHT}
        return Timbre.of(self._card, z[0].clamp(-Z_LIMIT, Z_LIMIT), kept)

    def _remember(self, distance: Tensor) -> None:
        if float(distance.detach()) < self._best[0]:
            self._best = float(distance.detach()), self._z.detach().clone(), self._logits.detach().clone()

    def _distances(self) -> tuple[Tensor, Tensor]:
        """Both in dB: how far the network's magnitudes are from those wanted, and how far their averages are."""
        size = len(self._card.instruments)
        shares = torch.zeros(1, size, device=self._z.device).index_add(1, self._columns, self._logits.softmax(0)[None])
        place = self._generator.place(self._z, shares, self._pitch)
        spectrum = self._generator.spectrum(self._generator.grow(place, self._pitch), self._basis)
        made = self._card.specgram.denormalize(spectrum.log_magnitude[:, : self._frames])  # type: ignore[attr-defined]
        loud = self._wanted > self._peak - LOUD_NEPERS
        made = made + (self._wanted - made.detach())[loud].mean()
        floor = self._floor
        # A bin below the floor is drawn up only where the sound has something.
        differs = (self._wanted > floor) | (made > floor)
        difference = torch.where(differs, self._wanted.clamp_min(floor) - made.clamp_min(floor - 1), 0.0)
        sounding = torch.maximum(self._wanted, made.detach()).amax(dim=2) > self._peak + FRAME_DB / DB_PER_NEPER
        each = (difference.square().mean(dim=2) + 1e-4).sqrt()
        distance = (each * sounding).sum() / sounding.sum().clamp_min(1)
        averages = zip(self._pools, self._pooled(made.clamp_min(floor)), strict=True)
        pooled = torch.stack([(wanted - got).abs().mean() for wanted, got in averages]).mean()
        return distance * DB_PER_NEPER, pooled * DB_PER_NEPER

    @staticmethod
    def _pooled(nepers: Tensor) -> list[Tensor]:
        power = (2 * nepers).exp()[:, None]
        pools = [pool for pool in POOLS if pool[0] <= nepers.shape[1]]
        averages = (functional.avg_pool2d(power, pool, [max(1, side // 2) for side in pool]) for pool in pools)
        return [average.clamp_min(1e-12).log() / 2 for average in averages]


def imprint_between(
    wanted: NDArray[np.float32], made: NDArray[np.float32], spec: Representation, pitch: float, frames: int
) -> Imprint | None:
    """The imprint that brings the levels of a note at `pitch` (MIDI) from `made` nearest to those `wanted`, both dB
    [frames, bins] from `spectrum.levels_db`, over the first `frames` frames.

    Least squares over the bins that are audible in one of the two, each value held back by a ridge, so that none
    follows a few bins of noise. Solved by conjugate gradients, anew as bins become audible.
    """
    wanted, made = wanted[:frames], made[:frames]
    moments, bands = moments_of(spec)[:frames], bands_of(spec, pitch)
    peak = wanted.max()
    floor = peak + FLOOR_DB
    ease = np.repeat(np.array([BODY_EASE, PARTIALS_EASE], np.float32), [BODY_BANDS, BANDS - BODY_BANDS])
    grid = np.zeros((len(MOMENTS), BANDS), np.float32)
    power = _power(made)
    for _ in range(IMPRINT_ROUNDS):
        corrected = made + moments @ grid @ bands
        corrected += np.float32(10 * np.log10(power / _power(corrected)))  # a note's own level is no part of it
        louder = np.maximum(wanted, corrected)
        counts = ((louder > floor) & (louder.max(axis=1, keepdims=True) > peak + FRAME_DB)).astype(np.float32)
        missing = np.maximum(wanted, floor) - np.maximum(corrected, floor) + moments @ grid @ bands
        grid = _solved(moments, bands, counts, moments.T @ (counts * missing) @ bands.T, ease, grid)
    return Imprint.of(grid)


def _power(levels: NDArray[np.floating]) -> float:
    return float((10 ** (levels / 10)).mean())


def _solved(
    moments: NDArray[np.float32],
    bands: NDArray[np.float32],
    counts: NDArray[np.float32],
    wanted: NDArray[np.float32],
    ease: NDArray[np.float32],
    grid: NDArray[np.float32],
) -> NDArray[np.float32]:
    """grid such that moments' (counts * (moments grid bands)) bands' + ease * grid = wanted, from a first guess."""

    def applied(values: NDArray[np.float32]) -> NDArray[np.float32]:
        return moments.T @ (counts * (moments @ values @ bands)) @ bands.T + ease * values

    rest = wanted - applied(grid)
    way, length = rest.copy(), float((rest * rest).sum())
    for _ in range(SOLVER_STEPS):
        if length < 1e-6:
            break
        turned = applied(way)
        step = length / float((way * turned).sum())
        grid, rest = grid + step * way, rest - step * turned
        before, length = length, float((rest * rest).sum())
        way = rest + length / before * way
    return grid
