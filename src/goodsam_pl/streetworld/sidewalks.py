"""What stands beside the road: trees, lamps, signs, traffic lights, people, bicycles, clutter."""

from __future__ import annotations

import math

from goodsam_pl.streetworld.city import City
from goodsam_pl.streetworld.layout import KERB_HEIGHT, Plan
from goodsam_pl.streetworld.objects.furniture import (
    bench,
    bin_,
    bollard,
    guide_board,
    lamp,
    sign,
    traffic_light,
)
from goodsam_pl.streetworld.objects.people import bicycle, motorcycle, pedestrian
from goodsam_pl.streetworld.objects.plants import bush, tree
from goodsam_pl.streetworld.primitives import Builder, Place
from goodsam_pl.streetworld.seeds import Dice
from goodsam_pl.streetworld.traffic import Occupied

__all__ = ["fill_sidewalks"]

_STREAM = 60
_FROM, _TO = -50.0, 85.0


def fill_sidewalks(builder: Builder, seed: int, city: City, plan: Plan, taken: Occupied) -> None:
    """Furnish both sides of the main road and the corners of the crossing."""
    if plan.cross_half:
        _corners(builder, Dice(seed, _STREAM), city, plan, taken)
    for side in (0, 1):
        _Side(builder, seed, city, plan, taken, side).fill()


def _corners(builder: Builder, dice: Dice, city: City, plan: Plan, taken: Occupied) -> None:
    """Traffic lights, or at least signs, at the four corners."""
    lights = dice.chance(0.62)
    state = dice.integer(0, 2)
    arms = dice.chance(0.4)
    for side in (0, 1):
        outward = 1.0 if side == 0 else -1.0
        for end in (-1.0, 1.0):
            x = plan.cross_x + end * (plan.cross_half + 4.2)
            y = outward * (plan.edge(side) + 0.45)
            if not taken.claim(x, y, 0.3):
                continue
            facing = 0.0 if end > 0 else math.pi
            place = Place(x, y, KERB_HEIGHT, facing + dice.uniform(-0.1, 0.1))
            if lights:
                reach = 0.75 * plan.edge(side) if arms and (end > 0) == (side == 0) else 0.0
                inward = -reach if math.cos(facing) * outward > 0 else reach
                traffic_light(builder, dice, city, place, state, inward)
            elif dice.chance(0.7):
                sign(builder, dice, city, place)


