"""Samples that know their rate: one note (`Clip`), several of equal length (`Clips`); envelopes, fades, files."""

import base64
import json
import math
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import soundfile
from numpy.typing import DTypeLike, NDArray

from gansynth_core.errors import AudioError, InputError
from gansynth_core.files import replacing
from gansynth_core.pitches import pitch_label, pitch_name
from gansynth_core.riff import SAMPLE_BYTES, chunk, wav_bytes
from gansynth_core.shared import SHARED

if TYPE_CHECKING:  # sounds need torch only for whoever asks for a tensor
    import torch

Audio = NDArray[np.float32]

NOTE_PEAK = 0.9  # every note is scaled to this peak, in training as in playing
SILENCE_PEAK = 1e-3  # a sound that stays below -60 dBFS is silence and is left as quiet as it is
HELD_SHARE: float = SHARED["held_share"]  # of a note, after which its key is let go: 3 s of 4 in NSynth
FADE_IN_SECONDS = 0.002  # takes the click off a wave that starts in full swing, yet leaves a sharp attack sharp
FADE_OUT_SECONDS = 0.03  # one period of the lowest note: no click at the end, and no audible fade

OUTLINE_POINTS = 300  # of a wave's picture
OUR_CHUNK = b"GSyn"  # of a WAV file, with the Timbre as JSON

SHOWN_CLIPS, SHOWN_SECONDS = 12, 60.0  # in a notebook, whose file keeps 64 kB for a second at 24 kHz
BLOCK = 2**16  # samples handed to libsndfile at a time: its Ogg encoder overflows the stack on minutes at once

#: The endings of sound files -> libsndfile's formats, as far as they keep a mono sound and its rate.
FORMATS = {
    **{".wav": "WAV", ".flac": "FLAC", ".ogg": "OGG", ".oga": "OGG", ".opus": "OGG", ".mp3": "MP3", ".aiff": "AIFF"},
    **{".aif": "AIFF", ".au": "AU", ".snd": "AU", ".caf": "CAF", ".w64": "W64", ".rf64": "RF64", ".voc": "VOC"},
    **{".iff": "SVX", ".svx": "SVX", ".sf": "IRCAM", ".paf": "PAF", ".pvf": "PVF", ".avr": "AVR", ".sds": "SDS"},
    **{".nist": "NIST", ".sph": "NIST", ".mat": "MAT5"},
}

_SIXTY_DB = math.log(1000)
_PATCH = SHARED["patch"]
_FIELDS = {"attack_seconds": "attack", "decay_seconds": "decay", "sustain": "sustain", "release_seconds": "release"}
ENVELOPE_RANGES: dict[str, tuple[float, float]] = {
    field: (_PATCH[name]["low"], _PATCH[name]["high"]) for field, name in _FIELDS.items()
}
GAIN_RANGE_DB: tuple[float, float] = _PATCH["gain"]["low"], _PATCH["gain"]["high"]


def fade_in(audio: Audio, sample_rate: int) -> Audio:
    """Copy of `audio` float32 [..., samples] that rises from zero along a half cosine over 2 ms."""
    ramp = _half_cosine(round(FADE_IN_SECONDS * sample_rate), audio.shape[-1])
    audio = audio.copy()
    audio[..., : len(ramp)] *= ramp
    return audio


def at_note_peak(audio: Audio) -> Audio:
    """`audio` float32 [samples], brought down to a note's peak where it is louder."""
    loudest = max(float(np.abs(audio).max(initial=0.0)), 1e-9)
    lowered: Audio = audio * np.float32(min(1.0, NOTE_PEAK / loudest))
    return lowered


def fade_out(audio: Audio, sample_rate: int) -> Audio:
    """Copy of `audio` float32 [..., samples] that falls to zero along a half cosine over its last 30 ms."""
    ramp = _half_cosine(round(FADE_OUT_SECONDS * sample_rate), audio.shape[-1])[::-1]
    audio = audio.copy()
    audio[..., audio.shape[-1] - len(ramp) :] *= ramp
    return audio


def _half_cosine(length: int, available: int) -> Audio:
    """Rise from 0 towards 1 over `length` samples, or over all there are."""
    length = min(length, available)
    ramp: Audio = (0.5 - 0.5 * np.cos(np.pi * np.arange(length) / max(1, length))).astype(np.float32)
    return ramp


class Origin(Protocol):
    """What notes are made of and can be made of again: a Timbre."""

    def to_json(self) -> dict[str, Any]: ...


