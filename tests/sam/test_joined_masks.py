"""Masks of windows become masks of the panorama."""

from __future__ import annotations

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import WindowMasks
from goodsam_pl.sam.joined_masks import join_windows

GRID = WindowGrid.cover((8, 32), (8, 8), (8, 4))


def see(panorama: Tensor, scores: list[float] | None = None) -> list[WindowMasks]:
    """What each window sees of masks ``(M, 8, 32)``; scores are the masks' predicted IoU."""
    iou = torch.tensor(scores or [0.9] * len(panorama))
    found = []
    for window in GRID.extract(panorama[None].float())[0].bool():
        seen = window.any(dim=(1, 2))
        found.append(WindowMasks.pack(window[seen], iou[seen], iou[seen]))
    return found


def rectangle(top: int, bottom: int, left: int, right: int) -> Tensor:
    mask = torch.zeros(8, 32, dtype=torch.bool)
    mask[top:bottom, torch.arange(left, right) % 32] = True
    return mask


def as_set(masks: Tensor) -> set[bytes]:
    return {mask.numpy().tobytes() for mask in masks}


def test_a_road_around_the_full_circle_is_one_mask() -> None:
    road = rectangle(5, 8, 0, 32)
    joined = join_windows(see(road[None]), GRID)
    assert len(joined) == 1
    assert torch.equal(joined.binary()[0], road)
    assert joined.boxes.tolist() == [[0, 5, 31, 7]]
    assert joined.areas.tolist() == [96]


def test_a_car_across_the_seam_is_one_mask_and_its_box_goes_on() -> None:
    car = rectangle(2, 5, 29, 36)
    joined = join_windows(see(car[None]), GRID)
    assert torch.equal(joined.binary(), car[None])
    assert joined.boxes.tolist() == [[29, 2, 35, 4]]


def test_neighbours_that_overlap_no_window_pair_alike_stay_apart() -> None:
    cars = torch.stack([rectangle(2, 5, 4, 8), rectangle(2, 5, 12, 16)])
    joined = join_windows(see(cars), GRID)
    assert as_set(joined.binary()) == as_set(cars)


def test_scores_are_means_by_area_and_the_surer_of_two_repeats_stays() -> None:
    found = see(torch.stack([rectangle(0, 8, 0, 8), rectangle(0, 8, 20, 22)]))
    for masks, value in zip(found, torch.linspace(0.2, 0.9, GRID.count), strict=True):
        masks.predicted_iou.fill_(value)
    joined = join_windows(found, GRID)
    weights = torch.tensor([64.0, 32.0, 32.0])  # windows 0, 1 and 7 see half of it or all
    values = torch.linspace(0.2, 0.9, 8)[[0, 1, 7]]
    assert joined.predicted_iou[0].item() == pytest.approx((weights * values).sum() / 128)

    almost = torch.stack([rectangle(0, 8, 8, 16), rectangle(0, 8, 9, 16)])
    none = WindowMasks.none((8, 8))
    lone = [none] * GRID.count
    lone[2] = WindowMasks.pack(
        GRID.extract(almost[None].float())[0, 2].bool(), torch.tensor([0.5, 0.6]), torch.ones(2)
    )
    joined = join_windows(lone, GRID)
    assert torch.equal(joined.binary(), almost[1:])


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 10_000), st.integers(0, 7))
def test_what_windows_saw_comes_back_and_turns_with_the_panorama(seed: int, turn: int) -> None:
    generator = torch.Generator().manual_seed(seed)
    edges = torch.randperm(31, generator=generator)[:5].sort().values + 1
    # the first goes on at the seam
    columns = torch.bucketize(torch.arange(32), edges, right=True) % 5
    rows = (torch.arange(8) >= int(torch.randint(1, 8, (1,), generator=generator))).long()
    instances = columns[None] + 5 * rows[:, None]
    masks = (instances == torch.arange(10)[:, None, None]).roll(4 * turn, dims=2)
    joined = join_windows(see(masks), GRID)
    assert as_set(joined.binary()) == as_set(masks)


def test_windows_without_masks_and_sets_that_do_not_fit() -> None:
    none = [WindowMasks.none((8, 8))] * GRID.count
    joined = join_windows(none, GRID)
    assert len(joined) == 0
    assert joined.layers.shape == (0, 8, 32)
    with pytest.raises(ValueError, match="7 sets of masks"):
        join_windows(none[1:], GRID)
