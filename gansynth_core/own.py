"""An own sound, of any rate and length, as a model hears it: from its onset, at the model's rate, and which pitches and
instruments it may be. `Synth.encode` makes a Timbre of it.
"""

import io
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

import numpy as np
import soundfile
import torch
from numpy.typing import NDArray
from torch import Tensor

from gansynth_core.cards import ModelCard
from gansynth_core.errors import AudioError, InputError
from gansynth_core.generators.encoder import StudioEncoder
from gansynth_core.latent import Z_LIMIT, Timbre
from gansynth_core.pitches import pitch_hz
from gansynth_core.sound import FADE_OUT_SECONDS, HELD_SHARE, NOTE_PEAK, SILENCE_PEAK, Clip, fade_out
from gansynth_core.specgram import Representation

ONSET_BLOCK_SECONDS = 0.002
ONSET_DB = -40.0  # below the loudest block: what comes before is silence or the room
BEFORE_ONSET_SECONDS = 0.004  # kept, so that no attack is cut into
MARGIN_SECONDS = 0.1  # read beyond a note's length, for the resampler

MOST_SECONDS, MOST_CHANNELS = 120, 64  # of a file that are read
CANCELLED = 0.01  # of the loudest channel's energy: what is left of channels that cancel each other

ENDING_SECONDS, ENDED_DB = 0.05, -30.0  # a recording whose last moment is louder than this was cut
TURNED_SECONDS = 0.1, 0.5  # at least and at most
RELEASED_SECONDS = 0.25  # 60 dB down

PITCHED_SHARE = 0.55
PITCH_SECONDS = 1.5  # of the beginning, where a pitch is looked for
PITCH_WINDOW_SECONDS = 0.34
PITCH_STEP = 0.05  # semitones
PARTIALS, PARTIAL_DECAY = 15, 0.84  # of subharmonic summation (Hermes 1988)
WHITENED_OCTAVES = 1.0  # the spectrum's slope and formants are taken off over this width
CANDIDATES = 4
LEAST_SHARE = 0.05  # of a likelihood that counts

Samples: TypeAlias = NDArray[np.floating] | Tensor | Sequence[float]
Sound: TypeAlias = Clip | Samples | str | os.PathLike[str] | io.BytesIO


@dataclass(frozen=True)
class Encoded:
    """What a model makes of an own sound.

    timbre: the nearest it knows, with an imprint of what it does not know. pitch: the sound's, MIDI with fractions, as
    given or as found. distance_db: how far the timbre's note at that pitch is from the sound, as long as that lasts
    (see spectrum.log_spectral_distance; two takes of one noise are 7.9 dB apart). encoder_db: how far it was by the
    encoder alone. refined_db: once refined, without the imprint. instruments: what the sound may be and how likely each
    is (0 to 1), the likeliest first. pitched: whether the sound has a clear pitch. start_seconds: where it begins in
    what was given; heard_seconds: how much of it was compared.
    """

    timbre: Timbre
    pitch: float
    distance_db: float
    instruments: tuple[tuple[str, float], ...]
    encoder_db: float
    refined_db: float
    pitched: bool
    start_seconds: float
    heard_seconds: float


def clip_of(sound: Sound, sample_rate: int | None = None) -> Clip:
    """A mono Clip of a Clip, of the first minutes of a sound file (its path or its bytes as io.BytesIO), or of samples
    at `sample_rate` (Hz): float [n] or [channels, n], array or tensor. Raises InputError for samples that are none,
    AudioError for a file that cannot be read."""
    if isinstance(sound, Clip):
        samples, rate = sound.samples, sound.sample_rate
    elif isinstance(sound, str | os.PathLike | io.BytesIO):
        samples, rate = _read(sound)
    elif sample_rate is None:
        raise InputError("Samples need their rate: give sample_rate, in Hz, or a Clip.")
    else:
        samples, rate = _mono(sound), sample_rate
    if isinstance(rate, bool) or not isinstance(rate, int | np.integer) or not 1000 <= rate <= 1_000_000:
        raise InputError(f"A sample rate is a whole number of Hz from 1,000 to 1,000,000, not {rate!r}.")
    if not len(samples) or not np.isfinite(samples).all():
        raise InputError("This sound is empty or has values that are not numbers.")
    return Clip(samples, int(rate))


