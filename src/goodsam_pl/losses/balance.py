"""Weights that keep rare classes alive in self-training."""

from __future__ import annotations

import torch
from torch import Tensor, distributed, nn

__all__ = ["ClassBalance"]

_RAREST = 1e-3
"""Share of pixels below which all classes are alike rare, so that no weight is endless."""


class ClassBalance(nn.Module):
    r"""Class weights from the labels seen so far (our choice; the papers have none).

    .. math:: w_c = \frac{g_c^{-\gamma}}{\sum_k f_k g_k^{-\gamma}}, \quad
        g_c = \max(f_c, 0.001)

    with f the shares of classes in the labels of all processes, so that a pixel weighs 1 on average
    and every process weighs alike. Pseudo-labels have fewer of the rare and thin classes than there
    are; trained on them as they are, a student has fewer still.

    Args:
        classes: their number K.
        exponent: γ; 0 weighs all alike, 1 gives each class the same share of the loss.
    """

    counts: Tensor

    def __init__(self, classes: int, exponent: float) -> None:
        super().__init__()
        if not 0 <= exponent <= 1:
            raise ValueError(f"the exponent of the class balance is {exponent}: choose 0 to 1")
        self.exponent = exponent
        self.register_buffer("counts", torch.zeros(classes, dtype=torch.float64))

    @torch.no_grad()
    def forward(self, labels: Tensor) -> Tensor:
        """Count labels and weigh classes by all that were counted, in all processes.

        Of several processes each has to call this equally often.

        Args:
            labels: integers, any shape, 0 to K − 1; others are no class and do not count.

        Returns:
            ``(K,)`` float32; 1 for all as long as nothing was counted.
        """
        classes = len(self.counts)
        named = labels.flatten().long().clamp(-1, classes) + 1
        counted = torch.bincount(named, minlength=classes + 2)[1:-1]
        if distributed.is_available() and distributed.is_initialized():
            distributed.all_reduce(counted)
        self.counts += counted
        share = self.counts / self.counts.sum().clamp(min=1)
        weights = share.clamp(min=_RAREST) ** -self.exponent
        mean = (share * weights).sum()
        return (weights / torch.where(mean > 0, mean, weights.mean())).float()
