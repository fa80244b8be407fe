"""The latent directions that change the sound most, named by number: what the app's other sliders move along."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor, nn

from gansynth_core.cards import Direction
from gansynth_core.generators.studio import StudioGenerator
from gansynth_core.latent import sample
from gansynth_core.specgram import Representation
from gansynth_core.synth import Synth

Array = npt.NDArray[Any]

COMPONENTS = 8
SOUNDS = 96  # at which the effect of moving z is measured
FRAMES_HEARD, BANDS_HEARD = 16, 32
BATCH = 16
STEP = 2.0  # standard deviations up and down, over which the effect of moving z is measured
AUDIBLE = 0.02  # RMS change of the normalised level per standard deviation (1.1 dB) that a slider should have
LONGEST = 3.0  # as far as a weak direction is lengthened to have it


@torch.inference_mode()
def latent_directions(
    generator: StudioGenerator,
    spec: Representation,
    instruments: int,
    pitches: tuple[int, int],
    *,
    count: int = 8,
    sounds: int | None = None,
    seed: int = 0,
    beside: Array | None = None,
) -> tuple[Direction, ...]:
    """The `count` strongest orthogonal directions of z, strongest first, at right angles to the rows of `beside`
    [any, latent].

    Looked for among the directions along which real notes differ most (those of the generator's prior). At `sounds`
    (SOUNDS) random sounds (instrument, pitch within `pitches` (lowest, highest MIDI), z) each of those is moved up
    and down; half the difference of the two is its effect on the levels heard in time and frequency. The right singular
    vectors of all effects are the directions, as principal components are for a covariance. A direction has length 1,
    or up to LONGEST where that little would hardly be heard; upwards is brighter.
    """
    device = next(generator.parameters()).device
    candidates = generator.prior.directions  # [candidates, latent], orthonormal
    if beside is not None and len(beside):
        free = _at_right_angles(candidates.cpu().numpy(), beside)
        candidates = torch.from_numpy(free).to(candidates)
    random = torch.Generator().manual_seed(seed)
    frames = torch.linspace(0, 0.8 * (spec.frames - 1), FRAMES_HEARD).long()  # the last fifth is release
    effects = []
    for _ in range(sounds or SOUNDS):
        z = torch.randn(1, candidates.shape[1], generator=random).to(device)
        chosen = torch.randint(instruments, (1,), generator=random)
        weights = nn.functional.one_hot(chosen, instruments).float().to(device)
        pitch = torch.randint(pitches[0], pitches[1] + 1, (1,), generator=random).float().to(device)
        moved = torch.cat([z + STEP * candidates, z - STEP * candidates])
        levels = []
        for part in moved.split(BATCH):
            size = len(part)
            features = generator.grow(
                generator.place(part, weights.expand(size, -1), pitch.expand(size)), pitch.expand(size)
            )
            spectrum = generator.spectrum(features[:, frames], generator.harmonic_basis(pitch).expand(size, -1, -1))
            levels.append(_bands(spectrum.log_magnitude.clamp(-1, 1), generator.band_weights).flatten(1).cpu())
        up, down = torch.cat(levels).chunk(2)
        effects.append((up - down) / (2 * STEP))
    effect = torch.stack(effects)  # [sounds, candidates, heard]
    _, strength, mixtures = np.linalg.svd(effect.transpose(1, 2).flatten(0, 1).numpy(), full_matrices=False)
    rms = strength / np.sqrt(effect[:, 0].numel())
    directions = []
    for number, (mixture, size) in enumerate(zip(mixtures[:count], rms, strict=False), 1):
        mean_effect = torch.from_numpy(mixture) @ effect.mean(dim=0)
        upwards = np.sign(_tilt(mean_effect.reshape(FRAMES_HEARD, BANDS_HEARD).numpy())) or 1.0
        length = min(LONGEST, max(1.0, AUDIBLE / max(float(size), 1e-9)))
        vector = upwards * length * (mixture @ candidates.cpu().numpy())
        directions.append(Direction(f"component {number}", tuple(np.round(vector, 5).tolist())))
    return tuple(directions)


def _at_right_angles(rows: Array, beside: Array) -> Array:
    """Orthonormal rows for the part of the space of orthonormal `rows` [n, latent] at right angles to `beside`."""
    rows = rows[np.linalg.norm(rows, axis=1) > 0.5]  # of a small latent, some of the prior's are zero
    unit = beside / np.linalg.norm(beside, axis=1, keepdims=True)
    _, strength, mixtures = np.linalg.svd(unit @ rows.T)
    return np.asarray(mixtures[int((strength > 1e-6).sum()) :] @ rows)


def _bands(level: Tensor, band_weights: Tensor) -> Tensor:
    """[batch, frames, bins] -> mean level in BANDS_HEARD groups of the generator's bands [batch, frames, bands]."""
    per_band = level @ (band_weights / band_weights.sum(dim=1, keepdim=True)).T
    return nn.functional.adaptive_avg_pool1d(per_band, BANDS_HEARD)


def _tilt(pattern: Array) -> float:
    """How much more [frames, bands] rises in high bands than in low ones."""
    half = pattern.shape[1] // 2
    return float(pattern[:, half:].mean() - pattern[:, :half].mean())


def components(synth: Synth, named: Sequence[Direction], count: int = COMPONENTS, seed: int = 0) -> list[Direction]:
    """The `count` strongest directions at right angles to all named ones, strongest first.

    Studio models know along which directions real notes differ: see `latent_directions`. Of others the principal
    components of what the network makes of z, brought back to z by regression (Harkonen, Hertzmann, Lehtinen & Paris
    2020, "GANSpace", arXiv 2004.02546).
    """
    card, generator = synth.card, synth.generator
    taken = np.array([direction.vector for direction in named]).reshape(-1, card.latent_size)
    if isinstance(generator, StudioGenerator):
        pitches = card.pitch_low, card.pitch_high
        found = latent_directions(
            generator, card.specgram, len(card.instruments), pitches, count=count, seed=seed, beside=taken
        )
        return list(found)
    timbres = sample(card, 4 * card.latent_size, seed)
    made = synth.embed(timbres, [float((card.pitch_low + card.pitch_high) // 2)] * len(timbres)).astype(float)
    z = np.array([timbre.z for timbre in timbres])
    z_beside = z - z @ np.linalg.pinv(taken) @ taken if len(taken) else z
    slopes = np.linalg.lstsq(z_beside, made - made.mean(axis=0), rcond=None)[0]  # [latent, numbers]
    vectors = np.linalg.svd(slopes, full_matrices=False)[0].T[:count]
    return [
        Direction(f"component {number}", tuple(np.round(vector, 5).tolist()))
        for number, vector in enumerate(vectors, 1)
    ]
