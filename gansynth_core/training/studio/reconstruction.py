"""Reconstruction, the first stage: the generator learns to make notes again through an encoder and a prior conditioned
on the instrument.

The adversarial stage takes over from its weights. Loss of a note: |log-magnitude error| (loud bins count more)
+ |error| of the levels of whole bands + magnitude-weighted squared error of the tonality + a hinge on the nats its
latent carries (after Burgess et al. 2018, arXiv 1804.03599) + the encoder's cross-entropy on the instruments. Notes of
two layers have weights over both, as a player's morph has.
"""

import copy
import math
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gansynth_core.errors import InputError
from gansynth_core.generators import build_generator
from gansynth_core.generators.encoder import FRAME_STEP, StudioEncoder
from gansynth_core.generators.studio import MEDIAN_TO_RMS, Spectrum, StudioGenerator, tonal_share
from gansynth_core.specgram import SpecgramSpec
from gansynth_core.training.config import AdversarialConfig, ReconstructionConfig
from gansynth_core.training.data.dataset import NoteSet, StoredNotes
from gansynth_core.training.graphs import Recorded
from gansynth_core.training.parallel import Processes
from gansynth_core.training.studio.model import read_studio_model, write_studio_model
from gansynth_core.training.studio.prior import fit_prior, unfit_prior


class Reconstruction:
    """Generator and encoder, step by step. In several processes the loss is the mean of theirs; what of it is no mean
    over notes (the tonality's weights, the hinge on the nats) is then reckoned over each process's share."""

    def __init__(self, config: ReconstructionConfig, data: NoteSet, processes: Processes) -> None:
        self.config, self.data, self.processes = config, data, processes
        processes.share(config.batch)
        self.stored = StoredNotes(data, processes.device)
        self.model = build(config, data).to(processes.device)
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        self.optimizer = torch.optim.Adam(
            self.model.parameters(), lr=config.learning_rate, betas=(0.9, 0.99), fused=True
        )
        self._descend = Recorded(self._gradients, processes.device)

    def begin(self, model: Path | None) -> None:
        """With a model: go on from it, with its prior unfitted, so that each snapshot fits its own."""
        if model is None:
            return
        card, learned, generator, encoder = read_studio_model(model, self.data, {})
        wanted = hyperparameters(self.config) | {"latent_size": self.config.latent_size}
        found = learned | {"latent_size": card.latent_size}
        if other := [f"{name}={found[name]}" for name in wanted if found[name] != wanted[name]]:
            raise InputError(f"'{model}' has other sizes than this recipe: add --set {' '.join(other)}.")
        if found["texture"]:
            raise InputError(f"'{model}' has a texture, which reconstruction would unlearn: go on with 'studio-gan'.")
        unfit_prior(generator, encoder)
        for network in (self.model, self.average):
            network.generator.load_state_dict(generator.state_dict())
            network.encoder.load_state_dict(encoder.state_dict())

    def load(self, step: int, notes: np.ndarray) -> tuple[Tensor, ...]:
        """What ReconstructionLoss takes."""
        config, share = self.config, self.processes.share(len(notes))
        random = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
        draw = torch.randn(len(notes), config.latent_size, generator=random)[share]
        own = notes[share]
        return (
            self.stored(own),
            torch.from_numpy(self.data.notes["pitch"][own]),
            self.data.weights(own),
            torch.from_numpy(judged_frames(self.data.spec.frames, config.judged_frames, config.seed, step)),
            draw,
        )

    def step(self, batch: tuple[Tensor, ...], seen: int) -> dict[str, Tensor]:
        config, model = self.config, self.model
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(config, seen)
        loss, parts = self._descend(*batch)
        self.processes.average_gradients(model.parameters())
        norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        self.optimizer.step()
        seen += config.batch
        decay = 0.5 ** (config.batch / min(config.ema_notes, 0.1 * seen + config.batch))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(model.parameters()), 1 - decay)
        return {"loss": loss, **parts, "gradient": norm}

    def _gradients(self, *batch: Tensor) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, its parts, and its gradients in the parameters."""
        self.optimizer.zero_grad(set_to_none=True)
        kind = torch.device(self.processes.device).type
        with torch.autocast(kind, torch.bfloat16, enabled=self.config.precision == "bf16"):
            loss, parts = self.model(*batch)
        loss.backward()
        return loss.detach(), parts

    def state(self) -> dict:
        return {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def restore(self, state: dict) -> None:
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])

    @torch.inference_mode()
    def write_snapshot(self, folder: Path, seen: int, facts: dict) -> None:
        """The model after fitting its prior, with the encoder beside it."""
        average = copy.deepcopy(self.average)  # training goes on with the unfitted one
        generator, encoder = average.generator, average.encoder
        fit_prior(generator, encoder, self.data)
        facts = {"stage": "reconstruction"} | facts
        write_studio_model(folder, self.config, self.data, generator, encoder, hyperparameters(self.config), facts)

    def generator_weights(self) -> int:
        return sum(parameter.numel() for parameter in self.model.generator.parameters())


def hyperparameters(config: ReconstructionConfig) -> dict:
    """The generator's hyperparameters as its card keeps them."""
    return {name: getattr(config, name) for name in ("channels", "features", "bands", "functions")}


