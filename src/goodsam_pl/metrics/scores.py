"""What a confusion matrix says: intersection over union, its mean, pixel accuracy."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["SegmentationScores", "scores_from_confusion"]


class SegmentationScores(NamedTuple):
    """The scores of one set of images, as fractions of 1; float64 on the CPU.

    A class is *absent* when it was neither labelled nor predicted on any counted pixel, so that
    TP + FP + FN = 0. Its IoU is NaN and it takes no part in the mean. A class that was predicted
    but never labelled is not absent: its IoU is 0.

    Attributes:
        miou: mean IoU over the classes that are not absent, ``()``; NaN when all of them are.
        iou: ``(K,)``, TP / (TP + FP + FN) of each class.
        pixel_accuracy: share of counted pixels that got their label, ``()``; NaN without any.
        pixels: ``(K,)`` int64, labelled pixels of each class.
    """

    miou: Tensor
    iou: Tensor
    pixel_accuracy: Tensor
    pixels: Tensor

    def as_log(self, prefix: str, classes: Sequence[str], suffix: str = "") -> dict[str, float]:
        """The scores under the names that the dashboards show, for ``LightningModule.log_dict``.

        Args:
            prefix: the stage, ``"val"`` or ``"test"``.
            classes: the K class names.
            suffix: tells kinds of prediction apart, e.g. ``"_windowed"``.

        Returns:
            ``<prefix>/miou<suffix>``, ``<prefix>/pixel_accuracy<suffix>``, and
            ``<prefix>/iou<suffix>/<class>`` for each class that is not absent.

        Raises:
            ValueError: the number of names is not K.
        """
        self.check_names(classes)
        log = {
            f"{prefix}/miou{suffix}": self.miou.item(),
            f"{prefix}/pixel_accuracy{suffix}": self.pixel_accuracy.item(),
        }
        for name, iou in zip(classes, self.iou.tolist(), strict=True):
            if not math.isnan(iou):
                log[f"{prefix}/iou{suffix}/{name}"] = iou
        return log

    def check_names(self, classes: Sequence[str]) -> None:
        """Refuse a list of class names that is not as long as there are classes."""
        if len(classes) != len(self.iou):
            raise ValueError(f"{len(classes)} class names for {len(self.iou)} classes: {classes}")


def scores_from_confusion(confusion: Tensor) -> SegmentationScores:
    """Score a confusion matrix.

    Args:
        confusion: integer ``(K, K)``, rows are labels, columns predictions.

    Example:
        >>> scores = scores_from_confusion(torch.tensor([[3, 1, 0], [0, 4, 0], [0, 0, 0]]))
        >>> scores.iou.tolist(), scores.miou.item()
        ([0.75, 0.8, nan], 0.775)
    """
    # The matrix is tiny: double precision on the CPU costs nothing and every device agrees.
    counts = confusion.detach().cpu()
    hits = counts.diagonal()
    labelled = counts.sum(dim=1)
    union = labelled + counts.sum(dim=0) - hits
    iou = hits.double() / union  # 0 / 0 is NaN
    return SegmentationScores(
        miou=torch.nanmean(iou),
        iou=iou,
        pixel_accuracy=hits.sum().double() / labelled.sum(),
        pixels=labelled,
    )
