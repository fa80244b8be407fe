"""The adversarial stage of the studio model: a Wasserstein GAN with gradient penalty (Gulrajani et al. 2017, arXiv
1704.00028) that takes over from a trained model.

The warm start leaves a generator that is in tune and averaged. A critic now compares notes drawn from the prior with
real notes of the same instruments and pitches, a share of them reconstructions through the encoder, on which the loss
of the warm start stays alive as a small term. The generator's noise is drawn anew for every note: a critic that met the
player's fixed bank again and again would learn it by heart.

Where this differs from the GANSynth paper, and why:
* It grows along time, and not by layers: the coarse is what the warm start has learned. Critic and loss look at pieces
  of `judged_frames` frames; first at the whole note in wide strides, then also at half of it, last at every frame of a
  quarter. A step so costs the same throughout, a quarter of what whole notes would.
* The critic hears bands as an ear does (studio_critic.py): a ninth of the numbers, and in what it sees of a difference
  a partial that is too loud no longer drowns in the grain of a thousand bins.
* Notes come in groups of one instrument and pitch, real ones and made ones, so that the minibatch standard deviation
  compares what a player would compare: two sounds of one instrument, not a flute with a drum.
* The critic learns alone for its first `critic_notes`. Its random slopes would else be the first thing to undo the warm
  start.
* The penalty is reckoned every few steps only, as many times stronger (lazily, as in Karras et al. 2020, arXiv
  1912.04958, section 3.1), in float32.
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
from gansynth_core.generators.studio import Spectrum, white_noise
from gansynth_core.training import wgan
from gansynth_core.training.config import StudioGanConfig
from gansynth_core.training.dataset import NoteSet, StoredNotes
from gansynth_core.training.parallel import Processes
from gansynth_core.training.prior import fit_prior
from gansynth_core.training.studio_critic import STORED_STEPS, StudioCritic, picture, real_picture
from gansynth_core.training.studio_model import read_studio_model, write_studio_model
from gansynth_core.training.warm_start import reconstruction_losses


class StudioGan:
    """Generator, encoder and critic, step by step: first the critic's, then the generator's and the encoder's, with the
    same made notes.

    The prior stays as it was fitted when the stage began: latents are drawn from it at every step, so what a player
    draws is what was trained, and a new fit would move away from it. The encoder's posteriors live in the same fitted
    space (StudioEncoder.draw, .nats) and are held to it.
    """

    def __init__(self, config: StudioGanConfig, data: NoteSet, processes: Processes) -> None:
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
        networks = nn.ModuleDict({"generator": generator, "encoder": encoder}).to(self.processes.device)
        fit_prior(generator, encoder, self.data)
        self._build(networks, hyperparameters, {"model": card.id, **card.training})

    def _build(self, model: nn.ModuleDict, hyperparameters: dict, origin: dict) -> None:
        """Take over `model`, and make what else there is. origin: what the card says of the model begun with."""
        config, device, pitches = self.config, self.processes.device, self.data.notes["pitch"]
        self.model, self.hyperparameters, self.origin = model, hyperparameters, origin
        self.average = copy.deepcopy(self.model).requires_grad_(False)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            keys = int(pitches.min().round()), int(pitches.max().round())
            self.critic = StudioCritic(
                self.data.spec,
                len(self.data.instruments),
                keys,
                config.judged_frames,
                config.critic_width,
                config.group,
            ).to(device)
        self.optimizer = torch.optim.Adam(self.model.parameters(), config.learning_rate, (0.0, 0.99), fused=True)
        self.critic_optimizer = torch.optim.Adam(
            self.critic.parameters(), config.critic_learning_rate, (0.0, 0.99), fused=True
        )
        self._penalty = torch.zeros((), device=device)

    # --- a step -------------------------------------------------------------------------------------------------------

    def load(self, step: int, notes: np.ndarray) -> tuple[Tensor, ...]:
        """Stored specgrams int8 [n, 2, frames, bins] in groups of one instrument and pitch, their pitches and
        instruments [n], latents [n, latent], and the frames to look at [judged]. Of `notes` the first of each group
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
            latents,
            torch.from_numpy(judged_frames(config, self.data.spec.frames, step)),
        )

    def step(self, batch: tuple[Tensor, ...], seen: int) -> dict[str, Tensor | float]:
        stored, pitch, instrument, latents, frames = batch
        config, device, spec = self.config, self.processes.device, self.data.spec
        number, moves = seen // config.batch, seen >= config.critic_notes
        # Drawn on the device: noise for a batch is as much as its notes. Another sequence in each process.
        random = torch.Generator(device).manual_seed((config.seed * 1_000_003 + number) * 64 + self.processes.rank)
        levels = stored[:, 0, frames]
        dither = torch.rand(levels.shape, generator=random, device=device) - 0.5
        real = real_picture(levels, spec, self.critic.band_weights, dither)
        with torch.set_grad_enabled(moves):
            made, kept = self._make(stored, pitch, instrument, latents, frames, random)
        when = frames / (spec.frames - 1)
        judged = self._critic_step(real, made.detach(), pitch, instrument, when, number, random)
        score, naming, gradient = self._generator_step(made, kept.pop("loss"), pitch, instrument, when, seen, moves)
        kept = {name: value.detach() for name, value in kept.items()}
        return judged | {"score": score, "naming": naming, **kept, "gradient": gradient}

    def _make(
        self,
        stored: Tensor,
        pitch: Tensor,
        instrument: Tensor,
        latents: Tensor,
        frames: Tensor,
        random: torch.Generator,
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """Pictures of made notes, the first of which are reconstructions, and the terms that the warm start had for
        these; "loss" is their weighted sum."""
        config, spec = self.config, self.data.spec
        generator, encoder = self.model["generator"], self.model["encoder"]
        rebuilt = config.rebuilt // self.processes.count
        with self._autocast():
            weights = functional.one_hot(instrument, len(self.data.instruments)).to(pitch.dtype)
            summary = encoder.summarize(stored[:rebuilt, 0, ::FRAME_STEP] / STORED_STEPS)
            told = functional.cross_entropy(encoder.instrument_logits(summary).float(), instrument[:rebuilt])
            mean, log_spread = encoder.locate(summary, weights[:rebuilt], pitch[:rebuilt])
            z = torch.cat([encoder.draw(mean, log_spread, weights[:rebuilt], latents[:rebuilt]), latents[rebuilt:]])
            shape = (len(z), *generator.texture.shape[1:])
            texture = torch.randn(shape, generator=random, device=z.device)
            features = generator.grow(generator.place(z, weights, pitch), pitch, texture)
            spectrum = generator.spectrum(features[:, frames], generator.harmonic_basis(pitch))
        spectrum = Spectrum(spectrum.log_magnitude.float(), spectrum.tonality.float())
        first = Spectrum(spectrum.log_magnitude[:rebuilt], spectrum.tonality[:rebuilt])
        magnitude, tonality = reconstruction_losses(first, stored[:rebuilt], frames, spec)
        nats = encoder.nats(mean, log_spread, weights[:rebuilt]).mean()
        loss = config.reconstruction_weight * (
            magnitude
            + config.tonality_weight * tonality
            + config.kl_weight * functional.relu(nats - config.kl_nats)
            + config.instrument_weight * told
        )
        # Running phases of frames far apart are not the note's own; to noise drawn at random they are as good.
        noise = white_noise(spec, len(z), len(frames), random, int(frames[1] - frames[0]))
        log_magnitude, _ = generator.mix(spectrum, pitch, noise)
        made = picture(log_magnitude, self.critic.band_weights)
        return made, {"loss": loss, "magnitude": magnitude, "tonality": tonality, "nats": nats}

    def _critic_step(
        self,
        real: Tensor,
        made: Tensor,
        pitch: Tensor,
        instrument: Tensor,
        when: Tensor,
        number: int,
        random: torch.Generator,
    ) -> dict[str, Tensor]:
        config, critic = self.config, self.critic
        with self._autocast():
            scores, *logits = critic(torch.cat([real, made]), pitch.repeat(2), instrument.repeat(2), when)
        real_scores, made_scores = scores.chunk(2)
        adversarial = wgan.critic_loss(real_scores, made_scores)
        naming = critic.naming_loss(*(some[: len(real)] for some in logits), instrument, pitch)
        loss = (
            adversarial + config.real_score_weight * real_scores.square().mean() + config.critic_naming_weight * naming
        )
        if number % config.penalty_every == 0:
            mix = torch.rand(len(real), generator=random, device=real.device)
            penalty = wgan.gradient_penalty(
                lambda between: critic(between, pitch, instrument, when)[0],
                real,
                made,
                mix,
                critic.slope_units(len(when)),
            )
            loss = loss + config.gradient_weight * config.penalty_every * penalty
            self._penalty = penalty.detach()
        self.critic_optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.processes.average_gradients(critic.parameters())
        length = nn.utils.clip_grad_norm_(critic.parameters(), config.clip)
        self.critic_optimizer.step()
        return {
            "distance": -adversarial.detach(),
            "penalty": self._penalty,
            "real_naming": naming.detach(),
            "critic_gradient": length,
        }

    def _generator_step(
        self,
        made: Tensor,
        kept: Tensor,
        pitch: Tensor,
        instrument: Tensor,
        when: Tensor,
        seen: int,
        moves: bool,
    ) -> tuple[Tensor, Tensor, Tensor]:
        """Returns the mean score of the made notes, how badly they are named, and the length of the gradient."""
        config, critic = self.config, self.critic
        critic.requires_grad_(False)
        with torch.set_grad_enabled(moves), self._autocast():
            scores, *logits = critic(made, pitch, instrument, when)
            naming = critic.naming_loss(*logits, instrument, pitch)
        critic.requires_grad_(True)
        if not moves:
            return scores.mean(), naming, torch.zeros_like(naming)
        loss = wgan.generator_loss(scores) + config.naming_weight * naming + kept
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(config, seen)
        self.optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.processes.average_gradients(self.model.parameters())
        length = nn.utils.clip_grad_norm_(self.model.parameters(), config.clip)
        self.optimizer.step()
        decay = 0.5 ** (config.batch / config.ema_notes)
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), list(self.model.parameters()), 1 - decay)
        return scores.detach().mean(), naming.detach(), length

    def _autocast(self) -> torch.autocast:
        kind = torch.device(self.processes.device).type
        return torch.autocast(kind, torch.bfloat16, enabled=self.config.precision == "bf16")

    # --- keeping ------------------------------------------------------------------------------------------------------

    def state(self) -> dict:
        return {
            "hyperparameters": self.hyperparameters,
            "origin": self.origin,
            "model": self.model.state_dict(),
            "average": self.average.state_dict(),
            "critic": self.critic.state_dict(),
            "optimizers": [self.optimizer.state_dict(), self.critic_optimizer.state_dict()],
        }

    def restore(self, state: dict) -> None:
        spec, size = self.data.spec, (len(self.data.instruments), self.config.latent_size)
        generator = build_generator(self.config.family, spec, *size, state["hyperparameters"])
        networks = nn.ModuleDict({"generator": generator, "encoder": StudioEncoder(spec, *size)})
        self._build(networks.to(self.processes.device), state["hyperparameters"], state["origin"])
        for network, name in ((self.model, "model"), (self.average, "average"), (self.critic, "critic")):
            network.load_state_dict(state[name])
        for optimizer, kept in zip((self.optimizer, self.critic_optimizer), state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)

    def write_snapshot(self, folder: Path, seen: int, facts: dict) -> None:
        networks = self.average["generator"], self.average["encoder"]
        facts = {"stage": "adversarial"} | facts | {"started_from": self.origin}
        write_studio_model(folder, self.config, self.data, *networks, self.hyperparameters, facts)

    def generator_weights(self) -> int:
        return sum(parameter.numel() for parameter in self.model["generator"].parameters())


def learning_rate(config: StudioGanConfig, seen: int) -> float:
    """The generator's: none while the critic learns alone, linear warm-up, constant, linearly to zero at the end."""
    warmup = min(1.0, max(0, seen - config.critic_notes + config.batch) / max(1, config.warmup_notes))
    decay = (config.notes - seen) / max(1.0, config.decay_share * config.notes)
    return config.learning_rate * min(warmup, max(0.01, min(1.0, decay)))


def judged_frames(config: StudioGanConfig, total: int, step: int) -> np.ndarray:
    """Indices of the frames looked at in `step`: from 0 in half of all steps, where the attack is, and from anywhere in
    the others. Strides halve, and pieces grow finer, whenever the critic has seen another `grow_notes`; wider strides
    go on beside the finer ones."""
    random = np.random.default_rng((config.seed, step, 5))
    widest = total // config.judged_frames
    known = min(int(math.log2(widest)), step * config.batch // config.grow_notes)
    stride = widest >> int(random.integers(0, known + 1))
    start = int(random.integers(0, total - stride * config.judged_frames + 1)) if random.random() < 0.5 else 0
    return start + stride * np.arange(config.judged_frames)


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
