from __future__ import annotations

import numpy as np
import pytest

from goodsam_pl.streetworld.city import make_city
from goodsam_pl.streetworld.ground import cast_ground, ground_albedo
from goodsam_pl.streetworld.layout import KERB_HEIGHT, LANE, BlockKind, Plan, Zone

PLAN = Plan(
    lanes=1,
    tram=True,
    parking=(False, False),
    sidewalks=(3.0, 3.0),
    verges=(0.0, 0.0),
    cross_x=20.0,
    cross_half=0.0,
    blocks=(BlockKind.TOWN,) * 4,
    zebra=False,
)


def look_at(*targets):
    """Hits of rays from 1.5 m above the road's middle."""
    aims = np.array(targets, dtype=np.float64) - [0, 0, 1.5]
    reach = np.linalg.norm(aims, axis=1)
    directions = (aims / reach[:, None]).astype(np.float32)
    return cast_ground(PLAN, (0.0, 0.0, 1.5), tuple(directions.T), 100.0), reach


def test_road_kerb_and_sidewalk_lie_where_they_should():
    hits, reach = look_at(
        (5, 0, 0),
        (0, LANE + 1, KERB_HEIGHT),
        (0, LANE, 0.5 * KERB_HEIGHT),
        (0, -LANE - 2, KERB_HEIGHT),
    )
    assert hits.ray.tolist() == [0, 1, 2, 3]
    assert hits.riser.tolist() == [False, False, True, False]
    np.testing.assert_allclose(hits.distance, reach, rtol=2e-3)


def test_rays_upwards_or_far_away_meet_no_ground():
    hits, _ = look_at((5, 0, 2), (300, 0, 0), (50, 0, 0))
    assert hits.ray.tolist() == [2]


@pytest.mark.parametrize("name", ["source", "target"])
def test_markings_are_bright_and_rails_are_there(name):
    city = make_city(name)
    x = np.tile(np.linspace(0, 9, 900, endpoint=False), 2).astype(np.float32)
    y = np.repeat([0.0, 0.7], 900).astype(np.float32)
    zone = np.zeros(1800, dtype=np.uint8)
    flat = np.zeros(1800, dtype=bool)
    colour = ground_albedo(PLAN, city, zone, flat, x, y, np.full(1800, 6, dtype=np.float32))
    line, asphalt = colour[:900].mean(axis=1), colour[900:].mean(axis=1)
    assert 0.3 < (line > 1.5 * np.median(asphalt)).mean() < 0.5
    assert colour.min() >= 0


def test_each_zone_has_its_colour():
    city = make_city("source")
    zone = np.repeat([Zone.ROAD, Zone.SIDEWALK, Zone.LAWN], 2000).astype(np.uint8)
    place = np.random.default_rng(0).uniform(30, 60, (2, 6000)).astype(np.float32)
    flat = np.zeros(6000, dtype=bool)
    colour = ground_albedo(PLAN, city, zone, flat, *place, np.full(6000, 9, dtype=np.float32))
    road, walk, lawn = (colour[zone == kind].mean(axis=0) for kind in (0, 1, 3))
    assert walk.mean() > road.mean()
    assert lawn[1] > lawn[0] > lawn[2]
