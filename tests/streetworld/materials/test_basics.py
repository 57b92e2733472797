from __future__ import annotations

import numpy as np
import pytest

from goodsam_pl.streetworld.materials.basics import blend, fade, weathered
from goodsam_pl.streetworld.primitives import Builder, Material, Paint, Place
from goodsam_pl.streetworld.surfaces import surfaces


def wall(instance: int = 3, distance: float = 5.0):
    """A grid of points on the +x face of a box of 8 m by 9 m."""
    builder = Builder(1)
    paint = Paint(2, instance, Material.MASONRY, (0.4, 0.3, 0.2))
    builder.box(Place(0, 0), (0, 0, 4.5), (1, 4, 4.5), paint)
    y, z = np.meshgrid(np.linspace(-3.9, 3.9, 40), np.linspace(0.1, 8.9, 40))
    point = tuple(axis.ravel().astype(np.float32) for axis in (np.ones_like(y), y, z))
    away = np.full(1600, distance, dtype=np.float32)
    return surfaces(builder.build(), np.zeros(1600, dtype=np.int64), point, away)


def test_a_blend_goes_from_the_first_to_the_second_and_no_further():
    first = np.array([[0.0, 0.2, 0.4]] * 5)
    second = np.array([[1.0, 0.6, 0.4]] * 5)
    mixed = blend(first, second, np.array([-1.0, 0.0, 0.25, 1.0, 7.0]))
    expected = [first[0], first[0], [0.25, 0.3, 0.4], second[0], second[0]]
    np.testing.assert_allclose(mixed, expected, rtol=1e-6)
    assert mixed.dtype == np.float32


def test_a_number_is_a_grey_to_blend_with():
    np.testing.assert_allclose(blend(np.ones((1, 3)), 0.5, np.array([0.5])), [[0.75] * 3])


@pytest.mark.parametrize("reach", [14.0, 22.0])
def test_detail_fades_to_a_half_at_its_reach_and_a_fifth_at_twice_that(reach: float):
    distance = np.array([0, 1, 2, 3]) * reach
    np.testing.assert_allclose(fade(distance, reach), [1, 0.5, 0.2, 0.1], rtol=1e-6)


def test_weather_is_a_factor_about_one_that_grows_with_its_amount():
    surface = wall()
    assert (weathered(surface, 0.0, 2.0) == 1).all()
    little, much = weathered(surface, 0.1, 2.0), weathered(surface, 0.2, 2.0)
    np.testing.assert_allclose(much - 1, 2 * (little - 1), atol=1e-6)
    assert abs(little.mean() - 1) < 0.1
    assert little.std() > 0.02


def test_the_grain_of_weather_fades_and_its_blotches_stay():
    near, far, farther = (weathered(wall(distance=d), 0.1, 2.0) for d in (1, 1e5, 1e6))
    np.testing.assert_allclose(far, farther, atol=1e-6)
    assert near.std() > 1.1 * far.std() > 0


def test_no_two_objects_weather_alike():
    assert not np.array_equal(weathered(wall(3), 0.1, 2.0), weathered(wall(4), 0.1, 2.0))
