"""Elastic weight consolidation as a method (Kirkpatrick et al., PNAS 2017)."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Literal

import torch
from torch import Generator, Tensor

from goodsam_pl.losses import anchor_penalty, fisher_diagonal
from goodsam_pl.modules.continual.adapter_recipe import AdapterRecipe
from goodsam_pl.modules.continual.fine_tuning import FineTuning
from goodsam_pl.modules.continual.method import ContinualTask, MaskPoints
from goodsam_pl.modules.continual.prompted_batch import PromptedBatch
from goodsam_pl.sam.frozen_sam import FrozenSam

__all__ = ["ElasticConsolidation"]


class ElasticConsolidation(FineTuning):
    r"""Weights that mattered for former domains are held where they were.

    .. math:: L = L_{BCE} + L_{dice} + \lambda \sum_{k \in K} \sum_j F_{kj}
        (\theta_j - \theta^*_{kj})^2

    F_k is measured on domain k when it ends, see :func:`goodsam_pl.losses.fisher_diagonal`.

    Args:
        sam: frozen.
        recipe: of the adapter.
        points: where masks are compared.
        seed: of the adapter's random weights.
        anchor_weight: λ; CoSAM's is 10.
        remembers: K. ``last``, as released: the domain before alone, for F is overwritten. ``all``:
            all former domains, as the paper sums them.
    """

    def __init__(
        self,
        sam: FrozenSam,
        recipe: AdapterRecipe = AdapterRecipe(),
        points: MaskPoints = MaskPoints(),
        seed: int = 0,
        anchor_weight: float = 10.0,
        remembers: Literal["last", "all"] = "last",
    ) -> None:
        super().__init__(sam, recipe, points, seed)
        self.remembers = remembers
        self.weights["anchor"] = anchor_weight
        self.memories: list[dict[str, dict[str, Tensor]]] = []
        """Of each remembered domain ``importance`` F and ``anchors`` θ*."""

    def loss_terms(self, batch: PromptedBatch, generator: Generator) -> dict[str, Tensor]:
        """Those of the true masks, and what holds weights."""
        terms = super().loss_terms(batch, generator)
        if self.memories:
            weights: dict[str, Tensor] = {**self.learned()}
            held = [anchor_penalty(weights, **self._here(memory)) for memory in self.memories]
            terms["anchor"] = torch.stack(held).sum()
        return terms

    def end_task(self, task: ContinualTask, generator: Generator) -> None:
        """Measure which weights matter."""
        weights: dict[str, Tensor] = {**self.learned()}

        def losses() -> Iterator[Tensor]:
            device = self.sam.places().device
            for batch in task.batches:
                terms = super(ElasticConsolidation, self).loss_terms(batch.to(device), generator)
                yield torch.stack([self.weights[name] * each for name, each in terms.items()]).sum()

        with torch.enable_grad():
            importance = fisher_diagonal(losses(), weights)
        memory = {
            "importance": importance,
            "anchors": {name: value.detach().clone() for name, value in weights.items()},
        }
        self.memories = [memory] if self.remembers == "last" else [*self.memories, memory]

    def get_extra_state(self) -> dict[str, Any]:
        """And what matters."""
        return {**super().get_extra_state(), "memories": self.memories}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Remember it again."""
        super().set_extra_state(state)
        self.memories = list(state["memories"])

    def _here(self, memory: dict[str, dict[str, Tensor]]) -> dict[str, dict[str, Tensor]]:
        """A memory on the device of the adapter; a checkpoint may have been read elsewhere."""
        device = next(self.adapter.parameters()).device
        for values in memory.values():
            values.update({name: value.to(device) for name, value in values.items()})
        return memory