def origin_chunks(origin: Origin | None) -> list[bytes]:
    """The chunk of a WAV file that says what a note was made of, which `read_timbre` reads."""
    return [] if origin is None else [chunk(OUR_CHUNK, json.dumps(origin.to_json()).encode())]


def pcm16(audio: NDArray[np.floating]) -> NDArray[np.int16]:
    """`audio` float32 in [-1, 1] as little-endian int16 of the same shape; louder samples are clipped."""
    samples: NDArray[np.int16] = np.round(np.clip(audio, -1.0, 1.0) * 32767.0).astype("<i2")
    return samples


@dataclass(frozen=True)
class Envelope:
    """How a note's level runs while its key is down and after it is let go: ADSR, as a factor g(t) on its samples.

    With a key held for h seconds (`static/audio/adsr.js` has the same formula, made of what Web Audio can schedule):

        g(t) = p t / attack                             0 <= t < attack
        g(t) = sustain + (p - sustain) e^(-(t - attack) / d)  attack <= t < h
        g(t) = g(h) e^(-(t - h) / r)                    h <= t

    where d = decay / ln 1000 and r = release / ln 1000: `release_seconds` after the key is let go the note is 60 dB
    down, and `decay_seconds` brings it as near to the sustain level. The peak p is 1; without a decay it is `sustain`
    itself. Ranges in ENVELOPE_RANGES; the default envelope leaves a held note as it is. Raises InputError.
    """

    attack_seconds: float = _PATCH["attack"]["default"]
    decay_seconds: float = _PATCH["decay"]["default"]
    sustain: float = _PATCH["sustain"]["default"]
    release_seconds: float = _PATCH["release"]["default"]

    def __post_init__(self) -> None:
        for name, (low, high) in ENVELOPE_RANGES.items():
            check_range(getattr(self, name), f"The {name.removesuffix('_seconds')} of an envelope", low, high)

    def gains(self, samples: int, sample_rate: int, held_seconds: float = math.inf) -> NDArray[np.float64]:
        """g at the first `samples` samples of a note whose key is held for `held_seconds`: float64 [samples]."""
        seconds = np.arange(samples) / sample_rate
        gains = self._held(seconds)
        gone = seconds >= held_seconds
        if gone.any():
            fall = np.exp(-(seconds[gone] - held_seconds) * _SIXTY_DB / self.release_seconds)
            gains[gone] = self._held(np.array([held_seconds])) * fall
        return gains

    def _held(self, seconds: NDArray[np.float64]) -> NDArray[np.float64]:
        peak = 1.0 if self.decay_seconds else self.sustain
        after = np.maximum(seconds - self.attack_seconds, 0.0)
        decay = np.exp(-after * _SIXTY_DB / self.decay_seconds) if self.decay_seconds else 0.0
        gains = self.sustain + (peak - self.sustain) * decay
        rise = seconds < self.attack_seconds
        if self.attack_seconds:
            gains = np.where(rise, peak * seconds / self.attack_seconds, gains)
        return np.broadcast_to(gains, seconds.shape).astype(np.float64)


