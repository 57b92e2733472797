"""The shipped small SAM has its transformer behind convolutions, and is learned on alike."""

from __future__ import annotations

import torch

from goodsam_pl.modules.continual import AdapterRecipe, PooledQuery, PromptedBatch, TokenQuery
from goodsam_pl.modules.continual.domain_selector import DomainSelector
from goodsam_pl.modules.continual.prompted_batch import draw_masks
from goodsam_pl.sam.frozen_sam import FrozenSam


def test_adapters_begin_as_it_and_both_queries_ask_it() -> None:
    sam = FrozenSam.of("vit_nano")
    images = torch.randn(1, 3, 192, 192, generator=torch.Generator().manual_seed(1))
    boxes = torch.tensor([[30.0, 40.0, 120.0, 150.0]])
    batch = PromptedBatch.of(images, [("box", torch.tensor([0]), boxes)]).known_by(sam)
    adapter = AdapterRecipe("hq").make(sam, 0)
    with torch.no_grad():
        plain = draw_masks(None, sam, batch)
        assert plain.shape == (1, 1, 96, 96)
        assert draw_masks(adapter, sam, batch).equal(plain)
        for query in (TokenQuery(sam.shape), PooledQuery(sam.shape)):
            selector = DomainSelector(query)
            selector.renew(3, torch.Generator().manual_seed(0))
            assert selector(sam, images, batch.features).shape == (1, 3)
    assert sum(parameter.numel() for parameter in adapter.parameters()) == 94_960
