"""A model brought to life: timbres and pitches in, notes out."""

import os
import threading
import time
import weakref
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any, cast

import numpy as np
import torch
from numpy.typing import NDArray

from gansynth_core.cards import ModelCard, load_card, load_weights, model_folder
from gansynth_core.errors import GanSynthError, InputError, ModelError
from gansynth_core.generators import Generator, build_generator
from gansynth_core.latent import Timbre, sample
from gansynth_core.pitches import pitch_numbers
from gansynth_core.sound import NOTE_PEAK, SILENCE_PEAK, Clips, fade_in, fade_out

CACHED_NOTES = 256  # 98 MB for notes of 4 s at 24 kHz
BATCH = 12  # notes rendered at a time: an octave, and a bound on memory
BACKGROUND_BATCH = 2  # the most a player waits for; on a CPU, two notes at a time are as fast per note as twelve
PATIENCE_SECONDS = 1.0  # after that, background work takes its turn even if players keep coming


Key = tuple[Timbre, float]  # what a note is known by: its timbre and pitch
Wave = NDArray[np.float32]  # [samples]


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


# One thread loads and runs all networks. torch keeps helper threads, memory and prepared kernels for each thread that
# calls it, and helpers that outnumber the machine's cores go to sleep instead of waiting for work: a note would take
# twice as long.
_network = ThreadPoolExecutor(1, "network")
_synths: "weakref.WeakSet[Synth]" = weakref.WeakSet()


def _after_fork() -> None:
    """A forked child has none of its parent's threads, and locks that they held would never open."""
    global _network, _loading
    _network, _loading = ThreadPoolExecutor(1, "network"), threading.Lock()
    for synth in _synths:
        synth._turns = _Turns()


if hasattr(os, "register_at_fork"):  # not on Windows, which does not fork
    os.register_at_fork(after_in_child=_after_fork)


