"""Embeddings that say which patches show the same instance."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

from goodsam_pl.losses.mask_prediction import dice_loss

__all__ = ["affinity_loss"]


def affinity_loss(embeddings: Tensor, shares: Tensor) -> Tensor:
    r"""How badly the embeddings of two patches tell whether they show one instance (our addition).

    .. math:: z_{ij} = \frac{4 e_i \cdot e_j}{\sqrt C} - \frac{\sqrt C}{2}, \quad
        t_{ij} = \sum_k s_{ki} s_{kj}, \quad
        L = \frac{\sum_i m_i [H(t_i, z_i) + D(t_i, z_i)]}{\sum_i m_i}, \quad
        m_i = \sum_k \frac{s_{ki}}{\sqrt{\max(1, \sum_j s_{kj})}}

    with H the mean binary cross-entropy of a row and D its dice loss, so that an instance counts
    with the square root of its area. A SAM that starts from random weights learns nothing for a
    long time without this: a decoder that cannot yet select gives the encoder no hint of what to
    tell apart. SAM's embeddings have a length of about √C / 2, so that equal ones give z = √C / 2
    and unlike ones −√C / 2.

    Args:
        embeddings: e, ``(N, C, h, w)``.
        shares: s in [0, 1], ``(N, K, h·w)``, how much of each patch each instance covers.

    Returns:
        Scalar ≥ 0.
    """
    flat = embeddings.float().flatten(2)
    scale = flat.shape[1] ** 0.5
    logits = 4 * flat.transpose(1, 2) @ flat / scale - scale / 2
    same = shares.transpose(1, 2) @ shares
    importance = (shares / shares.sum(dim=2, keepdim=True).clamp(min=1).sqrt()).sum(dim=1)
    entropy = F.binary_cross_entropy_with_logits(logits, same, reduction="none").mean(dim=2)
    return ((entropy + dice_loss(logits, same)) * importance).sum() / importance.sum()
