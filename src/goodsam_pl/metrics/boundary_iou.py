"""Boundary IoU (Cheng et al., CVPR 2021) of panoramas, for all classes in one sweep."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

__all__ = ["BoundaryIoU", "contour_band"]


class BoundaryIoU(Metric):
    """IoU of the pixels near the contours of each class, over a whole set of panoramas.

    With G and P the labelled and the predicted pixels of a class, and G_d and P_d those pixels of
    them that lie within d of their contour (Cheng et al., CVPR 2021, Eq. (1)),

        |(G_d ∩ G) ∩ (P_d ∩ P)| / |(G_d ∩ G) ∪ (P_d ∩ P)|.

    As there, d is a share of the image diagonal, measured in the maximum norm, and counts are
    summed over the set. Unlike there, contours run on across the seam, and the edges of the image
    are no contour: a panorama is cut off at the top and bottom, not its objects (our choice).
    Ignored pixels do not count, and what borders on them is no contour.

    The states are int64 counts that processes sum: the result does not depend on their number.

    Args:
        classes: number of classes K.
        ignore_index: label of pixels that do not count.
        diagonal_share: d as a share of the image diagonal. Cheng et al. take 0.02 for small
            photographs; our choice of a fourth keeps bands from filling thin objects: 10 pixels on
            2048×400.
        kwargs: see :class:`torchmetrics.Metric`.

    Raises:
        ValueError: a share that is not between 0 and 1.

    Example:
        >>> boundary = BoundaryIoU(classes=2)
        >>> labels = torch.tensor([[[0, 0, 0, 0, 1, 1, 1, 1]]])
        >>> boundary.update(torch.tensor([[[0, 0, 0, 0, 0, 1, 1, 1]]]), labels)
        >>> boundary.compute().tolist()  # one of two contours is met
        [0.3333333333333333, 0.3333333333333333]
    """

    is_differentiable = False
    higher_is_better = True
    full_state_update = False

    common: Tensor
    labelled: Tensor
    predicted: Tensor

    def __init__(
        self,
        classes: int,
        ignore_index: int = 255,
        diagonal_share: float = 0.005,
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if not 0 < diagonal_share < 1:
            raise ValueError(f"diagonal_share {diagonal_share} is not between 0 and 1")
        self.classes = classes
        self.ignore_index = ignore_index
        self.diagonal_share = diagonal_share
        for name in ("common", "labelled", "predicted"):
            self.add_state(name, torch.zeros(classes, dtype=torch.int64), dist_reduce_fx="sum")

    def distance(self, height: int, width: int) -> int:
        """The distance d for images of a size, in pixels, at least 1."""
        return max(1, round(self.diagonal_share * math.hypot(height, width)))

    def update(self, predictions: Tensor, labels: Tensor) -> None:
        """Count a batch.

        Args:
            predictions: class ids, integer ``(B, H, W)``; K stands for none of the classes.
            labels: class ids, integer ``(B, H, W)``.
        """
        reach = self.distance(labels.shape[-2], labels.shape[-1])
        void = labels == self.ignore_index
        near_label = contour_band(labels, void, reach)
        near_prediction = contour_band(predictions, void, reach)
        self.labelled += self._count(labels, near_label)
        self.predicted += self._count(predictions, near_prediction)
        self.common += self._count(labels, near_label & near_prediction & (labels == predictions))

    def compute(self) -> Tensor:
        """Boundary IoU of each class: ``(K,)`` float64 on the CPU, NaN for classes without."""
        common = self.common.cpu()
        return common.double() / (self.labelled.cpu() + self.predicted.cpu() - common)

    def _count(self, ids: Tensor, where: Tensor) -> Tensor:
        beyond = self.classes + 1
        bins = torch.where(where, ids.long(), beyond).flatten()
        return torch.bincount(bins, minlength=beyond + 1)[: self.classes]


def contour_band(ids: Tensor, void: Tensor, reach: int) -> Tensor:
    """Pixels with another class within ``reach``, around the full circle.

    A square of side 2 · reach + 1 holds another class exactly where its smallest and its largest
    class differ, so that two sweeps serve all classes at once.

    Args:
        ids: class ids, integer ``(B, H, W)``, 0 to 254.
        void: bool ``(B, H, W)``, pixels that count as of no class.
        reach: pixels, at least 1.

    Returns:
        bool ``(B, H, W)``, False on void pixels.
    """
    small = ids.to(torch.int16)
    smallest = _extreme(small.masked_fill(void, 255), reach, torch.minimum)
    largest = _extreme(small.masked_fill(void, -1), reach, torch.maximum)
    return (smallest != largest) & ~void


def _extreme(values: Tensor, reach: int, of_two: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """Smallest or largest value of the square around each pixel, rows repeated beyond the edge."""
    height, width = values.shape[-2:]
    rows = torch.arange(-reach, height + reach, device=values.device).clamp(0, height - 1)
    columns = torch.arange(-reach, width + reach, device=values.device) % width
    across = _running(values.index_select(-1, columns), 2 * reach + 1, of_two, dim=-1)
    return _running(across.index_select(-2, rows), 2 * reach + 1, of_two, dim=-2)


def _running(
    values: Tensor, length: int, of_two: Callable[[Tensor, Tensor], Tensor], dim: int
) -> Tensor:
    """Extreme of every stretch of ``length`` values, in about log2(length) steps."""
    covered = 1
    while covered < length:
        step = min(covered, length - covered)
        count = values.shape[dim] - step
        values = of_two(values.narrow(dim, 0, count), values.narrow(dim, step, count))
        covered += step
    return values
