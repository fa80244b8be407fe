"""The adversarial stage of the studio model: a Wasserstein GAN with gradient penalty (Gulrajani et al. 2017, arXiv
1704.00028) that takes over from a trained model.

Reconstruction leaves a generator that is in tune and averaged. A critic now compares notes drawn from the prior with
real notes of the same instruments and pitches, a share of them reconstructions through the encoder, on which the loss
of reconstruction stays alive as a small term. The generator's noise is drawn anew for every note: a critic that met the
player's fixed bank again and again would learn it by heart.

Where this differs from the GANSynth paper, and why:
* The critic hears through the encoder of the model begun with (critic.py), which knows the instruments already.
  One that began from nothing saw next to no distance after 90,000 notes; this one does after a few thousand.
* What grows along time is the critic: from the coarsest of the encoder's stages, that of four frames, to the finest.
  The generator is whole from the beginning, as reconstruction has left it.
* Notes come in groups of one instrument and pitch, real ones and made ones, so that the minibatch standard deviation
  compares what a player would compare: two sounds of one instrument, not a flute with a drum.
* The critic takes `critic_steps` steps after each of the generator's, the first with the same notes and the others with
  those of steps before: to hear them again costs a tenth of making new ones.
* The critic learns alone for its first `critic_notes`. Its random slopes would otherwise be the first thing to undo
  the reconstruction.
* Every second frame is made and heard, the even ones or the odd ones.
"""

import copy
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from gansynth_core.cards import in_new_words
from gansynth_core.errors import InputError
from gansynth_core.generators import build_generator
from gansynth_core.generators.encoder import FRAME_STEP, StudioEncoder
from gansynth_core.generators.studio import Spectrum, StudioGenerator, white_noise
from gansynth_core.training import wgan
from gansynth_core.training.config import AdversarialConfig
from gansynth_core.training.data.dataset import NoteSet, StoredNotes, dequantize
from gansynth_core.training.graphs import Recorded
from gansynth_core.training.parallel import Processes
from gansynth_core.training.studio.critic import StudioCritic
from gansynth_core.training.studio.model import read_studio_model, write_studio_model
from gansynth_core.training.studio.prior import fit_prior
from gansynth_core.training.studio.reconstruction import reconstruction_loss

STORED_STEP = 1 / 127  # of a stored specgram: dither of so much hides it, by which else real notes could be told
REMEMBERED = 16  # batches that the critic can go back to


