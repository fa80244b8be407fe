"""ZynAddSubFX's and Yoshimi's banks: additive, subtractive and pad synthesis by many hands, played by the ZynAddSubFX
plugin in dawdreamer.

The banks are free software (GPL-2 or later). What a program plays is not the program's: the licence of the banks is
named, and does not reach to notes played with them.
"""

import gzip
import hashlib
import re
import struct
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from gansynth_core.errors import AudioError, ToolError
from gansynth_core.training.data.engine import HELD_SECONDS, RELEASED_SECONDS, Key, Notes, Program, lengths

INSTALL = (
    "Install it with: sudo apt-get install zynaddsubfx-vst zynaddsubfx-data yoshimi-data, and pip install dawdreamer"
)
PLUGINS = (Path("/usr/lib/vst/ZynAddSubFX.so"), Path("/usr/lib/x86_64-linux-gnu/vst/ZynAddSubFX.so"))
BANKS = (Path("/usr/share/zynaddsubfx/banks"), Path("/usr/share/yoshimi/banks"))
UNPITCHED = ("drums", "arpeggios", "noises", "cormi_noise", "effects", "sfx")  # banks without notes at a key
BLOCK = 256  # samples that the host hands over at a time
SETTLED_SECONDS = 0.05  # after a program change, before the key
#: Words in the names of programs and banks -> what sort of instrument it is; the first that is found.
WORDS = {
    "bell": "bell glass chime glock celesta crystal music_box carillon vibra",
    "mallet": "marimba xylo mallet kalimba wood tom steel",
    "bass": "bass",
    "organ": "organ pipe hammond accordion church",
    "keys": "rhodes piano clav harpsi epiano wurli keys e_p",
    "pluck": "pluck harp guitar sitar koto pizz zither banjo dulcimer",
    "brass": "brass trumpet trombone horn tuba",
    "bowed": "violin cello viola bow fiddle",
    "strings": "string ensemble",
    "voice": "choir voice vox aah ooh vocal human",
    "blown": "flute reed wind sax clar oboe whistle ocarina pan blow",
    "pad": "pad ambient space sweep soft warm fantasy atmos",
    "lead": "lead saw square synth hard solo",
    "metal": "metal gong industrial noise",
}


