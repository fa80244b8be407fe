"""The adversarial stage of the studio model: a Wasserstein GAN with gradient penalty (Gulrajani et al. 2017, arXiv
1704.00028) that takes over from a trained model.

Reconstruction leaves a generator that is in tune and averaged. A critic now compares notes drawn from the prior with
real notes of the same instruments and pitches. A share of the made notes are reconstructions through the encoder, on
which the loss of the first stage stays alive as a small term. The generator's noise is drawn anew for every note: a
critic that met the player's fixed bank again and again would learn it by heart.

Where this differs from the GANSynth paper, and why:
* The critic hears through the encoder of the model we begin with (critic.py), which knows the instruments already. A
  critic that began from nothing saw next to no distance after 90,000 notes; this one does after a few thousand.
* The critic grows along time: from the coarsest of the encoder's stages, that of four frames, to the finest. The
  generator is whole from the beginning, as the first stage has left it.
* Notes come in groups of one instrument and pitch, real ones and made ones, so that the minibatch standard deviation
  compares what a player would compare: two sounds of one instrument, not a flute with a drum.
* The critic takes `critic_steps` steps after each of the generator's, the first with the same notes and the others with
  those of steps before: to hear them again costs a tenth of making new ones.
* The critic learns alone for its first `critic_notes`. Otherwise its random slopes would be the first thing to undo
  what reconstruction has learned.
* Every second frame is made and heard, the even ones or the odd ones.
"""

import copy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn

from gansynth_core.cards import in_new_words
from gansynth_core.errors import InputError
from gansynth_core.generators.encoder import FRAME_STEP, StudioEncoder
from gansynth_core.generators.studio import Spectrum, StudioGenerator
from gansynth_core.generators.tone_and_noise import white_noise
from gansynth_core.training import wgan
from gansynth_core.training.config import AdversarialConfig
from gansynth_core.training.data.dataset import Indices, NoteSet, StoredNotes, dequantize
from gansynth_core.training.graphs import Recorded, each
from gansynth_core.training.parallel import Processes
from gansynth_core.training.studio.critic import StudioCritic
from gansynth_core.training.studio.kin import Kin
from gansynth_core.training.studio.losses import reconstruction_loss
from gansynth_core.training.studio.model import (
    build_studio_generator,
    read_studio_model,
    studio_spec,
    write_studio_model,
)
from gansynth_core.training.studio.prior import fit_prior
from gansynth_core.training.studio.schedule import learning_rate

STORED_STEP = 1 / 127  # of a stored specgram: as much dither hides it, or real notes could be told by it
REMEMBERED = 16  # batches that the critic can go back to


class Batch(NamedTuple):
    """What one step is given, in groups of notes of one instrument and pitch. stored: int8 [batch, 2, frames, bins].
    pitch: float [batch] MIDI. instrument: int64 [batch], and as weights float [batch, instruments]. latents: standard
    normal [batch, latent]. frames: which ones are heard, int64 [heard]."""

    stored: Tensor
    pitch: Tensor
    instrument: Tensor
    weights: Tensor
    latents: Tensor
    frames: Tensor


class Drawn(NamedTuple):
    """All that the generator's gradients depend on: of the batch stored, pitch, instrument, weights and frames; z
    [batch, latent], the first of them found by the encoder; amounts [stages] of the critic's stages (see StudioCritic);
    and what is drawn anew: dither uniform in -0.5 to 0.5 [batch, heard, bins], texture for the generator's, and noise
    as `white_noise` makes it."""

    stored: Tensor
    pitch: Tensor
    instrument: Tensor
    weights: Tensor
    frames: Tensor
    z: Tensor
    amounts: Tensor
    dither: Tensor
    texture: Tensor
    noise: Tensor


class Heard(NamedTuple):
    """Notes as the critic hears them (StudioCritic.hear): real and made ones, [batch, numbers] each, with the pitch and
    the instrument that both have [batch]."""

    real: Tensor
    made: Tensor
    pitch: Tensor
    instrument: Tensor


class Judged(NamedTuple):
    """All that the critic's gradients depend on: what is heard (see Heard), the amounts of its stages [stages], and how
    far from real to made to look at its slope, 0 to 1 [batch]."""

    real: Tensor
    made: Tensor
    pitch: Tensor
    instrument: Tensor
    amounts: Tensor
    mix: Tensor


