"""Mean IoU over a whole set and over all processes."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any

import torch
from torch import Tensor
from torchmetrics import Metric

from goodsam_pl.metrics.confusion import confusion_matrix
from goodsam_pl.metrics.segmentation_scores import SegmentationScores, scores_from_confusion

__all__ = ["SegmentationMetrics"]


class SegmentationMetrics(Metric):
    """Per-class IoU, its mean and pixel accuracy of a whole set of images.

    The state is one int64 confusion matrix that processes sum, so the result does not depend on
    how the images were split into batches or over processes, to the last bit (given that each
    image is seen once; our data modules see to that).

    Args:
        classes: number of classes K.
        ignore_index: label of pixels that do not count.
        outside: predictions may hold K too, for whatever is none of the K classes.
        unnamed: classes that are not scored, because the network has no name for them.
        kwargs: see :class:`torchmetrics.Metric`, e.g. ``process_group``.

    Raises:
        ValueError: less than two classes, or an ``ignore_index`` that is one of the classes.

    Example:
        >>> metrics = SegmentationMetrics(classes=2)
        >>> metrics.update(torch.tensor([[[0, 1, 1, 1]]]), torch.tensor([[[0, 0, 1, 255]]]))
        >>> metrics.compute().as_log("val", ("road", "sky"))["val/miou"]
        0.5
    """

    is_differentiable = False
    higher_is_better = None
    full_state_update = False

    confusion: Tensor

    def __init__(
        self,
        classes: int,
        ignore_index: int = 255,
        outside: bool = False,
        unnamed: Collection[int] = (),
        **kwargs: Any,
    ) -> None:
        super().__init__(**kwargs)
        if classes < 2:
            raise ValueError(f"a segmentation has at least 2 classes, got {classes}")
        if 0 <= ignore_index < classes:
            raise ValueError(
                f"ignore_index {ignore_index} is one of the {classes} classes: choose another label"
            )
        self.classes = classes
        self.ignore_index = ignore_index
        self.outside = outside
        self.unnamed = tuple(unnamed)
        empty = torch.zeros((classes, classes + int(outside)), dtype=torch.int64)
        self.add_state("confusion", empty, dist_reduce_fx="sum")

    def update(self, predictions: Tensor, labels: Tensor) -> None:
        """Count a batch.

        Args:
            predictions: class ids ``(B, H, W)``, or logits ``(B, K, H, W)``.
            labels: class ids int64 ``(B, H, W)``.

        Raises:
            ValueError: shapes that do not fit, or a class id that must not occur.
        """
        self.confusion += confusion_matrix(
            predictions, labels, self.classes, self.ignore_index, self.outside
        )

    def compute(self) -> SegmentationScores:
        """Score everything counted so far, in all processes."""
        return scores_from_confusion(self.confusion, self.unnamed)
