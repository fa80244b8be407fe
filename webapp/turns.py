"""Who gets notes when: all requests of an app for notes wait here, and are rendered a few notes at a time.

- Visitors get equal shares (see fair.py), and single notes go before blocks.
- A note that several wait for is rendered once, and the newest notes are kept.
- Work that nobody waits for any more is dropped, even while it is rendered.
- Whoever has waited for too long hears so.
"""

import threading
import time
import weakref
from collections import Counter, OrderedDict
from collections.abc import Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from enum import Enum
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from gansynth_core import SHARED, Clips, GivenUp, ModelCard, Timbre
from webapp.fair import FairQueue, Visitor
from webapp.line import Busy

CACHED_NOTES = 256  # 98 MB for notes of 4 s at 24 kHz
EACH_WAITS = 16  # requests of one visitor; a browser has six connections to a server
ALL_WAIT = 1000  # requests of all visitors: a bound on memory
DEADLINE_SECONDS = 30.0
PATIENCE_SECONDS = 1.0  # after that, an export gets a turn even if players keep coming
CPU_UNIT = 2  # notes at a time, which is as fast a note as twelve are, and a short wait for whoever comes next
GPU_UNIT = 12

PART_SECONDS: float = SHARED["hold"]["part_seconds"]


class HeldPart(NamedTuple):
    """A part of a note that is held for `seconds`, the number-th PART_SECONDS of it."""

    timbre: Timbre
    pitch: float
    seconds: float
    number: int

    @property
    def span(self) -> tuple[float, float]:
        """From which second to which."""
        return PART_SECONDS * self.number, min(PART_SECONDS * (self.number + 1), self.seconds)


Key = tuple[Timbre, float] | HeldPart  # what a note is known by: its timbre and pitch
Wave = NDArray[np.float32]  # [samples]


class Renders(Protocol):
    """A Synth, or what stands for one elsewhere. device: "cpu" or another."""

    card: ModelCard
    device: str
    griffin_lim_steps: int

    def render(self, timbre: Sequence[Timbre], pitches: Sequence[float], *, given_up: threading.Event) -> Clips: ...

    def held_part(
        self,
        timbre: Timbre,
        pitch: float,
        seconds: float,
        part: tuple[float, float],
        *,
        given_up: threading.Event,
    ) -> Wave: ...


class Kind(Enum):
    """What notes are wanted for. value: how much one counts against its visitor."""

    NOTE = 0.125  # one key that a hand waits for
    BLOCK = 1.0
    AHEAD = 2.0  # nobody waits for it yet
    HELD = 3.5  # a part of a held note, which takes as long as so many notes
    EXPORT = 4.0

    @classmethod
    def of(cls, notes: int) -> "Kind":
        return cls.NOTE if notes <= CPU_UNIT else cls.BLOCK


@dataclass(eq=False)
class _Request:
    """Notes that one visitor waits for. missing: those that are not there yet, in order."""

    synth: Renders
    visitor: Visitor
    kind: Kind
    missing: dict[Key, None]
    notes: dict[Key, Wave]
    came: float
    answer: "Future[dict[Key, Wave]]" = field(default_factory=Future)
    alone: bool = False  # not rendered with those of others: a part, or its notes were in a batch that failed

    @property
    def unit(self) -> int:
        if self.kind is Kind.HELD:
            return 1
        return CPU_UNIT if self.synth.device == "cpu" else GPU_UNIT


@dataclass(eq=False)
class _Batch:
    """Notes that are being rendered."""

    keys: list[Key]
    given_up: threading.Event = field(default_factory=threading.Event)


