from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from goodsam_pl.streetworld.cameras import Equirectangular, Pinhole
from goodsam_pl.streetworld.city import make_city
from goodsam_pl.streetworld.sensor import develop

STILL = dataclasses.replace(make_city("source"), noise=0.0, blur=0.0)
PANORAMA = Equirectangular((32, 64))


def grey(value, size=(32, 64)):
    return np.full((*size, 3), value, dtype=np.float32)


def test_more_light_is_brighter_and_grey_stays_grey():
    levels = [develop(grey(value), STILL, PANORAMA, 1) for value in (0.0, 0.1, 0.3, 0.9)]
    assert all(len(np.unique(level)) == 1 for level in levels)
    means = [int(level.mean()) for level in levels]
    assert means[0] < means[1] < means[2] < means[3]


def test_the_same_seed_takes_the_same_picture():
    city = make_city("target")
    first, again, other = (develop(grey(0.3), city, PANORAMA, seed) for seed in (5, 5, 6))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_the_target_city_is_noisier():
    spread = [
        develop(grey(0.3), make_city(name), PANORAMA, 5)[..., 1].std()
        for name in ("source", "target")
    ]
    assert 0 < spread[0] < 0.6 * spread[1]


def test_white_balance_tints():
    warm = develop(grey(0.3), make_city("target"), PANORAMA, 5).mean(axis=(0, 1))
    assert warm[0] > warm[1] > warm[2]


def test_only_the_pinhole_has_a_vignette():
    picture = develop(grey(0.3), STILL, Pinhole((32, 64)), 1)
    assert picture[16, 32, 0] > picture[0, 0, 0]


@pytest.mark.parametrize(("camera", "reaches"), [(PANORAMA, True), (Pinhole((32, 64)), False)])
def test_blur_crosses_the_seam_of_panoramas_only(camera, reaches):
    light = grey(0.1)
    light[:, 0] = 1.0
    city = dataclasses.replace(STILL, blur=0.25)
    picture = develop(light, city, camera, 1)[16, :, 0].astype(int)
    assert (picture[-1] > picture[-3] + 10) == reaches
    assert picture[1] > picture[5] + 10
