"""FM: six operators as in a DX7, with programs of our own, drawn at random by archetype.

An archetype is how a sort of sound is built: which ratios its modulators may have, how its envelopes run, what answers
to velocity. Its programs are as many as one likes. dexed-py (GPL-3) plays them; the settings are ours.
"""

import dataclasses
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from gansynth_core.errors import ToolError
from gansynth_core.training.data.engine import Key, Notes, Program, lengths

INSTALL = "Install it with: pip install dexed-py"
PAIRS, STACKS, ADDITIVE, FAN = 4, 1, 31, 21  # algorithms: three pairs; a pair and a stack of four; six carriers; a fan
CARRIERS = {PAIRS: (0, 2, 4), STACKS: (0, 2), ADDITIVE: (0, 1, 2, 3, 4, 5), FAN: (0, 2, 3, 4)}
CENTRED = 7  # detune

Random = np.random.Generator
Settings = dict[str, Any]


class Fm:
    """See above."""

    name = "fm"
    notes_a_second = 30.0
    variation_names = ("modulation", "speed")  # levels of the modulators, rates of all envelopes; steps of 0 to 99
    variation_ranges = ((-12.0, 8.0), (-10.0, 10.0))

    def __init__(self) -> None:
        try:
            import dexed
        except ImportError as cause:
            raise ToolError(f"FM sounds need the package dexed-py, which is missing. {INSTALL}") from cause
        self._dexed, self._synth, self._rate = dexed, None, 0

    def programs(self, count: int, seed: int) -> list[Program]:
        """Archetypes in turns; number n depends on nothing but n and the seed."""
        found = []
        for number in range(count):
            name, (kind, draw) = list(ARCHETYPES.items())[number % len(ARCHETYPES)]
            settings = draw(np.random.default_rng((seed, number)))
            found.append(Program("fm", f"fm_{name}.{number // len(ARCHETYPES) + 1}", kind, "Apache-2.0", settings))
        return found

    def play(self, program: Program, keys: Sequence[Key], sample_rate: int) -> Notes:
        if self._synth is None or self._rate != sample_rate:
            self._synth, self._rate = self._dexed.DexedSynth(sample_rate), sample_rate
        synth: Any = self._synth
        held, total = lengths(sample_rate)
        notes = np.zeros((len(keys), total), np.float32)
        for note, key in zip(notes, keys, strict=True):
            synth.load_patch(self._patch(varied(program.settings, *(key.variation or (0.0, 0.0)))))
            played = synth.render(key.pitch, key.velocity, held / sample_rate, total / sample_rate)
            played = np.asarray(played, np.float32).reshape(-1)[:total]
            note[: len(played)] = played
        return notes

    def _patch(self, settings: Settings) -> Any:
        patch = self._dexed.Patch("OURS")
        patch.algorithm, patch.feedback = settings["algorithm"], settings["feedback"]
        patch.pitch_mod_sensitivity = settings["swing"]
        for name in ("speed", "delay", "pitch_mod_depth", "amp_mod_depth"):
            setattr(patch.lfo, name, settings["lfo"][name])
        for number, values in enumerate(settings["operators"]):
            operator = patch.op[number]
            operator.envelope.rates, operator.envelope.levels = list(values["rates"]), list(values["levels"])
            for name in ("output_level", "frequency_coarse", "frequency_fine", "detune", "velocity_sensitivity"):
                setattr(operator, name, values[name])
            operator.rate_scaling, operator.amp_mod_sensitivity = values["rate_scaling"], values["amp_mod_sensitivity"]
            operator.breakpoint, operator.right_depth = 39, values["right_depth"]
        return patch


def varied(settings: Settings, modulation: float, speed: float) -> Settings:
    """The settings with the modulators' levels and all rates moved by so many steps of 0 to 99."""
    carriers = CARRIERS[settings["algorithm"]]
    operators = []
    for number, values in enumerate(settings["operators"]):
        level = values["output_level"] + (0 if number in carriers else round(modulation))
        rates = [values["rates"][0], *(_step(rate + speed) for rate in values["rates"][1:])]
        operators.append(values | {"output_level": _step(level) if values["output_level"] else 0, "rates": rates})
    return settings | {"operators": operators}


