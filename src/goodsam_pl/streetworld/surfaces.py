"""Where rays meet solids: points, normals and the numbers that materials need."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.streetworld.primitives import Floats, Integers, Primitives

__all__ = ["Surface", "surfaces"]


class Surface(NamedTuple):
    """M points on solids; every field has M rows.

    Attributes:
        x: in the solid's frame, metres from its centre.
        y: likewise.
        z: likewise.
        half: three arrays of half sizes or radii, metres.
        face: of a box, 0..5 for +x, -x, +y, -y, +z, -z; 6 on round solids.
        normal: three arrays, world frame, unit length.
        material: :class:`goodsam_pl.streetworld.primitives.Material`.
        colour: ``(M, 3)`` linear RGB.
        second: ``(M, 3)`` linear RGB.
        detail: ``(M, 4)``.
        instance: ids.
        distance: along the ray, metres.
        height: above the road, metres.
    """

    x: Floats
    y: Floats
    z: Floats
    half: tuple[Floats, Floats, Floats]
    face: NDArray[np.uint8]
    normal: tuple[Floats, Floats, Floats]
    material: NDArray[np.uint8]
    colour: Floats
    second: Floats
    detail: Floats
    instance: NDArray[np.int32]
    distance: Floats
    height: Floats

    def part(self, chosen: Integers | slice) -> Surface:
        """Some of the points."""
        return Surface(
            self.x[chosen],
            self.y[chosen],
            self.z[chosen],
            (self.half[0][chosen], self.half[1][chosen], self.half[2][chosen]),
            self.face[chosen],
            (self.normal[0][chosen], self.normal[1][chosen], self.normal[2][chosen]),
            self.material[chosen],
            self.colour[chosen],
            self.second[chosen],
            self.detail[chosen],
            self.instance[chosen],
            self.distance[chosen],
            self.height[chosen],
        )

    @property
    def along(self) -> Floats:
        """Horizontal coordinate on the side faces of a box, metres from the middle."""
        return np.where(self.face < 2, self.y, self.x)

    @property
    def breadth(self) -> Floats:
        """Half the width of the side face, metres."""
        return np.where(self.face < 2, self.half[1], self.half[0])

    @property
    def up(self) -> Floats:
        """Height above the foot of the solid, metres."""
        return self.z + self.half[2]


def surfaces(
    solids: Primitives,
    solid: Integers,
    point: tuple[Floats, Floats, Floats],
    distance: Floats,
) -> Surface:
    """Look at the hit points.

    Args:
        solids: all primitives.
        solid: ``(M,)`` which of them was hit.
        point: where, world frame, three arrays.
        distance: along the ray, metres.
    """
    offset = [point[i] - solids.centre[:, i].take(solid) for i in range(3)]
    cos, sin = solids.heading[:, 0].take(solid), solids.heading[:, 1].take(solid)
    half = tuple(solids.half[:, i].take(solid) for i in range(3))
    x, y, z = cos * offset[0] + sin * offset[1], cos * offset[1] - sin * offset[0], offset[2]
    is_box = solid < solids.boxes
    is_capsule = solid >= solids.boxes + solids.ellipsoids
    boxes = np.flatnonzero(is_box)
    rounds = np.flatnonzero(~is_box & ~is_capsule)
    capsules = np.flatnonzero(is_capsule)
    face = np.full(len(solid), 6, dtype=np.uint8)
    local = np.zeros((3, len(solid)), dtype=np.float32)
    local_half = np.stack(half)
    face[boxes], local[:, boxes] = _box_normal(
        solids, solid[boxes], (x[boxes], y[boxes], z[boxes]), local_half[:, boxes]
    )
    local[:, rounds] = np.stack([x[rounds], y[rounds], z[rounds]]) / local_half[:, rounds] ** 2
    axis = local_half[:, capsules]
    start = np.stack(offset)[:, capsules]
    share = np.clip((start * axis).sum(axis=0) / (axis * axis).sum(axis=0), 0, 1)
    local[:, capsules] = start - share * axis
    local /= np.sqrt(np.maximum((local * local).sum(axis=0), 1e-12))
    turn_cos, turn_sin = np.where(is_capsule, 1, cos), np.where(is_capsule, 0, sin)
    normal = (
        turn_cos * local[0] - turn_sin * local[1],
        turn_sin * local[0] + turn_cos * local[1],
        local[2],
    )
    return Surface(
        x,
        y,
        z,
        (half[0], half[1], half[2]),
        face,
        normal,
        solids.material.take(solid),
        solids.colour.take(solid, axis=0),
        solids.second.take(solid, axis=0),
        solids.detail.take(solid, axis=0),
        solids.instance.take(solid),
        distance,
        point[2],
    )


def _box_normal(
    solids: Primitives, solid: Integers, point: tuple[Floats, Floats, Floats], half: Floats
) -> tuple[NDArray[np.uint8], Floats]:
    """The face that a point on a tapered box lies on, and its local normal."""
    best = np.full(len(solid), -np.inf, dtype=np.float32)
    face = np.zeros(len(solid), dtype=np.uint8)
    lean = np.zeros(len(solid), dtype=np.float32)
    for number in range(6):
        axis, sign = number // 2, 1 - 2 * (number % 2)
        outside = sign * point[axis] - half[axis]
        slope = np.zeros_like(outside)
        if axis < 2:
            inset = solids.inset[:, number].take(solid)
            slope = inset / (2 * half[2])
            outside = (outside + 0.5 * inset + slope * point[2]) / np.sqrt(1 + slope * slope)
        better = outside > best
        best = np.where(better, outside, best)
        face = np.where(better, np.uint8(number), face)
        lean = np.where(better, slope, lean)
    normal = np.zeros((3, len(solid)), dtype=np.float32)
    for number in range(6):
        chosen = face == number
        normal[number // 2] += (1 - 2 * (number % 2)) * chosen
    normal[2] = np.where(face < 4, lean, normal[2])
    return face, normal
