"""Reconstruction, the first stage: the generator learns to rebuild notes from what an encoder hears in them.

The adversarial stage takes over from its weights. The loss of a note is that of losses.py + a hinge on the nats that
its latent carries (after Burgess et al. 2018, arXiv 1804.03599) + the encoder's cross-entropy on the instruments. Notes
of two layers have weights over both instruments, as a player's morph has.
"""

import copy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gansynth_core.errors import InputError
from gansynth_core.generators.encoder import StudioEncoder
from gansynth_core.generators.studio import StudioGenerator
from gansynth_core.training.config import ReconstructionConfig
from gansynth_core.training.data.dataset import Indices, NoteSet, StoredNotes
from gansynth_core.training.graphs import Recorded
from gansynth_core.training.parallel import Processes
from gansynth_core.training.studio.growth import grow_instruments
from gansynth_core.training.studio.losses import reconstruction_loss
from gansynth_core.training.studio.model import (
    build_studio_generator,
    read_studio_model,
    studio_spec,
    write_studio_model,
)
from gansynth_core.training.studio.prior import fit_prior, unfit_prior
from gansynth_core.training.studio.schedule import learning_rate


class Batch(NamedTuple):
    """What one step learns from. stored: int8 [batch, 2, frames, bins]. pitch: float [batch] MIDI. weights: of the
    instruments, float [batch, instruments]. frames: which ones the loss looks at, int64 [judged]. draw: standard normal
    [batch, latent]."""

    stored: Tensor
    pitch: Tensor
    weights: Tensor
    frames: Tensor
    draw: Tensor


class Reconstruction:
    """Generator and encoder, step by step. In several processes the loss is the mean of theirs. The parts that are not
    means over notes (the tonality's weights, the hinge on the nats) are then computed over each process's share."""

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
        """With a model: continue from it, with its prior unfitted, so that each snapshot fits its own. The set may have
        further instruments."""
        if model is None:
            return
        card, learned, generator, encoder = read_studio_model(model, self.data, {}, more_instruments=True)
        wanted = hyperparameters(self.config) | {"latent_size": self.config.latent_size}
        found = learned | {"latent_size": card.latent_size}
        if other := [f"{name}={found[name]}" for name in wanted if found[name] != wanted[name]]:
            raise InputError(f"'{model}' has other sizes than this recipe. Add --set {' '.join(other)}.")
        if found["texture"]:
            raise InputError(f"'{model}' has a texture, which reconstruction would unlearn. Go on with 'studio-gan'.")
        unfit_prior(generator, encoder)
        generator_state, encoder_state = grow_instruments(generator, encoder, self.data)
        for network in (self.model, self.average):
            network.generator.load_state_dict(generator_state)
            network.encoder.load_state_dict(encoder_state)

    def load(self, step: int, notes: Indices) -> Batch:
        config, share = self.config, self.processes.share(len(notes))
        random = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
        draw = torch.randn(len(notes), config.latent_size, generator=random)[share]
        own = notes[share]
        return Batch(
            stored=self.stored(own),
            pitch=torch.from_numpy(self.data.notes["pitch"][own]),
            weights=self.data.weights(own),
            frames=torch.from_numpy(judged_frames(self.data.spec.frames, config.judged_frames, config.seed, step)),
            draw=draw,
        )

    def step(self, batch: Batch, seen: int) -> dict[str, Tensor | float]:
        config, model = self.config, self.model
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(config, seen)
        loss, parts = self._descend(batch)
        self.processes.average_gradients(model.parameters())
        norm = nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        self.optimizer.step()
        seen += config.batch
        decay = 0.5 ** (config.batch / min(config.ema_notes, 0.1 * seen + config.batch))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(model.parameters()), 1 - decay)
        return {"loss": loss, **parts, "gradient": norm}

    def _gradients(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, its parts, and its gradients in the parameters."""
        self.optimizer.zero_grad(set_to_none=True)
        kind = torch.device(self.processes.device).type
        with torch.autocast(kind, torch.bfloat16, enabled=self.config.precision == "bf16"):
            loss, parts = self.model(batch)
        loss.backward()
        return loss.detach(), parts

    def state(self) -> dict[str, Any]:
        return {
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        self.model.load_state_dict(state["model"])
        self.average.load_state_dict(state["average"])
        self.optimizer.load_state_dict(state["optimizer"])

    @torch.inference_mode()
    def write_snapshot(self, folder: Path, seen: int, facts: dict[str, Any]) -> None:
        """The model after fitting its prior, with the encoder beside it."""
        average = copy.deepcopy(self.average)  # training goes on with the unfitted one
        generator, encoder = average.generator, average.encoder
        fit_prior(generator, encoder, self.data)
        facts = {"stage": "reconstruction"} | facts
        write_studio_model(folder, self.config, self.data, generator, encoder, hyperparameters(self.config), facts)

    def generator_weights(self) -> int:
        return sum(parameter.numel() for parameter in self.model.generator.parameters())


def hyperparameters(config: ReconstructionConfig) -> dict[str, int]:
    """The generator's hyperparameters as its card keeps them."""
    return {name: getattr(config, name) for name in ("channels", "features", "bands", "functions")}


def build(config: ReconstructionConfig, data: NoteSet) -> "ReconstructionLoss":
    """Untrained networks for `data`, initialised from the config's seed."""
    torch.manual_seed(config.seed)
    count = len(data.instruments)
    generator = build_studio_generator(data.spec, count, config.latent_size, hyperparameters(config))
    return ReconstructionLoss(generator, StudioEncoder(studio_spec(data), count, config.latent_size), config)


class ReconstructionLoss(nn.Module):
    """Generator and encoder with the loss that trains both."""

    def __init__(self, generator: StudioGenerator, encoder: StudioEncoder, config: ReconstructionConfig) -> None:
        super().__init__()
        self.generator, self.encoder, self.config = generator, encoder, config

    def forward(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """batch -> (loss, its parts for the progress line)."""
        config, (stored, pitch, weights, frames, draw) = self.config, batch
        # A hidden slice of every second frame knows the sound; scaled like the generator's own log-magnitude.
        heard = self.encoder.heard(stored).to(torch.bfloat16 if config.precision == "bf16" else torch.float32) / 127
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
