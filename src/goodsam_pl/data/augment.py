"""The augmentation that panoramas get for free: turning and mirroring the full circle.

A roll of an equirectangular image is a rotation of the camera about the vertical (yaw), so a
rolled panorama is as real as the one that was taken. Stored window masks follow without being
computed again, by going to another place in the grid. With n windows in a row, evenly spaced
d = W / n apart and w wide, counted modulo n:

* a roll to the right by k·d puts onto place j what was at place j - k;
* a mirror image of window i starts at W - i·d - w. That is on the grid if d divides w; in
  general a roll by ``w mod d`` brings it there, and place j holds the mirrored window
  n - j - w // d.

Rows of windows stay as they are. All of this is exact, no pixel is interpolated. Of several
families of windows, a turn has to bring each onto its own grid.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from goodsam_pl.geometry import Windowed, WindowGrid, Windows

__all__ = ["Turn", "column_spacing", "draw_turn", "possible_shifts"]


@dataclass(frozen=True)
class Turn:
    """Mirror a panorama (or not), then roll it to the right.

    Attributes:
        shift: columns to roll by, pixels, 0 <= shift < W.
        mirror: flip left and right before the roll.
    """

    shift: int = 0
    mirror: bool = False

    def pixels(self, image: Tensor) -> Tensor:
        """Turn images or labels ``(..., H, W)``."""
        if self.mirror:
            image = image.flip(-1)
        return image.roll(self.shift, dims=-1) if self.shift else image

    def at_stride(self, stride: int) -> Turn:
        """The same turn of something ``stride`` times smaller.

        Raises:
            ValueError: the roll falls between its pixels.
        """
        if self.shift % stride:
            raise ValueError(
                f"a roll by {self.shift} pixels falls between targets that stand {stride} pixels "
                "apart: choose window strides that are multiples of it, or targets: hard"
            )
        return Turn(self.shift // stride, self.mirror)

    def windowed(self, windowed: Windowed, windows: Windows) -> Windowed:
        """Turn what is known of the windows of each family, see :meth:`masks`."""
        return tuple(map(self.masks, windowed, windows.families))

    def masks(self, masks: Tensor, windows: WindowGrid) -> Tensor:
        """Turn stored masks with their panorama.

        Args:
            masks: ``(N, ..., w)``, N windows of ``windows``; the last axis runs to the right.
            windows: the grid.

        Returns:
            The same shape: masks of the turned panorama's windows.

        Raises:
            ValueError: the grid is not even around the circle, or the shift leaves it.
        """
        spacing = column_spacing(windows)
        count, window_width = len(windows.columns), windows.window_size[1]
        offset = window_width % spacing if self.mirror else 0
        if (self.shift - offset) % spacing:
            raise ValueError(
                f"a roll by {self.shift} pixels leaves the grid of windows, which stand "
                f"{spacing} pixels apart"
            )
        steps = (self.shift - offset) // spacing
        places = torch.arange(count, device=masks.device) - steps
        if self.mirror:
            places = -places - window_width // spacing
            masks = masks.flip(-1)
        by_row = masks.reshape(len(windows.rows), count, *masks.shape[1:])
        return by_row[:, places % count].flatten(0, 1)


def column_spacing(windows: WindowGrid) -> int:
    """Distance between neighbouring windows of a row, pixels.

    Raises:
        ValueError: the columns do not divide the circle evenly, so that turned masks would lie
            between the windows.
    """
    width, count = windows.image_size[1], len(windows.columns)
    spacing = width // count
    if windows.columns != tuple(index * spacing for index in range(count)) or width % count:
        raise ValueError(
            f"{count} windows do not stand evenly around {width} columns (left edges "
            f"{windows.columns}): choose window_stride so that their number divides the width, "
            "or switch roll and flip off"
        )
    return spacing


def possible_shifts(windows: Windows, mirror: bool) -> npt.NDArray[np.int64]:
    """All rolls, pixels, that bring the windows of every family onto their grid.

    Args:
        windows: one family, or several.
        mirror: whether the panorama is mirrored before the roll.

    Raises:
        ValueError: a family is not even around the circle, or no roll does it for all.
    """
    shifts = np.arange(windows.image_size[1])
    for grid in windows.families:
        spacing = column_spacing(grid)
        offset = grid.window_size[1] % spacing if mirror else 0
        shifts = shifts[shifts % spacing == offset]
    if not len(shifts):
        raise ValueError(
            "mirrored windows of both families find no common place: choose widths of windows that "
            "are multiples of their horizontal strides, or switch flip off"
        )
    return shifts


def draw_turn(
    generator: np.random.Generator, width: int, roll: bool, flip: bool, windows: Windows | None
) -> Turn:
    """Draw a turn: every roll equally likely, a mirror image half of the time.

    Args:
        generator: source of the random numbers.
        width: columns of the panorama.
        roll: draw a roll.
        flip: draw a mirror image.
        windows: windows of the masks that have to follow; ``None`` lets the roll be any number of
            columns.
    """
    mirror = flip and bool(generator.integers(2))
    if windows is None:
        return Turn(int(generator.integers(width)) if roll else 0, mirror)
    shifts = possible_shifts(windows, mirror)
    return Turn(int(shifts[generator.integers(len(shifts)) if roll else 0]), mirror)
