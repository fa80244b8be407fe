"""The adversarial training of Magenta's GANSynth (Engel et al. 2019, arXiv 1902.08710; magenta/models/gansynth/lib/
model.py, train_util.py), from scratch.

The networks grow in stages (Karras et al. 2018, arXiv 1710.10196): an even stage trains the sizes of picture that are
there, an odd one fades in the next size; each begins with new optimizers. Before the last size, pictures are
repetitions of smaller ones, real ones too, and so everything is computed at the smaller size: the same numbers for a
fraction of the work.
"""

import copy
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from gansynth_core.errors import DataError, InputError
from gansynth_core.generators.magenta import MagentaGenerator, progress_after
from gansynth_core.specgram import MelSpecgramSpec
from gansynth_core.training import wgan
from gansynth_core.training.config import MagentaConfig
from gansynth_core.training.data.dataset import Indices, NoteSet, StoredNotes, dequantize
from gansynth_core.training.magenta.discriminator import MagentaDiscriminator
from gansynth_core.training.parallel import Processes
from gansynth_core.training.snapshot import half_weights, shown_notes, snapshot_card, write_model


class Batch(NamedTuple):
    """What one step is given. stored: real specgrams [n, 2, frames, bins]; label: theirs, int64 [n]. latents
    [2, n, latent] and labels [2, n]: for the generator's step and the discriminator's. mix: how far from real to made
    to look at the slope, 0 to 1 [n]."""

    stored: Tensor
    label: Tensor
    latents: Tensor
    labels: Tensor
    mix: Tensor


