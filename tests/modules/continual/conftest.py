"""A frozen SAM of random weights, and batches to ask it about."""

from __future__ import annotations

from collections.abc import Callable

import pytest
import torch
from segment_anything.modeling import Sam

from goodsam_pl.modules.continual.prompted_batch import PromptedBatch
from goodsam_pl.sam.frozen_sam import FrozenSam


@pytest.fixture
def sam(stock_sam: Callable[[int], Sam]) -> FrozenSam:
    return FrozenSam(stock_sam(0), "stock")


@pytest.fixture(scope="session")
def batch_of() -> Callable[..., PromptedBatch]:
    """Images about a brightness, each with a rectangle to find, asked by its box or by points."""

    def make(count: int, brightness: float = 0.0, seed: int = 1) -> PromptedBatch:
        random = torch.Generator().manual_seed(seed)
        images = brightness + 0.3 * torch.randn(count, 3, 64, 64, generator=random)
        masks = torch.zeros(count, 64, 64, dtype=torch.bool)
        boxes = torch.zeros(count, 4)
        for row in range(count):
            left, top, width, height = torch.randint(8, 28, (4,), generator=random).tolist()
            masks[row, top : top + height, left : left + width] = True
            images[row, :, masks[row]] += 1
            boxes[row] = torch.tensor([left, top, left + width - 1, top + height - 1])
        middles = torch.stack([boxes[:, 0::2].mean(1), boxes[:, 1::2].mean(1)], dim=1)
        even, odd = torch.arange(0, count, 2), torch.arange(1, count, 2)
        groups = [("box", even, boxes[even])]
        if len(odd):
            groups.append(("points", odd, middles[odd, None]))
        return PromptedBatch.of(images, groups, masks)

    return make
