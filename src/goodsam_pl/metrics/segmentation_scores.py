"""What a confusion matrix says: intersection over union, its mean, pixel accuracy."""

from __future__ import annotations

import math
from collections.abc import Collection, Sequence
from typing import NamedTuple

import torch
from torch import Tensor

__all__ = ["SegmentationScores", "scores_from_confusion"]


class SegmentationScores(NamedTuple):
    """The scores of one set of images, as fractions of 1; float64 on the CPU.

    A class is *absent* when it was neither labelled nor predicted on any counted pixel, so that
    TP + FP + FN = 0. Its IoU is NaN and it takes no part in the mean. A class that was predicted
    but never labelled is not absent: its IoU is 0. A class that the network has no name for is not
    scored: NaN as well, though it may be labelled.

    Attributes:
        miou: mean of the IoUs that are not NaN, ``()``; NaN when all of them are.
        iou: ``(K,)``, TP / (TP + FP + FN) of each class.
        pixel_accuracy: share of counted pixels that got their label, ``()``; NaN without any.
        pixels: ``(K,)`` int64, labelled pixels of each class.
        confusion: the matrix that all this is of, int64 ``(K, K)`` or ``(K, K + 1)``, see
            :func:`scores_from_confusion`.
        boundary_iou: ``(K,)``, see :class:`~goodsam_pl.metrics.BoundaryIoU`, if measured.
        seam_disagreement: ``()``, see :class:`~goodsam_pl.metrics.SeamDisagreement`, if measured.
    """

    miou: Tensor
    iou: Tensor
    pixel_accuracy: Tensor
    pixels: Tensor
    confusion: Tensor
    boundary_iou: Tensor | None = None
    seam_disagreement: Tensor | None = None

    @property
    def boundary_miou(self) -> Tensor | None:
        """Mean of the boundary IoUs that are not NaN, ``()``, if measured."""
        return None if self.boundary_iou is None else torch.nanmean(self.boundary_iou)

    @property
    def unscored(self) -> list[int]:
        """Classes with labelled pixels that the network has no name for."""
        return ((self.pixels > 0) & self.iou.isnan()).nonzero().flatten().tolist()

    @property
    def confusion_shares(self) -> Tensor:
        """The confusion matrix as shares of its rows, float64; NaN in rows without a pixel.

        The diagonal is the accuracy of each class.
        """
        return self.confusion.double() / self.confusion.sum(dim=1, keepdim=True)

    def as_log(self, prefix: str, classes: Sequence[str], suffix: str = "") -> dict[str, float]:
        """The scores under the names that the dashboards show, for ``LightningModule.log_dict``.

        Args:
            prefix: the stage, ``"val"`` or ``"test"``.
            classes: the K class names.
            suffix: tells kinds of prediction apart, e.g. ``"_windowed"``.

        Returns:
            ``<prefix>/miou<suffix>``, ``<prefix>/pixel_accuracy<suffix>``, and
            ``<prefix>/iou<suffix>/<class>`` for each class that has one; if measured, likewise
            ``boundary_miou``, ``boundary_iou`` and ``seam_disagreement``.

        Raises:
            ValueError: the number of names is not K.
        """
        self.check_names(classes)
        log = {"miou": self.miou.item(), "pixel_accuracy": self.pixel_accuracy.item()}
        by_class = {"iou": self.iou.tolist()}
        if self.boundary_iou is not None:
            log["boundary_miou"] = torch.nanmean(self.boundary_iou).item()
            by_class["boundary_iou"] = self.boundary_iou.tolist()
        if self.seam_disagreement is not None:
            log["seam_disagreement"] = self.seam_disagreement.item()
        named = {f"{prefix}/{score}{suffix}": value for score, value in log.items()}
        for score, values in by_class.items():
            for name, value in zip(classes, values, strict=True):
                if not math.isnan(value):
                    named[f"{prefix}/{score}{suffix}/{name}"] = value
        return named

    def check_names(self, classes: Sequence[str]) -> None:
        """Refuse a list of class names that is not as long as there are classes."""
        if len(classes) != len(self.iou):
            raise ValueError(f"{len(classes)} class names for {len(self.iou)} classes: {classes}")


def scores_from_confusion(confusion: Tensor, unnamed: Collection[int] = ()) -> SegmentationScores:
    """Score a confusion matrix.

    Args:
        confusion: integer ``(K, K)``, rows are labels, columns predictions; or ``(K, K + 1)``,
            the last column for predictions of none of the classes.
        unnamed: classes that are not scored, because the network has no name for them.

    Example:
        >>> scores = scores_from_confusion(torch.tensor([[3, 1, 0], [0, 4, 0], [0, 0, 0]]))
        >>> scores.iou.tolist(), scores.miou.item()
        ([0.75, 0.8, nan], 0.775)
    """
    # The matrix is tiny: double precision on the CPU costs nothing and every device agrees.
    counts = confusion.detach().cpu()
    hits = counts.diagonal()
    labelled = counts.sum(dim=1)
    union = labelled + counts.sum(dim=0)[: len(hits)] - hits
    iou = hits.double() / union  # 0 / 0 is NaN
    iou[list(unnamed)] = math.nan
    return SegmentationScores(
        miou=torch.nanmean(iou),
        iou=iou,
        pixel_accuracy=hits.sum().double() / labelled.sum(),
        pixels=labelled,
        confusion=counts,
    )
