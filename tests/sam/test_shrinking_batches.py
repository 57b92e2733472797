"""Batches that do not fit are halved, and nothing is lost."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from goodsam_pl.sam.shrinking_batches import ShrinkingBatches

ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory"),
    RuntimeError("DefaultCPUAllocator: can't allocate memory: you tried to allocate 1 bytes"),
]


@pytest.mark.parametrize("error", ERRORS, ids=["device", "cpu"])
def test_batches_are_halved_until_they_fit(
    error: RuntimeError, caplog: pytest.LogCaptureFixture
) -> None:
    seen: list[int] = []

    def double(items: Tensor) -> Tensor:
        seen.append(len(items))
        if len(items) > 3:
            raise error
        return 2 * items

    batches = ShrinkingBatches("points", 12)
    assert torch.equal(torch.cat(batches.apply(double, torch.arange(7))), 2 * torch.arange(7))
    assert seen == [7, 3, 3, 1]
    assert batches.size == 3
    assert "3 points at a time" in caplog.text
    batches.apply(double, torch.arange(4))
    assert seen[4:] == [3, 1]


def test_one_item_that_does_not_fit_and_other_errors_are_told() -> None:
    def fail(items: Tensor) -> Tensor:
        raise ERRORS[0] if items[0] == 0 else RuntimeError("shapes")

    with pytest.raises(torch.OutOfMemoryError):
        ShrinkingBatches("points", 4).apply(fail, torch.arange(2))
    with pytest.raises(RuntimeError, match="shapes"):
        ShrinkingBatches("points", 4).apply(fail, torch.arange(1, 5))
