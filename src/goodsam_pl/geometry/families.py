"""One family of windows or several: what both kinds of windows have in common.

GoodSAM slides one grid, GoodSAM++ two that cross. Windows of different sizes cannot be stacked, so
what is known of windows is a tuple with one tensor for each family.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from torch import Tensor

from goodsam_pl.geometry.windows import Overlap, WindowGrid, map_windows

__all__ = [
    "Windowed",
    "Windows",
    "by_family",
    "extract_families",
    "map_families",
    "stitch_families",
]

Windowed = tuple[Tensor, ...]
"""One tensor for each family of windows; one for sliding windows, two for crossed ones."""


class Windows(Protocol):
    """Windows over a panorama: a ``WindowGrid``, or ``CrossedWindows``."""

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the panorama, pixels."""
        ...

    @property
    def families(self) -> tuple[WindowGrid, ...]:
        """The grids; windows of one have the same size."""
        ...

    def overlaps(self) -> list[Overlap]:
        """All O_ij: ``first`` counts windows of the first family, ``second`` of the last."""
        ...

    def coverage(self) -> Tensor:
        """How many windows hold each pixel: ``(H, W)`` int64."""
        ...


def by_family(function: Callable[..., Tensor], *windowed: Windowed) -> Windowed:
    """Call a function with the tensors of each family."""
    return tuple(function(*each) for each in zip(*windowed, strict=True))


def extract_families(images: Tensor, windows: Windows) -> Windowed:
    """Cut all windows, see :meth:`WindowGrid.extract`."""
    return tuple(grid.extract(images) for grid in windows.families)


def map_families(
    function: Callable[[Tensor], Tensor], images: Tensor, windows: Windows, scale: float = 1.0
) -> Windowed:
    """Run a dense predictor on every window, see :func:`map_windows`."""
    return tuple(map_windows(function, images, grid, scale) for grid in windows.families)


def stitch_families(windowed: Windowed, windows: Windows) -> Tensor:
    """Average all windows that hold a pixel, S_TA^w.

    Args:
        windowed: ``(B, N, C, h, w)`` floating point, of each family.
        windows: which windows these are.

    Returns:
        ``(B, C, H, W)``.
    """
    first, *others = (
        grid.add_up(part) for grid, part in zip(windows.families, windowed, strict=True)
    )
    sums = sum(others, first)
    return sums / windows.coverage().to(sums)
