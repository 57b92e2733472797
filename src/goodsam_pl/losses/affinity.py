"""Embeddings that say which patches, and which pixels, show the same instance."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from goodsam_pl.losses.mask_prediction import dice_loss, focal_loss

__all__ = ["affinity_loss", "anchor_loss"]

_STEEPNESS, _ALIKE = 14.0, 0.6
"""Slope of the logits, and the cosine at which they are 0; sigmoid(14 · 0.4) is 0.996."""


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


def anchor_loss(features: Tensor, ids: Tensor, anchors: int = 48, focal: float = 20.0) -> Tensor:
    r"""How badly features draw the instance under some anchors by likeness (our addition).

    .. math:: z_{ap} = 14 \left( \frac{f_a \cdot f_p}{|f_a| |f_p|} - 0.6 \right), \quad
        t_{ap} = [k_a = k_p], \quad
        L = \frac{1}{A} \sum_a \left[ 20 L_{focal}(t_a, z_a) + L_{dice}(t_a, z_a) \right]

    with k the instance of a place. A step of it corrects every place of a window, a step of SAM's
    losses only what some clicks select. Anchors are drawn with the square root of an instance's
    area, so that small ones count.

    Args:
        features: f, ``(N, P, c)``, of P places in any order.
        ids: k, int64 ``(N, P)``, from 0.
        anchors: A, of each image.
        focal: weight of the focal loss beside the dice loss; 20 is SAM's.

    Returns:
        Scalar ≥ 0.
    """
    unit = F.normalize(features.float(), dim=2)
    areas = torch.zeros_like(ids, dtype=unit.dtype)
    areas.scatter_add_(1, ids, torch.ones_like(areas))
    chosen = torch.multinomial(areas.gather(1, ids).rsqrt(), anchors)
    anchor = unit.gather(1, chosen.unsqueeze(2).expand(-1, -1, unit.shape[2]))
    logits = _STEEPNESS * (anchor @ unit.transpose(1, 2) - _ALIKE)
    same = (ids.gather(1, chosen).unsqueeze(2) == ids.unsqueeze(1)).to(logits)
    return (focal * focal_loss(logits, same) + dice_loss(logits, same)).mean()
