"""Ray casting: all rays against all solids, nearest hit first.

Every solid is tried only against the rays in its rectangle. The (solid, ray) pairs of all solids of
a kind form one long list, so that NumPy's overhead is paid per kind, not per solid.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from goodsam_pl.streetworld.cameras import Rectangles
from goodsam_pl.streetworld.holes import without_holes
from goodsam_pl.streetworld.intersections import (
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


class Hits(NamedTuple):
    """Nearest solid of every ray.

    Attributes:
        distance: flat float32, metres along the ray, infinite where nothing was hit.
        solid: flat int64, index into the primitives, -1 where nothing was hit.
    """

    distance: Floats
    solid: Integers


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
    kinds = (
        (plain_boxes, hit_box),
        (tapered_boxes, hit_tapered),
        (np.arange(bounds[1], bounds[2]), hit_ellipsoid),
        (np.arange(bounds[2], bounds[3]), hit_capsule),
    )
    with np.errstate(all="ignore"):
        for chosen, hit in kinds:
            solid, ray = _pairs(chosen, rectangles, rays.width)
            for start in range(0, len(solid), _CHUNK):
                part, index = solid[start : start + _CHUNK], ray[start : start + _CHUNK]
                distance = hit(solids, frames, rays, part, index)
                found = np.flatnonzero((distance > _NEAREST) & (distance < _FARTHEST))
                if hit is not hit_tapered:
                    found = without_holes(solids, rays, part, index, distance, found)
                key = distance[found].view(np.uint32).astype(np.uint64) << np.uint64(32)
                np.minimum.at(nearest, index[found], key | part[found].astype(np.uint64))
    empty = nearest == _NOTHING
    depth = (nearest >> np.uint64(32)).astype(np.uint32).view(np.float32)
    number = (nearest & np.uint64(0xFFFFFFFF)).astype(np.int64)
    return Hits(
        np.where(empty, np.float32(np.inf), depth).astype(np.float32), np.where(empty, -1, number)
    )


def _pairs(chosen: Integers, rectangles: Rectangles, columns: int) -> tuple[Indices, Indices]:
    """Every chosen solid with every ray of its rectangle."""
    top, left, height, width = (side[chosen].astype(np.int32) for side in rectangles)
    counts = height * width
    total = int(counts.sum())
    starts = np.cumsum(counts) - counts
    which = np.repeat(np.arange(len(chosen), dtype=np.int32), counts)
    offset = np.arange(total, dtype=np.int32) - starts.astype(np.int32)[which]
    across = width[which]
    row = offset // across
    column = offset - row * across + left[which]
    column -= columns * (column >= columns)
    return chosen.astype(np.int32)[which], (top[which] + row) * np.int32(columns) + column
