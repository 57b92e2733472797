"""GoodSAM and GoodSAM++: rectification, distillation, and both at once."""

from __future__ import annotations

from goodsam_pl.modules.goodsam.distillation import StudentDistillation
from goodsam_pl.modules.goodsam.feature_knowledge import FeatureWeights
from goodsam_pl.modules.goodsam.joint import JointDistillation, RectificationWeights
from goodsam_pl.modules.goodsam.rectification import TARectification
from goodsam_pl.modules.goodsam.teachers import Look, Teachers

__all__ = [
    "FeatureWeights",
    "JointDistillation",
    "Look",
    "RectificationWeights",
    "StudentDistillation",
    "TARectification",
    "Teachers",
]
