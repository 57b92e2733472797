"""Pieces of a class, put together where they may be one thing."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from goodsam_pl.masks.class_parts import LEAST_AREA, class_parts


def blocks(*boxes: tuple[int, int, int, int]) -> NDArray[np.bool_]:
    """A mask with rectangles: top, left, height and width."""
    mask = np.zeros((40, 60), bool)
    for top, left, height, width in boxes:
        mask[top : top + height, left : left + width] = True
    return mask


def test_what_is_far_apart_is_two_parts() -> None:
    one, other = (2, 2, 6, 6), (25, 40, 8, 4)
    parts = class_parts(blocks(one, other))
    assert (parts == np.stack([blocks(one), blocks(other)])).all()


def test_a_thing_behind_a_pole_is_one_part() -> None:
    halves = blocks((10, 10, 12, 10), (10, 22, 12, 10))
    assert (class_parts(halves) == halves[None]).all()


def test_corners_connect() -> None:
    steps = blocks((5, 5, 4, 4), (9, 9, 4, 4))
    assert len(class_parts(steps)) == 1


def test_small_pieces_are_left_out() -> None:
    assert LEAST_AREA == 5
    assert class_parts(blocks((3, 3, 1, 4))).shape == (0, 40, 60)
    assert len(class_parts(blocks((3, 3, 1, 5)))) == 1
    assert class_parts(np.zeros((40, 60), bool)).shape == (0, 40, 60)


@pytest.mark.parametrize(
    ("gap", "parts"),
    [(10, 1), (19, 1), (20, 2), (30, 2)],  # 2·100 of 10·(20 + gap) pixels: more than half?
)
def test_boxes_must_fill_half_of_the_box_around_both(gap: int, parts: int) -> None:
    assert len(class_parts(blocks((5, 5, 10, 10), (5, 15 + gap, 10, 10)))) == parts


def test_thin_pieces_may_fill_less() -> None:
    """Frames of fill 0.36: with a gap they fill 0.30 of the box around both, above 0.36 − 0.1."""
    frame = blocks((5, 5, 10, 10), (5, 17, 10, 10))
    frame[6:14, 6:14] = frame[6:14, 18:26] = False
    whole = 2 * 36 / (10 * 22)
    assert 0.36 - 0.1 < whole < 0.5
    assert len(class_parts(frame)) == 1


def test_parts_share_no_pixel_and_have_all_but_the_small_ones() -> None:
    mask = np.random.default_rng(3).random((40, 60)) < 0.35
    parts = class_parts(mask)
    assert parts.sum(axis=0).max() == 1
    left = mask & ~parts.any(axis=0)
    assert class_parts(left).shape[0] == 0
    assert not (parts.any(axis=0) & ~mask).any()


def test_a_part_that_grew_takes_in_what_comes_after() -> None:
    """The first alone is too far from the third, with the second it is not."""
    first, second, third = (5, 2, 6, 10), (5, 16, 6, 10), (5, 34, 6, 8)
    assert len(class_parts(blocks(first, third))) == 2
    assert len(class_parts(blocks(first, second, third))) == 1
