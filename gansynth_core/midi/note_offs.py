"""Note-offs that a file owes: what to make of a key that is struck twice and let go once."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from operator import attrgetter

from gansynth_core.midi.smf import CONTROL, NOTE_OFF, NOTE_ON, Event

ENDS_ALL = (120, 123)  # controllers: all sound off, all notes off


def with_note_offs(events: Sequence[Event]) -> tuple[list[Event], int]:
    """`events`, in order of tick, with the note-offs that are missing, and how many those are.

    A key is the same if its track, channel and number are. While a key gets as many note-offs as note-ons before it is
    last let go, nothing is missing, and notes that overlap may each have their own. Otherwise no one can tell which of
    its notes lacks an end, and the key is read as FluidSynth and other synths play it: a strike ends the note before,
    and so does the first note-off. Only a key that is never let go at all still sounds at the end.
    """
    keys: dict[int, dict[tuple[int, int], _Key]] = defaultdict(dict)  # by channel, then by (track, number)
    missing: list[Event] = []

    def settle(channel: int) -> None:
        for (track, number), key in keys.pop(channel, {}).items():
            missing.extend(Event(tick, track, NOTE_OFF, channel, number) for tick in key.missing())

    for event in events:
        if event.kind in (NOTE_ON, NOTE_OFF):
            key = keys[event.channel].setdefault((event.track, event.first), _Key())
            (key.strike if event.kind == NOTE_ON else key.lift)(event.tick)
        elif event.kind == CONTROL and event.first in ENDS_ALL:
            settle(event.channel)
    for channel in list(keys):
        settle(channel)
    if not missing:
        return list(events), 0
    return sorted([*missing, *events], key=attrgetter("tick")), len(missing)  # at once, they come first


class _Key:
    """What happened to a key since it was last fully up."""

    def __init__(self) -> None:
        self.past: list[tuple[int, bool]] = []  # (tick, whether it was struck)
        self.down = 0  # strikes in `past` without a note-off
        self.tick = 0
        self.fresh = 0  # strikes at `tick`, which are not in `past` yet

    def strike(self, tick: int) -> None:
        self._go_to(tick)
        self.fresh += 1

    def lift(self, tick: int) -> None:
        """A note-off ends an older note, even if it follows a strike of the same tick; else one of no length."""
        self._go_to(tick)
        if self.down:
            self.past.append((tick, False))
            self.down -= 1
            if not self.down:
                self.past.clear()
        elif self.fresh:
            self.fresh -= 1

    def missing(self) -> list[int]:
        """The ticks of note-offs that are missing."""
        self._go_to(self.tick + 1)
        return list(_missing(self.past)) if self.down else []

    def _go_to(self, tick: int) -> None:
        if tick != self.tick:
            self.past += [(self.tick, True)] * self.fresh
            self.down += self.fresh
            self.tick, self.fresh = tick, 0


def _missing(past: Sequence[tuple[int, bool]]) -> Iterator[int]:
    """The ticks at which note-offs are missing in the `past` of one key, taken as strikes that are followed by
    note-offs, then strikes again."""
    strikes: list[int] = []
    lifts: list[int] = []
    for tick, struck in past:
        if struck and lifts:
            yield from _owed(strikes, lifts)
            strikes, lifts = [], []
        (strikes if struck else lifts).append(tick)
    yield from _owed(strikes, lifts)


def _owed(strikes: Sequence[int], lifts: Sequence[int]) -> Iterator[int]:
    """Ends for the first of `strikes`, as many as `lifts` are too few: at the next strike or, without one, at the last
    of `lifts`; none if there is neither."""
    following = 0
    for tick in strikes[: max(0, len(strikes) - len(lifts))]:
        while following < len(strikes) and strikes[following] <= tick:
            following += 1
        if following < len(strikes):
            yield strikes[following]
        elif lifts:
            yield lifts[-1]
