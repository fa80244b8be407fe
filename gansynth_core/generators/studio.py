"""The studio generator: frequency as channels, growing along time, with a harmonic basis.

A note is grown from 2 to 128 frames by doublings along time, each with two width-3 convolutions modulated by
(timbre, pitch). Every frame then emits smooth envelopes over frequency bands, which are multiplied by fixed functions
of the distance to the nearest harmonic of the pitch to make the spectrum. So the network need not learn a comb of
partials for every key, and pitch is continuous: the basis is a formula in f0. A dense residual carries what is not
harmonic.

The network says two things about every bin: its log-magnitude and how tonal it is. Phases follow from these: a tonal
bin turns at the frequency that its neighbours' magnitudes point to, and the others take their phase and their grain
from a piece of real noise. So partials of any tuning stay whole, which a predicted phase cannot promise: a tenth
partial five cents off is a radian off after one frame.
"""

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor, nn
from torch.nn import functional

from gansynth_core.errors import ModelError
from gansynth_core.generators.instrument_prior import InstrumentPrior, upgrade
from gansynth_core.generators.prepared import Prepared
from gansynth_core.generators.studio_notes import Course, StudioNotes
from gansynth_core.generators.tone_and_noise import (
    MEDIAN_TO_RMS,
    NOISE_SEED,
    PITCH_FEATURES,
    harmonic_shapes,
    noise_bank,
    pitch_features,
    running_phase,
    tonal_share,
)
from gansynth_core.specgram import SpecgramSpec, instantaneous_frequency, modulus

TEXTURE_KEYS = 128  # MIDI pitches that have a piece of the texture's noise of their own


@dataclass(frozen=True)
class Spectrum:
    """What the network says about a note before any noise is drawn, [batch, frames, bins] each: normalised
    log-magnitude, and tonality (about 0.4 for noise, 1 for a steady partial)."""

    log_magnitude: Tensor
    tonality: Tensor


