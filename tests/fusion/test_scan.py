"""Blocks and tensors scan alike, and runs hold what their pixels hold."""

from __future__ import annotations

import pytest
import torch

from goodsam_pl.fusion import CTCF, SEPL, SSA, CTCFv2, NoFusion
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


@pytest.mark.parametrize("half", [torch.bfloat16, torch.float16])
@pytest.mark.parametrize("fuse", [CTCF(votes="confidence"), CTCFv2(), SSA(), SEPL(), NoFusion(0.4)])
def test_half_precision_decides_as_its_values_do_in_full(fuse, half) -> None:
    generator = torch.Generator().manual_seed(0)
    softmax = (3 * torch.randn(2, 3, 5, 12, 12, generator=generator)).softmax(2).to(half)
    masks = torch.randint(-1, 3, (2, 3, 1, 3, 3), generator=generator)
    masks = masks.repeat_interleave(4, 3).repeat_interleave(4, 4).short()
    found, expected = fuse(softmax, masks), fuse(softmax.float(), masks)
    assert found.weight.dtype == half
    assert torch.equal(found.winner, expected.winner)
    assert torch.equal(found.weight.float(), expected.weight)


@pytest.mark.parametrize("classes", [254, 255])
def test_as_many_classes_as_a_byte_holds_are_told_apart(classes: int) -> None:
    softmax = torch.eye(classes).view(1, 1, classes, 1, classes)
    fused = CTCF()(softmax, torch.full((1, 1, 1, 1, classes), -1))
    assert torch.equal(fused.label.flatten().long(), torch.arange(classes))
    with pytest.raises(ValueError, match="256 classes: labels are bytes"):
        CTCF()(torch.zeros(1, 1, 256, 1, 4), torch.full((1, 1, 1, 1, 4), -1))


def test_masks_without_a_layer_are_refused() -> None:
    with pytest.raises(ValueError, match="no layer of masks: where there is no mask, a layer"):
        CTCF()(torch.ones(1, 1, 1, 4, 4), torch.zeros(1, 1, 0, 4, 4))
