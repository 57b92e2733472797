"""Sliding windows over an equirectangular image: where they lie, cutting, stitching.

A panorama closes on itself, so windows run around the full circle and some of them cross the
seam between the last column and the first. GoodSAM cuts its panoramas into overlapping windows
(paper, Sec. 3.1, "sliding window sampling"), GoodSAM++ into wide, flat ones that overlap with
narrow, tall ones (:mod:`goodsam_pl.geometry.crossed`); what happens at the seam neither says,
wrapping is our choice.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import combinations, product
from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from goodsam_pl.geometry.cutting import Cut, add_up, cut_out, put_back

__all__ = ["Overlap", "WindowGrid", "at_scale", "map_windows"]


class Overlap(NamedTuple):
    """Two windows that share pixels, O_ij.

    Attributes:
        first: index i of one window.
        second: index j of the other; j > i where both are of one grid.
        in_first: rows and columns of the shared pixels inside window i.
        in_second: the same pixels inside window j.
    """

    first: int
    second: int
    in_first: tuple[slice, slice]
    in_second: tuple[slice, slice]


class WindowGrid(NamedTuple):
    """The windows of one panorama, numbered row by row, each row from left to right.

    Build it with :meth:`cover`. A window starts at ``rows[i // len(columns)]`` and
    ``columns[i % len(columns)]``; where its right edge lies beyond the image, it goes on at the
    left border.

    Attributes:
        image_size: height and width of the panorama, pixels.
        window_size: height and width of a window, pixels.
        stride: the largest step between neighbouring windows, vertical and horizontal, pixels.
        rows: top edges, pixels.
        columns: left edges, pixels.
    """

    image_size: tuple[int, int]
    window_size: tuple[int, int]
    stride: tuple[int, int]
    rows: tuple[int, ...]
    columns: tuple[int, ...]

    @classmethod
    def cover(
        cls,
        image_size: tuple[int, int],
        window_size: tuple[int, int],
        stride: tuple[int, int],
        wrap: bool = True,
    ) -> WindowGrid:
        """Lay windows so that every pixel is in at least one, evenly and with the least number.

        Args:
            image_size: ``(H, W)`` of the panorama.
            window_size: ``(h, w)`` of a window.
            stride: the largest allowed step ``(vertical, horizontal)``. Windows are spread evenly,
                so that the true step may be smaller.
            wrap: let windows run across the seam; ``False`` for images that are no full circle.

        Raises:
            ValueError: a size or stride below 1, a window larger than the image, or a stride that
                would leave pixels uncovered.
        """
        for axis, image, window, step in zip(
            ("height", "width"), image_size, window_size, stride, strict=True
        ):
            if not 1 <= window <= image:
                raise ValueError(
                    f"window {axis} {window} does not fit the image {axis} {image}: "
                    f"choose 1 to {image}"
                )
            if not 1 <= step <= window:
                raise ValueError(
                    f"stride {step} over windows of {axis} {window} leaves gaps: "
                    f"choose 1 to {window}"
                )
        (height, width), (window_height, window_width) = image_size, window_size
        rows = _spread_line(height, window_height, stride[0])
        columns = (
            _spread_circle(width, stride[1])
            if wrap
            else _spread_line(width, window_width, stride[1])
        )
        size = (window_height, window_width)
        return cls((height, width), size, (stride[0], stride[1]), rows, columns)

    @classmethod
    def whole(cls, image_size: tuple[int, int]) -> WindowGrid:
        """One window, as large as the image."""
        return cls.cover(image_size, image_size, image_size)

    @property
    def families(self) -> tuple[WindowGrid, ...]:
        """This grid alone, see :class:`goodsam_pl.geometry.Windows`."""
        return (self,)

    @property
    def count(self) -> int:  # type: ignore[override]  # of windows; nobody counts tuple items
        """Number of windows N."""
        return len(self.rows) * len(self.columns)

    def corner(self, index: int) -> tuple[int, int]:
        """Top and left edge of window ``index``, pixels."""
        row, column = divmod(index, len(self.columns))
        return self.rows[row], self.columns[column]

    def extract(self, images: Tensor) -> Tensor:
        """Cut all windows.

        Args:
            images: ``(B, C, H, W)`` or ``(B, H, W)``, any dtype.

        Returns:
            ``(B, N, C, h, w)`` or ``(B, N, h, w)``.

        Raises:
            ValueError: the images have another size than the grid.
        """
        if tuple(images.shape[-2:]) != self.image_size:
            raise ValueError(
                f"the grid is for images of {self.image_size}, these are {tuple(images.shape[-2:])}"
            )
        return cut_out(images, self._cut)

    def stitch(self, windows: Tensor) -> Tensor:
        """Average overlapping windows back into whole images, the inverse of :meth:`extract`.

        Args:
            windows: ``(B, N, C, h, w)`` floating point, e.g. softmax probabilities S_i.

        Returns:
            ``(B, C, H, W)``; each pixel is the mean over the windows that hold it (S_TA^w).
        """
        return self.add_up(windows) / self.coverage().to(windows)

    def add_up(self, windows: Tensor) -> Tensor:
        """Sum overlapping windows on whole images: :meth:`stitch` before the mean is taken."""
        return add_up(windows, self._cut)

    def put_back(self, windows: Tensor) -> Tensor:
        """Lay windows ``(B, N, ..., h, w)``, any dtype, where :meth:`extract` cut them from.

        Where they overlap they say the same, so that any of them counts: ``(B, ..., H, W)``.
        """
        return put_back(windows, self._cut)

    @property
    def _cut(self) -> Cut:
        return Cut(self.image_size, self.window_size, self.rows, self.columns)

    def overlaps(self) -> list[Overlap]:
        """All pairs of windows that share pixels, also across the seam, each pair once a side.

        Two windows that meet on both sides of the circle appear twice, with disjoint pixels.
        """
        pairs = combinations(range(self.count), 2)
        return [each for pair in pairs for each in _meet(self, pair[0], self, pair[1])]

    def overlaps_with(self, other: WindowGrid) -> list[Overlap]:
        """As :meth:`overlaps`, between a window of this grid and one of another, O_ij.

        Args:
            other: a grid over the same images; ``second`` counts its windows.
        """
        pairs = product(range(self.count), range(other.count))
        return [each for pair in pairs for each in _meet(self, pair[0], other, pair[1])]

    def coverage(self) -> Tensor:
        """How many windows hold each pixel: ``(H, W)`` int64, at least 1 everywhere."""
        (height, width), (window_height, window_width) = self.image_size, self.window_size
        down = torch.zeros(height, dtype=torch.int64)
        for top in self.rows:
            down[top : top + window_height] += 1
        across = torch.zeros(2 * width, dtype=torch.int64)
        for left in self.columns:
            across[left : left + window_width] += 1
        return down[:, None] * (across[:width] + across[width:])


def map_windows(
    function: Callable[[Tensor], Tensor],
    images: Tensor,
    windows: WindowGrid,
    scale: float = 1.0,
    chunk: int | None = None,
) -> Tensor:
    """Run a dense predictor on every window.

    Args:
        function: maps ``(n, 3, h', w')`` to logits ``(n, K, h', w')``.
        images: ``(B, 3, H, W)``.
        windows: the grid of these images.
        scale: enlarge the windows by this factor, see :func:`at_scale`.
        chunk: windows per call; ``None`` takes all at once.

    Returns:
        Logits ``(B, N, K, h, w)``, float32 also under autocast.
    """
    cut = windows.extract(images)
    batch, count = cut.shape[:2]
    flat = cut.flatten(0, 1)
    parts = [at_scale(function, part, scale) for part in flat.split(chunk or len(flat))]
    logits: Tensor = torch.cat(parts).unflatten(0, (batch, count))
    return logits


def at_scale(function: Callable[[Tensor], Tensor], images: Tensor, scale: float) -> Tensor:
    """Enlarge images before a dense predictor sees them, and shrink its logits back.

    A panorama shows the world at fewer pixels per degree than the pinhole photographs a network was
    trained on; this makes up for it (our choice).

    Args:
        function: maps ``(B, 3, h, w)`` to logits ``(B, K, h, w)``.
        images: ``(B, 3, H, W)``.
        scale: h by H, and w by W; rounded down to whole pixels.

    Returns:
        Logits ``(B, K, H, W)``, float32 also under autocast.
    """
    if scale == 1.0:
        return function(images).float()
    size = (images.shape[-2], images.shape[-1])
    enlarged = F.interpolate(images, scale_factor=scale, mode="bilinear", antialias=scale < 1)
    return F.interpolate(function(enlarged).float(), size=size, mode="bilinear")


def _meet(grid: WindowGrid, index: int, other: WindowGrid, other_index: int) -> list[Overlap]:
    """What two windows share; two pieces where they meet on both sides of the circle."""
    (top, left), (other_top, other_left) = grid.corner(index), other.corner(other_index)
    rows = _shared(other_top - top, grid.window_size[0], other.window_size[0])
    across = (other_left - left) % grid.image_size[1]
    found = []
    for shift in (across, across - grid.image_size[1]):
        columns = _shared(shift, grid.window_size[1], other.window_size[1])
        if rows and columns:
            first, second = (rows[0], columns[0]), (rows[1], columns[1])
            found.append(Overlap(index, other_index, first, second))
    return found


def _shared(shift: int, length: int, other: int) -> tuple[slice, slice] | None:
    """Where two stretches overlap, the second starting ``shift`` after the first."""
    begin, end = max(shift, 0), min(length, shift + other)
    if begin >= end:
        return None
    return slice(begin, end), slice(begin - shift, end - shift)


def _spread_line(length: int, window: int, step: int) -> tuple[int, ...]:
    """Starts from 0 to ``length - window`` at even distances of at most ``step``."""
    last = length - window
    intervals = max(1, -(-last // step))
    return tuple(sorted({round(index * last / intervals) for index in range(intervals + 1)}))


def _spread_circle(length: int, step: int) -> tuple[int, ...]:
    """Starts around the whole circle at even distances of at most ``step``."""
    count = -(-length // step)
    return tuple(index * length // count for index in range(count))
