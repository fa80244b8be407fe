"""What the routes of one app share, and how a route gets hold of it."""

import threading
from collections.abc import Sequence
from typing import Annotated

from fastapi import Depends, HTTPException, Request

from webapp.jobs import Jobs
from webapp.line import Line
from webapp.packs import Pacing
from webapp.player import Player
from webapp.sound_document import digest_of

OTHER_MODEL = "This page was opened with another model. Reload it."


class Studio:
    """The models of one app, its jobs, and the lines in which its pictures wait.

    players: by the id of their model, the one that the page opens with first. by_digest: by what addresses name it by.
    """

    def __init__(self, opened: Player, others: Sequence[Player] = ()):
        self.opened = opened
        self.players = {player.card.id: player for player in (opened, *others)}
        self.by_digest: dict[str, Player] = {}
        for player in self.players.values():
            self.by_digest.setdefault(digest_of(player.card), player)
        self.jobs = Jobs()
        self.pacing = Pacing()
        self.drawing = threading.Lock()  # matplotlib's fonts are not thread-safe
        self.pictures = Line(4, "pictures")
        self.thumbs = Line(2, "small pictures")  # these come last: a third visitor's wait until others are drawn

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
