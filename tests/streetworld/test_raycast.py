from __future__ import annotations

import numpy as np

from goodsam_pl.streetworld.cameras import (
    Equirectangular,
    Rectangles,
    camera_directions,
    rotation,
)
from goodsam_pl.streetworld.city import make_city
from goodsam_pl.streetworld.intersections import Rays
from goodsam_pl.streetworld.primitives import Builder, Material, Paint, Place
from goodsam_pl.streetworld.raycast import cast
from goodsam_pl.streetworld.scene import build_scene

PAINT = Paint(2, 1, Material.PLAIN, (0.5, 0.5, 0.5))


def everywhere(count, size):
    zero = np.zeros(count, dtype=np.int64)
    return Rectangles((zero, zero, zero + size[0], zero + size[1]))


def start(position):
    return tuple(np.float32(value) for value in position)


def test_the_nearest_of_three_kinds_wins():
    builder = Builder(1)
    builder.box(Place(9, 0), (0, 0, 0), (1, 5, 5), PAINT)
    builder.ellipsoid(Place(5, 0), (0, 0, 0), (1, 1, 1), PAINT)
    builder.capsule(Place(2, 3), (0, 0, -3), (0, 0, 3), 0.1, PAINT)
    directions = np.array([[1, 0, 0], [0.6, 0.8, 0], [-1, 0, 0]], dtype=np.float32).T
    rays = Rays(start((0, 0, 0)), tuple(directions), 3)
    hits = cast(builder.build(), rays, everywhere(3, (1, 3)), 3)
    assert hits.solid.tolist() == [1, -1, -1]
    assert hits.distance[0] == 4
    assert np.isinf(hits.distance[1:]).all()


def test_rectangles_lose_no_hit():
    camera = Equirectangular((40, 160), 180.0, yaw=20.0)
    for name in ("source", "target"):
        scene = build_scene(200_003, make_city(name))
        solids, position = scene.solids, scene.rig.position
        rays = Rays(start(position), camera_directions(camera), 160)
        relative = solids.corners() - np.array(position, dtype=np.float32)
        corners = relative @ rotation(20.0, 0.0, 0.0).astype(np.float32)
        quick = cast(solids, rays, camera.rectangles(corners), 6400)
        slow = cast(solids, rays, everywhere(len(solids.label), (40, 160)), 6400)
        assert np.array_equal(quick.solid, slow.solid)
        assert np.array_equal(quick.distance, slow.distance)


def test_nothing_hits_nothing():
    rays = Rays(start((0, 0, 0)), tuple(np.eye(3, dtype=np.float32)), 3)
    hits = cast(Builder(1).build(), rays, everywhere(0, (1, 3)), 3)
    assert hits.solid.tolist() == [-1, -1, -1]