def _step(value: float) -> int:
    return int(min(99, max(0, round(value))))


# --- archetypes ---------------------------------------------------------------------------------------------------


@dataclasses.dataclass(frozen=True)
class Shape:
    """Ranges of an envelope: its four rates (0 slow, 99 at once) and its levels before the last, which is 0."""

    rates: tuple[tuple[int, int], ...]
    levels: tuple[tuple[int, int], ...]

    def draw(self, random: Random) -> Settings:
        rates, levels = ([_within(random, span) for span in spans] for spans in (self.rates, self.levels))
        return {"rates": rates, "levels": [*levels, 0]}


STRUCK = Shape(((94, 99), (30, 62), (22, 42), (42, 60)), ((99, 99), (70, 92), (0, 30)))
RINGING = Shape(((92, 99), (18, 40), (14, 28), (28, 42)), ((99, 99), (80, 95), (0, 20)))
TICK = Shape(((96, 99), (62, 85), (45, 70), (50, 70)), ((99, 99), (20, 60), (0, 0)))
HELD = Shape(((72, 96), (40, 75), (25, 60), (52, 70)), ((99, 99), (88, 98), (82, 97)))
SWELLING = Shape(((32, 48), (30, 48), (25, 45), (36, 48)), ((99, 99), (88, 98), (80, 96)))
BLOWN = Shape(((56, 72), (40, 62), (25, 50), (56, 70)), ((99, 99), (84, 94), (80, 92)))
PLUCKED = Shape(((97, 99), (42, 68), (24, 44), (48, 66)), ((99, 99), (60, 86), (0, 24)))
FIXED = Shape(((90, 99), (60, 99), (60, 99), (60, 80)), ((99, 99), (99, 99), (99, 99)))


def _within(random: Random, span: tuple[int, int]) -> int:
    return int(random.integers(span[0], span[1] + 1))


def operator(
    random: Random,
    ratio: float,
    level: tuple[int, int],
    shape: Shape,
    velocity: tuple[int, int] = (1, 3),
    spread: int = 1,
) -> Settings:
    """An operator at `ratio` of the key (0.5, or 1 and more), with a level and an answer to velocity within these
    ranges. spread: the most that it is detuned, of 7."""
    coarse = int(ratio) if ratio >= 1 else 0
    fine = round((ratio / (coarse or 0.5) - 1) * 100)
    return shape.draw(random) | {
        "output_level": _within(random, level),
        "frequency_coarse": coarse,
        "frequency_fine": fine,
        "detune": CENTRED + _within(random, (-spread, spread)),
        "velocity_sensitivity": _within(random, velocity),
        "rate_scaling": _within(random, (1, 4)) if shape in (STRUCK, RINGING, TICK, PLUCKED) else 0,
        "amp_mod_sensitivity": 0,
        "right_depth": 0 if level[0] >= 85 else _within(random, (8, 30)),  # high keys keep fewer partials
    }


def program(
    algorithm: int, operators: list[Settings], feedback: int, lfo: Settings | None = None, swing: int = 0
) -> Settings:
    """The settings of a whole program."""
    still = {"speed": 34, "delay": 0, "pitch_mod_depth": 0, "amp_mod_depth": 0}
    return {"algorithm": algorithm, "feedback": feedback, "lfo": lfo or still, "swing": swing, "operators": operators}


def vibrato(random: Random, depth: tuple[int, int]) -> Settings:
    """A slow swing of the pitch that sets in after a while."""
    speed, delay = _within(random, (30, 38)), _within(random, (10, 45))
    return {"speed": speed, "delay": delay, "pitch_mod_depth": _within(random, depth), "amp_mod_depth": 0}


def pairs(
    random: Random,
    ratios: Sequence[tuple[float, float]],
    index: tuple[int, int],
    carrier: Shape,
    modulator: Shape,
    velocity: tuple[int, int] = (2, 5),
    spread: int = 1,
) -> list[Settings]:
    """Three pairs of a carrier and its modulator, drawn out of `ratios`. index: the modulators' levels."""
    drawn = [ratios[0], *(ratios[int(place)] for place in random.integers(0, len(ratios), 2))]
    operators = []
    for number, (low, high) in enumerate(drawn):
        level = (94, 99) if number == 0 else (78, 96)
        operators += [
            operator(random, low, level, carrier, (1, 3), spread),
            operator(random, high, index, modulator, velocity, spread),
        ]
    return operators


