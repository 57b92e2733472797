"""One adapter for all domains: naive fine-tuning in sequence, and joint training, its bound."""

from __future__ import annotations

from typing import ClassVar

from torch import Tensor

from goodsam_pl.modules.continual.adapter_recipe import AdapterRecipe
from goodsam_pl.modules.continual.method import ContinualMethod, MaskPoints
from goodsam_pl.modules.continual.prompted_batch import PromptedBatch, draw_masks
from goodsam_pl.sam.frozen_sam import FrozenSam

__all__ = ["FineTuning", "JointTraining"]


class FineTuning(ContinualMethod):
    """Goes on with the same adapter from domain to domain, and does nothing against forgetting.

    Args:
        sam: frozen.
        recipe: of the adapter.
        points: where masks are compared.
        seed: of the adapter's random weights.
    """

    def __init__(
        self,
        sam: FrozenSam,
        recipe: AdapterRecipe = AdapterRecipe(),
        points: MaskPoints = MaskPoints(),
        seed: int = 0,
    ) -> None:
        super().__init__(sam, points, seed)
        self.recipe = recipe
        self.adapter = recipe.make(sam, seed)

    def current(self, batch: PromptedBatch) -> Tensor:
        """The adapter's masks."""
        return draw_masks(self.adapter, self.sam, batch)


class JointTraining(FineTuning):
    """The same on all domains together: what a method that forgets nothing could reach."""

    sees_all_tasks: ClassVar[bool] = True
