"""L_CC: overlapping windows of the teacher assistant must agree where they see the same world."""

from __future__ import annotations

from typing import Literal

import torch
from torch import Tensor

from goodsam_pl.geometry import Windowed, Windows

__all__ = ["Distance", "consistency", "squared_difference", "symmetric_divergence"]

Distance = Literal["divergence", "mse"]
"""How far two predictions of a pixel are apart: see :func:`symmetric_divergence` and
:func:`squared_difference`."""


def consistency(
    log_probabilities: Windowed, windows: Windows, distance: Distance = "divergence"
) -> Tensor:
    r"""Consistency constraint on overlaps, GoodSAM Eq. (1).

    .. math:: L_{CC} = \frac{1}{|O|} \sum_{(i,j)} \sum_{p \in O_{ij}} d(S_i(p), S_j(p))

    In GoodSAM i and j are neighbours of one row, in GoodSAM++ one is a horizontal and one a
    vertical window. The paper's form of d is not public; the symmetric divergence with
    stop-gradient is our choice, after the same group's DPPASS.

    Args:
        log_probabilities: log S_i, ``(B, N, K, h, w)``, of each family.
        windows: what N runs over.
        distance: d.

    Returns:
        Scalar ≥ 0, the mean over pixels of overlap (nats for the divergence); 0 when no two
        windows overlap.
    """
    pairs = windows.overlaps()
    if not pairs:
        return torch.stack([family.sum() * 0.0 for family in log_probabilities]).sum()
    # windows one by one: the gradient of a slice is as large as what it was cut from
    parts = [family.unbind(dim=1) for family in log_probabilities]
    apart = symmetric_divergence if distance == "divergence" else squared_difference
    sums, pixels = [], 0
    for first, second, (rows, columns), (other_rows, other_columns) in pairs:
        distances = apart(
            parts[0][first][..., rows, columns],
            parts[-1][second][..., other_rows, other_columns],
        )
        sums.append(distances.sum())
        pixels += distances.numel()
    return torch.stack(sums).sum() / pixels


def symmetric_divergence(first: Tensor, second: Tensor) -> Tensor:
    """½[KL(S_i ‖ sg S_j) + KL(S_j ‖ sg S_i)] for each pixel, sg for stop-gradient.

    Args:
        first: log-probabilities ``(B, K, h, w)``.
        second: the same.

    Returns:
        ``(B, h, w)``, nats, ≥ 0.
    """
    towards_second = (first.exp() * (first - second.detach())).sum(dim=1)
    towards_first = (second.exp() * (second - first.detach())).sum(dim=1)
    return (towards_second + towards_first) / 2


def squared_difference(first: Tensor, second: Tensor) -> Tensor:
    """The mean over classes of (S_i − S_j)² for each pixel.

    Args:
        first: log-probabilities ``(B, K, h, w)``.
        second: the same.

    Returns:
        ``(B, h, w)`` in [0, 2 / K].
    """
    return (first.exp() - second.exp()).square().mean(dim=1)
