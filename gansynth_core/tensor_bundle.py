"""TensorFlow checkpoints ("tensor bundles") without TensorFlow.

A bundle is `NAME.index`, a table in LevelDB's format (doc/table_format.md there) whose values are protocol buffers
(tensorflow/core/protobuf/tensor_bundle.proto), and `NAME.data-00000-of-00001` and so on, the numbers themselves.
"""

import functools
import math
import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from gansynth_core.errors import ModelError

MAGIC = 0xDB4775248B80FB57
FOOTER = 48
INDEX_LIMIT = 16 << 20  # bytes; an index of 300 variables has 40 thousand
_TYPES: dict[int, np.dtype[np.float32 | np.int64]] = {1: np.dtype("<f4"), 9: np.dtype("<i8")}


@dataclass(frozen=True)
class Entry:
    """Where a tensor lies. code: TensorFlow's number for its type. offset, size: bytes in its shard."""

    code: int
    shape: tuple[int, ...]
    shard: int
    offset: int
    size: int
    checksum: int
    sliced: bool


class TensorBundle:
    """The tensors of one checkpoint.

    index: the bytes of the index. read: (file name's ending such as `.data-00000-of-00001`, offset, size) -> bytes,
    fewer where the file ends. Raises ModelError for an index that is damaged or of a kind that this cannot read.
    """

    def __init__(self, index: bytes, read: Callable[[str, int, int], bytes]) -> None:
        self._read = read
        try:
            values = _table(index)
            header = _fields(values.pop(b""))
            self.shards = _number(header, 1)
            if _number(header, 2):
                raise ModelError("The checkpoint's numbers are big-endian, which this version cannot read.")
            self.entries = {key.decode("utf-8"): _entry(value) for key, value in values.items()}
        except (IndexError, KeyError, ValueError, TypeError, struct.error) as cause:
            raise ModelError("The checkpoint's index is damaged.") from cause

    def tensor(self, name: str, shape: tuple[int, ...]) -> NDArray[np.float32 | np.int64]:
        """The tensor `name`, which must have this shape, as float32 or int64. Raises ModelError if it has another, or
        its data are missing, cut short or damaged."""
        if name not in self.entries:
            raise ModelError(f"The checkpoint lacks the variable '{name}'.")
        entry = self.entries[name]
        if entry.shape != shape:
            raise ModelError(f"The variable '{name}' has the shape {list(entry.shape)}, not {list(shape)}.")
        kind = _TYPES.get(entry.code)
        if kind is None or entry.sliced or entry.size != math.prod(shape) * kind.itemsize:
            raise ModelError(f"The variable '{name}' is stored in a way that this version cannot read.")
        data = self._read(f".data-{entry.shard:05d}-of-{self.shards:05d}", entry.offset, entry.size)
        if len(data) != entry.size:
            raise ModelError(f"The checkpoint's data end before the variable '{name}' does: a file was cut short.")
        if masked_crc(data) != entry.checksum:
            raise ModelError(f"The data of the variable '{name}' are damaged (the checksum differs).")
        return np.frombuffer(data, kind).reshape(shape)


# --- the table --------------------------------------------------------------------------------------------------------


def _table(data: bytes) -> dict[bytes, bytes]:
    if len(data) < FOOTER or struct.unpack("<Q", data[-8:])[0] != MAGIC:
        raise ValueError("no table")
    footer = data[-FOOTER:]
    _, at = _handle(footer, 0)  # of blocks about blocks, of which there are none
    root, _ = _handle(footer, at)
    found: dict[bytes, bytes] = {}
    for _, handle in _block(data, root):
        found.update(_block(data, _handle(handle, 0)[0]))
    return found


def _handle(data: bytes, at: int) -> tuple[tuple[int, int], int]:
    offset, at = _varint(data, at)
    size, at = _varint(data, at)
    return (offset, size), at


def _block(data: bytes, handle: tuple[int, int]) -> list[tuple[bytes, bytes]]:
    """Keys and values of one block; a key leaves out what it has in common with the one before."""
    offset, size = handle
    stored, trailer = data[offset : offset + size], data[offset + size : offset + size + 5]
    if struct.unpack("<I", trailer[1:])[0] != masked_crc(stored + trailer[:1]) or trailer[0] not in (0, 1):
        raise ValueError("a block is damaged")
    block = _unsnap(stored) if trailer[0] else stored
    end = len(block) - 4 * (struct.unpack("<I", block[-4:])[0] + 1)
    entries, key, at = [], b"", 0
    while at < end:
        shared, at = _varint(block, at)
        own, at = _varint(block, at)
        length, at = _varint(block, at)
        key = key[:shared] + block[at : at + own]
        at += own
        entries.append((key, block[at : at + length]))
        at += length
    return entries


