"""Pictures show what is there, where it is."""

from __future__ import annotations

import numpy as np
import torch

from goodsam_pl.data import normalize
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.taxonomy import get_taxonomy
from goodsam_pl.views.pictures import (
    contact_sheet,
    difference_picture,
    image_picture,
    label_picture,
    mask_picture,
    weight_picture,
)

PIXELS = (np.arange(8 * 32 * 3) % 251).astype(np.uint8).reshape(8, 32, 3)
IMAGE = normalize(PIXELS)
GRID = WindowGrid.cover((8, 32), (8, 12), (8, 8))


def test_an_image_looks_as_it_was_before_it_was_normalised() -> None:
    assert np.array_equal(image_picture(IMAGE), PIXELS)


def test_labels_have_the_colours_of_their_taxonomy() -> None:
    taxonomy = get_taxonomy("cityscapes-19")
    picture = label_picture(torch.tensor([[0, 18], [255, 10]]), taxonomy)
    assert tuple(picture[0, 0]) == taxonomy.palette[0]
    assert tuple(picture[0, 1]) == taxonomy.palette[18]
    assert tuple(picture[1, 1]) == taxonomy.palette[10]


def test_masks_are_coloured_where_they_lie_also_across_the_seam() -> None:
    masks = torch.full((GRID.count, 1, 8, 12), -1, dtype=torch.int16)
    masks[3, 0, 2:4, 6:10] = 0  # window 3 starts at column 24: columns 30, 31, 0 and 1
    changed = (mask_picture(IMAGE, masks, GRID) != image_picture(IMAGE)).any(axis=2)
    expected = np.zeros((8, 32), dtype=bool)
    expected[2:4, [30, 31, 0, 1]] = True
    assert np.array_equal(changed, expected)


def test_a_smaller_mask_is_drawn_over_a_larger_one() -> None:
    masks = torch.full((GRID.count, 2, 8, 12), -1, dtype=torch.int16)
    masks[1, 0] = 0
    masks[1, 1, 3:5, 4:8] = 1  # window 1 starts at column 8
    flat = normalize(np.full((8, 32, 3), 128, dtype=np.uint8))
    picture = mask_picture(flat, masks, GRID)
    assert len(np.unique(picture[3:5, 12:16].reshape(-1, 3), axis=0)) == 1
    assert (picture[3, 12] != picture[0, 8]).any()


def test_weights_are_grey_from_black_to_white() -> None:
    picture = weight_picture(torch.tensor([[0.0, 0.5, 1.0]]))
    assert picture.tolist() == [[[0] * 3, [128] * 3, [255] * 3]]


def test_changes_are_green_where_right_red_where_wrong_and_yellow_where_neither_or_unknown() -> (
    None
):
    flat = normalize(np.full((1, 6, 3), 100, dtype=np.uint8))
    before, after, truth = (
        torch.tensor([ids])
        for ids in ([1, 1, 1, 1, 1, 1], [1, 2, 2, 2, 2, 1], [1, 2, 1, 3, 255, 2])
    )
    green, red, yellow, dark = (0, 200, 0), (220, 0, 0), (230, 200, 0), (50, 50, 50)
    picture = difference_picture(flat, before, after, truth)
    assert [tuple(pixel) for pixel in picture[0].tolist()] == [
        dark,
        green,
        red,
        yellow,
        yellow,
        dark,
    ]
    unknown = difference_picture(flat, before, after)
    assert [tuple(pixel) for pixel in unknown[0].tolist()] == [dark, *[yellow] * 4, dark]


def test_a_sheet_holds_every_picture_below_its_caption() -> None:
    red, blue = (
        np.full((10, 20, 3), colour, dtype=np.uint8) for colour in ((255, 0, 0), (0, 0, 255))
    )
    sheet = contact_sheet([[("red", red), ("blue", blue)], [("blue", blue)]], margin=2)
    assert (sheet == (255, 0, 0)).all(axis=2).sum() == 200
    assert (sheet == (0, 0, 255)).all(axis=2).sum() == 400
