"""Pinhole images and their place on the sphere.

A pinhole camera looks along x, its image's right is -y, its top is z: the frame of
:mod:`goodsam_pl.geometry.equirectangular`. Pixels are square, the principal point is the centre.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from goodsam_pl.geometry.equirectangular import pixel_directions, sample_equirectangular

__all__ = [
    "equirectangular_from_perspective",
    "focal_length",
    "perspective_from_equirectangular",
    "pinhole_directions",
]


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


def perspective_from_equirectangular(
    image: Tensor,
    size: tuple[int, int],
    horizontal_fov: float,
    rotation: Tensor | None = None,
    vertical_fov: float = 180.0,
    mode: Literal["bilinear", "nearest"] = "bilinear",
) -> tuple[Tensor, Tensor]:
    """Cut a pinhole view out of a panorama.

    Args:
        image: panorama ``(B, C, H, W)``.
        size: ``(h, w)`` of the view, pixels.
        horizontal_fov: of the view, degrees.
        rotation: ``(3, 3)``, turns directions of the view into directions of the panorama; ``None``
            looks at the panorama's centre.
        vertical_fov: of the panorama, degrees.
        mode: ``nearest`` for labels, ``bilinear`` for colours and scores.

    Returns:
        The view ``(B, C, h, w)`` and the mask ``(h, w)`` of pixels that the panorama covers.
    """
    directions = pinhole_directions(*size, horizontal_fov).to(image.device)
    if rotation is not None:
        directions = directions @ rotation.to(directions).mT
    return sample_equirectangular(image, directions, vertical_fov, mode)


def equirectangular_from_perspective(
    image: Tensor,
    size: tuple[int, int],
    horizontal_fov: float,
    rotation: Tensor | None = None,
    vertical_fov: float = 180.0,
    mode: Literal["bilinear", "nearest"] = "bilinear",
) -> tuple[Tensor, Tensor]:
    """Paint a pinhole view into an otherwise empty panorama.

    Args:
        image: pinhole view ``(B, C, h, w)``; floating point with ``bilinear``.
        size: ``(H, W)`` of the panorama, pixels.
        horizontal_fov: of the view, degrees.
        rotation: ``(3, 3)``, turns directions of the view into directions of the panorama.
        vertical_fov: of the panorama, degrees.
        mode: ``nearest`` for labels, ``bilinear`` for colours and scores.

    Returns:
        The panorama ``(B, C, H, W)``, zero where the view does not reach, and the mask ``(H, W)``
        of pixels that it does reach.

    Raises:
        ValueError: an unknown mode.
    """
    if mode not in ("bilinear", "nearest"):
        raise ValueError(f"mode {mode!r} is unknown: choose 'bilinear' or 'nearest'")
    height, width = image.shape[-2:]
    focal = focal_length(width, horizontal_fov)
    directions = pixel_directions(*size, vertical_fov).to(image.device)
    if rotation is not None:
        directions = directions @ rotation.to(directions)
    x, y, z = directions.unbind(-1)
    depth = x.clamp(min=1e-6)
    right, down = -y / depth * focal, -z / depth * focal
    inside = (x > 1e-6) & (right.abs() <= 0.5 * width) & (down.abs() <= 0.5 * height)
    grid = torch.stack([right / (0.5 * width), down / (0.5 * height)], dim=-1)
    grid = grid.clamp(-1, 1)[None].expand(image.shape[0], -1, -1, -1)
    values = image if image.is_floating_point() else image.double()
    sampled = F.grid_sample(
        values, grid.to(values), mode=mode, padding_mode="border", align_corners=False
    )
    return (sampled * inside.to(sampled)).to(image.dtype), inside