def build(config: ReconstructionConfig, data: NoteSet) -> "ReconstructionLoss":
    """Untrained networks for `data`, initialised from the config's seed."""
    torch.manual_seed(config.seed)
    count = len(data.instruments)
    generator = build_generator(config.family, data.spec, count, config.latent_size, hyperparameters(config))
    return ReconstructionLoss(generator, StudioEncoder(data.spec, count, config.latent_size), config)


def learning_rate(config: ReconstructionConfig, seen: int) -> float:
    """Linear warm-up, constant, then linearly to zero over the last `decay_share` of the run."""
    warmup = min(1.0, (seen + config.batch) / max(1, config.warmup_notes))
    decay = (config.notes - seen) / max(1.0, config.decay_share * config.notes)
    return config.learning_rate * min(warmup, max(0.01, min(1.0, decay)))


class ReconstructionLoss(nn.Module):
    """Generator and encoder with the loss that trains both."""

    def __init__(self, generator: StudioGenerator, encoder: StudioEncoder, config: ReconstructionConfig) -> None:
        super().__init__()
        self.generator, self.encoder, self.config = generator, encoder, config

    def forward(
        self, stored: Tensor, pitch: Tensor, weights: Tensor, frames: Tensor, draw: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """stored int8 [batch, 2, frames, bins], pitch float [batch], instrument weights float [batch, instruments],
        frames int64 [judged], draw standard normal [batch, latent] -> (loss, its parts for the progress line)."""
        config = self.config
        # A hidden slice of every second frame knows the sound; scaled like the generator's own log-magnitude.
        heard = stored[:, 0, ::FRAME_STEP].to(torch.bfloat16 if config.precision == "bf16" else torch.float32) / 127
        summary = self.encoder.summarize(heard)
        logits = self.encoder.instrument_logits(summary).float()
        mean, log_spread = self.encoder.locate_unfitted(summary, weights)
        z = mean + log_spread.exp() * draw
        nats = 0.5 * (mean**2 + (2 * log_spread).exp() - 2 * log_spread - 1).sum(dim=1).mean()

        features = self.generator.grow(self.generator.place(z, weights, pitch), pitch)
        spectrum = self.generator.spectrum(features[:, frames], self.generator.harmonic_basis(pitch))
        rebuilt, parts = reconstruction_loss(spectrum, stored, frames, self.generator, config)
        naming = functional.cross_entropy(logits, weights)
        loss = rebuilt + config.kl_weight * functional.relu(nats - config.kl_nats) + config.instrument_weight * naming
        parts |= {"nats": nats, "naming": naming}
        return loss, {name: part.detach() for name, part in parts.items()}


def reconstruction_loss(
    spectrum: Spectrum,
    stored: Tensor,
    frames: Tensor,
    generator: StudioGenerator,
    config: ReconstructionConfig | AdversarialConfig,
) -> tuple[Tensor, dict[str, Tensor]]:
    """`reconstruction_losses` and `band_loss` as `config` weights them, and each of them by name."""
    magnitude, tonality = reconstruction_losses(spectrum, stored, frames, generator.spec)
    bands = band_loss(spectrum, stored, frames, generator)
    loss = magnitude + config.tonality_weight * tonality + config.band_weight * bands
    return loss, {"magnitude": magnitude, "tonality": tonality, "bands": bands}


def reconstruction_losses(
    spectrum: Spectrum, stored: Tensor, frames: Tensor, spec: SpecgramSpec
) -> tuple[Tensor, Tensor]:
    """Spectrum of the frames at `frames` [judged] and stored int8 [batch, 2, frames, bins] -> (mean weighted
    |log-magnitude error| in nepers, mean weighted squared error of the tonality)."""
    target = stored[:, 0, frames].float() / 127
    nepers = (spec.log_magnitude_high - spec.log_magnitude_low) / 2
    magnitude = nepers * (_heed(target) * (spectrum.log_magnitude.float() - target).abs()).mean()

    # Frame 0 holds a phase, not an advance, so that the first change of the advance is that of frame 2.
    known = frames >= 2
    change = stored[:, 1, frames].float() - stored[:, 1, (frames - 1).clamp_min(0)].float()
    tonality = (change * (math.pi / 127)).cos()
    loud = (3.2 * (target - 0.4)).exp() * known[None, :, None]  # about the square root of the magnitude
    error = (spectrum.tonality.float() - tonality) ** 2
    return magnitude, (loud * error).sum() / loud.sum().clamp_min(1e-6)


def band_loss(spectrum: Spectrum, stored: Tensor, frames: Tensor, generator: StudioGenerator) -> Tensor:
    """Of the same as `reconstruction_losses`: mean weighted |error| of the level of each of the generator's bands, in
    nepers, all its bins together and noise drawn.

    The error bin by bin is least at the medians of what a bin may be: a partial that may lie in either of two bins then
    is in none of them, and noise lies between them. As whole bands they are as loud as real ones.
    """
    spec = generator.spec
    target = stored[:, 0, frames].float() / 127
    tonal = tonal_share(spectrum.tonality.float())
    noise_drawn = tonal**2 + (1 - tonal**2) * math.exp(2 * MEDIAN_TO_RMS)
    bands = generator.band_weights.T
    faint = math.exp(2 * spec.log_magnitude_low)

    def level(power: Tensor) -> Tensor:
        return ((power @ bands) / bands.sum(dim=0) + faint).log() / 2

    made = level((2 * spec.denormalize(spectrum.log_magnitude.float().clamp(-1, 1))).exp() * noise_drawn)
    real = level((2 * spec.denormalize(target)).exp())
    return (_heed(spec.normalize(real)) * (made - real).abs()).mean()


def _heed(level: Tensor) -> Tensor:
    """Weight of an error at a normalised log-magnitude: 1.5 for the loudest, falling to 0.25 for those 70 dB below,
    which the ear hardly reaches."""
    return 0.25 + 1.25 * ((level + 0.7) / 1.2).clamp(0, 1)


def judged_frames(total: int, count: int, seed: int, step: int) -> np.ndarray:
    """Sorted indices of the frames judged at `step`: a third out of the first quarter, where the attack is."""
    random = np.random.default_rng((seed, step, 1))
    early = total // 4
    first = min(count // 3, early)
    return np.sort(
        np.concatenate(
            [
                random.choice(early, first, replace=False),
                early + random.choice(total - early, min(count - first, total - early), replace=False),
            ]
        )
    )
