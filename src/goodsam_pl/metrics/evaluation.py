"""One kind of prediction, scored as an evaluation protocol says."""

from __future__ import annotations

from collections.abc import Collection
from typing import Literal

import torch
from torch import Tensor, nn

from goodsam_pl.metrics.boundary_iou import BoundaryIoU
from goodsam_pl.metrics.confusion import most_likely
from goodsam_pl.metrics.mean_iou import SegmentationMetrics
from goodsam_pl.metrics.seam import SeamDisagreement
from goodsam_pl.metrics.segmentation_scores import SegmentationScores
from goodsam_pl.taxonomy import Taxonomy, remap_table

__all__ = ["Evaluation", "ExtraScore"]

ExtraScore = Literal["boundary_iou", "seam_disagreement"]
"""What can be measured of panoramas besides IoU."""


class Evaluation(nn.Module):
    """Scores predictions in the classes of a protocol, which may not be those of the network.

    The most likely class of the network is translated, as labels are: what the network calls
    ``rider`` is ``person`` in the 13 classes. A class without a counterpart misses every label.
    A class of the protocol that the network has no name for is not scored.

    Args:
        predicted: class set of the network.
        scored: class set of the protocol.
        extras: what else to measure, of panoramas alone.

    Raises:
        ValueError: no translation from one class set to the other.
    """

    def __init__(
        self, predicted: Taxonomy, scored: Taxonomy, extras: Collection[ExtraScore] = ()
    ) -> None:
        super().__init__()
        self.predicted_classes = len(predicted.classes)
        classes, ignored = len(scored.classes), scored.ignore_index
        table = None if predicted == scored else _translation(predicted, scored)
        named = range(classes) if table is None else set(table.tolist())
        unnamed = [index for index in range(classes) if index not in named]
        # no buffer: weight averaging averages those, and pairs them by their places
        self.table = table
        self.iou = SegmentationMetrics(classes, ignored, outside=table is not None, unnamed=unnamed)
        self.boundary = BoundaryIoU(classes, ignored) if "boundary_iou" in extras else None
        self.seam = SeamDisagreement(ignored) if "seam_disagreement" in extras else None

    def update(self, prediction: Tensor, labels: Tensor, panorama: bool = True) -> None:
        """Count a batch.

        Args:
            prediction: class ids ``(B, H, W)`` or logits ``(B, K, H, W)``, classes of the network.
            labels: class ids ``(B, H, W)``, classes of the protocol.
            panorama: the images close on themselves.
        """
        if prediction.is_floating_point():
            prediction = most_likely(prediction, self.predicted_classes)
        if self.table is not None:
            self.table = self.table.to(prediction.device)
            prediction = self.table[prediction.long()]
        self.iou.update(prediction, labels)
        if panorama:
            for metric in (self.boundary, self.seam):
                if metric is not None:
                    metric.update(prediction, labels)

    def compute(self) -> SegmentationScores:
        """Score everything counted so far, in all processes."""
        scores: SegmentationScores = self.iou.compute()
        if self.boundary is not None:
            boundary_iou = self.boundary.compute()
            boundary_iou[list(self.iou.unnamed)] = torch.nan
            scores = scores._replace(boundary_iou=boundary_iou)
        if self.seam is not None:
            scores = scores._replace(seam_disagreement=self.seam.compute())
        return scores

    def reset(self) -> None:
        """Forget everything counted so far."""
        for metric in (self.iou, self.boundary, self.seam):
            if metric is not None:
                metric.reset()


def _translation(predicted: Taxonomy, scored: Taxonomy) -> Tensor:
    """``(256,)`` int64: class id of the network to that of the protocol.

    The number of the protocol's classes stands for none of them, -1 for what is no class at all.
    """
    known = torch.from_numpy(remap_table(predicted, scored)).long()
    known = torch.where(known == scored.ignore_index, len(scored.classes), known)
    known[len(predicted.classes) :] = -1
    return known
