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
    header: dict[str, Any] = json.loads(text)
    return header


def read_arrays(
    stream: BinaryIO, header: Mapping[str, Any], without: Collection[str] = ()
) -> dict[str, Array]:
    """Read the arrays, or those before the first that is not wanted.

    Args:
        stream: where :func:`read_header` left it.
        header: what it gave.
        without: names at which to stop.

    Returns:
        Arrays by name; they cannot be written to.

    Raises:
        ValueError: an array is damaged, or bytes follow the last one.
    """
    arrays: dict[str, Array] = {}
    for name, dtype, shape, codec, length, checksum in header["arrays"]:
        if name in without:
            return arrays
        part = stream.read(length)
        if len(part) < length or zlib.crc32(part) != checksum:
            raise ValueError(f"its {name} are damaged")
        plain = zlib.decompress(part) if codec == "zlib" else bz2.decompress(part)
        arrays[name] = np.frombuffer(plain, dtype).reshape(shape)
    if stream.read(1):
        raise ValueError("it is longer than it says")
    return arrays
