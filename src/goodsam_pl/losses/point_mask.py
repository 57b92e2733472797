"""Masks compared at points, as HQ-SAM and CoSAM train (Cheng et al., "Mask2Former", CVPR 2022)."""

from __future__ import annotations

from typing import NamedTuple

import torch.nn.functional as F
from torch import Tensor

from goodsam_pl.losses.mask_prediction import dice_loss
from goodsam_pl.losses.point_sampling import values_at

__all__ = ["PointLoss", "point_mask_loss"]


class PointLoss(NamedTuple):
    """Means over the masks of a batch, scalars.

    Attributes:
        cross_entropy: in nats.
        dice: in [0, 1).
    """

    cross_entropy: Tensor
    dice: Tensor


def point_mask_loss(logits: Tensor, targets: Tensor, points: Tensor) -> PointLoss:
    r"""Binary cross-entropy and dice loss at points.

    .. math:: L_{BCE} = \frac{1}{B N} \sum_{b, i} H(t_{bi}, p_{bi}), \quad
        L_{dice} = \frac{1}{B} \sum_b \left(1 - \frac{2 \sum_i p_{bi} t_{bi} + 1}
        {\sum_i p_{bi} + \sum_i t_{bi} + 1}\right)

    Args:
        logits: z of p = sigmoid(z), ``(B, 1, h, w)``.
        targets: t in [0, 1], ``(B, 1, H, W)`` of any size: a mask, or the probabilities of a former
            network, as learning without forgetting has them.
        points: ``(B, N, 2)`` of :func:`goodsam_pl.losses.sample_points`.
    """
    drawn = values_at(logits.float(), points)
    wanted = values_at(targets.float(), points)
    entropy = F.binary_cross_entropy_with_logits(drawn, wanted)
    return PointLoss(entropy, dice_loss(drawn, wanted).mean())
