"""The textures stage of the studio model: small critics of patches teach a trained generator what wavers in a note.

Reconstruction leaves a generator that is in tune and averaged: its vibrato, beating and breath are those of the mean
note. Two patch critics (patch_critic.py) tell its log-magnitudes from real ones. Half of a batch is rebuilt from what
the encoder finds in the real notes, and so has a real counterpart to match, feature by feature; the other half is
drawn from the prior, as a player draws. The encoder stays as it was. The recipe is RAVE's second stage (Caillon &
Esling 2021, arXiv 2111.05011), with critics of pictures in place of waves.

Noise and texture are drawn anew for every note: a critic that met the player's fixed bank again and again would learn
it by heart.

A guard keeps the tuning. Local critics do not know an octave from a fifth, and a partial that swells between two others
may well look real to them: in a first try notes in tune fell from 99.4 to 97.6 %. So the long-time levels of the bins
around the lowest partials of drawn notes are held to those that the generator had at the beginning, which says nothing
of how they waver.
"""

import copy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gansynth_core.cards import in_new_words
from gansynth_core.errors import InputError
from gansynth_core.generators.encoder import StudioEncoder
from gansynth_core.generators.studio import Spectrum, StudioGenerator
from gansynth_core.generators.tone_and_noise import white_noise
from gansynth_core.pitches import pitch_hz
from gansynth_core.specgram import SpecgramSpec
from gansynth_core.training.config import TextureConfig
from gansynth_core.training.data.dataset import Indices, NoteSet, StoredNotes, dequantize
from gansynth_core.training.graphs import Recorded
from gansynth_core.training.parallel import Processes
from gansynth_core.training.studio.losses import reconstruction_loss
from gansynth_core.training.studio.model import (
    build_studio_generator,
    read_studio_model,
    studio_spec,
    write_studio_model,
)
from gansynth_core.training.studio.patch_critic import PatchCritics, critic_loss, matching_loss
from gansynth_core.training.studio.prior import fit_prior
from gansynth_core.training.studio.schedule import learning_rate

STORED_STEP = 1 / 127  # of a stored specgram: as much dither hides it, or real notes could be told by it
CONSECUTIVE = 32  # frames that the fine critic looks at
GUARDED_PARTIALS = 8
GUARD_FLOOR_DB = -40.0  # below a note's loudest bin: what is softer than this is left to the critics
GUARD_ELSEWHERE = 0.05  # how much bins count that lie neither at a partial nor half way between two
GUARD_SLACK = 0.1  # nepers, 0.9 dB: so much a level may change
BETAS = (0.5, 0.9)


class Batch(NamedTuple):
    """What one step is given. stored: int8 [batch, 2, frames, bins]. pitch: float [batch] MIDI. weights: of the
    instruments, float [batch, instruments]. latents: standard normal [batch, latent]. frames: those that are made,
    int64 [heard], CONSECUTIVE ones first. slow_at: which of these are the even frames of the note, int64 [frames / 2].
    """

    stored: Tensor
    pitch: Tensor
    weights: Tensor
    latents: Tensor
    frames: Tensor
    slow_at: Tensor


class Drawn(NamedTuple):
    """All that the generator's gradients depend on: a batch's stored, pitch, weights, frames and slow_at; z [batch,
    latent], the first of them found by the encoder; and what is drawn anew: dither uniform in -0.5 to 0.5 [batch,
    heard, bins], texture for the generator's, and noise as `white_noise` makes it."""

    stored: Tensor
    pitch: Tensor
    weights: Tensor
    frames: Tensor
    slow_at: Tensor
    z: Tensor
    dither: Tensor
    texture: Tensor
    noise: Tensor


class Pictures(NamedTuple):
    """What the critics look at (PatchCritics.pictures): of real notes and of made ones."""

    real_fine: Tensor
    real_slow: Tensor
    made_fine: Tensor
    made_slow: Tensor


