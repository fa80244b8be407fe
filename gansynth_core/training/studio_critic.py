"""The critic of the studio's adversarial stage, and the picture of a note that it judges."""

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from gansynth_core.generators.studio import midi_to_hz, pitch_features
from gansynth_core.specgram import SpecgramSpec

LEAK = 0.2
BANDS_PER_OCTAVE = 24
# Nepers: in a picture the power of a band lies on this much, 60 to 70 dB below a loud partial. What is softer is hardly
# heard beside it, and a generated note still has grain there where a stored one has only its minimum.
FLOOR = -2.0
TYPICAL, SPREAD = 1.1, 1.7  # nepers above FLOOR: mean and standard deviation of the places of real pictures
STORED_STEPS = 127  # from 0 to 1, of a stored specgram


def band_weights(spec: SpecgramSpec) -> Tensor:
    """Overlapping triangles that sum to 1 over [bands, bins]: a bin each at first, then BANDS_PER_OCTAVE. An octave up
    is so the same shift everywhere, which convolutions like, and partials lie apart where an ear tells them apart."""
    centres = [1.0]
    while centres[-1] < spec.bins:
        centres.append(centres[-1] + max(1.0, centres[-1] * (2 ** (1 / BANDS_PER_OCTAVE) - 1)))
    centres = torch.tensor(centres, dtype=torch.float64)
    below, above = centres.diff(prepend=centres[:1] - 1), centres.diff(append=centres[-1:] * 2)
    distance = torch.arange(1, spec.bins + 1, dtype=torch.float64) - centres[:, None]
    return (1 - torch.where(distance < 0, -distance / below[:, None], distance / above[:, None])).clamp_min(0).float()


def picture(nepers: Tensor, weights: Tensor) -> Tensor:
    """Log-magnitudes in nepers [batch, frames, bins], band weights [bands, bins] -> levels of bands above FLOOR in
    nepers, [batch, frames, bands]."""
    power = (2 * nepers.float()).exp() @ weights.T
    return 0.5 * (power + math.exp(2 * FLOOR)).log() - FLOOR


def real_picture(stored: Tensor, spec: SpecgramSpec, weights: Tensor, dither: Tensor) -> Tensor:
    """Stored int8 log-magnitudes [batch, frames, bins] -> picture; dither, uniform in [-0.5, 0.5] and of the same
    shape, fills up the steps that they are stored in, by which else they could be told from made ones."""
    return picture(spec.denormalize((stored + dither) / STORED_STEPS), weights)


class StudioCritic(nn.Module):
    """How real a piece of a note is, and what instrument and key it takes it for: convolutions over bands and frames.

    It is told the pitch, by a line that shows where harmonics lie, and when the frames are; of instrument and key only
    the score is told. Notes come in groups of one instrument and pitch, and the critic sees how much those of a group
    differ: a generator that always makes the same note of an instrument is found out.
    """

    def __init__(
        self, spec: SpecgramSpec, instruments: int, keys: tuple[int, int], frames: int, width: int, group: int
    ) -> None:
        """keys: lowest and highest MIDI pitch. frames: of a piece. width: channels of the first convolution. group:
        notes in a group."""
        super().__init__()
        self.spec, self.group, self.key_low = spec, group, keys[0]
        self.register_buffer("band_weights", band_weights(spec), persistent=False)
        bands = len(self.band_weights)
        widths = [width, 2 * width, 3 * width, 4 * width, 6 * width]
        self.first = nn.Conv2d(3, width, (3, 5), stride=(1, 2), padding=(1, 2))
        self.blocks = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in itertools.pairwise(widths))
        places = math.ceil(frames / 16) * math.ceil(bands / 32)
        self.summary = nn.Linear(widths[-1] * places, 512)
        self.instrument_logits = nn.Linear(512, instruments)
        self.key_logits = nn.Linear(512, keys[1] - keys[0] + 1)

        self.join = nn.Linear(512 + widths[-1], 512)
        self.score = nn.Parameter(torch.randn(512))
        # Real or not *as what it is called* (Miyato & Koyama 2018, arXiv 1802.05637).
        self.score_of_instrument = nn.Embedding(instruments, 512)
        self.score_of_pitch = nn.Linear(_PITCH_FEATURES, 512, bias=False)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, LEAK)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        with torch.no_grad():  # what notes are called makes no difference yet
            self.score_of_instrument.weight.zero_()
            self.score_of_pitch.weight.zero_()
        self.to(memory_format=torch.channels_last)

    def slope_units(self, frames: int) -> float:
        """What turns the length of a slope by the picture into one by its RMS change: a critic whose slope is 1 sees a
        distance in nepers, however large the picture."""
        return math.sqrt(frames * len(self.band_weights))

    def forward(
        self, picture: Tensor, pitch: Tensor, instrument: Tensor, when: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """picture [batch, frames, bands], pitch [batch] MIDI, instrument int64 [batch], in groups; when [frames], from
        0 at the note's beginning to 1 -> scores [batch] (higher is more real), logits of the instrument
        [batch, instruments] and of the key [batch, keys]."""
        level = (picture - TYPICAL) / SPREAD
        told = self._harmonics(pitch)[:, None], 2 * when[None, :, None] - 1
        x = torch.stack(torch.broadcast_tensors(level, *told), dim=1).contiguous(memory_format=torch.channels_last)
        x = functional.leaky_relu(self.first(x), LEAK)
        for block in self.blocks:
            x = functional.leaky_relu(block(x), LEAK)
        differ = spread_of_groups(x, self.group)
        summary = functional.leaky_relu(self.summary(x.flatten(1)), LEAK)
        joined = torch.cat([summary, differ.to(summary.dtype)], dim=1)
        joined = functional.leaky_relu(self.join(joined), LEAK).float()
        # Scores are reckoned in float32 under autocast too: what counts is how little they differ.
        wanted = self.score + self.score_of_instrument(instrument) + self.score_of_pitch(pitch_features(pitch)).float()
        scores = (joined * wanted).mean(dim=1)
        return scores, self.instrument_logits(summary).float(), self.key_logits(summary).float()

    def naming_loss(self, instrument_logits: Tensor, key_logits: Tensor, instrument: Tensor, pitch: Tensor) -> Tensor:
        """Mean cross-entropy of both names, in nats."""
        key = pitch.round().long() - self.key_low
        return functional.cross_entropy(instrument_logits, instrument) + functional.cross_entropy(key_logits, key)

    def _harmonics(self, pitch: Tensor) -> Tensor:
        """[batch, bands]: 1 in bands on a harmonic of `pitch` [batch], -1 between two; 0 where a band holds several."""
        bins = torch.arange(1, self.spec.bins + 1, device=pitch.device)
        comb = torch.cos(2 * math.pi * bins * self.spec.bin_hz / midi_to_hz(pitch)[:, None])
        weights = self.band_weights
        return comb @ (weights / weights.sum(dim=1, keepdim=True)).T


def spread_of_groups(x: Tensor, group: int) -> Tensor:
    """x [batch, channels, ...] -> how much each channel differs within a group, [batch, channels]: the mean over places
    of its standard deviation (minibatch standard deviation, Karras et al. 2018, section 3)."""
    deviation = (x.float().unflatten(0, (-1, group)).var(dim=1, correction=0) + 1e-4).sqrt()
    return deviation.flatten(2).mean(dim=2).repeat_interleave(group, dim=0)


_PITCH_FEATURES = pitch_features(torch.zeros(1)).shape[1]
