"""A SAM with an adapter a domain, and a selector that sends each image to one of them."""

from __future__ import annotations

from dataclasses import replace
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from goodsam_pl.modules.continual.adapter_pool import AdapterPool
from goodsam_pl.modules.continual.domain_selector import DomainSelector, Route
from goodsam_pl.modules.continual.prompted_batch import PromptedBatch, draw_masks
from goodsam_pl.sam.frozen_sam import FrozenSam

__all__ = ["RoutedMasks", "RoutedSam"]


class RoutedMasks(NamedTuple):
    """Masks of B images, and who drew them.

    Attributes:
        logits: ``(B, 1, 4h, 4w)`` float.
        route: of each image.
    """

    logits: Tensor
    route: Route


class RoutedSam(nn.Module):
    """Hard routing, image by image: one encoding, one query, one adapter each.

    Images of a domain are decoded together. Where the selector is not sure enough the mask is plain
    SAM's to the bit, of what SAM's encoder said; features that were kept in half precision are not
    quite that. State dicts have adapters and selector, and bring as many as they hold.

    Args:
        sam: frozen.
        pool: of adapters that were made for it.
        selector: of the same domains.
    """

    def __init__(self, sam: FrozenSam, pool: AdapterPool, selector: DomainSelector) -> None:
        super().__init__()
        self.sam = sam
        self.pool = pool
        self.selector = selector

    @torch.no_grad()
    def forward(self, batch: PromptedBatch) -> RoutedMasks:
        """Choose an adapter for each image and draw its mask.

        Raises:
            ValueError: no domain was learned, or the selector knows of others than the pool.
        """
        if not len(self.pool) or len(self.pool) != max(1, self.selector.domains):
            raise ValueError(
                f"{len(self.pool)} domains were learned and the selector chooses from "
                f"{self.selector.domains}: end the task first, which trains the selector"
            )
        features = batch.frozen_features(self.sam)
        batch = replace(batch, features=features)
        route = self.selector.route(self.sam, batch)
        side = 4 * self.sam.shape.grid
        logits = torch.empty(len(batch), 1, side, side, device=batch.images.device)
        for domain in route.domains.unique().tolist():
            rows = (route.domains == domain).nonzero()[:, 0]
            adapter = None if domain < 0 else self.pool[domain]
            logits[rows] = draw_masks(adapter, self.sam, batch.take(rows)).float()
        return RoutedMasks(logits, route)

    def get_extra_state(self) -> dict[str, Any]:
        """Names of the domains, and how many the selector chooses from."""
        return {"names": list(self.pool.names), "rows": self.selector.domains}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Make room for the tensors of a state dict, which are read next."""
        self.pool.rebuild(state["names"], self.sam)
        if state["rows"] != self.selector.domains:
            self.selector.resize(state["rows"])
