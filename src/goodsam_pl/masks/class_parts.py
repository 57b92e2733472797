"""The pixels of one class, split into what may be one thing each.

A class of a label map has many things in it, and SAM draws one. Pieces of one thing that something
in front of it parts belong together. After the split-then-merge of SAMRefiner (Lin et al., ICLR
2025, arXiv 2502.06756), with the constants of its release.
"""

from __future__ import annotations

from typing import NamedTuple

import cv2
import numpy as np
from numpy.typing import NDArray

from goodsam_pl.masks.layers import Binary

__all__ = ["LEAST_AREA", "class_parts"]

LEAST_AREA = 5
"""Pixels; smaller pieces are no thing."""

_BOXES_SHARE = 0.5
_MOST_FILL = 0.5
_LESS_FILL = 0.1


class _Piece(NamedTuple):
    """Left, top, right and bottom, the last ones not included, and pixels of a piece."""

    left: int
    top: int
    right: int
    bottom: int
    area: int

    @property
    def box_area(self) -> int:
        return (self.right - self.left) * (self.bottom - self.top)

    @property
    def fill(self) -> float:
        """Share of its box."""
        return self.area / self.box_area

    def with_other(self, other: _Piece) -> _Piece:
        return _Piece(
            min(self.left, other.left),
            min(self.top, other.top),
            max(self.right, other.right),
            max(self.bottom, other.bottom),
            self.area + other.area,
        )


def class_parts(mask: Binary) -> NDArray[np.bool_]:
    """Split a class into parts that may be one thing each.

    Pieces are connected over sides and corners; those below :data:`LEAST_AREA` pixels are left out.
    With A(·) the area of a box and ∪ the box around two pieces, two are one part if

        A(i) + A(j) > 0.5 · A(i ∪ j)   and   (|i| + |j|) / A(i ∪ j) > min(0.5, min(f_i, f_j) − 0.1)

    where f = |i| / A(i). They are gone through from the top left, and a part that has grown is
    compared with those that come after, as released. The release counts the box around two a pixel
    short each way, these are all alike.

    Args:
        mask: ``(h, w)`` bool.

    Returns:
        ``(M, h, w)`` bool, no two of which share a pixel.
    """
    count, pieces, stats, _ = cv2.connectedComponentsWithStats(mask.astype(np.uint8), None, 8)
    found: list[tuple[_Piece, list[int]]] = []
    for number in range(1, count):
        left, top, width, height, area = (int(value) for value in stats[number])
        if area >= LEAST_AREA:
            found.append((_Piece(left, top, left + width, top + height, area), [number]))
    parts = []
    while found:
        (part, numbers), *others = found
        found = []
        for piece, own in others:
            if _one_thing(part, piece):
                part, numbers = part.with_other(piece), numbers + own
            else:
                found.append((piece, own))
        parts.append(np.isin(pieces, numbers))
    return np.stack(parts) if parts else np.zeros((0, *mask.shape), np.bool_)


def _one_thing(one: _Piece, other: _Piece) -> bool:
    both = one.with_other(other)
    near = one.box_area + other.box_area > _BOXES_SHARE * both.box_area
    least_fill = min(_MOST_FILL, min(one.fill, other.fill) - _LESS_FILL)
    return near and both.fill > least_fill
