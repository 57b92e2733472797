from __future__ import annotations

import numpy as np

from goodsam_pl.streetworld.cameras import Equirectangular, camera_directions
from goodsam_pl.streetworld.city import as_array, make_city
from goodsam_pl.streetworld.sky import sky_radiance, skyline, skyline_albedo

RAYS = camera_directions(Equirectangular((32, 128), 60.0))


def test_the_sky_is_brightest_at_the_sun():
    city = make_city("source")
    sun = tuple(float(axis[5 * 128 + 40]) for axis in RAYS)
    sky = sky_radiance(city, 3, sun, RAYS).sum(axis=1)
    assert np.isfinite(sky).all()
    assert sky[5 * 128 + 40] > 1.3 * np.median(sky)


def test_two_skies_differ():
    city = make_city("source")
    first, second = (sky_radiance(city, seed, (0.0, 0.0, 1.0), RAYS) for seed in (1, 2))
    assert np.abs(first - second).max() > 0.1


def test_the_skyline_is_a_function_of_the_azimuth():
    flat, houses, trees = skyline(7, RAYS)
    np.testing.assert_allclose(flat, np.hypot(RAYS[0], RAYS[1]), rtol=1e-5)
    for heights in (houses.reshape(32, 128), trees.reshape(32, 128)):
        assert (np.abs(heights - heights[16]) < 0.02).mean() > 0.9
        assert heights.max() < 0.12
    assert (houses == 0).any()


def test_the_skyline_has_the_colours_of_the_city():
    city = make_city("target")
    built = np.ones(32 * 128, dtype=bool)
    colour = skyline_albedo(city, 7, RAYS, built)
    allowed = np.concatenate([as_array(city.facades), 0.6 * as_array(city.facades)])
    distance = np.abs(colour[:, None] - allowed[None]).max(axis=-1)
    assert distance.min(axis=1).max() < 1e-6
