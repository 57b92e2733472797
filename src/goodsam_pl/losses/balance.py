"""Weights that keep rare classes alive in self-training."""

from __future__ import annotations

import torch
from torch import Tensor, nn

__all__ = ["ClassBalance"]

_RAREST = 1e-3
"""Share of pixels below which all classes are alike rare, so that no weight is endless."""


class ClassBalance(nn.Module):
    r"""Class weights from the labels seen so far (our choice; the papers have none).

    .. math:: w_c = \frac{f_c^{-\gamma}}{\sum_k f_k f_k^{-\gamma}}

    A pixel weighs 1 on average. Pseudo-labels have fewer of the rare and thin classes than there
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
        """Count labels and weigh classes by all that were counted.

        Args:
            labels: integers, any shape, 0 to K − 1.

        Returns:
            ``(K,)`` float32.
        """
        self.counts += torch.bincount(labels.flatten().long(), minlength=len(self.counts))
        share = (self.counts / self.counts.sum()).clamp(min=_RAREST)
        weights = share**-self.exponent
        return (weights / (share / share.sum() * weights).sum()).float()