class Textures:
    """Generator and critics, step by step: first the generator's, then the critics', with the same made notes."""

    def __init__(self, config: TextureConfig, data: NoteSet, processes: Processes) -> None:
        self.config, self.data, self.processes = config, data, processes
        self.spec = studio_spec(data)
        processes.share(config.batch, 2)
        self.stored = StoredNotes(data, processes.device)

    # --- beginning ----------------------------------------------------------------------------------------------------

    def begin(self, model: Path | None) -> None:
        if model is None:
            raise InputError("The textures stage takes over from a trained model: name it with --start-from.")
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
        config, device = self.config, self.processes.device
        self.generator, self.encoder = generator.to(device), encoder.to(device).requires_grad_(False)
        self.hyperparameters, self.origin = hyperparameters, origin
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.before = copy.deepcopy(self.average)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(config.seed)
            self.critics = PatchCritics(self.spec, config.fine_width, config.slow_width).to(device)
        # The texture begins at nothing in a network that has learned all the rest.
        fresh = [parameter for name, parameter in self.generator.named_parameters() if ".texture_" in name]
        known = [parameter for name, parameter in self.generator.named_parameters() if ".texture_" not in name]
        groups = [{"params": known, "speed": 1.0}, {"params": fresh, "speed": config.texture_speed}]
        self.optimizer = torch.optim.Adam([g for g in groups if g["params"]], config.learning_rate, BETAS, fused=True)
        self.critic_optimizer = torch.optim.Adam(
            self.critics.parameters(), config.critic_learning_rate, BETAS, fused=True
        )
        self._descend = Recorded(self._generator_gradients, device)
        self._judge = Recorded(self._critic_gradients, device)

    # --- a step -------------------------------------------------------------------------------------------------------

    def load(self, step: int, notes: Indices) -> Batch:
        config, share = self.config, self.processes.share(len(notes))
        random = torch.Generator().manual_seed(config.seed * 1_000_003 + step)
        latents = torch.randn(len(notes), config.latent_size, generator=random)[share]
        own = notes[share]
        frames, slow_at = frames_heard(self.spec.frames, config.attack_share, config.seed, step)
        return Batch(
            stored=self.stored(own),
            pitch=torch.from_numpy(self.data.notes["pitch"][own].astype(np.float32)),
            weights=self.data.weights(own),
            latents=latents,
            frames=torch.from_numpy(frames),
            slow_at=torch.from_numpy(slow_at),
        )

    def step(self, batch: Batch, seen: int) -> dict[str, Tensor | float]:
        config = self.config
        # Drawn on the device: noise for a batch is as much as its notes. Another sequence in each process.
        random = torch.Generator(self.processes.device)
        random.manual_seed((config.seed * 1_000_003 + seen // config.batch) * 64 + self.processes.rank)
        drawn = self._draw(batch, random)
        parts: dict[str, Tensor | float]
        if seen >= config.critic_notes:
            pictures, found = self._descend(drawn)
            parts = {**found, "gradient": self._move(seen)}
        else:
            with torch.no_grad():
                pictures, _, kept = self._make(drawn)
                parts = {**kept, "adversarial": 0.0, "matching": 0.0, "guard": 0.0, "gradient": 0.0}
        judged = self._judge(pictures)
        self.processes.average_gradients(self.critics.parameters())
        nn.utils.clip_grad_norm_(self.critics.parameters(), config.clip)
        self.critic_optimizer.step()
        return {**judged, **parts}

    @torch.no_grad()
    def _draw(self, batch: Batch, random: torch.Generator) -> Drawn:
        """What there is at random in a step, drawn by `random` on the device; and the places of the notes."""
        device, spec, count = self.processes.device, self.spec, len(batch.pitch)
        dither = torch.rand((count, len(batch.frames), spec.bins), generator=random, device=device) - 0.5
        texture = torch.randn((count, *self.generator.texture.shape[1:]), generator=random, device=device)
        noise = white_noise(spec, count, spec.frames, random)[:, batch.frames]
        rebuilt = self._rebuilt(count)
        weights = batch.weights[:rebuilt]
        with self._autocast():
            summary = self.encoder.summarize(dequantize(self.encoder.heard(batch.stored[:rebuilt])))
            mean, log_spread = self.encoder.locate(summary, weights, batch.pitch[:rebuilt])
        found = self.encoder.draw(mean, log_spread, weights, batch.latents[:rebuilt])
        z = torch.cat([found, batch.latents[rebuilt:]])
        return Drawn(batch.stored, batch.pitch, batch.weights, batch.frames, batch.slow_at, z, dither, texture, noise)

    @staticmethod
    def _rebuilt(count: int) -> int:
        """How many of so many notes are made through the encoder."""
        return count // 2

    def _make(self, drawn: Drawn) -> tuple[Pictures, Spectrum, dict[str, Tensor]]:
        """Real and made notes as the critics see them; the made notes' Spectrum; and the loss of reconstruction and its
        parts of those that are rebuilt."""
        generator, pitch, frames, slow_at = self.generator, drawn.pitch, drawn.frames, drawn.slow_at
        rebuilt = self._rebuilt(len(pitch))
        with torch.no_grad():
            dithered = dequantize(drawn.stored[:, 0, frames]) + drawn.dither * STORED_STEP
            real = self.critics.pictures(self.spec.denormalize(dithered), pitch, CONSECUTIVE, slow_at)
        with self._autocast():
            features = generator.grow(generator.place(drawn.z, drawn.weights, pitch), pitch, drawn.texture)
            spectrum = generator.spectrum(features[:, frames], generator.harmonic_basis(pitch))
        spectrum = Spectrum(spectrum.log_magnitude.float(), spectrum.tonality.float())
        first = Spectrum(spectrum.log_magnitude[:rebuilt], spectrum.tonality[:rebuilt])
        loss, parts = reconstruction_loss(first, drawn.stored[:rebuilt], frames, generator, self.config)
        log_magnitude, _ = generator.mix(spectrum, pitch, drawn.noise)
        made = self.critics.pictures(log_magnitude, pitch, CONSECUTIVE, slow_at)
        return Pictures(*real, *made), spectrum, {"rebuilt": loss, **parts}

    def _generator_gradients(self, drawn: Drawn) -> tuple[Pictures, dict[str, Tensor]]:
        """Gradients in the generator's parameters; the pictures, and the parts of the loss."""
        config, rebuilt = self.config, self._rebuilt(len(drawn.pitch))
        self.optimizer.zero_grad(set_to_none=True)
        pictures, spectrum, kept = self._make(drawn)
        self.critics.requires_grad_(False)
        with self._autocast():
            made = self.critics((pictures.made_fine, pictures.made_slow))
            with torch.no_grad():
                real = self.critics((pictures.real_fine[:rebuilt], pictures.real_slow[:rebuilt]))
        self.critics.requires_grad_(True)
        adversarial = -torch.stack([found[-1].float().mean() for found in made]).sum()
        matching = torch.stack(
            [matching_loss(a, [layer[:rebuilt] for layer in b]) for a, b in zip(real, made, strict=True)]
        ).mean()
        guard = self._guard(drawn, spectrum, rebuilt)
        loss = (
            config.reconstruction_weight * kept["rebuilt"]
            + config.adversarial_weight * adversarial
            + config.matching_weight * matching
            + config.guard_weight * guard
        )
        loss.backward()
        parts = {**kept, "adversarial": adversarial, "matching": matching, "guard": guard}
        return (
            Pictures(*(picture.detach() for picture in pictures)),
            {name: part.detach() for name, part in parts.items()},
        )

    def _guard(self, drawn: Drawn, spectrum: Spectrum, rebuilt: int) -> Tensor:
        """How far the long-time levels around the lowest partials of drawn notes are from what they were before this
        stage."""
        before, pitch, slow = self.before, drawn.pitch[rebuilt:], drawn.frames[drawn.slow_at]
        with torch.no_grad(), self._autocast():
            place = before.place(drawn.z[rebuilt:], drawn.weights[rebuilt:], pitch)
            features = before.grow(place, pitch, drawn.texture[rebuilt:])
            wanted = before.spectrum(features[:, slow], before.harmonic_basis(pitch)).log_magnitude.float()
        return guard_loss(spectrum.log_magnitude[rebuilt:][:, drawn.slow_at], wanted, pitch, self.spec)

    def _move(self, seen: int) -> Tensor:
        """A step of the generator along its gradients; returns their length."""
        config = self.config
        parameters: list[Tensor] = list(self.generator.parameters())
        for group in self.optimizer.param_groups:
            group["lr"] = group["speed"] * learning_rate(config, seen, config.critic_notes)
        self.processes.average_gradients(parameters)
        length = nn.utils.clip_grad_norm_(parameters, config.clip)
        self.optimizer.step()
        decay = 0.5 ** (config.batch / config.ema_notes)
        with torch.no_grad():
            torch._foreach_lerp_(list(self.average.parameters()), parameters, 1 - decay)
        return length

    def _critic_gradients(self, pictures: Pictures) -> dict[str, Tensor]:
        """Gradients in the critics' parameters, and their losses."""
        self.critic_optimizer.zero_grad(set_to_none=True)
        with self._autocast():
            real = self.critics((pictures.real_fine, pictures.real_slow))
            made = self.critics((pictures.made_fine, pictures.made_slow))
        fine, slow = (critic_loss(a, b) for a, b in zip(real, made, strict=True))
        (fine + slow).backward()
        return {"fine": fine.detach(), "slow": slow.detach()}

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
            "before": self.before.state_dict(),
            "critics": self.critics.state_dict(),
            "optimizers": [self.optimizer.state_dict(), self.critic_optimizer.state_dict()],
        }

    def restore(self, state: dict[str, Any]) -> None:
        spec, size = self.spec, (len(self.data.instruments), self.config.latent_size)
        generator = build_studio_generator(spec, *size, state["hyperparameters"])
        self._build(generator, StudioEncoder(spec, *size), state["hyperparameters"], in_new_words(state["origin"]))
        for name in ("generator", "encoder", "average", "before", "critics"):
            getattr(self, name).load_state_dict(state[name])
        for optimizer, kept in zip((self.optimizer, self.critic_optimizer), state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)

    def write_snapshot(self, folder: Path, seen: int, facts: dict[str, Any]) -> None:
        networks = self.average, self.encoder
        facts = {"stage": "textures"} | facts | {"started_from": self.origin}
        write_studio_model(folder, self.config, self.data, *networks, self.hyperparameters, facts)

    def generator_weights(self) -> int:
        return sum(parameter.numel() for parameter in self.generator.parameters())


def frames_heard(total: int, attack_share: float, seed: int, step: int) -> tuple[np.ndarray, np.ndarray]:
    """Which of `total` frames step number `step` makes: CONSECUTIVE ones that begin at an even frame, from the note's
    beginning in `attack_share` of the steps, then the other even frames; and where among these all the even frames are,
    in order of time."""
    random = np.random.default_rng((seed, step, 1))
    start = 0 if random.random() < attack_share else 2 * int(random.integers((total - CONSECUTIVE) // 2 + 1))
    crop, even = np.arange(start, start + CONSECUTIVE), np.arange(0, total, 2)
    frames = np.concatenate([crop, even[~np.isin(even, crop)]])
    return frames, np.array([int(np.flatnonzero(frames == frame)[0]) for frame in even])


def guard_loss(made: Tensor, wanted: Tensor, pitch: Tensor, spec: SpecgramSpec) -> Tensor:
    """Normalised log-magnitudes of notes and of the same ones as they should be in the long run, [batch, frames, bins]
    each; pitch [batch] MIDI -> how far the levels of the bins up to the GUARDED_PARTIALS-th partial are apart, beyond
    GUARD_SLACK: mean in nepers. Bins at partials, and half way between two, where those of an octave below would be,
    count most.

    A level is that of the mean power over all frames, and what lies below GUARD_FLOOR_DB counts as being there.
    """
    made_power, wanted_power = ((2 * spec.denormalize(x.clamp(-1, 1))).exp().mean(dim=1) for x in (made, wanted))
    floor = 10 ** (GUARD_FLOOR_DB / 10) * wanted_power.amax(dim=1, keepdim=True)
    apart = ((made_power + floor).log() - (wanted_power + floor).log()).abs() / 2
    place = torch.arange(1, spec.bins + 1, device=pitch.device)
    half = (pitch_hz(pitch) / spec.bin_hz / 2)[:, None]
    distance = place - (place / half).round().clamp_min(1) * half
    counts = (GUARD_ELSEWHERE + (-((distance / 1.6) ** 2).clamp_max(50)).exp()) * (
        place <= (2 * GUARDED_PARTIALS + 1) * half
    )
    beyond = functional.relu(apart - GUARD_SLACK) * counts
    return (beyond.sum(dim=1) / counts.sum(dim=1)).mean()
