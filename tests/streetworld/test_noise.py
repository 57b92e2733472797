from __future__ import annotations

import numpy as np
import pytest

from goodsam_pl.streetworld.noise import clouds, grain, random_cell, solid_noise, speckle


@pytest.mark.parametrize("noise", [clouds, grain, speckle])
def test_noise_is_normalised_repeats_and_accepts_negative_places(noise):
    u, v = np.meshgrid(np.arange(-256.0, 256.0), np.arange(-256.0, 256.0))
    values = noise(u, v)
    assert abs(values.mean()) < 0.05
    assert 0.85 < values.std() < 1.05
    assert np.array_equal(values, noise(u + 512, v - 1024))


def test_clouds_are_smoother_than_speckle():
    u = np.arange(500.0)
    steps = [np.abs(np.diff(noise(u, 0 * u))).mean() for noise in (clouds, grain, speckle)]
    assert steps[0] < 0.5 * steps[1] < 0.5 * steps[2]


def test_solid_noise_smears_in_no_direction():
    place = np.random.default_rng(0).uniform(-20, 20, (3, 4000))
    base = solid_noise(*place, 10.0)
    for axis in range(3):
        moved = place.copy()
        moved[axis] += 1.0
        correlation = np.corrcoef(base, solid_noise(*moved, 10.0))[0, 1]
        assert correlation < 0.6


def test_random_cells_are_uniform_and_depend_on_every_number():
    i, j = np.meshgrid(np.arange(200), np.arange(200))
    values = random_cell(i, j, 5)
    histogram = np.histogram(values, bins=10, range=(0, 1))[0] / values.size
    assert np.abs(histogram - 0.1).max() < 0.01
    for other in (random_cell(i + 1, j, 5), random_cell(i, j + 1, 5), random_cell(i, j, 6)):
        assert abs(np.corrcoef(values.ravel(), other.ravel())[0, 1]) < 0.05
