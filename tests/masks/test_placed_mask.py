from __future__ import annotations

import numpy as np
import pytest
import torch

from goodsam_pl.masks.placed_mask import PlacedMask, lay_placed
from goodsam_pl.masks.window_masks import WindowMasks


def full(top: int, left: int, height: int, width: int, score: float = 0.5) -> PlacedMask:
    return PlacedMask(top, left, np.ones((height, width), dtype=bool), score, 0.75)


def test_area_counts_pixels_and_the_box_includes_its_last_ones() -> None:
    cross = PlacedMask(2, 3, np.array([[0, 1, 0], [1, 1, 1]], dtype=bool), 0.9, 0.8)
    assert cross.area == 4
    assert cross.box == (3, 2, 5, 3)


def test_disjoint_masks_share_a_layer_and_overlapping_ones_do_not() -> None:
    masks = lay_placed([full(0, 0, 2, 3, 0.25), full(1, 1, 1, 2), full(0, 4, 1, 1)], (3, 6))
    assert masks.layers.shape == (2, 3, 6)
    assert masks.layers[0].tolist() == [
        [0, 0, 0, -1, 2, -1],
        [0, 0, 0, -1, -1, -1],
        [-1, -1, -1, -1, -1, -1],
    ]
    assert masks.layers[1, 1].tolist() == [-1, 1, 1, -1, -1, -1]
    assert masks.areas.tolist() == [6, 2, 1]
    assert masks.predicted_iou.tolist() == [0.25, 0.5, 0.5]
    assert masks.stability.tolist() == [0.75] * 3
    assert masks.logits is None


def test_it_says_what_packing_whole_masks_says() -> None:
    generator = np.random.default_rng(0)
    placed = []
    for _ in range(12):
        height, width = generator.integers(1, 6, 2)
        top, left = generator.integers(0, 8 - height), generator.integers(0, 10 - width)
        placed.append(full(int(top), int(left), int(height), int(width), generator.random()))
    placed.sort(key=lambda mask: -mask.area)
    whole = torch.zeros((12, 8, 10), dtype=torch.bool)
    for row, mask in zip(whole, placed, strict=True):
        left, top, right, bottom = mask.box
        row[top : bottom + 1, left : right + 1] = torch.from_numpy(mask.shape)
    scores = torch.tensor([mask.predicted_iou for mask in placed])
    expected = WindowMasks.pack(whole, scores, torch.full((12,), 0.75))
    found = lay_placed(placed, (8, 10))
    for name in ("layers", "predicted_iou", "stability", "boxes", "areas"):
        assert torch.equal(getattr(found, name), getattr(expected, name)), name


def test_a_mask_across_the_seam_goes_on_at_the_left() -> None:
    masks = lay_placed([full(0, 4, 1, 4)], (1, 6))
    assert masks.layers.tolist() == [[[0, 0, -1, -1, 0, 0]]]
    assert masks.boxes.tolist() == [[4, 0, 7, 0]]


def test_no_mask_is_no_layer() -> None:
    masks = lay_placed([], (2, 3))
    assert masks.layers.shape == (0, 2, 3)
    assert masks.boxes.shape == (0, 4)
    assert len(masks) == 0


def test_more_layers_than_there_may_be_are_refused() -> None:
    three = [full(0, 0, 1, 1)] * 3
    assert len(lay_placed(three, (1, 1), most_layers=3).layers) == 3
    with pytest.raises(ValueError, match="more than 2 masks overlap"):
        lay_placed(three, (1, 1), most_layers=2)
