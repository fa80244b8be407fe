"""What the routes of one app share, and how a route gets hold of it."""

import ipaddress
from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, HTTPException, Request

from webapp.fair import FairTurns, Visitor
from webapp.gate import VISITOR_COOKIE
from webapp.jobs import Jobs
from webapp.packs import Pacing
from webapp.player import Player
from webapp.scratch import Scratch
from webapp.sound_document import digest_of

VISITOR_LENGTH = 32
OTHER_MODEL = "This page was opened with another model. Reload it."


class Studio:
    """The models of one app, its jobs, and the turns in which its pictures are drawn.

    players: by the id of their model, the one that the page opens with first. by_digest: by what addresses name it by.
    """

    def __init__(self, opened: Player, others: Sequence[Player] = (), scratch: Scratch | None = None):
        self.opened = opened
        self.players = {player.card.id: player for player in (opened, *others)}
        self.by_digest: dict[str, Player] = {}
        for player in self.players.values():
            self.by_digest.setdefault(digest_of(player.card), player)
        self.jobs = Jobs(scratch)
        self.pacing = Pacing()
        self.drawing = FairTurns(1, 12, "pictures")  # one at a time: matplotlib's fonts are not thread-safe

    def close(self) -> None:
        """Stop all work, as the app ends, and delete its files."""
        for player in self.players.values():
            player.turns.close()
        self.jobs.close()

    async def enter(self, request: Request) -> None:
        """Makes the studio known to the routes that a request goes to."""
        request.state.studio = self


async def current_studio(request: Request) -> Studio:
    studio: Studio = request.state.studio
    return studio


CurrentStudio = Annotated[Studio, Depends(current_studio)]


async def current_player(digest: str, studio: CurrentStudio) -> Player:
    """Of the model that the address names by its digest. Raises HTTPException 404 if there is none."""
    if digest not in studio.by_digest:
        raise HTTPException(404, OTHER_MODEL)
    return studio.by_digest[digest]


CurrentPlayer = Annotated[Player, Depends(current_player)]


async def current_visitor(request: Request) -> Visitor:
    """Who asks, as far as fair turns must know. A network of IPv6 counts as one address: its owner has 2^64."""
    address = request.client.host if request.client else ""
    if ":" in address:
        try:
            address = str(ipaddress.ip_network((address.partition("%")[0], 64), strict=False))
        except ValueError:  # whatever a proxy wrote
            address = ""
    name = request.cookies.get(VISITOR_COOKIE, "")
    return Visitor(address, name if len(name) <= VISITOR_LENGTH else "")


CurrentVisitor = Annotated[Visitor, Depends(current_visitor)]
