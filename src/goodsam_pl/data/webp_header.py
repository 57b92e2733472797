"""How large a WEBP file says that it is, without its decoder.

See https://developers.google.com/speed/webp/docs/riff_container.
"""

from __future__ import annotations

from typing import BinaryIO

__all__ = ["webp_canvas"]

_START = 30
_SIDE = (1 << 14) - 1
"""Bits of a side of pictures that are no canvas of several."""


def webp_canvas(file: BinaryIO) -> tuple[int, int] | None:
    """Width and height, pixels; ``None`` for another file, or one without a size.

    Args:
        file: open, at its beginning, where it is left.
    """
    start = file.read(_START)
    file.seek(0)
    if start[:4] != b"RIFF" or start[8:12] != b"WEBP" or len(start) < _START:
        return None
    kind = start[12:16]
    if kind == b"VP8X":
        return 1 + int.from_bytes(start[24:27], "little"), 1 + int.from_bytes(start[27:], "little")
    if kind == b"VP8L":
        bits = int.from_bytes(start[21:25], "little")
        return 1 + (bits & _SIDE), 1 + (bits >> 14 & _SIDE)
    if kind == b"VP8 ":
        sides = int.from_bytes(start[26:28], "little"), int.from_bytes(start[28:], "little")
        return sides[0] & _SIDE, sides[1] & _SIDE
    return None
