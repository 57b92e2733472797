"""Pinhole images: where each pixel looks.

A pinhole camera looks along x, its image's right is -y, its top is z: the frame of
:mod:`goodsam_pl.geometry.equirectangular`. Pixels are square, the principal point is the centre.
"""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["focal_length", "pinhole_directions"]


def focal_length(width: int, horizontal_fov: float) -> float:
    """Focal length in pixels of an image ``width`` pixels and ``horizontal_fov`` degrees wide.

    Raises:
        ValueError: a field of view outside (0, 180).
    """
    if not 0 < horizontal_fov < 180:
        raise ValueError(f"horizontal_fov {horizontal_fov} is not in (0, 180) degrees")
    return 0.5 * width / math.tan(0.5 * math.radians(horizontal_fov))


def pinhole_directions(
    height: int, width: int, horizontal_fov: float, dtype: torch.dtype = torch.float32
) -> Tensor:
    """Unit viewing direction of every pixel centre: ``(H, W, 3)``.

    Args:
        height: H, pixels.
        width: W, pixels.
        horizontal_fov: degrees from the left edge to the right edge.
        dtype: floating type of the result.
    """
    focal = focal_length(width, horizontal_fov)
    up = 0.5 * height - torch.arange(height, dtype=torch.float64) - 0.5
    left = 0.5 * width - torch.arange(width, dtype=torch.float64) - 0.5
    rays = torch.empty(height, width, 3, dtype=torch.float64)
    rays[..., 0] = focal
    rays[..., 1] = left
    rays[..., 2] = up[:, None]
    return F.normalize(rays, dim=-1).to(dtype)