class Adversarial:
    """Generator and critic, step by step: first the generator's, then the critic's, with the same made notes.

    The prior stays as it was fitted when the stage began: latents are drawn from it at every step, so what a player
    draws is what was trained, and a new fit would move away from it. The encoder stays as it was, too: where it finds a
    note in the latent space, the generator learns to make it.
    """

    def __init__(self, config: AdversarialConfig, data: NoteSet, processes: Processes) -> None:
        self.config, self.data, self.processes = config, data, processes
        self.spec = studio_spec(data)
        processes.share(config.batch, config.group)
        self.stored, self._kin = StoredNotes(data, processes.device), Kin(data)

    # --- beginning ----------------------------------------------------------------------------------------------------

    def begin(self, model: Path | None) -> None:
        if model is None:
            raise InputError("The adversarial stage takes over from a trained model: name it with --start-from.")
        added = {"texture": self.config.texture}
        card, hyperparameters, generator, encoder = read_studio_model(model, self.data, added)
        if card.latent_size != self.config.latent_size:
            raise InputError(f"'{model}' has {card.latent_size} latents. Add --set latent_size={card.latent_size}.")
        generator, encoder = generator.to(self.processes.device), encoder.to(self.processes.device)
        fit_prior(generator, encoder, self.data)
        self._build(generator, encoder, hyperparameters, {"model": card.id, **card.training})

    def _build(
        self,
        generator: StudioGenerator,
        encoder: StudioEncoder,
        hyperparameters: dict[str, Any],
        origin: dict[str, Any],
    ) -> None:
        """Take over the networks and make everything else. origin: what the card says of the model begun with."""
        config, device, pitches = self.config, self.processes.device, self.data.notes["pitch"]
        self.generator, self.encoder = generator.to(device), encoder.to(device).requires_grad_(False)
        self.hyperparameters, self.origin = hyperparameters, origin
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            keys = int(pitches.min().round()), int(pitches.max().round())
            self.critic = StudioCritic(self.encoder, self.spec, keys, config.critic_width, config.group).to(device)
        # Adam's second number is that of Gulrajani et al.: most of what belongs to an instrument has no gradient in
        # most steps, and a longer memory of these would make the next one that comes a leap.
        self.optimizer = torch.optim.Adam(self.generator.parameters(), config.learning_rate, (0.0, 0.9), fused=True)
        self.critic_optimizer = torch.optim.Adam(
            self.critic.learned(), config.critic_learning_rate, (0.0, 0.9), fused=True
        )
        self._remembered: list[Heard] = []
        self._units = self.critic.slope_units().to(device)
        self._listening = 0

    # --- a step -------------------------------------------------------------------------------------------------------

    def load(self, step: int, notes: Indices) -> Batch:
        """Of `notes` the first of each group stays, the others are its kin."""
        config, share = self.config, self.processes.share(len(notes))
        random = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
        latents = torch.randn(len(notes), config.latent_size, generator=random)[share]
        choice = np.random.default_rng((config.seed, step, 3))
        own = self._kin.groups(notes[:: config.group], config.group, choice)[share]
        records = self.data.notes[own]
        return Batch(
            stored=self.stored(own),
            pitch=torch.from_numpy(records["pitch"].astype(np.float32)),
            instrument=torch.from_numpy(records["instrument"].astype(np.int64)),
            weights=self.data.weights(own),
            latents=latents,
            frames=torch.arange(step % FRAME_STEP, self.spec.frames, FRAME_STEP),
        )

    def step(self, batch: Batch, seen: int) -> dict[str, Tensor | float]:
        config, number = self.config, seen // self.config.batch
        # Drawn on the device: noise for a batch is as much as its notes. Another sequence in each process.
        random = torch.Generator(self.processes.device)
        random.manual_seed((config.seed * 1_000_003 + number) * 64 + self.processes.rank)
        drawn = self._draw(batch, seen, random)
        self._listen_to(int((self.critic.amounts(seen / config.grow_notes) > 0).sum()))
        if seen >= config.critic_notes:
            real, made, parts = self._descend(drawn)
            parts = parts | {"gradient": self._move(seen)}
        else:
            with torch.no_grad():
                real, made, _, kept = self._hear_both(drawn)
                parts = self._judge(made, drawn) | kept | {"gradient": torch.zeros(())}
        heard = each(Heard(real, made, batch.pitch, batch.instrument), Tensor.clone)
        judged = self._critic_step(heard, drawn.amounts, random)
        choice = np.random.default_rng((config.seed, number, 4))
        for _ in range(config.critic_steps - 1 if self._remembered else 0):
            again = self._remembered[choice.integers(len(self._remembered))]
            self._critic_step(again, drawn.amounts, random)
        self._remembered = [*self._remembered, heard][-REMEMBERED:]
        return {**judged, **parts}

    def _draw(self, batch: Batch, seen: int, random: torch.Generator) -> Drawn:
        """What there is at random in a step after `seen` notes, drawn by `random` on the device."""
        device, spec, count, heard_frames = self.processes.device, self.spec, len(batch.pitch), len(batch.frames)
        dither = torch.rand((count, heard_frames, spec.bins), generator=random, device=device) - 0.5
        texture = torch.randn((count, *self.generator.texture.shape[1:]), generator=random, device=device)
        # With frames left out, running phases are not the note's own; to noise drawn at random they are as good.
        noise = white_noise(spec, count, heard_frames, random, FRAME_STEP)
        amounts = self.critic.amounts(seen / self.config.grow_notes).to(device)
        z = self._rebuild(batch)
        return Drawn(
            batch.stored, batch.pitch, batch.instrument, batch.weights, batch.frames, z, amounts, dither, texture, noise
        )

    def _listen_to(self, stages: int) -> None:
        """From now on the critic hears this many of its stages: what was recorded with fewer is of no more use."""
        if stages != self._listening:
            self._listening = stages
            self._descend = Recorded(self._generator_gradients, self.processes.device)
            self._judge_both = Recorded(self._critic_gradients, self.processes.device)

    @torch.no_grad()
    def _rebuild(self, batch: Batch) -> Tensor:
        """Latents [batch, latent], the first of which are those that the encoder finds in the batch's notes."""
        some = slice(self.config.rebuilt // self.processes.count)
        weights = batch.weights[some]
        with self._autocast():
            summary = self.encoder.summarize(dequantize(self.encoder.heard(batch.stored[some])))
            mean, log_spread = self.encoder.locate(summary, weights, batch.pitch[some])
        rebuilt = self.encoder.draw(mean, log_spread, weights, batch.latents[some])
        return torch.cat([rebuilt, batch.latents[len(rebuilt) :]])

    def _hear_both(self, drawn: Drawn) -> tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]:
        """What the critic hears of real notes and of made ones, the first of which are reconstructions, and of these
        the loss of reconstruction and its parts."""
        spec, generator, rebuilt = self.spec, self.generator, self.config.rebuilt // self.processes.count
        stored, pitch, frames = drawn.stored, drawn.pitch, drawn.frames
        with torch.no_grad(), self._autocast():
            dithered = dequantize(stored[:, 0, frames]) + drawn.dither * STORED_STEP
            real = self.critic.hear(spec.denormalize(dithered)).float()
        with self._autocast():
            features = generator.grow(generator.place(drawn.z, drawn.weights, pitch), pitch, drawn.texture)
            spectrum = generator.spectrum(features[:, frames], generator.harmonic_basis(pitch))
        spectrum = Spectrum(spectrum.log_magnitude.float(), spectrum.tonality.float())
        first = Spectrum(spectrum.log_magnitude[:rebuilt], spectrum.tonality[:rebuilt])
        loss, parts = reconstruction_loss(first, stored[:rebuilt], frames, generator, self.config)
        log_magnitude, _ = generator.mix(spectrum, pitch, drawn.noise)
        with self._autocast():
            made = self.critic.hear(log_magnitude).float()
        return real, made, loss, parts

    def _judge(self, made: Tensor, drawn: Drawn) -> dict[str, Tensor]:
        """The mean score of made notes, and how badly the critic can name them."""
        pitch, instrument = drawn.pitch, drawn.instrument
        with self._autocast():
            scores, *logits = self.critic(made, pitch, instrument, drawn.amounts, self._listening)
            naming = self.critic.naming_loss(logits, instrument, pitch)
        return {"score": scores.mean(), "naming": naming}

    def _generator_gradients(self, drawn: Drawn) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Gradients in the generator's parameters; what was heard, and the parts of the loss."""
        config = self.config
        self.optimizer.zero_grad(set_to_none=True)
        real, made, rebuilt, kept = self._hear_both(drawn)
        for parameter in self.critic.learned():
            parameter.requires_grad_(False)
        judged = self._judge(made, drawn)
        for parameter in self.critic.learned():
            parameter.requires_grad_(True)
        loss = config.naming_weight * judged["naming"] - judged["score"] + config.reconstruction_weight * rebuilt
        loss.backward()
        return real, made.detach(), {name: part.detach() for name, part in (judged | kept).items()}

    def _move(self, seen: int) -> Tensor:
        """A step of the generator along its gradients; returns their length."""
        config = self.config
        parameters: list[Tensor] = list(self.generator.parameters())
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(config, seen, config.critic_notes)
        self.processes.average_gradients(parameters)
        length = nn.utils.clip_grad_norm_(parameters, config.clip)
        self.optimizer.step()
        decay = 0.5 ** (config.batch / config.ema_notes)
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), parameters, 1 - decay)
        return length

    def _critic_step(self, heard: Heard, amounts: Tensor, random: torch.Generator) -> dict[str, Tensor]:
        mix = torch.rand(len(heard.real), generator=random, device=self.processes.device)
        parts = self._judge_both(Judged(*heard, amounts, mix))
        self.processes.average_gradients(self.critic.learned())
        length = nn.utils.clip_grad_norm_(self.critic.learned(), self.config.clip)
        self.critic_optimizer.step()
        return {name: part.clone() for name, part in parts.items()} | {"critic_gradient": length}

    def _critic_gradients(self, judged: Judged) -> dict[str, Tensor]:
        """Gradients in the critic's parameters, and the parts of the loss."""
        config, critic, listening = self.config, self.critic, self._listening
        real, made, pitch, instrument, amounts, mix = judged
        self.critic_optimizer.zero_grad(set_to_none=True)
        with self._autocast():
            scores, *logits = critic(torch.cat([real, made]), pitch.repeat(2), instrument.repeat(2), amounts, listening)
        real_scores, made_scores = scores.chunk(2)
        adversarial = wgan.critic_loss(real_scores, made_scores)
        naming = critic.naming_loss([some[: len(real)] for some in logits], instrument, pitch)
        penalty = wgan.gradient_penalty(
            lambda between: critic(between, pitch, instrument, amounts, listening)[0], real, made, mix, self._units
        )
        loss = (
            adversarial
            + config.gradient_weight * penalty
            + config.real_score_weight * real_scores.square().mean()
            + config.critic_naming_weight * naming
        )
        loss.backward()
        parts = {"distance": -adversarial, "penalty": penalty, "real_naming": naming}
        return {name: part.detach() for name, part in parts.items()}

    def _autocast(self) -> torch.autocast:
        kind = torch.device(self.processes.device).type
        return torch.autocast(kind, torch.bfloat16, enabled=self.config.precision == "bf16")

    # --- keeping ------------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        return {
            "hyperparameters": self.hyperparameters,
            "origin": self.origin,
            "generator": self.generator.state_dict(),
            "encoder": self.encoder.state_dict(),
            "average": self.average.state_dict(),
            "critic": self.critic.state_dict(),
            "remembered": [list(heard) for heard in self._remembered],
            "optimizers": [self.optimizer.state_dict(), self.critic_optimizer.state_dict()],
        }

    def restore(self, state: dict[str, Any]) -> None:
        spec, size = self.spec, (len(self.data.instruments), self.config.latent_size)
        generator = build_studio_generator(spec, *size, state["hyperparameters"])
        self._build(generator, StudioEncoder(spec, *size), state["hyperparameters"], in_new_words(state["origin"]))
        for name in ("generator", "encoder", "average", "critic"):
            getattr(self, name).load_state_dict(state[name])
        self._remembered = [Heard(*(x.to(self.processes.device) for x in heard)) for heard in state["remembered"]]
        for optimizer, kept in zip((self.optimizer, self.critic_optimizer), state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)

    def write_snapshot(self, folder: Path, seen: int, facts: dict[str, Any]) -> None:
        networks = self.average, self.encoder
        facts = {"stage": "adversarial"} | facts | {"started_from": self.origin}
        write_studio_model(folder, self.config, self.data, *networks, self.hyperparameters, facts)

    def generator_weights(self) -> int:
        return sum(parameter.numel() for parameter in self.generator.parameters())
