"""What the studio generator need not learn: where partials lie, how their phases run, and what noise is made of."""

import math

import torch
from torch import Tensor
from torch.nn import functional

from gansynth_core.pitches import pitch_hz
from gansynth_core.specgram import SpecgramSpec

# Tonality is the cosine of the phase advance's change from frame to frame. White noise has 0.41 on average (a Hann
# window overlapping by 3/4), a steady partial 1. Up to the first number a bin is noise, from the second on it is tone.
NOISE_TONALITY, TONE_TONALITY = 0.45, 0.75
ASTRAY = 0.5  # bins: partials nearer than this to a harmonic belong on it
# The L1-regressed level of a noisy bin is the median of ln(Rayleigh), this much below the noise's RMS (ln sqrt(ln 2)).
MEDIAN_TO_RMS = -0.5 * math.log(math.log(2))
NOISE_SEED = 1902  # one fixed bank of noise, so that a morph bends the sound but not the grain of its noise


_PITCH_CENTRES, _PITCH_WAVES = 41, 3
PITCH_FEATURES = _PITCH_CENTRES + 2 * _PITCH_WAVES + 1


def pitch_features(pitch: Tensor) -> Tensor:
    """pitch [batch] MIDI -> smooth features [batch, 48]: bumps every 1.5 semitones from 24 to 84 (a sampled instrument
    changes its recording every few keys), slow waves, and the pitch itself. Continuous, so that bends work."""
    centres = torch.linspace(24, 84, _PITCH_CENTRES, device=pitch.device, dtype=pitch.dtype)
    bumps = (-(((pitch[:, None] - centres) / 1.5) ** 2)).exp()
    octaves = (pitch[:, None] - 54) / 30
    waves = [wave(octaves * math.pi * (n + 1) / 2) for n in range(_PITCH_WAVES) for wave in (torch.sin, torch.cos)]
    return torch.cat([bumps, *waves, octaves], dim=1)


def tonal_share(tonality: Tensor) -> Tensor:
    """How much of a bin's amplitude is tone, 0 to 1; the rest is noise."""
    return ((tonality - NOISE_TONALITY) / (TONE_TONALITY - NOISE_TONALITY)).clamp(0, 1)


def harmonic_shapes(pitch: Tensor, spec: SpecgramSpec, functions: int) -> Tensor:
    """Functions (6 or 8) of every bin's distance to the nearest harmonic of `pitch` [batch] MIDI: [batch, functions,
    bins]."""
    f0, harmonic = _harmonics(pitch, spec, slice(0, spec.bins))
    place = _places(spec, slice(0, spec.bins), pitch)
    distance = place - harmonic * f0
    narrow, peak, wide = (_bump(distance / width) for width in (0.8, 1.6, 3.5))
    shapes = [
        torch.ones_like(distance),  # the floor between partials
        narrow,
        peak,
        wide,
        peak * (1 - 2 * (harmonic % 2)),  # odd and even partials apart
        torch.cos(2 * math.pi * place / f0),
    ]
    if functions == 8:  # a peak moved by a little is the peak and some of its slope: vibrato, stretched tuning
        shapes += [2 * distance / 1.6 * peak, 2 * distance / 3.5 * wide]
    return torch.stack(shapes, dim=1)


def running_phase(
    loud: Tensor,
    pitch: Tensor,
    spec: SpecgramSpec,
    bins: slice,
    on: Tensor | None = None,
    after: int = 0,
    over: int | None = None,
    only: Tensor | None = None,
) -> Tensor:
    """Phases in radians [batch, frames, bins] if every bin belonged to a partial, each turning at the frequency that
    the magnitudes point to. loud: magnitudes of `bins` and of the bin before and after them (0 where there is none),
    [batch, frames, bins + 2]. on: frames [n] through which the note goes after its first `after` ones, rather than to
    its end: phases [batch, after + n, bins]. over: frames, an odd number, within which partials come back to their
    harmonics (None: within the note). only: the frames that are wanted (None: all)."""
    # A partial d bins above this one makes the next bin a = (1 + d) / (2 - d) times as large under a Hann window, for
    # -1 < d < 2 (Grandke 1983): d = (2a - 1) / (1 + a), or with the bin before, b times as large, (1 - 2b) / (1 + b).
    # Both are asked, and the louder one counts more: their mean, weighted by a and b, is
    # (a - b) / (a + b) * (2 - 3 / ((1 + a) (1 + b))).
    below, here, above = loud[..., :-2], loud[..., 1:-1], loud[..., 2:]
    pairs = loud[..., 1:] + loud[..., :-1]
    distance = (here * here).div_(pairs[..., 1:] * pairs[..., :-1]).mul_(-3).add_(2)
    distance.mul_(above - below).div_(above + below)
    own = _astray(distance, here, pitch, spec, bins, over)
    if on is None:
        distance.sub_(own)
    else:  # partials of a note held for a minute are astray by what it goes through, or they would drift apart
        held = distance[:, on]
        held.sub_(_astray(held, here[:, on], pitch, spec, bins))
        distance = torch.cat([distance[:, :after].sub_(own), held], dim=1)
    distance[:, 0] = 0  # the first frame begins where it likes
    # The middle of bin n turns by n * hop / n_fft from frame to frame: whole steps of a circle, kept apart from the
    # sum, which would lose digits to them.
    steps = spec.n_fft // spec.hop
    step = torch.arange(steps, device=loud.device)
    turned = (step[:, None] * _places(spec, bins, pitch) % steps) * (2 * math.pi / steps)
    start = _first_phase(pitch, spec, bins)[:, None] + turned
    frames = torch.arange(distance.shape[1], device=loud.device)
    turning = torch.cumsum(distance, dim=1)
    if only is not None:
        frames, turning = only, turning[:, only]
    return torch.add(start[:, frames % steps], turning, alpha=2 * math.pi / steps)


