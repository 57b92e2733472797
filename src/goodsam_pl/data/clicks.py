"""Point prompts drawn from instances, and what they may mean."""

from __future__ import annotations

import cv2
import numpy as np
from numpy.typing import NDArray

__all__ = ["clicked_parts", "draw_clicks"]

_SMALLEST = 20
"""Pixels of the smallest instance that is clicked."""


def draw_clicks(
    instances: NDArray[np.int16], count: int, random: np.random.Generator
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Draw clicks: a third anywhere, as in a grid; the others object by object.

    Objects are drawn with the square root of their area, half of their pixels with their distance
    to the border, because people and grids of points both hit the middle of things.

    Args:
        instances: ``(H, W)`` ids from 0.
        count: P.
        random: draws.

    Returns:
        Rows and columns, ``(P,)`` each.
    """
    flat = instances.ravel().astype(np.int64)
    area = np.bincount(flat)
    anywhere = (area[flat] >= _SMALLEST) / flat.size
    by_object = anywhere * area[flat] ** -0.5
    inner = _distance_to_border(instances).ravel()
    inside = by_object * inner / (np.bincount(flat, inner) / np.maximum(area, 1))[flat]
    weight = sum(part / part.sum() for part in (anywhere, by_object, inside))
    chosen = random.choice(flat.size, size=count, p=weight / weight.sum())
    rows, columns = np.divmod(chosen, instances.shape[1])
    return rows, columns


def clicked_parts(
    instances: NDArray[np.int16], rows: NDArray[np.int64], columns: NDArray[np.int64]
) -> NDArray[np.bool_]:
    """The connected part of its instance under each click, ``(P, H, W)``."""
    parts: NDArray[np.bool_] = instances == instances[rows, columns][:, None, None]
    for part, row, column in zip(parts, rows, columns, strict=True):
        _, labels = cv2.connectedComponents(part.astype(np.uint8))
        part[:] = labels == labels[row, column]
    return parts


def _distance_to_border(instances: NDArray[np.int16]) -> NDArray[np.float32]:
    same = np.ones(instances.shape, dtype=np.uint8)
    across, down = np.diff(instances, axis=1) != 0, np.diff(instances, axis=0) != 0
    same[:, 1:][across] = same[:, :-1][across] = 0
    same[1:][down] = same[:-1][down] = 0
    return np.asarray(cv2.distanceTransform(same, cv2.DIST_L2, 3) + 0.5)