class Zyn:
    """See above."""

    name = "zyn"
    notes_a_second = 6.0
    variation_names: tuple[str, ...] = ()
    variation_ranges: tuple[tuple[float, float], ...] = ()

    def __init__(self) -> None:
        plugin = next((path for path in PLUGINS if path.is_file()), None)
        if plugin is None or not any(bank.is_dir() for bank in BANKS):
            raise ToolError(f"ZynAddSubFX or its banks are missing. {INSTALL}")
        try:
            import dawdreamer
        except ImportError as cause:
            raise ToolError(f"ZynAddSubFX is played by the package dawdreamer, which is missing. {INSTALL}") from cause
        self._host, self._plugin = dawdreamer, plugin
        self._engine: Any = None
        self._rate, self._loaded = 0, ""
        self._head, self._before, self._after = b"", "", ""

    def programs(self, count: int, seed: int) -> list[Program]:
        found = list(_bank_files())
        chosen = np.random.default_rng(seed).permutation(len(found))[:count]
        programs = []
        for place in sorted(int(number) for number in chosen):
            path, digest = found[place]
            name = f"zyn_{plain(path.stem)}.{digest[:6]}"
            programs.append(
                Program(
                    "zyn",
                    name,
                    kind_of(plain(path.stem), plain(path.parent.name)),
                    "GPL-2.0-or-later (the program)",
                    {"path": str(path)},
                )
            )
        return programs

    def play(self, program: Program, keys: Sequence[Key], sample_rate: int) -> Notes:
        if self._engine is None or self._rate != sample_rate:
            self._open(sample_rate)
        if self._loaded != program.name:
            self._load(Path(program.settings["path"]), program.name.rpartition(".")[2])
            self._loaded = program.name
        _, total = lengths(sample_rate)
        lead = round(SETTLED_SECONDS * sample_rate)
        notes = np.zeros((len(keys), total), np.float32)
        for note, key in zip(notes, keys, strict=True):
            self._synth.clear_midi()
            self._synth.add_midi_note(key.pitch, key.velocity, SETTLED_SECONDS, HELD_SECONDS)
            self._engine.render(SETTLED_SECONDS + HELD_SECONDS + RELEASED_SECONDS)
            stereo = np.asarray(self._engine.get_audio(), np.float32)
            played = stereo.mean(axis=0)[lead : lead + total]
            note[: len(played)] = played
            self._synth.clear_midi()
            self._engine.render(1.0)  # what still rings would be in the next note
        return notes

    def _open(self, sample_rate: int) -> None:
        self._engine = self._host.RenderEngine(sample_rate, BLOCK)
        self._synth = self._engine.make_plugin_processor("synth", str(self._plugin))
        self._engine.load_graph([(self._synth, [])])
        self._rate, self._loaded = sample_rate, ""
        with tempfile.TemporaryDirectory() as folder:
            state = Path(folder) / "zyn.state"
            self._synth.save_state(str(state))
            whole = state.read_bytes()
        text = whole[HEAD_BYTES:].decode("latin1").rstrip("\x00")
        start, end = text.find("<INSTRUMENT>"), text.find("</INSTRUMENT>")
        if min(start, end) < 0:
            raise AudioError("this ZynAddSubFX keeps its state in another form")
        self._head = whole[:HEAD_BYTES]
        self._before, self._after = text[:start], text[end + len("</INSTRUMENT>") :]

    def _load(self, path: Path, digest: str) -> None:
        """Put a bank's program in the place of the first part's, in a state that the plugin wrote itself. digest: how
        the hash of what is in the file begins."""
        text = unpacked(path) if path.is_file() else ""
        if not _digest(text).startswith(digest):
            raise AudioError("its bank has changed since the audition")
        start, end = text.find("<INSTRUMENT>"), text.rfind("</INSTRUMENT>")
        if min(start, end) < 0:
            raise AudioError("the bank's file holds no program")
        body = (self._before + text[start : end + len("</INSTRUMENT>")] + self._after).encode("latin1")
        head = self._head[:-4] + struct.pack(">I", len(body))  # a VST 2 chunk ends its head with its length
        with tempfile.TemporaryDirectory() as folder:
            state = Path(folder) / "zyn.state"
            state.write_bytes(head + body)
            self._synth.load_preset(str(state))


HEAD_BYTES = 160  # of a state as JUCE writes it for a VST 2 plugin, before the plugin's own bytes


def unpacked(path: Path) -> str:
    """The XML in a bank's file, which may be packed by gzip."""
    data = path.read_bytes()
    return (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).decode("latin1")


def plain(text: str) -> str:
    """A program's file name as a plain name: `0033-Space Choir 2` is `space_choir_2`."""
    return re.sub(r"[\W_]+", "_", re.sub(r"^\d+-", "", text).lower()).strip("_") or "program"


def _bank_files() -> Iterator[tuple[Path, str]]:
    """The programs of all banks with notes, each once, with a hash of what is in it."""
    met = set()
    for bank in BANKS:
        for path in sorted(bank.glob("*/*.xiz")):
            if path.parent.name.lower().replace(" ", "_") in UNPITCHED:
                continue
            digest = _digest(unpacked(path))
            if digest not in met:
                met.add(digest)
                yield path, digest


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode("latin1")).hexdigest()


def kind_of(*texts: str) -> str:
    """What sort of instrument plain names speak of, the most telling first."""
    for text in texts:
        for kind, words in WORDS.items():
            if any(word in text for word in words.split()):
                return kind
    return "pad"
