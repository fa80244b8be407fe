"""Whose a pack is and what may be done with it: what its files say of it, and its LICENSE.txt."""

from dataclasses import dataclass, replace

from gansynth_core.cards import ModelCard
from gansynth_core.errors import InputError
from gansynth_core.packs.checks import shown
from gansynth_core.packs.naming import SOFTWARE

LONGEST = 255  # characters of each, as SoundFont's lists hold no more
DEFAULT_COPYRIGHT = "CC0 1.0 (public domain): royalty-free, to use and to sell"
GIVEN_AWAY = """The sounds of this pack are royalty-free. Use them in any music, film, game or product, change them,
share them, and sell what you make of them, the pack itself included. You need not ask, and you need not name anybody.

In the words of the law they are in the public domain, under CC0 1.0:
https://creativecommons.org/publicdomain/zero/1.0/"""


@dataclass(frozen=True)
class Rights:
    """author, copyright, comment: a line of text each, as the maker of the pack gave them; "" where they did not.
    Raises InputError."""

    author: str = ""
    copyright: str = ""
    comment: str = ""

    def __post_init__(self) -> None:
        for name in ("author", "copyright", "comment"):
            text = getattr(self, name)
            if not isinstance(text, str) or len(text) > LONGEST or any(ord(letter) < 32 for letter in text):
                raise InputError(
                    f"The {name} of a pack must be a line of up to {LONGEST} characters, not {shown(text)}."
                )

    def of(self, card: ModelCard) -> "Rights":
        """These for sounds of the model of `card`: without a copyright of the maker's they are given away, if the
        model has a licence that lets us say so."""
        return self if self.copyright or not card.licence else replace(self, copyright=DEFAULT_COPYRIGHT)

    def lines(self) -> list[str]:
        """What a text file says of them, a line each."""
        named = (("Author", self.author), ("Copyright", self.copyright), ("Comment", self.comment))
        return [f"{name}: {text}" for name, text in named if text]

    def info(self) -> dict[str, str]:
        """The same by the codes of RIFF's INFO lists, which WAV and SoundFont files have."""
        return {"IART": self.author, "ICOP": self.copyright, "ICMT": self.comment}


def licence(card: ModelCard, rights: Rights) -> str:
    """The text of LICENSE.txt: what may be done with the sounds, and where they come from. rights: those `of` the
    card."""
    parts = [f"Author: {rights.author}"] if rights.author else []
    if rights.copyright == DEFAULT_COPYRIGHT:
        parts.append(GIVEN_AWAY)
    else:
        parts.append(rights.copyright or "Nobody has said what may be done with these sounds: ask who made the pack.")
    parts += [rights.comment] if rights.comment else []
    parts.append(
        f"The sounds are not recordings: the model {card.title} ({card.id}) of {SOFTWARE} made every one of them.\n"
        f"Licence of the model: {card.licence or 'its card states none.'}\n"
        f"What it learned from, and that material's licence: {card.provenance or 'its card does not say.'}"
    )
    return "\n\n".join(parts) + "\n"
