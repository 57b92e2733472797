"""The LightningModules, one system each."""

from __future__ import annotations

from goodsam_pl.modules.base import SegmentationModule
from goodsam_pl.modules.goodsam import (
    FeatureWeights,
    JointDistillation,
    RectificationWeights,
    StudentDistillation,
    TARectification,
    Teachers,
)
from goodsam_pl.modules.not_finite import NotFiniteError
from goodsam_pl.modules.source_segmentation import SourceSegmentation

__all__ = [
    "FeatureWeights",
    "JointDistillation",
    "NotFiniteError",
    "RectificationWeights",
    "SegmentationModule",
    "SourceSegmentation",
    "StudentDistillation",
    "TARectification",
    "Teachers",
]