class Adversarial:
    """Generator and critic, step by step: first the generator's, then the critic's, with the same made notes.

    The prior stays as it was fitted when the stage began: latents are drawn from it at every step, so what a player
    draws is what was trained, and a new fit would move away from it. The encoder stays as it was, too: where it finds a
    note in the latent space, the generator learns to make it.
    """

    def __init__(self, config: AdversarialConfig, data: NoteSet, processes: Processes) -> None:
        self.config, self.data, self.processes = config, data, processes
        processes.share(config.batch, config.group)
        self.stored, self._kin = StoredNotes(data, processes.device), Kin(data)

    # --- beginning ----------------------------------------------------------------------------------------------------

    def begin(self, model: Path | None) -> None:
        if model is None:
            raise InputError("The adversarial stage takes over from a trained model: name its folder by --start-from.")
        added = {"texture": self.config.texture}
        card, hyperparameters, generator, encoder = read_studio_model(model, self.data, added)
        if card.latent_size != self.config.latent_size:
            raise InputError(f"'{model}' has {card.latent_size} latents: add --set latent_size={card.latent_size}.")
        generator, encoder = generator.to(self.processes.device), encoder.to(self.processes.device)
        fit_prior(generator, encoder, self.data)
        self._build(generator, encoder, hyperparameters, {"model": card.id, **card.training})

    def _build(self, generator: StudioGenerator, encoder: StudioEncoder, hyperparameters: dict, origin: dict) -> None:
        """Take over the networks, and make what else there is. origin: what the card says of the model begun with."""
        config, device, pitches = self.config, self.processes.device, self.data.notes["pitch"]
        self.generator, self.encoder = generator.to(device), encoder.to(device).requires_grad_(False)
        self.hyperparameters, self.origin = hyperparameters, origin
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            keys = int(pitches.min().round()), int(pitches.max().round())
            self.critic = StudioCritic(self.encoder, self.data.spec, keys, config.critic_width, config.group).to(device)
        # Adam's second number is that of Gulrajani et al.: most of what belongs to an instrument has no gradient in
        # most steps, and a longer memory of these would make the next one that comes a leap.
        self.optimizer = torch.optim.Adam(self.generator.parameters(), config.learning_rate, (0.0, 0.9), fused=True)
        self.critic_optimizer = torch.optim.Adam(
            self.critic.learned(), config.critic_learning_rate, (0.0, 0.9), fused=True
        )
        self._remembered: list[tuple[Tensor, ...]] = []  # real, made, pitch and instrument, as _critic_gradients takes
        self._units = self.critic.slope_units().to(device)
        self._listening = 0

    # --- a step -------------------------------------------------------------------------------------------------------

    def load(self, step: int, notes: np.ndarray) -> tuple[Tensor, ...]:
        """Stored specgrams int8 [n, 2, frames, bins] in groups of one instrument and pitch, their pitches, instruments
        and instrument weights, latents [n, latent], and which frames to hear. Of `notes` the first of each group
        stays, the others are its kin."""
        config, share = self.config, self.processes.share(len(notes))
        random = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
        latents = torch.randn(len(notes), config.latent_size, generator=random)[share]
        choice = np.random.default_rng((config.seed, step, 3))
        own = self._kin.groups(notes[:: config.group], config.group, choice)[share]
        records = self.data.notes[own]
        return (
            self.stored(own),
            torch.from_numpy(records["pitch"].astype(np.float32)),
            torch.from_numpy(records["instrument"].astype(np.int64)),
            self.data.weights(own),
            latents,
            torch.arange(step % FRAME_STEP, self.data.spec.frames, FRAME_STEP),
        )

    def step(self, batch: tuple[Tensor, ...], seen: int) -> dict[str, Tensor | float]:
        stored, pitch, instrument, weights, latents, frames = batch
        config, device, spec = self.config, self.processes.device, self.data.spec
        number, moves = seen // config.batch, seen >= config.critic_notes
        # Drawn on the device: noise for a batch is as much as its notes. Another sequence in each process.
        random = torch.Generator(device).manual_seed((config.seed * 1_000_003 + number) * 64 + self.processes.rank)
        count, heard_frames = len(pitch), len(frames)
        dither = torch.rand((count, heard_frames, spec.bins), generator=random, device=device) - 0.5
        texture = torch.randn((count, *self.generator.texture.shape[1:]), generator=random, device=device)
        # With frames left out, running phases are not the note's own; to noise drawn at random they are as good.
        noise = white_noise(spec, count, heard_frames, random, FRAME_STEP)
        amounts = self.critic.amounts(seen / config.grow_notes).to(device)
        self._listen_to(int((amounts > 0).sum()))
        z = self._rebuild(stored, pitch, weights, latents)
        both = stored, pitch, weights, z, frames, dither, texture, noise
        if moves:
            real, made, parts = self._descend(instrument, amounts, *both)
            parts = parts | {"gradient": self._move(seen)}
        else:
            with torch.no_grad():
                real, made, _, kept = self._hear_both(*both)
                parts = self._judge(made, pitch, instrument, amounts) | kept | {"gradient": torch.zeros(())}
        heard = tuple(tensor.clone() for tensor in (real, made, pitch, instrument))
        judged = self._critic_step(heard, amounts, random)
        choice = np.random.default_rng((config.seed, number, 4))
        for _ in range(config.critic_steps - 1 if self._remembered else 0):
            self._critic_step(self._remembered[choice.integers(len(self._remembered))], amounts, random)
        self._remembered = [*self._remembered, heard][-REMEMBERED:]
        return judged | parts

    def _listen_to(self, stages: int) -> None:
        """From now on the critic hears so many of its stages: what was recorded with fewer is of no more use."""
        if stages != self._listening:
            self._listening = stages
            self._descend = Recorded(self._generator_gradients, self.processes.device)
            self._judge_both = Recorded(self._critic_gradients, self.processes.device)

    @torch.no_grad()
    def _rebuild(self, stored: Tensor, pitch: Tensor, weights: Tensor, latents: Tensor) -> Tensor:
        """Latents [batch, latent], the first of which are those that the encoder finds in the batch's notes."""
        some = slice(self.config.rebuilt // self.processes.count)
        with self._autocast():
            summary = self.encoder.summarize(dequantize(stored[some, 0, ::FRAME_STEP]))
            mean, log_spread = self.encoder.locate(summary, weights[some], pitch[some])
        rebuilt = self.encoder.draw(mean, log_spread, weights[some], latents[some])
        return torch.cat([rebuilt, latents[len(rebuilt) :]])

    def _hear_both(
        self,
        stored: Tensor,
        pitch: Tensor,
        weights: Tensor,
        z: Tensor,
        frames: Tensor,
        dither: Tensor,
        texture: Tensor,
        noise: Tensor,
    ) -> tuple[Tensor, Tensor, Tensor, dict[str, Tensor]]:
        """What the critic hears of real notes and of made ones, the first of which are reconstructions, and of these
        the loss of reconstruction and its parts."""
        spec, generator, rebuilt = self.data.spec, self.generator, self.config.rebuilt // self.processes.count
        with torch.no_grad(), self._autocast():
            real = self.critic.hear(spec.denormalize(dequantize(stored[:, 0, frames]) + dither * STORED_STEP)).float()
        with self._autocast():
            features = generator.grow(generator.place(z, weights, pitch), pitch, texture)
            spectrum = generator.spectrum(features[:, frames], generator.harmonic_basis(pitch))
        spectrum = Spectrum(spectrum.log_magnitude.float(), spectrum.tonality.float())
        first = Spectrum(spectrum.log_magnitude[:rebuilt], spectrum.tonality[:rebuilt])
        loss, parts = reconstruction_loss(first, stored[:rebuilt], frames, generator, self.config)
        log_magnitude, _ = generator.mix(spectrum, pitch, noise)
        with self._autocast():
            made = self.critic.hear(log_magnitude).float()
        return real, made, loss, parts

    def _judge(self, made: Tensor, pitch: Tensor, instrument: Tensor, amounts: Tensor) -> dict[str, Tensor]:
        """The mean score of made notes, and how badly the critic can name them."""
        with self._autocast():
            scores, *logits = self.critic(made, pitch, instrument, amounts, self._listening)
            naming = self.critic.naming_loss(*logits, instrument, pitch)
        return {"score": scores.mean(), "naming": naming}

    def _generator_gradients(
        self, instrument: Tensor, amounts: Tensor, *both: Tensor
    ) -> tuple[Tensor, Tensor, dict[str, Tensor]]:
        """Gradients in the generator's parameters; what was heard, and the parts of the loss. both: see _hear_both."""
        config, pitch = self.config, both[1]
        self.optimizer.zero_grad(set_to_none=True)
        real, made, rebuilt, kept = self._hear_both(*both)
        for parameter in self.critic.learned():
            parameter.requires_grad_(False)
        judged = self._judge(made, pitch, instrument, amounts)
        for parameter in self.critic.learned():
            parameter.requires_grad_(True)
        loss = config.naming_weight * judged["naming"] - judged["score"] + config.reconstruction_weight * rebuilt
        loss.backward()
        return real, made.detach(), {name: part.detach() for name, part in (judged | kept).items()}

    def _move(self, seen: int) -> Tensor:
        """A step of the generator along its gradients; returns their length."""
        config, parameters = self.config, list(self.generator.parameters())
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(config, seen)
        self.processes.average_gradients(parameters)
        length = nn.utils.clip_grad_norm_(parameters, config.clip)
        self.optimizer.step()
        decay = 0.5 ** (config.batch / config.ema_notes)
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), parameters, 1 - decay)
        return length

    def _critic_step(self, heard: tuple[Tensor, ...], amounts: Tensor, random: torch.Generator) -> dict[str, Tensor]:
        mix = torch.rand(len(heard[0]), generator=random, device=self.processes.device)
        parts = self._judge_both(*heard, amounts, mix)
        self.processes.average_gradients(self.critic.learned())
        length = nn.utils.clip_grad_norm_(self.critic.learned(), self.config.clip)
        self.critic_optimizer.step()
        return {name: part.clone() for name, part in parts.items()} | {"critic_gradient": length}

    def _critic_gradients(
        self, real: Tensor, made: Tensor, pitch: Tensor, instrument: Tensor, amounts: Tensor, mix: Tensor
    ) -> dict[str, Tensor]:
        """Gradients in the critic's parameters, and the parts of the loss."""
        config, critic, listening = self.config, self.critic, self._listening
        self.critic_optimizer.zero_grad(set_to_none=True)
        with self._autocast():
            scores, *logits = critic(torch.cat([real, made]), pitch.repeat(2), instrument.repeat(2), amounts, listening)
        real_scores, made_scores = scores.chunk(2)
        adversarial = wgan.critic_loss(real_scores, made_scores)
        naming = critic.naming_loss(*(some[: len(real)] for some in logits), instrument, pitch)
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

    def state(self) -> dict:
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

    def restore(self, state: dict) -> None:
        spec, size = self.data.spec, (len(self.data.instruments), self.config.latent_size)
        generator = build_generator(self.config.family, spec, *size, state["hyperparameters"])
        self._build(generator, StudioEncoder(spec, *size), state["hyperparameters"], in_new_words(state["origin"]))
        for name in ("generator", "encoder", "average", "critic"):
            getattr(self, name).load_state_dict(state[name])
        self._remembered = [tuple(x.to(self.processes.device) for x in heard) for heard in state["remembered"]]
        for optimizer, kept in zip((self.optimizer, self.critic_optimizer), state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)

    def write_snapshot(self, folder: Path, seen: int, facts: dict) -> None:
        networks = self.average, self.encoder
        facts = {"stage": "adversarial"} | facts | {"started_from": self.origin}
        write_studio_model(folder, self.config, self.data, *networks, self.hyperparameters, facts)

    def generator_weights(self) -> int:
        return sum(parameter.numel() for parameter in self.generator.parameters())