def check_range(value: object, what: str, low: float, high: float) -> None:
    """Raise InputError about `what` unless `value` is a number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int | float | np.number) or not low <= value <= high:
        raise InputError(f"{what} must be a number from {low:g} to {high:g}, not {value!r}.")


@dataclass(frozen=True, eq=False)
class Clip:
    """One sound: `samples` float32 [n] in [-1, 1], or [n, channels], at `sample_rate` in Hz. origin: the Timbre of a
    note, which its WAV file carries."""

    samples: Audio
    sample_rate: int
    origin: Origin | None = None

    @property
    def seconds(self) -> float:
        return len(self.samples) / self.sample_rate

    @property
    def channels(self) -> int:
        return 1 if self.samples.ndim == 1 else self.samples.shape[1]

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.samples, dtype=dtype, copy=copy)

    def to_torch(self, device: "str | torch.device" = "cpu") -> "torch.Tensor":
        """A copy of the samples as a tensor, float32 [n] on `device`."""
        return _tensor(self.samples, device)

    def _repr_html_(self) -> str:
        return _player("", self.samples, self.sample_rate)

    def wav(self, subtype: str = "PCM_24") -> bytes:
        """The bytes of a WAV file: PCM_16, PCM_24 or FLOAT."""
        after = origin_chunks(self.origin)
        return wav_bytes(self.samples, self.sample_rate, subtype, after=after, round_down=True)

    def save(self, path: str | os.PathLike[str], subtype: str | None = None) -> Path:
        """Write a sound file in the format of the path's ending and return its path.

        A WAV file of a note carries its timbre, which `read_timbre` brings back.
        subtype: how samples are kept, as libsndfile names it; of a WAV PCM_16, PCM_24 or FLOAT. None: PCM_24 where
        the format has it, else what is usual for it. Raises AudioError.
        """
        path = Path(path)
        check_ending(path)
        kind = FORMATS[path.suffix.lower()]
        if subtype is None:
            subtype = _usual_subtype(path)
        known = SAMPLE_BYTES if kind == "WAV" else soundfile.available_subtypes(kind)
        if subtype not in known:
            raise AudioError(f"Cannot write '{path}': choose {', '.join(known)}, not {subtype!r}.")
        with replacing(path, AudioError) as partial:
            if kind == "WAV":
                partial.write_bytes(self.wav(subtype))
            else:
                self._write(partial, path, kind, subtype)
        return path

    def _write(self, partial: Path, path: Path, kind: str, subtype: str) -> None:
        try:
            with soundfile.SoundFile(partial, "w", self.sample_rate, self.channels, subtype, format=kind) as file:
                for start in range(0, len(self.samples), BLOCK):
                    file.write(self.samples[start : start + BLOCK])
        except (soundfile.LibsndfileError, ValueError) as cause:
            raise AudioError(f"Cannot write '{path}' as {kind} at {self.sample_rate} Hz: {cause}") from cause


def _tensor(audio: Audio, device: "str | torch.device") -> "torch.Tensor":
    import torch

    return torch.tensor(audio, device=device)


def check_ending(path: Path) -> None:
    """Raise AudioError unless sounds can be saved in the format of the path's ending."""
    built_in = soundfile.available_formats()
    endings = [ending for ending, kind in FORMATS.items() if kind in built_in]
    if path.suffix.lower() not in endings:
        raise AudioError(f"'{path.name}' does not end in the name of a sound format. Choose from {', '.join(endings)}.")


def _usual_subtype(path: Path) -> str:
    if path.suffix.lower() == ".opus":
        return "OPUS"
    kind = FORMATS[path.suffix.lower()]
    usual: str = "PCM_24" if "PCM_24" in soundfile.available_subtypes(kind) else soundfile.default_subtype(kind)
    return usual


def _player(name: str, samples: Audio, sample_rate: int) -> str:
    """HTML with the name, the length, a picture of the wave and a player of a sound, whose first minute it holds
    itself, as 16-bit WAV."""
    seconds = len(samples) / sample_rate
    heard = samples[: round(SHOWN_SECONDS * sample_rate)]
    length = f"{seconds:.3g} s" if len(heard) == len(samples) else f"{SHOWN_SECONDS:g} of {seconds:.0f} s"
    wav = base64.b64encode(wav_bytes(heard, sample_rate, "PCM_16")).decode("ascii")
    title = f"{name}, {length}" if name else length
    return (
        f'<figure style="margin: 0.5em 0"><figcaption>{title}</figcaption>{_outline(heard)}'
        f'<audio controls preload="none" src="data:audio/wav;base64,{wav}"></audio></figure>'
    )


def _outline(samples: Audio) -> str:
    """SVG of a wave's lowest and highest samples along time."""
    parts = np.array_split(samples, min(OUTLINE_POINTS, max(1, len(samples))))
    highs, lows = ([float(edge(part, initial=0.0)) for part in parts] for edge in (np.max, np.min))
    there = [f"{place},{50 - 49 * high:.0f}" for place, high in enumerate(highs)]
    back = [f"{place},{50 - 49 * low:.0f}" for place, low in enumerate(lows)]
    return (
        f'<svg viewBox="0 0 {len(parts)} 100" preserveAspectRatio="none" width="300" height="48" '
        'style="display: block">'
        f'<polygon points="{" ".join(there + back[::-1])}" fill="currentColor" stroke="currentColor" '
        'stroke-width="0.5"/></svg>'
    )


