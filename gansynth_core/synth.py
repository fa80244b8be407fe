"""A model brought to life: timbres and pitches in, notes out."""

import logging
import math
import os
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import wait
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal, cast, overload

import numpy as np
import torch
from numpy.typing import NDArray

import gansynth_core.threads as threads
from gansynth_core.cards import ModelCard, load_card, load_weights, model_folder
from gansynth_core.errors import GanSynthError, InputError, ModelError
from gansynth_core.generators import WHOLE_KEYS, Generator, build_generator
from gansynth_core.generators.encoder import StudioEncoder, load_encoder
from gansynth_core.generators.studio import StudioGenerator
from gansynth_core.latent import Timbre, sample
from gansynth_core.own import (
    Ear,
    Encoded,
    Sound,
    clip_of,
    cut,
    fitted,
    held,
    is_pitched,
    known_samples,
    mixtures,
    onset,
    pitch_candidates,
    tuned,
)
from gansynth_core.pitches import is_one_pitch, pitch_number, pitch_numbers
from gansynth_core.refine import MOST_INSTRUMENTS, Refinement, imprint_between
from gansynth_core.sound import HELD_SHARE, NOTE_PEAK, SILENCE_PEAK, Clips, at_note_peak, fade_in, fade_out
from gansynth_core.spectrum import levels_db, log_spectral_distance
from gansynth_core.sustain import Sustained, Walk, held_how, is_steady, released, sustain
from gansynth_core.tape import GUARD, places, read_at

CACHED_NOTES = 256  # 98 MB for notes of 4 s at 24 kHz
BATCH = 12  # notes rendered in one turn: an octave
PATIENCE_SECONDS = 1.0  # after that, background work takes its turn even if players keep coming
REFINING_STEPS, MOST_REFINING_STEPS = 50, 1000
FIRST_GUESSES = 8  # instruments that are tried alone
UNLIKELY_DB = 2.0  # that a pitch other than the likeliest must come nearer
LONGEST = 600.0  # seconds of a note
GROWN_APART = 0.5  # semitones between the pitches at which a note that moves is grown
WALKED_SECONDS = 60.0  # made by the network, which takes memory; what is longer loops in these
EDGE_FRAMES = 12  # beside a part of a note, within which its inversion is not yet the whole's
OUTPUTS = ("numpy", "torch")
DEVICES = ("cpu", "cuda", "mps")


log = logging.getLogger(__name__)

Key = tuple[Timbre, float]  # what a note is known by: its timbre and pitch
Wave = NDArray[np.float32]  # [samples]
Timbres = Timbre | Sequence[Timbre]
Pitches = float | str | Sequence[float | str]


class GivenUp(GanSynthError):
    """Nobody is waiting for these notes any more."""


class _Turns:
    """A lock that players get before background work, which itself never waits for longer than PATIENCE_SECONDS."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._taken = False
        self._players = 0  # waiting

    @contextmanager
    def turn(self, background: bool) -> Iterator[None]:
        with self._changed:
            if background:
                patient_until = time.monotonic() + PATIENCE_SECONDS
                while self._taken or (self._players and time.monotonic() < patient_until):
                    self._changed.wait(PATIENCE_SECONDS)
            else:
                self._players += 1
                try:
                    self._changed.wait_for(lambda: not self._taken)
                finally:
                    self._players -= 1
            self._taken = True
        try:
            yield
        finally:
            with self._changed:
                self._taken = False
                self._changed.notify_all()


_synths: "weakref.WeakSet[Synth]" = weakref.WeakSet()


def _after_fork() -> None:
    """Locks that the parent's threads held would never open in a forked child."""
    global _loading
    _loading = threading.Lock()
    for synth in _synths:
        synth._turns = _Turns()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_after_fork)


