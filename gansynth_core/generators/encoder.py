"""The studio encoder: the log-magnitude of a sound -> which instrument it is, and where in that instrument's z."""

import hashlib
import itertools
import os
from pathlib import Path

import safetensors
import safetensors.numpy
import torch
from torch import Tensor, nn
from torch.nn import functional

from gansynth_core.cards import ModelCard
from gansynth_core.errors import ModelError
from gansynth_core.generators.instrument_prior import InstrumentPrior, upgrade
from gansynth_core.generators.studio import pixel_norm
from gansynth_core.generators.upper import lower_half
from gansynth_core.specgram import SpecgramSpec

FRAME_STEP = 2  # every second frame is enough to recognise a sound
ENCODER_HASH = "encoder_sha256"  # in a card's `training`; older ones lack it


class StudioEncoder(nn.Module):
    """Strided convolutions along time over every second frame's spectrum."""

    centre: Tensor

    def __init__(self, spec: SpecgramSpec, instruments: int, latent_size: int = 512) -> None:
        super().__init__()
        frames = spec.frames // FRAME_STEP
        self.bins_in = nn.Linear(spec.bins, 256)
        self.when = nn.Parameter(torch.zeros(1, frames, 256))
        widths = [256, 256, 320, 384, 384]
        self.convolutions = nn.ModuleList(
            nn.Conv2d(a, b, (1, 4), stride=(1, 2), padding=(0, 1)) for a, b in itertools.pairwise(widths)
        )
        self.summary = nn.Linear(widths[-1] * (frames >> len(self.convolutions)), 512)
        self.instrument_logits = nn.Linear(512, instruments)
        self.instrument_in = nn.Linear(instruments, 512, bias=False)
        self.posterior = nn.Linear(512, 2 * latent_size)
        # Where the instruments' notes lie, set with the generator's own (see training/studio/prior.py).
        self.register_buffer("centre", torch.zeros(instruments, latent_size))
        self.prior = InstrumentPrior(instruments, latent_size)
        self.register_load_state_dict_pre_hook(  # type: ignore[no-untyped-call]
            lambda _, weights, prefix, *__: upgrade(weights, prefix, instruments)
        )
        with torch.no_grad():
            self.posterior.weight.mul_(0.1)
            self.posterior.bias.zero_()

    def heard(self, specgram: Tensor) -> Tensor:
        """Of specgrams [batch, 2, frames, bins] what the encoder hears: the log-magnitude of every second frame, and of
        those with an upper half (see upper.py) the lower one."""
        return specgram[:, 0, ::FRAME_STEP, : self.bins_in.in_features]

    def summarize(self, log_magnitude: Tensor) -> Tensor:
        """Normalised log-magnitude [batch, frames / 2, bins] (every second frame) -> features [batch, 512]."""
        return self.stages(log_magnitude)[-1]

    def stages(self, log_magnitude: Tensor) -> list[Tensor]:
        """The same with the stages on the way: features of every frame used [batch, frames / 2, 256], of half
        as many after each convolution [batch, frames, channels], and the summary [batch, 512]. All have unit mean
        square, frame by frame."""
        x = functional.leaky_relu(self.bins_in(log_magnitude) + self.when, 0.2)
        x = functional.rms_norm(x, x.shape[-1:])
        heard = [x]
        x = x.transpose(1, 2)[:, :, None].contiguous(memory_format=torch.channels_last)
        for convolution in self.convolutions:
            x = pixel_norm(functional.leaky_relu(convolution(x), 0.2))
            heard.append(x.squeeze(2).transpose(1, 2))
        summary = functional.leaky_relu(self.summary(x.flatten(1)), 0.2)
        return [*heard, functional.rms_norm(summary, summary.shape[-1:])]

    def locate_unfitted(self, summary: Tensor, instruments: Tensor) -> tuple[Tensor, Tensor]:
        """Summary [batch, 512], instrument weights [batch, instruments] -> posterior of z as long as no prior is
        fitted, [batch, latent] each: its mean and its log standard deviation."""
        joined = functional.leaky_relu(summary + self.instrument_in(instruments), 0.2)
        mean, log_spread = self.posterior(joined).float().chunk(2, dim=1)
        return mean, log_spread.clamp(-6, 2)

    def locate(self, summary: Tensor, instruments: Tensor, pitch: Tensor) -> tuple[Tensor, Tensor]:
        """Summary [batch, 512], instrument weights [batch, instruments], pitch [batch] MIDI -> posterior of z,
        [batch, latent] each: its mean, and its log standard deviation as it is without the prior (`draw` knows)."""
        mean, log_spread = self.locate_unfitted(summary, instruments)
        return self.prior.locate(mean - instruments @ self.centre, instruments, pitch), log_spread

    def draw(self, mean: Tensor, log_spread: Tensor, instruments: Tensor, normal: Tensor) -> Tensor:
        """z [batch, latent] drawn from the posterior that `locate` found. normal: standard normal, of that shape."""
        away = log_spread.exp() * normal
        with torch.autocast(mean.device.type, enabled=False):
            along = away.float() @ self.prior.directions.T
            return mean + away + (self.prior.narrow(along, instruments) - along) @ self.prior.directions


def load_encoder(folder: str | os.PathLike[str], card: ModelCard, device: str = "cpu") -> StudioEncoder | None:
    """The encoder beside a model's weights, or None where there is none. Raises ModelError if it is damaged."""
    path = Path(folder) / "encoder.safetensors"
    if not path.is_file():
        return None
    assert isinstance(card.specgram, SpecgramSpec)  # the studio's
    spec = lower_half(card.specgram) if card.generator.get("upper_bands") else card.specgram
    encoder = StudioEncoder(spec, len(card.instruments), card.latent_size)
    try:
        data = path.read_bytes()
        digest = hashlib.sha256(data).hexdigest()
        if card.training.get(ENCODER_HASH, digest) != digest:
            raise ModelError(f"The encoder '{path}' is damaged or belongs to another model (the hash differs).")
        weights = safetensors.numpy.load(data)
        encoder.load_state_dict({name: torch.from_numpy(value).float() for name, value in weights.items()}, strict=True)
    except (OSError, RuntimeError, safetensors.SafetensorError) as cause:
        raise ModelError(f"The encoder '{path}' is damaged or belongs to another model: {cause}") from cause
    return encoder.to(device).eval().requires_grad_(False)
