from __future__ import annotations

import numpy as np

from goodsam_pl.streetworld.cameras import Pinhole, camera_directions
from goodsam_pl.streetworld.intersections import Rays
from goodsam_pl.streetworld.primitives import Builder, Material, Paint, Place
from goodsam_pl.streetworld.raycast import cast


def share_hit(material, draw, detail=(0.0, 0.0, 0.0, 0.0)):
    builder = Builder(1)
    draw(builder, Paint(8, 1, material, (0.5, 0.5, 0.5), detail=detail))
    solids = builder.build()
    camera = Pinhole((120, 120), 40.0)
    rays = Rays((np.float32(0),) * 3, camera_directions(camera), 120)
    hits = cast(solids, rays, camera.rectangles(solids.corners()), 120 * 120)
    return (hits.solid == 0).reshape(120, 120)


def test_a_wheel_with_spokes_shows_tyre_hub_and_gaps():
    def wheel(builder, paint):
        builder.ellipsoid(Place(0, 0), (2.0, 0, 0), (0.34, 0.05, 0.34), paint)

    def turned(builder, paint):
        builder.ellipsoid(Place(2.0, 0, 0, np.pi / 2), (0, 0, 0), (0.34, 0.05, 0.34), paint)

    full = share_hit(Material.PLAIN, turned)
    open_ = share_hit(Material.SPOKES, turned)
    assert open_[60, 60]
    assert not (open_ & ~full).any()
    assert 0.5 < open_.sum() / full.sum() < 0.9
    assert share_hit(Material.SPOKES, wheel).any()


def test_a_railing_lets_about_half_of_the_rays_through():
    def railing(builder, paint):
        builder.box(Place(3.0, 0, 0, np.pi / 2), (0, 0, 0), (3, 0.03, 0.6), paint)

    full = share_hit(Material.PLAIN, railing)
    bars = share_hit(Material.RAILING, railing)
    assert 0.35 < bars.sum() / full.sum() < 0.8
    assert bars[full.any(axis=1).argmax() + 2].mean() > 0.95


def test_foliage_is_dense_in_the_middle_and_ragged_at_its_rim():
    def crown(builder, paint):
        builder.ellipsoid(Place(8.0, 0), (0, 0, 0), (2, 2, 2), paint)

    full = share_hit(Material.PLAIN, crown)
    leaves = share_hit(Material.FOLIAGE, crown)
    rows, columns = np.indices(full.shape)
    radius = np.hypot(rows - 59.5, columns - 59.5) / np.sqrt(full.sum() / np.pi)
    assert leaves[radius < 0.5].mean() > 0.95
    assert 0.1 < leaves[(radius > 0.95) & full].mean() < 0.8
