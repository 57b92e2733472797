"""Leaves and bark."""

from __future__ import annotations

import numpy as np

from goodsam_pl.streetworld.materials.basics import blend, fade
from goodsam_pl.streetworld.noise import grain, solid_noise
from goodsam_pl.streetworld.primitives import Floats, Material
from goodsam_pl.streetworld.surfaces import Surface

__all__ = ["bark", "foliage", "ruffle"]


def foliage(s: Surface) -> Floats:
    """Leaves and clumps of leaves, some dry."""
    clumps = 0.6 * solid_noise(s.x + s.instance, s.y, s.height, 12.0)
    leaves = 0.6 * solid_noise(s.x, s.y, s.height, 24.0) * fade(s.distance, 14)
    factor = np.clip(0.90 + 0.26 * clumps + 0.42 * leaves, 0.15, 2.0)
    dry = np.clip(0.07 * clumps, 0, 0.25)
    return blend(s.colour * factor[:, None], 1.6 * s.second, dry)


def ruffle(s: Surface) -> tuple[Floats, Floats, Floats]:
    """Normals, with those of foliage turned at random: leaves look everywhere, crowns do not."""
    chosen = np.flatnonzero(s.material == Material.FOLIAGE)
    if not len(chosen):
        return s.normal
    x, y, z = s.x[chosen], s.y[chosen], s.height[chosen]
    normal = np.stack(s.normal)
    leaf = normal[:, chosen]
    for axis in range(3):
        leaf[axis] += 0.45 * solid_noise(x + 40 * axis, y, z, 10.0)
    normal[:, chosen] = leaf / np.sqrt(np.maximum((leaf * leaf).sum(axis=0), 1e-6))
    return normal[0], normal[1], normal[2]


def bark(s: Surface) -> Floats:
    """Furrows along the trunk."""
    angle = np.arctan2(s.y, s.x)
    furrows = np.clip(1 + 0.35 * grain(22 * angle, 5 * s.height), 0.3, 2)
    return np.asarray(s.colour * furrows[:, None])
