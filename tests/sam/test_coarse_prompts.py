"""Prompts of coarse masks, held against searches over all pairs of pixels."""

from __future__ import annotations

import math

import numpy as np
import pytest
from numpy.typing import NDArray

from goodsam_pl.sam.coarse_prompts import (
    distance_inside,
    gaussian_prompt,
    negative_point,
    positive_point,
    spread_points,
    tight_box,
)

Mask = NDArray[np.bool_]


def blobs(seed: int, size: tuple[int, int] = (13, 17)) -> Mask:
    """A random mask with ragged edges, often cut by the border, never empty or full."""
    generator = np.random.default_rng(seed)
    rows, columns = np.mgrid[: size[0], : size[1]]
    mask = np.zeros(size, bool)
    for _ in range(3):
        row, column, radius = generator.uniform((0, 0, 2), (*size, 6))
        mask |= (rows - row) ** 2 + (columns - column) ** 2 < radius**2
    mask ^= generator.random(size) < 0.05
    return mask


def nearest(pixel: tuple[int, int], others: list[tuple[int, int]]) -> float:
    return min(math.dist(pixel, other) for other in others)


def pixels_of(mask: Mask) -> list[tuple[int, int]]:
    return [(int(row), int(column)) for row, column in zip(*mask.nonzero(), strict=True)]


@pytest.mark.parametrize("seed", range(6))
def test_distances_are_those_to_the_nearest_pixel_outside(seed: int) -> None:
    mask = blobs(seed)
    outside = pixels_of(~mask)
    expected = np.zeros(mask.shape)
    for row, column in pixels_of(mask):
        expected[row, column] = nearest((row, column), outside)
    assert distance_inside(mask) == pytest.approx(expected, abs=1e-4)


def test_the_border_is_not_outside() -> None:
    mask = np.zeros((5, 9), bool)
    mask[:, 4:] = True
    assert distance_inside(mask)[2].tolist() == [0, 0, 0, 0, 1, 2, 3, 4, 5]
    assert positive_point(distance_inside(mask)) == (8, 0)


def test_a_mask_without_an_outside_is_deepest_in_the_middle() -> None:
    assert positive_point(distance_inside(np.ones((5, 7), bool))) == (2, 2)


@pytest.mark.parametrize("seed", range(6))
def test_the_positive_point_is_the_deepest(seed: int) -> None:
    mask = blobs(seed)
    outside = pixels_of(~mask)
    column, row = positive_point(distance_inside(mask))
    deepest = max(nearest(pixel, outside) for pixel in pixels_of(mask))
    assert mask[row, column]
    assert nearest((row, column), outside) == pytest.approx(deepest)


@pytest.mark.parametrize("seed", range(6))
def test_the_negative_point_is_the_furthest_in_the_box(seed: int) -> None:
    mask = blobs(seed)
    inside = pixels_of(mask)
    left, top, right, bottom = tight_box(mask)
    beside = [
        (row, column)
        for row, column in pixels_of(~mask)
        if top <= row <= bottom and left <= column <= right
    ]
    found = negative_point(mask)
    assert found is not None
    assert (found[1], found[0]) in beside
    furthest = max(nearest(pixel, inside) for pixel in beside)
    assert nearest((found[1], found[0]), inside) == pytest.approx(furthest)


def test_a_mask_that_fills_its_box_has_no_negative_point() -> None:
    mask = np.zeros((6, 8), bool)
    mask[2:5, 3:7] = True
    assert negative_point(mask) is None
    mask[4, 6] = False  # the last row and column count
    assert negative_point(mask) == (6, 4)


def test_the_box_ends_with_the_last_row_and_column() -> None:
    mask = np.zeros((6, 8), bool)
    mask[2, 3] = mask[4, 7] = True
    assert tight_box(mask) == (3, 2, 7, 4)
    with pytest.raises(ValueError, match="an empty mask has no box"):
        tight_box(np.zeros((6, 8), bool))


@pytest.mark.parametrize("seed", range(4))
def test_spread_points_are_deep_and_far_from_one_another(seed: int) -> None:
    mask = blobs(seed)
    points = spread_points(mask, 4)
    outside = pixels_of(~mask)
    for column, row in points:
        assert mask[row, column]
        left = [pixel for pixel in pixels_of(mask) if pixel not in outside]
        deepest = max(nearest(pixel, outside) for pixel in left)
        assert nearest((row, column), outside) == pytest.approx(deepest)
        outside.append((row, column))
    assert len(set(points)) == 4
    assert points[0] == positive_point(distance_inside(mask))


def test_a_small_mask_has_as_many_points_as_pixels() -> None:
    mask = np.zeros((4, 4), bool)
    mask[1, 1:3] = True
    assert sorted(spread_points(mask, 5)) == [(1, 1), (2, 1)]


def test_the_gaussian_is_as_written() -> None:
    mask = blobs(1)
    distances = distance_inside(mask)
    found = gaussian_prompt(mask, distances, strength=30.0, gamma=4.0)
    area, deepest = int(mask.sum()), float(distances.max())
    for (row, column), value in np.ndenumerate(found):
        behind = float(distances[row, column]) - deepest
        expected = 30 * math.exp(-(behind**2) / (area / 4)) if mask[row, column] else -30
        assert value == pytest.approx(expected, rel=1e-4, abs=1e-4)
    assert found.max() == 30.0
    assert found.min() == -30.0


def test_a_larger_gamma_makes_the_middle_smaller() -> None:
    mask = np.zeros((21, 21), bool)
    mask[3:18, 3:18] = True
    distances = distance_inside(mask)
    sure = [int((gaussian_prompt(mask, distances, 1.0, gamma) > 0.5).sum()) for gamma in (1, 4, 16)]
    assert sure[0] > sure[1] > sure[2] > 0
