from __future__ import annotations

import math

import numpy as np
import pytest

from goodsam_pl.streetworld.primitives import Builder, Material, Paint, Place

PAINT = Paint(13, 20, Material.PLAIN, (0.1, 0.2, 0.3))


def test_places_turn_and_move():
    place = Place(1.0, 2.0, 3.0, math.pi / 2)
    assert place.at(1.0, 0.0, 0.5) == pytest.approx((1.0, 3.0, 3.5))
    inner = place.shifted(1.0, 0.0, 0.0, math.pi / 2)
    assert inner.at(1.0, 0.0, 0.0) == pytest.approx((0.0, 3.0, 3.0))


def test_builder_sorts_by_kind_and_keeps_paints():
    builder = Builder(20)
    numbers = [builder.instance(13), builder.instance(5)]
    builder.capsule(Place(0, 0), (0, 0, 0), (0, 0, 2), 0.1, PAINT._replace(label=5, instance=21))
    builder.ellipsoid(Place(0, 0), (1, 0, 0), (1, 2, 3), PAINT)
    builder.box(Place(0, 0), (2, 0, 0), (1, 1, 1), PAINT, (0.1, 0.2, 0.3, 0.4))
    solids = builder.build()
    assert numbers == [20, 21]
    assert builder.classes == {20: 13, 21: 5}
    assert (solids.boxes, solids.ellipsoids, len(solids.label)) == (1, 1, 3)
    assert solids.label.tolist() == [13, 13, 5]
    assert solids.instance.tolist() == [20, 20, 21]
    np.testing.assert_allclose(solids.inset[0], [0.1, 0.2, 0.3, 0.4], rtol=1e-6)
    np.testing.assert_allclose(solids.colour[0], [0.1, 0.2, 0.3], rtol=1e-6)


def test_corners_enclose_the_solids():
    builder = Builder(1)
    builder.box(Place(5, 0, 0, math.pi / 4), (0, 0, 0), (1, 1, 2), PAINT)
    builder.capsule(Place(0, 0), (0, 0, 0), (4, 0, 0), 0.5, PAINT)
    corners = builder.build().corners()
    assert corners.shape == (2, 8, 3)
    np.testing.assert_allclose(
        corners[0].max(axis=0), [5 + math.sqrt(2), math.sqrt(2), 2], rtol=1e-5
    )
    np.testing.assert_allclose(corners[1].min(axis=0), [-0.5, -0.5, -0.5], rtol=1e-5)
    np.testing.assert_allclose(corners[1].max(axis=0), [4.5, 0.5, 0.5], rtol=1e-5)


def test_a_world_without_solids_is_possible():
    assert Builder(1).build().corners().shape == (0, 8, 3)