def electric_piano(random: Random) -> Settings:
    ratios = ((1, 1), (1, 14), (1, 1), (1, 2), (1, 7))
    return program(PAIRS, pairs(random, ratios, (50, 78), STRUCK, STRUCK, (3, 6)), _within(random, (0, 6)))


def glass_bell(random: Random) -> Settings:
    ratios = ((1, 3.5), (1, 2.76), (2, 7), (1, 5.4), (3, 4.2), (1, 11), (4, 3.5))
    return program(PAIRS, pairs(random, ratios, (56, 82), RINGING, RINGING), 0)


def church_bell(random: Random) -> Settings:
    ratios = ((1, 1.41), (0.5, 1.41), (1, 2.4), (2, 3.8), (1, 5.2))
    return program(PAIRS, pairs(random, ratios, (58, 84), RINGING, RINGING), _within(random, (0, 4)))


def mallet(random: Random) -> Settings:
    ratios = ((1, 4), (1, 3), (1, 10), (1, 5), (4, 1), (3, 2))
    return program(PAIRS, pairs(random, ratios, (48, 78), STRUCK, TICK, (3, 6)), 0)


def kalimba(random: Random) -> Settings:
    ratios = ((1, 5), (1, 6.2), (1, 3), (1, 9), (2, 5.4))
    return program(PAIRS, pairs(random, ratios, (44, 74), PLUCKED, TICK, (2, 5)), _within(random, (0, 3)))


def harp(random: Random) -> Settings:
    ratios = ((1, 2), (1, 3), (2, 1), (1, 1), (1, 4))
    return program(PAIRS, pairs(random, ratios, (48, 74), PLUCKED, PLUCKED, (2, 5)), _within(random, (0, 7)))


def clav(random: Random) -> Settings:
    ratios = ((1, 3), (1, 5), (0.5, 4), (1, 8), (1, 2), (1, 1))
    return program(PAIRS, pairs(random, ratios, (66, 86), PLUCKED, STRUCK, (3, 6)), _within(random, (3, 7)))


def bass(random: Random) -> Settings:
    ratios = ((1, 1), (1, 0.5), (0.5, 1), (1, 2), (1, 3), (0.5, 5))
    return program(PAIRS, pairs(random, ratios, (62, 86), PLUCKED, STRUCK, (2, 5)), _within(random, (0, 7)))


def held_bass(random: Random) -> Settings:
    ratios = ((1, 1), (0.5, 1), (1, 2), (1, 0.5))
    return program(PAIRS, pairs(random, ratios, (58, 84), HELD, STRUCK, (2, 5), 2), _within(random, (2, 7)))


def brass(random: Random) -> Settings:
    ratios = ((1, 1), (1, 1), (1, 2), (0.5, 1))
    operators = pairs(random, ratios, (66, 82), BLOWN, BLOWN, (3, 6), 3)
    return program(PAIRS, operators, _within(random, (5, 7)), vibrato(random, (0, 8)), _within(random, (0, 2)))


def reed(random: Random) -> Settings:
    ratios = ((1, 2), (1, 2), (1, 4), (1, 3))
    operators = pairs(random, ratios, (58, 80), BLOWN, BLOWN, (2, 5))
    return program(PAIRS, operators, _within(random, (0, 5)), vibrato(random, (0, 14)), _within(random, (1, 3)))


def flute(random: Random) -> Settings:
    ratios = ((1, 1), (1, 2), (2, 1), (1, 3))
    operators = pairs(random, ratios, (30, 58), BLOWN, BLOWN, (1, 4))
    return program(PAIRS, operators, _within(random, (0, 7)), vibrato(random, (4, 16)), _within(random, (1, 3)))


def strings(random: Random) -> Settings:
    ratios = ((1, 1), (1, 2), (2, 1), (1, 1))
    operators = pairs(random, ratios, (60, 78), SWELLING, SWELLING, (1, 4), 6)
    return program(PAIRS, operators, _within(random, (4, 7)), vibrato(random, (2, 12)), _within(random, (1, 2)))


