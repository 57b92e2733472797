"""Cross-entropy of labels that are trusted more or less, pixel by pixel."""

from __future__ import annotations

import torch.nn.functional as F
from torch import Tensor

__all__ = ["weighted_cross_entropy"]


def weighted_cross_entropy(
    logits: Tensor, labels: Tensor, ignore_index: int, weights: Tensor | None = None
) -> Tensor:
    r"""Cross-entropy over all pixels, ignored ones as 0 (DAFormer's, and so SSR's).

    .. math:: L = \frac1{BHW} \sum_{b,p : y_b(p) \ne \text{ignored}} -w_b(p) \log P_b(p, y_b(p))

    Args:
        logits: ``(B, K, H, W)``.
        labels: y, int64 ``(B, H, W)``.
        ignore_index: the label of pixels that do not count.
        weights: w, ``(B, H, W)``; ``None`` is 1 for all. No gradient runs through.

    Returns:
        Scalar ≥ 0, nats.
    """
    nats = F.cross_entropy(logits, labels, ignore_index=ignore_index, reduction="none")
    return (nats if weights is None else weights.detach() * nats).mean()
