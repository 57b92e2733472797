"""Crossed windows: a family that slides horizontally and a family that slides vertically.

GoodSAM++ draws wide, flat windows and narrow, tall ones, and takes an overlap O_ij between one of
each: so it compares two views of a place that differ in what they see around it. The paper's sizes
are not public; drawn are about a quarter of the width by a third of the height, and an eighth of
the width by half of the height.
"""

from __future__ import annotations

from typing import NamedTuple

from torch import Tensor

from goodsam_pl.geometry.windows import Overlap, WindowGrid

__all__ = ["CrossedWindows"]


class CrossedWindows(NamedTuple):
    """Two grids over the same panoramas. Build it with :meth:`cover`.

    Attributes:
        horizontal: the wide, flat windows W_i.
        vertical: the narrow, tall windows W_j.
    """

    horizontal: WindowGrid
    vertical: WindowGrid

    @classmethod
    def cover(
        cls,
        image_size: tuple[int, int],
        horizontal_size: tuple[int, int],
        horizontal_stride: tuple[int, int],
        vertical_size: tuple[int, int],
        vertical_stride: tuple[int, int],
        wrap: bool = True,
    ) -> CrossedWindows:
        """Lay both families so that each covers every pixel, see :meth:`WindowGrid.cover`.

        Args:
            image_size: ``(H, W)`` of the panorama.
            horizontal_size: ``(h, w)`` of a wide window.
            horizontal_stride: the largest steps between wide windows, ``(vertical, horizontal)``.
            vertical_size: ``(h, w)`` of a tall window.
            vertical_stride: the largest steps between tall windows.
            wrap: let windows run across the seam.

        Raises:
            ValueError: a size or stride does not fit, or the families are not crossed.
        """
        horizontal = WindowGrid.cover(image_size, horizontal_size, horizontal_stride, wrap)
        vertical = WindowGrid.cover(image_size, vertical_size, vertical_stride, wrap)
        if horizontal_size[0] > vertical_size[0] or horizontal_size[1] < vertical_size[1]:
            raise ValueError(
                f"windows of {horizontal_size} and {vertical_size} are not crossed: choose the "
                "horizontal ones at least as wide and at most as high as the vertical ones"
            )
        return cls(horizontal, vertical)

    @property
    def families(self) -> tuple[WindowGrid, ...]:
        """Both grids, see :class:`goodsam_pl.geometry.Windows`."""
        return (self.horizontal, self.vertical)

    @property
    def image_size(self) -> tuple[int, int]:
        """Height and width of the panorama, pixels."""
        return self.horizontal.image_size

    def overlaps(self) -> list[Overlap]:
        """All O_ij: ``first`` counts horizontal windows, ``second`` vertical ones."""
        return self.horizontal.overlaps_with(self.vertical)

    def coverage(self) -> Tensor:
        """How many windows hold each pixel: ``(H, W)`` int64, at least one of each family."""
        return self.horizontal.coverage() + self.vertical.coverage()
