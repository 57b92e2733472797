"""Masks against a reference, by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from goodsam_pl.masks import WindowMasks
from goodsam_pl.masks.comparison import MaskComparison, compare_masks, mask_ious, total


def bars(*columns: tuple[int, int]) -> Tensor:
    """Full-height bars on 4×20 pixels."""
    x = torch.arange(20)
    return torch.stack([((x >= left) & (x < right)).expand(4, -1) for left, right in columns])


def packed(masks: Tensor) -> WindowMasks:
    return WindowMasks.pack(masks, torch.ones(len(masks)), torch.ones(len(masks)))


def test_ious_of_bars() -> None:
    iou = mask_ious(bars((0, 10), (12, 14)), bars((0, 8), (5, 15), (3, 3)))
    expected = torch.tensor([[0.8, 5 / 15, 0.0], [0.0, 0.2, 0.0]])
    torch.testing.assert_close(iou, expected)


def test_one_found_mask_may_match_two_but_is_paired_with_one() -> None:
    reference, found = packed(bars((0, 10), (0, 9), (15, 20))), packed(bars((0, 10), (11, 14)))
    compared = compare_masks(reference, found)
    assert compared == MaskComparison(3, 2, 2, 1, pytest.approx(1.9))
    assert compared.matched_share == pytest.approx(2 / 3)
    assert compared.paired_share == pytest.approx(1 / 3)
    assert compare_masks(reference, found, least_iou=0.95).matched == 1
    assert total([compared, compared])[:4] == (6, 4, 4, 2)


def test_masks_are_like_themselves_and_unlike_nothing() -> None:
    some, none = packed(bars((0, 5), (3, 9))), WindowMasks.none((4, 20))
    assert compare_masks(some, some) == MaskComparison(2, 2, 2, 2, 2.0)
    assert compare_masks(some, none) == MaskComparison(2, 0, 0, 0, 0.0)
    assert compare_masks(none, some).matched_share == 1.0


def test_other_sizes_are_refused() -> None:
    with pytest.raises(ValueError, match="cannot be compared"):
        compare_masks(WindowMasks.none((4, 20)), WindowMasks.none((4, 8)))
