"""A model behind the page: it loads while the page is already up, and a bounded number of requests may wait for it."""

import threading
from collections.abc import Callable, Sequence
from concurrent.futures import Future
from pathlib import Path

from gansynth_core import Atlas, Clips, GanSynthError, ModelCard, ModelError, Synth, Timbre
from webapp.line import Busy, Line

LINE = 16  # requests that may wait for the model; one more is turned away, as it would wait for seconds
LOADING_SECONDS = 60.0


class Player:
    """A model's card, its Synth, which may still be loading, and its map if it has one. Thread-safe.

    folder: of the model; its map is looked for there.
    """

    def __init__(self, card: ModelCard, line: int = LINE, folder: Path | None = None, atlas: Atlas | None = None):
        self.card = card
        self._folder, self._atlas = folder, atlas
        self._synth: Future[Synth] = Future()
        self._line = Line(line, "notes")
        self._waiting: Callable[[], None] | None = None
        self._starting = threading.Lock()

    @classmethod
    def of(cls, synth: Synth, line: int = LINE, atlas: Atlas | None = None) -> "Player":
        """A player around a Synth that is already loaded."""
        player = cls(synth.card, line, atlas=atlas)
        player._synth.set_result(synth)
        return player

    @property
    def loaded(self) -> bool:
        """Whether the model can play without being waited for."""
        return self._synth.done() and self._synth.exception() is None

    def load(self, loader: Callable[[], Synth], failed: Callable[[str], None]) -> None:
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

    def load_when_asked(self, loader: Callable[[], Synth], failed: Callable[[str], None]) -> None:
        """As `load`, but only once somebody asks for a note."""
        self._waiting = lambda: self.load(loader, failed)

    def atlas(self) -> Atlas | None:
        """The model's map; None while it has none. A map made while the app runs is found. Raises ModelError if it is
        damaged or belongs to other weights."""
        if self._atlas is None and self._folder is not None:
            self._atlas = Atlas.find(self._folder, self.card)
        return self._atlas

    def render(
        self,
        timbre: Timbre | Sequence[Timbre],
        pitches: Sequence[float],
        *,
        background: bool = False,
        given_up: threading.Event | None = None,
    ) -> Clips:
        """The notes of `timbre` (or of one timbre per pitch) at MIDI `pitches`, once the model is loaded and free; in
        the `background`, all other requests go first. `given_up` is set when nobody waits for the notes any longer.

        Raises Busy when too many wait already, and whatever GanSynthError the model raises.
        """
        with self._line.place():
            return self.synth().render(timbre, pitches, background=background, given_up=given_up)

    def synth(self) -> Synth:
        """The model itself, once it is loaded: for background jobs, which do not take a place in the players' line.
        Raises Busy when loading takes too long, and whatever GanSynthError it raised."""
        with self._starting:
            if self._waiting is not None:
                self._waiting()
                self._waiting = None
        try:
            return self._synth.result(timeout=LOADING_SECONDS)
        except TimeoutError as cause:
            raise Busy("The model is still loading.") from cause
