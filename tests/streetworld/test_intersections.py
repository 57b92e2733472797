"""Distances against closed forms, and against marching along the ray through an inside test."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from goodsam_pl.streetworld.intersections import (
    Rays,
    hit_box,
    hit_capsule,
    hit_ellipsoid,
    hit_tapered,
    local_frames,
)
from goodsam_pl.streetworld.primitives import Builder, Material, Paint, Place

PAINT = Paint(2, 1, Material.PLAIN, (0.5, 0.5, 0.5))
HITS = {"box": hit_box, "tapered": hit_tapered, "ellipsoid": hit_ellipsoid, "capsule": hit_capsule}


def build(kind, place=None):
    builder, place = Builder(1), place or Place(0, 0)
    if kind == "box":
        builder.box(place, (0, 0, 0), (1.0, 2.0, 0.5), PAINT)
    elif kind == "tapered":
        builder.box(place, (0, 0, 0), (1.0, 2.0, 0.5), PAINT, (0.4, 0.1, 0.9, 2.0))
    elif kind == "ellipsoid":
        builder.ellipsoid(place, (0, 0, 0), (1.0, 2.0, 0.5), PAINT)
    else:
        builder.capsule(place, (-1.0, 0.3, -0.4), (1.0, -0.2, 0.7), 0.4, PAINT)
    return builder.build()


def inside(kind, point):
    x, y, z = point.T
    if kind == "box":
        return (abs(x) <= 1) & (abs(y) <= 2) & (abs(z) <= 0.5)
    if kind == "tapered":
        rise = z + 0.5
        return (
            (abs(z) <= 0.5)
            & (x <= 1 - 0.4 * rise)
            & (x >= 0.1 * rise - 1)
            & (y <= 2 - 0.9 * rise)
            & (y >= 2.0 * rise - 2)
        )
    if kind == "ellipsoid":
        return x**2 + (y / 2) ** 2 + (z / 0.5) ** 2 <= 1
    start, axis = np.array([-1.0, 0.3, -0.4]), np.array([2.0, -0.5, 1.1])
    share = np.clip((point - start) @ axis / (axis @ axis), 0, 1)
    return np.linalg.norm(point - start - share[:, None] * axis, axis=1) <= 0.4


def distance(kind, solids, origin, direction):
    rays = Rays(
        tuple(np.float32(o) for o in origin),
        tuple(np.array([d], dtype=np.float32) for d in direction),
        1,
    )
    zero = np.zeros(1, dtype=np.intp)
    with np.errstate(all="ignore"):
        return float(HITS[kind](solids, local_frames(solids, rays), rays, zero, zero)[0])


@pytest.mark.parametrize(
    ("kind", "expected"),
    [("box", 9.0), ("tapered", 9.2), ("ellipsoid", 9.0)],
)
def test_head_on(kind, expected):
    assert distance(kind, build(kind), (10, 0, 0), (-1, 0, 0)) == pytest.approx(expected, rel=1e-5)


def test_a_sphere_off_its_middle():
    builder = Builder(1)
    builder.ellipsoid(Place(50, 0), (0, 0, 0), (1, 1, 1), PAINT)
    angle = math.asin(0.6 / 50)
    found = distance("ellipsoid", builder.build(), (0, 0, 0), (math.cos(angle), math.sin(angle), 0))
    assert found == pytest.approx(50 * math.cos(angle) - 0.8, rel=1e-5)


def test_a_thin_far_pole_is_hit_within_its_radius_only():
    builder = Builder(1)
    builder.capsule(Place(80, 0), (0, 0, -3), (0, 0, 3), 0.05, PAINT)
    solids = builder.build()
    for offset, expected in ((0.0, 79.95), (0.049, 79.99), (0.051, math.inf)):
        angle = math.atan2(offset, 80)
        found = distance("capsule", solids, (0, 0, 0), (math.cos(angle), math.sin(angle), 0))
        assert found == pytest.approx(expected, abs=0.01)


@pytest.mark.parametrize("kind", list(HITS))
@given(seed=st.integers(0, 10_000))
def test_rays_enter_where_marching_finds_the_inside(kind, seed):
    generator = np.random.default_rng(seed)
    origin = generator.normal(size=3)
    origin *= 6 / np.linalg.norm(origin)
    aim = generator.uniform(-1.2, 1.2, 3)
    direction = (aim - origin) / np.linalg.norm(aim - origin)
    steps = np.linspace(0, 12, 24_001)
    within = inside(kind, origin + steps[:, None] * direction)
    yaw = generator.uniform(0, 2 * math.pi)
    place = Place(3, -2, 1, yaw)
    turned = np.subtract(place.at(*direction), (3, -2, 1))
    found = distance(kind, build(kind, place), place.at(*origin), turned)
    if within.sum() > 20:
        assert found == pytest.approx(steps[within.argmax()], abs=2e-3)
    elif not within.any():
        assert not math.isfinite(found) or found > 0


@pytest.mark.parametrize("kind", list(HITS))
def test_parallel_rays_agree_with_rays_from_a_point(kind):
    solids = build(kind, Place(0.5, 0.2, 0.1, 0.7))
    direction = np.array([-0.8, 0.5, -0.33])
    direction /= np.linalg.norm(direction)
    generator = np.random.default_rng(0)
    for _ in range(30):
        origin = -6 * direction + generator.uniform(-0.8, 0.8, 3)
        single = distance(kind, solids, origin, direction)
        rays = Rays(
            tuple(np.array([o], dtype=np.float32) for o in origin),
            tuple(np.asarray(d, dtype=np.float32) for d in direction),
            1,
        )
        zero = np.zeros(1, dtype=np.intp)
        with np.errstate(all="ignore"):
            several = HITS[kind](solids, local_frames(solids, rays), rays, zero, zero)[0]
        assert (several == pytest.approx(single, abs=1e-4)) or not np.isfinite(
            [several, single]
        ).any()
