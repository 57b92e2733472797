"""How good a segmentation is: one confusion matrix for the whole set, exact on any number of GPUs.

The pure functions :func:`confusion_matrix` and :func:`scores_from_confusion` do the arithmetic;
:class:`SegmentationMetrics` keeps the matrix between batches and sums it over processes.
:class:`BoundaryIoU` and :class:`SeamDisagreement` say more of panoramas; an :class:`Evaluation`
puts all of them together, in the classes of a protocol. :class:`LabelFreeScores` are for panoramas
without labels. :class:`MaskScores` are of masks without classes, one an image, and a
:class:`TaskMatrix` says what is left of them when domains are learnt one after another.
"""

from __future__ import annotations

from goodsam_pl.metrics.boundary_iou import BoundaryIoU
from goodsam_pl.metrics.confusion import confusion_matrix
from goodsam_pl.metrics.evaluation import Evaluation, ExtraScore
from goodsam_pl.metrics.label_free import (
    Agreement,
    LabelFreeScores,
    agreement,
    class_shares,
    normalized_entropy,
)
from goodsam_pl.metrics.mask_iou import MaskQuality, MaskScores, boundary_mask_iou, mask_iou
from goodsam_pl.metrics.mean_iou import SegmentationMetrics
from goodsam_pl.metrics.seam import SeamDisagreement
from goodsam_pl.metrics.segmentation_scores import SegmentationScores, scores_from_confusion
from goodsam_pl.metrics.task_matrix import TaskMatrix

__all__ = [
    "Agreement",
    "BoundaryIoU",
    "Evaluation",
    "ExtraScore",
    "LabelFreeScores",
    "MaskQuality",
    "MaskScores",
    "SeamDisagreement",
    "SegmentationMetrics",
    "SegmentationScores",
    "TaskMatrix",
    "agreement",
    "boundary_mask_iou",
    "class_shares",
    "confusion_matrix",
    "mask_iou",
    "normalized_entropy",
    "scores_from_confusion",
]
