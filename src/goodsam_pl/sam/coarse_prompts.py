"""What SAM is told of a coarse mask: points, a box, a mask prompt that is sure of the middle alone.

Edges of a coarse mask are wrong, its middle seldom is. After SAMRefiner (Lin et al., ICLR 2025,
arXiv 2502.06756), whose released code decides where it and the paper differ. All of it are pure
functions of one mask; :mod:`goodsam_pl.sam.elastic_box` looks at the image, too.
"""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

from goodsam_pl.masks.layers import Binary

__all__ = [
    "Distances",
    "distance_inside",
    "gaussian_prompt",
    "negative_point",
    "positive_point",
    "spread_points",
    "tight_box",
]

Distances = NDArray[np.float32]

Point = tuple[int, int]
"""Column and row, pixels."""


def distance_inside(mask: Binary) -> Distances:
    """Of each pixel u of a mask the Euclidean distance to the nearest pixel v outside of it.

        d(u) = min_{v ∉ M} ‖u − v‖₂, and 0 outside of M

    The border of the window is not outside of the mask, as released: what a border cuts is deepest
    there. The release scans its distances, these are exact. In a mask without any outside, the
    distance is that to beyond the border (our choice).

    Args:
        mask: ``(h, w)`` bool.

    Returns:
        ``(h, w)`` float32, pixels.
    """
    inside = mask.astype(np.uint8)
    if mask.all():
        padded = np.pad(inside, 1)
        found = cv2.distanceTransform(padded, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)[1:-1, 1:-1]
    else:
        found = cv2.distanceTransform(inside, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
    return np.asarray(found, np.float32)


def positive_point(distances: Distances) -> Point:
    """The deepest pixel of a mask, argmax_u d(u); of equals the first, row by row.

    Args:
        distances: ``(h, w)``, see :func:`distance_inside`.
    """
    return _first_largest(distances)


def negative_point(mask: Binary) -> Point | None:
    """The pixel outside of a mask, within its box, that is furthest from it.

        argmax_{v ∈ box(M), v ∉ M} min_{u ∈ M} ‖u − v‖₂

    The box has its last row and column, which the release leaves out. ``None`` if a mask fills its
    box: the release then tells SAM that the first pixel of the image is not of the thing, which
    need not be so.

    Args:
        mask: ``(h, w)`` bool, not empty.
    """
    left, top, right, bottom = tight_box(mask)
    cut = mask[top : bottom + 1, left : right + 1]
    if cut.all():
        return None
    column, row = _first_largest(distance_inside(~cut))
    return left + column, top + row


def spread_points(mask: Binary, count: int) -> list[Point]:
    """Points in a mask, deep in it and far from one another.

    The first is :func:`positive_point`; each further one is the pixel with the largest distance to
    what is outside and to the points before it. (Our choice, for models that answer clicks alone.)

    Args:
        mask: ``(h, w)`` bool, not empty.
        count: points that are wanted; a mask of fewer pixels has fewer.
    """
    left, top, right, bottom = tight_box(mask)
    height, width = mask.shape
    # a ring of what lies around is enough, where the window has it
    rows = slice(max(0, top - 1), min(height, bottom + 2))
    columns = slice(max(0, left - 1), min(width, right + 2))
    free = mask[rows, columns].copy()
    found = []
    for _ in range(min(count, int(np.count_nonzero(mask)))):
        column, row = _first_largest(distance_inside(free))
        free[row, column] = False
        found.append((column + columns.start, row + rows.start))
    return found


def tight_box(mask: Binary) -> tuple[int, int, int, int]:
    """Left, top, right and bottom of a mask: its first and last columns and rows, as released.

    Args:
        mask: ``(h, w)`` bool.

    Raises:
        ValueError: the mask is empty.
    """
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        raise ValueError("an empty mask has no box")
    return int(columns[0]), int(rows[0]), int(columns[-1]), int(rows[-1])


def gaussian_prompt(
    mask: Binary, distances: Distances, strength: float, gamma: float
) -> NDArray[np.float32]:
    """Logits of a mask that are high in its middle and fall towards its edge.

        m(u) = s · exp(−(d(u) − d_max)² γ / |M|) for u ∈ M, and −s outside

    Args:
        mask: ``(h, w)`` bool, M, of |M| pixels.
        distances: its ``(h, w)``, d.
        strength: s.
        gamma: γ; the larger it is, the smaller the middle.

    Returns:
        ``(h, w)`` float32.
    """
    behind = distances - distances.max(initial=0)
    area = max(1, int(np.count_nonzero(mask)))
    inside = strength * np.exp(-(behind**2) * gamma / area)
    return np.asarray(np.where(mask, inside, -strength), np.float32)


def _first_largest(values: Distances) -> Point:
    row, column = divmod(int(values.argmax()), values.shape[1])
    return column, row
