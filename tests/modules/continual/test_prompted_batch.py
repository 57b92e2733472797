"""Batches of several kinds of prompts, taken apart and drawn in their order."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch

from goodsam_pl.modules.continual.bottleneck_adapter import BottleneckAdapter
from goodsam_pl.modules.continual.hq_adapter import HqAdapter
from goodsam_pl.modules.continual.prompted_batch import PromptedBatch, draw_masks
from goodsam_pl.sam.frozen_sam import FrozenSam


def test_masks_are_in_the_order_of_the_images_whatever_asks(
    sam: FrozenSam, batch_of: Callable[..., PromptedBatch]
) -> None:
    batch = batch_of(5)
    assert [len(group.rows) for group in batch.asked] == [3, 2]
    together = draw_masks(None, sam, batch)
    for row in range(5):
        alone = batch.take(torch.tensor([row]))
        assert len(alone.asked) == 1
        torch.testing.assert_close(draw_masks(None, sam, alone), together[row : row + 1])
    turned = batch.take(torch.tensor([4, 1, 0]))
    torch.testing.assert_close(draw_masks(None, sam, turned), together[[4, 1, 0]])
    assert turned.masks is not None
    assert batch.masks is not None
    assert turned.masks.equal(batch.masks[[4, 1, 0]])


def test_known_features_are_taken_only_by_who_leaves_embeddings_alone(
    sam: FrozenSam, batch_of: Callable[..., PromptedBatch]
) -> None:
    batch, other = batch_of(2), batch_of(2, brightness=1.0)
    known = PromptedBatch(batch.images, batch.asked, batch.masks, sam.encode(other.images))
    hq, bottleneck = HqAdapter(sam), BottleneckAdapter(sam)
    by_others = PromptedBatch(other.images, batch.asked)
    assert draw_masks(hq, sam, known).equal(draw_masks(hq, sam, by_others))
    assert draw_masks(bottleneck, sam, known).equal(draw_masks(bottleneck, sam, batch))
    half = known.take(torch.tensor([1, 0])).to("cpu")
    assert half.features is not None
    assert half.features.embedding.shape == known.frozen_features(sam).embedding.shape


def test_mask_prompts_and_another_kind() -> None:
    rows = torch.tensor([0])
    batch = PromptedBatch.of(torch.zeros(1, 3, 64, 64), [("mask", rows, torch.zeros(1, 1, 32, 32))])
    assert batch.asked[0].prompts.masks is not None
    with pytest.raises(ValueError, match="'word': give box, points or mask"):
        PromptedBatch.of(torch.zeros(1, 3, 64, 64), [("word", rows, torch.zeros(1))])