class MagentaGan:
    """Generator and discriminator, step by step: first the generator's, then the discriminator's, as in the original,
    with latents and labels of their own. Labels are drawn as often as the set has notes of them. A label is a note's
    pitch and, where `config.instrument_weight` has the networks told instruments, its instrument, in one number: see
    `_labels`.

    The discriminator compares notes in groups of `config.group`. So a batch of two groups is the same step in one
    process as in two, and each note is seen among as many others as in the original, whose batch was one group.
    """

    def __init__(self, config: MagentaConfig, data: NoteSet, processes: Processes) -> None:
        self.config, self.data, self.processes = config, data, processes
        processes.share(config.batch, config.group)
        assert isinstance(data.spec, MelSpecgramSpec)  # which the training loop has checked
        self.spec = data.spec
        if len(self.spec.normalizer) != 1:
            raise DataError(f"'{data.folder}' has a normalizer for each bin. Training needs one for all of them.")
        pitches = data.notes["pitch"]
        if (pitches != pitches.round()).any():
            between = pitches[pitches != pitches.round()]
            raise DataError(
                f"'{data.folder}' has {len(between)} notes between two keys, such as {between[0]:g}. Models of this "
                "family know whole keys only."
            )
        self.pitch_low, self.pitch_high = int(pitches.min()), int(pitches.max())
        self.instruments = data.instruments if config.instrument_weight else ()
        counts = np.bincount(self._labels(data.training()))
        self._label_counts = torch.from_numpy(counts.astype(np.float32))
        self.stored = StoredNotes(data, processes.device)
        self.stage = 0
        self._build()

    def begin(self, model: Path | None) -> None:
        if model is not None:
            raise InputError("Models of the family 'magenta' are trained from scratch. Leave out --start-from.")

    # --- growing ------------------------------------------------------------------------------------------------------

    def _build(self) -> None:
        """Networks of this stage, untrained, and optimizers for them."""
        hyperparameters = self._hyperparameters(seen=0)
        labels = {name: hyperparameters.pop(name) for name in ("pitch_low", "pitches")}
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(self.config.seed * 1_000_003 + self.num_blocks)
            spec, latent_size = self.spec, self.config.latent_size
            count = len(self.instruments)
            generator = MagentaGenerator(spec, count, latent_size, **hyperparameters, **labels)
            discriminator = MagentaDiscriminator(spec, **hyperparameters, pitches=labels["pitches"], instruments=count)
        place: Any = {"device": self.device, "memory_format": torch.channels_last}  # a quarter faster
        self.generator, self.discriminator = generator.to(**place), discriminator.to(**place)
        self.average = copy.deepcopy(self.generator).requires_grad_(False)
        self.optimizers = [
            torch.optim.Adam(network.parameters(), lr=self.config.learning_rate, betas=(0.0, 0.99), fused=True)
            for network in (self.generator, self.discriminator)
        ]

    def _enter(self, stage: int) -> None:
        """Go over to `stage`: learned weights stay, new blocks begin untrained, and so do the optimizers."""
        learned = [network.state_dict() for network in self._networks()]
        self.stage = stage
        self._build()
        for network, weights in zip(self._networks(), learned, strict=True):
            network.load_state_dict(network.state_dict() | weights)

    def _networks(self) -> tuple[MagentaGenerator, MagentaDiscriminator, MagentaGenerator]:
        return self.generator, self.discriminator, self.average

    @property
    def device(self) -> str:
        return self.processes.device

    @property
    def num_blocks(self) -> int:
        return (self.stage + 1) // 2 + 1

    def _hyperparameters(self, seen: int) -> dict[str, Any]:
        """The generator's, as its card keeps them."""
        config = self.config
        return {
            "fmap_base": config.fmap_base,
            "fmap_max": config.fmap_max,
            "num_resolutions": config.num_resolutions,
            "num_blocks": self.num_blocks,
            "progress": progress_after(seen, self.num_blocks, config.stable_notes, config.fade_notes),
            "pitch_low": self.pitch_low,
            "pitches": self.pitch_high - self.pitch_low + 1,
        }

    # --- a step -------------------------------------------------------------------------------------------------------

    def load(self, step: int, notes: Indices) -> Batch:
        share, size = self.processes.share(len(notes)), len(notes)
        random = torch.Generator().manual_seed(self.config.seed * 1_000_003 + step)
        latents = torch.randn(2, size, self.config.latent_size, generator=random)
        labels = torch.multinomial(self._label_counts, 2 * size, replacement=True, generator=random).view(2, size)
        mix = torch.rand(size, generator=random)
        own = notes[share]
        label = torch.from_numpy(self._labels(own))
        return Batch(self.stored(own), label, latents[:, share], labels[:, share], mix[share])

    def step(self, batch: Batch, seen: int) -> dict[str, Tensor | float]:
        stage = stage_after(seen, self.config)
        if stage != self.stage:
            self._enter(stage)
        progress = self._hyperparameters(seen)["progress"]
        for network in self._networks():
            network.progress = progress
        stored, label, latents, labels, mix = batch
        generated = self._generator_step(latents[0], labels[0])
        judged = self._discriminator_step(self.blend(dequantize(stored)), label, latents[1], labels[1], mix)
        return generated | judged | {"progress": progress}

    def blend(self, specgram: Tensor) -> Tensor:
        """Real specgrams [batch, 2, frames, bins] in the size and as fine as generated ones are at this progress."""
        shrink = specgram.shape[2] // self.generator.grown_size[0]
        fine = functional.avg_pool2d(specgram, shrink)
        blended = torch.zeros_like(fine)
        for block in range(1, self.num_blocks + 1):
            amount, coarser = self.generator.amount(block), 1 << (self.num_blocks - block)
            if amount > 0:
                coarse = functional.avg_pool2d(fine, coarser)
                blended = blended + amount * functional.interpolate(coarse, scale_factor=coarser)
        return blended

    def _generator_step(self, z: Tensor, label: Tensor) -> dict[str, Tensor]:
        self.discriminator.requires_grad_(False)
        scores, *logits = self.discriminator.judge(self.generator.picture(z, *self._told(label)), self.config.group)
        naming = self._naming(logits, label)
        loss = wgan.generator_loss(scores) + self._weighted(naming)
        gradient = self._update(self.generator, self.optimizers[0], loss)
        self.discriminator.requires_grad_(True)
        with torch.no_grad():
            torch._foreach_lerp_(
                list(self.average.parameters()), list(self.generator.parameters()), 1 - self.config.average_decay
            )
        named = {f"generator_{name}": value.detach() for name, value in naming.items()}
        return {"generator": loss.detach()} | named | {"generator_gradient": gradient}

    def _discriminator_step(
        self, real: Tensor, label: Tensor, z: Tensor, drawn: Tensor, mix: Tensor
    ) -> dict[str, Tensor]:
        config, group = self.config, self.config.group
        with torch.no_grad():
            fake = self.generator.picture(z, *self._told(drawn))
        scores, *logits = self.discriminator.judge(torch.cat([real, fake]), group)
        real_scores, fake_scores = scores.chunk(2)
        adversarial = wgan.critic_loss(real_scores, fake_scores)
        naming = self._naming([both[: len(real)] for both in logits], label)
        penalty = wgan.gradient_penalty(
            lambda between: self.discriminator.judge(between, group)[0],
            real,
            fake,
            mix,
            self.units(),
            config.gradient_target,
        )
        loss = (
            adversarial
            + config.gradient_weight * penalty
            + config.real_score_weight * real_scores.square().mean()
            + self._weighted(naming)
        )
        gradient = self._update(self.discriminator, self.optimizers[1], loss)
        return {
            "discriminator": loss.detach(),
            "distance": -adversarial.detach(),
            "penalty": penalty.detach(),
            **{f"real_{name}": value.detach() for name, value in naming.items()},
            "discriminator_gradient": gradient,
        }

    def units(self) -> Tensor:
        """[2, 1, 1]: how much a place of a grown picture changes, normalised, in the slope with respect to the whole
        specgram that is not: a place is the mean of n x n of those, and the slope's length over these, root of n^2
        times (a / n^2)^2, is a / n (a: the normalizer's factor)."""
        scale = torch.tensor(self.spec.normalizer[0][::2], device=self.device)[:, None, None]
        units: Tensor = scale / (self.spec.frames // self.generator.grown_size[0])
        return units

    def _labels(self, notes: Indices) -> np.ndarray:
        """The labels of the set's notes at these indices, int64 [n]: pitch * instruments + instrument, or the pitch."""
        pitch, instrument = (self.data.notes[name][notes].astype(np.int64) for name in ("pitch", "instrument"))
        return pitch * len(self.instruments) + instrument if self.instruments else pitch

    def _classes(self, label: Tensor) -> tuple[Tensor, Tensor]:
        """The pitch, MIDI, and the instrument's number of labels [n]; 0 where there are no instruments."""
        count = max(1, len(self.instruments))
        return label // count, label % count

    def _told(self, label: Tensor) -> tuple[Tensor, Tensor]:
        """What the generator is told of labels [n]: pitches [n] and weights [n, instruments]."""
        pitch, instrument = self._classes(label)
        return pitch.float(), functional.one_hot(instrument, max(1, len(self.instruments)))[:, : len(self.instruments)]

    def _naming(self, logits: list[Tensor], label: Tensor) -> dict[str, Tensor]:
        """Cross-entropies of the discriminator's classifiers, in nats, by what they name."""
        pitch, instrument = self._classes(label)
        classes = {"pitch": pitch - self.pitch_low, "instrument": instrument}
        return {
            name: functional.cross_entropy(said, right)
            for said, (name, right) in zip(logits, classes.items(), strict=False)
        }

    def _weighted(self, naming: dict[str, Tensor]) -> Tensor:
        weights = {"pitch": self.config.pitch_weight, "instrument": self.config.instrument_weight}
        total = sum(weights[name] * value for name, value in naming.items())
        assert isinstance(total, Tensor)
        return total

    def _update(self, network: nn.Module, optimizer: torch.optim.Optimizer, loss: Tensor) -> Tensor:
        """One step down `loss`, averaged over the processes; returns the length of its gradient."""
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        self.processes.average_gradients(network.parameters())
        length = nn.utils.get_total_norm([p.grad for p in network.parameters() if p.grad is not None])
        optimizer.step()
        return length

    # --- keeping ------------------------------------------------------------------------------------------------------

    def state(self) -> dict[str, Any]:
        names = ("generator", "discriminator", "average")
        networks = {name: net.state_dict() for name, net in zip(names, self._networks(), strict=True)}
        return networks | {"stage": self.stage, "optimizers": [optimizer.state_dict() for optimizer in self.optimizers]}

    def restore(self, state: dict[str, Any]) -> None:
        self.stage = state["stage"]
        self._build()
        for name, network in zip(("generator", "discriminator", "average"), self._networks(), strict=True):
            network.load_state_dict(state[name])
        for optimizer, kept in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(kept)

    def write_snapshot(self, folder: Path, seen: int, facts: dict[str, Any]) -> None:
        generator = copy.deepcopy(self.average)
        hyperparameters = self._hyperparameters(seen)
        generator.progress = hyperparameters["progress"]
        facts = {"stage": f"{self.stage} of {last_stage(self.config)}"} | facts
        pitches = (self.pitch_low, self.pitch_high)
        card = snapshot_card(self.config, self.data, hyperparameters, self.instruments, pitches, facts)
        shown = shown_notes(self.data)
        label = torch.from_numpy(self._labels(shown)).to(self.device)
        z = [torch.randn(card.latent_size, generator=torch.Generator().manual_seed(int(i))) for i in shown]
        with torch.inference_mode():
            made = generator.eval()(torch.stack(z).to(self.device), *self._told(label)).cpu()
        write_model(folder, card, half_weights(generator), self.data, shown, made)

    def generator_weights(self) -> int:
        with torch.device("meta"):
            hyperparameters = self._hyperparameters(0) | {"num_blocks": self.config.num_resolutions}
            count, latent_size = len(self.instruments), self.config.latent_size
            generator = MagentaGenerator(self.spec, count, latent_size, **hyperparameters)
        return sum(parameter.numel() for parameter in generator.parameters())


def last_stage(config: MagentaConfig) -> int:
    return 2 * config.num_resolutions - 2


def stage_after(seen: int, config: MagentaConfig) -> int:
    """Number of the stage under way after `seen` notes (train_util.get_stage_info)."""
    grown, rest = divmod(seen, config.stable_notes + config.fade_notes)
    return min(last_stage(config), 2 * grown + (rest >= config.stable_notes))
