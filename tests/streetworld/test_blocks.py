from __future__ import annotations

import math

import numpy as np
import pytest

from goodsam_pl.streetworld.blocks import _Frontage, fill_blocks
from goodsam_pl.streetworld.city import make_city
from goodsam_pl.streetworld.layout import KERB_HEIGHT, LANE, BlockKind, Plan
from goodsam_pl.streetworld.primitives import Builder, Primitives

CITY = make_city("source")
BUILDING, WALL, FENCE, VEGETATION, TRAIN = 2, 3, 4, 8, 16
PLAN = Plan(
    lanes=1,
    tram=False,
    parking=(False, False),
    sidewalks=(4.0, 3.0),
    verges=(0.0, 0.0),
    cross_x=20.0,
    cross_half=0.0,
    blocks=(BlockKind.PARK,) * 4,
    zebra=False,
)


def filled(seed: int = 0, **changes: object) -> tuple[Primitives, dict[int, int]]:
    builder = Builder(20)
    fill_blocks(builder, seed, CITY, Plan(**{**vars(PLAN), **changes}))
    return builder.build(), builder.classes


def between(solids: Primitives) -> np.ndarray:
    """Which solids stand along the street, not across its far ends."""
    return (solids.centre[:, 0] > -80) & (solids.centre[:, 0] < 110)


@pytest.mark.parametrize("left", [True, False])
def test_a_frontage_counts_along_the_street_and_away_from_it(left: bool) -> None:
    line = _Frontage((10.0, 5.0), 0.0, 30.0, left)
    outward = 1.0 if left else -1.0
    place = line.at(3.0, 2.0)
    assert (place.x, place.y) == pytest.approx((13.0, 5.0 + 2.0 * outward))
    assert place.z == KERB_HEIGHT
    # a step forward leads back to the street
    assert place.at(1.0, 0.0, 0.0)[:2] == pytest.approx((13.0, 5.0 + 1.0 * outward))
    assert line.at(0.0, 0.0, 0.5).yaw == pytest.approx(-outward * math.pi / 2 + 0.5)


def test_a_seed_fills_blocks_in_one_way() -> None:
    for first, second in zip(filled(7)[0], filled(7)[0], strict=True):
        assert np.array_equal(first, second)
    assert not np.array_equal(filled(7)[0].centre[:50], filled(8)[0].centre[:50])


@pytest.mark.parametrize("kind", BlockKind, ids=lambda kind: kind.name)
def test_what_lines_a_street_stands_behind_its_sidewalks(kind: BlockKind) -> None:
    solids, classes = filled(3, blocks=(kind,) * 4)
    trunk_or_wall = (solids.label != VEGETATION) & between(solids)
    y = solids.centre[trunk_or_wall, 1]
    # awnings and balconies hang over the sidewalk, by a metre and a half at most
    assert y[y > 0].min() > LANE + 4.0 - 1.5
    assert y[y < 0].max() < -LANE - 3.0 + 1.5
    assert set(classes.values()) <= {BUILDING, WALL, FENCE, VEGETATION, TRAIN}
    assert {BUILDING, VEGETATION} <= set(classes.values())


@pytest.mark.parametrize("kind", BlockKind, ids=lambda kind: kind.name)
def test_trains_run_on_railways_alone(kind: BlockKind) -> None:
    trains = [TRAIN in filled(seed, blocks=(kind,) * 4)[1].values() for seed in range(6)]
    assert all(trains) if kind == BlockKind.RAILWAY else not any(trains)


def test_a_town_stands_wall_to_wall() -> None:
    # one plot in eight is a gap, half as wide as a house
    solids, _ = filled(1, blocks=(BlockKind.TOWN,) * 4)
    corners = solids.corners()[: solids.boxes][(solids.label[: solids.boxes] == BUILDING)]
    near = corners[(np.abs(corners[:, :, 1]).max(axis=1) < 26) & (corners[:, 0, 1] > 0)]
    x = np.linspace(-70, 95, 400)
    housed = ((near[..., 0].min(1)[:, None] < x) & (near[..., 0].max(1)[:, None] > x)).any(axis=0)
    assert housed.mean() > 0.75


def test_each_block_has_dice_of_its_own() -> None:
    parks, _ = filled(5)
    other, _ = filled(5, blocks=(BlockKind.TOWN, BlockKind.YARD, BlockKind.PARK, BlockKind.PARK))
    right = [
        np.concatenate([solids.centre, solids.half, solids.colour], axis=1)[
            (solids.centre[:, 1] < 0) & between(solids)
        ]
        for solids in (parks, other)
    ]
    assert len(right[0]) > 50
    np.testing.assert_array_equal(*right)


@pytest.mark.parametrize("kind", [BlockKind.TOWN, BlockKind.RAILWAY])
def test_a_side_street_is_kept_free_and_lined_with_houses(kind: BlockKind) -> None:
    solids, _ = filled(2, blocks=(kind,) * 4, cross_half=4.0)
    along = (np.abs(solids.centre[:, 1]) > 30) & between(solids) & (solids.label != VEGETATION)
    aside = np.abs(solids.centre[along, 0] - 20.0)
    assert (aside > 4.0 + 2.4 - 1.5).all()
    assert (aside < 25).any()
    assert BUILDING in solids.label[along]


def test_both_far_ends_are_closed_by_some_seed_and_open_by_another() -> None:
    x = [filled(seed)[0].centre[:, 0] for seed in range(12)]
    ends = np.array([[(each > 115).any(), (each < -90).any()] for each in x])
    assert (ends.any(axis=0) & ~ends.all(axis=0)).all()
