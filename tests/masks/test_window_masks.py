"""Packing loses nothing, and logits lie where segment_anything lays them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from segment_anything.modeling import Sam
from torch import Tensor

from goodsam_pl.masks.window_masks import (
    LogitFrame,
    WindowMasks,
    mask_boxes,
    mask_layers,
    unpack_layers,
)

binary_masks = arrays.arrays(
    np.bool_, st.tuples(st.integers(0, 9), st.integers(1, 7), st.integers(1, 7))
).map(torch.from_numpy)


@given(binary_masks)
def test_layers_hold_overlapping_masks_without_loss(binary: Tensor) -> None:
    layers = mask_layers(binary)
    assert layers.dtype == torch.int16
    assert torch.equal(unpack_layers(layers, len(binary)), binary)


@given(binary_masks)
def test_there_are_enough_layers_for_the_deepest_pile_and_no_more_than_masks(
    binary: Tensor,
) -> None:
    layers = mask_layers(binary)
    deepest = int(binary.sum(dim=0).max()) if len(binary) else 0
    assert deepest <= len(layers) <= len(binary)
    assert torch.equal((layers >= 0).sum(dim=0), binary.sum(dim=0))


def test_disjoint_masks_share_one_layer() -> None:
    binary = torch.eye(5, dtype=torch.bool).reshape(5, 1, 5)
    assert mask_layers(binary).tolist() == [[[0, 1, 2, 3, 4]]]


@given(binary_masks)
def test_packed_masks_are_sorted_by_area_with_all_that_belongs_to_them(binary: Tensor) -> None:
    serial = torch.arange(len(binary)).float()
    packed = WindowMasks.pack(binary, serial, serial + 0.5, serial[:, None, None])
    assert (packed.areas.diff() <= 0).all()
    order = packed.predicted_iou.long()
    assert sorted(order.tolist()) == list(range(len(binary)))
    assert torch.equal(packed.stability, packed.predicted_iou + 0.5)
    assert torch.equal(packed.binary(), binary[order])
    assert torch.equal(packed.areas, binary[order].sum(dim=(1, 2)).int())
    assert packed.size == tuple(binary.shape[1:])
    assert packed.logits is not None
    assert torch.equal(packed.logits[:, 0, 0], packed.predicted_iou)


@given(binary_masks)
def test_boxes_reach_from_the_first_to_the_last_pixel(binary: Tensor) -> None:
    for mask, box in zip(binary.numpy(), mask_boxes(binary).tolist(), strict=True):
        rows, columns = np.nonzero(mask)
        expected = (
            [columns.min(), rows.min(), columns.max(), rows.max()] if len(rows) else [0, 0, 0, 0]
        )
        assert box == expected


@pytest.mark.parametrize(
    ("inside", "window"),
    [((64, 64), (64, 64)), ((64, 64), (50, 50)), ((40, 64), (75, 120)), ((64, 24), (96, 36))],
)
def test_logits_are_placed_bit_for_bit_as_segment_anything_does(
    tiny_sam: Sam, inside: tuple[int, int], window: tuple[int, int]
) -> None:
    logits = torch.randn(5, 32, 32, generator=torch.Generator().manual_seed(1))
    expected = tiny_sam.postprocess_masks(logits[:, None], inside, window)[:, 0]
    assert torch.equal(LogitFrame(64, *inside).place(logits, window), expected)


def test_another_threshold_is_taken_on_the_logits() -> None:
    logits = torch.linspace(-2, 2, 16).reshape(1, 4, 4)
    packed = WindowMasks.pack(logits > 0, torch.ones(1), torch.ones(1), logits, LogitFrame(4, 4, 4))
    assert torch.equal(packed.binary(), logits > 0)
    assert torch.equal(packed.binary(1.0), logits > 1)


def test_masks_without_logits_know_no_other_threshold() -> None:
    packed = WindowMasks.pack(torch.ones(1, 2, 2, dtype=torch.bool), torch.ones(1), torch.ones(1))
    assert packed.binary().all()
    with pytest.raises(ValueError, match="without logits"):
        packed.binary(0.0)
