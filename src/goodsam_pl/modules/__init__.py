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
from goodsam_pl.modules.sam import SamTraining
from goodsam_pl.modules.source_segmentation import SourceSegmentation
from goodsam_pl.modules.ssr import (
    SSR,
    BranchWeights,
    MaskedImages,
    MixedDomains,
    Regularizer,
    SelfTraining,
)

__all__ = [
    "SSR",
    "BranchWeights",
    "FeatureWeights",
    "JointDistillation",
    "MaskedImages",
    "MixedDomains",
    "NotFiniteError",
    "RectificationWeights",
    "Regularizer",
    "SamTraining",
    "SegmentationModule",
    "SelfTraining",
    "SourceSegmentation",
    "StudentDistillation",
    "TARectification",
    "Teachers",
]
