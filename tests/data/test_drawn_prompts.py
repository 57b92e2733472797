from __future__ import annotations

import numpy as np
import pytest

from goodsam_pl.data.drawn_prompts import box_of, inner_points, noisy_box, noisy_mask, points_in


def disc(side=64, radius=20):
    rows, columns = np.ogrid[:side, :side]
    return (rows - 30) ** 2 + (columns - 33) ** 2 <= radius**2


def draw(seed=0):
    return np.random.default_rng(seed)


def test_box_of_outermost_pixels():
    mask = np.zeros((20, 30), dtype=bool)
    mask[3, 7] = mask[11, 5] = True
    assert box_of(mask).tolist() == [5, 3, 7, 11]
    assert box_of(mask[:4]).tolist() == [7, 3, 7, 3]
    for ask in (box_of, lambda empty: points_in(empty, 3, draw())):
        with pytest.raises(ValueError, match="an empty mask has no"):
            ask(np.zeros((4, 4), dtype=bool))


def test_noise_of_boxes_is_a_share_of_their_sides():
    box = np.array([100, 200, 199, 249], dtype=np.float32)  # 100 wide, 50 tall
    random = draw()
    moved = np.stack([noisy_box(box, (1000, 1000), random, 0.1, 1e9) for _ in range(2000)])
    np.testing.assert_allclose(moved.std(axis=0), [10, 5, 10, 5], rtol=0.06)
    np.testing.assert_allclose(moved.mean(axis=0), box, atol=1)
    held = np.stack([noisy_box(box, (1000, 1000), random, 0.9, 20) for _ in range(200)])
    assert np.abs(held - box).max() == 20
    assert np.array_equal(
        noisy_box(box, (1000, 1000), draw(1)), noisy_box(box, (1000, 1000), draw(1))
    )


def test_noisy_boxes_stay_in_the_image_and_upright():
    random = draw()
    for _ in range(200):
        left, top, right, bottom = noisy_box(box_of(disc(40, 9)), (40, 40), random, 0.8)
        assert 0 <= left <= right <= 39
        assert 0 <= top <= bottom <= 39


def test_points_are_pixels_of_the_mask_each_once():
    mask = disc()
    points = points_in(mask, 10, draw())
    assert points.shape == (10, 2)
    assert mask[points[:, 1].astype(int), points[:, 0].astype(int)].all()
    assert len(np.unique(points, axis=0)) == 10
    # all pixels are equally likely: their mean is the middle
    many = points_in(mask, 1000, draw())
    np.testing.assert_allclose(many.mean(axis=0), [33, 30], atol=1)


def test_few_pixels_come_more_than_once():
    mask = np.zeros((8, 9), dtype=bool)
    mask[2, 3] = mask[5, 7] = True
    points = points_in(mask, 10, draw())
    assert {tuple(point) for point in points.tolist()} == {(3, 2), (7, 5)}


def test_noise_lies_on_the_outline_alone():
    mask = disc(256, 90)
    noisy = noisy_mask(mask, 256, draw())
    assert noisy.shape == (1, 256, 256)
    assert np.unique(noisy).tolist() == [-10, 10]
    wrong = (noisy[0] > 0) != mask
    rows, columns = np.ogrid[:256, :256]
    distance = np.abs(np.hypot(rows - 30, columns - 33) - 90)
    assert wrong.any()
    assert distance[wrong].max() < 12  # of eight pixels and a diagonal
    # where a pixel is unsure, noise of deviation 1 turns it with probability 0.31
    near = distance < 1
    assert wrong[near].mean() == pytest.approx(0.31, abs=0.05)


def test_mask_prompts_have_the_side_and_the_levels_that_are_asked_for():
    prompt = noisy_mask(np.ones((64, 64), dtype=bool), 16, draw(), (0, 255))
    assert prompt.shape == (1, 16, 16)
    assert (prompt == 255).all()
    assert np.array_equal(noisy_mask(disc(), 32, draw(3)), noisy_mask(disc(), 32, draw(3)))
    assert not np.array_equal(noisy_mask(disc(), 32, draw(3)), noisy_mask(disc(), 32, draw(4)))


def test_inner_points_are_the_deepest_each_far_from_those_before():
    mask = disc()
    points = inner_points(mask, 3)
    assert points.dtype == np.float32
    assert points[0].tolist() == [33, 30]
    # as a search over all pixels has it
    rows, columns = np.nonzero(np.pad(mask, 1, constant_values=False))
    outside = np.argwhere(~np.pad(mask, 1))
    for count, point in enumerate(points):
        away = np.concatenate([outside, points[:count, ::-1] + 1])
        apart = np.linalg.norm(np.stack([rows, columns], 1)[:, None] - away[None], axis=2).min(1)
        reached = np.linalg.norm(away - (point[::-1] + 1), axis=1).min()
        assert reached == pytest.approx(apart.max(), abs=1e-3)
        assert mask[int(point[1]), int(point[0])]
    # the edge of the image is an edge, and a point comes again where no pixel is left
    assert inner_points(np.ones((5, 7), dtype=bool), 1)[0, 1] == 2
    lonely = np.zeros((4, 4), dtype=bool)
    lonely[1, 3] = True
    assert inner_points(lonely, 2).tolist() == [[3, 1], [3, 1]]
    with pytest.raises(ValueError, match="an empty mask has no points"):
        inner_points(np.zeros((4, 4), dtype=bool), 1)
