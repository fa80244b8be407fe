"""Names that every file system, sampler and marketplace accepts.

Two profiles. `sampler`: the zero-padded MIDI number last, so that files sort by pitch and samplers map them in order.
`marketplace`: prefix first, key last; only letters otherwise, as shops read a number as a tempo; no brand names, which
shops reject.
"""

import re
import unicodedata
from collections.abc import Iterable

from gansynth_core.pitches import KEY_NAMES

SOFTWARE = "GANSynth Studio"
PROFILES = ("sampler", "marketplace")
LONGEST = 48  # characters of a sound's name: paths stay far below Windows' 260
PREFIX = "GSY"
FALLBACK = "sound"
_RESERVED = re.compile(r"con|prn|aux|nul|(com|lpt)\d", re.IGNORECASE)  # Windows devices, whatever their ending
_BRANDS = {
    "rhodes": "electric_piano",
    "wurlitzer": "reed_piano",
    "hammond": "drawbar_organ",
    "leslie": "rotary",
    "moog": "ladder_synth",
    "mellotron": "tape_keys",
    "steinway": "grand_piano",
    "stradivarius": "violin",
    "stratocaster": "electric_guitar",
    "telecaster": "electric_guitar",
}
_DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def safe_name(text: str, profile: str = "sampler") -> str:
    """`text` as a name of 1-48 of the characters A-Z a-z 0-9 _ -, without digits and brands in the profile
    `marketplace`.

    Accents are dropped, anything else becomes an underscore; if nothing is left, the name is `sound`.
    """
    plain = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    if profile == "marketplace":
        for brand, plainly in _BRANDS.items():
            plain = re.sub(brand, plainly, plain, flags=re.IGNORECASE)
        plain = re.sub(r"\d", lambda digit: f"_{_DIGITS[int(digit[0])]}_", plain)
    name = re.sub(r"[^A-Za-z0-9-]+", "_", plain).strip("_-")[:LONGEST].rstrip("_-") or FALLBACK
    return f"{name}_{FALLBACK}" if _RESERVED.fullmatch(name) else name


def unique_names(texts: Iterable[str], profile: str = "sampler") -> list[str]:
    """A safe name for each of `texts`, no two alike, even ignoring case."""
    names: list[str] = []
    taken: dict[str, int] = {}  # name in lower case -> how often it was asked for
    for text in texts:
        name = base = safe_name(text, profile)
        while name.lower() in taken:
            taken[base.lower()] += 1
            number = taken[base.lower()]
            name = f"{base}_{letters(number - 1) if profile == 'marketplace' else number}"
        taken[name.lower()] = 1
        names.append(name)
    return names


def letters(number: int) -> str:
    """0 -> a, 25 -> z, 26 -> aa: counting without digits."""
    text = ""
    number += 1
    while number:
        number, letter = divmod(number - 1, 26)
        text = chr(ord("a") + letter) + text
    return text


def note_name(
    sound: str, pitch: int, profile: str, several: bool, layer: int | None = None, turn: int | None = None
) -> str:
    """File name of a note, without its extension: `sound_060`, or `GSY_sound_C`.

    several: whether the sound has more notes than this. A marketplace name then has its octave (C4 is 60) after the
    key, the one number it needs. layer, turn: velocity layer and take, counted from 1; None if there is only one. The
    key stays last: `sound_v2_r1_060`, `GSY_sound_vb_ra_C4`.
    """
    marks = [("v", layer), ("r", turn)]
    shop = profile == "marketplace"
    middle = "".join(f"_{mark}{letters(n - 1) if shop else n}" for mark, n in marks if n is not None)
    if not shop:
        return f"{sound}{middle}_{pitch:03d}"
    octave = str(pitch // 12 - 1) if several else ""
    return f"{PREFIX}_{sound}{middle}_{KEY_NAMES[pitch % 12]}{octave}"
