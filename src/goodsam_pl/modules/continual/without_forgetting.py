"""Learning without forgetting (Li and Hoiem, TPAMI 2018), for masks."""

from __future__ import annotations

from copy import deepcopy
from typing import Any

import torch
from torch import Generator, Tensor

from goodsam_pl.losses import point_mask_loss
from goodsam_pl.modules.continual.adapter import Adapter
from goodsam_pl.modules.continual.adapter_recipe import AdapterRecipe
from goodsam_pl.modules.continual.fine_tuning import FineTuning
from goodsam_pl.modules.continual.method import ContinualTask, MaskPoints
from goodsam_pl.modules.continual.prompted_batch import PromptedBatch, draw_masks
from goodsam_pl.sam.frozen_sam import FrozenSam

__all__ = ["LearningWithoutForgetting"]


class LearningWithoutForgetting(FineTuning):
    r"""From the second domain on, masks are also to be those of the adapter as it was.

    .. math:: L = L_{BCE}(z, y) + L_{dice}(z, y) + \lambda \left(L_{BCE}(z, \sigma(z'))
        + L_{dice}(z, \sigma(z'))\right)

    z' are the logits of the former adapter on the images of the new domain, at the same points; as
    CoSAM's release has it, with λ = 3.

    Args:
        sam: frozen.
        recipe: of the adapter.
        points: where masks are compared.
        seed: of the adapter's random weights.
        former_weight: λ.
    """

    def __init__(
        self,
        sam: FrozenSam,
        recipe: AdapterRecipe = AdapterRecipe(),
        points: MaskPoints = MaskPoints(),
        seed: int = 0,
        former_weight: float = 3.0,
    ) -> None:
        super().__init__(sam, recipe, points, seed)
        self.former: Adapter | None = None
        self.weights |= {"former_cross_entropy": former_weight, "former_dice": former_weight}

    def begin_task(self, task: ContinualTask) -> None:
        """Keep the adapter as it is."""
        if self.tasks:
            self.former = deepcopy(self.adapter).requires_grad_(False)
        super().begin_task(task)

    def loss_terms(self, batch: PromptedBatch, generator: Generator) -> dict[str, Tensor]:
        """Those of the true masks and of the former ones."""
        if not self.adapter.changes_embedding:
            batch = batch.known_by(self.sam)
        logits = self.current(batch)
        points = self.draw_points(logits, generator)
        terms = self.compare(logits, batch, points)
        if self.former is not None:
            with torch.no_grad():
                former = draw_masks(self.former, self.sam, batch).sigmoid()
            loss = point_mask_loss(logits, former, points)
            terms |= {"former_cross_entropy": loss.cross_entropy, "former_dice": loss.dice}
        return terms

    def get_extra_state(self) -> dict[str, Any]:
        """And whether there is a former adapter."""
        return {**super().get_extra_state(), "former": self.former is not None}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Make room for it."""
        super().set_extra_state(state)
        self.former = deepcopy(self.adapter).requires_grad_(False) if state["former"] else None
