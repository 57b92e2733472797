"""Whether predicted labels break where the panorama closes on itself."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

__all__ = ["SeamDisagreement"]


class SeamDisagreement(Metric):
    """How often labels change across the seam, relative to between other neighbouring columns.

    With r(u) the share of rows in which the predicted class at column u differs from the one at
    u + 1, over a whole set of images,

        D = r(W - 1 -> 0) / mean of r over the other columns.

    The seam is an arbitrary meridian, so a network that sees the circle has D = 1 on average;
    above 1 the seam shows. Neighbours of which one is ignored do not count. Our choice.

    The states are four int64 counts that processes sum: the result does not depend on their number.

    Args:
        ignore_index: label of pixels that do not count.
        kwargs: see :class:`torchmetrics.Metric`.

    Example:
        >>> seam = SeamDisagreement()
        >>> prediction = torch.tensor([[[0, 0, 1, 1]]])
        >>> seam.update(prediction, prediction)
        >>> seam.compute().item()  # changes at the seam, and between 1 of 3 other neighbours
        3.0
    """

    is_differentiable = False
    higher_is_better = False
    full_state_update = False

    seam_changes: Tensor
    seam_pairs: Tensor
    inner_changes: Tensor
    inner_pairs: Tensor

    def __init__(self, ignore_index: int = 255, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.ignore_index = ignore_index
        for name in ("seam_changes", "seam_pairs", "inner_changes", "inner_pairs"):
            self.add_state(name, torch.zeros((), dtype=torch.int64), dist_reduce_fx="sum")

    def update(self, predictions: Tensor, labels: Tensor) -> None:
        """Count a batch.

        Args:
            predictions: class ids, integer ``(B, H, W)``.
            labels: integer ``(B, H, W)``; only where they are ignored matters.
        """
        counted = labels != self.ignore_index
        pairs = counted & counted.roll(-1, dims=-1)
        changes = pairs & (predictions != predictions.roll(-1, dims=-1))
        self.seam_pairs += pairs[..., -1].sum()
        self.seam_changes += changes[..., -1].sum()
        self.inner_pairs += pairs[..., :-1].sum()
        self.inner_changes += changes[..., :-1].sum()

    def compute(self) -> Tensor:
        """D of everything counted so far, in all processes: ``()`` float64 on the CPU.

        NaN where nothing was counted, or where no label changes at all.
        """
        seam = self.seam_changes.cpu().double() / self.seam_pairs.cpu()
        inner = self.inner_changes.cpu().double() / self.inner_pairs.cpu()
        return seam / inner
