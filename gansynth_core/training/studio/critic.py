"""The critic of the studio's adversarial stage."""

import copy
import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn import functional

from gansynth_core.generators.encoder import StudioEncoder
from gansynth_core.generators.tone_and_noise import pitch_features
from gansynth_core.specgram import SpecgramSpec

LEAK = 0.2
# Of the log-magnitude in nepers: the critic is told ln(e^x + e^FLOOR). Below it a generated note still has grain, and a
# stored one has only its minimum.
FLOOR = -4.5
SCORED = 128  # numbers that a score is made of


class StudioCritic(nn.Module):
    """How real a note is, and what instrument and key it takes it for, by what a trained encoder makes of it.

    An encoder that has heard millions of notes knows what makes an instrument; a critic that begins from nothing would
    need as many to notice that a trumpet is not quite one. So this one hears through a frozen copy of the encoder, at
    each of its stages (as Projected GANs do: Sauer et al. 2021, arXiv 2111.01007), with a small network of its own for
    each. Stages are doublings along time. The critic grows by them: it listens to the coarsest first, then to finer and
    finer ones.

    Notes come in groups of one instrument and pitch, and the critic sees how much those of a group differ: a generator
    that always makes the same note of an instrument is found out.
    """

    def __init__(
        self, encoder: StudioEncoder, spec: SpecgramSpec, keys: tuple[int, int], width: int, group: int
    ) -> None:
        """keys: lowest and highest MIDI pitch. width: channels of the networks of the stages. group: notes in a
        group."""
        super().__init__()
        self.spec, self.group, self.key_low = spec, group, keys[0]
        self.ear = copy.deepcopy(encoder).requires_grad_(False)
        instruments = encoder.instrument_logits.out_features
        convolutions = [layer for layer in encoder.convolutions if isinstance(layer, nn.Conv2d)]
        channels = [*(layer.in_channels for layer in convolutions), convolutions[-1].out_channels]
        last = encoder.summary.in_features // channels[-1]  # frames of the coarsest stage
        coarsest_first = list(enumerate(reversed(channels)))
        self.stages = nn.ModuleList(_Stage(size, width, last, halvings) for halvings, size in coarsest_first)
        self.scores = nn.ModuleList(_Score(2 * SCORED if n == 0 else SCORED, instruments) for n, _ in coarsest_first)
        self.sizes = [(512,), *((last << halvings, size) for halvings, size in coarsest_first)]  # of what is heard
        self.summary = nn.Linear(512, SCORED)
        self.instrument_logits = copy.deepcopy(encoder.instrument_logits)
        self.key_logits = nn.Linear(512, keys[1] - keys[0] + 1)

    def hear(self, nepers: Tensor) -> Tensor:
        """Log-magnitudes in nepers of every second frame [batch, frames / 2, bins] -> what the ear makes of them at all
        its stages, the coarsest first, in a row: [batch, numbers]."""
        floored = torch.logaddexp(nepers, torch.full_like(nepers, FLOOR))
        return torch.cat([x.flatten(1) for x in self.ear.stages(self.spec.normalize(floored))[::-1]], dim=1)

    def slope_units(self) -> Tensor:
        """What converts the slope with respect to what is heard into one with respect to its RMS change over a stage,
        over all stages alike however many numbers they have: [numbers]."""
        counts = torch.tensor([math.prod(size) for size in self.sizes])
        return (counts * len(counts)).sqrt().repeat_interleave(counts)

    def forward(
        self, heard: Tensor, pitch: Tensor, instrument: Tensor, amounts: Tensor, listening: int
    ) -> tuple[Tensor, Tensor, Tensor]:
        """heard [batch, numbers], from `hear`, of notes in groups; pitch [batch] MIDI; instrument int64 [batch].
        amounts [stages]: how much each counts, from `amounts`; listening: how many of them are above 0, a plain number,
        as a recorded step cannot look at the tensor. -> scores [batch] (higher is more real), logits of the instrument
        [batch, instruments] and of the key [batch, keys]."""
        parts = heard.split([math.prod(size) for size in self.sizes], dim=1)
        summary, *stages = (part.unflatten(1, size) for part, size in zip(parts, self.sizes, strict=True))
        score = torch.zeros(len(pitch), device=pitch.device)
        for number in range(listening):
            x = self.stages[number](stages[number], self.group)
            if number == 0:
                x = torch.cat([x, functional.leaky_relu(self.summary(summary), LEAK)], dim=1)
            score = score + amounts[number] * self.scores[number](x, pitch, instrument)
        return score / amounts.sum(), self.instrument_logits(summary).float(), self.key_logits(summary).float()

    def amounts(self, grown: float) -> Tensor:
        """How much each stage counts, the coarsest first, [stages], when `grown` stages are listened to besides the
        coarsest, the last by its fraction."""
        return (grown + 1 - torch.arange(len(self.stages))).clamp(0, 1)

    def naming_loss(self, logits: Sequence[Tensor], instrument: Tensor, pitch: Tensor) -> Tensor:
        """Mean cross-entropy of both names, in nats. logits: of the instrument and of the key."""
        instrument_logits, key_logits = logits
        key = pitch.round().long() - self.key_low
        return functional.cross_entropy(instrument_logits, instrument) + functional.cross_entropy(key_logits, key)

    def learned(self) -> list[nn.Parameter]:
        """All parameters but the ear's."""
        return [parameter for name, parameter in self.named_parameters() if not name.startswith("ear.")]


