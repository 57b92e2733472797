from __future__ import annotations

import numpy as np
import pytest

from goodsam_pl.streetworld.layout import LANE, BlockKind, Plan, Zone, make_plan
from goodsam_pl.streetworld.seeds import Dice

PLAN = Plan(
    lanes=1,
    tram=False,
    parking=(True, False),
    sidewalks=(4.0, 3.0),
    verges=(1.5, 0.0),
    cross_x=20.0,
    cross_half=4.0,
    blocks=(BlockKind.TOWN,) * 4,
    zebra=True,
)


def zone(x, y, plan=PLAN):
    return Zone(
        int(plan.zones(np.array([x], dtype=np.float32), np.array([y], dtype=np.float32))[0])
    )


@pytest.mark.parametrize(
    ("x", "y", "expected"),
    [
        (0, 0, Zone.ROAD),
        (0, LANE + 2.1, Zone.ROAD),  # the parking lane on the left
        (0, LANE + 2.3, Zone.SIDEWALK),  # its kerb
        (0, LANE + 2.2 + 1.0, Zone.VERGE),
        (0, LANE + 2.2 + 3.0, Zone.SIDEWALK),
        (0, LANE + 2.2 + 4.1, Zone.LAWN),
        (0, -LANE - 0.1, Zone.SIDEWALK),
        (0, -LANE - 3.1, Zone.LAWN),
        (20, 60, Zone.ROAD),  # the side street
        (25, 60, Zone.SIDEWALK),
        (27, 60, Zone.LAWN),
        (24.1, -LANE - 0.1, Zone.ROAD),  # the rounded corner
    ],
)
def test_zones_along_both_streets(x, y, expected):
    assert zone(x, y) == expected


def test_without_crossing_the_sidewalk_goes_on():
    plan = Plan(**{**vars(PLAN), "cross_half": 0.0})
    assert zone(20, -LANE - 1, plan) == Zone.SIDEWALK
    assert zone(20, 60, plan) == Zone.LAWN


def test_kerb_distance_is_exact_along_straight_kerbs_and_corners():
    x = np.array([0, 0, 24 + 3.5, 26], dtype=np.float32)
    y = np.array([-LANE - 1, 0, -LANE - 3.5, -LANE - 40], dtype=np.float32)
    np.testing.assert_allclose(PLAN.kerb_distance(x, y), [1, -LANE, 3.5, 2], atol=1e-5)


def test_blocks_are_numbered_around_the_crossing():
    x, y = np.array([30, 10, 30, 10.0]), np.array([9, 9, -9, -9.0])
    assert PLAN.block(x, y).tolist() == [0, 1, 2, 3]


def test_plans_repeat_themselves_and_vary():
    assert make_plan(Dice(4, 0)) == make_plan(Dice(4, 0))
    plans = [make_plan(Dice(seed, 0)) for seed in range(200)]
    assert {kind for plan in plans for kind in plan.blocks} == set(BlockKind)
    assert {plan.lanes for plan in plans} == {1, 2}
    assert 0.5 < np.mean([plan.cross_half > 0 for plan in plans]) < 0.9
    assert all(plan.blocks[0] == plan.blocks[1] for plan in plans if not plan.cross_half), (
        "without a crossing there is one block a side"
    )
