"""What several materials share."""

from __future__ import annotations

import numpy as np

from goodsam_pl.streetworld.noise import clouds, grain
from goodsam_pl.streetworld.primitives import Floats
from goodsam_pl.streetworld.surfaces import Surface

__all__ = ["blend", "fade", "weathered"]


def blend(first: Floats, second: Floats | float, share: Floats) -> Floats:
    """Mix colours; the share is clipped to [0, 1]."""
    weight = np.clip(share, 0, 1)[:, None].astype(np.float32)
    return np.asarray(first + (second - first) * weight, dtype=np.float32)


def fade(distance: Floats, reach: float) -> Floats:
    """Weight of detail that blurs beyond a distance."""
    return np.asarray(1 / (1 + (distance / reach) ** 2), dtype=np.float32)


def weathered(s: Surface, amount: float, scale: float) -> Floats:
    """Factor of blotches and fine grain."""
    u, v = s.along + 0.37 * s.instance, s.height
    coarse = clouds(scale * u, scale * v)
    fine = grain(17 * u, 17 * v) * fade(s.distance, 14)
    return np.asarray(1 + amount * (0.5 * coarse + 0.8 * fine), dtype=np.float32)
