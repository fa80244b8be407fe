"""Sounds close to a sound: the takes of a round robin, and replacements for rejects."""

import json
import zlib

from gansynth_core.cards import ModelCard
from gansynth_core.latent import Timbre, morph, sample

JITTER = 0.1  # of the way to an unrelated sound of the same instruments: a mean difference of 0.2 to 0.8 dB
ATTEMPTS = 4  # per reject; the first goes a quarter of the way to an unrelated sound, the last all of it


def take(timbre: Timbre, card: ModelCard, turn: int) -> Timbre:
    """Take `turn` (from 0, which is the sound itself) of `timbre`: the same sound played once more."""
    return timbre if turn == 0 else morph(timbre, _unrelated(timbre, card, f"take {turn}"), JITTER)


def replacement(timbre: Timbre, card: ModelCard, attempt: int) -> Timbre:
    """The sound to try in place of `timbre` at `attempt` 1 .. 4: always the same, further away each time."""
    return morph(timbre, _unrelated(timbre, card, f"attempt {attempt}"), attempt / ATTEMPTS)


def _unrelated(timbre: Timbre, card: ModelCard, what: str) -> Timbre:
    seed = zlib.crc32(json.dumps([timbre.to_json(), what]).encode())
    return sample(card, 1, seed, dict(timbre.instruments) or None)[0]
