"""Rays against solids: where a ray enters a box, a tapered box, an ellipsoid, a capsule.

The functions take P pairs of a solid and a ray and return P distances, infinite where they miss.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.streetworld.primitives import Floats, Primitives

__all__ = [
    "Frames",
    "Rays",
    "hit_box",
    "hit_capsule",
    "hit_ellipsoid",
    "hit_tapered",
    "local_frames",
]

Vector = tuple[Floats, Floats, Floats]
Indices = NDArray[np.intp]
_TINY = np.float32(1e-9)
_MISS = np.float32(np.inf)


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


class Frames(NamedTuple):
    """What is the same for all rays of a solid: its frame, and the common part of the rays."""

    cos: Floats
    sin: Floats
    origin: Vector
    direction: Vector


def local_frames(solids: Primitives, rays: Rays) -> Frames:
    """Turn the common origin or the common direction of the rays into each solid's frame."""
    cos = np.ascontiguousarray(solids.heading[:, 0])
    sin = np.ascontiguousarray(solids.heading[:, 1])
    centre = solids.centre
    if rays.parallel:
        x, y, z = (-centre[:, axis] for axis in range(3))
        along = rays.direction
        ones = np.ones_like(cos)
        direction = (cos * along[0] + sin * along[1], cos * along[1] - sin * along[0])
        return Frames(
            cos, sin, (cos * x + sin * y, cos * y - sin * x, z), (*direction, ones * along[2])
        )
    x, y, z = (rays.origin[axis] - centre[:, axis] for axis in range(3))
    zero = np.zeros_like(cos)
    return Frames(cos, sin, (cos * x + sin * y, cos * y - sin * x, z), (zero, zero, zero))


def _local(frames: Frames, rays: Rays, solid: Indices, ray: Indices) -> tuple[Vector, Vector]:
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


def hit_box(
    solids: Primitives,
    frames: Frames,
    rays: Rays,
    solid: Indices,
    ray: Indices,
) -> Floats:
    """Distance to a box by the slab method (Kay and Kajiya 1986), infinite where missed."""
    origin, direction = _local(frames, rays, solid, ray)
    enter: Floats | np.float32 = np.float32(-np.inf)
    leave: Floats | np.float32 = _MISS
    for axis in range(3):
        inverse = 1 / direction[axis]
        middle = -origin[axis] * inverse
        reach = solids.half[:, axis].take(solid) * np.abs(inverse)
        enter = np.maximum(enter, middle - reach)
        leave = np.minimum(leave, middle + reach)
    return np.asarray(np.where(enter <= leave, enter, _MISS))


def hit_tapered(
    solids: Primitives,
    frames: Frames,
    rays: Rays,
    solid: Indices,
    ray: Indices,
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
    return np.asarray(np.where(enter <= leave, enter, _MISS))


def hit_ellipsoid(
    solids: Primitives,
    frames: Frames,
    rays: Rays,
    solid: Indices,
    ray: Indices,
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
    return np.asarray(np.where(square > cross, distance, _MISS))


def hit_capsule(
    solids: Primitives,
    _frames: Frames,
    rays: Rays,
    solid: Indices,
    ray: Indices,
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
    far = _MISS
    return np.asarray(np.where(on_side, distance, np.where((deep > 0) & (inside > 0), cap, far)))