class StudioGenerator(Prepared):
    """See above. Hyperparameters: channels of the growing trunk, features per frame, envelope bands,
    functions of the distance to the nearest harmonic (6, or 8 with those that shift partials: see harmonic_shapes),
    texture: sequences of noise fed to every block (0: none), for random fluctuation within a note.

    In inference (`eval()`, no gradients) `stft` makes one note at a time, by a shorter way: see StudioNotes."""

    bends: ClassVar[bool] = True  # whether it has `curved`
    band_weights: Tensor
    noise: Tensor
    texture: Tensor

    def __init__(
        self,
        spec: SpecgramSpec,
        instruments: int,
        latent_size: int = 512,
        *,
        channels: int = 384,
        features: int = 256,
        bands: int = 48,
        functions: int = 6,
        texture: int = 0,
    ) -> None:
        super().__init__()
        if functions not in (6, 8):
            raise ModelError(f"A studio model has 6 or 8 functions of the distance to a harmonic, not {functions}.")
        self._notes: StudioNotes | None = None
        self.spec, self.bands, self.channels, self.functions = spec, bands, channels, functions
        self.doublings = int(math.log2(spec.frames)) - 1
        # The prior: each instrument is a mean and a spread in the space that conditions the network.
        self.instrument_mean = nn.Parameter(torch.randn(instruments, latent_size))
        self.instrument_log_spread = nn.Parameter(torch.full((instruments, latent_size), -1.0))
        self.prior = InstrumentPrior(instruments, latent_size)
        self.register_load_state_dict_pre_hook(  # type: ignore[no-untyped-call]
            lambda _, weights, prefix, *__: upgrade(weights, prefix, instruments)
        )

        self.condition = nn.Sequential(
            nn.Linear(latent_size + PITCH_FEATURES, 512), nn.LeakyReLU(0.2), nn.Linear(512, 512), nn.LeakyReLU(0.2)
        )
        self.start = nn.Linear(512, 2 * channels)
        blocks: list[_GrowingBlock] = []
        width = channels
        for doubling in range(self.doublings):
            out = features if doubling == self.doublings - 1 else channels
            blocks.append(_GrowingBlock(width, out, frames=4 << doubling, texture=texture))
            width = out
        self.blocks = nn.ModuleList(blocks)

        self.envelopes = nn.Linear(features, 2 * bands * functions)
        self.residual = nn.Linear(features, 2 * spec.bins)
        with torch.no_grad():
            self.residual.weight.mul_(0.3)
            self.residual.bias.zero_()
            self.residual.bias[: spec.bins] = -0.5
            self.residual.bias[spec.bins :] = 0.5

        self.register_buffer("band_weights", _band_weights(spec, bands), persistent=False)
        self.register_buffer("noise", noise_bank(spec, 2 * spec.frames), persistent=False)
        self.texture_frames = [block.when.shape[-1] for block in blocks]
        self.register_buffer("texture", _texture_bank(texture, sum(self.texture_frames)), persistent=False)
        # What CPU convolutions want; saves a reordering at every call. (torch's own types lack this way to call `to`.)
        self.to(memory_format=torch.channels_last)  # type: ignore[call-overload]

    # --- timbre -> conditioning ------------------------------------------------------------------------------------

    def place(self, z: Tensor, instruments: Tensor, pitch: Tensor) -> Tensor:
        """z [batch, latent], instrument weights [batch, instruments], pitch [batch] -> point w [batch, latent].

        w = sum_i a_i mean_i + (sum_i a_i spread_i) * prior(z): instruments mix, and z has unit variance for each.
        """
        z = self.prior.place(z, instruments, pitch)
        w: Tensor = instruments @ self.instrument_mean + (instruments @ self.instrument_log_spread.exp()) * z
        return w

    def embed(self, z: Tensor, pitch: Tensor, instruments: Tensor) -> Tensor:
        """z [batch, latent], pitch [batch] MIDI, instruments [batch, n] -> condition [batch, 512]. Of the
        latent's many numbers it shows those that matter to the network; in w they are lost among the others."""
        return self._conditioned(self.place(z, instruments, pitch), pitch)

    def _conditioned(self, w: Tensor, pitch: Tensor) -> Tensor:
        condition: Tensor = self.condition(torch.cat([w, pitch_features(pitch)], dim=1))
        return condition

    # --- conditioning -> spectrum ----------------------------------------------------------------------------------

    def grow(self, w: Tensor, pitch: Tensor, texture: Tensor | None = None) -> Tensor:
        """w [batch, latent], pitch [batch] MIDI -> features [batch, frames, features].

        texture [batch, sequences, sum(texture_frames)]: noise for the blocks in turn (None: the pitch's piece of the
        fixed bank, so that a player always gets the same note).
        """
        condition = self._conditioned(w, pitch)
        x: Tensor = self.start(condition).unflatten(1, (self.channels, 1, 2))
        x = x.contiguous(memory_format=torch.channels_last)
        texture = self.texture_of(pitch) if texture is None else texture
        for block, noise in zip(self.blocks, texture.split(self.texture_frames, dim=2), strict=True):
            x = block(x, condition, noise)
        return x.squeeze(2).transpose(1, 2)

    def texture_of(self, pitch: Tensor) -> Tensor:
        """The bank's noise for `pitch` [batch]: a piece of its own for every key, and between two keys both, so that
        a bend crossfades them at constant power."""
        key = pitch.floor().clamp(0, TEXTURE_KEYS - 1)
        turn = (pitch - key).clamp(0, 1)[:, None, None] * (math.pi / 2)
        return turn.cos() * self.texture[key.long()] + turn.sin() * self.texture[key.long() + 1]

    def spectrum(self, features: Tensor, basis: Tensor) -> Spectrum:
        """features [batch, frames, features] and the pitches' basis (from `harmonic_basis`) -> Spectrum."""
        frames = features.shape[1]
        log_magnitude, tonality = self.envelopes(features).chunk(2, dim=2)
        harmonic = torch.cat([log_magnitude, tonality], dim=1) @ basis
        residual = self.residual(features)
        return Spectrum(
            harmonic[:, :frames] + residual[..., : self.spec.bins],
            harmonic[:, frames:] + residual[..., self.spec.bins :],
        )

    def harmonic_basis(self, pitch: Tensor) -> Tensor:
        """Functions of the distance to the nearest harmonic of `pitch` [batch] MIDI, each once under every band:
        [batch, functions * bands, bins]."""
        weights = self.band_weights
        shapes = harmonic_shapes(pitch, self.spec, self.functions).to(weights.dtype)
        return (shapes[:, :, None] * weights).flatten(1, 2)

    # --- spectrum -> specgram --------------------------------------------------------------------------------------

    def forward(self, z: Tensor, pitch: Tensor, instruments: Tensor) -> Tensor:
        """z [batch, latent], pitch [batch] MIDI, instruments [batch, n] -> specgram [batch, 2, frames, bins]."""
        return self.voice(self._spectrum_of(z, pitch, instruments), pitch)

    def stft(self, z: Tensor, pitch: Tensor, instruments: Tensor) -> Tensor:
        """What the specgram of `forward` is decoded to, complex [batch, frames, bins], without the detour over it. In
        inference every note is the same to the bit alone and in any batch."""
        if not (self.training or torch.is_grad_enabled()):
            each = zip(z.split(1), pitch.split(1), instruments.split(1), strict=True)
            return torch.cat([self.notes.stft(*one) for one in each])
        return self.played(self._spectrum_of(z, pitch, instruments), pitch)

    def prolonged(
        self, z: Tensor, pitch: Tensor, instruments: Tensor, on: Tensor, after: int, only: Tensor | None = None
    ) -> Tensor:
        """One note, in inference, which after its first `after` frames goes through those of `on` [n] rather than to
        its end: complex [1, after + n, bins], or `only` these frames of it, which takes time for them alone. Up to
        there it is the note of `stft`."""
        return self.notes.prolonged(self.notes.grown(z, pitch, instruments), pitch, on, after, only)

    def curved(
        self,
        z: Tensor,
        pitches: Tensor,
        instruments: Tensor,
        base: Tensor,
        keys: Tensor,
        frames: Tensor,
        ratios: Tensor,
        gains_db: Tensor | None = None,
    ) -> Tensor:
        """One note, in inference, whose pitch moves, grown at rising `pitches`: see Course. Complex [1, n, bins]."""
        grown = torch.stack([self.notes.grown(z, pitch, instruments) for pitch in pitches.split(1)])
        return self.notes.curved(Course(base, grown, keys, frames, ratios, gains_db))

    def played(self, spectrum: Spectrum, pitch: Tensor) -> Tensor:
        """A Spectrum with the bank's noise and with phases, complex [batch, frames, bins]."""
        log_magnitude, mixed = self.mix(spectrum, pitch, self._noise_of(pitch))
        low, high = self.spec.log_magnitude_low, self.spec.log_magnitude_high
        magnitude = torch.where(log_magnitude <= low, 0.0, log_magnitude.clamp_max(high).exp())
        return mixed * (magnitude / modulus(mixed).clamp_min(1e-12))

    @property
    def notes(self) -> StudioNotes:
        """The short way to a note, made at the first call."""
        notes = self._notes
        if notes is None:
            with torch.inference_mode(False):
                notes = self._notes = StudioNotes(self)
        return notes

    def forget(self) -> None:
        self._notes = None

    def _spectrum_of(self, z: Tensor, pitch: Tensor, instruments: Tensor) -> Spectrum:
        return self.spectrum(self.grow(self.place(z, instruments, pitch), pitch), self.harmonic_basis(pitch))

    def voice(self, spectrum: Spectrum, pitch: Tensor) -> Tensor:
        """Give a Spectrum its phases and its noise -> specgram [batch, 2, frames, bins] in [-1, 1]."""
        log_magnitude, mixed = self.mix(spectrum, pitch, self._noise_of(pitch))
        return torch.stack([self.spec.normalize(log_magnitude), instantaneous_frequency(mixed.angle())], dim=1)

    def noise_place(self, pitch: Tensor) -> Tensor:
        """The bank's frame with which the noise of `pitch` [batch] begins, whole [batch]: another one for every key."""
        return (pitch.round().long() * 7) % self.spec.frames

    def _noise_of(self, pitch: Tensor) -> Tensor:
        """The bank's noise for `pitch` [batch], complex [batch, frames, bins]."""
        frames = torch.arange(self.spec.frames, device=pitch.device)
        return self.noise[self.noise_place(pitch)[:, None] + frames]

    def mix(self, spectrum: Spectrum, pitch: Tensor, noise: Tensor) -> tuple[Tensor, Tensor]:
        """Mix tone and noise, complex [batch, frames, bins] of unit RMS, as every bin's tonality says -> log-magnitude
        in nepers, and what has its phase, complex, both of that shape. Gradients reach the Spectrum; those of the
        phase are left out, which a critic could follow to no end."""
        log_magnitude = self.spec.denormalize(spectrum.log_magnitude.clamp(-1, 1))
        tonal = tonal_share(spectrum.tonality)
        with torch.no_grad():
            loud = functional.pad(log_magnitude.exp(), (1, 1))
            phase = running_phase(loud, pitch, self.spec, slice(0, self.spec.bins))
            turning = torch.complex(phase.cos(), phase.sin())  # on a CPU four times as fast as torch.polar
        rest = 1 - tonal**2
        rest = torch.where(rest > 0, rest.clamp_min(1e-12).sqrt(), rest)  # the root's slope at 0 is infinite
        mixed = tonal * turning + rest * math.exp(MEDIAN_TO_RMS) * noise
        return log_magnitude + mixed.abs().clamp_min(1e-4).log(), mixed