def detuned_pad(random: Random) -> Settings:
    ratios = ((1, 1), (1, 3), (0.5, 2), (2, 1), (1, 0.5), (1, 5))
    operators = pairs(random, ratios, (48, 74), SWELLING, SWELLING, (1, 3), 7)
    return program(PAIRS, operators, _within(random, (0, 6)))


def glass_pad(random: Random) -> Settings:
    ratios = ((1, 3.5), (1, 7), (2, 2.76), (1, 11), (1, 1))
    operators = pairs(random, ratios, (40, 66), SWELLING, SWELLING, (1, 4), 5)
    return program(PAIRS, operators, 0)


def vowel_pad(random: Random) -> Settings:
    """A fan: three carriers at the key under one modulator, and a formant high up that stays where it is in the
    spectrum's shape as the index swells."""
    formant = float(random.choice([3, 4, 5, 6, 8]))
    operators = [
        operator(random, 1, (92, 99), SWELLING, (1, 3), 4),
        operator(random, 1, (50, 70), SWELLING, (1, 3), 2),
        operator(random, 1, (88, 97), SWELLING, (1, 3), 5),
        operator(random, formant, (70, 86), SWELLING, (2, 4), 5),
        operator(random, formant + 1, (58, 80), SWELLING, (2, 4), 5),
        operator(random, 1, (46, 70), SWELLING, (1, 4), 2),
    ]
    return program(FAN, operators, _within(random, (0, 5)), vibrato(random, (4, 14)), _within(random, (1, 2)))


def organ(random: Random) -> Settings:
    ratios = random.permutation([0.5, 1, 1, 1.5, 2, 3, 4, 5, 6, 8])[:5]
    levels = [(90, 99), *[(60, 97)] * 5]
    operators = [
        operator(random, float(ratio), level, TICK if random.random() < 0.12 and place else FIXED, (0, 1), 2)
        for place, (ratio, level) in enumerate(zip([1.0, *ratios], levels, strict=True))
    ]
    return program(ADDITIVE, operators, _within(random, (0, 7)))


def lead(random: Random) -> Settings:
    operators = [
        operator(random, 1, (94, 99), HELD, (1, 3), 2),
        operator(random, float(random.choice([1, 2, 3])), (56, 82), HELD, (2, 5), 2),
        operator(random, 1, (88, 98), HELD, (1, 3), 3),
        operator(random, float(random.choice([1, 2, 3, 5])), (58, 82), HELD, (2, 5), 2),
        operator(random, float(random.choice([1, 1, 2])), (40, 72), HELD, (2, 5), 2),
        operator(random, float(random.choice([1, 0.5, 7])), (30, 66), HELD, (2, 5), 2),
    ]
    return program(STACKS, operators, _within(random, (2, 7)), vibrato(random, (0, 16)), _within(random, (0, 3)))


def struck_metal(random: Random) -> Settings:
    ratios = ((1, 1.41), (1, 3.14), (2, 2.24), (1, 6.9), (1, 4.7))
    return program(PAIRS, pairs(random, ratios, (70, 90), RINGING, STRUCK, (3, 6)), _within(random, (3, 7)))


#: Name -> what sort of instrument it is, and how to draw one.
ARCHETYPES: dict[str, tuple[str, Callable[[Random], Settings]]] = {
    "electric_piano": ("keys", electric_piano),
    "glass_bell": ("bell", glass_bell),
    "church_bell": ("bell", church_bell),
    "mallet": ("mallet", mallet),
    "kalimba": ("pluck", kalimba),
    "harp": ("pluck", harp),
    "clav": ("keys", clav),
    "bass": ("bass", bass),
    "held_bass": ("bass", held_bass),
    "brass": ("brass", brass),
    "reed": ("blown", reed),
    "flute": ("blown", flute),
    "strings": ("strings", strings),
    "detuned_pad": ("pad", detuned_pad),
    "glass_pad": ("pad", glass_pad),
    "vowel_pad": ("voice", vowel_pad),
    "organ": ("organ", organ),
    "lead": ("lead", lead),
    "struck_metal": ("metal", struck_metal),
}
