from __future__ import annotations

import dataclasses
from collections import Counter

import numpy as np
import pytest

from goodsam_pl.streetworld.city import make_city
from goodsam_pl.streetworld.layout import KERB_HEIGHT, LANE, BlockKind, Plan
from goodsam_pl.streetworld.primitives import Builder
from goodsam_pl.streetworld.sidewalks import fill_sidewalks
from goodsam_pl.streetworld.traffic import Occupied

POLE, LIGHT, SIGN, VEGETATION, PERSON, MOTORCYCLE, BICYCLE, VOID = 5, 6, 7, 8, 11, 17, 18, 255
CROSS_X, CROSS_HALF = 20.0, 4.0
PLAN = Plan(
    lanes=1,
    tram=False,
    parking=(False, False),
    sidewalks=(4.5, 3.0),
    verges=(0.0, 0.0),
    cross_x=CROSS_X,
    cross_half=CROSS_HALF,
    blocks=(BlockKind.TOWN,) * 4,
    zebra=True,
)
STRAIGHT = dataclasses.replace(PLAN, cross_half=0.0)


class Remembering(Occupied):
    """Remembers what was taken; where ``full``, nothing can be."""

    def __init__(self, full: bool = False) -> None:
        super().__init__()
        self.full = full
        self.granted: list[tuple[float, float, float]] = []

    def claim(self, x: float, y: float, radius: float) -> bool:
        free = not self.full and super().claim(x, y, radius)
        if free:
            self.granted.append((x, y, radius))
        return free


def furnish(seed: int, plan: Plan = PLAN, taken: Occupied | None = None, **changes: float):
    """The builder after a street was furnished; ``changes`` are of the city."""
    builder = Builder(20)
    city = dataclasses.replace(make_city("source"), **changes)
    fill_sidewalks(builder, seed, city, plan, Occupied() if taken is None else taken)
    return builder


def counted(seed: int, plan: Plan = PLAN, **changes: float) -> Counter[int]:
    return Counter(furnish(seed, plan, **changes).classes.values())


@pytest.mark.parametrize("seed", range(4))
def test_everything_stands_between_kerb_and_plots_and_off_the_side_street(seed: int) -> None:
    taken = Remembering()
    furnish(seed, taken=taken)
    x, y, _ = np.array(taken.granted).T
    assert len(x) > 20
    width = np.where(y > 0, 4.5, 3.0)
    behind = np.abs(y) - LANE
    assert (behind >= 0.2).all()
    assert (behind <= width - 0.3 + 1e-9).all()
    assert (np.abs(x - CROSS_X) > CROSS_HALF).all()


def test_poles_and_people_stand_on_the_sidewalk() -> None:
    solids = furnish(0).build()
    lowest = solids.corners()[..., 2].min(axis=1)
    for number, label in furnish(0).classes.items():
        parts = solids.instance == number
        if label == POLE:
            assert solids.centre[parts, 2].min() == np.float32(KERB_HEIGHT)
        if label == PERSON:
            assert lowest[parts].min() == pytest.approx(KERB_HEIGHT, abs=0.1)


def test_where_all_is_taken_nothing_is_put_up() -> None:
    assert furnish(0, taken=Remembering(full=True)).classes == {}


def test_a_seed_furnishes_in_one_way() -> None:
    for first, second in zip(furnish(4).build(), furnish(4).build(), strict=True):
        assert np.array_equal(first, second)


def test_only_kinds_of_sidewalks_occur_and_all_of_them_do() -> None:
    found = sum((counted(seed) for seed in range(8)), Counter())
    assert set(found) == {POLE, LIGHT, SIGN, VEGETATION, PERSON, MOTORCYCLE, BICYCLE, VOID}


def test_traffic_lights_are_at_crossings_alone_one_or_two_a_corner() -> None:
    at_crossings = [counted(seed)[LIGHT] for seed in range(12)]
    assert set(at_crossings) <= {0, 4, 6}
    assert 0.35 < np.mean([count > 0 for count in at_crossings]) < 0.9
    assert not any(counted(seed, STRAIGHT)[LIGHT] for seed in range(8))


def test_a_city_without_people_clutter_bicycles_or_trees_has_none() -> None:
    bare = {"people": 0.0, "clutter": 0.0, "parked_bicycles": 0.0, "street_tree": 0.0}
    for seed in range(5):
        assert set(counted(seed, **bare)) <= {POLE, LIGHT, SIGN}


def test_each_part_has_dice_of_its_own() -> None:
    # people come last, so that what was there before them stays where it was
    few, many = (furnish(6, people=share).build() for share in (0.0, 1.5))
    others = [solids.centre[solids.label != PERSON] for solids in (few, many)]
    np.testing.assert_array_equal(*others)
    assert PERSON in many.label
    assert PERSON not in few.label


def test_lamps_follow_the_spacing_of_the_city() -> None:
    bare = {"people": 0.0, "clutter": 0.0, "parked_bicycles": 0.0, "street_tree": 0.0}
    apart, close = (
        np.mean([counted(seed, STRAIGHT, lamp_spacing=s, **bare)[POLE] for seed in range(6)])
        for s in (1e3, 10.0)
    )
    # they begin 10 m into 135 m on average: 13 on each side, against one
    assert close - apart == pytest.approx(2 * 13 - 2, abs=4)
