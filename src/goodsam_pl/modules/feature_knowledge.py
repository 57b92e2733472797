"""What a student learns from the features of the teacher assistant, beside its predictions."""

from __future__ import annotations

from typing import cast

import torch
from torch import Tensor, nn

from goodsam_pl.losses import FeatureAdaptation, category_similarity, pixel_similarity
from goodsam_pl.networks import FeatureNetwork, keeping_statistics

__all__ = ["FeatureKnowledge"]


class FeatureKnowledge(nn.Module):
    """Compare the features of two networks that see the same panoramas.

    The student never sees windows, so the teacher assistant looks at the whole panorama for this;
    it does not where no term is asked for.

    Args:
        student: whose features are adapted.
        teacher_assistant: to these. It gets no gradient, and its running statistics do not change.
        adaptation: compare stage by stage, see :class:`goodsam_pl.losses.FeatureAdaptation`.
        pixels: see :func:`goodsam_pl.losses.pixel_similarity`, between the four stages.
        categories: see :func:`goodsam_pl.losses.category_similarity`, of the logits.

    Raises:
        TypeError: terms are asked for, and a network does not hand out its features.
    """

    def __init__(
        self,
        student: nn.Module,
        teacher_assistant: nn.Module,
        adaptation: bool,
        pixels: bool,
        categories: bool,
    ) -> None:
        super().__init__()
        self.pixels = pixels
        self.categories = categories
        self.active = adaptation or pixels or categories
        self.adaptation: FeatureAdaptation | None = None
        if not self.active:
            return
        own, other = _with_features(student), _with_features(teacher_assistant)
        if adaptation:
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
        if self.pixels:
            terms["pixel_similarity"] = pixel_similarity(own.features, other.features)
        if self.categories:
            terms["category_similarity"] = category_similarity(own.logits, other.logits)
        return own.logits.float(), terms


def _with_features(network: nn.Module) -> FeatureNetwork:
    if not isinstance(network, FeatureNetwork):
        raise TypeError(
            f"{type(network).__name__} has no forward_features and feature_channels: take a "
            "network of goodsam_pl.networks, or set feature_weight, pixel_similarity_weight and "
            "category_similarity_weight to 0"
        )
    return network
