"""A small host for DSSI plugins, by ctypes: an audio library that plays keys. The structs are those of ladspa.h and
dssi.h (version 1), and of ALSA's seq_event.h."""

import ctypes
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from gansynth_core.errors import ToolError

Samples = npt.NDArray[np.float32]

BLOCK = 64  # samples that a plugin makes at a time
AUDIO, OUTPUT = 8, 2  # bits of a port's kind
NOTE_ON, NOTE_OFF = 6, 7
#: Where a port's default lies (LADSPA_HINT_DEFAULT_MASK): as shares of its lowest and highest value, or a number.
_BETWEEN = {0x40: (1.0, 0.0), 0x80: (0.75, 0.25), 0xC0: (0.5, 0.5), 0x100: (0.25, 0.75), 0x140: (0.0, 1.0)}
_NUMBERS = {0x200: 0.0, 0x240: 1.0, 0x280: 100.0, 0x2C0: 440.0}
_DEFAULT_MASK = 0x3C0

_Number = ctypes.c_ulong


class _Hint(ctypes.Structure):
    _fields_ = (("kind", ctypes.c_int), ("low", ctypes.c_float), ("high", ctypes.c_float))


class _Ladspa(ctypes.Structure):
    pass


_Ladspa._fields_ = (  # of itself: `instantiate` takes one
    ("id", _Number),
    ("label", ctypes.c_char_p),
    ("properties", ctypes.c_int),
    ("name", ctypes.c_char_p),
    ("maker", ctypes.c_char_p),
    ("copyright", ctypes.c_char_p),
    ("port_count", _Number),
    ("port_kinds", ctypes.POINTER(ctypes.c_int)),
    ("port_names", ctypes.POINTER(ctypes.c_char_p)),
    ("port_hints", ctypes.POINTER(_Hint)),
    ("data", ctypes.c_void_p),
    ("instantiate", ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.POINTER(_Ladspa), _Number)),
    ("connect_port", ctypes.CFUNCTYPE(None, ctypes.c_void_p, _Number, ctypes.c_void_p)),
    ("activate", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
    ("run", ctypes.c_void_p),
    ("run_adding", ctypes.c_void_p),
    ("set_gain", ctypes.c_void_p),
    ("deactivate", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
    ("cleanup", ctypes.CFUNCTYPE(None, ctypes.c_void_p)),
)


class _Listed(ctypes.Structure):
    _fields_ = (("bank", _Number), ("number", _Number), ("name", ctypes.c_char_p))


class _Event(ctypes.Structure):
    """snd_seq_event_t with a note in it."""

    _pack_ = 1
    _fields_ = (
        ("kind", ctypes.c_ubyte),
        ("flags", ctypes.c_ubyte),
        ("tag", ctypes.c_ubyte),
        ("queue", ctypes.c_ubyte),
        ("tick", ctypes.c_uint),
        ("fraction", ctypes.c_uint),
        ("source", ctypes.c_ushort),
        ("destination", ctypes.c_ushort),
        ("channel", ctypes.c_ubyte),
        ("note", ctypes.c_ubyte),
        ("velocity", ctypes.c_ubyte),
        ("off_velocity", ctypes.c_ubyte),
        ("duration", ctypes.c_uint),
        ("rest", ctypes.c_uint),
    )


class _Dssi(ctypes.Structure):
    _fields_ = (
        ("version", ctypes.c_int),
        ("ladspa", ctypes.POINTER(_Ladspa)),
        ("configure", ctypes.CFUNCTYPE(ctypes.c_void_p, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_char_p)),
        ("get_program", ctypes.CFUNCTYPE(ctypes.POINTER(_Listed), ctypes.c_void_p, _Number)),
        ("select_program", ctypes.CFUNCTYPE(None, ctypes.c_void_p, _Number, _Number)),
        ("get_controller", ctypes.c_void_p),
        ("run_synth", ctypes.CFUNCTYPE(None, ctypes.c_void_p, _Number, ctypes.POINTER(_Event), _Number)),
    )


@dataclass(frozen=True)
class Listed:
    """A program that a plugin has loaded."""

    bank: int
    number: int
    name: str


class Plugin:
    """A running plugin; `ports` holds its controls by name, arrays of one number that may be written."""

    def __init__(self, path: Path, sample_rate: int) -> None:
        """Raises ToolError if the library is no DSSI plugin."""
        library = ctypes.CDLL(str(path))
        try:
            find = library.dssi_descriptor
        except AttributeError as cause:
            raise ToolError(f"'{path}' is not a DSSI plugin.") from cause
        find.restype, find.argtypes = ctypes.POINTER(_Dssi), [_Number]
        self._dssi = find(0).contents
        self._ladspa = self._dssi.ladspa.contents
        self._handle: Any = self._ladspa.instantiate(self._dssi.ladspa, sample_rate)
        self._outputs: list[Samples] = []
        self.ports: dict[str, Samples] = {}
        for number in range(self._ladspa.port_count):
            kind = self._ladspa.port_kinds[number]
            array = np.zeros(BLOCK if kind & AUDIO else 1, np.float32)
            if not kind & AUDIO:
                array[0] = _default(self._ladspa.port_hints[number])
            self.ports[self._ladspa.port_names[number].decode("latin1")] = array
            self._ladspa.connect_port(self._handle, number, array.ctypes.data)
            if kind & AUDIO and kind & OUTPUT:
                self._outputs.append(array)
        if self._ladspa.activate:
            self._ladspa.activate(self._handle)

    def load(self, bank: Path) -> None:
        """Load a file of programs."""
        self._dssi.configure(self._handle, b"load", str(bank).encode())

    def programs(self) -> list[Listed]:
        """The programs that are loaded."""
        found: list[Listed] = []
        while listed := self._dssi.get_program(self._handle, len(found)):
            entry = listed.contents
            found.append(Listed(entry.bank, entry.number, entry.name.decode("latin1").strip()))
        return found

    def select(self, bank: int, number: int) -> None:
        """Play that program from now on."""
        self._dssi.select_program(self._handle, bank, number)

    def play(self, pitch: int, velocity: int, held: int, total: int) -> Samples:
        """A key held for `held` samples: mono [total]."""
        events = (_Event * 1)()
        blocks: list[Samples] = []
        for start in range(0, total, BLOCK):
            count = 0
            if start == 0:
                events[0], count = _Event(kind=NOTE_ON, note=pitch, velocity=velocity), 1
            elif start <= held < start + BLOCK:
                events[0], count = _Event(kind=NOTE_OFF, note=pitch, velocity=64), 1
            self._dssi.run_synth(self._handle, BLOCK, events, count)
            blocks.append(np.mean(self._outputs, axis=0, dtype=np.float32))
        return np.concatenate(blocks)[:total]

    def rest(self, samples: int) -> None:
        """Let what still rings fade."""
        events = (_Event * 1)()
        for _ in range(0, samples, BLOCK):
            self._dssi.run_synth(self._handle, BLOCK, events, 0)


def _default(hint: Any) -> float:
    found = hint.kind & _DEFAULT_MASK
    if found in _BETWEEN:
        low, high = _BETWEEN[found]
        return float(low * hint.low + high * hint.high)
    return _NUMBERS.get(found, 0.0)


def first_file(paths: Sequence[Path]) -> Path | None:
    """The first of `paths` that is a file."""
    return next((path for path in paths if path.is_file()), None)
