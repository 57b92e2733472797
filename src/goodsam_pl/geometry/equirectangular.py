"""Equirectangular images: where each pixel looks.

Directions live in a right-handed frame, x forward, y left, z up. Pixel ``(row v, column u)`` of an
``H x W`` image that spans the full circle in width and ``vertical_fov`` degrees in height looks at

    longitude  λ = 2π (u + 0.5) / W - π            (0 = forward, grows to the right)
    latitude   φ = (0.5 - (v + 0.5) / H) · vertical_fov
    direction  d = (cos φ cos λ, -cos φ sin λ, sin φ)

so that pixel centres lie at integer ``(v, u)``.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["pixel_directions"]


def pixel_directions(
    height: int,
    width: int,
    vertical_fov: float = 180.0,
    dtype: torch.dtype = torch.float32,
) -> Tensor:
    """Unit viewing direction of every pixel centre.

    Args:
        height: H, pixels.
        width: W, pixels; it spans 360 degrees.
        vertical_fov: degrees from the top edge to the bottom edge, centred on the horizon.
        dtype: floating type of the result.

    Returns:
        ``(H, W, 3)``.

    Raises:
        ValueError: a size below 1, or a field of view outside (0, 180].
    """
    _check(height, width, vertical_fov)
    rows = torch.arange(height, dtype=torch.float64)
    columns = torch.arange(width, dtype=torch.float64)
    latitude = (0.5 - (rows + 0.5) / height) * math.radians(vertical_fov)
    longitude = (columns + 0.5) / width * (2 * math.pi) - math.pi
    ring = torch.stack([longitude.cos(), -longitude.sin()], dim=-1)
    horizontal = latitude.cos()[:, None, None] * ring[None]
    vertical = latitude.sin()[:, None, None].expand(height, width, 1)
    return torch.cat([horizontal, vertical], dim=-1).to(dtype)


def _check(height: int, width: int, vertical_fov: float) -> None:
    if height < 1 or width < 1:
        raise ValueError(f"an image of {height}x{width} pixels is empty: both must be at least 1")
    if not 0 < vertical_fov <= 180:
        raise ValueError(f"vertical_fov {vertical_fov} is not in (0, 180] degrees")
