"""The measures of masks, on windows whose answers are counted by hand."""

from __future__ import annotations

import math

import pytest
import torch

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import WindowMasks
from goodsam_pl.masks.instance_quality import QualityTally, masks_in_windows


@pytest.fixture
def instances() -> torch.Tensor:
    """``(40, 60)``: 0 fills the window, 1 has 400 pixels, 2 has 100, 3 has 63, too few to count."""
    window = torch.zeros((40, 60), dtype=torch.int16)
    window[:20, :20] = 1
    window[30:, 50:] = 2
    window[20:27, 30:39] = 3
    return window


def _box(rows: slice, columns: slice) -> torch.Tensor:
    mask = torch.zeros((40, 60), dtype=torch.bool)
    mask[rows, columns] = True
    return mask


def test_each_instance_has_its_best_mask(instances: torch.Tensor) -> None:
    tally = QualityTally()
    half = _box(slice(20), slice(10))  # IoU 0.5 with 1
    wide = _box(slice(30, 40), slice(46, 60))  # IoU 100 / 140 with 2
    empty = torch.zeros_like(half)
    tally.add(torch.stack([half, wide, _box(slice(5), slice(5)), empty]), instances)
    quality = tally.score()
    background = 2400 - 400 - 100 - 63
    of_background = 40 / (background + 140 - 40)  # what the wide mask holds of it
    everything = quality.of_size(64)
    assert everything.instances == 3
    assert everything.mean_iou == pytest.approx((0.5 + 100 / 140 + of_background) / 3)
    assert everything.recall_50 == pytest.approx(2 / 3)
    assert everything.recall_75 == 0
    assert everything.masks == 2
    assert quality.of_size(400).instances == 2
    assert quality.of_size(400).mean_iou == pytest.approx((0.5 + of_background) / 2)
    assert quality.of_size(1024).instances == 1
    assert quality.masks_per_window == 3
    assert quality.covered == pytest.approx((200 + 140) / 2400)
    assert math.isnan(quality.purity)


def test_a_mask_is_pure_with_19_of_20_pixels_in_one_class(instances: torch.Tensor) -> None:
    classes = torch.full((40, 60), 255, dtype=torch.uint8)
    classes[:, :19] = 3
    pure, impure = _box(slice(10), slice(20)), _box(slice(10), slice(21))
    void = _box(slice(0, 40), slice(30, 60))
    tally = QualityTally()
    tally.add(torch.stack([pure, impure, void]), instances, classes)
    quality = tally.score()
    assert quality.purity == pytest.approx(2 / 3)
    assert quality.of_size(400).purity == 1
    assert quality.of_size(400).masks == 1
    assert quality.as_dict()["purity_400"] == 1
    assert quality.as_dict()["windows"] == 1


def test_windows_count_alike_and_those_without_masks_too(instances: torch.Tensor) -> None:
    exact = torch.stack([instances == number for number in range(4)])
    tally = QualityTally()
    tally.add(exact, instances)
    assert tally.score().of_size(64)[2:5] == (1, 1, 1)
    assert tally.score().covered == 1
    tally.add(exact[:0], instances)
    quality = tally.score()
    assert quality.of_size(64)[1:5] == (6, 0.5, 0.5, 0.5)
    assert quality.covered == 0.5
    assert quality.windows == 2


def test_what_cannot_be_counted_is_refused(instances: torch.Tensor) -> None:
    tally = QualityTally()
    with pytest.raises(ValueError, match="no window was counted"):
        tally.score()
    with pytest.raises(ValueError, match="are of one window"):
        tally.add(torch.ones((1, 4, 4), dtype=torch.bool), instances)
    tally.add((instances > 0)[None], instances, instances)
    tally.add((instances > 0)[None], instances)
    with pytest.raises(ValueError, match="some windows had classes"):
        tally.score()


def test_masks_of_a_panorama_are_seen_through_windows_across_the_seam() -> None:
    grid = WindowGrid.cover((4, 8), (4, 4), (4, 2))
    mask = torch.zeros((2, 4, 8), dtype=torch.bool)
    mask[0, :, [7, 0]] = True
    mask[1, 1, 1] = True
    whole = WindowMasks.pack(mask, torch.ones(2), torch.ones(2))
    shown = masks_in_windows([whole], grid)
    assert [len(each) for each in shown] == [2, 0, 1, 2]
    assert torch.equal(shown[3][0], mask[0].roll(2, 1)[:, :4])  # columns 6, 7, 0, 1
    windows = [WindowMasks.pack(each, *torch.ones(2, len(each))) for each in shown]
    for one, other in zip(masks_in_windows(windows, grid), shown, strict=True):
        assert torch.equal(one, other)
    with pytest.raises(ValueError, match="neither of 4 windows"):
        masks_in_windows(windows[:3], grid)
