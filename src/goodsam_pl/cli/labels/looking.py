"""The windows through which an image is looked at when things are found by words."""

from __future__ import annotations

import torch
from torch import Tensor

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks.concepts import ConceptWindows

__all__ = ["Look", "cut_windows", "look_through"]

_STEP = 2 / 3
"""Of a window's width; neighbours share a third, as those of the masks that we store do."""

Look = tuple[tuple[int, int] | None, tuple[int, int] | None, bool]
"""Size and stride of windows, and whether they run around the full circle."""


def look_through(size: tuple[int, int], look: Look) -> WindowGrid:
    """The windows of an image.

    Where nothing is said, a photograph is one window, and a panorama is looked at through squares
    of its height that share a third of their width. An image that is smaller than a window is one
    window.

    Args:
        size: height and width of the image, pixels.
        look: what is said of them.

    Raises:
        ValueError: windows that leave gaps.
    """
    window, stride, wrap = look
    height, width = size
    tall, wide = window or ((height, min(height, width)) if wrap else size)
    tall, wide = min(tall, height), min(wide, width)
    down, across = stride or (tall, max(1, round(_STEP * wide)))
    return WindowGrid.cover(size, (tall, wide), (min(down, tall), min(across, wide)), wrap)


def cut_windows(image: str, pixels: Tensor, look: Look) -> tuple[ConceptWindows, WindowGrid]:
    """Cut an image ``(3, H, W)`` uint8 into its windows."""
    grid = look_through((pixels.shape[1], pixels.shape[2]), look)
    corners = [grid.corner(index)[::-1] for index in range(grid.count)]
    cut = grid.extract(pixels[None])[0]
    return ConceptWindows(image, cut, torch.tensor(corners), grid.image_size, look[2]), grid