class _Stage(nn.Module):
    """What the ear makes of a note at one stage -> numbers [batch, SCORED]."""

    def __init__(self, channels: int, width: int, last: int, halvings: int) -> None:
        """last: frames after `halvings` halvings."""
        super().__init__()
        self.first = nn.Conv1d(channels, width, 3, padding=1)
        self.halvings = nn.ModuleList(nn.Conv1d(width, width, 4, stride=2, padding=1) for _ in range(halvings))
        self.summary = nn.Linear(width * last + width, SCORED)

    def forward(self, x: Tensor, group: int) -> Tensor:
        x = functional.leaky_relu(self.first(x.transpose(1, 2)), LEAK)
        for halving in self.halvings:
            x = functional.leaky_relu(halving(x), LEAK)
        differ = spread_of_groups(x, group).to(x.dtype)
        return functional.leaky_relu(self.summary(torch.cat([x.flatten(1), differ], dim=1)), LEAK)


class _Score(nn.Module):
    """Real or not *as what it is called* (Miyato & Koyama 2018, arXiv 1802.05637); at first the name makes no
    difference. In float32 under autocast too: what counts is how little scores differ."""

    def __init__(self, numbers: int, instruments: int) -> None:
        super().__init__()
        self.plain = nn.Parameter(0.1 * torch.randn(numbers) / math.sqrt(numbers))  # slopes begin below 1
        self.of_instrument = nn.Embedding(instruments, numbers)
        self.of_pitch = nn.Linear(_PITCH_FEATURES, numbers, bias=False)
        nn.init.zeros_(self.of_instrument.weight)
        nn.init.zeros_(self.of_pitch.weight)

    def forward(self, x: Tensor, pitch: Tensor, instrument: Tensor) -> Tensor:
        wanted = self.plain + self.of_instrument(instrument) + self.of_pitch(pitch_features(pitch)).float()
        score: Tensor = (x.float() * wanted).sum(dim=1)
        return score


def spread_of_groups(x: Tensor, group: int) -> Tensor:
    """x [batch, channels, ...] -> how much each channel differs within a group, [batch, channels]: the mean over places
    of its standard deviation (minibatch standard deviation, Karras et al. 2018, section 3)."""
    deviation: Tensor = (x.float().unflatten(0, (-1, group)).var(dim=1, correction=0) + 1e-4).sqrt()
    return deviation.flatten(2).mean(dim=2).repeat_interleave(group, dim=0)


_PITCH_FEATURES = pitch_features(torch.zeros(1)).shape[1]
