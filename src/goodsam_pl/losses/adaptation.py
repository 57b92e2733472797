"""Cross-entropies of the multi-level knowledge adaptation, GoodSAM Sec. 3.2.

All of the paper's links between the teachers and the student are drawn as cross-entropies without
a temperature; hard targets are our choice.
"""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

__all__ = ["ensemble_cross_entropy", "whole_image_cross_entropy"]


def whole_image_cross_entropy(
    logits: Tensor, labels: Tensor, class_weights: Tensor | None = None
) -> Tensor:
    r"""L_CE^{TA,S}: the student on the whole panorama against the stitched teacher assistant.

    .. math:: L = \operatorname{mean}_p -w_{y(p)} \log P_S(p, y(p)), \quad
        y(p) = \arg\max_c S^w_{TA}(p, c)

    Args:
        logits: P_S, ``(B, K, H, W)``.
        labels: y, integers ``(B, H, W)``.
        class_weights: w, ``(K,)``, 1 on average; ``None`` is 1 for all, as in the paper.

    Returns:
        Scalar ≥ 0, nats.
    """
    nats = F.cross_entropy(logits.float(), labels.long(), weight=class_weights, reduction="none")
    return nats.mean()


def ensemble_cross_entropy(
    log_probabilities: Tensor,
    labels: Tensor,
    weight: Tensor,
    confident_weight: float = 1.0,
    class_weights: Tensor | None = None,
) -> Tensor:
    r"""L_CE^{T,·} of E_i and of E_H^i = E_i ⊗ M_i in one: against the student or the TA itself.

    .. math:: L = \operatorname{mean}_p -w_{y(p)} (1 + \lambda_H M_i(p)) \log P_i(p, y(p)), \quad
        y(p) = \arg\max_c E_i(p, c)

    With hard targets the two links of the figure differ by the weight alone, so their sum is one
    weighted cross-entropy.

    Args:
        log_probabilities: of P_i (student) or S_i (teacher assistant), ``(B, N, K, h, w)``.
        labels: y, integers ``(B, N, h, w)``.
        weight: M_i, ``(B, N, h, w)`` in [0, 1].
        confident_weight: λ_H, the weight of the E_H link beside the E link.
        class_weights: w, ``(K,)``, 1 on average; ``None`` is 1 for all, as in the paper.

    Returns:
        Scalar ≥ 0, nats.
    """
    labels = labels.long()
    nats = -log_probabilities.gather(2, labels[:, :, None]).squeeze(2)
    if class_weights is not None:
        nats = class_weights[labels] * nats
    return ((1 + confident_weight * weight) * nats).mean()
