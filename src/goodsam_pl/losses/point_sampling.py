"""Points that masks are compared at (Kirillov et al., "PointRend", CVPR 2020, Sec. 3.1)."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Generator, Tensor

__all__ = ["sample_points", "values_at"]


@torch.no_grad()
def sample_points(
    logits: Tensor,
    count: int = 112 * 112,
    oversample: float = 3.0,
    uncertain: float = 0.75,
    generator: Generator | None = None,
) -> Tensor:
    """Choose points, most of them where a mask is unsure.

    ``oversample · count`` points are drawn evenly; of these the ``uncertain · count`` with the
    least |z| stay, and the rest is drawn evenly anew. The numbers are those of HQ-SAM and CoSAM.

    Args:
        logits: z, ``(B, 1, h, w)`` float.
        count: N, points of a mask.
        oversample: at least 1.
        uncertain: share, in [0, 1].
        generator: of the CPU, so that points are the same on any device.

    Returns:
        ``(B, N, 2)`` float32, ``(x, y)`` in [0, 1] of width and height.

    Raises:
        ValueError: the numbers are out of their range.
    """
    if count < 1 or oversample < 1 or not 0 <= uncertain <= 1:
        raise ValueError(
            f"{count} points, oversample {oversample}, uncertain {uncertain}: give at least one "
            "point, at least 1, and a share in [0, 1]"
        )
    masks, device = len(logits), logits.device
    drawn = torch.rand(masks, int(oversample * count), 2, generator=generator).to(device)
    unsure = values_at(logits.float(), drawn).abs().neg()
    nearest = unsure.topk(int(uncertain * count), dim=1).indices
    chosen = drawn.gather(1, nearest.unsqueeze(2).expand(-1, -1, 2))
    rest = torch.rand(masks, count - nearest.shape[1], 2, generator=generator).to(device)
    return torch.cat([chosen, rest], dim=1)


def values_at(maps: Tensor, points: Tensor) -> Tensor:
    """Bilinear values of maps at points; beyond the middles of outer pixels, zeros mix in.

    Args:
        maps: ``(B, 1, h, w)`` float.
        points: ``(B, N, 2)`` float, ``(x, y)`` in [0, 1]; 0 and 1 are outer edges of pixels.

    Returns:
        ``(B, N)`` float.
    """
    places = 2 * points.to(maps).unsqueeze(1) - 1
    return F.grid_sample(maps, places, mode="bilinear", align_corners=False)[:, 0, 0]
