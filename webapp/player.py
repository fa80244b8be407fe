"""A model behind the page: it loads while the page is already up, and its notes come in turn."""

import asyncio
import math
import threading
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future
from pathlib import Path
from typing import cast

import numpy as np

from gansynth_core import (
    SHARED,
    Atlas,
    Clips,
    GanSynthError,
    InputError,
    ModelCard,
    ModelError,
    Sustained,
    Synth,
    Timbre,
    at_note_peak,
)
from webapp.fair import Visitor
from webapp.line import Busy
from webapp.renderers import Remote
from webapp.turns import PART_SECONDS, HeldPart, Key, Kind, Renders, Turns, Wave

LOADING_SECONDS = 60.0
LONGEST_SECONDS: float = SHARED["hold"]["seconds"]
STRANGER = Visitor("")  # whoever asks by Gradio's endpoint


class Player:
    """A model's card, what renders its notes, which may still be loading, and its map if it has one. Thread-safe.

    turns: those of the app's models share them. folder: of the model; its map is looked for there.
    """

    def __init__(
        self, card: ModelCard, turns: Turns | None = None, folder: Path | None = None, atlas: Atlas | None = None
    ):
        self.card = card
        self.turns = turns or Turns()
        self._folder, self._atlas = folder, atlas
        self._synth: Future[Renders] = Future()
        self._waiting: Callable[[], None] | None = None
        self._starting = threading.Lock()

    @classmethod
    def of(cls, synth: Renders, turns: Turns | None = None, atlas: Atlas | None = None) -> "Player":
        """A player around a Synth that is already loaded."""
        player = cls(synth.card, turns, atlas=atlas)
        player._synth.set_result(synth)
        return player

    def load(self, loader: Callable[[], Renders], failed: Callable[[str], None]) -> None:
        """Run `loader` in a thread of its own. If it fails, the reason goes to `failed` and to everyone who asks for a
        note."""

        def work() -> None:
            try:
                self._synth.set_result(loader())
            except Exception as cause:  # whatever it is, those who wait for the model must hear of it
                error = cause
                if not isinstance(cause, GanSynthError):
                    error = ModelError(
                        f"The model '{self.card.id}' could not be loaded ({type(cause).__name__}: {cause})."
                    )
                self._synth.set_exception(error)
                failed(str(error))

        threading.Thread(target=work, name="load-model", daemon=True).start()

    def load_when_asked(self, loader: Callable[[], Renders], failed: Callable[[str], None]) -> None:
        """As `load`, but only once somebody asks for a note."""
        self._waiting = lambda: self.load(loader, failed)

    def atlas(self) -> Atlas | None:
        """The model's map; None while it has none. A map made while the app runs is found. Raises ModelError if it is
        damaged or belongs to other weights."""
        if self._atlas is None and self._folder is not None:
            self._atlas = Atlas.find(self._folder, self.card)
        return self._atlas

    async def notes(
        self,
        timbre: Timbre | Sequence[Timbre],
        pitches: Sequence[float],
        visitor: Visitor,
        *,
        ahead: bool = False,
    ) -> Clips:
        """The notes of `timbre` (or of one timbre per pitch) at MIDI `pitches`, in turn. ahead: nobody waits for them
        yet. Cancel the task when nobody waits for them any more.

        Raises Busy when too many wait or it takes too long, and whatever GanSynthError the model raises.
        """
        synth = await self._awaited()
        keys = _keys(timbre, pitches)
        kind = Kind.AHEAD if ahead else None
        return self._clips(keys, await asyncio.wrap_future(self.turns.ask(synth, keys, visitor, kind)))

    async def held_part(self, timbre: Timbre, pitch: float, number: int, visitor: Visitor) -> Clips:
        """Part `number` of a note held for as long as a page holds it (LONGEST_SECONDS), as `notes`."""
        part = HeldPart(timbre, float(pitch), LONGEST_SECONDS, number)
        made = await asyncio.wrap_future(self.turns.ask(await self._awaited(), [part], visitor, Kind.HELD))
        return Clips(made[part][None], self.card.specgram.sample_rate, (float(pitch),))

    async def note(self, timbre: Timbre, pitch: float, seconds: float, visitor: Visitor) -> Clips:
        """One note of `seconds`, longer ones as Synth.hold makes them, in as many turns as they have parts; the rest
        is as for `notes`. Raises InputError for seconds out of range."""
        if not self._is_long(seconds):
            return (await self.notes(timbre, [pitch], visitor)).shorten(seconds)
        parts = _parts(timbre, pitch, seconds)
        made = await asyncio.wrap_future(self.turns.ask(await self._awaited(), parts, visitor, Kind.HELD))
        return self._joined(parts, made)

    async def _awaited(self) -> Renders:
        self._start()
        try:
            async with asyncio.timeout(LOADING_SECONDS):
                return await asyncio.shield(asyncio.wrap_future(self._synth))  # others wait for it too
        except TimeoutError as cause:
            raise Busy("The model is still loading.") from cause

    def render(
        self,
        timbre: Timbre | Sequence[Timbre],
        pitches: Sequence[float],
        visitor: Visitor = STRANGER,
        kind: Kind | None = None,
    ) -> Clips:
        """The same for threads, which it keeps waiting."""
        keys = _keys(timbre, pitches)
        return self._clips(keys, self.turns.ask(self.loaded(), keys, visitor, kind).result())

    def render_note(self, timbre: Timbre, pitch: float, seconds: float, visitor: Visitor = STRANGER) -> Clips:
        """As `note` for threads."""
        if not self._is_long(seconds):
            return self.render(timbre, [pitch], visitor).shorten(seconds)
        parts = _parts(timbre, pitch, seconds)
        return self._joined(parts, self.turns.ask(self.loaded(), parts, visitor, Kind.HELD).result())

    def is_ready(self) -> bool:
        """Whether notes can be had."""
        return self._synth.done() and self._synth.exception() is None

    def loaded(self) -> Renders:
        """What renders, once it is there. Raises Busy when that takes too long, and whatever GanSynthError it
        raised."""
        self._start()
        try:
            return self._synth.result(timeout=LOADING_SECONDS)
        except TimeoutError as cause:
            raise Busy("The model is still loading.") from cause

    def synth(self) -> Synth:
        """A Synth of the model in this process, for what needs its network itself. Raises as `loaded` does."""
        loaded = self.loaded()
        return loaded.here() if isinstance(loaded, Remote) else cast(Synth, loaded)

    def exporter(self, visitor: Visitor) -> "Exporter":
        """What exports of `visitor` render with. Raises as `loaded` does."""
        return Exporter(self, visitor)

    def _start(self) -> None:
        with self._starting:
            if self._waiting is not None:
                self._waiting()
                self._waiting = None

    def _clips(self, keys: Sequence[Key], notes: dict[Key, Wave]) -> Clips:
        audio = np.stack([notes[key] for key in keys])
        return Clips(audio, self.card.specgram.sample_rate, tuple(key[1] for key in keys))

    def _is_long(self, seconds: float) -> bool:
        """Whether a note of `seconds` is longer than the model makes it. Raises InputError if nobody makes it."""
        if not 0 < seconds <= LONGEST_SECONDS:
            raise InputError(
                f"A duration of {seconds} s is not possible. Choose more than 0 and at most {LONGEST_SECONDS:g} s."
            )
        return seconds > self.card.specgram.seconds

    def _joined(self, parts: Sequence[HeldPart], made: Mapping[Key, Wave]) -> Clips:
        audio = at_note_peak(np.concatenate([made[part] for part in parts]))
        return Clips(audio[None], self.card.specgram.sample_rate, (parts[0].pitch,))