def _read(file: "str | os.PathLike[str] | io.BytesIO") -> tuple[NDArray[np.float32], int]:
    """Samples and rate of a sound file, of any size: what comes after MOST_SECONDS is not read."""
    try:
        with soundfile.SoundFile(file) as opened:
            if not 1 <= opened.channels <= MOST_CHANNELS:
                raise AudioError(f"This sound has {opened.channels} channels. Choose one with at most {MOST_CHANNELS}.")
            samples = opened.read(MOST_SECONDS * opened.samplerate, dtype="float32", always_2d=True)
            return _one_channel(samples.T), opened.samplerate
    except (soundfile.LibsndfileError, OSError, RuntimeError) as cause:
        name = "these bytes" if isinstance(file, io.BytesIO) else f"'{file}'"
        reason = str(cause).rpartition(": ")[2] or str(cause)
        raise AudioError(f"Cannot read {name} as a sound file: {reason}") from cause


def _mono(sound: Samples) -> NDArray[np.float32]:
    try:
        samples = np.asarray(sound.detach().cpu() if isinstance(sound, Tensor) else sound, np.float32)
    except (TypeError, ValueError) as cause:
        raise InputError(f"A sound is a Clip, a file or an array of samples, not {type(sound).__name__}.") from cause
    if samples.ndim == 2:
        samples = _one_channel(samples)
    if samples.ndim != 1:
        raise InputError(f"Samples are an array [n] or [channels, n], not of shape {samples.shape}.")
    return samples


def _one_channel(channels: NDArray[np.float32]) -> NDArray[np.float32]:
    """The mean of [channels, n], or the loudest channel where they cancel each other."""
    if not channels.size:
        return np.zeros(0, np.float32)
    mean: NDArray[np.float32] = channels.mean(axis=0)
    energy = np.square(channels).sum(axis=1)
    loudest: NDArray[np.float32] = channels[int(np.argmax(energy))]
    return mean if np.square(mean).sum() > CANCELLED * energy.max() else loudest


def fitted(clip: Clip, spec: Representation) -> NDArray[np.float32]:
    """`clip` as the notes that a model learned from are: from its onset on, at the model's rate, cut (and faded over
    its last 30 ms) or padded to a note's length, peak-normalised; float32 [samples]. Raises AudioError for silence."""
    import soxr  # here, because playing a note does not need it

    rate = clip.sample_rate
    samples = clip.samples - np.float32(clip.samples.mean())  # specgrams have no constant part, and a peak needs none
    start = onset(samples, rate)
    heard = samples[start : start + math.ceil((spec.seconds + MARGIN_SECONDS) * rate)]
    if rate != spec.sample_rate:
        heard = soxr.resample(heard, rate, spec.sample_rate, quality="VHQ")
    if len(heard) > spec.samples:
        heard = fade_out(heard[: spec.samples], spec.sample_rate)
    peak = float(np.abs(heard).max(initial=0.0))
    if peak < SILENCE_PEAK:
        raise AudioError("This sound is silent, or so quiet that nothing can be told of it.")
    note = np.zeros(spec.samples, np.float32)
    note[: len(heard)] = heard * (NOTE_PEAK / peak)
    return note