def _unsnap(data: bytes) -> bytes:
    """Decompress Google's Snappy (format_description.txt there)."""
    size, at = _varint(data, 0)
    if size > INDEX_LIMIT:
        raise ValueError("a block is too large")
    out = bytearray()
    while at < len(data):
        tag = data[at]
        at += 1
        if tag & 3 == 0:  # bytes as they are
            length = (tag >> 2) + 1
            if length > 60:
                extra = length - 60
                length = int.from_bytes(data[at : at + extra], "little") + 1
                at += extra
            out += data[at : at + length]
            at += length
        else:  # a copy of what came before
            if tag & 3 == 1:
                length, distance = (tag >> 2 & 7) + 4, (tag >> 5) << 8 | data[at]
                at += 1
            else:
                extra = 2 if tag & 3 == 2 else 4
                length, distance = (tag >> 2) + 1, int.from_bytes(data[at : at + extra], "little")
                at += extra
            if not 0 < distance <= len(out):
                raise ValueError("a copy from before the start")
            for _ in range(length):
                out.append(out[-distance])
        if len(out) > size:
            raise ValueError("a block is longer than it says")
    if len(out) != size:
        raise ValueError("a block is shorter than it says")
    return bytes(out)


# --- protocol buffers -------------------------------------------------------------------------------------------------


def _varint(data: bytes, at: int) -> tuple[int, int]:
    value = shift = 0
    while True:
        byte = data[at]
        value |= (byte & 127) << shift
        at, shift = at + 1, shift + 7
        if byte < 128:
            return value, at
        if shift > 63:
            raise ValueError("a number without an end")


def _fields(message: bytes) -> dict[int, list[int | bytes]]:
    """Values of a message by field number: numbers, or bytes for what has a length."""
    fields: dict[int, list[int | bytes]] = {}
    value: int | bytes
    at = 0
    while at < len(message):
        tag, at = _varint(message, at)
        if tag & 7 == 0:
            value, at = _varint(message, at)
        elif tag & 7 == 2:
            length, at = _varint(message, at)
            value, at = message[at : at + length], at + length
        else:
            length = {5: 4, 1: 8}[tag & 7]
            value, at = int.from_bytes(message[at : at + length], "little"), at + length
        fields.setdefault(tag >> 3, []).append(value)
    if at != len(message):
        raise ValueError("a message is cut short")
    return fields


def _number(fields: dict[int, list[int | bytes]], number: int) -> int:
    """The field as a number; what a message leaves out is 0."""
    value = fields.get(number, [0])[-1]
    if not isinstance(value, int):
        raise ValueError("a number was expected")
    return value


def _bytes(value: int | bytes) -> bytes:
    if not isinstance(value, bytes):
        raise ValueError("a message was expected")
    return value


def _entry(message: bytes) -> Entry:
    fields = _fields(message)
    dimensions = _fields(_bytes(fields[2][-1])).get(2, []) if 2 in fields else []
    return Entry(
        code=_number(fields, 1),
        shape=tuple(_number(_fields(_bytes(dimension)), 1) for dimension in dimensions),
        shard=_number(fields, 3),
        offset=_number(fields, 4),
        size=_number(fields, 5),
        checksum=_number(fields, 6),
        sliced=7 in fields,
    )


# --- checksums --------------------------------------------------------------------------------------------------------

_LANES = 1024


@functools.cache
def _crc_table() -> NDArray[np.uint32]:
    """CRC-32C (Castagnoli) of each byte, uint32 [256]."""
    table = np.arange(256, dtype=np.uint32)
    for _ in range(8):
        table = np.where(table & 1, (table >> 1) ^ np.uint32(0x82F63B78), table >> 1)
    return table.astype(np.uint32)


def crc32c(data: bytes) -> int:
    """CRC-32C of `data`. Long data are cut into equal pieces that are computed side by side and then joined."""
    length = len(data) // _LANES
    pieces = np.frombuffer(data, np.uint8, length * _LANES).reshape(_LANES, length)
    table = _crc_table()
    lanes = np.zeros(_LANES, np.uint32)
    for column in np.ascontiguousarray(pieces.T):
        lanes = table[(lanes ^ column) & 0xFF] ^ (lanes >> 8)
    state = 0xFFFFFFFF
    if length:
        skip = _skip(length)
        for lane in lanes.tolist():
            moved = 0
            for bit in range(32):
                if state >> bit & 1:
                    moved ^= skip[bit]
            state = moved ^ lane
    small = table.tolist()
    for byte in data[length * _LANES :]:
        state = small[(state ^ byte) & 0xFF] ^ (state >> 8)
    return state ^ 0xFFFFFFFF


def _skip(length: int) -> list[int]:
    """What `length` zero bytes make of each of a checksum's 32 bits (it is linear): by repeated squaring."""

    def apply(matrix: list[int], value: int) -> int:
        return functools.reduce(lambda total, bit: total ^ (matrix[bit] if value >> bit & 1 else 0), range(32), 0)

    table = _crc_table().tolist()
    power = [table[1 << bit & 0xFF] ^ (1 << bit >> 8) for bit in range(32)]  # one zero byte
    result = [1 << bit for bit in range(32)]
    while length:
        if length & 1:
            result = [apply(power, value) for value in result]
        power = [apply(power, value) for value in power]
        length >>= 1
    return result


def masked_crc(data: bytes) -> int:
    """CRC-32C turned and shifted as LevelDB and TensorFlow store it."""
    crc = crc32c(data)
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF
