"""Ray casting: all rays against all solids, nearest hit first.

Every solid is tried only against the rays in its rectangle. The (solid, ray) pairs of all solids of
a kind form one long list, so that NumPy's overhead is paid per kind, not per solid.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.streetworld.cameras import Rectangles
from goodsam_pl.streetworld.noise import solid_noise
from goodsam_pl.streetworld.primitives import Floats, Integers, Material, Primitives

__all__ = ["Hits", "Rays", "cast"]

_CHUNK = 1 << 16
_NOTHING = np.uint64(0xFFFFFFFFFFFFFFFF)
_TINY = np.float32(1e-9)
Vector = tuple[Floats, Floats, Floats]


class Rays(NamedTuple):
    """Rays row by row as in an image of ``width`` columns.

    Attributes:
        origin: three scalars when all rays start at one point, else three flat arrays; metres.
        direction: unit vectors, three flat arrays, or three scalars when all are parallel.
        width: rays in a row.
    """

    origin: Vector
    direction: Vector
    width: int

    @property
    def parallel(self) -> bool:
        """True when the origins differ, False when the directions do."""
        return self.direction[0].ndim == 0


class Hits(NamedTuple):
    """Nearest solid of every ray.

    Attributes:
        distance: flat float32, metres along the ray, infinite where nothing was hit.
        solid: flat int64, index into the primitives, -1 where nothing was hit.
    """

    distance: Floats
    solid: Integers


class _Frames(NamedTuple):
    """What is the same for all rays of a solid: its frame, and the common part of the rays in it."""

    cos: Floats
    sin: Floats
    origin: Vector
    direction: Vector


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
    frames = _frames(solids, rays)
    kinds = (
        (plain_boxes, _hit_box),
        (tapered_boxes, _hit_tapered),
        (np.arange(bounds[1], bounds[2]), _hit_ellipsoid),
        (np.arange(bounds[2], bounds[3]), _hit_capsule),
    )
    with np.errstate(all="ignore"):
        for chosen, hit in kinds:
            solid, ray = _pairs(chosen, rectangles, rays.width)
            for start in range(0, len(solid), _CHUNK):
                part, index = solid[start : start + _CHUNK], ray[start : start + _CHUNK]
                distance = hit(solids, frames, rays, part, index)
                found = np.flatnonzero((distance > 0.02) & (distance < 1e6))
                if hit is not _hit_tapered:
                    found = _solid_part(solids, rays, part, index, distance, found)
                key = distance[found].view(np.uint32).astype(np.uint64) << np.uint64(32)
                np.minimum.at(nearest, index[found], key | part[found].astype(np.uint64))
    empty = nearest == _NOTHING
    distance = (nearest >> np.uint64(32)).astype(np.uint32).view(np.float32)
    solid = (nearest & np.uint64(0xFFFFFFFF)).astype(np.int64)
    return Hits(
        np.where(empty, np.float32(np.inf), distance).astype(np.float32), np.where(empty, -1, solid)
    )


def _pairs(
    chosen: Integers, rectangles: Rectangles, columns: int
) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
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


def _frames(solids: Primitives, rays: Rays) -> _Frames:
    """Turn the common origin or the common direction of the rays into each solid's frame."""
    cos = np.ascontiguousarray(solids.heading[:, 0])
    sin = np.ascontiguousarray(solids.heading[:, 1])
    centre = solids.centre
    if rays.parallel:
        x, y, z = (-centre[:, axis] for axis in range(3))
        along = rays.direction
        ones = np.ones_like(cos)
        direction = (cos * along[0] + sin * along[1], cos * along[1] - sin * along[0])
        return _Frames(
            cos, sin, (cos * x + sin * y, cos * y - sin * x, z), (*direction, ones * along[2])
        )
    x, y, z = (rays.origin[axis] - centre[:, axis] for axis in range(3))
    zero = np.zeros_like(cos)
    return _Frames(cos, sin, (cos * x + sin * y, cos * y - sin * x, z), (zero, zero, zero))


def _local(
    frames: _Frames, rays: Rays, solid: NDArray[np.int32], ray: NDArray[np.int32]
) -> tuple[Vector, Vector]:
    """Origin and direction of every pair's ray in its solid's frame."""
    cos, sin = frames.cos.take(solid), frames.sin.take(solid)
    x, y, z = (axis.take(solid) for axis in frames.origin)
    moving = rays.origin if rays.parallel else rays.direction
    u, v, w = (axis.take(ray) for axis in moving)
    turned = (cos * u + sin * v, cos * v - sin * u, w)
    if rays.parallel:
        along = tuple(axis.take(solid) + _TINY for axis in frames.direction)
        return (x + turned[0], y + turned[1], z + turned[2]), (along[0], along[1], along[2])
    return (x, y, z), (turned[0] + _TINY, turned[1] + _TINY, turned[2] + _TINY)


def _hit_box(
    solids: Primitives,
    frames: _Frames,
    rays: Rays,
    solid: NDArray[np.int32],
    ray: NDArray[np.int32],
) -> Floats:
    """Distance to a box by the slab method (Kay and Kajiya 1986), infinite where missed."""
    origin, direction = _local(frames, rays, solid, ray)
    enter = np.float32(-np.inf)
    leave = np.float32(np.inf)
    for axis in range(3):
        inverse = 1 / direction[axis]
        middle = -origin[axis] * inverse
        reach = solids.half[:, axis].take(solid) * np.abs(inverse)
        enter = np.maximum(enter, middle - reach)
        leave = np.minimum(leave, middle + reach)
    return np.asarray(np.where(enter <= leave, enter, np.float32(np.inf)))


def _hit_tapered(
    solids: Primitives,
    frames: _Frames,
    rays: Rays,
    solid: NDArray[np.int32],
    ray: NDArray[np.int32],
) -> Floats:
    """Distance to a tapered box: one horizontal slab and four leaning half-spaces."""
    origin, direction = _local(frames, rays, solid, ray)
    inverse = 1 / direction[2]
    middle = -origin[2] * inverse
    tall = solids.half[:, 2].take(solid)
    reach = tall * np.abs(inverse)
    enter, leave = middle - reach, middle + reach
    for face in range(4):
        axis, sign = face // 2, np.float32(1 - 2 * (face % 2))
        inset = solids.inset[:, face].take(solid)
        lean = inset / (2 * tall)
        bound = solids.half[:, axis].take(solid) - np.float32(0.5) * inset
        slope = sign * direction[axis] + lean * direction[2]
        distance = (bound - sign * origin[axis] - lean * origin[2]) / slope
        inward = slope < 0
        enter = np.where(inward, np.maximum(enter, distance), enter)
        leave = np.where(inward, leave, np.minimum(leave, distance))
    return np.asarray(np.where(enter <= leave, enter, np.float32(np.inf)))


def _hit_ellipsoid(
    solids: Primitives,
    frames: _Frames,
    rays: Rays,
    solid: NDArray[np.int32],
    ray: NDArray[np.int32],
) -> Floats:
    """Distance to an ellipsoid: a sphere once space is scaled by the radii.

    The discriminant comes from a cross product, which stays exact for small and far ellipsoids.
    """
    origin, direction = _local(frames, rays, solid, ray)
    shrink = [1 / solids.half[:, axis].take(solid) for axis in range(3)]
    x, y, z = (origin[axis] * shrink[axis] for axis in range(3))
    u, v, w = (direction[axis] * shrink[axis] for axis in range(3))
    square = u * u + v * v + w * w
    cross = (y * w - z * v) ** 2 + (z * u - x * w) ** 2 + (x * v - y * u) ** 2
    distance = -(x * u + y * v + z * w + np.sqrt(square - cross)) / square
    return np.asarray(np.where(square > cross, distance, np.float32(np.inf)))


def _hit_capsule(
    solids: Primitives,
    frames: _Frames,
    rays: Rays,
    solid: NDArray[np.int32],
    ray: NDArray[np.int32],
) -> Floats:
    """Distance to a capsule: its cylinder, or else the sphere around the nearer end."""
    if rays.parallel:
        d = [np.broadcast_to(axis, solid.shape) for axis in rays.direction]
        o = [rays.origin[i].take(ray) - solids.centre[:, i].take(solid) for i in range(3)]
    else:
        d = [axis.take(ray) for axis in rays.direction]
        o = [(rays.origin[i] - solids.centre[:, i]).take(solid) for i in range(3)]
    length = np.sqrt((solids.half**2).sum(axis=1))
    a = [(solids.half[:, i] / length).take(solid) for i in range(3)]
    length = length.take(solid)
    radius = solids.inset[:, 0].take(solid)
    along = a[0] * d[0] + a[1] * d[1] + a[2] * d[2]
    offset = a[0] * o[0] + a[1] * o[1] + a[2] * o[2]
    closing = d[0] * o[0] + d[1] * o[1] + d[2] * o[2]
    normal = (d[1] * a[2] - d[2] * a[1], d[2] * a[0] - d[0] * a[2], d[0] * a[1] - d[1] * a[0])
    square = normal[0] ** 2 + normal[1] ** 2 + normal[2] ** 2
    gap = o[0] * normal[0] + o[1] * normal[1] + o[2] * normal[2]
    inside = radius**2 * square - gap**2
    distance = (along * offset - closing - np.sqrt(inside)) / square
    height = offset + distance * along
    on_side = (inside > 0) & (height > 0) & (height < length)
    end = np.where(height > 0, length, np.float32(0))
    c = [o[i] - end * a[i] for i in range(3)]
    ahead = closing - end * along
    aside = [c[i] - ahead * d[i] for i in range(3)]
    deep = radius**2 - aside[0] ** 2 - aside[1] ** 2 - aside[2] ** 2
    cap = -ahead - np.sqrt(deep)
    far = np.float32(np.inf)
    return np.asarray(np.where(on_side, distance, np.where((deep > 0) & (inside > 0), cap, far)))


def _solid_part(
    solids: Primitives,
    rays: Rays,
    solid: NDArray[np.int32],
    ray: NDArray[np.int32],
    distance: Floats,
    found: Integers,
) -> Integers:
    """Drop the hits in the holes of leaves, railings and spoked wheels."""
    material = solids.material.take(solid[found])
    holed = (
        (material == Material.FOLIAGE)
        | (material == Material.RAILING)
        | (material == Material.SPOKES)
    )
    if not holed.any():
        return found
    which = np.flatnonzero(holed)
    pair = found[which]
    keep = np.ones(len(found), dtype=bool)
    keep[which] = _keep(solids, rays, solid[pair], ray[pair], distance[pair], material[which])
    return found[keep]


def _keep(
    solids: Primitives,
    rays: Rays,
    solid: NDArray[np.int32],
    ray: NDArray[np.int32],
    distance: Floats,
    material: NDArray[np.uint8],
) -> NDArray[np.bool_]:
    start = rays.origin if not rays.parallel else tuple(axis.take(ray) for axis in rays.origin)
    along = rays.direction if rays.parallel else tuple(axis.take(ray) for axis in rays.direction)
    world = [start[i] + distance * along[i] for i in range(3)]
    x, y, z = (world[i] - solids.centre[:, i].take(solid) for i in range(3))
    cos, sin = solids.heading[:, 0].take(solid), solids.heading[:, 1].take(solid)
    x, y = cos * x + sin * y, cos * y - sin * x
    half = [solids.half[:, i].take(solid) for i in range(3)]
    facing = -(
        (cos * along[0] + sin * along[1]) * x / half[0] ** 2
        + (cos * along[1] - sin * along[0]) * y / half[1] ** 2
        + along[2] * z / half[2] ** 2
    ) / np.sqrt((x / half[0] ** 2) ** 2 + (y / half[1] ** 2) ** 2 + (z / half[2] ** 2) ** 2)
    size = np.where(distance < 9, np.float32(18), np.where(distance < 22, 9, 4))
    ragged = 0.62 * solid_noise(world[0], world[1], world[2], size)
    leafy = ragged > 0.9 - 2.6 * facing - solids.detail[:, 0].take(solid)
    bar = (np.abs(x % 0.14 - 0.07) < 0.032) | (np.abs(np.abs(z) - half[2]) < 0.07)
    bar |= np.abs(x % 2.0 - 1.0) > 0.95
    ring = np.hypot(x / half[0], z / half[2])
    spokes = (ring > 0.74) | (ring < 0.16) | (np.sin(9 * np.arctan2(z, x)) > 0.25)
    return np.where(
        material == Material.FOLIAGE, leafy, np.where(material == Material.RAILING, bar, spokes)
    )
