"""The page's pack basket: how large its pack would be, and the job that makes it."""

import threading
import time
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, cast

from gansynth_core import (
    TWO_QUIET_CORES,
    Envelope,
    GanSynthError,
    InputError,
    ModelCard,
    Pace,
    PackItem,
    PackPlan,
    Synth,
    Wavetable,
    measure_pace,
    write_pack,
)
from webapp.fair import Visitor
from webapp.jobs import Done, Progress, Work
from webapp.player import STRANGER, Player
from webapp.sound_document import parse_patch, parse_sound, sentence_of, timbre_of, title_of_sound

MOST_NOTES, MOST_BYTES = 2_000, 1_500_000_000  # of a pack made on the page; the command line can make larger ones
MOST_SOUNDS = 2_000
BODY_LIMIT = 12_000_000  # bytes: as many sounds as a basket holds, each known by its numbers
NAME_LIMIT = 120
PACE_SECONDS = 60.0  # how old a measured pace may be


class Pacing:
    """The pace of this machine, measured again when it is old: what else it does changes. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._found: dict[str, tuple[float, Pace]] = {}  # model -> when, what

    def now(self, player: Player) -> Pace:
        """The pace of `player`'s model, at most a minute old; that of two quiet cores until the model is loaded."""
        model = player.card.id
        if player.is_ready() and self._lock.acquire(
            blocking=False
        ):  # while one measures, the others take what is known
            try:
                if time.monotonic() - self._found.get(model, (-PACE_SECONDS, None))[0] >= PACE_SECONDS:
                    self._found[model] = time.monotonic(), measure_pace(cast(Synth, player.exporter(STRANGER)))
            except (GanSynthError, OSError):
                pass  # an estimate is no reason to fail; the export says what is wrong
            finally:
                self._lock.release()
        return self._found.get(model, (0.0, TWO_QUIET_CORES))[1]


def estimate(sounds: Any, options: Any, card: ModelCard, pace: Pace = TWO_QUIET_CORES) -> dict[str, Any]:
    """What a pack of `sounds` (how many) with `options` (PackPlan's by name, `pitches` as in a plan, and `wavetable`:
    whether it holds the morph from A to B) would come to: notes, bytes, seconds; or, as `refused`, why it cannot
    be made. pace: how fast the machine is now. Raises InputError for what the page never sends."""
    if isinstance(sounds, bool) or not isinstance(sounds, int) or not 0 <= sounds <= MOST_SOUNDS:
        raise InputError(f"A basket holds up to {MOST_SOUNDS:,} sounds.")
    _check_options(options)
    try:
        plan, wavetable = _outline(options, card)
        one = plan.items[0]
        tables = (Wavetable("", one.timbre, one.timbre),) if wavetable else ()
        if not sounds and not tables:
            raise InputError("Put a sound into the basket first.")
        return vars(_checked(replace(plan, items=(one,) * sounds, wavetables=tables), card).estimate(card, pace))
    except InputError as error:
        return {"refused": sentence_of(error)}


def parse_plan(sounds: Any, ends: Any, options: Any, card: ModelCard) -> PackPlan:
    """The plan that the page sends. sounds: [{"sound": document, "name": text, "patch": as parse_patch or absent}].
    ends: the two sounds of the wavetable, where `options` ask for one. Raises InputError."""
    _check_options(options)
    plan, wavetable = _outline(options, card)
    if not isinstance(sounds, list) or len(sounds) > MOST_SOUNDS:
        raise InputError(f"A basket holds up to {MOST_SOUNDS:,} sounds.")
    items = tuple(_item(entry, card) for entry in sounds)
    tables: tuple[Wavetable, ...] = ()
    if wavetable:
        if not isinstance(ends, list) or len(ends) != 2:
            raise InputError("A wavetable needs two sounds, its start and its end.")
        start, end = (parse_sound(sound, card) for sound in ends)
        name = f"{title_of_sound(start, card)} to {title_of_sound(end, card)}"
        tables = (Wavetable(name, timbre_of(start, card), timbre_of(end, card)),)
    if not items and not tables:
        raise InputError("Put a sound into the basket first.")
    return _checked(replace(plan, items=items, wavetables=tables), card)


def pack_work(player: Player, plan: PackPlan, visitor: Visitor) -> Work:
    """The job that makes `plan` a zip named after it, for `visitor`."""

    def work(folder: Path, progress: Progress) -> Done:
        synth = cast(Synth, player.exporter(visitor))  # renders as one does
        report = write_pack(plan, synth, folder / f"{plan.file_name}.zip", progress=progress)
        return Done(
            report.path,
            {
                "name": report.path.name,
                "bytes": report.bytes,
                "notes": report.notes,
                "leftOut": report.left_out,
                "kept": report.kept,
                "findings": report.findings,
            },
        )

    return work


def _check_options(options: Any) -> None:
    if not isinstance(options, Mapping) or {"format", "model", "items", "wavetables"} & set(options):
        raise InputError("The options of a pack must be given by name.")


def _outline(options: Mapping[str, Any], card: ModelCard) -> tuple[PackPlan, bool]:
    """A plan with the options and one sound that stands for those of the basket; whether a wavetable is asked for."""
    wavetable = options.get("wavetable", False)
    if not isinstance(wavetable, bool):
        raise InputError("'wavetable' must be true or false.")
    known = {name: value for name, value in options.items() if name != "wavetable"}
    return PackPlan.from_json(known | {"format": 1, "items": [{"seed": 0}]}, card), wavetable


def _item(entry: Any, card: ModelCard) -> PackItem:
    if not isinstance(entry, Mapping):
        raise InputError("Each sound in the basket must be an object with a sound and a name.")
    sound = parse_sound(entry.get("sound"), card)
    name = entry.get("name")
    if not isinstance(name, str) or not name.strip():
        name = title_of_sound(sound, card)
    envelope: Envelope | None = None
    if entry.get("patch") is not None:
        envelope, _ = parse_patch(entry["patch"])  # its gain does not count: a pack has a level of its own
    return PackItem(name[:NAME_LIMIT], timbre_of(sound, card), envelope)


def _checked(plan: PackPlan, card: ModelCard) -> PackPlan:
    plan.check(card)
    found = plan.estimate(card)
    if found.notes > MOST_NOTES or found.bytes > MOST_BYTES:
        raise InputError(
            f"This pack is too large for the page ({found}): up to {MOST_NOTES:,} notes and {MOST_BYTES / 1e9:g} GB. "
            "Choose fewer keys, layers or sounds."
        )
    return plan
