"""Light: the sun with cast shadows, light from the sky, haze."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from goodsam_pl.streetworld.cameras import Rectangles
from goodsam_pl.streetworld.city import City, as_array
from goodsam_pl.streetworld.intersections import Rays
from goodsam_pl.streetworld.primitives import Floats, Primitives
from goodsam_pl.streetworld.raycast import cast

__all__ = ["ShadowMap", "haze", "illuminate", "shadow_map"]

Vector = tuple[Floats, Floats, Floats]
_REACH = 34.0
_CELLS = 384
_HEIGHT = 120.0
_BIAS = 0.10


class ShadowMap(NamedTuple):
    """How far the sun's rays get: an orthographic depth map seen from the sun.

    Attributes:
        right: unit vector along the columns.
        up: unit vector along the rows.
        sun: unit vector towards the sun.
        depth: ``(cells, cells)`` distance from the plane ``_HEIGHT`` metres sunwards.
    """

    right: Floats
    up: Floats
    sun: Floats
    depth: Floats

    def lit(self, point: Vector, normal: Vector) -> Floats:
        """Share of the sun that reaches points given relative to the camera, in [0, 1].

        Four neighbouring cells are compared and blended, so that edges are soft.
        """
        shifted = [point[i] + np.float32(0.12) * normal[i] for i in range(3)]
        u, v, depth = (
            axis[0] * shifted[0] + axis[1] * shifted[1] + axis[2] * shifted[2]
            for axis in (self.right, self.up, self.sun)
        )
        scale = _CELLS / (2 * _REACH)
        u, v = (u + _REACH) * scale - 0.5, (v + _REACH) * scale - 0.5
        near = (u > 0) & (v > 0) & (u < _CELLS - 1) & (v < _CELLS - 1)
        u, v = np.clip(u, 0, _CELLS - 1.01), np.clip(v, 0, _CELLS - 1.01)
        column, row = u.astype(np.intp), v.astype(np.intp)
        right, down = u - column, v - row
        limit = _HEIGHT - depth - _BIAS
        flat = self.depth.ravel()
        cell = row * _CELLS + column
        free = [
            (flat.take(cell + step) > limit).astype(np.float32)
            for step in (0, 1, _CELLS, _CELLS + 1)
        ]
        upper = free[0] + (free[1] - free[0]) * right
        lower = free[2] + (free[3] - free[2]) * right
        return np.asarray(np.where(near, upper + (lower - upper) * down, np.float32(1)))


def shadow_map(
    solids: Primitives, origin: tuple[float, float, float], sun: tuple[float, float, float]
) -> ShadowMap:
    """Cast parallel rays from the sun at the surroundings of a point."""
    towards = np.array(sun, dtype=np.float32)
    right = np.array([-sun[1], sun[0], 0.0], dtype=np.float32)
    right /= np.hypot(right[0], right[1])
    up = np.cross(towards, right).astype(np.float32)
    steps = ((np.arange(_CELLS, dtype=np.float32) + 0.5) / _CELLS * 2 - 1) * np.float32(_REACH)
    u, v = np.tile(steps, _CELLS), np.repeat(steps, _CELLS)
    start = [
        np.float32(origin[i]) + towards[i] * np.float32(_HEIGHT) + u * right[i] + v * up[i]
        for i in range(3)
    ]
    relative = solids.corners() - np.array(origin, dtype=np.float32)
    scale = _CELLS / (2 * _REACH)
    rectangle: list[np.ndarray[tuple[int], np.dtype[np.int64]]] = []
    for axis in (up, right):
        across = (relative * axis).sum(axis=-1)
        low = np.ceil((across.min(axis=1) + _REACH) * scale - 0.51)
        high = np.floor((across.max(axis=1) + _REACH) * scale - 0.49) + 1
        first = np.clip(low, 0, _CELLS).astype(np.int64)
        rectangle += [first, np.maximum(np.clip(high, 0, _CELLS).astype(np.int64) - first, 0)]
    rectangles = Rectangles((rectangle[0], rectangle[2], rectangle[1], rectangle[3]))
    rays = Rays((start[0], start[1], start[2]), (-towards[0], -towards[1], -towards[2]), _CELLS)
    hits = cast(solids, rays, rectangles, _CELLS * _CELLS)
    return ShadowMap(right, up, towards, hits.distance.reshape(_CELLS, _CELLS))


def illuminate(city: City, sun: Floats, normal: Vector, lit: Floats, height: Floats) -> Floats:
    """Light ``(M, 3)`` on surfaces: Lambert's law for the sun, a soft dome for the sky.

    Close to the ground the sky is partly hidden, which stands in for ambient occlusion.
    """
    facing = np.maximum(normal[0] * sun[0] + normal[1] * sun[1] + normal[2] * sun[2], 0)
    direct = (facing * lit)[:, None] * as_array(city.sun_colour)
    hidden = 1 - 0.35 * np.exp(-2.2 * np.maximum(height, 0)) * (1 - np.maximum(normal[2], 0))
    side = 1 + 0.12 * (normal[0] * 0.6 + normal[1] * 0.8)
    dome = (0.62 + 0.38 * normal[2]) * hidden * side
    dome = dome * (0.72 + 0.28 * lit)
    return np.asarray(direct + dome[:, None] * as_array(city.ambient_colour) * 0.9)


def haze(city: City, radiance: Floats, distance: Floats) -> Floats:
    """Fade radiance ``(M, 3)`` into the haze with distance, metres."""
    left = np.exp(-city.haze * distance)[:, None]
    veil = as_array(city.haze_colour) * np.float32(0.95)
    return np.asarray(veil + (radiance - veil) * left, dtype=np.float32)
