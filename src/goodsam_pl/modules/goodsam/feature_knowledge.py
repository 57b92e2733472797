"""What a student learns beside the links of the paper's figure: of features, and of structure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from goodsam_pl.geometry import Windowed
from goodsam_pl.losses import (
    DivergenceFrom,
    FeatureAdaptation,
    StageError,
    category_similarity,
    knowledge_divergence,
    pixel_similarity,
    structural_similarity,
    teacher_cross_entropy,
)
from goodsam_pl.networks import FeatureNetwork, SegmentationOutput, keeping_statistics, unfrozen

__all__ = ["FeatureKnowledge", "FeatureWeights"]

_LAST_BUT_ONE = -2


@dataclass(frozen=True)
class FeatureWeights:
    """Weights of the terms that are not in the paper's figure; 0 is off.

    For any of them but ``structural_similarity`` the teacher assistant looks at the whole panorama
    as well, once a step.

    Attributes:
        adaptation: λ_feat, stage by stage, our reading of the abstract; see
            :class:`goodsam_pl.losses.FeatureAdaptation`.
        pixel_similarity: λ_psd, see :func:`goodsam_pl.losses.pixel_similarity`.
        category_similarity: λ_csd, see :func:`goodsam_pl.losses.category_similarity`.
        structural_similarity: λ_ssl, of the student's windows against the labels of E_i; see
            :func:`goodsam_pl.losses.structural_similarity`. As large as λ_E it is the paper's
            γ = 0.5.
        divergence: λ_KL of DAKD, 0.1 in its release; see
            :func:`goodsam_pl.losses.knowledge_divergence`.
        stage_error: λ_MSE of DAKD, 0.01 in its release; see :class:`goodsam_pl.losses.StageError`.
        teacher_labels: λ_PT of DAKD, 1 in its release; see
            :func:`goodsam_pl.losses.teacher_cross_entropy`.
        divergence_from: whose probabilities weigh in L_KL.
    """

    adaptation: float = 0.0
    pixel_similarity: float = 0.0
    category_similarity: float = 0.0
    structural_similarity: float = 0.0
    divergence: float = 0.0
    stage_error: float = 0.0
    teacher_labels: float = 0.0
    divergence_from: DivergenceFrom = "teacher"

    @property
    def of_a_look(self) -> dict[str, float]:
        """The weights of the terms for which the teacher assistant looks, by their names."""
        return {
            "features": self.adaptation,
            "pixel_similarity": self.pixel_similarity,
            "category_similarity": self.category_similarity,
            "divergence": self.divergence,
            "stage_error": self.stage_error,
            "teacher_labels": self.teacher_labels,
        }

    @property
    def by_term(self) -> dict[str, float]:
        """The weights of all terms, by the names that :class:`FeatureKnowledge` gives them."""
        return {**self.of_a_look, "structural_similarity": self.structural_similarity}


class FeatureKnowledge(nn.Module):
    """Compare two networks that see the same panoramas; and a student's windows with labels.

    The student never sees windows, so the teacher assistant looks at the whole panorama for this;
    it does not where no term is asked for.

    Args:
        student: whose features are adapted.
        teacher_assistant: to these. It gets no gradient, and its running statistics do not change.
        weights: which terms are asked for.

    Raises:
        TypeError: terms are asked for, and a network does not hand out its features.
    """

    def __init__(
        self, student: nn.Module, teacher_assistant: nn.Module, weights: FeatureWeights
    ) -> None:
        super().__init__()
        self.weights = weights
        self.active = any(weight > 0 for weight in weights.of_a_look.values())
        self.adaptation: FeatureAdaptation | None = None
        self.stage_error: StageError | None = None
        if not self.active:
            return
        own, other = _with_features(student), _with_features(teacher_assistant)
        widths = own.feature_channels, other.feature_channels
        if weights.adaptation > 0:
            self.adaptation = FeatureAdaptation(*widths)
        if weights.stage_error > 0:
            self.stage_error = StageError(*(each[_LAST_BUT_ONE] for each in widths))

    def forward(
        self, student: nn.Module, teacher_assistant: nn.Module, images: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The student's logits of ``(B, 3, H, W)``, and the terms of a look by name."""
        if not self.active:
            return student(images).float(), {}
        own = cast("FeatureNetwork", student).forward_features(images)
        with torch.no_grad(), keeping_statistics(teacher_assistant):
            other = cast("FeatureNetwork", teacher_assistant).forward_features(images)
        return own.logits.float(), {
            **self._feature_terms(own, other),
            **self._prediction_terms(own.logits, other.logits),
        }

    def structure(self, crops: Windowed, labels: Windowed) -> dict[str, Tensor]:
        """L_SSL of log P_i against E_i, where it is asked for; each family weighs the same.

        Args:
            crops: log P_i, ``(B, N, K, h, w)`` of each family.
            labels: of E_i, ``(B, N, h, w)``, or its probabilities, ``(B, N, K, h, w)``.
        """
        if self.weights.structural_similarity <= 0:
            return {}
        parts = [
            structural_similarity(crop, each.argmax(dim=2) if each.is_floating_point() else each)
            for crop, each in zip(crops, labels, strict=True)
        ]
        return {"structural_similarity": torch.stack(parts).mean()}

    def _feature_terms(
        self, own: SegmentationOutput, other: SegmentationOutput
    ) -> dict[str, Tensor]:
        terms = {}
        if self.adaptation is not None:
            terms["features"] = self.adaptation(own.features, other.features)
        if self.weights.pixel_similarity > 0:
            terms["pixel_similarity"] = pixel_similarity(own.features, other.features)
        if self.stage_error is not None:
            stages = own.features[_LAST_BUT_ONE], other.features[_LAST_BUT_ONE]
            terms["stage_error"] = self.stage_error(*stages)
        return terms

    def _prediction_terms(self, own: Tensor, other: Tensor) -> dict[str, Tensor]:
        terms = {}
        if self.weights.category_similarity > 0:
            terms["category_similarity"] = category_similarity(own, other)
        if self.weights.divergence > 0:
            terms["divergence"] = knowledge_divergence(own, other, self.weights.divergence_from)
        if self.weights.teacher_labels > 0:
            terms["teacher_labels"] = teacher_cross_entropy(own, other)
        return terms


def _with_features(network: nn.Module) -> FeatureNetwork:
    network = unfrozen(network)
    if not isinstance(network, FeatureNetwork):
        raise TypeError(
            f"{type(network).__name__} has no forward_features and feature_channels: take a "
            "network of goodsam_pl.networks, or leave model.init_args.features out"
        )
    return network
