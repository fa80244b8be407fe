"""amsynth's banks: two oscillators, a filter and distortion, some three thousand programs.

Program and banks are free software (GPL-2 or later); what a program plays is not the program's. Its reverb is left off:
a room is not part of an instrument.
"""

import re
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np

from gansynth_core.errors import ToolError
from gansynth_core.training.data.dssi import Plugin, first_file
from gansynth_core.training.data.engine import Key, Notes, Program, lengths
from gansynth_core.training.data.zyn import kind_of, plain

INSTALL = "Install it with: sudo apt-get install amsynth"
PLUGINS = (Path("/usr/lib/dssi/amsynth_dssi.so"), Path("/usr/lib/x86_64-linux-gnu/dssi/amsynth_dssi.so"))
BANKS = Path("/usr/share/amsynth/banks")
EMPTY = ("new preset", "unused", "init", "empty")
LEAST = 20  # parameters that a program has, or it is none
FADE_SECONDS = 0.8  # between two keys


class Amsynth:
    """See above."""

    name = "amsynth"
    notes_a_second = 4.0
    variation_names: tuple[str, ...] = ()
    variation_ranges: tuple[tuple[float, float], ...] = ()

    def __init__(self) -> None:
        path = first_file(PLUGINS)
        if path is None or not BANKS.is_dir():
            raise ToolError(f"amsynth or its banks are missing. {INSTALL}")
        self._path = path
        self._plugin: Plugin | None = None
        self._rate = 0

    def programs(self, count: int, seed: int) -> list[Program]:
        found = list(bank_programs(BANKS))
        chosen = np.random.default_rng(seed).permutation(len(found))[:count]
        return [found[place] for place in sorted(int(number) for number in chosen)]

    def play(self, program: Program, keys: Sequence[Key], sample_rate: int) -> Notes:
        if self._plugin is None or self._rate != sample_rate:
            self._plugin, self._rate = Plugin(self._path, sample_rate), sample_rate
        for name, value in (program.settings | {"reverb_wet": 0.0}).items():
            if name in self._plugin.ports:
                self._plugin.ports[name][0] = value
        held, total = lengths(sample_rate)
        notes = np.zeros((len(keys), total), np.float32)
        for note, key in zip(notes, keys, strict=True):
            note[:] = self._plugin.play(key.pitch, key.velocity, held, total)
            self._plugin.rest(round(FADE_SECONDS * sample_rate))
        return notes


def bank_programs(folder: Path) -> Iterator[Program]:
    """The programs in a folder of amsynth's banks, which are text: each once, whatever it is called."""
    met = set()
    for path in sorted(folder.iterdir()):
        for number, part in enumerate(path.read_text(encoding="utf-8", errors="replace").split("<preset>")[1:]):
            name = re.match(r" <name> (.*)", part)
            values = re.findall(r"<parameter> (\S+) (\S+)", part)
            settings = {key: float(value) for key, value in values if re.fullmatch(r"-?\d+(\.\d*)?(e-?\d+)?", value)}
            known = tuple(settings.items())
            if name is None or name[1].strip().lower() in EMPTY or len(settings) < LEAST or known in met:
                continue
            met.add(known)
            title = f"am_{plain(name[1])}.{plain(path.name)}_{number + 1}"
            licence = "GPL-2.0-or-later (the program)"
            yield Program("amsynth", title, kind_of(plain(name[1])), licence, settings)
