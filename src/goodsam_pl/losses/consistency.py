"""L_CC: overlapping windows of the teacher assistant must agree where they see the same world."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from goodsam_pl.geometry import WindowGrid

__all__ = ["consistency", "symmetric_divergence"]


def consistency(logits: Tensor, windows: WindowGrid) -> Tensor:
    r"""Consistency constraint on overlaps, GoodSAM Eq. (1).

    .. math:: L_{CC} = \frac{1}{|O|} \sum_{(i,j)} \sum_{p \in O_{ij}}
              \tfrac{1}{2} \big[ KL(s_i(p) \,\|\, \bar s_j(p)) + KL(s_j(p) \,\|\, \bar s_i(p)) \big]

    with :math:`s` the softmax of the logits and a bar for stop-gradient. The paper's form of the
    distance is not public; the symmetric divergence with stop-gradient is our choice, after the
    same group's DPPASS.

    Args:
        logits: S_i, ``(B, N, K, h, w)``.
        windows: the grid that N runs over.

    Returns:
        Scalar ≥ 0, nats per pixel of overlap; 0 when no two windows overlap.
    """
    log_probabilities = F.log_softmax(logits, dim=2)
    pairs = windows.overlaps()
    if not pairs:
        return logits.sum() * 0.0
    sums, pixels = [], 0
    for first, second, (rows, columns), (other_rows, other_columns) in pairs:
        distance = symmetric_divergence(
            log_probabilities[:, first, :, rows, columns],
            log_probabilities[:, second, :, other_rows, other_columns],
        )
        sums.append(distance.sum())
        pixels += distance.numel()
    return torch.stack(sums).sum() / pixels


def symmetric_divergence(first: Tensor, second: Tensor) -> Tensor:
    """½[KL(s_i ‖ sg s_j) + KL(s_j ‖ sg s_i)] for each pixel.

    Args:
        first: log-probabilities ``(B, K, h, w)``.
        second: the same.

    Returns:
        ``(B, h, w)``, nats, ≥ 0.
    """
    towards_second = (first.exp() * (first - second.detach())).sum(dim=1)
    towards_first = (second.exp() * (second - first.detach())).sum(dim=1)
    return (towards_second + towards_first) / 2