def learning_rate(config: AdversarialConfig, seen: int) -> float:
    """The generator's: none while the critic learns alone, linear warm-up, constant, linearly to zero at the end."""
    warmup = min(1.0, max(0, seen - config.critic_notes + config.batch) / max(1, config.warmup_notes))
    decay = (config.notes - seen) / max(1.0, config.decay_share * config.notes)
    return config.learning_rate * min(warmup, max(0.01, min(1.0, decay)))


class Kin:
    """Which training notes have the instrument and the key of which."""

    def __init__(self, data: NoteSet) -> None:
        training = data.training()
        notes = data.notes[training]
        instrument, key = notes["instrument"].astype(np.int64), np.round(notes["pitch"]).astype(np.int64)
        in_order = np.lexsort((key, instrument))
        self._order = training[in_order]  # all notes, those of a key side by side
        name = instrument[in_order] * 1000 + key[in_order]
        starts = np.flatnonzero(np.diff(name, prepend=-1))
        self._place = np.empty(len(data), np.int64)
        self._place[self._order] = np.arange(len(training))
        self._start = np.repeat(starts, np.diff(starts, append=len(name)))
        self._end = np.repeat(np.append(starts[1:], len(name)), np.diff(starts, append=len(name)))

    def groups(self, first: np.ndarray, size: int, random: np.random.Generator) -> np.ndarray:
        """Indices of training notes [n] -> [n * size], each followed by others of its instrument and key; where there
        are too few, by those of the next keys."""
        groups = []
        for note in first:
            place = self._place[note]
            start, end = self._start[place], self._end[place]
            if end - start >= size:
                others = random.choice(end - start - 1, size - 1, replace=False) + start
                others += others >= place
            else:
                others = (place + np.arange(1, size)) % len(self._order)
            groups += [note, *self._order[others]]
        return np.array(groups)
