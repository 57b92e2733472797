from __future__ import annotations

import numpy as np
import pytest

from goodsam_pl.streetworld.materials import albedo, ruffle
from goodsam_pl.streetworld.primitives import Builder, Material, Paint, Place
from goodsam_pl.streetworld.surfaces import surfaces


def front_of(material, detail=(0.6, 2.5, 11.5, 1.0)):
    """A grid of points on the +x face of a box of 8 m by 9 m."""
    builder = Builder(1)
    paint = Paint(2, 3, material, (0.4, 0.3, 0.2), (0.7, 0.7, 0.7), detail)
    builder.box(Place(0, 0), (0, 0, 4.5), (1, 4, 4.5), paint)
    y, z = np.meshgrid(np.linspace(-3.9, 3.9, 60), np.linspace(0.1, 8.9, 60))
    flat = tuple(axis.ravel().astype(np.float32) for axis in (np.ones_like(y), y, z))
    distance = np.full(3600, 5, dtype=np.float32)
    return surfaces(builder.build(), np.zeros(3600, dtype=np.int64), flat, distance)


@pytest.mark.parametrize("material", list(Material), ids=lambda material: material.name)
def test_every_material_paints_sane_colours_in_any_order(material):
    surface = front_of(material)
    colour = albedo(surface)
    assert colour.shape == (3600, 3)
    assert colour.dtype == np.float32
    assert np.isfinite(colour).all()
    assert colour.min() >= 0
    assert colour.max() < 3
    assert colour.std() > 0
    order = np.random.default_rng(0).permutation(3600)
    np.testing.assert_array_equal(albedo(surface.part(order)), colour[order])


def test_a_facade_has_windows_of_the_size_its_detail_asks_for():
    small, large = (
        albedo(front_of(Material.FACADE, (height, 2.5, 11.0 + width, 0.0)))
        for height, width in ((0.3, 0.3), (0.6, 0.8))
    )
    wall = np.array([0.4, 0.3, 0.2])
    like_wall = [
        (np.abs(colour / wall - (colour / wall).mean(axis=1, keepdims=True)) < 0.02).all(axis=1)
        for colour in (small, large)
    ]
    assert like_wall[0].mean() > like_wall[1].mean() + 0.15


def test_only_leaves_turn_their_normals():
    wall, leaves = front_of(Material.MASONRY), front_of(Material.FOLIAGE)
    assert all(np.array_equal(a, b) for a, b in zip(ruffle(wall), wall.normal, strict=True))
    turned = np.stack(ruffle(leaves))
    np.testing.assert_allclose(np.linalg.norm(turned, axis=0), 1, rtol=1e-5)
    assert turned[0].std() > 0.05