class _GrowingBlock(nn.Module):
    """Double the frames, then two convolutions along time, each modulated by the condition and pixel-normalised."""

    def __init__(self, channels_in: int, channels_out: int, frames: int, texture: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(channels_in, channels_out, (1, 3), padding=(0, 1))
        self.second = nn.Conv2d(channels_out, channels_out, (1, 3), padding=(0, 1))
        self.modulate = nn.Linear(512, 4 * channels_out)
        self.when = nn.Parameter(torch.zeros(1, channels_out, 1, frames))  # lets a block know attack from tail
        with torch.no_grad():
            self.modulate.weight.mul_(0.5)
        self.texture = texture
        if texture:
            # Silent until trained (Karras et al. 2019, arXiv 1812.04948, section 3.2), and heard as the timbre wants.
            self.texture_scale = nn.Parameter(torch.zeros(texture, channels_out))
            self.texture_amount = nn.Linear(512, texture)
            nn.init.zeros_(self.texture_amount.weight)
            nn.init.zeros_(self.texture_amount.bias)

    def forward(self, x: Tensor, condition: Tensor, noise: Tensor) -> Tensor:
        """noise [batch, texture, frames after doubling]."""
        x = functional.interpolate(x, scale_factor=(1, 2), mode="nearest")
        scale, shift, scale2, shift2 = self.modulate(condition)[:, :, None, None].chunk(4, dim=1)
        x = self.first(x)
        if self.texture:
            heard = noise.to(x.dtype) * (1 + self.texture_amount(condition))[:, :, None]
            x = x + torch.einsum("bnf,nc->bcf", heard, self.texture_scale.to(x.dtype))[:, :, None]
        x = x * (1 + scale) + (shift + self.when.to(shift.dtype))
        x = pixel_norm(functional.leaky_relu(x, 0.2))
        x = self.second(x) * (1 + scale2) + shift2
        return pixel_norm(functional.leaky_relu(x, 0.2))


def pixel_norm(x: Tensor) -> Tensor:
    """Each frame's features to unit mean square (Karras et al. 2018, section 4.2)."""
    return x * torch.rsqrt((x * x).mean(dim=1, keepdim=True) + 1e-6)


def _band_weights(spec: SpecgramSpec, bands: int) -> Tensor:
    """Overlapping triangles that sum to 1 over [bands, bins], centres even on the mel scale (2595 log10(1 + f/700))."""
    mel = 2595 * torch.log10(1 + torch.arange(1, spec.bins + 1, dtype=torch.float64) * spec.bin_hz / 700)
    place = (mel - mel[0]) / (mel[-1] - mel[0]) * (bands - 1)
    return (1 - (place[None] - torch.arange(bands)[:, None]).abs()).clamp_min(0).float()


def _texture_bank(sequences: int, frames: int) -> Tensor:
    """Standard normal noise for every key [TEXTURE_KEYS + 1, sequences, frames]."""
    generator = torch.Generator().manual_seed(NOISE_SEED)
    return torch.randn(TEXTURE_KEYS + 1, sequences, frames, generator=generator)