class Synth:
    """Renders notes of one model. A note's bytes depend on its timbre and pitch, the model, this version and the kind
    of device alone: not on the notes around it, the number of threads or what was played before.

    Safe to call from many threads, of which one at a time uses the network, and from forked processes. A pickle or copy
    of a loaded model names its folder and loads it again from there.

    device: "auto" takes CUDA where there is a GPU, else the CPU; or "cpu", "cuda", "cuda:1", "mps", or a torch.device.
    griffin_lim_steps: see Representation.invert; None takes what suits the model's specgrams best.
    """

    def __init__(
        self,
        card: ModelCard,
        generator: Generator,
        *,
        device: str | torch.device = "auto",
        griffin_lim_steps: int | None = None,
        cached_notes: int = CACHED_NOTES,
    ) -> None:
        if griffin_lim_steps is None:
            griffin_lim_steps = card.specgram.griffin_lim_steps
        if (
            isinstance(griffin_lim_steps, bool)
            or not isinstance(griffin_lim_steps, int | np.integer)
            or griffin_lim_steps < 0
        ):
            raise InputError(f"Griffin-Lim takes a whole number of steps, 0 or more, not {griffin_lim_steps!r}.")
        self.card = card
        self._wanted_device = str(device)
        self.device = choose_device(device)
        self.griffin_lim_steps = int(griffin_lim_steps)
        self._generator = generator.to(self.device)
        self._turns = _Turns()
        self._cache: OrderedDict[Key, Wave] = OrderedDict()
        self._cached_notes = cached_notes
        self._encoder: StudioEncoder | None = None  # loaded when first asked for
        self._folder: Path | None = None  # what `load` read it from
        _synths.add(self)

    @classmethod
    def load(
        cls,
        model: str | os.PathLike[str] = "studio",
        *,
        device: str | torch.device = "auto",
        griffin_lim_steps: int | None = None,
        cached_notes: int = CACHED_NOTES,
    ) -> "Synth":
        """The synth of a model, by its id or its folder's path. Raises ModelError if it is missing or damaged."""
        folder, began = model_folder(model), time.perf_counter()
        card, generator = threads.submit(cls._read, folder).result()
        synth = cls(card, generator, device=device, griffin_lim_steps=griffin_lim_steps, cached_notes=cached_notes)
        synth._folder = folder.resolve()
        log.info("%s loaded from %s onto %s in %.2f s", card.id, folder, synth.device, time.perf_counter() - began)
        return synth

    def __reduce__(self) -> tuple[Callable[..., "Synth"], tuple[Any, ...]]:
        settings = {
            "device": self._wanted_device,
            "griffin_lim_steps": self.griffin_lim_steps,
            "cached_notes": self._cached_notes,
        }
        if self._folder is None:
            return _made_again, (type(self), self.card, self._generator, settings)
        return _loaded_again, (type(self), self.card.id, self.card.sha256, self._folder, settings)

    @staticmethod
    def _read(folder: Path) -> tuple[ModelCard, Generator]:
        card = load_card(folder)
        generator = build_generator(card.family, card.specgram, len(card.instruments), card.latent_size, card.generator)
        weights = {name: torch.from_numpy(array).float() for name, array in load_weights(folder, card).items()}
        try:
            generator.load_state_dict(weights, strict=True)
        except RuntimeError as cause:
            reason = " ".join(str(cause).splitlines()[1:2]).strip()  # the first of perhaps a hundred
            raise ModelError(f"The weights in '{folder}' do not fit its card: {reason}") from cause
        return card, generator.eval().requires_grad_(False)

    @property
    def generator(self) -> Generator:
        """The network, for measuring it and for gradients through it. Do not use it while notes are being rendered."""
        return self._generator

    def render(
        self,
        timbre: Timbres,
        pitches: Pitches,
        *,
        grid: bool = False,
        raw: bool = False,
        background: bool = False,
        given_up: threading.Event | None = None,
    ) -> Clips:
        """Notes of `timbre` at `pitches` (MIDI, fractions allowed, or note names), as long as the model makes them.
        Deterministic.

        One timbre is played at every pitch, several at one pitch each or all at a single one. grid: every timbre at
        every pitch instead, timbre by timbre. raw: the wave as the network means it, at its own level and without the
        2 ms and 30 ms of fades, such as are compared with another implementation; not cached, and it may exceed 1.
        background: for exports; everyone else goes first, after two notes at most, and the notes are not cached.
        given_up: set it to stop the work, which then raises GivenUp.
        Raises InputError for a pitch, model, instrument or z that this model does not have."""
        wanted = self._wanted(timbre, pitches, grid)
        audio = np.zeros((len(wanted), self.card.specgram.samples), np.float32)
        places: dict[Key, list[int]] = {}
        for place, key in enumerate(wanted):
            places.setdefault(key, []).append(place)
        given_up = given_up or threading.Event()
        if raw or background:
            notes = self._render_aside(list(places), given_up, background=background, raw=raw)
        else:
            notes = self._render_cached(list(places), given_up)
        for key, wave in notes:
            audio[places[key]] = wave
        timbres, played = tuple(timbre for timbre, _ in wanted), tuple(pitch for _, pitch in wanted)
        return Clips(audio, self.card.specgram.sample_rate, played, timbres)

    def _render_cached(self, keys: list[Key], given_up: threading.Event) -> Iterator[tuple[Key, Wave]]:
        for start in range(0, len(keys), BATCH):
            batch = keys[start : start + BATCH]
            with self._turns.turn(background=False):
                missing = [key for key in batch if key not in self._cache]
                made = dict(zip(missing, self._rendered(missing, given_up), strict=True))
                for key in batch:
                    if key in made:
                        self._cache[key] = made[key]
                    else:
                        self._cache.move_to_end(key)
                        made[key] = self._cache[key]
                while len(self._cache) > self._cached_notes:
                    self._cache.popitem(last=False)
            yield from made.items()

    def _render_aside(
        self, keys: list[Key], given_up: threading.Event, *, background: bool, raw: bool
    ) -> Iterator[tuple[Key, Wave]]:
        """The same without the cache; in the background, letting others go first after as many notes as are made side
        by side."""
        size = threads.count() if background and self.device == "cpu" else BATCH
        for start in range(0, len(keys), size):
            batch = keys[start : start + size]
            with self._turns.turn(background):
                made = self._rendered(batch, given_up, raw)
            yield from zip(batch, made, strict=True)

    def hold(
        self,
        timbre: Timbres,
        pitches: Pitches,
        seconds: float,
        *,
        bend: Sequence[float] | NDArray[np.floating] | None = None,
        grid: bool = False,
        background: bool = False,
        given_up: threading.Event | None = None,
    ) -> Clips:
        """Notes of `seconds` (at most 600) with their own attack and release, see `render` for the rest.

        Up to the model's note length they are the notes of `render`, cut and faded out over 30 ms. Beyond it, what is
        steady is held: the studio voice goes on by itself, turning back and forth within its hold at random moments,
        with phases that run on and fresh noise, so that no loop is heard; other models loop. What dies away goes on
        dying away.

        bend: semitones by which the pitch moves, float [n], evenly spread from the beginning to the end, in straight
        lines. The studio voice voices the note anew for every moment's pitch, so that its timbre is that of the key
        and its formants stay; other models' notes, and those that go on dying away, are resampled.
        Deterministic. Raises InputError for another length, a bend out of the model's range, and as `render` does."""
        spec = self.card.specgram
        if isinstance(seconds, bool) or not isinstance(seconds, int | float | np.number) or not 0 < seconds <= LONGEST:
            raise InputError(
                f"A duration of {seconds} s is not possible. Choose more than 0 and at most {LONGEST:g} s."
            )
        wanted = self._wanted(timbre, pitches, grid)
        timbres, played = tuple(timbre for timbre, _ in wanted), tuple(pitch for _, pitch in wanted)
        samples = max(1, round(seconds * spec.sample_rate))
        if bend is not None:
            curve = _curve(bend, samples)
            waves = (self._moved(key, key[1] + curve, background) for key in wanted)
        else:
            notes = self.render(timbres, played, background=background, given_up=given_up)
            if seconds <= spec.seconds:
                return notes.shorten(seconds)
            pairs = zip(wanted, notes.audio, strict=True)
            waves = (self._long(*pair, samples, background=background, let_go=True).wave for pair in pairs)
        audio = np.empty((len(wanted), samples), np.float32)
        for row, wave in zip(audio, waves, strict=True):
            if given_up is not None and given_up.is_set():
                raise GivenUp("Nobody is waiting for these notes any more.")
            row[:] = at_note_peak(wave)
        return Clips(fade_out(audio, spec.sample_rate), spec.sample_rate, played, timbres)

    def _moved(self, key: Key, pitches: NDArray[np.float64], background: bool) -> Wave:
        """The note of `key` through `pitches`, MIDI, one a sample, and let go: voiced so, or resampled."""
        timbre, spec, generator = key[0], self.card.specgram, self._generator
        for edge in (pitches.min(), pitches.max()):
            self.card.check_pitch(float(edge))
        middle = float(np.median(pitches))
        middle = float(round(middle)) if self.card.family in WHOLE_KEYS else middle
        tape_seconds = places(float(pitches.min()), pitches)[-1] / spec.sample_rate
        is_voiced = isinstance(generator, StudioGenerator) and generator.bends and tape_seconds <= WALKED_SECONDS
        note = None
        if not is_voiced or len(pitches) > spec.samples:
            note = self.render(timbre, middle, background=background).audio[0]
        if is_voiced and (note is None or is_steady(note, spec.sample_rate)):
            with self._turns.turn(background):
                return threads.submit(self._bend, timbre, pitches).result()
        assert note is not None
        where = places(middle, pitches)
        samples = max(spec.samples, math.ceil(where[-1]))
        held = self._long((timbre, middle), note, samples, background=background, let_go=samples > spec.samples).wave
        fastest = 2.0 ** ((float(pitches.max()) - middle) / 12)
        return read_at(np.pad(held, (0, GUARD)), where, fastest).astype(np.float32)

    @torch.inference_mode()
    def _bend(self, timbre: Timbre, pitches: NDArray[np.float64]) -> Wave:
        spec, generator = self.card.specgram, cast(StudioGenerator, self._generator)
        low, high = float(pitches.min()), float(pitches.max())
        base, samples = low, len(pitches)
        where = places(base, pitches)
        count = -(-(math.ceil(where[-1]) + GUARD + spec.pad_front + spec.pad_back - spec.n_fft) // spec.hop) + 1
        # When, in samples of the note, each of the tape's frames is heard, and at which pitch.
        middles = np.arange(count) * spec.hop + spec.n_fft // 2 - spec.pad_front
        heard = np.interp(middles, where, np.arange(samples)) + np.minimum(middles, 0)
        now = np.interp(middles, where, pitches)
        way = Walk.through(spec, max(samples, spec.samples), round(100 * base), released=True).way
        own = (heard + spec.pad_front - spec.n_fft // 2) / spec.hop  # the frame that is in the middle then
        frames = np.interp(own, np.arange(len(way)), way)
        first, last = (min(max(edge, self.card.pitch_low), self.card.pitch_high) for edge in (low, high))
        keys = np.linspace(first, last, max(1, math.ceil((last - first) / GROWN_APART)) + 1)
        if first == last:
            keys = keys[:1]
        place = np.interp(now, keys, np.arange(len(keys)))
        z, grown, instruments = self._inputs([(timbre, float(key)) for key in keys])
        gains = None
        if timbre.imprint is not None:
            tables = np.stack([timbre.imprint.gains(spec, float(key)) for key in keys])
            gains = torch.from_numpy(20 * np.log10(np.maximum(tables, 1e-9))).to(self.device)
        numbers = (np.array([base]), place, frames, 2.0 ** ((now - base) / 12))
        there, at, through, ratios = (torch.from_numpy(one.astype(np.float32)).to(self.device) for one in numbers)
        stft = generator.curved(z[:1], grown, instruments[:1], there, at, through, ratios, gains)
        tape = spec.invert(stft, self.griffin_lim_steps)[0].cpu().numpy()
        wave = fade_in(read_at(tape, where, 1.0).astype(np.float32), spec.sample_rate)
        peak = float(np.abs(wave).max())
        return wave * np.float32(NOTE_PEAK / peak) if peak > SILENCE_PEAK else wave

    def sustained(
        self, timbre: Timbre, pitch: float, samples: int, *, note: Wave | None = None, background: bool = False
    ) -> Sustained:
        """A note of `samples` whose key is never let go; see `hold`, of which this is what comes before the release.
        note: what `render` made of it, float32 [samples] at any level, which then is that of the whole."""
        if note is None:
            note = self.render(timbre, pitch, background=background).audio[0]
        return self._long((timbre, pitch), note, samples, background=background)

    def held_part(
        self,
        timbre: Timbre,
        pitch: float,
        seconds: float,
        part: tuple[float, float],
        *,
        background: bool = False,
        given_up: threading.Event | None = None,
    ) -> Wave:
        """A part, from second to second, of a note of `seconds` (at most 60) as `hold` makes it, at the level of
        `render`'s note: float32 [samples]. What the studio voice holds takes time for the part alone.

        The parts of a note fit together to the sample, and up to 90 % of its hold (2.7 s of the studio voice's notes)
        such a note is that of `render`. Raises InputError for seconds out of range, GivenUp, and as `render` does."""
        spec = self.card.specgram
        if not spec.seconds < seconds <= WALKED_SECONDS:
            raise InputError(
                f"A note of {seconds} s has no parts. Choose more than {spec.seconds:g} and at most "
                f"{WALKED_SECONDS:g} s."
            )
        if not 0 <= part[0] < part[1] <= seconds:
            raise InputError(f"A part from {part[0]} s to {part[1]} s does not lie within a note of {seconds} s.")
        (key,) = self._wanted(timbre, pitch)
        note = self.render(timbre, pitch, background=background, given_up=given_up).audio[0]
        if given_up is not None and given_up.is_set():
            raise GivenUp("Nobody is waiting for this note any more.")
        samples = round(seconds * spec.sample_rate)
        first, last = (round(second * spec.sample_rate) for second in part)
        if not isinstance(self._generator, StudioGenerator) or not is_steady(note, spec.sample_rate):
            held = self._long(key, note, samples, background=background, let_go=True).wave
            return fade_out(held[None], spec.sample_rate)[0, first:last]
        walk = Walk.through(spec, samples, round(100 * pitch), released=True)
        begin = max(0, first // spec.hop - EDGE_FRAMES)
        end = min(len(walk.way), -(-(last + spec.pad_front) // spec.hop) + EDGE_FRAMES)
        own = range(walk.begins + EDGE_FRAMES)
        with self._turns.turn(background):
            head, wave = threads.submit(self._walk, key, walk, own, range(begin, end)).result()
        wave = wave[first - begin * spec.hop : last - begin * spec.hop] * _gain_of(note, head)
        if not first:
            wave = fade_in(wave, spec.sample_rate)
        return fade_out(wave[None], spec.sample_rate)[0] if last == samples else wave

    def _long(
        self,
        key: Key,
        note: Wave,
        samples: int,
        *,
        background: bool = False,
        let_go: bool = False,
    ) -> Sustained:
        """`note`, which `render` made of `key`, at the length of `samples`."""
        spec, pitch = self.card.specgram, key[1]
        how, _ = held_how(note, spec.sample_rate)
        longest = round(WALKED_SECONDS * spec.sample_rate)
        if how != "steady" or not isinstance(self._generator, StudioGenerator):
            held = sustain(note, spec.sample_rate, pitch, samples)
        elif samples <= longest:
            return Sustained(self._walked(key, note, samples, background, let_go), how)
        else:
            walked = self._walked(key, note, longest, background, False)
            held = sustain(walked, spec.sample_rate, pitch, samples)
        if not let_go or held.how == "gone":
            return held
        return Sustained(released(held.wave, note, spec.sample_rate, pitch), held.how)

    def _walked(self, key: Key, note: Wave, samples: int, background: bool, let_go: bool) -> Wave:
        """As `_long`, by the network."""
        spec = self.card.specgram
        walk = Walk.through(spec, samples, round(100 * key[1]), released=let_go)
        with self._turns.turn(background):
            (wave,) = threads.submit(self._walk, key, walk).result()
        wave = wave[:samples]
        return fade_in(wave, spec.sample_rate) * _gain_of(note, wave)

    @torch.inference_mode()
    def _walk(self, key: Key, walk: Walk, *parts: range) -> list[Wave]:
        """The wave of a walk, or those of `parts` of its frames, of which the first has all that is before it turns."""
        spec, generator = self.card.specgram, cast(StudioGenerator, self._generator)
        timbre, pitch = key
        parts = parts or (range(len(walk.way)),)
        frames = torch.cat([torch.arange(part.start, part.stop, device=self.device) for part in parts])
        way = torch.from_numpy(walk.way).to(self.device)
        only = None if len(frames) == len(way) else frames
        stft = generator.prolonged(*self._inputs([key]), way[walk.begins :], walk.begins, only)
        if timbre.imprint is not None:
            stft *= torch.from_numpy(timbre.imprint.gains(spec, pitch)).to(stft.device)[way[frames]]
        levels = 10 * torch.view_as_real(stft[0, : walk.last + 1]).square().sum(dim=(1, 2)).clamp_min(1e-12).log10()
        stft *= torch.from_numpy(walk.gains(levels.cpu().numpy())).to(stft.device)[frames, None]
        pieces = stft.split([len(part) for part in parts], dim=1)
        return [spec.invert(piece, self.griffin_lim_steps)[0].cpu().numpy() for piece in pieces]

    @overload
    def specgram(
        self, timbre: Timbres, pitches: Pitches, *, grid: bool = ..., output: Literal["numpy"] = ...
    ) -> NDArray[np.float32]: ...
    @overload
    def specgram(
        self, timbre: Timbres, pitches: Pitches, *, grid: bool = ..., output: Literal["torch"]
    ) -> torch.Tensor: ...
    def specgram(
        self, timbre: Timbres, pitches: Pitches, *, grid: bool = False, output: str = "numpy"
    ) -> NDArray[np.float32] | torch.Tensor:
        """The network's own picture of notes (see `render` for `timbre`, `pitches`, `grid`): log-magnitude and
        instantaneous frequency, float32 [notes, 2, frames, bins] in [-1, 1]; `card.specgram.decode` makes waves of it.
        output: "numpy", or "torch" for a tensor on this synth's device. Raises InputError as `render` does."""
        made: NDArray[np.float32] | torch.Tensor = self._computed(
            self._generator.__call__, timbre, pitches, grid, output
        )
        return made

    @overload
    def stft(
        self, timbre: Timbres, pitches: Pitches, *, grid: bool = ..., output: Literal["numpy"] = ...
    ) -> NDArray[np.complex64]: ...
    @overload
    def stft(
        self, timbre: Timbres, pitches: Pitches, *, grid: bool = ..., output: Literal["torch"]
    ) -> torch.Tensor: ...
    def stft(
        self, timbre: Timbres, pitches: Pitches, *, grid: bool = False, output: str = "numpy"
    ) -> NDArray[np.complex64] | torch.Tensor:
        """The spectra that `render` turns into waves, complex64 [notes, frames, bins]; `card.specgram.invert` does
        that. Bin b (from 0) lies at (b + 1) * card.specgram.bin_hz. The rest is as for `specgram`."""
        made: NDArray[np.complex64] | torch.Tensor = self._computed(self._generator.stft, timbre, pitches, grid, output)
        return made

    def embed(self, timbre: Timbres, pitches: Pitches, *, grid: bool = False) -> NDArray[np.float32]:
        """What the network makes of timbres and pitches before it grows notes: float32 [notes, numbers], close together
        where the network sees little difference. The rest is as for `specgram`."""
        embedded: NDArray[np.float32] = self._computed(self._generator.embed, timbre, pitches, grid, "numpy")
        return embedded

    def encode(
        self,
        sound: Sound,
        pitch: float | str | None = None,
        instrument: str | Mapping[str, float] | None = None,
        *,
        steps: int = REFINING_STEPS,
        imprint: bool = True,
        start: Timbre | None = None,
        sample_rate: int | None = None,
        progress: Callable[[int, int], None] | None = None,
        given_up: threading.Event | None = None,
    ) -> Encoded:
        """The Timbre that comes nearest to an own sound.

        sound: a Clip, a sound file (its path, or its bytes as io.BytesIO), or samples at `sample_rate` Hz, float [n] or
        [channels, n]; of any rate, length and level. It is heard from its onset for as long as a note is held. pitch:
        MIDI or a note name, within the model's range; None to have it found: of the pitches that the spectrum allows,
        the one at which the model comes nearest. instrument: a name, or weights by name, which are then kept; None for
        what the encoder hears.
        First the encoder beside the model makes a guess; gradients bring it nearer in `steps` (0-1000) steps; what the
        model has no sound for becomes the timbre's imprint, unless `imprint` is False. start: what an earlier call
        found, to go on from in place of a guess; needs the `pitch` that it found.
        progress(done, total) is told of every step, and stops the work by raising. given_up: set it to stop the work,
        which then raises GivenUp. Players go first. Takes about 5 s of one core, without steps 0.5 s.
        Raises ModelError for a model without an encoder, AudioError for a sound that is silent or cannot be read,
        InputError for anything else that cannot be.
        """
        if isinstance(steps, bool) or not isinstance(steps, int | np.integer) or not 0 <= steps <= MOST_REFINING_STEPS:
            raise InputError(f"The steps are a whole number from 0 to {MOST_REFINING_STEPS}, not {steps!r}.")
        spec, given_up = self.card.specgram, given_up or threading.Event()
        if pitch is not None:
            pitch = pitch_number(pitch)
            self.card.check_pitch(pitch)
        if start is not None:
            self._check(start)
            if pitch is None:
                raise InputError("Going on from a timbre needs the pitch that it was found at.")
        clip = clip_of(sound, sample_rate)
        note = fitted(clip, spec)
        known = known_samples(note, spec)
        whole = held(note, known, spec)
        wanted = levels_db(torch.from_numpy(cut(note, known, spec.sample_rate))[None], spec)
        pitches = self._pitches_of(whole) if pitch is None else [pitch]

        def distance(keys: list[Key]) -> tuple[list[float], torch.Tensor]:
            made = dict(self._render_aside(list(dict.fromkeys(keys)), given_up, background=True, raw=True))
            waves = np.stack([cut(made[key], known, spec.sample_rate) for key in keys])
            levels = levels_db(torch.from_numpy(waves), spec)
            return log_spectral_distance(wanted.expand(len(keys), -1, -1), levels).tolist(), levels

        def best_of(tried: list[Key]) -> tuple[float, Key, torch.Tensor]:
            distances, levels = distance(tried)
            # An octave off, a model that is far from the sound may come out a little nearer by chance.
            judged = [one + UNLIKELY_DB * (key[1] != pitches[0]) for one, key in zip(distances, tried, strict=True)]
            place = judged.index(min(judged))
            return distances[place], tried[place], levels[place]

        with self._turns.turn(background=True):
            likely, tried = threads.submit(self._hear, whole, pitches, instrument, 1).result()
        if start is not None:
            tried = [(replace(start, imprint=None), pitches[0])]
        encoder_db, (timbre, found), levels = best_of(tried)
        if instrument is None and start is None:
            with self._turns.turn(background=True):
                _, tried = threads.submit(self._hear, whole, [found], None, FIRST_GUESSES).result()
            encoder_db, (timbre, found), levels = best_of(tried)
        frames = spec.frames if known == len(note) else max(1, (known + spec.pad_front - spec.n_fft // 2) // spec.hop)
        refined_db = encoder_db
        if steps and isinstance(self._generator, StudioGenerator):
            others = () if instrument else tuple(name for name, _ in likely[:MOST_INSTRUMENTS])
            refinement = Refinement(
                self._generator, self.card, whole, found, timbre, frames=frames, others=others, steps=int(steps)
            )
            for step in range(int(steps)):
                if given_up.is_set():
                    raise GivenUp("Nobody is waiting for this sound any more.")
                with self._turns.turn(background=True):
                    threads.submit(refinement.step).result()
                if progress:
                    progress(step + 1, int(steps))
            with self._turns.turn(background=True):
                refined = threads.submit(refinement.timbre).result()
            (after,), refined_levels = distance([(refined, found)])
            if after < refined_db:
                timbre, refined_db, levels = refined, after, refined_levels[0]
        nearest_db = refined_db
        if imprint:
            marked = replace(timbre, imprint=imprint_between(wanted[0].numpy(), levels.numpy(), spec, found, frames))
            (after,), _ = distance([(marked, found)])
            if after < nearest_db:
                timbre, nearest_db = marked, after
        return Encoded(
            timbre,
            found,
            nearest_db,
            likely,
            encoder_db,
            refined_db,
            is_pitched(whole, spec.sample_rate, found),
            onset(clip.samples - clip.samples.mean(), clip.sample_rate) / clip.sample_rate,
            known / spec.sample_rate,
        )

    def _pitches_of(self, note: Wave) -> list[float]:
        """The pitches that a note may have, to the cent, within the model's range."""
        rate, low, high = self.card.specgram.sample_rate, self.card.pitch_low, self.card.pitch_high
        candidates = pitch_candidates(note, rate, low, high)
        exact = [min(max(tuned(note, rate, candidate), low), high) for candidate in candidates]
        return exact

    def _hear(
        self, note: Wave, pitches: Sequence[float], instrument: str | Mapping[str, float] | None, alone: int
    ) -> tuple[tuple[tuple[str, float], ...], list[Key]]:
        """The likelihoods of the instruments, and the notes to compare with `note`: at every pitch the given
        instrument, or the `alone` likeliest and their mixture."""
        if self._encoder is None:
            encoder = load_encoder(self._folder, self.card, self.device) if self._folder else None
            if encoder is None:
                raise ModelError(f"'{self.card.id}' has no encoder beside it, so it cannot take in own sounds.")
            self._encoder = encoder
        ear = Ear(self._encoder, self.card, note)
        likely = ear.instruments()
        given = {instrument: 1.0} if isinstance(instrument, str) else instrument
        weights = mixtures(likely, alone) if given is None else [dict(given)]
        return likely, [(ear.timbre(pitch, mixture), pitch) for pitch in pitches for mixture in weights]

    def _computed(
        self, network: Callable[..., torch.Tensor], timbre: Timbres, pitches: Pitches, grid: bool, output: str
    ) -> Any:
        """What `network`, one of the generator's methods, makes of the notes: an array or a tensor [notes, ...]."""
        if output not in OUTPUTS:
            raise InputError(f"The output is {' or '.join(OUTPUTS)}, not {output!r}.")
        wanted = self._wanted(timbre, pitches, grid)
        nothing = Timbre.of(self.card, [0.0] * self.card.latent_size), float(self.card.pitch_low)
        asked = wanted or [nothing]  # whose shape is that of no notes, too
        with self._turns.turn(background=False):
            notes = [threads.submit(self._run, network, key) for key in asked]
            parts = [note.result() for note in notes]
        computed = torch.cat(parts)[: len(wanted)]
        return computed if output == "torch" else computed.cpu().numpy()

    @torch.inference_mode()
    def _run(self, network: Callable[..., torch.Tensor], key: Key) -> torch.Tensor:
        if network == self._generator.embed or not key[0].imprint:
            return network(*self._inputs([key]))
        stft = self._stft(key)
        return stft if network == self._generator.stft else self.card.specgram.to_specgram(stft)

    def _stft(self, key: Key) -> torch.Tensor:
        """The spectrum of a note with its timbre's imprint, complex [1, frames, bins]."""
        timbre, pitch = key
        stft = self._generator.stft(*self._inputs([key]))
        if timbre.imprint is None:
            return stft
        return stft * torch.from_numpy(timbre.imprint.gains(self.card.specgram, pitch)).to(stft.device)

    def _wanted(self, timbre: Timbres, pitches: Pitches, grid: bool = False) -> list[Key]:
        """A checked (timbre, pitch) for every note."""
        alone = is_one_pitch(pitches)
        pitches = pitch_numbers(pitches)
        several = not isinstance(timbre, Timbre) and isinstance(timbre, Iterable)
        timbres = list(cast(Iterable[Timbre], timbre)) if several else [cast(Timbre, timbre)]
        for each in timbres:
            if not isinstance(each, Timbre):
                raise InputError(f"Notes are made of a Timbre, or of one Timbre per pitch, not of {each!r}.")
        if grid:
            timbres, pitches = [each for each in timbres for _ in pitches], pitches * len(timbres)
        elif not several:
            timbres *= len(pitches)
        elif alone:
            pitches *= len(timbres)
        if len(timbres) != len(pitches):
            raise InputError(
                f"{len(timbres)} timbres do not match {len(pitches)} pitches. Give one timbre per pitch, "
                "or grid=True for every timbre at every pitch."
            )
        for pitch in pitches:
            self.card.check_pitch(pitch)
        for distinct in set(timbres):
            self._check(distinct)
        return list(zip(timbres, pitches, strict=True))

    def _check(self, timbre: Timbre) -> None:
        if timbre.model != self.card.id:
            raise InputError(f"This sound belongs to the model '{timbre.model}', not to '{self.card.id}'.")
        Timbre.of(self.card, timbre.z, dict(timbre.instruments) or None)

    def _inputs(self, batch: list[Key]) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
        """The Generator's inputs for these notes, on its device."""
        z = torch.tensor([timbre.z for timbre, _ in batch], dtype=torch.float32)
        pitch = torch.tensor([pitch for _, pitch in batch], dtype=torch.float32)
        instruments = torch.zeros(len(batch), len(self.card.instruments))
        for row, (timbre, _) in zip(instruments, batch, strict=True):
            for name, weight in timbre.instruments:
                row[self.card.instruments.index(self.card.find_instrument(name))] = weight
        return z.to(self.device), pitch.to(self.device), instruments.to(self.device)

    def _rendered(self, keys: Sequence[Key], given_up: threading.Event, raw: bool = False) -> list[Wave]:
        """The notes, made side by side, each as if it were alone: products that are larger or shared out otherwise
        round otherwise."""
        began = time.perf_counter()
        notes = [threads.submit(self._render_note, key, given_up, raw) for key in keys]
        try:
            waves = [note.result() for note in notes]
        finally:
            wait([note for note in notes if not note.cancel()])
        log.debug("%s: %d notes in %.0f ms", self.card.id, len(keys), 1000 * (time.perf_counter() - began))
        return waves

    @torch.inference_mode()
    def _render_note(self, key: Key, given_up: threading.Event, raw: bool) -> Wave:
        if given_up.is_set():
            raise GivenUp("Nobody is waiting for these notes any more.")
        stft = self._stft(key)
        wave: Wave = self.card.specgram.invert(stft, self.griffin_lim_steps)[0].cpu().numpy()
        if raw:
            return wave
        rate = self.card.specgram.sample_rate
        wave = fade_out(fade_in(wave, rate), rate)
        peak = float(np.abs(wave).max())
        return wave * np.float32(NOTE_PEAK / peak) if peak > SILENCE_PEAK else wave


def _made_again(kind: type[Synth], card: ModelCard, generator: Generator, settings: Mapping[str, Any]) -> Synth:
    return kind(card, generator, **settings)


def _loaded_again(kind: type[Synth], model: str, sha256: str, folder: Path, settings: Mapping[str, Any]) -> Synth:
    """A Synth as it was pickled: from its folder, or on another machine from the model of the same id."""
    synth = kind.load(folder if (folder / "card.json").is_file() else model, **settings)
    if synth.card.sha256 != sha256:
        raise ModelError(f"The model '{model}' here has other weights than the one that was pickled.")
    return synth


def _gain_of(note: Wave, made: Wave) -> np.float32:
    """What brings `made`, a note that begins as `note` does, to its level, which its loudest sample has set."""
    first, last = (round(share * HELD_SHARE * len(note)) for share in (0.1, 0.9))
    own, now = (float(np.square(one[first:last], dtype=np.float64).mean()) for one in (note, made))
    return np.float32(np.sqrt(own / max(now, 1e-20)))


def _curve(bend: Sequence[float] | NDArray[np.floating], samples: int) -> NDArray[np.float64]:
    """A bend in semitones, float [n], in straight lines over `samples`. Raises InputError if it is none."""
    try:
        points = np.asarray(bend, np.float64)
    except (TypeError, ValueError):
        points = np.empty(0)
    if points.ndim != 1 or not len(points) or not np.isfinite(points).all():
        raise InputError("A bend is a row of one or more numbers: semitones, evenly spread over the note.")
    return np.interp(np.linspace(0, len(points) - 1, samples), np.arange(len(points)), points)


def choose_device(device: str | torch.device) -> str:
    """The torch device for "auto" (CUDA where there is a GPU), "cpu", "cuda", "cuda:1" or "mps" (Apple's GPUs). Raises
    InputError if it is unknown or missing."""
    device = str(device)
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, number = device.partition(":")
    if kind not in DEVICES or (":" in device and not number.isdecimal()):
        raise InputError(f"Device '{device}' is unknown. Choose auto, {', '.join(DEVICES[:-1])} or {DEVICES[-1]}.")
    if kind == "cuda" and not torch.cuda.is_available():
        raise InputError("There is no CUDA device here. Choose auto or cpu.")
    if kind == "mps" and not torch.backends.mps.is_available():
        raise InputError("There is no MPS device here, the GPU of a Mac with Apple's chips. Choose auto or cpu.")
    if number and int(number) >= (torch.cuda.device_count() if kind == "cuda" else 1):
        raise InputError(f"There is no device '{device}' here. Choose auto, {kind} or a smaller number.")
    return device


LOADED_MODELS = 2  # kept in memory by `generate`
_loaded: OrderedDict[tuple[Path, str, str], Synth] = OrderedDict()
_loading = threading.Lock()


def _synth_of(model: str, device: str | torch.device) -> Synth:
    """The Synth of a model, loaded once and kept until its weights change."""
    folder = model_folder(model).resolve()
    key = (folder, load_card(folder).sha256, str(device))
    with _loading:
        if key not in _loaded:
            _loaded[key] = Synth.load(str(folder), device=device)
        _loaded.move_to_end(key)
        while len(_loaded) > LOADED_MODELS:
            _loaded.popitem(last=False)
        return _loaded[key]


def generate(
    note_number: float | str | Sequence[float | str] = 60,
    instrument: str | dict[str, float] | None = None,
    duration: float | None = None,
    *,
    seed: int = 0,
    z: Sequence[float] | NDArray[np.floating] | torch.Tensor | None = None,
    model: str = "studio",
    device: str | torch.device = "auto",
) -> Clips:
    """Notes in one call: `generate(60, "violin").save("violin.wav")`.

    note_number: MIDI pitch (60 is middle C) or note name ("C4"), or several for several notes of one timbre.
    instrument: a name (None: the model's first), or weights by name such as {"violin": 0.5, "flute": 0.5}. Of a model
    without instruments, a named sound, or None for any of its sounds.
    duration: seconds, up to 600; None for the model's note length (4 s for `studio`). Beyond it, notes are held: see
    Synth.hold.
    seed: which of the instrument's sounds; the same seed is always the same sound.
    z: the latent itself, `latent_size` numbers, in place of a seed. device: see Synth.
    Returns Clips: `.audio` float32 [notes, samples], `.sample_rate`, `.save(path)`.
    Raises InputError for values the model cannot take, ModelError for a model that cannot be loaded.
    """
    synth = _synth_of(model, device)
    card = synth.card
    timbre = sample(card, 1, seed, instrument)[0] if z is None else Timbre.of(card, z, instrument)
    return synth.render(timbre, note_number) if duration is None else synth.hold(timbre, note_number, duration)
