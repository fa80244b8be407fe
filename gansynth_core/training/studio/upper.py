"""The upper half of a 48 kHz voice, trained alone: encoder and trunk stay as they are and only go forwards, the head
learns the levels of notes above the trunk's bins (see generators/upper.py).

Starts from a studio model at half the set's rate, or from one that has a head already. What it plays below the middle
stays what it is, to the bit.
"""

import copy
import dataclasses
import inspect
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from gansynth_core.cards import load_card, load_weights
from gansynth_core.errors import DataError, InputError
from gansynth_core.generators.encoder import StudioEncoder, load_encoder
from gansynth_core.generators.studio import StudioGenerator
from gansynth_core.generators.upper import WideStudioGenerator, lower_half, upper_half
from gansynth_core.training.config import UpperConfig
from gansynth_core.training.data.dataset import Indices, NoteSet, StoredNotes, dequantize
from gansynth_core.training.graphs import Recorded
from gansynth_core.training.parallel import Processes
from gansynth_core.training.studio.losses import reconstruction_loss
from gansynth_core.training.studio.model import build_studio_generator, load_network, studio_spec, write_studio_model
from gansynth_core.training.studio.reconstruction import judged_frames
from gansynth_core.training.studio.schedule import learning_rate


class Batch(NamedTuple):
    """What one step learns from. stored: int8 [batch, 2, frames, bins], of the whole. pitch: float [batch] MIDI.
    weights: of the instruments, float [batch, instruments]. frames: which ones the loss looks at, int64 [judged].
    draw: standard normal [batch, latent]."""

    stored: Tensor
    pitch: Tensor
    weights: Tensor
    frames: Tensor
    draw: Tensor


class Upper:
    """The head, step by step."""

    def __init__(self, config: UpperConfig, data: NoteSet, processes: Processes) -> None:
        self.config, self.data, self.processes = config, data, processes
        self.spec = studio_spec(data)
        processes.share(config.batch)
        self.stored = StoredNotes(data, processes.device)
        self._descend = Recorded(self._gradients, processes.device)

    def begin(self, model: Path | None) -> None:
        if model is None:
            raise InputError("An upper half is trained for a model that there is: name it with --start-from.")
        card = load_card(model)
        if card.family != "studio":
            raise InputError(f"'{model}' is of the family '{card.family}'; this training starts from a studio model.")
        wanted = self.spec if card.generator.get("upper_bands") else lower_half(self.spec)
        if card.instruments != self.data.instruments or card.specgram != wanted:
            raise InputError(
                f"'{model}' was made for other instruments than '{self.data.folder}' has, or for specgrams that are "
                f"not its lower half. Make a set with: python -m gansynth_core data --spec studio-wide"
            )
        options = inspect.signature(StudioGenerator).parameters.values()
        known = {option.name: option.default for option in options if option.kind is option.KEYWORD_ONLY}
        hyperparameters = known | {"upper_bands": self.config.upper_bands} | card.generator
        torch.manual_seed(self.config.seed)
        generator = build_studio_generator(self.spec, len(card.instruments), card.latent_size, hyperparameters)
        load_network(generator, load_weights(model, card), model / "weights.safetensors", new={"upper"})
        encoder = load_encoder(model, card)
        if encoder is None:
            raise DataError(f"Training needs the model's encoder, and '{model}' has none.")
        self._build(generator, encoder, hyperparameters, {"model": card.id, **card.training})

    def _build(
        self,
        generator: StudioGenerator,
        encoder: StudioEncoder,
        hyperparameters: dict[str, Any],
        origin: dict[str, Any],
    ) -> None:
        assert isinstance(generator, WideStudioGenerator)
        device = self.processes.device
        self.generator, self.encoder = generator.to(device), encoder.to(device).requires_grad_(False)
        self.hyperparameters, self.origin = hyperparameters, origin
        self.generator.requires_grad_(False)
        self.generator.upper.requires_grad_(True)
        self.average = copy.deepcopy(self.generator.upper).requires_grad_(False)
        self.optimizer = torch.optim.Adam(
            self.generator.upper.parameters(), self.config.learning_rate, (0.9, 0.99), fused=True
        )

    def load(self, step: int, notes: Indices) -> Batch:
        config, share = self.config, self.processes.share(len(notes))
        random = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
        draw = torch.randn(len(notes), self.encoder.centre.shape[1], generator=random)[share]
        own = notes[share]
        return Batch(
            stored=self.stored(own),
            pitch=torch.from_numpy(self.data.notes["pitch"][own].astype(np.float32)),
            weights=self.data.weights(own),
            frames=torch.from_numpy(judged_frames(self.spec.frames, config.judged_frames, config.seed, step)),
            draw=draw,
        )

    def step(self, batch: Batch, seen: int) -> dict[str, Tensor | float]:
        config, parameters = self.config, list(self.generator.upper.parameters())
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(config, seen)
        loss, parts = self._descend(batch)
        self.processes.average_gradients(parameters)
        length = nn.utils.clip_grad_norm_(parameters, 1.0)
        self.optimizer.step()
        seen += config.batch
        decay = 0.5 ** (config.batch / min(config.ema_notes, 0.1 * seen + config.batch))
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), [p.detach() for p in parameters], 1 - decay)
        return {"loss": loss, **parts, "gradient": length}

    def _gradients(self, batch: Batch) -> tuple[Tensor, dict[str, Tensor]]:
        """The loss, its parts, and its gradients in the head's parameters."""
        self.optimizer.zero_grad(set_to_none=True)
        generator, pitch, weights = self.generator, batch.pitch, batch.weights
        kind = torch.device(self.processes.device).type
        with torch.autocast(kind, torch.bfloat16, enabled=self.config.precision == "bf16"):
            with torch.no_grad():
                heard = dequantize(self.encoder.heard(batch.stored))
                mean, log_spread = self.encoder.locate(self.encoder.summarize(heard), weights, pitch)
                z = self.encoder.draw(mean, log_spread, weights, batch.draw)
                features = generator.grow(generator.place(z, weights, pitch), pitch)[:, batch.frames]
            spectrum = generator.upper(features, pitch)
        loss, parts = reconstruction_loss(
            spectrum, upper_half(batch.stored), batch.frames, generator.upper, self.config
        )
        loss.backward()
        return loss.detach(), {name: part.detach() for name, part in parts.items()}

    def state(self) -> dict[str, Any]:
        return {
            "hyperparameters": self.hyperparameters,
            "origin": self.origin,
            "generator": self.generator.state_dict(),
            "encoder": self.encoder.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self.optimizer.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        instruments, latent = state["generator"]["instrument_mean"].shape
        generator = build_studio_generator(self.spec, instruments, latent, state["hyperparameters"])
        encoder = StudioEncoder(lower_half(self.spec), instruments, latent)
        self._build(generator, encoder, state["hyperparameters"], state["origin"])
        for name in ("generator", "encoder", "average", "optimizer"):
            getattr(self, name).load_state_dict(state[name])

    @torch.inference_mode()
    def write_snapshot(self, folder: Path, seen: int, facts: dict[str, Any]) -> None:
        generator = copy.deepcopy(self.generator)
        generator.upper.load_state_dict(self.average.state_dict())
        facts = {"stage": "upper half"} | facts | {"started_from": self.origin}
        config = dataclasses.replace(self.config, latent_size=generator.instrument_mean.shape[1])
        write_studio_model(folder, config, self.data, generator, self.encoder, self.hyperparameters, facts)

    def generator_weights(self) -> int:
        return sum(parameter.numel() for parameter in self.generator.parameters())
