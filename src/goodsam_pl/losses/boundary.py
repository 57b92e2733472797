"""Boundaries: B_SAM from masks, B_ref refined by the teacher assistant, and the loss L_bd.

GoodSAM, Sec. 3.1, "boundary enhancement block" (Fig. 3) and L_bd^{T,S} of Sec. 3.2. The figure
shows B_ref as the part of SAM's edges that also divides classes in the prediction of at least one
of the overlapping windows; the rule below says that in pixels. The soft boundary and the form of
the loss are our choice.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from goodsam_pl.geometry import WindowGrid

__all__ = ["boundary_loss", "edges", "refined_boundary", "soft_boundary"]


def edges(index_map: Tensor) -> Tensor:
    """Pixels whose right or lower neighbour carries another value.

    Args:
        index_map: integers ``(..., h, w)``.

    Returns:
        bool ``(..., h, w)``; the last row and column have no such neighbour and count as inside.
    """
    result = torch.zeros_like(index_map, dtype=torch.bool)
    result[..., :, :-1] |= index_map[..., :, :-1] != index_map[..., :, 1:]
    result[..., :-1, :] |= index_map[..., :-1, :] != index_map[..., 1:, :]
    return result


def refined_boundary(masks: Tensor, labels: Tensor, windows: WindowGrid, radius: int = 3) -> Tensor:
    """B_ref = {p ∈ B_SAM : a class edge of some window lies within the radius}.

    SAM says where an edge is, the teacher assistant whether it divides classes; seen in any of the
    windows that overlap at a pixel, an edge survives (as the pole in the paper's figure does).

    Args:
        masks: SAM's index maps, int ``(B, N, L, h, w)``.
        labels: the teacher assistant's labels argmax S_i, int ``(B, N, h, w)``.
        windows: the grid that N runs over.
        radius: how far apart the two edges may lie, pixels.

    Returns:
        bool ``(B, H, W)`` on the whole panorama.
    """
    sam = _union(edges(masks.amax(dim=2)), windows)
    semantic = _union(edges(labels), windows)
    return sam & _dilate(semantic, radius)


def soft_boundary(probabilities: Tensor) -> Tensor:
    r"""B_S: how far the prediction changes to the right or lower neighbour.

    .. math:: B_S(p) = \max_{q \in \{right, below\}} \tfrac12 \sum_c | P(p, c) - P(q, c) |

    the total variation between neighbours; on one-hot predictions it equals :func:`edges`.

    Args:
        probabilities: ``(B, K, H, W)`` of a whole panorama; the right neighbour of its last column
            is the first.

    Returns:
        ``(B, H, W)`` in [0, 1]: 0 inside uniform regions, 1 on a sharp edge.
    """
    right = (probabilities - probabilities.roll(-1, dims=-1)).abs().sum(dim=1) / 2
    below = (probabilities[..., :-1, :] - probabilities[..., 1:, :]).abs().sum(dim=1) / 2
    return torch.maximum(right, F.pad(below, (0, 0, 0, 1)))


def boundary_loss(probabilities: Tensor, boundary: Tensor, where: Tensor | None = None) -> Tensor:
    r"""L_bd between the student's soft boundary B_S and B_ref, with a pixel of tolerance.

    .. math:: L_{bd} = \tfrac12 \big[
              \operatorname{mean}_{p \in B_{ref}} -\log \max_{3 \times 3} B_S(p)
              + \operatorname{mean}_{p \notin B_{ref} \oplus 3 \times 3} -\log (1 - B_S(p)) \big]

    Both halves weigh the same, as edges are few.

    Args:
        probabilities: softmax of P_S, ``(B, K, H, W)``.
        boundary: B_ref, bool ``(B, H, W)``.
        where: bool, broadcast to ``(B, H, W)``: pixels that take part (the paper draws the loss on
            overlaps); ``None`` takes all.

    Returns:
        Scalar ≥ 0, nats; a half without pixels counts 0.
    """
    soft = soft_boundary(probabilities.float()).clamp(1e-4, 1 - 1e-4)
    taking_part = torch.ones_like(boundary) if where is None else where.expand_as(boundary)
    on, off = boundary & taking_part, ~_dilate(boundary, 1) & taking_part
    nearest = F.max_pool2d(soft[:, None], kernel_size=3, stride=1, padding=1).squeeze(1)
    hit = -(nearest.log() * on).sum() / on.sum().clamp(min=1)
    miss = -((1 - soft).log() * off).sum() / off.sum().clamp(min=1)
    return (hit + miss) / 2


def _union(flags: Tensor, windows: WindowGrid) -> Tensor:
    """Windows' flags ``(B, N, h, w)`` on the whole panorama: set where any window sets them."""
    return windows.stitch(flags[:, :, None].float()).squeeze(1) > 0


def _dilate(flags: Tensor, radius: int) -> Tensor:
    """Grow flags ``(B, H, W)`` by a square of the radius, across the seam."""
    around = F.pad(flags[:, None].float(), (radius, radius, 0, 0), mode="circular")
    around = F.pad(around, (0, 0, radius, radius))
    return F.max_pool2d(around, kernel_size=2 * radius + 1, stride=1).squeeze(1) > 0