class Exporter:
    """Stands for the Synth in an export, whose notes wait until nobody plays."""

    def __init__(self, player: Player, visitor: Visitor):
        self.card, self._player, self._visitor = player.card, player, visitor
        synth = player.loaded()
        self.device, self.griffin_lim_steps = synth.device, synth.griffin_lim_steps

    def render(self, timbre: Timbre | Sequence[Timbre], pitches: Sequence[float], *, background: bool = True) -> Clips:
        """Notes as Synth.render makes them; they are always in the `background`."""
        return self._player.render(timbre, pitches, self._visitor, Kind.EXPORT)

    def sustained(
        self, timbre: Timbre, pitch: float, samples: int, *, note: Wave | None = None, background: bool = True
    ) -> Sustained:
        """A note held for as long as Synth.sustained makes it, by the network in this process."""
        return self._player.synth().sustained(timbre, pitch, samples, note=note, background=True)


def _parts(timbre: Timbre, pitch: float, seconds: float) -> list[HeldPart]:
    return [HeldPart(timbre, float(pitch), seconds, number) for number in range(math.ceil(seconds / PART_SECONDS))]


def _keys(timbre: Timbre | Sequence[Timbre], pitches: Sequence[float]) -> list[Key]:
    timbres = [timbre] * len(pitches) if isinstance(timbre, Timbre) else timbre
    return [(one, float(pitch)) for one, pitch in zip(timbres, pitches, strict=True)]
