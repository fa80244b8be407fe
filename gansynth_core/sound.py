"""Sounds as samples that know their rate: one note (`Clip`), several of one length (`Clips`), fades, WAV files."""

import io
import os
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import soundfile

from gansynth_core.errors import AudioError, InputError
from gansynth_core.files import replacing
from gansynth_core.pitches import pitch_label

NOTE_PEAK = 0.9  # every note is scaled to this peak, those that are learned from and those that are played
SILENCE_PEAK = 1e-3  # what stays below -60 dBFS is silence, and is left as quiet as it is
FADE_IN_SECONDS = 0.002  # takes the click off a wave that starts in full swing, and leaves a sharp attack sharp
FADE_OUT_SECONDS = 0.03  # one period of the lowest note: it ends without a click, and is not heard as fading


def fade_in(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Copy of `audio` float32 [..., samples] that rises from zero along a half cosine over 2 ms."""
    ramp = _half_cosine(round(FADE_IN_SECONDS * sample_rate), audio.shape[-1])
    audio = audio.copy()
    audio[..., : len(ramp)] *= ramp
    return audio


def fade_out(audio: np.ndarray, sample_rate: int) -> np.ndarray:
    """Copy of `audio` float32 [..., samples] that falls to zero along a half cosine over its last 30 ms."""
    ramp = _half_cosine(round(FADE_OUT_SECONDS * sample_rate), audio.shape[-1])[::-1]
    audio = audio.copy()
    audio[..., audio.shape[-1] - len(ramp) :] *= ramp
    return audio


def _half_cosine(length: int, available: int) -> np.ndarray:
    """Rise from 0 towards 1 over `length` samples, or over all there are."""
    length = min(length, available)
    return (0.5 - 0.5 * np.cos(np.pi * np.arange(length) / max(1, length))).astype(np.float32)


def pcm16(audio: np.ndarray) -> np.ndarray:
    """`audio` float32 in [-1, 1] as little-endian int16 of the same shape; louder samples are clipped."""
    return np.round(np.clip(audio, -1.0, 1.0) * 32767.0).astype("<i2")


@dataclass(frozen=True, eq=False)
class Clip:
    """One mono sound: `samples` float32 [n] in [-1, 1] at `sample_rate` in Hz."""

    samples: np.ndarray
    sample_rate: int

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate

    def save(self, path: str | os.PathLike, subtype: str = "PCM_24") -> Path:
        """Write a WAV file (`subtype` PCM_16, PCM_24 or FLOAT) and return its path. Raises AudioError."""
        path = Path(path)
        if path.suffix.lower() != ".wav":
            raise AudioError(f"'{path.name}' does not end in .wav, the one format notes are saved in.")
        data = io.BytesIO()  # libsndfile does not say that a disk is full
        try:
            soundfile.write(data, self.samples, self.sample_rate, subtype=subtype, format="WAV")
        except (soundfile.LibsndfileError, ValueError) as cause:
            raise AudioError(f"Cannot write '{path}': {cause}") from cause
        with replacing(path, AudioError) as partial:
            partial.write_bytes(data.getvalue())
        return path


@dataclass(frozen=True, eq=False)
class Clips:
    """Notes of one length: `audio` float32 [notes, samples], `sample_rate` in Hz, and the `pitches` (MIDI) played."""

    audio: np.ndarray
    sample_rate: int
    pitches: tuple[float, ...]

    def __len__(self) -> int:
        return len(self.audio)

    def __getitem__(self, index: int) -> Clip:
        return Clip(self.audio[index], self.sample_rate)

    def __iter__(self) -> Iterator[Clip]:
        return (self[index] for index in range(len(self)))

    @property
    def seconds(self) -> float:
        return self.audio.shape[-1] / self.sample_rate

    def shorten(self, seconds: float) -> "Clips":
        """The first `seconds` of every note, faded out over the last 30 ms. Raises InputError if they are shorter."""
        if not (isinstance(seconds, int | float | np.number) and 0 < seconds <= self.seconds):
            raise InputError(
                f"A duration of {seconds} s is not possible: choose more than 0 and at most {self.seconds:g} s."
            )
        samples = max(1, round(seconds * self.sample_rate))
        if samples == self.audio.shape[-1]:
            return self
        return replace(self, audio=fade_out(self.audio[..., :samples], self.sample_rate))

    def save(self, path: str | os.PathLike, subtype: str = "PCM_24") -> list[Path]:
        """Write one WAV a note: `path` itself for one, `stem_060.wav` (zero-padded MIDI number) for several.

        The same pitch twice gets a running number behind it. Returns the paths. Raises AudioError, and then leaves none
        of this call's files behind.
        """
        path = Path(path)
        if len(self) == 1:
            return [self[0].save(path, subtype)]
        paths, taken = [], set()
        for clip, pitch in zip(self, self.pitches, strict=True):
            name = base = f"{path.stem}_{pitch_label(pitch)}"
            number = 2
            while name in taken:
                name, number = f"{base}_{number}", number + 1
            taken.add(name)
            try:
                paths.append(clip.save(path.with_name(name + path.suffix), subtype))
            except AudioError:
                for written in paths:
                    written.unlink(missing_ok=True)
                raise
        return paths


def read_wav(path: str | os.PathLike) -> Clip:
    """A sound file as a mono Clip (channels averaged) at its own rate. Raises AudioError if it cannot be read."""
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as cause:
        raise AudioError(f"Cannot read '{path}' as a sound file: {cause}") from cause
    if len(samples) == 0 or not np.isfinite(samples).all():
        raise AudioError(f"'{path}' holds no usable sound (it is empty or has values that are not numbers).")
    return Clip(samples.mean(axis=1), rate)