class Synth:
    """Renders notes of one model. Safe to call from many threads, of which one at a time uses the network, and from
    forked processes. A pickle or copy of a loaded model names its folder and loads it again from there.

    device: "auto" takes CUDA where there is a GPU, else the CPU. griffin_lim_steps: see Representation.invert; None
    takes what suits the model's specgrams best.
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
        folder = model_folder(model)
        card, generator = _network.submit(cls._read, folder).result()
        synth = cls(card, generator, device=device, griffin_lim_steps=griffin_lim_steps, cached_notes=cached_notes)
        synth._folder = folder.resolve()
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
        timbre: Timbre | Sequence[Timbre],
        pitches: float | str | Sequence[float | str],
        *,
        background: bool = False,
        given_up: threading.Event | None = None,
    ) -> Clips:
        """Notes of `timbre`, or of one timbre per pitch, at `pitches` (one or several: MIDI, fractions allowed, or note
        names), as long as the model makes them. Deterministic. background: for exports; everyone else goes first, after
        two notes at most, and the notes are not cached. given_up: set it to stop the work, which then raises GivenUp.
        Raises InputError for a pitch, model, instrument or z that this model does not have."""
        wanted = self._wanted(timbre, pitches)
        work = self._render_aside if background else self._render_cached
        notes = work(list(dict.fromkeys(wanted)), given_up or threading.Event())
        samples = self.card.specgram.samples
        audio = np.stack([notes[key] for key in wanted]) if wanted else np.zeros((0, samples), np.float32)
        return Clips(audio, self.card.specgram.sample_rate, tuple(pitch for _, pitch in wanted))

    def _render_cached(self, keys: list[Key], given_up: threading.Event) -> dict[Key, Wave]:
        notes: dict[Key, Wave] = {}
        with self._turns.turn(background=False):
            missing = []
            for key in keys:
                if key in self._cache:
                    self._cache.move_to_end(key)
                    notes[key] = self._cache[key]
                else:
                    missing.append(key)
            for start in range(0, len(missing), BATCH):
                batch = missing[start : start + BATCH]
                for key, audio in zip(batch, self._rendered(batch, given_up), strict=True):
                    notes[key] = self._cache[key] = audio
            while len(self._cache) > self._cached_notes:
                self._cache.popitem(last=False)
        return notes

    def _render_aside(self, keys: list[Key], given_up: threading.Event) -> dict[Key, Wave]:
        """The same without the cache, letting others go first between batches."""
        size = BACKGROUND_BATCH if self.device == "cpu" else BATCH
        notes: dict[Key, Wave] = {}
        for start in range(0, len(keys), size):
            batch = keys[start : start + size]
            with self._turns.turn(background=True):
                notes.update(zip(batch, self._rendered(batch, given_up), strict=True))
        return notes

    def embed(
        self, timbre: Timbre | Sequence[Timbre], pitches: float | str | Sequence[float | str]
    ) -> NDArray[np.float32]:
        """What the network makes of timbres and pitches before it grows notes: float32 [notes, numbers], close together
        where the network sees little difference. Raises InputError as `render` does."""
        wanted = self._wanted(timbre, pitches)
        with self._turns.turn(background=False):
            return _network.submit(self._embed, wanted).result()

    @torch.inference_mode()
    def _embed(self, wanted: list[Key]) -> NDArray[np.float32]:
        embedded: NDArray[np.float32] = self._generator.embed(*self._inputs(wanted)).float().cpu().numpy()
        return embedded

    def _wanted(self, timbre: Timbre | Sequence[Timbre], pitches: float | str | Sequence[float | str]) -> list[Key]:
        """A checked (timbre, pitch) for every note."""
        pitches = pitch_numbers(pitches)
        several = not isinstance(timbre, Timbre) and isinstance(timbre, Iterable)
        timbres = list(cast(Iterable[Timbre], timbre)) if several else [cast(Timbre, timbre)] * len(pitches)
        for each in timbres:
            if not isinstance(each, Timbre):
                raise InputError(f"Notes are made of a Timbre, or of one Timbre per pitch, not of {each!r}.")
        if len(timbres) != len(pitches):
            raise InputError(f"{len(timbres)} timbres do not match {len(pitches)} pitches. Give one timbre per pitch.")
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

    def _rendered(self, batch: list[Key], given_up: threading.Event) -> list[Wave]:
        return _network.submit(self._render_batch, batch, given_up).result()

    @torch.inference_mode()
    def _render_batch(self, batch: list[Key], given_up: threading.Event) -> list[Wave]:
        if given_up.is_set():
            raise GivenUp("Nobody is waiting for these notes any more.")
        stft = self._generator.stft(*self._inputs(batch))
        if given_up.is_set():
            raise GivenUp("Nobody is waiting for these notes any more.")
        waves = self.card.specgram.invert(stft, self.griffin_lim_steps).cpu().numpy()
        rate = self.card.specgram.sample_rate
        waves = fade_out(fade_in(waves, rate), rate)
        peaks = np.abs(waves).max(axis=1)
        return [
            wave * (NOTE_PEAK / peak) if peak > SILENCE_PEAK else wave for wave, peak in zip(waves, peaks, strict=True)
        ]


def _made_again(kind: type[Synth], card: ModelCard, generator: Generator, settings: Mapping[str, Any]) -> Synth:
    return kind(card, generator, **settings)


def _loaded_again(kind: type[Synth], model: str, sha256: str, folder: Path, settings: Mapping[str, Any]) -> Synth:
    """A Synth as it was pickled: from its folder, or on another machine from the model of the same id."""
    synth = kind.load(folder if (folder / "card.json").is_file() else model, **settings)
    if synth.card.sha256 != sha256:
        raise ModelError(f"The model '{model}' here has other weights than the one that was pickled.")
    return synth


def choose_device(device: str | torch.device) -> str:
    """The torch device for "auto" (CUDA where there is a GPU), "cpu", "cuda" or "cuda:1". Raises InputError if it is
    unknown or missing."""
    device = str(device)
    if device == "auto":
        return "cuda" if torch.cuda.is_available() else "cpu"
    kind, _, number = device.partition(":")
    if kind not in ("cpu", "cuda") or (":" in device and not number.isdecimal()):
        raise InputError(f"Device '{device}' is unknown. Choose auto, cpu or cuda.")
    if device.startswith("cuda") and not torch.cuda.is_available():
        raise InputError("There is no CUDA device here. Choose auto or cpu.")
    if number and int(number) >= (torch.cuda.device_count() if kind == "cuda" else 1):
        raise InputError(f"There is no device '{device}' here. Choose auto, {kind} or a smaller number.")
    return device


LOADED_MODELS = 2  # kept in memory by `generate`
_loaded: OrderedDict[tuple[Path, str], Synth] = OrderedDict()
_loading = threading.Lock()


def _synth_of(model: str) -> Synth:
    """The Synth of a model, loaded once and kept until its weights change."""
    folder = model_folder(model).resolve()
    key = (folder, load_card(folder).sha256)
    with _loading:
        if key not in _loaded:
            _loaded[key] = Synth.load(str(folder))
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
) -> Clips:
    """Notes in one call: `generate(60, "violin").save("violin.wav")`.

    note_number: MIDI pitch (60 is middle C) or note name ("C4"), or several for several notes of one timbre.
    instrument: a name (None: the model's first), or weights by name such as {"violin": 0.5, "flute": 0.5}. Of a model
    without instruments, a named sound, or None for any of its sounds.
    duration: seconds, up to the model's note length (4 s for `studio`, the default).
    seed: which of the instrument's sounds; the same seed is always the same sound.
    z: the latent itself, `latent_size` numbers, in place of a seed.
    Returns Clips: `.audio` float32 [notes, samples], `.sample_rate`, `.save(path)`.
    Raises InputError for values the model cannot take, ModelError for a model that cannot be loaded.
    """
    synth = _synth_of(model)
    card = synth.card
    timbre = sample(card, 1, seed, instrument)[0] if z is None else Timbre.of(card, z, instrument)
    clips = synth.render(timbre, note_number)
    return clips if duration is None else clips.shorten(duration)
