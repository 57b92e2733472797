"""Cross-entropies of the multi-level knowledge adaptation, GoodSAM Sec. 3.2.

All of the paper's links between the teachers and the student are drawn as cross-entropies without
a temperature. Whether their targets are labels (hard) or probabilities (soft) is not public; both
are here. All take log-probabilities, so that one pass over the classes serves several terms, and
windows are cut from its result.
"""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from goodsam_pl.geometry import Windowed

__all__ = [
    "cross_entropy",
    "ensemble_cross_entropy",
    "labelled_cross_entropy",
    "whole_image_cross_entropy",
]


def cross_entropy(
    log_probabilities: Tensor, targets: Tensor, class_weights: Tensor | None = None
) -> Tensor:
    r"""Cross-entropy of each pixel, with hard or with soft targets.

    .. math:: H(p) = -\sum_c w_c \, q(p, c) \log P(p, c)

    with q the target's probabilities, or one-hot its label.

    Args:
        log_probabilities: log P, ``(..., K, h, w)``.
        targets: labels, integers ``(..., h, w)``, or probabilities q, float ``(..., K, h, w)``.
        class_weights: w, ``(K,)``; ``None`` is 1 for all.

    Returns:
        ``(..., h, w)``, nats.
    """
    if targets.is_floating_point():
        if class_weights is not None:
            targets = class_weights[:, None, None] * targets
        return -(targets * log_probabilities).sum(dim=-3)
    labels = targets.long()
    nats = -log_probabilities.gather(-3, labels.unsqueeze(-3)).squeeze(-3)
    return nats if class_weights is None else class_weights[labels] * nats


def labelled_cross_entropy(logits: Tensor, labels: Tensor, ignore_index: int) -> Tensor:
    r"""Cross-entropy with labels of people, who leave some pixels out.

    .. math:: L = \operatorname{mean}_{p : y(p) \ne \text{ignored}} -\log P(p, y(p))

    Args:
        logits: ``(B, K, H, W)``.
        labels: y, int64 ``(B, H, W)``.
        ignore_index: the label of pixels that do not count.

    Returns:
        Scalar ≥ 0, nats; 0, with a gradient of 0, where no pixel counts.
    """
    if not bool((labels != ignore_index).any()):
        return logits.sum() * 0.0
    return F.cross_entropy(logits, labels, ignore_index=ignore_index)


def whole_image_cross_entropy(
    log_probabilities: Tensor, targets: Tensor, class_weights: Tensor | None = None
) -> Tensor:
    r"""L_CE^{TA,S}: the student on the whole panorama against the stitched teacher assistant.

    .. math:: L = \operatorname{mean}_p H(p), \quad q = S^w_{TA}
        \text{ or its } \arg\max_c S^w_{TA}(p, c)

    Args:
        log_probabilities: log P_S, ``(B, K, H, W)``.
        targets: S_TA^w, probabilities ``(B, K, H, W)`` or labels ``(B, H, W)``.
        class_weights: w, ``(K,)``, 1 on average; ``None`` is 1 for all, as in the paper.

    Returns:
        Scalar ≥ 0, nats.
    """
    return cross_entropy(log_probabilities, targets, class_weights).mean()


def ensemble_cross_entropy(
    log_probabilities: Windowed,
    targets: Windowed,
    weight: Windowed,
    confident_weight: float = 1.0,
    class_weights: Tensor | None = None,
) -> Tensor:
    r"""L_CE^{T,·} of E_i and of E_H^i = E_i ⊗ M_i in one: against the student or the TA itself.

    .. math:: L = \operatorname{mean}_p (1 + \lambda_H M_i(p)) \, H(p), \quad q = E_i
        \text{ or its } \arg\max_c E_i(p, c)

    The two links of the figure differ by the weight alone, so their sum is one weighted
    cross-entropy.

    Args:
        log_probabilities: log P_i (student) or log S_i (teacher assistant), ``(B, N, K, h, w)``
            of each family, here and below; each family weighs the same.
        targets: E_i, probabilities ``(B, N, K, h, w)`` or labels ``(B, N, h, w)``.
        weight: M_i, ``(B, N, h, w)`` in [0, 1].
        confident_weight: λ_H, the weight of the E_H link beside the E link.
        class_weights: w, ``(K,)``, 1 on average; ``None`` is 1 for all, as in the paper.

    Returns:
        Scalar ≥ 0, nats.
    """
    families = zip(log_probabilities, targets, weight, strict=True)
    means = [
        ((1 + confident_weight * trusted) * cross_entropy(family, target, class_weights)).mean()
        for family, target, trusted in families
    ]
    return torch.stack(means).mean()
