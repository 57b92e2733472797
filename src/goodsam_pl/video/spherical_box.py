"""Let an MP4 file say that it shows full spheres: Google's Spherical Video V1.

A box of the type ``uuid`` at the end of the film's track holds a few lines of XML, see
https://github.com/google/spatial-media/blob/master/docs/spherical-video-rfc.md. FFmpeg reads it,
but does not write it.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO, NamedTuple

__all__ = ["mark_as_spherical"]

_UUID = bytes.fromhex("ffcc8263f8554a938814587a02521fdd")
_XML = (
    b'<?xml version="1.0"?>'
    b'<rdf:SphericalVideo xmlns:rdf="http://www.w3.org/1999/02/22-rdf-syntax-ns#" '
    b'xmlns:GSpherical="http://ns.google.com/videos/1.0/spherical/">'
    b"<GSpherical:Spherical>true</GSpherical:Spherical>"
    b"<GSpherical:Stitched>true</GSpherical:Stitched>"
    b"<GSpherical:StitchingSoftware>goodsam_pl</GSpherical:StitchingSoftware>"
    b"<GSpherical:ProjectionType>equirectangular</GSpherical:ProjectionType>"
    b"</rdf:SphericalVideo>"
)
_LARGEST = 2**32 - 1


class _Box(NamedTuple):
    kind: bytes
    start: int
    size: int


def mark_as_spherical(path: Path) -> None:
    """Add the box to a file whose index is at its end, as FFmpeg writes it.

    Raises:
        ValueError: a file of another form, such as one whose index stands before the pictures:
            all places in it would have to be moved.
    """
    with path.open("rb+") as file:
        boxes = list(_boxes(file, 0, file.seek(0, 2)))
        if not boxes or boxes[-1].kind != b"moov":
            raise ValueError(f"{path}: no MP4 whose index is at its end")
        index = boxes[-1]
        tracks = [
            box
            for box in _boxes(file, index.start + 8, index.start + index.size)
            if box.kind == b"trak"
        ]
        if len(tracks) != 1:
            raise ValueError(f"{path}: {len(tracks)} tracks, one is to be marked")
        box = struct.pack(">I4s", 8 + len(_UUID) + len(_XML), b"uuid") + _UUID + _XML
        if index.size + len(box) > _LARGEST:
            raise ValueError(f"{path}: the index is too long")
        end = tracks[0].start + tracks[0].size
        file.seek(end)
        rest = file.read()
        file.seek(end)
        file.write(box + rest)
        for grown in (index, tracks[0]):
            file.seek(grown.start)
            file.write(struct.pack(">I", grown.size + len(box)))


def _boxes(file: BinaryIO, start: int, end: int) -> Iterator[_Box]:
    while start + 8 <= end:
        file.seek(start)
        size, kind = struct.unpack(">I4s", file.read(8))
        if size == 1:  # longer than 32 bits can say
            (size,) = struct.unpack(">Q", file.read(8))
        if size < 8 or start + size > end:
            raise ValueError(f"a box of {size} bytes at {start} is no part of an MP4")
        yield _Box(kind, start, size)
        start += size
