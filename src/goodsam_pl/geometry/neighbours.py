"""What lies around each pixel of a panorama, across the seam too."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

__all__ = ["dilate", "largest_around"]


def dilate(flags: Tensor, radius: int) -> Tensor:
    """Grow flags ``(B, H, W)`` by a square of the radius, across the seam."""
    return largest_around(flags.float(), radius) > 0


def largest_around(values: Tensor, radius: int) -> Tensor:
    """The maximum of ``(B, H, W)`` over a square of the radius, across the seam."""
    around = F.pad(values[:, None], (radius, radius, 0, 0), mode="circular")
    square = 2 * radius + 1
    return F.max_pool2d(around, square, stride=1, padding=(radius, 0)).squeeze(1)
