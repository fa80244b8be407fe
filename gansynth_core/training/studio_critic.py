"""The critic of the studio's adversarial stage, and the picture of a note that it judges."""

import itertools
import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from gansynth_core.generators.studio import midi_to_hz, pitch_features
from gansynth_core.specgram import SpecgramSpec

LEAK = 0.2
# Of the log-magnitude in nepers: the critic is told ln(e^x + e^FLOOR), which hardly changes from 80 dB below a loud
# partial on, and nothing below SILENCE, where a generated note still has grain and a stored one has only its minimum.
FLOOR, SILENCE = -3.5, -5.5
GAIN = 4  # brings pictures, most of which is near silence, to about unit variance
STORED_STEPS = 127  # from 0 to 1, of a stored specgram


def real_picture(stored: Tensor, spec: SpecgramSpec, dither: Tensor) -> Tensor:
    """Stored int8 [batch, 2, frames, bins] -> picture of that shape; dither: uniform in [-0.5, 0.5], the same shape."""
    nepers = spec.denormalize((stored[:, 0] + dither[:, 0]) / STORED_STEPS)
    advance = stored[:, 1] * (math.pi / STORED_STEPS)
    return _picture(nepers, advance.diff(dim=1)[:, 1:].cos(), spec, dither)


def made_picture(log_magnitude: Tensor, mixed: Tensor, spec: SpecgramSpec, dither: Tensor) -> Tensor:
    """What StudioGenerator.mix made -> picture [batch, 2, frames, bins], as if it had been stored: log-magnitudes are
    rounded (gradients pass) before both kinds get the same dither, so that rounding tells nothing."""
    exact = spec.normalize(log_magnitude.detach()) * STORED_STEPS
    nepers_a_step = (spec.log_magnitude_high - spec.log_magnitude_low) / (2 * STORED_STEPS)
    nepers = log_magnitude + (exact.round() - exact + dither[:, 0]) * nepers_a_step
    turn = mixed / mixed.abs().clamp_min(0.1)
    advance = turn[:, 1:] * turn[:, :-1].conj()
    return _picture(nepers, (advance[:, 1:] * advance[:, :-1].conj()).real, spec, dither)


def _picture(nepers: Tensor, tonality: Tensor, spec: SpecgramSpec, dither: Tensor) -> Tensor:
    """Channel 0: level, 0 in silence. Channel 1: tonality of frames 2 and on (cosine of the phase advance's change),
    as loud as its bin: what phases do where nothing sounds is nobody's business."""
    loudness = functional.softplus(nepers.clamp_min(SILENCE) - FLOOR) / (spec.log_magnitude_high - FLOOR)
    tonality = functional.pad(tonality, (0, 0, 2, 0)) + dither[:, 1] / STORED_STEPS
    return torch.stack([2 * loudness, tonality * loudness], dim=1)


def slope_units(spec: SpecgramSpec) -> float:
    """What turns the length of a slope by the picture into one by the RMS change of the log-magnitude in nepers: a
    critic whose slope is 1 sees a distance in nepers, whatever the size of the picture."""
    return math.sqrt(spec.frames * spec.bins) * 2 / (spec.log_magnitude_high - FLOOR)


