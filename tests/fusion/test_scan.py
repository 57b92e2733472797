"""Blocks and tensors scan alike, and runs hold what their pixels hold."""

from __future__ import annotations

import pytest
import torch

from goodsam_pl.fusion import scan as module
from goodsam_pl.fusion.scan import gather_up, scan, spread


def test_every_way_of_scanning_tells_the_pixels_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    generator = torch.Generator().manual_seed(0)
    softmax = torch.randn(3, 5, 10, generator=generator).repeat_interleave(4, dim=2).softmax(1)
    masks = torch.randint(-1, 3, (3, 2, 20), generator=generator).repeat_interleave(2, dim=2)
    monkeypatch.setattr(module, "_BLOCK", 16)
    for found in (scan(softmax, masks), module._scan_tensors(softmax, masks)):
        lengths = torch.diff(found.starts, append=torch.tensor([120]))
        assert (lengths > 0).all()
        assert torch.equal(found.confidence, softmax.amax(dim=1))
        labels, *numbers = spread([found.labels, *found.masks], lengths, 120)
        assert torch.equal(labels.view(3, 40).long(), softmax.argmax(dim=1))
        windows = torch.arange(3)[:, None]
        for layer in range(2):
            ids = masks[:, layer]
            expected = torch.where(ids < 0, 0, 1 + 3 * ids + windows)
            assert torch.equal(numbers[layer].view(3, 40).long(), expected)


def test_sums_of_runs_are_exact_where_float_and_int32_are_not() -> None:
    values = torch.tensor([2**31 - 1, 2**31 - 1, 2**31 - 1, 1, 2, 3], dtype=torch.int32)
    sums = gather_up(values, torch.tensor([3, 1, 2]))
    assert sums.tolist() == [3 * (2**31 - 1), 1, 5]


def test_shares_of_threads_come_back_in_order() -> None:
    before = torch.get_num_threads()
    try:
        for threads in (1, 2, 5):
            torch.set_num_threads(threads)
            assert module._in_threads(str, range(3)) == ["0", "1", "2"]
    finally:
        torch.set_num_threads(before)


def test_not_a_number_is_a_maximum_with_a_label() -> None:
    softmax = torch.tensor([0.2, torch.nan, 0.3]).view(1, 3, 1)
    found = scan(softmax, torch.full((1, 1, 1), -1))
    assert found.confidence.isnan().all()
    assert found.labels.item() < 3
