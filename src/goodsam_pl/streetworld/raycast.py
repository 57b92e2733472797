"""Ray casting: all rays against all solids, nearest hit first.

Every solid is tried only against the rays in its rectangle. The (solid, ray) pairs of all solids of
a kind form one long list, so that NumPy's overhead is paid per kind, not per solid.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.streetworld.cameras import Rectangles
from goodsam_pl.streetworld.holes import without_holes
from goodsam_pl.streetworld.intersections import (
    Frames,
    Indices,
    Rays,
    hit_box,
    hit_capsule,
    hit_ellipsoid,
    hit_tapered,
    local_frames,
)
from goodsam_pl.streetworld.primitives import Floats, Integers, Primitives

__all__ = ["Hits", "cast"]

_CHUNK = 1 << 16
_NOTHING = np.uint64(0xFFFFFFFFFFFFFFFF)
_NEAREST, _FARTHEST = 0.02, 1e6
Hit = Callable[[Primitives, Frames, Rays, Indices, Indices], Floats]


class Hits(NamedTuple):
    """Nearest solid of every ray.

    Attributes:
        distance: flat float32, metres along the ray, infinite where nothing was hit.
        solid: flat int64, index into the primitives, -1 where nothing was hit.
    """

    distance: NDArray[np.float32]
    solid: NDArray[np.int64]


def cast(solids: Primitives, rays: Rays, rectangles: Rectangles, count: int) -> Hits:
    """Find the nearest solid along every ray.

    Args:
        solids: N primitives.
        rays: ``count`` rays.
        rectangles: of each solid, in rays.
        count: number of rays.
    """
    nearest = np.full(count, _NOTHING, dtype=np.uint64)
    bounds = (0, solids.boxes, solids.boxes + solids.ellipsoids, len(solids.label))
    tapered = np.any(solids.inset[: solids.boxes] != 0, axis=1)
    plain_boxes, tapered_boxes = np.flatnonzero(~tapered), np.flatnonzero(tapered)
    frames = local_frames(solids, rays)
    kinds: tuple[tuple[Integers, Hit], ...] = (
        (plain_boxes, hit_box),
        (tapered_boxes, hit_tapered),
        (np.arange(bounds[1], bounds[2]), hit_ellipsoid),
        (np.arange(bounds[2], bounds[3]), hit_capsule),
    )
    with np.errstate(all="ignore"):
        for chosen, hit in kinds:
            for part in _portions(chosen, rectangles):
                solid, ray = _pairs(part, rectangles, rays.width)
                distance = hit(solids, frames, rays, solid, ray)
                found: Integers = np.flatnonzero((distance > _NEAREST) & (distance < _FARTHEST))
                if hit is not hit_tapered:
                    found = without_holes(solids, rays, solid, ray, distance, found)
                key = distance[found].view(np.uint32).astype(np.uint64) << np.uint64(32)
                np.minimum.at(nearest, ray[found], key | solid[found].astype(np.uint64))
    empty = nearest == _NOTHING
    depth = (nearest >> np.uint64(32)).astype(np.uint32).view(np.float32)
    number = (nearest & np.uint64(0xFFFFFFFF)).astype(np.int64)
    return Hits(
        np.where(empty, np.float32(np.inf), depth).astype(np.float32), np.where(empty, -1, number)
    )


def _portions(chosen: Integers, rectangles: Rectangles) -> list[Integers]:
    """Divide solids so that each part has about as many pairs as fit the processor's cache."""
    counts = rectangles[2][chosen] * rectangles[3][chosen]
    visible = counts > 0
    chosen, counts = chosen[visible], counts[visible]
    number = np.cumsum(counts) // _CHUNK
    return np.split(chosen, np.flatnonzero(np.diff(number)) + 1) if len(chosen) else []


def _pairs(chosen: Integers, rectangles: Rectangles, columns: int) -> tuple[Indices, Indices]:
    """Every chosen solid with every ray of its rectangle, put together row by row."""
    top, left, height, width = (side[chosen] for side in rectangles)
    solid = np.repeat(chosen, height)
    first = np.cumsum(height) - height
    row = np.arange(len(solid)) - np.repeat(first - top, height)
    width = np.repeat(width, height)
    begin = np.cumsum(width) - width
    column = np.arange(int(width.sum())) + np.repeat(np.repeat(left, height) - begin, width)
    column -= columns * (column >= columns)
    return np.repeat(solid, width), np.repeat(row * columns, width) + column