def _astray(
    distance: Tensor, loud: Tensor, pitch: Tensor, spec: SpecgramSpec, bins: slice, over: int | None = None
) -> Tensor:
    """Bins by which partials lie beside the harmonics of the pitch from the note's beginning to its end, or within
    `over` frames, and should not, [batch, 1 or frames, bins]. Learned magnitudes are off by a hair: in the lowest
    octave a tenth of a bin is a fifth of a semitone. What is far off means it (bells, stretched tuning), and what
    moves, too (vibrato)."""
    f0, harmonic = _harmonics(pitch, spec, bins)
    if over is None:
        mean = (loud * distance).sum(dim=1, keepdim=True) / loud.sum(dim=1, keepdim=True).clamp_min(1e-9)
    else:
        moment, weight = (
            functional.avg_pool1d(one.transpose(1, 2), over, 1, over // 2).transpose(1, 2)
            for one in (loud * distance, loud)
        )
        mean = moment / weight.clamp_min(1e-9)
    beside = _places(spec, bins, pitch) + mean - (harmonic * f0)[:, None]
    return beside * _bump(beside / ASTRAY)


def _first_phase(pitch: Tensor, spec: SpecgramSpec, bins: slice) -> Tensor:
    """Phase of frame 0, radians [batch, bins]: one for all bins of a partial as seen from the window's centre (the
    alternating sign), so that they add up, and scattered from partial to partial, so that the wave has no spike."""
    _, harmonic = _harmonics(pitch, spec, bins)
    scattered = torch.frac(harmonic * 0.6180339887498949) * 2 * math.pi  # golden ratio: evenly spread
    return scattered + math.pi * (_places(spec, bins, pitch) % 2)


def _harmonics(pitch: Tensor, spec: SpecgramSpec, bins: slice) -> tuple[Tensor, Tensor]:
    """The fundamental in bins [batch, 1], and the number of every bin's nearest harmonic [batch, bins]."""
    f0 = pitch_hz(pitch)[:, None] / spec.bin_hz
    return f0, (_places(spec, bins, pitch) / f0).round().clamp_min(1)


def _places(spec: SpecgramSpec, bins: slice, like: Tensor) -> Tensor:
    """The bins' numbers, counted from 1: bin n lies at n * bin_hz."""
    return torch.arange(1, spec.bins + 1, device=like.device)[bins]


def _bump(x: Tensor) -> Tensor:
    """e^(-x^2), but never below e^-50: numbers too small for all their digits make a CPU multiply four times slower."""
    return (-(x**2)).clamp_min(-50).exp()


def noise_bank(spec: SpecgramSpec, frames: int) -> Tensor:
    """STFT of white noise, complex [frames, bins] with unit RMS in every bin: a grain that a real wave has, so that
    inversion keeps its level (independent random phases would lose 6 dB to the overlap of the frames)."""
    return white_noise(spec, 1, frames, torch.Generator().manual_seed(NOISE_SEED))[0]


def white_noise(
    spec: SpecgramSpec,
    batch: int,
    frames: int,
    random: torch.Generator,
    stride: int = 1,
    only: Tensor | None = None,
) -> Tensor:
    """STFTs of white noise on the device of `random`: complex [batch, frames, bins], unit RMS in every bin. stride:
    take every so many frames of a longer piece of noise. only: the frames that are wanted (None: all)."""
    hop = spec.hop * stride
    samples = (frames - 1) * hop + spec.n_fft
    wave = torch.randn(batch, samples, generator=random, device=random.device)
    window = torch.hann_window(spec.n_fft, periodic=True, device=random.device)
    pieces = wave.unfold(1, spec.n_fft, hop)
    stft: Tensor = torch.fft.rfft((pieces if only is None else pieces[:, only]) * window)[..., 1:]
    return stft / window.square().sum().sqrt()
