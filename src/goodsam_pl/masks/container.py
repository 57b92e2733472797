"""Named arrays in one file, each compressed and with a checksum; read in part or as a whole.

::

    8 bytes    GOODSAM and a zero byte
    4 bytes    n, length of the header, unsigned, little-endian
    4 bytes    CRC-32 of the header, unsigned, little-endian
    n bytes    header: JSON in UTF-8
    the rest   the arrays, one after another, as the header's "arrays" lists them:
               [name, dtype, shape, codec, bytes, CRC-32 of these bytes]

An array is in C order and little-endian; its codec is ``zlib`` (RFC 1950) or ``bz2``.
"""

from __future__ import annotations

import bz2
import json
import math
import re
import struct
import zlib
from collections.abc import Collection, Mapping
from typing import Any, BinaryIO, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["Array", "Packed", "read_arrays", "read_header", "write_arrays"]

_MAGIC = b"GOODSAM\0"
_LENGTHS = struct.Struct("<II")
_LONGEST_HEADER = 1 << 24
_DTYPE = re.compile(r"[<|][biuf][1248]")

Array = NDArray[Any]


class Packed(NamedTuple):
    """An array and how to compress it.

    Attributes:
        array: of numbers.
        codec: ``"zlib"`` or ``"bz2"``.
        strategy: of zlib; readers need not know it.
    """

    array: Array
    codec: str = "zlib"
    strategy: int = zlib.Z_DEFAULT_STRATEGY

    def compressed(self) -> bytes:
        """The array's bytes, little-endian and compressed."""
        dtype = self.array.dtype.newbyteorder("<")
        plain = np.ascontiguousarray(self.array, dtype=dtype).tobytes()
        if self.codec == "bz2":
            return bz2.compress(plain)
        stream = zlib.compressobj(9, memLevel=9, strategy=self.strategy)
        return stream.compress(plain) + stream.flush()


def write_arrays(header: Mapping[str, Any], arrays: Mapping[str, Packed]) -> bytes:
    """Pack arrays, in their order. The same arrays and header give the same bytes.

    Args:
        header: further entries of the header, as JSON has them.
        arrays: by name.
    """
    table, parts = [], []
    for name, packed in arrays.items():
        part = packed.compressed()
        dtype = packed.array.dtype.newbyteorder("<").str
        shape = list(packed.array.shape)
        parts.append(part)
        table.append([name, dtype, shape, packed.codec, len(part), zlib.crc32(part)])
    text = json.dumps(
        {**header, "arrays": table}, sort_keys=True, separators=(",", ":"), ensure_ascii=False
    ).encode()
    return b"".join([_MAGIC, _LENGTHS.pack(len(text), zlib.crc32(text)), text, *parts])


def read_header(stream: BinaryIO) -> dict[str, Any]:
    """Read the header and leave the stream where the arrays begin.

    Raises:
        ValueError: it is damaged or no such file.
    """
    if stream.read(len(_MAGIC)) != _MAGIC:
        raise ValueError("it does not begin as masks do")
    lengths = stream.read(_LENGTHS.size)
    if len(lengths) < _LENGTHS.size:
        raise ValueError("it is cut off")
    length, checksum = _LENGTHS.unpack(lengths)
    text = stream.read(length) if length <= _LONGEST_HEADER else b""
    if zlib.crc32(text) != checksum or len(text) < length:
        raise ValueError("its header is damaged")
    header = json.loads(text)
    if not isinstance(header, dict):
        raise ValueError("its header is no object")  # noqa: TRY004  # of a file
    return header


def read_arrays(
    stream: BinaryIO,
    header: Mapping[str, Any],
    without: Collection[str] = (),
    memory: int = 1 << 40,
) -> dict[str, Array]:
    """Read the arrays, or those before the first that is not wanted.

    Args:
        stream: where :func:`read_header` left it.
        header: what it gave.
        without: names at which to stop.
        memory: bytes that all of them together may take.

    Returns:
        Arrays by name; they cannot be written to.

    Raises:
        ValueError: an array is damaged or too large, or bytes follow the last one.
    """
    arrays: dict[str, Array] = {}
    for row in _table(header):
        if row.name in without:
            return arrays
        part = stream.read(row.length)
        if len(part) < row.length or zlib.crc32(part) != row.checksum:
            raise ValueError(f"its {row.name} are damaged")
        memory -= row.size
        if memory < 0:
            raise ValueError(f"its {row.name} claim {row.size:,} bytes")
        arrays[row.name] = np.frombuffer(_unpack(part, row), row.dtype).reshape(row.shape)
    if stream.read(1):
        raise ValueError("it is longer than it says")
    return arrays


class _Row(NamedTuple):
    """What the header says of an array."""

    name: str
    dtype: str
    shape: list[int]
    codec: str
    length: int
    checksum: int

    @property
    def size(self) -> int:
        """Bytes of the array."""
        return math.prod(self.shape) * np.dtype(self.dtype).itemsize


def _table(header: Mapping[str, Any]) -> list[_Row]:
    """The header's list of arrays.

    Raises:
        ValueError: it is none.
    """
    listed = header.get("arrays")
    if not isinstance(listed, list) or not all(_is_row(row) for row in listed):
        raise ValueError("its list of arrays is none")
    return [_Row(*row) for row in listed]


def _is_row(row: Any) -> bool:
    if not isinstance(row, list) or len(row) != len(_Row._fields):
        return False
    name, dtype, shape, codec, length, checksum = row
    numbers = [length, checksum, *shape] if isinstance(shape, list) else [None]
    return (
        isinstance(name, str)
        and isinstance(dtype, str)
        and _DTYPE.fullmatch(dtype) is not None
        and codec in ("zlib", "bz2")
        and all(type(number) is int and number >= 0 for number in numbers)
    )


def _unpack(part: bytes, row: _Row) -> bytes:
    """The bytes of an array, no more of them than it should have.

    Raises:
        ValueError: they are others.
    """
    unpacker = zlib.decompressobj() if row.codec == "zlib" else bz2.BZ2Decompressor()
    try:
        # 0 would mean without limit
        plain = unpacker.decompress(part, row.size + 1)
    except (zlib.error, OSError, EOFError) as error:
        raise ValueError(f"its {row.name} are damaged ({error})") from error
    if len(plain) != row.size:
        raise ValueError(f"its {row.name} are not of the size that it says")
    return plain
