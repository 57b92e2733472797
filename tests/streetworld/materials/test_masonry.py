"""Brick bonds, windows and tiles lie where their measures say."""

from __future__ import annotations

import numpy as np
import pytest

from goodsam_pl.streetworld.materials.masonry import bricks, facade, masonry, roof
from goodsam_pl.streetworld.objects.buildings import FLOOR
from goodsam_pl.streetworld.primitives import Builder, Material, Paint, Place
from goodsam_pl.streetworld.surfaces import surfaces

COLOUR, SECOND = (0.4, 0.3, 0.2), (0.7, 0.7, 0.7)
BRICK, ROW = 0.26, 0.085
PLAIN, BRICKS = (0.0, 0.0, 0.0, 0.0), (1.0, 0.0, 0.0, 0.0)


def seen(y, z, detail=PLAIN, distance=0.0, half=(1.0, 4.0, 5.0), inset=(0.0,) * 4):
    """Points ``(y, z)`` of the +x face of a box on the ground, by default 8 m by 10 m."""
    builder = Builder(1)
    paint = Paint(2, 3, Material.FACADE, COLOUR, SECOND, detail)
    builder.box(Place(0, 0), (0, 0, half[2]), half, paint, inset)
    y, z = (np.ravel(each).astype(np.float32) for each in np.broadcast_arrays(y, z))
    away = np.full(len(y), distance, dtype=np.float32)
    point = (np.full_like(y, half[0]), y, z)
    return surfaces(builder.build(), np.zeros(len(y), dtype=np.int64), point, away)


def test_joints_run_between_rows_and_every_other_row_is_half_a_brick_aside():
    middle = 0.5 * ROW
    even = bricks(seen(np.array([0.005, 0.13]), middle))
    odd = bricks(seen(np.array([0.005, 0.135]), middle + ROW))
    bed = bricks(seen(np.linspace(0, 1, 9), 10 * ROW + 0.005))
    assert even[0] == pytest.approx(1.3)
    assert even[1] < 1.26
    assert odd[1] == pytest.approx(1.3)
    assert odd[0] < 1.26
    np.testing.assert_allclose(bed, 1.3, rtol=1e-6)


def test_a_brick_has_one_tone_and_its_neighbours_others():
    across = (np.arange(30) + 0.5) * BRICK - 3.9
    first, second = (bricks(seen(across + step, 0.5 * ROW)) for step in (-0.05, 0.05))
    np.testing.assert_array_equal(first, second)
    assert (first >= 0.75).all()
    assert (first < 1.25).all()
    assert len(np.unique(first)) == 30


def test_bricks_blur_to_one_factor_far_away():
    y = np.linspace(-3, 3, 100)
    np.testing.assert_allclose(bricks(seen(y, 1.0, distance=1e5)), 1, atol=1e-6)


def test_masonry_has_bricks_only_where_its_detail_says():
    y, z = np.linspace(-3, 3, 100), 2.3
    plain, laid = (masonry(seen(y, z, detail)) for detail in (PLAIN, BRICKS))
    np.testing.assert_allclose(laid, plain * bricks(seen(y, z))[:, None], rtol=1e-5)
    np.testing.assert_allclose(plain / plain[:, :1], np.tile([1, 0.75, 0.5], (100, 1)), rtol=1e-5)


def test_walls_are_stained_at_their_foot():
    y = np.linspace(-3, 3, 500)
    foot, above = masonry(seen(y, 0.001)).mean(), masonry(seen(y, 0.6)).mean()
    assert foot / above == pytest.approx(1 - 0.25 * 0.5, abs=0.05)


def windows(y, z, height=0.5, width=0.6, bricks_=0.0, shop=0.0):
    """Of a façade of bays of 2 m, the third floor is wall where its colour is the wall's."""
    colour = facade(seen(y, z, (bricks_ + height, 2.0, 40 + width, shop)))
    ratio = colour / np.array(COLOUR)
    return np.abs(ratio - ratio.mean(axis=1, keepdims=True)).max(axis=1) > 0.02


def test_there_is_a_window_in_each_bay_as_wide_as_its_detail_asks_for():
    y = np.linspace(-3.999, 3.999, 2000)
    hole = windows(y, 1.55 + FLOOR)
    within = np.abs((y + 4) / 2 % 1 - 0.5) < 0.3
    assert (hole == within).mean() > 0.98
    assert np.diff(hole.astype(int)).clip(0).sum() >= 4


def test_windows_stand_on_the_sill_and_end_at_their_height():
    share = np.linspace(0.06, 0.99, 400)
    hole = windows(0.9, FLOOR * (1 + share))
    assert (hole == ((share > 0.32) & (share < 0.82))).mean() > 0.98
    taller = windows(0.9, FLOOR * (1 + share), height=0.6)
    assert (taller == ((share > 0.24) & (share < 0.84))).mean() > 0.98


def test_the_wall_above_the_last_whole_floor_has_no_window():
    # 10 m hold three floors of 3.1 m, and 0.7 m of wall
    assert not windows(np.linspace(-3.9, 3.9, 400), 9.6).any()


def test_shops_fill_the_ground_floor_alone():
    y = np.linspace(-3.999, 3.999, 2000)
    ground = [windows(y, 0.45 * FLOOR, shop=shop).mean() for shop in (0.0, 1.0)]
    assert ground[1] == pytest.approx(0.88, abs=0.03)
    assert ground[0] < 0.7
    above = [windows(y, 1.45 * FLOOR, shop=shop) for shop in (0.0, 1.0)]
    np.testing.assert_array_equal(*above)


def test_a_roof_has_tiles_and_its_gable_goes_on_with_the_wall():
    y, z = np.linspace(-1, 1, 200), 1.0
    gable = roof(seen(y, z))
    np.testing.assert_allclose(gable, np.repeat(gable[:, :1], 3, axis=1), rtol=1e-6)
    assert gable.mean() == pytest.approx(0.7, abs=0.05)
    leaning = seen(y, z, half=(3.0, 4.0, 1.0), inset=(3.0, 3.0, 0.0, 0.0))
    assert (np.abs(leaning.normal[2]) > 0.15).all()
    tiles = roof(leaning)
    np.testing.assert_allclose(tiles / tiles[:, :1], np.tile([1, 0.75, 0.5], (200, 1)), rtol=1e-5)
