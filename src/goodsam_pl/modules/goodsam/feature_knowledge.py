"""What a student learns from the features of the teacher assistant, beside its predictions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor, nn

from goodsam_pl.losses import FeatureAdaptation, category_similarity, pixel_similarity
from goodsam_pl.networks import FeatureNetwork, keeping_statistics, unfrozen

__all__ = ["FeatureKnowledge", "FeatureWeights"]


@dataclass(frozen=True)
class FeatureWeights:
    """Weights of the terms that compare features, which are not in the paper's figure; 0 is off.

    For any of them the teacher assistant looks at the whole panorama as well, once a step.

    Attributes:
        adaptation: λ_feat, stage by stage, our reading of the abstract; see
            :class:`goodsam_pl.losses.FeatureAdaptation`.
        pixel_similarity: λ_psd, see :func:`goodsam_pl.losses.pixel_similarity`.
        category_similarity: λ_csd, see :func:`goodsam_pl.losses.category_similarity`.
    """

    adaptation: float = 0.0
    pixel_similarity: float = 0.0
    category_similarity: float = 0.0

    @property
    def by_term(self) -> dict[str, float]:
        """The weights by the names of the terms that :class:`FeatureKnowledge` gives."""
        return {
            "features": self.adaptation,
            "pixel_similarity": self.pixel_similarity,
            "category_similarity": self.category_similarity,
        }


class FeatureKnowledge(nn.Module):
    """Compare the features of two networks that see the same panoramas.

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
        self.active = any(weight > 0 for weight in weights.by_term.values())
        self.adaptation: FeatureAdaptation | None = None
        if not self.active:
            return
        own, other = _with_features(student), _with_features(teacher_assistant)
        if weights.adaptation > 0:
            self.adaptation = FeatureAdaptation(own.feature_channels, other.feature_channels)

    def forward(
        self, student: nn.Module, teacher_assistant: nn.Module, images: Tensor
    ) -> tuple[Tensor, dict[str, Tensor]]:
        """The student's logits of ``(B, 3, H, W)``, and the terms by name."""
        if not self.active:
            return student(images).float(), {}
        own = cast("FeatureNetwork", student).forward_features(images)
        with torch.no_grad(), keeping_statistics(teacher_assistant):
            other = cast("FeatureNetwork", teacher_assistant).forward_features(images)
        terms = {}
        if self.adaptation is not None:
            terms["features"] = self.adaptation(own.features, other.features)
        if self.weights.pixel_similarity > 0:
            terms["pixel_similarity"] = pixel_similarity(own.features, other.features)
        if self.weights.category_similarity > 0:
            terms["category_similarity"] = category_similarity(own.logits, other.logits)
        return own.logits.float(), terms


def _with_features(network: nn.Module) -> FeatureNetwork:
    network = unfrozen(network)
    if not isinstance(network, FeatureNetwork):
        raise TypeError(
            f"{type(network).__name__} has no forward_features and feature_channels: take a "
            "network of goodsam_pl.networks, or leave model.init_args.features out"
        )
    return network