def onset(samples: NDArray[np.float32], rate: int) -> int:
    """The first sample of [n] at `rate` Hz that is not silence, or not the noise of the room."""
    block = max(1, round(ONSET_BLOCK_SECONDS * rate))
    blocks = samples[: len(samples) // block * block].reshape(-1, block)
    if not len(blocks):
        return 0
    level = np.sqrt(np.square(blocks, dtype=np.float64).mean(axis=1))
    first = int(np.argmax(level > level.max() * 10 ** (ONSET_DB / 20)))
    return max(0, first * block - round(BEFORE_ONSET_SECONDS * rate))


def known_samples(note: NDArray[np.float32], spec: Representation) -> int:
    """How much of a `fitted` note its recording tells. One that is cut while it still sounds says nothing of what comes
    after, and is taken as held until a note's key is let go at the latest; one that has died away is silent from then
    on."""
    end, rate = len(np.trim_zeros(note, "b")), spec.sample_rate
    block, faded = max(1, round(ENDING_SECONDS * rate)), round(FADE_OUT_SECONDS * rate)
    levels = np.sqrt(np.square(note[: len(note) // block * block].reshape(-1, block), dtype=np.float64).mean(axis=1))
    last = note[max(0, end - faded - block) : max(1, end - faded)]
    ending = float(np.sqrt(np.square(last, dtype=np.float64).mean()))
    return min(end, round(HELD_SHARE * len(note))) if ending > levels.max() * 10 ** (ENDED_DB / 20) else len(note)


def cut(wave: NDArray[np.float32], known: int, sample_rate: int) -> NDArray[np.float32]:
    """`wave` with silence, after a fade of 30 ms, from `known` samples on."""
    if known >= len(wave):
        return wave
    return np.concatenate([fade_out(wave[:known], sample_rate), np.zeros(len(wave) - known, np.float32)])


def held(note: NDArray[np.float32], known: int, spec: Representation) -> NDArray[np.float32]:
    """A note whose first `known` samples are recorded, held on as the notes that models learn from are: its last part
    back and forth until the key is let go, and then a release."""
    if known >= len(note):
        return note
    rate, let_go = spec.sample_rate, round(HELD_SHARE * spec.samples)
    low, high = (round(seconds * rate) for seconds in TURNED_SECONDS)
    part = note[max(0, known - max(low, min(high, known // 2))) : known]
    turns = np.concatenate([part[::-1], part])
    out = note.copy()
    out[known:] = np.resize(turns, len(out) - known)
    after = np.arange(len(out) - let_go) / rate
    out[let_go:] *= np.exp(-after * math.log(1000) / RELEASED_SECONDS)
    return out


def is_pitched(note: NDArray[np.float32], sample_rate: int, pitch: float) -> bool:
    """Whether most of what sounds in `note` belongs to the partials of `pitch` (MIDI), within 0.15 of their distance:
    of noise 30 % would."""
    power = np.square(np.abs(np.fft.rfft(_windowed(note, sample_rate))))
    place = np.arange(len(power)) / len(power) * sample_rate / 2 / float(pitch_hz(pitch))
    near = np.abs(place - np.round(place)) < 0.15
    audible = place > 0.5
    # The square root lets quiet partials and the noise between them count.
    share = np.sqrt(power[near & audible]).sum() / max(1e-12, float(np.sqrt(power[audible]).sum()))
    return bool(share > PITCHED_SHARE)


def tuned(note: NDArray[np.float32], sample_rate: int, pitch: float) -> float:
    """`pitch` (MIDI) to the cent: of those within 40 cents the one whose partials are loudest, which also tells high
    partials' bins apart."""
    spectrum = np.sqrt(np.abs(np.fft.rfft(_windowed(note, sample_rate), 2**18)))
    candidates = pitch + np.arange(-40, 41) / 100
    partials = np.arange(1, PARTIALS + 1)
    hz = np.asarray(pitch_hz(candidates))[:, None] * partials
    bins = np.minimum(np.round(hz / sample_rate * 2**18).astype(int), len(spectrum) - 1)
    sums = (spectrum[bins] * (hz < 0.45 * sample_rate) * PARTIAL_DECAY ** (partials - 1)).sum(axis=1)
    return round(float(candidates[int(np.argmax(sums))]), 2)


def _windowed(note: NDArray[np.float32], sample_rate: int) -> NDArray[np.float64]:
    """The first steady part of a note under a Hann window."""
    start, length = round(0.05 * sample_rate), round(PITCH_SECONDS * sample_rate)
    part = np.trim_zeros(note, "b")[start : start + length]
    return part * np.hanning(len(part)) if len(part) else np.zeros(1)


def pitch_candidates(
    note: NDArray[np.float32], sample_rate: int, low: float, high: float, count: int = CANDIDATES
) -> list[float]:
    """Pitches (MIDI, in steps of 5 cents) from `low` to `high` that `note` float32 [n] may have, likeliest first: up to
    `count` by subharmonic summation (Hermes 1988, "Measurement of pitch by subharmonic summation", JASA 83), and the
    first one's octaves, which no sum over partials tells apart for sure."""
    size = round(PITCH_WINDOW_SECONDS * sample_rate)
    heard = note[: round(PITCH_SECONDS * sample_rate)]
    windows = np.lib.stride_tricks.sliding_window_view(np.pad(heard, (0, size)), size)[:: size // 4]
    spectrum = np.abs(np.fft.rfft(windows * np.hanning(size), n=4 * size)).astype(np.float64)
    magnitude = np.sqrt(np.square(spectrum).mean(axis=0))
    hz = np.arange(len(magnitude)) * sample_rate / (4 * size)
    pitches = np.arange(low, high + PITCH_STEP / 2, PITCH_STEP)
    fundamental = np.asarray(pitch_hz(pitches))
    # On a logarithmic scale partials lie at the same distances from every fundamental, and slopes are taken off evenly.
    scale = np.arange(math.log2(fundamental[0]) - 1, math.log2(sample_rate / 2.2), PITCH_STEP / 12)
    level = np.log(np.interp(2**scale, hz, magnitude) + 1e-4 * magnitude.max())
    width = round(WHITENED_OCTAVES * 12 / PITCH_STEP) | 1
    smooth = np.convolve(np.pad(level, width // 2, mode="edge"), np.ones(width) / width, mode="valid")
    peaks = np.maximum(level - smooth, 0.0)
    sums = np.zeros(len(pitches))
    for partial in range(1, PARTIALS + 1):
        place = np.log2(fundamental * partial)
        sums += PARTIAL_DECAY ** (partial - 1) * np.interp(place, scale, peaks, right=0.0)
    inner = np.pad(sums, 1, constant_values=-np.inf)
    tops = np.flatnonzero((sums >= inner[:-2]) & (sums > inner[2:]))
    best = [float(pitches[top]) for top in tops[np.argsort(-sums[tops])][:count]]
    octaves = [best[0] + semitones for semitones in (-12.0, 12.0)]
    new = [pitch for pitch in octaves if low <= pitch <= high and all(abs(pitch - one) > 0.5 for one in best)]
    return [round(pitch, 2) for pitch in best + new]


class Ear:
    """What the encoder beside a model hears in a `fitted` note. Its methods run the network."""

    def __init__(self, encoder: StudioEncoder, card: ModelCard, note: NDArray[np.float32]) -> None:
        self._encoder, self._card, self._device = encoder, card, encoder.centre.device
        self._summary = self._heard(torch.from_numpy(note)[None].to(self._device))

    @torch.inference_mode()
    def _heard(self, wave: Tensor) -> Tensor:
        return self._encoder.summarize(self._encoder.heard(self._card.specgram.encode(wave)))

    @torch.inference_mode()
    def instruments(self) -> tuple[tuple[str, float], ...]:
        """All instruments and how likely each is (0 to 1), the likeliest first."""
        likely = self._encoder.instrument_logits(self._summary)[0].softmax(dim=0).tolist()
        named = zip(self._card.instruments, likely, strict=True)
        return tuple(sorted(named, key=lambda pair: -pair[1]))

    @torch.inference_mode()
    def timbre(self, pitch: float, weights: Mapping[str, float]) -> Timbre:
        """Where the note lies among those of instruments by their weights, if `pitch` (MIDI) is its pitch."""
        instruments = Timbre.of(self._card, [0.0] * self._card.latent_size, weights).instruments
        row = torch.zeros(1, len(self._card.instruments), device=self._device)
        for name, weight in instruments:
            row[0, self._card.instruments.index(name)] = weight
        z, _ = self._encoder.locate(self._summary, row, torch.tensor([float(pitch)], device=self._device))
        return Timbre.of(self._card, z[0].clamp(-Z_LIMIT, Z_LIMIT), dict(instruments))


def mixtures(likely: Sequence[tuple[str, float]], alone: int = 1) -> list[dict[str, float]]:
    """Weights of instruments to try for a sound: the `alone` likeliest alone and, where it is not sure, all likely
    ones."""
    several = {name: share for name, share in likely if share >= LEAST_SHARE}
    return [{name: 1.0} for name, _ in likely[:alone]] + ([several] if len(several) > 1 else [])
