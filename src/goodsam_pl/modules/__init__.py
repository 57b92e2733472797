"""The LightningModules, one system each."""

from __future__ import annotations

from goodsam_pl.modules.base import SegmentationModule
from goodsam_pl.modules.not_finite import NotFiniteError
from goodsam_pl.modules.sam import SamTraining
from goodsam_pl.modules.source_segmentation import SourceSegmentation
from goodsam_pl.modules.student_distillation import StudentDistillation
from goodsam_pl.modules.ta_rectification import TARectification

__all__ = [
    "NotFiniteError",
    "SamTraining",
    "SegmentationModule",
    "SourceSegmentation",
    "StudentDistillation",
    "TARectification",
]
