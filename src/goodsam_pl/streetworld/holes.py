"""Holes: the gaps between leaves, the bars of a railing, the spokes of a wheel let rays through."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.streetworld.intersections import Indices, Rays
from goodsam_pl.streetworld.noise import solid_noise
from goodsam_pl.streetworld.primitives import Floats, Integers, Material, Primitives

__all__ = ["without_holes"]


def without_holes(
    solids: Primitives,
    rays: Rays,
    solid: Indices,
    ray: Indices,
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
    solid: Indices,
    ray: Indices,
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
