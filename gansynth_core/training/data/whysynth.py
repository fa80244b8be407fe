"""WhySynth's programs: wavetables, noise and filters by Sean Bolton and others.

Program and programs are free software (GPL-2 or later); what a program plays is not the program's.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np

from gansynth_core.errors import ToolError
from gansynth_core.training.data.dssi import Plugin, first_file
from gansynth_core.training.data.engine import Key, Notes, Program, lengths
from gansynth_core.training.data.zyn import kind_of, plain

INSTALL = "Install it with: sudo apt-get install whysynth"
PLUGINS = (Path("/usr/lib/dssi/whysynth.so"), Path("/usr/lib/x86_64-linux-gnu/dssi/whysynth.so"))
BANKS = Path("/usr/share/whysynth")
LISTING_RATE = 44_100  # Hz; nothing is played at it
FADE_SECONDS = 0.6  # between two keys


class WhySynth:
    """See above."""

    name = "whysynth"
    notes_a_second = 12.0
    variation_names: tuple[str, ...] = ()
    variation_ranges: tuple[tuple[float, float], ...] = ()

    def __init__(self) -> None:
        path = first_file(PLUGINS)
        if path is None:
            raise ToolError(f"WhySynth is missing. {INSTALL}")
        self._path = path
        self._plugin: Plugin | None = None
        self._rate, self._bank = 0, ""

    def programs(self, count: int, seed: int) -> list[Program]:
        plugin = Plugin(self._path, LISTING_RATE)
        found: dict[str, Program] = {}
        for bank in sorted(BANKS.glob("*.WhySynth")):
            plugin.load(bank)
            for listed in plugin.programs():
                name = f"why_{plain(listed.name)}.{plain(bank.stem)}_{listed.bank}_{listed.number}"
                settings = {"file": str(bank), "bank": listed.bank, "number": listed.number}
                licence = "GPL-2.0-or-later (the program)"
                found.setdefault(name, Program("whysynth", name, kind_of(plain(listed.name)), licence, settings))
        programs = list(found.values())
        chosen = np.random.default_rng(seed).permutation(len(programs))[:count]
        return [programs[place] for place in sorted(int(number) for number in chosen)]

    def play(self, program: Program, keys: Sequence[Key], sample_rate: int) -> Notes:
        if self._plugin is None or self._rate != sample_rate:
            self._plugin, self._rate, self._bank = Plugin(self._path, sample_rate), sample_rate, ""
        if self._bank != program.settings["file"]:
            self._bank = program.settings["file"]
            self._plugin.load(Path(self._bank))
        self._plugin.select(program.settings["bank"], program.settings["number"])
        held, total = lengths(sample_rate)
        notes = np.zeros((len(keys), total), np.float32)
        for note, key in zip(notes, keys, strict=True):
            note[:] = self._plugin.play(key.pitch, key.velocity, held, total)
            self._plugin.rest(round(FADE_SECONDS * sample_rate))
        return notes
