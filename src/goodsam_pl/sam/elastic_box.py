"""A box that gives way on the sides where the image looks as it does within the mask.

SAMRefiner's context-aware elastic box (Lin et al., ICLR 2025, arXiv 2502.06756), as its release
computes it.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from goodsam_pl.masks.layers import Binary
from goodsam_pl.masks.window_masks import LogitFrame
from goodsam_pl.sam.coarse_prompts import tight_box

__all__ = ["elastic_box"]

_STEP_SHARE = 0.1
_LONGEST_STEP = 10
_ALIKE = 0.5

Box = tuple[int, int, int, int]


def elastic_box(
    mask: Binary, embedding: Tensor, frame: LogitFrame, margin: float
) -> tuple[Box, bool]:
    """The tight box of a mask, each side moved outwards where the mask seems to go on.

    With e(u) the embedding at a pixel, and q the mean of e over the mask, both of length 1, a side
    moves by min(10 % of the box's length across it, 10 pixels) if

        |{u ∈ strip : e(u) · q > 0.5}| / |strip| > margin

    where the strip is what the box would gain. A side that would leave the window stays.

    Args:
        mask: ``(h, w)`` bool, not empty.
        embedding: ``(C, h', w')`` float, of the square that the model sees.
        frame: how that lies on the window.
        margin: 0 leaves every box tight, as the release does if nothing is said.

    Returns:
        Left, top, right, bottom in pixels, and whether any side has moved.
    """
    left, top, right, bottom = tight = tight_box(mask)
    if margin <= 0:
        return tight, False
    height, width = mask.shape
    across, down = _step(right - left), _step(bottom - top)
    query = _mean_inside(mask, embedding, frame)
    strips = {  # columns and rows, the last ones not included
        "left": ((left - across, left), (top, bottom + 1), left - across > 0),
        "top": ((left, right + 1), (top - down, top), top - down > 0),
        "right": ((right + 1, right + 1 + across), (top, bottom + 1), right + across < width),
        "bottom": ((left, right + 1), (bottom + 1, bottom + 1 + down), bottom + down < height),
    }
    moved = {
        side: inside
        and columns[1] > columns[0]
        and rows[1] > rows[0]
        and _share_alike(columns, rows, (height, width), embedding, frame, query) > margin
        for side, (columns, rows, inside) in strips.items()
    }
    box = (
        left - across * moved["left"],
        top - down * moved["top"],
        right + across * moved["right"],
        bottom + down * moved["bottom"],
    )
    return box, any(moved.values())


def _step(length: int) -> int:
    return min(int(_STEP_SHARE * length), _LONGEST_STEP)


def _mean_inside(mask: Binary, embedding: Tensor, frame: LogitFrame) -> Tensor:
    """Direction ``(C,)`` of the mean over the tokens in a mask; of the nearest if there is none."""
    rows, columns = (
        max(1, round(count * length / frame.image_size))
        for count, length in zip(embedding.shape[1:], (frame.height, frame.width), strict=True)
    )
    whole = torch.from_numpy(mask).to(embedding.device)
    small = F.interpolate(whole[None, None].float(), (rows, columns), mode="nearest")[0, 0] > 0
    if not small.any():
        small = F.adaptive_max_pool2d(whole[None, None].float(), (rows, columns))[0, 0] > 0
    inside = embedding[:, :rows, :columns][:, small]
    return F.normalize(inside.mean(dim=1), dim=0)


def _share_alike(
    columns: tuple[int, int],
    rows: tuple[int, int],
    size: tuple[int, int],
    embedding: Tensor,
    frame: LogitFrame,
    query: Tensor,
) -> float:
    """Of a strip's pixels, those whose embedding is like the query; only the strip is enlarged."""
    device = embedding.device
    x = (torch.arange(*columns, device=device) + 0.5) / size[1] * frame.width / frame.image_size
    y = (torch.arange(*rows, device=device) + 0.5) / size[0] * frame.height / frame.image_size
    places = torch.stack(torch.meshgrid(x, y, indexing="xy"), dim=-1) * 2 - 1
    found = F.grid_sample(
        embedding[None].float(), places[None].float(), padding_mode="border", align_corners=False
    )[0]
    cosine = torch.einsum("chw,c->hw", F.normalize(found, dim=0), query.float())
    return float((cosine > _ALIKE).float().mean())
