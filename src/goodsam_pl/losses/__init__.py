"""Losses, one idea of the papers in each file; pure functions on tensors."""

from __future__ import annotations

from goodsam_pl.losses.adaptation import (
    cross_entropy,
    ensemble_cross_entropy,
    labelled_cross_entropy,
    whole_image_cross_entropy,
)
from goodsam_pl.losses.affinity import affinity_loss, anchor_loss
from goodsam_pl.losses.balance import ClassBalance
from goodsam_pl.losses.boundary import boundary_loss, soft_boundary
from goodsam_pl.losses.consistency import (
    Distance,
    consistency,
    squared_difference,
    symmetric_divergence,
)
from goodsam_pl.losses.domain_adaptive import (
    DivergenceFrom,
    StageError,
    knowledge_divergence,
    teacher_cross_entropy,
)
from goodsam_pl.losses.double_similarity import (
    attention_maps,
    category_similarity,
    pixel_similarity,
)
from goodsam_pl.losses.feature_adaptation import FeatureAdaptation, feature_distance
from goodsam_pl.losses.feature_matching import feature_matching
from goodsam_pl.losses.mask_prediction import dice_loss, focal_loss, mask_iou, weigh_masks
from goodsam_pl.losses.point_mask import PointLoss, point_mask_loss
from goodsam_pl.losses.point_sampling import sample_points, values_at
from goodsam_pl.losses.structural_similarity import structural_similarity
from goodsam_pl.losses.thing_features import thing_cells, thing_feature_distance
from goodsam_pl.losses.weight_anchor import anchor_penalty, fisher_diagonal
from goodsam_pl.losses.weighted_labels import weighted_cross_entropy

__all__ = [
    "ClassBalance",
    "Distance",
    "DivergenceFrom",
    "FeatureAdaptation",
    "PointLoss",
    "StageError",
    "affinity_loss",
    "anchor_loss",
    "anchor_penalty",
    "attention_maps",
    "boundary_loss",
    "category_similarity",
    "consistency",
    "cross_entropy",
    "dice_loss",
    "ensemble_cross_entropy",
    "feature_distance",
    "feature_matching",
    "fisher_diagonal",
    "focal_loss",
    "knowledge_divergence",
    "labelled_cross_entropy",
    "mask_iou",
    "pixel_similarity",
    "point_mask_loss",
    "sample_points",
    "soft_boundary",
    "squared_difference",
    "structural_similarity",
    "symmetric_divergence",
    "teacher_cross_entropy",
    "thing_cells",
    "thing_feature_distance",
    "values_at",
    "weigh_masks",
    "weighted_cross_entropy",
    "whole_image_cross_entropy",
]
