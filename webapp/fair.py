"""Whose turn it is: visitors who wait for the same thing get equal shares of it, and what is short does not wait for
what is long."""

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from webapp.line import Busy


class Visitor(NamedTuple):
    """Who asks. address: of the network that the request came from. name: of the browser, by its cookie; empty for
    what sends none."""

    address: str
    name: str = ""


Item = TypeVar("Item")


class _Shares:
    """Equal shares among those who wait: self-clocked fair queueing (Golestani, INFOCOM 1994).

    What the head of a line costs is added to where its owner stood: that is its tag, and the lowest tag is next. Who
    has had much stands far behind, who comes anew stands where the clock is. So nobody saves up turns, and nobody waits
    for ever.
    """

    def __init__(self) -> None:
        self._clock = 0.0
        self._stands: dict[str, float] = {}

    def joins(self, name: str) -> None:
        self._stands.setdefault(name, self._clock)

    def leaves(self, name: str) -> None:
        del self._stands[name]

    def next(self, costs: Iterator[tuple[str, float]]) -> str:
        return min(costs, key=lambda pair: self._stands[pair[0]] + pair[1])[0]

    def served(self, name: str, cost: float) -> None:
        self._stands[name] += cost
        self._clock = max(self._clock, self._stands[name])


@dataclass(order=True)
class _Waiting(Generic[Item]):
    size: float
    number: int  # in the order of arrival
    cost: float = field(compare=False)
    item: Item = field(compare=False)


class FairQueue(Generic[Item]):
    """Things to do for visitors, in a fair order: addresses take turns, then the visitors of an address; of a visitor's
    own, what is smallest comes first. Not thread-safe."""

    def __init__(self) -> None:
        self._addresses = _Shares()
        self._visitors: dict[str, _Shares] = {}
        self._lines: dict[str, dict[str, list[_Waiting[Item]]]] = {}
        self._numbers = itertools.count()
        self._length = 0

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[Item]:
        return (one.item for lines in self._lines.values() for line in lines.values() for one in line)

    def of(self, visitor: Visitor) -> int:
        """How many things this visitor waits for."""
        return len(self._lines.get(visitor.address, {}).get(visitor.name, ()))

    def push(self, visitor: Visitor, item: Item, cost: float = 1.0, size: float = 0.0) -> None:
        """cost: how much of what everybody wants one `pop` of this item takes, which counts against its visitor."""
        address, name = visitor
        self._addresses.joins(address)
        self._visitors.setdefault(address, _Shares()).joins(name)
        line = self._lines.setdefault(address, {}).setdefault(name, [])
        line.append(_Waiting(size, next(self._numbers), cost, item))
        self._length += 1

    def pop(self) -> Item:
        """The item whose turn it is. Raises IndexError if there is none."""
        if not self._length:
            raise IndexError("nobody waits")
        heads = {address: {name: min(line) for name, line in lines.items()} for address, lines in self._lines.items()}
        names = {
            address: self._visitors[address].next((name, head.cost) for name, head in mine.items())
            for address, mine in heads.items()
        }
        address = self._addresses.next((one, heads[one][name].cost) for one, name in names.items())
        name = names[address]
        head = heads[address][name]
        self._addresses.served(address, head.cost)
        self._visitors[address].served(name, head.cost)
        self._take(Visitor(address, name), head)
        return head.item

    def remove(self, visitor: Visitor, item: Item) -> None:
        """Take out an item that nobody wants any more, if it is there."""
        for waiting in self._lines.get(visitor.address, {}).get(visitor.name, ()):
            if waiting.item is item:
                return self._take(visitor, waiting)

    def _take(self, visitor: Visitor, waiting: _Waiting[Item]) -> None:
        address, name = visitor
        lines = self._lines[address]
        lines[name] = [one for one in lines[name] if one is not waiting]
        self._length -= 1
        if not lines[name]:
            del lines[name]
            self._visitors[address].leaves(name)
        if not lines:
            del self._lines[address], self._visitors[address]
            self._addresses.leaves(address)


class FairTurns:
    """A bounded number of turns at a time for those who await them in one event loop, in a fair order."""

    def __init__(self, at_once: int, each: int, what: str):
        """each: how many turns one visitor may wait for."""
        self._free, self._each = at_once, each
        self._queue: FairQueue[asyncio.Future[None]] = FairQueue()
        self._sentence = f"The studio is busy: you wait for {each} {what} already."

    @asynccontextmanager
    async def turn(self, visitor: Visitor) -> AsyncIterator[None]:
        """A turn for the length of a `with` block. Raises Busy when this visitor waits for too many."""
        if not self._free or len(self._queue):
            if self._queue.of(visitor) >= self._each:
                raise Busy(self._sentence)
            mine = asyncio.get_running_loop().create_future()
            self._queue.push(visitor, mine)
            try:
                await mine
            except asyncio.CancelledError:
                self._queue.remove(visitor, mine)
                if mine.done() and not mine.cancelled():  # it came at the very moment that it was given up
                    self._pass_on()
                raise
        else:
            self._free -= 1
        try:
            yield
        finally:
            self._pass_on()

    def _pass_on(self) -> None:
        while len(self._queue):
            coming = self._queue.pop()
            if not coming.done():  # else given up just now
                return coming.set_result(None)
        self._free += 1
