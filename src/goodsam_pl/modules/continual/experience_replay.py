"""Experience replay (Chaudhry et al., "On Tiny Episodic Memories in Continual Learning", 2019)."""

from __future__ import annotations

import torch
from torch import Generator, Tensor

from goodsam_pl.modules.continual.adapter_recipe import AdapterRecipe
from goodsam_pl.modules.continual.fine_tuning import FineTuning
from goodsam_pl.modules.continual.method import ContinualTask, MaskPoints
from goodsam_pl.modules.continual.prompted_batch import PromptedBatch
from goodsam_pl.sam.frozen_sam import FrozenSam

__all__ = ["ExperienceReplay"]


class ExperienceReplay(FineTuning):
    r"""Each step also learns from as many kept images of former domains.

    .. math:: L = L_{BCE} + L_{dice} + \lambda (L_{BCE}^{kept} + L_{dice}^{kept})

    Kept images are drawn evenly over all of them, in each step anew.

    Args:
        sam: frozen.
        recipe: of the adapter.
        points: where masks are compared.
        seed: of the adapter's random weights.
        kept_weight: λ.
    """

    def __init__(
        self,
        sam: FrozenSam,
        recipe: AdapterRecipe = AdapterRecipe(),
        points: MaskPoints = MaskPoints(),
        seed: int = 0,
        kept_weight: float = 1.0,
    ) -> None:
        super().__init__(sam, recipe, points, seed)
        self.weights |= {"kept_cross_entropy": kept_weight, "kept_dice": kept_weight}
        self.kept: list[PromptedBatch] = []

    def begin_task(self, task: ContinualTask) -> None:
        """Take up what is kept of former domains. It comes with the task, and is no state."""
        super().begin_task(task)
        self.kept = [task.buffers[place] for place in range(len(task.buffers) - 1)]

    def loss_terms(self, batch: PromptedBatch, generator: Generator) -> dict[str, Tensor]:
        """Those of the new images and of kept ones."""
        terms = super().loss_terms(batch, generator)
        if self.kept:
            kept = super().loss_terms(self.draw(len(batch), generator), generator)
            terms |= {f"kept_{name}": term for name, term in kept.items()}
        return terms

    def draw(self, count: int, generator: Generator) -> PromptedBatch:
        """Kept images, each at most once, on the device of the SAM.

        Args:
            count: how many at most.
            generator: of the CPU.
        """
        sizes = torch.tensor([len(batch) for batch in self.kept])
        firsts = sizes.cumsum(0) - sizes
        chosen = torch.randperm(int(sizes.sum()), generator=generator)[:count]
        parts = []
        for batch, first, size in zip(self.kept, firsts.tolist(), sizes.tolist(), strict=True):
            rows = chosen[(chosen >= first) & (chosen < first + size)] - first
            if len(rows):
                parts.append(batch.take(rows.to(batch.images.device)))
        return PromptedBatch.joined(parts).to(self.sam.places().device)
