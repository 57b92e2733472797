"""A mask cut to its box, and many of them laid on a window one after the other."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
import torch

from goodsam_pl.masks.layers import Binary, Layers
from goodsam_pl.masks.window_masks import WindowMasks

__all__ = ["PlacedMask", "arc", "lay_placed"]


class PlacedMask(NamedTuple):
    """A mask cut out of a window or a panorama.

    Attributes:
        top: first row, pixels.
        left: first column, 0 to W − 1; on a panorama the mask may go on beyond the seam.
        shape: ``(h, w)`` bool.
        predicted_iou: its proposer's guess of its IoU with its object.
        stability: IoU of the mask at a higher and at a lower threshold.
    """

    top: int
    left: int
    shape: Binary
    predicted_iou: float
    stability: float

    @property
    def area(self) -> int:
        """Pixels."""
        return int(np.count_nonzero(self.shape))

    @property
    def box(self) -> tuple[int, int, int, int]:
        """Left, top, right, bottom, the last ones included; right may lie beyond the seam."""
        height, width = self.shape.shape
        return self.left, self.top, self.left + width - 1, self.top + height - 1


def lay_placed(
    masks: Iterable[PlacedMask], size: tuple[int, int], most_layers: int | None = None
) -> WindowMasks:
    """Lay masks on a window, no two of them unpacked at once.

    Args:
        masks: sorted by area, largest first.
        size: height and width of the window, pixels.
        most_layers: so many masks may overlap at a pixel, give or take the order.

    Returns:
        The masks without logits.

    Raises:
        ValueError: they take more layers than there may be.
    """
    layers = Layers(size, most_layers)
    boxes, areas, scores = [], [], []
    for number, mask in enumerate(masks):
        height, width = mask.shape.shape
        columns = np.arange(mask.left, mask.left + width) % size[1]
        layers.lay(number, mask.shape, np.ix_(np.arange(mask.top, mask.top + height), columns))
        boxes.append(mask.box)
        areas.append(mask.area)
        scores.append((mask.predicted_iou, mask.stability))
    predicted_iou, stability = torch.tensor(scores).reshape(-1, 2).T.contiguous()
    return WindowMasks(
        layers=layers.stacked(),
        predicted_iou=predicted_iou,
        stability=stability,
        boxes=torch.tensor(boxes, dtype=torch.int32).reshape(-1, 4),
        areas=torch.tensor(areas, dtype=torch.int32),
    )


def arc(present: Binary) -> tuple[int, int]:
    """First column and length of the shortest arc of a circle that holds all that is present.

    Args:
        present: ``(W,)``, a place on the circle each.
    """
    columns = present.nonzero()[0]
    if len(columns) in (0, len(present)):
        return 0, len(columns)
    gaps = np.diff(columns, append=columns[0] + len(present))
    widest = int(gaps.argmax())
    return int(columns[(widest + 1) % len(columns)]), int(len(present) - gaps[widest] + 1)
