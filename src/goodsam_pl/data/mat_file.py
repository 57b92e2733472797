"""Lists of numbers in files of MATLAB, version 5.

No more of the format than data sets use for their splits, every length checked: the general reader,
scipy's, ends the whole process on some damaged files.
"""

from __future__ import annotations

import struct
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import numpy.typing as npt

from goodsam_pl.files import read_regular

__all__ = ["read_numbers"]

_HEADER = 128
_BYTE_ORDERS = {b"IM": "<", b"MI": ">"}
_MATRIX, _COMPRESSED = 14, 15
_NUMBERS = {
    1: "i1",
    2: "u1",
    3: "i2",
    4: "u2",
    5: "i4",
    6: "u4",
    7: "f4",
    9: "f8",
    12: "i8",
    13: "u8",
}
"""NumPy's name of each of MATLAB's types of numbers."""
_NUMBER_CLASSES = range(6, 16)
"""Arrays of numbers; below are cells, structures and text."""
_IS_COMPLEX = 1 << 11
_LARGEST = 1 << 26
"""Bytes of a file, and of what it holds: a list of splits has a thousandth of it."""


@dataclass(frozen=True)
class _Element:
    kind: int
    content: bytes


def read_numbers(path: Path, name: str) -> npt.NDArray[np.int64]:
    """Read one array of whole numbers, flat, in the order that MATLAB counts in.

    Args:
        path: the file.
        name: of the array.

    Raises:
        OSError: the file cannot be read.
        ValueError: it is no such file or damaged, or has no whole numbers of this name.
    """
    content = read_regular(path)
    if len(content) > _LARGEST:
        raise ValueError(f"{path}: {len(content)} bytes, no list of splits is so long")
    order = _BYTE_ORDERS.get(content[126:_HEADER])
    if order is None or content[124:126] != struct.pack(f"{order}H", 0x100):
        raise ValueError(f"{path}: no file of MATLAB's version 5: save it with -v7, or -v6")
    try:
        for element in _elements(content[_HEADER:], order):
            if (found := _array(element, order, name)) is not None:
                return found
    except (struct.error, zlib.error, ValueError) as error:
        raise ValueError(
            f"{path}: damaged, or {name} is no list of numbers ({error}): take the file anew"
        ) from error
    raise ValueError(
        f"{path}: holds nothing of the name {name}: is it the file of another data set?"
    )


def _elements(content: bytes, order: str) -> Iterator[_Element]:
    """Split into elements; what they are padded with is left out."""
    place = 0
    while place < len(content):
        kind, length = struct.unpack_from(f"{order}II", content, place)
        start = place + 8
        if kind >> 16:  # four bytes or less stand in the place of the length
            kind, length, start = kind & 0xFFFF, kind >> 16, place + 4
            place += 8
        else:
            # only what is compressed is not filled up to whole eights
            place = start + (length if kind == _COMPRESSED else -(-length // 8) * 8)
        if start + length > len(content) or (start == place - 4 and length > 4):
            raise ValueError(f"an element has {length} bytes, more than there are")
        yield _Element(kind, content[start : start + length])


def _array(element: _Element, order: str, name: str) -> npt.NDArray[np.int64] | None:
    """The numbers of an array; ``None`` where the element is something else."""
    if element.kind == _COMPRESSED:
        unpacker = zlib.decompressobj()
        content = unpacker.decompress(element.content, _LARGEST)
        if not unpacker.eof:
            raise ValueError("compressed data that do not end")
        element = next(_elements(content, order), _Element(0, b""))
    if element.kind != _MATRIX:
        return None
    parts = _elements(element.content, order)
    flags, _, called = (next(parts, _Element(0, b"")) for _ in range(3))
    if called.content.decode("ascii", "replace") != name:
        return None
    flag = struct.unpack_from(f"{order}I", flags.content)[0]
    if flag & 0xFF not in _NUMBER_CLASSES or flag & _IS_COMPLEX:
        raise ValueError("an array of another kind")
    numbers = next(parts, _Element(0, b""))
    if numbers.kind not in _NUMBERS:
        raise ValueError(f"numbers of the type {numbers.kind}")
    values = np.frombuffer(numbers.content, f"{order}{_NUMBERS[numbers.kind]}")
    if not (np.isfinite(values) & (np.abs(values.astype(np.float64)) < 2**53)).all():
        raise ValueError("numbers beyond all counts")
    whole = values.astype(np.int64)
    if (whole != values).any():
        raise ValueError("numbers that are not whole")
    return whole
