"""L_bd: the student's soft boundary B_S against B_ref, which masks and the teacher assistant make.

GoodSAM, Sec. 3.2, L_bd^{T,S}. The soft boundary and the form of the loss are our choice. B_ref is
:func:`goodsam_pl.fusion.refined_boundary`.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from goodsam_pl.geometry import dilate, largest_around

__all__ = ["boundary_loss", "soft_boundary"]


def soft_boundary(probabilities: Tensor) -> Tensor:
    r"""B_S: how far the prediction changes towards a neighbour.

    .. math:: B_S(p) = \max_{q \in \{left, right, above, below\}}
        \tfrac12 \sum_c | P(p, c) - P(q, c) |

    the total variation between neighbours; on one-hot predictions it equals
    :func:`goodsam_pl.fusion.edges`, but for the seam.

    Args:
        probabilities: ``(B, K, H, W)`` of a whole panorama; its last column and its first are
            neighbours.

    Returns:
        ``(B, H, W)`` in [0, 1]: 0 inside uniform regions, 1 on both sides of a sharp edge.
    """
    right = (probabilities - probabilities.roll(-1, dims=-1)).abs().sum(dim=1) / 2
    below = (probabilities[..., :-1, :] - probabilities[..., 1:, :]).abs().sum(dim=1) / 2
    across = torch.maximum(right, right.roll(1, dims=-1))
    down = torch.maximum(F.pad(below, (0, 0, 0, 1)), F.pad(below, (0, 0, 1, 0)))
    return torch.maximum(across, down)


def boundary_loss(probabilities: Tensor, boundary: Tensor, where: Tensor | None = None) -> Tensor:
    r"""L_bd between the student's soft boundary B_S and B_ref, with a pixel of tolerance.

    .. math:: L_{bd} = \tfrac12 \big[
              \operatorname{mean}_{p \in B_{ref}} -\log \max_{3 \times 3} B_S(p)
              + \operatorname{mean}_{p \notin B_{ref} \oplus 3 \times 3} -\log (1 - B_S(p)) \big]

    Both halves weigh the same, as edges are few. Panoramas are whole: what lies right of the last
    column is the first, here as in B_ref, so that the loss of a turned panorama is the same.

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
    on, off = boundary & taking_part, ~dilate(boundary, 1) & taking_part
    hit = -(largest_around(soft, 1).log() * on).sum() / on.sum().clamp(min=1)
    miss = -((1 - soft).log() * off).sum() / off.sum().clamp(min=1)
    return (hit + miss) / 2
