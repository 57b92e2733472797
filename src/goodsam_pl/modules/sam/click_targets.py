"""What a SAM is to say, at the resolution at which it says it."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from goodsam_pl.data.instance_windows import ClickBatch

__all__ = ["block_ids", "clicked_wholes", "mask_blocks", "patch_shares"]

_MOST_INSTANCES = 96


def clicked_wholes(batch: ClickBatch) -> Tensor:
    """The whole instance under each click, ``(N, P, H, W)`` bool."""
    columns, rows = batch.points.long().unbind(dim=-1)
    images = torch.arange(len(rows), device=rows.device).unsqueeze(1)
    clicked = batch.instances[images, rows, columns]
    return batch.instances.unsqueeze(1) == clicked[..., None, None]


def block_ids(instances: Tensor, grid: tuple[int, ...]) -> Tensor:
    """The instance in the middle of each logit's pixels, int64 ``(N, h·w·16)``.

    Args:
        instances: ``(N, H, W)`` int64.
        grid: image tokens h and w; ordered as :func:`mask_blocks` orders logits.
    """
    rows, columns = (
        torch.arange(4 * count, device=instances.device) * side // (4 * count) + side // (8 * count)
        for side, count in zip(instances.shape[1:], grid, strict=True)
    )
    sampled = instances[:, rows[:, None], columns]
    quarters = sampled.reshape(-1, grid[0], 2, 2, grid[1], 2, 2).permute(0, 1, 4, 2, 5, 3, 6)
    return quarters.reshape(len(instances), -1)


def mask_blocks(masks: Tensor, grid: tuple[int, ...]) -> Tensor:
    """Masks as SAM draws them: each image token becomes a block of 4×4 logits.

    Args:
        masks: ``(N, P, H, W)`` bool.
        grid: image tokens h and w; a logit covers H / 4h by W / 4w pixels.

    Returns:
        ``(N·P, h·w, 16)`` float32, the share of each logit's pixels that the mask covers, ordered
        as :func:`goodsam_pl.sam.mask_logits.draw_blocks` orders logits.
    """
    rows, columns = grid
    logits = F.adaptive_avg_pool2d(masks.float(), (4 * rows, 4 * columns))
    quarters = logits.reshape(-1, rows, 2, 2, columns, 2, 2).permute(0, 1, 4, 2, 5, 3, 6)
    return quarters.reshape(-1, rows * columns, 16)


def patch_shares(instances: Tensor, grid: tuple[int, ...]) -> Tensor:
    """How much of each patch each instance covers.

    Args:
        instances: ``(N, H, W)`` int64, ids from 0, the largest instance first.
        grid: patches h and w.

    Returns:
        ``(N, 96, h·w)`` float32 in [0, 1], of the 96 largest instances; zeros where there are
        fewer.
    """
    height, width = (side // count for side, count in zip(instances.shape[1:], grid, strict=True))
    patches = instances.unfold(1, height, height).unfold(2, width, width)
    patches = patches.reshape(len(instances), -1, height * width).clamp(max=_MOST_INSTANCES)
    counts = torch.zeros(*patches.shape[:2], _MOST_INSTANCES + 1, device=patches.device)
    counts.scatter_add_(2, patches, torch.ones_like(patches, dtype=counts.dtype))
    return counts[..., :-1].transpose(1, 2).contiguous() / (height * width)