class _Side:
    """One side of the main road; ``depth`` counts from the kerb."""

    def __init__(
        self, builder: Builder, seed: int, city: City, plan: Plan, taken: Occupied, side: int
    ) -> None:
        self.builder, self.city, self.plan, self.taken = builder, city, plan, taken
        self.seed, self.side = seed, side
        self.outward = 1.0 if side == 0 else -1.0

    def fill(self) -> None:
        """Put up everything, the large things first."""
        for part, furnish in enumerate(
            (self._lamps, self._trees, self._signs, self._racks, self._clutter, self._people)
        ):
            furnish(Dice(self.seed, _STREAM + 1 + 8 * self.side + part))

    def _place(
        self, x: float, depth: float, radius: float, yaw: float, low: float = 0.2
    ) -> Place | None:
        """A free place on the sidewalk, or none."""
        plan = self.plan
        if plan.cross_half and abs(x - plan.cross_x) < plan.cross_half + 0.8 + radius:
            return None
        if plan.cross_half and abs(x - plan.cross_x) < plan.cross_half + 4.0 and depth < 1.8:
            return None
        if not low <= depth <= plan.sidewalks[self.side] - 0.3:
            return None
        y = self.outward * (plan.edge(self.side) + depth)
        if not self.taken.claim(x, y, radius):
            return None
        return Place(x, y, KERB_HEIGHT, yaw)

    def _lamps(self, dice: Dice) -> None:
        x = _FROM + dice.uniform(0, 20)
        towards = -self.outward * math.pi / 2
        while x < _TO:
            place = self._place(x, 0.5, 0.25, towards)
            if place:
                lamp(self.builder, dice, self.city, place)
            x += self.city.lamp_spacing * dice.uniform(0.8, 1.2)

    def _trees(self, dice: Dice) -> None:
        verge = self.plan.verges[self.side]
        if not dice.chance(self.city.street_tree + (0.25 if verge else 0.0)):
            return
        size, spacing = dice.uniform(5.0, 9.5), dice.uniform(7.0, 13.0)
        depth = 0.25 + 0.5 * verge if verge else 0.8
        x = _FROM + dice.uniform(0, spacing)
        while x < _TO:
            place = self._place(x, depth, 0.35, dice.uniform(0, 6))
            if place and dice.chance(0.85):
                tree(self.builder, dice, self.city, place, size * dice.uniform(0.8, 1.15))
            if verge and dice.chance(0.25):
                low = self._place(x + 0.5 * spacing, depth, 0.4, 0.0)
                if low:
                    bush(self.builder, dice, self.city, low, min(0.9, 0.55 * verge))
            x += spacing

    def _signs(self, dice: Dice) -> None:
        x = _FROM + dice.uniform(0, 14)
        facing = math.pi if self.side == 1 else 0.0
        while x < _TO:
            place = self._place(x, dice.uniform(0.4, 0.8), 0.25, facing + dice.uniform(-0.2, 0.2))
            if place and dice.chance(0.22):
                guide_board(self.builder, dice, self.city, place)
            elif place:
                sign(self.builder, dice, self.city, place)
            x += dice.uniform(9.0, 26.0)

    def _racks(self, dice: Dice) -> None:
        """Groups of parked bicycles, sometimes motorcycles."""
        x = _FROM + dice.uniform(0, 10)
        while x < 60.0:
            group, slanted = dice.integer(1, 5), dice.uniform(0.9, 2.2)
            cycles = not dice.chance(0.15)
            depth = dice.uniform(1.0, 1.5)
            wanted = dice.chance(self.city.parked_bicycles)
            for member in range(group if wanted else 0):
                place = self._place(x + 0.62 * member, depth, 0.3, slanted, 0.9)
                if place and cycles:
                    bicycle(self.builder, dice, self.city, place)
                elif place and member % 2 == 0:
                    motorcycle(self.builder, dice, self.city, place)
            x += dice.uniform(8.0, 20.0)

    def _clutter(self, dice: Dice) -> None:
        x = _FROM + dice.uniform(0, 12)
        walk = self.plan.sidewalks[self.side]
        while x < 60.0:
            kind, wanted = dice.weighted((0.45, 0.2, 0.35)), dice.chance(self.city.clutter)
            if not wanted:
                x += dice.uniform(6.0, 16.0)
                continue
            along = 0.0 if self.side == 1 else math.pi
            if kind == 2:
                for post in range(dice.integer(2, 6)):
                    place = self._place(x + 1.5 * post, 0.35, 0.15, 0.0)
                    if place:
                        bollard(self.builder, dice, self.city, place)
            else:
                depth = walk - 0.75 if kind == 0 else 1.0
                place = self._place(x, depth, 0.75, along)
                if place:
                    (bin_ if kind == 0 else bench)(self.builder, dice, self.city, place)
            x += dice.uniform(6.0, 16.0)

    def _people(self, dice: Dice) -> None:
        count = round(self.city.people * (3 + 14 * dice.random() ** 2))
        for _ in range(count):
            x = dice.uniform(-28.0, 45.0)
            depth = dice.uniform(0.5, self.plan.sidewalks[self.side])
            yaw = dice.pick((0.0, math.pi)) + dice.uniform(-0.5, 0.5)
            place = self._place(x, depth, 0.34, yaw)
            if place:
                pedestrian(self.builder, dice, self.city, place)
                if dice.chance(0.35):
                    friend = self._place(x + 0.15, depth + 0.72, 0.34, yaw)
                    if friend:
                        pedestrian(self.builder, dice, self.city, friend)
