"""Views out of a panorama as a pinhole camera would have them: the gnomonic projection.

The frame is that of :mod:`goodsam_pl.geometry.equirectangular`: yaw turns a camera right, pitch
lifts it. A panorama spans the whole circle and some degrees above and below the horizon.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

from goodsam_pl.geometry.perspective import pinhole_directions

__all__ = ["panorama_places", "take_bilinear", "take_nearest", "view_directions"]


def view_directions(
    height: int, width: int, horizontal_fov: float, yaw: float = 0.0, pitch: float = 0.0
) -> Tensor:
    """Unit viewing directions of a camera that was turned: float64 ``(H, W, 3)``.

    Args:
        height: H, pixels.
        width: W, pixels.
        horizontal_fov: degrees from the left edge to the right edge.
        yaw: degrees to the right of the panorama's middle.
        pitch: degrees above the horizon.
    """
    forward, left, up = pinhole_directions(height, width, horizontal_fov, torch.float64).unbind(-1)
    turn, lift = math.radians(yaw), math.radians(pitch)
    forward, up = (
        math.cos(lift) * forward - math.sin(lift) * up,
        math.sin(lift) * forward + math.cos(lift) * up,
    )
    forward, left = (
        math.cos(turn) * forward + math.sin(turn) * left,
        math.cos(turn) * left - math.sin(turn) * forward,
    )
    return torch.stack([forward, left, up], dim=-1)


def panorama_places(
    directions: Tensor, size: tuple[int, int], above: float = 90.0, below: float = 90.0
) -> tuple[Tensor, Tensor]:
    """Where a panorama shows directions: the inverse of ``pixel_directions``.

    Args:
        directions: ``(..., 3)``, of any length but 0.
        size: height H and width W of the panorama, pixels.
        above: of its upper edge, degrees above the horizon.
        below: of its lower edge, degrees below the horizon.

    Returns:
        Rows and columns ``(...)``, fractions of pixels, whose centres are whole numbers. Columns
        lie from -0.5 to W - 0.5; rows outside -0.5 to H - 0.5 are not in the panorama.
    """
    height, width = size
    forward, left, up = directions.unbind(-1)
    longitude = torch.atan2(-left, forward)
    latitude = torch.atan2(up, torch.hypot(forward, left))
    columns = (longitude / (2 * math.pi) + 0.5) * width - 0.5
    rows = (math.radians(above) - latitude) / math.radians(above + below) * height - 0.5
    return rows, columns


def take_nearest(image: Tensor, rows: Tensor, columns: Tensor, outside: int) -> Tensor:
    """The pixel that each place lies in.

    Args:
        image: ``(H, W)``, any dtype.
        rows: of :func:`panorama_places`, ``(...)``.
        columns: likewise.
        outside: value of places above or below the image.

    Returns:
        ``(...)`` of the image's dtype.
    """
    height, width = image.shape
    row = (rows + 0.5).floor().clamp(0, height - 1).long()
    column = (columns + 0.5).floor().long() % width
    return image[row, column].masked_fill(_is_outside(rows, height), outside)


def take_bilinear(image: Tensor, rows: Tensor, columns: Tensor) -> Tensor:
    """Values between the four pixels around each place, across the seam; 0 outside.

    Args:
        image: ``(C, H, W)``, floating point.
        rows: of :func:`panorama_places`, ``(...)``.
        columns: likewise.

    Returns:
        ``(C, ...)``.
    """
    height, width = image.shape[-2:]
    top, left = rows.floor(), columns.floor()
    down, across = (rows - top).to(image), (columns - left).to(image)
    upper = top.clamp(0, height - 1).long()
    lower = (top + 1).clamp(0, height - 1).long()
    first, second = left.long() % width, (left.long() + 1) % width
    above = image[:, upper, first].lerp(image[:, upper, second], across)
    below = image[:, lower, first].lerp(image[:, lower, second], across)
    return above.lerp(below, down).masked_fill(_is_outside(rows, height), 0)


def _is_outside(rows: Tensor, height: int) -> Tensor:
    # by more than rounding: at the poles of a full sphere rows are exactly at the edge
    return ((rows + 0.5) < -1e-9 * height) | ((rows + 0.5) > height * (1 + 1e-9))
