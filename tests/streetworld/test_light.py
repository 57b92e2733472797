from __future__ import annotations

import numpy as np
import pytest

from goodsam_pl.streetworld.city import as_array, make_city
from goodsam_pl.streetworld.light import haze, illuminate, shadow_map
from goodsam_pl.streetworld.primitives import Builder, Material, Paint, Place

SUN = (0.6, 0.0, 0.8)
UP = (np.zeros(1, np.float32), np.zeros(1, np.float32), np.ones(1, np.float32))


def points(*places):
    return tuple(np.array(axis, dtype=np.float32) for axis in zip(*places, strict=True))


@pytest.fixture
def shadows():
    builder = Builder(1)
    paint = Paint(2, 1, Material.PLAIN, (0.5, 0.5, 0.5))
    builder.box(Place(10, 0), (0, 0, 2), (1, 1, 2), paint)
    return shadow_map(builder.build(), (0.0, 0.0, 1.5), SUN)


def test_a_box_casts_its_shadow_away_from_the_sun(shadows):
    # 4 m high, the sun's slope is 4/3: the shadow reaches 3 m behind the box
    spots = points((7.0, 0, -1.5), (5.5, 0, -1.5), (13, 0, -1.5), (7.0, 3, -1.5))
    up = tuple(np.repeat(axis, 4) for axis in UP)
    assert shadows.lit(spots, up).tolist() == [0.0, 1.0, 1.0, 1.0]


def test_the_sunny_side_of_the_box_is_lit(shadows):
    towards = points((1, 0, 0), (-1, 0, 0))
    lit = shadows.lit(points((11, 0, 0), (9, 0, 0)), towards)
    assert lit.tolist() == [1.0, 0.0]


def test_beyond_the_map_the_sun_shines(shadows):
    assert shadows.lit(points((500, 0, -1.5)), UP).tolist() == [1.0]


def test_light_follows_lamberts_law():
    city = make_city("source")
    sun = np.array(SUN, dtype=np.float32)
    tilted = points((0.8, 0, -0.6), SUN, (0, 0, 1))
    high = np.full(3, 9, dtype=np.float32)
    bright = illuminate(city, sun, tilted, np.ones(3, np.float32), high)
    dark = illuminate(city, sun, tilted, np.zeros(3, np.float32), high)
    direct = bright - dark
    ambient = dark[2] / 0.72 * 0.28
    np.testing.assert_allclose(direct[2], 0.8 * as_array(city.sun_colour) + ambient, rtol=1e-4)
    assert (bright[1] > bright[2]).all()
    assert (bright[2] > bright[0]).all()


def test_haze_grows_with_distance_and_ends_in_its_colour():
    city = make_city("target")
    black = np.zeros((3, 3), dtype=np.float32)
    veil = haze(city, black, np.array([0, 100, 1e6], dtype=np.float32))
    colour = 0.95 * as_array(city.haze_colour)
    np.testing.assert_allclose(veil[0], 0, atol=1e-6)
    np.testing.assert_allclose(veil[1], colour * (1 - np.exp(-100 * city.haze)), rtol=1e-4)
    np.testing.assert_allclose(veil[2], colour, rtol=1e-5)
