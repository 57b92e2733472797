"""PNG files without what is not needed to decode them.

Editors store whole documents and colour profiles in a PNG's ancillary chunks. A decoder that
looks into these can refuse a file for them: too large, compressed in an unknown way, cut short.
"""

from __future__ import annotations

import io
import struct
import zlib
from bisect import bisect_right
from typing import BinaryIO

from typing_extensions import override

__all__ = ["SIGNATURE", "pixels_only"]

SIGNATURE = b"\x89PNG\r\n\x1a\n"

_TRANSPARENCY, _EXIF = b"tRNS", b"eXIf"
_TEXTS = (b"tEXt", b"zTXt", b"iTXt")
# texts that say how the picture is held, or which part of the sphere it shows
_KEYWORDS = (b"XML:com.adobe.xmp", b"Raw profile type exif")
_LARGEST_TEXT = 1 << 20
"""Bytes; larger texts are refused by Pillow."""


def pixels_only(file: BinaryIO) -> BinaryIO:
    """A PNG file as if it had only pixels, palette, transparency, EXIF and XMP.

    EXIF and XMP are left out where they are damaged or larger than 1 MiB; where they follow the
    pixels, they are given before them, so that a header tells all.

    Args:
        file: open, at its beginning.
    """
    pixels: list[tuple[int, int]] = []
    metadata: list[tuple[int, int]] = []
    position = len(SIGNATURE)
    file.seek(position)
    while len(head := file.read(8)) == 8:
        length, kind = struct.unpack(">I4s", head)
        if not kind.isalpha():
            # no chunk begins here: it is for the decoder to say what is broken
            pixels.append((position, file.seek(0, io.SEEK_END)))
            break
        end = position + 12 + length
        if kind[:1].isupper() or kind == _TRANSPARENCY:  # upper case: critical
            pixels.append((position, end))
        elif _is_useful(file, kind, length):
            metadata.append((position, end))
        if kind == b"IEND":
            break
        position = file.seek(end)
    header = [(0, len(SIGNATURE)), *pixels[:1]]
    return io.BufferedReader(_Ranges(file, _joined([*header, *metadata, *pixels[1:]])), 1 << 16)


def _joined(ranges: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined = ranges[:1]
    for first, last in ranges[1:]:
        if first == joined[-1][1]:
            joined[-1] = joined[-1][0], last
        else:
            joined.append((first, last))
    return joined


def _is_useful(file: BinaryIO, kind: bytes, length: int) -> bool:
    if (kind != _EXIF and kind not in _TEXTS) or length > _LARGEST_TEXT:
        return False
    content, checksum = file.read(length), file.read(4)
    if struct.pack(">I", zlib.crc32(kind + content)) != checksum:
        return False
    return kind == _EXIF or (content.startswith(_KEYWORDS) and _inflates(kind, content))


def _inflates(kind: bytes, content: bytes) -> bool:
    """Whether a text is as short as it looks, and whole."""
    _, _, rest = content.partition(b"\0")
    if kind == b"tEXt" or (kind == b"iTXt" and rest[:1] == b"\0"):
        return True
    if kind == b"iTXt":
        rest = rest[1:2] + b"\0".join(rest[2:].split(b"\0", 2)[2:])
    if rest[:1] != b"\0":  # the one way to compress that there is
        return False
    inflater = zlib.decompressobj()
    try:
        inflater.decompress(rest[1:], _LARGEST_TEXT)
    except zlib.error:
        return False
    return inflater.eof


class _Ranges(io.RawIOBase):
    """Parts of a file, one after the other.

    Args:
        file: open for reading.
        ranges: first byte and the one after the last of each part.
    """

    def __init__(self, file: BinaryIO, ranges: list[tuple[int, int]]) -> None:
        super().__init__()
        self._file = file
        self._ranges = ranges
        self._starts = [0]
        for first, last in ranges:
            self._starts.append(self._starts[-1] + last - first)
        self._position = 0

    @override
    def readable(self) -> bool:
        return True

    @override
    def seekable(self) -> bool:
        return True

    @override
    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._position, io.SEEK_END: self._starts[-1]}[whence]
        self._position = max(0, base + offset)
        return self._position

    @override
    def tell(self) -> int:
        return self._position

    @override
    def readinto(self, buffer: bytearray | memoryview) -> int:  # type: ignore[override]
        part = bisect_right(self._starts, self._position) - 1
        if part == len(self._ranges):
            return 0
        skipped = self._position - self._starts[part]
        first, last = self._ranges[part]
        self._file.seek(first + skipped)
        content = self._file.read(min(len(buffer), last - first - skipped))
        buffer[: len(content)] = content
        self._position += len(content)
        return len(content)
