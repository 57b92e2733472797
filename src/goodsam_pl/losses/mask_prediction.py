"""The losses of Segment Anything (Kirillov et al., ICCV 2023, Sec. 3 and App. A).

A prompt has M predicted masks and one target. SAM adds focal and dice loss 20 : 1 and corrects the
better mask alone, so that the masks learn to differ where a prompt is ambiguous; the predicted IoU
of each mask aims at its true one by a squared error.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["dice_loss", "focal_loss", "mask_iou", "weigh_masks"]


def focal_loss(logits: Tensor, targets: Tensor) -> Tensor:
    r"""Focal loss of masks (Lin et al., "Focal Loss for Dense Object Detection", ICCV 2017).

    .. math:: L_{focal} = \frac{1}{n} \sum_i (p_i - t_i)^2 \, H(t_i, p_i), \quad
        p = \operatorname{sigmoid}(z)

    with H the binary cross-entropy in nats. For t in {0, 1} the factor is the paper's
    :math:`(1 - p_t)^\gamma` of γ = 2; α is left out.

    Args:
        logits: z, ``(…, n)``.
        targets: t in [0, 1], the same shape: how much of its pixels a logit's mask covers.

    Returns:
        ``(…)``, ≥ 0.
    """
    entropy = F.binary_cross_entropy_with_logits(logits, targets, reduction="none")
    return ((logits.sigmoid() - targets).square() * entropy).mean(dim=-1)


def dice_loss(logits: Tensor, targets: Tensor) -> Tensor:
    r"""Dice loss of masks (Milletari et al., "V-Net", 3DV 2016), smoothed by 1.

    .. math:: L_{dice} = 1 - \frac{2 \sum_i p_i t_i + 1}{\sum_i p_i + \sum_i t_i + 1}

    Args:
        logits: z of p = sigmoid(z), ``(…, n)``.
        targets: t in [0, 1], the same shape.

    Returns:
        ``(…)`` in [0, 1).
    """
    probability = logits.sigmoid()
    overlap = (probability * targets).sum(dim=-1)
    sizes = probability.sum(dim=-1) + targets.sum(dim=-1)
    return 1 - (2 * overlap + 1) / (sizes + 1)


@torch.no_grad()
def mask_iou(logits: Tensor, targets: Tensor) -> Tensor:
    """Intersection over union of the masks z > 0 and t > 0.5; what the predicted IoU aims at.

    Args:
        logits: z, ``(…, n)``.
        targets: t in [0, 1], of a shape that broadcasts with it.

    Returns:
        ``(…)`` in [0, 1]; 0 where both are empty.
    """
    drawn, wanted = logits > 0, targets > 0.5
    union = (drawn | wanted).sum(dim=-1).clamp(min=1)
    return (drawn & wanted).sum(dim=-1) / union


@torch.no_grad()
def weigh_masks(costs: Tensor, others: float) -> Tensor:
    r"""How much each of M masks of a prompt is corrected: the best one most.

    .. math:: w_b = 1 - o, \quad w_m = \frac{o}{M - 1} \; (m \ne b), \quad b = \arg\min_m c_m

    SAM has o = 0. Three masks that are corrected only where they are best may become sky, road and
    the rest, wherever the prompt is; a share for the others keeps them with the prompt (Rupprecht
    et al., "Learning in an Uncertain World", ICCV 2017).

    Args:
        costs: c, ``(B, M)``.
        others: o, from 0 to (M − 1) / M, where all are alike.

    Returns:
        ``(B, M)`` with sum 1.
    """
    count = costs.shape[1]
    best = F.one_hot(costs.argmin(dim=1), count)
    return others / (count - 1) + (1 - count / (count - 1) * others) * best
