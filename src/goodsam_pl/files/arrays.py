"""Arrays in ``.npz``: what an array says of itself is checked before memory is taken for it."""

from __future__ import annotations

import errno
import math
import tokenize
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

__all__ = ["ArrayHeader", "array_header", "begin_array", "damage_told", "read_array", "take"]

_BROKEN = (
    *(zipfile.BadZipFile, zlib.error, EOFError, ValueError, KeyError, OverflowError),
    *(RuntimeError, TypeError, SyntaxError, MemoryError, tokenize.TokenError),
)

_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_ENCRYPTED = 1
_VERSION = (1, 0)
"""Of ``.npy``; the others are for headers of more than 64 kB, which arrays of numbers have not."""


@contextmanager
def damage_told() -> Iterator[None]:
    """Turn all that damaged archives end in, by the standard library and NumPy, into one error.

    Raises:
        ValueError: an archive is damaged.
        OSError: the system does not let it be read.
    """
    try:
        yield
    except _BROKEN as error:
        raise ValueError(str(error)) from error
    except OSError as error:
        if error.errno not in (None, errno.EINVAL):
            raise
        raise ValueError("it points outside of itself") from error


class ArrayHeader(NamedTuple):
    """What an array says of itself.

    Attributes:
        shape: of it.
        dtype: of numbers.
    """

    shape: tuple[int, ...]
    dtype: np.dtype[Any]

    @property
    def size(self) -> int:
        """Bytes."""
        return math.prod(self.shape) * self.dtype.itemsize


def array_header(archive: zipfile.ZipFile, name: str) -> ArrayHeader:
    """What is said of an array, once it is known that it unpacks to just that.

    Args:
        archive: an open ``.npz`` file.
        name: of the array.

    Raises:
        KeyError: there is none.
        ValueError: it holds no numbers, or is of another size than it says.
    """
    member = archive.getinfo(f"{name}.npy")
    if member.compress_type not in _METHODS or member.flag_bits & _ENCRYPTED:
        raise ValueError(f"{name} is packed in another way than NumPy packs")
    with archive.open(member) as stream:
        header = begin_array(stream, name)
        begin = stream.tell()
    if min(header.shape, default=0) < 0 or header.size != member.file_size - begin:
        raise ValueError(f"{name} is not of the size that it says")
    return header


def begin_array(stream: IO[bytes], name: str) -> ArrayHeader:
    """Read the beginning of a ``.npy`` file, and leave the stream where the numbers begin.

    Raises:
        ValueError: it is none, or none of numbers in C order.
    """
    version = np.lib.format.read_magic(stream)
    if version != _VERSION:
        raise ValueError(f"{name} is in version {version} of .npy")
    shape, fortran, dtype = np.lib.format.read_array_header_1_0(stream)
    if dtype.kind not in "biuf":
        raise ValueError(
            f"{name} holds no numbers but {dtype}; objects are refused (allow_pickle=False)"
        )
    if fortran and len(shape) > 1:
        raise ValueError(f"{name} is in Fortran's order: save numpy.ascontiguousarray of it")
    return ArrayHeader(shape, dtype)


def read_array(archive: zipfile.ZipFile, name: str, most: int) -> NDArray[Any]:
    """Read an array.

    Args:
        archive: an open ``.npz`` file.
        name: of the array.
        most: bytes that it may take.

    Raises:
        KeyError: there is none.
        ValueError: as for :func:`array_header`, or it is larger.
        zipfile.BadZipFile: it is damaged.
    """
    header = array_header(archive, name)
    if header.size > most:
        raise ValueError(f"{name} claims {header.size:,} bytes")
    with archive.open(f"{name}.npy") as stream:
        begin_array(stream, name)
        content = bytearray(take(stream, header.size))
        stream.read(1)  # which checks the checksum
    return np.ndarray(header.shape, header.dtype, content)


def take(stream: IO[bytes], count: int) -> bytes:
    """So many bytes.

    Raises:
        ValueError: there are fewer.
    """
    content = stream.read(count)
    if len(content) < count:
        raise ValueError("an array is cut off")
    return content
