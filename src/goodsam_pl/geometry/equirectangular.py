"""Equirectangular images: pixels to directions and back, solid angles, sampling over the seam.

Directions live in a right-handed frame, x forward, y left, z up. Pixel ``(row v, column u)`` of an
``H x W`` image that spans the full circle in width and ``vertical_fov`` degrees in height looks at

    longitude  λ = 2π (u + 0.5) / W - π            (0 = forward, grows to the right)
    latitude   φ = (0.5 - (v + 0.5) / H) · vertical_fov
    direction  d = (cos φ cos λ, -cos φ sin λ, sin φ)

so that pixel centres lie at integer ``(v, u)``.
"""

from __future__ import annotations

import math
from typing import Literal

import torch
from torch import Tensor

__all__ = [
    "direction_to_pixel",
    "pixel_directions",
    "sample_equirectangular",
    "solid_angle_weights",
]


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


def direction_to_pixel(
    directions: Tensor, height: int, width: int, vertical_fov: float = 180.0
) -> Tensor:
    """Where directions fall in an image, the inverse of :func:`pixel_directions`.

    Args:
        directions: ``(..., 3)``, any length but zero.
        height: H, pixels.
        width: W, pixels.
        vertical_fov: degrees.

    Returns:
        ``(..., 2)`` continuous ``(row, column)``, pixel centres at integers. Columns lie in
        ``[-0.5, W - 0.5)``; rows leave ``[-0.5, H - 0.5]`` where the image does not reach.
    """
    _check(height, width, vertical_fov)
    x, y, z = directions.unbind(-1)
    longitude = torch.atan2(-y, x)
    latitude = torch.atan2(z, torch.hypot(x, y))
    row = (0.5 - latitude / math.radians(vertical_fov)) * height - 0.5
    turn = (longitude / (2 * math.pi) + 0.5) % 1.0
    return torch.stack([row, turn * width - 0.5], dim=-1)


def solid_angle_weights(height: int, width: int, vertical_fov: float = 180.0) -> Tensor:
    """Exact solid angle of a pixel in every row.

    The closed form of ∫ cos φ dφ dλ over the pixel, ``2π/W (sin φ_top - sin φ_bottom)``.

    Returns:
        ``(H,)`` float32, steradians. ``W`` times the sum is ``4π sin(vertical_fov / 2)``.
    """
    _check(height, width, vertical_fov)
    edges = torch.arange(height + 1, dtype=torch.float64)
    sines = ((0.5 - edges / height) * math.radians(vertical_fov)).sin()
    return (2 * math.pi / width * (sines[:-1] - sines[1:])).float()


def sample_equirectangular(
    image: Tensor,
    directions: Tensor,
    vertical_fov: float = 180.0,
    mode: Literal["bilinear", "nearest"] = "bilinear",
) -> tuple[Tensor, Tensor]:
    """Look up directions in an image; columns wrap around the seam.

    Args:
        image: ``(B, C, H, W)``, any dtype with ``nearest``, floating point with ``bilinear``.
        directions: ``(h, w, 3)``.
        vertical_fov: of the image, degrees.
        mode: ``nearest`` for labels, ``bilinear`` for colours and scores.

    Returns:
        The values ``(B, C, h, w)`` and the mask ``(h, w)`` of directions inside the image; what
        lies outside repeats the border row.

    Raises:
        ValueError: an unknown mode.
    """
    height, width = image.shape[-2:]
    pixels = direction_to_pixel(directions, height, width, vertical_fov)
    row, column = pixels.unbind(-1)
    inside = (row >= -0.5) & (row <= height - 0.5)
    row = row.clamp(0, height - 1)
    if mode == "nearest":
        return image[..., row.round().long(), column.round().long() % width], inside
    if mode != "bilinear":
        raise ValueError(f"mode {mode!r} is unknown: choose 'bilinear' or 'nearest'")
    top = row.floor().long().clamp(max=max(height - 2, 0))
    bottom = (top + 1).clamp(max=height - 1)
    left = column.floor().long()
    down = (row - top).to(image)
    right = (column - left).to(image)
    left, next_column = left % width, (left + 1) % width
    upper = image[..., top, left] * (1 - right) + image[..., top, next_column] * right
    lower = image[..., bottom, left] * (1 - right) + image[..., bottom, next_column] * right
    return upper * (1 - down) + lower * down, inside


def _check(height: int, width: int, vertical_fov: float) -> None:
    if height < 1 or width < 1:
        raise ValueError(f"an image of {height}x{width} pixels is empty: both must be at least 1")
    if not 0 < vertical_fov <= 180:
        raise ValueError(f"vertical_fov {vertical_fov} is not in (0, 180] degrees")
