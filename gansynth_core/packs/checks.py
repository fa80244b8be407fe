"""Checks of values that people write into plans; each raises InputError in one sentence."""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, TypeGuard

from gansynth_core.errors import InputError, nearest


def whole(value: object, what: str, low: int, high: int) -> int:
    """`value`, if it is a whole number from `low` to `high`."""
    if isinstance(value, bool) or not isinstance(value, int) or not low <= value <= high:
        raise InputError(f"{what} must be a whole number from {low} to {high}, not {shown(value)}.")
    return value


def choice(value: object, what: str, choices: Iterable[str]) -> str:
    """`value`, if it is one of `choices`."""
    choices = list(choices)
    if not isinstance(value, str) or value not in choices:
        raise InputError(f"{what} must be one of {', '.join(choices)}, not {shown(value)}.")
    return value


def truth(value: object, what: str) -> None:
    """Refuse what is not true or false."""
    if not isinstance(value, bool):
        raise InputError(f"{what} must be true or false, not {shown(value)}.")


def is_number(value: object) -> TypeGuard[int | float]:
    """Whether `value` is a number; true and false are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool)


def only(document: Mapping[Any, object], known: Sequence[str], what: str) -> None:
    """Refuse a `document` with keys that are not `known`."""
    for name in document:
        if name not in known:
            raise InputError(f"{what} has no '{name}'.{nearest(str(name), known)}")


def shown(value: object) -> str:
    """`value` for a sentence, shortened."""
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