class StudioCritic(nn.Module):
    """Two looks at a note. The first, convolutions in two dimensions, is for texture: attacks, grain, beats, partials;
    it is shown where the harmonics of the note's pitch lie, so that it knows a partial from what lies between. The
    second takes each frame as a whole, with frequencies as channels, and also names instrument and pitch, of which it
    is told nothing. Notes come in groups of one instrument and pitch, and the critic sees how much those of a group
    differ: a generator that always makes the same note of an instrument is found out.
    """

    def __init__(self, spec: SpecgramSpec, instruments: int, keys: tuple[int, int], width: int, group: int) -> None:
        """keys: lowest and highest MIDI pitch. width: channels of the first convolution. group: notes in a group."""
        super().__init__()
        self.spec, self.group, self.key_low = spec, group, keys[0]
        widths = [width * part // 2 for part in (2, 3, 4, 6, 8, 12)]
        self.first = nn.Conv2d(3, width, (3, 8), stride=(1, 4), padding=(1, 2))
        self.blocks = nn.ModuleList(nn.Conv2d(a, b, 3, stride=2, padding=1) for a, b in itertools.pairwise(widths))
        places = (spec.frames >> len(self.blocks)) * (spec.bins // 4 >> len(self.blocks))
        self.texture = nn.Linear(widths[-1] * places, 512)

        whole = [256, 256, 320, 384, 384]
        self.bins_in = nn.Linear(2 * spec.bins, whole[0])
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, (1, 4), stride=(1, 2), padding=(0, 1)) for a, b in itertools.pairwise(whole)
        )
        self.whole = nn.Linear(whole[-1] * (spec.frames >> len(self.convolutions)), 512)
        self.instrument_logits = nn.Linear(512, instruments)
        self.key_logits = nn.Linear(512, keys[1] - keys[0] + 1)

        self.join = nn.Linear(1024 + widths[-1], 512)
        self.score = nn.Parameter(torch.randn(512) / GAIN)
        # Real or not *as what it is called* (Miyato & Koyama 2018, arXiv 1802.05637).
        self.score_of_instrument = nn.Embedding(instruments, 512)
        self.score_of_pitch = nn.Linear(_PITCH_FEATURES, 512, bias=False)
        for module in self.modules():
            if isinstance(module, nn.Conv2d | nn.Linear):
                nn.init.kaiming_normal_(module.weight, LEAK)
                if module.bias is not None:
                    nn.init.zeros_(module.bias)
        with torch.no_grad():  # the slope begins near 1, and what notes are called makes no difference yet
            self.score_of_instrument.weight.zero_()
            self.score_of_pitch.weight.zero_()
        self.to(memory_format=torch.channels_last)

    def groups(self, learning_rate: float) -> list[dict]:
        """All parameters, for an optimizer whose steps do not tell the gradient's size: weights change by a share
        of what they began with ("equalized learning rate", Karras et al. 2018, section 4.1). Some have twenty thousand
        inputs, and would else shake the score at every step."""
        rates: dict[float, list[nn.Parameter]] = {}
        for name, parameter in self.named_parameters():
            scaled = parameter.dim() > 1 and not name.startswith("score")  # those are of the size of 1 as they are
            rate = learning_rate * (math.sqrt(2 / parameter[0].numel()) if scaled else 1.0)
            rates.setdefault(rate, []).append(parameter)
        return [{"params": parameters, "lr": rate} for rate, parameters in rates.items()]

    def forward(self, picture: Tensor, pitch: Tensor, instrument: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """picture [batch, 2, frames, bins], pitch [batch] MIDI, instrument int64 [batch], in groups -> scores [batch]
        (higher is more real), and what it takes the notes for: logits of the instrument [batch, instruments] and of the
        key [batch, keys]."""
        comb = torch.cos(2 * math.pi * torch.arange(1, self.spec.bins + 1, device=pitch.device) / self._f0(pitch))
        comb = comb[:, None, None].expand(-1, 1, picture.shape[2], -1).to(picture.dtype)
        x = torch.cat([GAIN * picture, comb], dim=1).contiguous(memory_format=torch.channels_last)
        x = functional.leaky_relu(self.first(x), LEAK)
        for block in self.blocks:
            x = functional.leaky_relu(block(x), LEAK)
        differ = spread_of_groups(x, self.group)
        texture = functional.leaky_relu(self.texture(x.flatten(1)), LEAK)

        whole = self.look(picture)
        joined = torch.cat([texture, whole, differ.to(whole.dtype)], dim=1)
        joined = functional.leaky_relu(self.join(joined), LEAK).float()
        # Scores are reckoned in float32 under autocast too: what counts is how little they differ.
        wanted = self.score + self.score_of_instrument(instrument) + self.score_of_pitch(pitch_features(pitch)).float()
        return (joined * wanted).mean(dim=1), *self.name(whole)

    def look(self, picture: Tensor) -> Tensor:
        """The second look: picture -> [batch, 512]."""
        x = functional.leaky_relu(self.bins_in(GAIN * picture.transpose(1, 2).flatten(2)), LEAK)
        x = x.transpose(1, 2)[:, :, None].contiguous(memory_format=torch.channels_last)
        for convolution in self.convolutions:
            x = functional.leaky_relu(convolution(x), LEAK)
        return functional.leaky_relu(self.whole(x.flatten(1)), LEAK)

    def name(self, whole: Tensor) -> tuple[Tensor, Tensor]:
        return self.instrument_logits(whole).float(), self.key_logits(whole).float()

    def naming_loss(self, instrument_logits: Tensor, key_logits: Tensor, instrument: Tensor, pitch: Tensor) -> Tensor:
        """Mean cross-entropy of both names, in nats."""
        key = pitch.round().long() - self.key_low
        return functional.cross_entropy(instrument_logits, instrument) + functional.cross_entropy(key_logits, key)

    def _f0(self, pitch: Tensor) -> Tensor:
        return midi_to_hz(pitch)[:, None] / self.spec.bin_hz  # in bins


def spread_of_groups(x: Tensor, group: int) -> Tensor:
    """x [batch, channels, ...] -> how much each channel differs within a group, [batch, channels]: the mean over places
    of its standard deviation (minibatch standard deviation, Karras et al. 2018, section 3)."""
    deviation = (x.float().unflatten(0, (-1, group)).var(dim=1, correction=0) + 1e-4).sqrt()
    return deviation.flatten(2).mean(dim=2).repeat_interleave(group, dim=0)


_PITCH_FEATURES = pitch_features(torch.zeros(1)).shape[1]
