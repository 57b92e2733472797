"""One family of windows or several: what both kinds of windows have in common.

GoodSAM slides one grid, GoodSAM++ two that cross. Windows of different sizes cannot be stacked, so
what is known of windows is one tensor for each family, or just the tensor where there is but one.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

from torch import Tensor

from goodsam_pl.geometry.windows import Overlap, WindowGrid, map_windows

__all__ = [
    "Windowed",
    "Windows",
    "as_families",
    "by_family",
    "extract_families",
    "map_families",
    "stitch_families",
]

Windowed = Tensor | tuple[Tensor, ...]
"""Something of all windows: a tensor for one family, a tuple of tensors for several."""


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


def as_families(windowed: Windowed) -> tuple[Tensor, ...]:
    """One tensor for each family."""
    return (windowed,) if isinstance(windowed, Tensor) else windowed


def by_family(function: Callable[..., Tensor], *windowed: Windowed) -> Windowed:
    """Do the same with the tensors of each family, and answer in the form of the first."""
    first = windowed[0]
    if isinstance(first, Tensor):
        return function(*windowed)
    results = [function(*each) for each in zip(*map(as_families, windowed), strict=True)]
    # a NamedTuple takes its fields one by one
    return type(first)(*results) if hasattr(first, "_fields") else tuple(results)


def extract_families(images: Tensor, windows: Windows) -> tuple[Tensor, ...]:
    """Cut all windows, see :meth:`WindowGrid.extract`."""
    return tuple(grid.extract(images) for grid in windows.families)


def map_families(
    function: Callable[[Tensor], Tensor], images: Tensor, windows: Windows, scale: float = 1.0
) -> tuple[Tensor, ...]:
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
        grid.add_up(part)
        for grid, part in zip(windows.families, as_families(windowed), strict=True)
    )
    sums = sum(others, first)
    return sums / windows.coverage().to(sums)