class Turns:
    """The notes of all models of an app, rendered in turn. Thread-safe.

    at_once: batches rendered at the same time. deadline: seconds after which a request is refused.
    """

    def __init__(self, at_once: int = 1, cached_notes: int = CACHED_NOTES, deadline: float = DEADLINE_SECONDS):
        self._queue: FairQueue[_Request] = FairQueue()
        self._exports: FairQueue[_Request] = FairQueue()
        self._export_served = 0.0
        self._wanted: dict[Key, list[_Request]] = {}
        self._under_way: dict[Key, _Batch] = {}
        self._cache: OrderedDict[Key, Wave] = OrderedDict()
        self._cached_notes, self._deadline = cached_notes, deadline
        self._lock = threading.Lock()
        self._rendering = ThreadPoolExecutor(at_once, "turns")
        self._open: set[_Request] = set()
        self._closed = False
        self.counts: Counter[str] = Counter()  # notes: rendered, found, shared; requests: busy, late, left

    def ask(
        self, synth: Renders, keys: Sequence[Key], visitor: Visitor, kind: Kind | None = None
    ) -> "Future[dict[Key, Wave]]":
        """Notes by key, or parts of one held note (Kind.HELD), once they are there; cancel the future when nobody
        waits for them any more. Its exception is Busy when the deadline has passed, else what the synth raised. Raises
        Busy when too many requests wait."""
        distinct = list(dict.fromkeys(keys))
        kind = kind or Kind.of(len(distinct))
        request = _Request(synth, visitor, kind, {}, {}, time.monotonic(), alone=kind is Kind.HELD)
        with self._lock:
            if self._closed:
                raise Busy("The studio is closing.")
            for key in distinct:
                if key in self._cache:
                    self._cache.move_to_end(key)
                    request.notes[key] = self._cache[key]
                else:
                    request.missing[key] = None
            self.counts["found"] += len(request.notes)
            if request.missing:
                if self._queue.of(visitor) + self._exports.of(visitor) >= EACH_WAITS:
                    self.counts["busy"] += 1
                    raise Busy("The studio is busy: you wait for too many notes already.")
                if len(self._open) >= ALL_WAIT:
                    self.counts["busy"] += 1
                    raise Busy("The studio is busy: too many notes are waiting.")
                for key in request.missing:
                    self.counts["shared"] += key in self._wanted
                    self._wanted.setdefault(key, []).append(request)
                self._open.add(request)
                self._enqueue(request)
        if request.missing:
            self._withdraw_when_cancelled(request)
        else:
            request.answer.set_result(request.notes)
        return request.answer

    def _withdraw_when_cancelled(self, request: _Request) -> None:
        # A future keeps its callbacks, and the request its future: held more tightly, they and all the notes would stay
        # in memory until Python looks for such circles, which may be gigabytes later.
        known = weakref.ref(request)

        def hear(answer: "Future[dict[Key, Wave]]") -> None:
            if answer.cancelled() and (request := known()):
                self._withdraw(request)

        request.answer.add_done_callback(hear)

    def close(self) -> None:
        """Refuse all that still waits and stop, as the app ends."""
        with self._lock:
            self._closed = True
            waiting = list(self._open)
            self._drop(waiting)
        for request in waiting:
            _settle(request, Busy("The studio is closing."))
        self._rendering.shutdown(cancel_futures=True)

    @property
    def waiting(self) -> int:
        """How many requests wait."""
        return len(self._open)

    def _enqueue(self, request: _Request) -> None:
        """Let a request wait for its next unit, if any of its notes are not under way."""
        queue = self._exports if request.kind is Kind.EXPORT else self._queue
        unit = min(request.unit, len(self._open_keys(request)))
        if unit and not self._closed:
            queue.push(request.visitor, request, unit * request.kind.value, len(request.missing))
            self._rendering.submit(self._serve)

    def _open_keys(self, request: _Request) -> list[Key]:
        return [key for key in request.missing if key not in self._under_way]

    def _withdraw(self, request: _Request) -> None:
        with self._lock:
            if request in self._open:
                self.counts["left"] += 1
                self._drop([request])

    def _drop(self, requests: Iterable[_Request]) -> None:
        """Forget requests, and give up what is rendered for nobody else."""
        for request in requests:
            self._open.discard(request)
            self._queue.remove(request.visitor, request)
            self._exports.remove(request.visitor, request)
            for key in request.missing:
                wanted = self._wanted[key]
                wanted.remove(request)
                if not wanted:
                    del self._wanted[key]
        for batch in {id(batch): batch for batch in self._under_way.values()}.values():
            if not any(key in self._wanted for key in batch.keys):
                batch.given_up.set()

    def _serve(self) -> None:
        """Render the next unit and hand out its notes."""
        with self._lock:
            late = [one for one in self._open if time.monotonic() - one.came > self._deadline]
            late = [one for one in late if one.kind is not Kind.EXPORT]
            self._drop(late)
            self.counts["late"] += len(late)
            requests, batch = self._next()
        for request in late:
            _settle(request, Busy("The studio is busy: these notes would have come too late."))
        if not batch.keys:
            return
        try:
            notes, error = _made(requests[0].synth, batch), None
        except GivenUp:
            notes, error = {}, None
        except Exception as cause:  # whatever it is, those who wait must hear of it
            notes, error = {}, cause
        with self._lock:
            failed = self._fail(requests) if error else []
            done = self._hand_out(batch, notes, keep=any(one.kind is not Kind.EXPORT for one in requests))
        for request in failed:
            _settle(request, error)
        for request in done:
            _settle(request, None)

    def _next(self) -> tuple[list[_Request], _Batch]:
        """The requests whose turn it is, all for one synth, and what of them to render now: as much as is as fast a
        note as less would be."""
        requests: list[_Request] = []
        keys: list[Key] = []
        while queue := self._turn_of(requests):
            request = queue.pop()
            if requests and (request.synth is not requests[0].synth or request.alone or requests[0].alone):
                queue.push(request.visitor, request, 0.0)  # first in the next batch
                break
            requests.append(request)
            open_keys = [key for key in self._open_keys(request) if key not in keys]
            keys += open_keys[: request.unit - len(keys)]
            if len(keys) >= request.unit:
                break
        batch = _Batch(keys)
        self._under_way.update(dict.fromkeys(keys, batch))
        self.counts["rendered"] += len(keys)
        for request in requests:
            self._enqueue(request)
        return requests, batch

    def _turn_of(self, chosen: Sequence[_Request]) -> FairQueue[_Request] | None:
        """The line that is served next: players', or exports' if nobody plays or they have waited long enough."""
        if chosen:  # a batch is filled from the line that it began with
            queue = self._exports if chosen[0].kind is Kind.EXPORT else self._queue
            return queue if len(queue) else None
        overdue = time.monotonic() - self._export_served > PATIENCE_SECONDS
        if len(self._exports) and (overdue or not len(self._queue)):
            self._export_served = time.monotonic()
            return self._exports
        return self._queue if len(self._queue) else None

    def _fail(self, requests: Sequence[_Request]) -> list[_Request]:
        """Those to be told of an error. A batch for several is made again for each alone: it may be another's fault."""
        here = [request for request in requests if request in self._open]
        if len(here) > 1:
            for request in here:
                request.alone = True
            return []
        self._drop(here)
        return here

    def _hand_out(self, batch: _Batch, notes: dict[Key, Wave], keep: bool) -> list[_Request]:
        """Give the notes to all who wait for them; returns the requests that are complete. Who waits for notes that
        were not made after all waits for them anew."""
        for key in batch.keys:
            del self._under_way[key]
        again: list[_Request] = []
        done: list[_Request] = []
        for key in batch.keys:
            if key not in notes:
                again += self._wanted.get(key, [])
                continue
            if keep and not isinstance(key, HeldPart):  # pages keep those, which are long
                notes[key] = notes[key].copy()  # of its own: a view would keep all notes that were made with it
                self._cache[key] = notes[key]
            for request in self._wanted.pop(key, []):
                del request.missing[key]
                request.notes[key] = notes[key]
                if not request.missing:
                    self._open.discard(request)
                    self._queue.remove(request.visitor, request)
                    self._exports.remove(request.visitor, request)
                    done.append(request)
        while len(self._cache) > self._cached_notes:
            self._cache.popitem(last=False)
        for request in dict.fromkeys(again):
            self._queue.remove(request.visitor, request)
            self._exports.remove(request.visitor, request)
            self._enqueue(request)
        return done


def _made(synth: Renders, batch: _Batch) -> dict[Key, Wave]:
    """The notes of a batch, or the one part."""
    first = batch.keys[0]
    if isinstance(first, HeldPart):
        wave = synth.held_part(first.timbre, first.pitch, first.seconds, first.span, given_up=batch.given_up)
        return {first: wave}
    clips = synth.render([key[0] for key in batch.keys], [key[1] for key in batch.keys], given_up=batch.given_up)
    return dict(zip(batch.keys, clips.audio, strict=True))


def _settle(request: _Request, error: Exception | None) -> None:
    """Answer, unless whoever asked has gone this very moment."""
    if request.answer.set_running_or_notify_cancel():
        if error is None:
            request.answer.set_result(request.notes)
        else:
            request.answer.set_exception(error)