@dataclass(frozen=True, eq=False)
class Clips:
    """Notes of one length: `audio` float32 [notes, samples], `sample_rate` in Hz, and the `pitches` (MIDI) played.
    origins: the Timbre of each, or nothing."""

    audio: Audio
    sample_rate: int
    pitches: tuple[float, ...]
    origins: tuple[Origin, ...] = ()

    def __len__(self) -> int:
        return len(self.audio)

    def __getitem__(self, index: int) -> Clip:
        return Clip(self.audio[index], self.sample_rate, self.origins[index] if self.origins else None)

    def __iter__(self) -> Iterator[Clip]:
        return (self[index] for index in range(len(self)))

    def __array__(self, dtype: DTypeLike | None = None, copy: bool | None = None) -> NDArray[Any]:
        return np.array(self.audio, dtype=dtype, copy=copy)

    def to_torch(self, device: "str | torch.device" = "cpu") -> "torch.Tensor":
        """A copy of the notes as a tensor, float32 [notes, samples] on `device`."""
        return _tensor(self.audio, device)

    def _repr_html_(self) -> str:
        shown = list(zip(self, self.pitches, strict=True))[:SHOWN_CLIPS]
        players = [_player(pitch_name(pitch), clip.samples, clip.sample_rate) for clip, pitch in shown]
        more = len(self) - len(shown)
        if more or not shown:
            players.append(f"<p>{more} more notes</p>" if more else "<p>no notes</p>")
        return "".join(players)

    @property
    def seconds(self) -> float:
        return float(self.audio.shape[-1] / self.sample_rate)

    def shorten(self, seconds: float) -> "Clips":
        """The first `seconds` of every note, faded out over the last 30 ms. Raises InputError if they are shorter."""
        samples = max(1, round(self._length(seconds) * self.sample_rate))
        if samples == self.audio.shape[-1]:
            return self
        return replace(self, audio=fade_out(self.audio[..., :samples], self.sample_rate))

    def shaped(self, envelope: Envelope, held_seconds: float | None = None, gain_db: float = 0.0) -> "Clips":
        """These notes as a key held for `held_seconds` plays them (None: never let go), `gain_db` louder.

        They end with the release, faded out over its last 30 ms, or at their own end. If the gain would clip the
        loudest, all are brought down to full scale. Raises InputError for a length as `shorten`, and
        for a gain outside GAIN_RANGE_DB.
        """
        check_range(gain_db, "A gain in dB", *GAIN_RANGE_DB)
        held = self.seconds if held_seconds is None else self._length(held_seconds)
        full = self.audio.shape[-1]
        samples = min(full, max(1, round((held + envelope.release_seconds) * self.sample_rate)))
        gains = 10 ** (gain_db / 20) * envelope.gains(samples, self.sample_rate, held)
        audio = self.audio[..., :samples] * gains.astype(np.float32)
        audio /= max(1.0, float(np.abs(audio).max(initial=0.0)))
        return replace(self, audio=audio if samples == full else fade_out(audio, self.sample_rate))

    def _length(self, seconds: float) -> float:
        if not (isinstance(seconds, int | float | np.number) and 0 < seconds <= self.seconds):
            raise InputError(
                f"A duration of {seconds} s is not possible. Choose more than 0 and at most {self.seconds:g} s."
            )
        return seconds

    def save(self, path: str | os.PathLike[str], subtype: str | None = None) -> list[Path]:
        """Write one file per note, in the format of the path's ending (see Clip.save): `path` itself for one,
        `stem_060.wav` (zero-padded MIDI number) for several.

        A pitch that comes again gets a running number. Returns the paths. Raises AudioError, and then leaves none of
        this call's files behind.
        """
        paths: list[Path] = []
        for clip, place in zip(self, note_paths(path, self.pitches), strict=True):
            try:
                paths.append(clip.save(place, subtype))
            except AudioError:
                for written in paths:
                    written.unlink(missing_ok=True)
                raise
        return paths


def note_paths(path: str | os.PathLike[str], pitches: Sequence[float]) -> list[Path]:
    """The files that `Clips.save` writes notes of these pitches to."""
    path = Path(path)
    if len(pitches) == 1:
        return [path]
    paths: list[Path] = []
    for pitch in pitches:
        base = f"{path.stem}_{pitch_label(pitch)}"
        place, number = path.with_name(base + path.suffix), 2
        while place in paths:
            place, number = path.with_name(f"{base}_{number}{path.suffix}"), number + 1
        paths.append(place)
    return paths


def read_wav(path: str | os.PathLike[str]) -> Clip:
    """A sound file as a mono Clip (channels averaged) at its own rate. Raises AudioError if it cannot be read."""
    try:
        samples, rate = soundfile.read(path, dtype="float32", always_2d=True)
    except (soundfile.LibsndfileError, OSError) as cause:
        raise AudioError(f"Cannot read '{path}' as a sound file: {cause}") from cause
    if len(samples) == 0 or not np.isfinite(samples).all():
        raise AudioError(f"'{path}' holds no usable sound. It is empty or has values that are not numbers.")
    return Clip(samples.mean(axis=1), rate)
