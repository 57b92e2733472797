"""MoDA, a mixture of domain adapters (Yang et al., arXiv 2412.06418), and SAMCL beside it."""

from __future__ import annotations

from collections.abc import Callable
from typing import ClassVar

import torch
from torch import Generator, Tensor, nn

from goodsam_pl.modules.continual.adapter_pool import AdapterPool
from goodsam_pl.modules.continual.adapter_recipe import AdapterRecipe
from goodsam_pl.modules.continual.domain_query import DomainQuery, TokenQuery
from goodsam_pl.modules.continual.domain_selector import DomainSelector
from goodsam_pl.modules.continual.method import ContinualMethod, ContinualTask, MaskPoints
from goodsam_pl.modules.continual.prompted_batch import PromptedBatch, draw_masks
from goodsam_pl.modules.continual.routed_sam import RoutedMasks, RoutedSam
from goodsam_pl.modules.continual.selector_training import SelectorTraining, train_selector
from goodsam_pl.sam.frozen_sam import FrozenSam, SamShape

__all__ = ["MixtureOfAdapters"]


class MixtureOfAdapters(ContinualMethod):
    """An adapter of its own for each domain, and a selector that learns from a few images of each.

    With ``hq`` adapters and tokens as query it is MoDA. With ``low_rank`` ones and a pooled query
    it is SAMCL's (arXiv 2412.05012), whose query costs no pass of its own. Kept images teach the
    selector alone.

    Args:
        sam: frozen.
        recipe: of all adapters.
        query: by which domains are told apart, or what makes it for the SAM, as a configuration
            has it; ``None`` takes ten tokens that learn.
        least_confidence: an image whose domain is less sure gets plain SAM's mask; see
            :class:`DomainSelector`.
        selector_training: how the selector learns.
        points: where masks are compared.
        seed: of the adapters' random weights.
    """

    routes: ClassVar[bool] = True

    def __init__(
        self,
        sam: FrozenSam,
        recipe: AdapterRecipe = AdapterRecipe(),
        query: DomainQuery | Callable[[SamShape], DomainQuery] | None = None,
        least_confidence: float = 0.0,
        selector_training: SelectorTraining = SelectorTraining(),
        points: MaskPoints = MaskPoints(),
        seed: int = 0,
    ) -> None:
        super().__init__(sam, points, seed)
        if not isinstance(query, DomainQuery):
            query = (query or TokenQuery)(sam.shape)
        selector = DomainSelector(query, least_confidence)
        self.routed = RoutedSam(sam, AdapterPool(recipe), selector)
        self.selector_training = selector_training
        self.kept_right = 1.0
        """Share of kept images that the selector sends to their domain, after its training."""

    def begin_task(self, task: ContinualTask) -> None:
        """Freeze the adapters that there are, and begin a new one."""
        super().begin_task(task)
        pool = self.routed.pool
        pool.add(task.name, self.sam, self.seed + len(pool))

    def end_task(self, task: ContinualTask, generator: Generator) -> None:
        """Freeze the adapter, and train the selector anew on what is kept of all domains.

        Raises:
            ValueError: images were not kept of each domain.
        """
        pool = self.routed.pool
        pool.freeze()
        if len(task.buffers) != len(pool):
            raise ValueError(
                f"images of {len(task.buffers)} domains were kept and {len(pool)} were learned: "
                "the selector needs some of each"
            )
        if len(pool) > 1:
            with torch.enable_grad():
                self.kept_right = train_selector(
                    self.routed.selector,
                    self.sam,
                    task.buffers,
                    self.selector_training,
                    generator,
                )

    def current(self, batch: PromptedBatch) -> Tensor:
        """Masks of the newest adapter, whatever the selector would say."""
        pool = self.routed.pool
        return draw_masks(pool[len(pool) - 1], self.sam, batch)

    def predict(self, batch: PromptedBatch) -> RoutedMasks:
        """Masks of the adapter that the selector chooses, of each image."""
        routed: RoutedMasks = self.routed(batch)
        return routed

    def learned(self) -> dict[str, nn.Parameter]:
        """The newest adapter alone: the selector has a training of its own."""
        prefix = f"routed.pool.members.{len(self.routed.pool) - 1}."
        everything = super().learned().items()
        return {name: each for name, each in everything if name.startswith(prefix)}
