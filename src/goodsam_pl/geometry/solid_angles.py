"""How much of the sphere the pixels of a panorama show.

Rows near the poles show little of it: a row from latitude φ1 up to φ2 shows 2π (sin φ2 - sin φ1)
steradians.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor

__all__ = ["row_solid_angles"]


def row_solid_angles(height: int, above: float, below: float) -> Tensor:
    """What each row of an equirectangular image shows, all around: float64 ``(H,)``, steradians.

    Args:
        height: H, pixels.
        above: of the upper edge, degrees above the horizon; negative for an edge below it.
        below: of the lower edge, degrees below the horizon.

    Raises:
        ValueError: no rows, or angles that no image has.
    """
    if height < 1 or not -90 <= -below < above <= 90:
        raise ValueError(
            f"{height} rows from {above:g}° above the horizon to {below:g}° below it are no image"
        )
    edges = torch.linspace(above, -below, height + 1, dtype=torch.float64)
    heights = (edges * (math.pi / 180)).sin()
    return 2 * math.pi * (heights[:-1] - heights[1:])
