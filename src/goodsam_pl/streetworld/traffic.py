"""What is on the carriageway: moving and parked vehicles, riders, people who cross."""

from __future__ import annotations

import math
from collections import defaultdict

from goodsam_pl.streetworld.city import City
from goodsam_pl.streetworld.layout import LANE, PARKING, Plan
from goodsam_pl.streetworld.objects.people import (
    cyclist,
    motorcycle,
    motorcyclist,
    pedestrian,
)
from goodsam_pl.streetworld.objects.vehicles import bus, car, train, truck
from goodsam_pl.streetworld.primitives import Builder, Place
from goodsam_pl.streetworld.seeds import Dice

__all__ = ["Occupied", "fill_road"]

_STREAM = 30


class Occupied:
    """Circles that are taken; things that would overlap are not placed.

    They are kept in strips across the road, wider than any two circles reach.
    """

    _STRIP = 6.0

    def __init__(self) -> None:
        self._strips: defaultdict[int, list[tuple[float, float, float]]] = defaultdict(list)

    def claim(self, x: float, y: float, radius: float) -> bool:
        """Take a circle, at most 3 m in radius, if it is free."""
        strip = int(x // self._STRIP)
        for neighbour in (strip - 1, strip, strip + 1):
            for other_x, other_y, other in self._strips[neighbour]:
                if (x - other_x) ** 2 + (y - other_y) ** 2 < (radius + other) ** 2:
                    return False
        self._strips[strip].append((x, y, radius))
        return True


def fill_road(
    builder: Builder, seed: int, city: City, plan: Plan, camera: tuple[float, float]
) -> Occupied:
    """Place the traffic.

    Returns:
        What is taken on and beside the road.
    """
    taken = Occupied()
    taken.claim(*camera, 2.6)
    for direction in (1, -1):
        for lane in range(plan.lanes):
            dice = Dice(seed, _STREAM + 4 * lane + direction)
            _lane(builder, dice, city, plan, taken, direction, lane, camera)
    for side in (0, 1):
        if plan.parking[side]:
            _parked(builder, Dice(seed, _STREAM + 20 + side), city, plan, taken, side)
    if plan.cross_half:
        _side_street(builder, Dice(seed, _STREAM + 24), city, plan, taken)
        if plan.zebra:
            _crossing_people(builder, Dice(seed, _STREAM + 25), city, plan, taken)
    return taken


def _lane(
    builder: Builder,
    dice: Dice,
    city: City,
    plan: Plan,
    taken: Occupied,
    direction: int,
    lane: int,
    camera: tuple[float, float],
) -> None:
    """Vehicles one after the other in a lane; direction 1 drives towards +x on the right."""
    y = -direction * (lane + 0.5) * LANE
    yaw = 0.0 if direction == 1 else math.pi
    rails = plan.tram and lane == 0
    outer = lane == plan.lanes - 1
    x = -55.0 + dice.uniform(0, 14)
    while x < 95.0:
        kind = dice.weighted((0.73, 0.038, 0.042, 0.085, 0.14, 0.0))
        if rails and dice.chance(0.18):
            kind = 5
        wanted = dice.chance(min(0.95, 0.62 * city.traffic))
        half = (2.5, 4.6, 6.3, 1.1, 1.0, 15.0)[kind]
        if kind == 5 and not rails:
            kind, half = 0, 2.5
        middle = x + half
        step = 2 * half + (dice.uniform(3.0, 24.0) if kind < 3 else dice.uniform(2.0, 8.0))
        x += step
        beside, lateral = abs(middle - camera[0]) - half, abs(y - camera[1])
        if not wanted or (beside < 3.4 and lateral < 2.6):
            continue
        if kind in (1, 2, 5) and beside < 4.5 and lateral < 5.0:
            continue
        offset = 0.0
        if kind in (3, 4):
            offset = -direction * dice.uniform(0.4, 1.0) if outer else 0.0
        place = Place(middle, y + offset, 0.0, yaw + dice.uniform(-0.015, 0.015))
        reach = max(1.0, half - 0.6)
        for part in (-reach, 0.0, reach) if half > 2 else (0.0,):
            taken.claim(middle + part, y, 1.3 if half > 2 else 0.8)
        _vehicle(builder, dice, city, place, kind)


def _vehicle(builder: Builder, dice: Dice, city: City, place: Place, kind: int) -> None:
    if kind == 0:
        car(builder, dice, city, place)
    elif kind == 1:
        truck(builder, dice, city, place)
    elif kind == 2:
        bus(builder, dice, city, place)
    elif kind == 3:
        motorcyclist(builder, dice, city, place)
    elif kind == 4:
        cyclist(builder, dice, city, place)
    else:
        train(builder, dice, city, place, 2)


def _parked(
    builder: Builder, dice: Dice, city: City, plan: Plan, taken: Occupied, side: int
) -> None:
    """Cars, some trucks and motorcycles at the kerb; corners stay free."""
    sign = 1.0 if side == 0 else -1.0
    y = sign * (plan.lanes * LANE + 0.5 * PARKING)
    occupied = dice.uniform(0.35, 0.95)
    x = -52.0 + dice.uniform(0, 5)
    while x < 88.0:
        kind = dice.weighted((0.875, 0.015, 0.11))
        half = (2.45, 4.6, 1.2)[kind]
        middle = x + half
        x += 2 * half + dice.uniform(0.5, 1.4)
        free = plan.cross_half and abs(middle - plan.cross_x) < plan.cross_half + 7.5 + half
        if free or not dice.chance(occupied):
            continue
        turned = 0.0 if (side == 1) != dice.chance(0.15) else math.pi
        if not taken.claim(middle, y, min(half - 0.3, 1.0)):
            continue
        place = Place(
            middle, y + dice.uniform(-0.12, 0.12), 0.0, turned + dice.uniform(-0.03, 0.03)
        )
        if kind == 0:
            car(builder, dice, city, place)
        elif kind == 1:
            truck(builder, dice, city, place)
        else:
            for spot in range(dice.integer(1, 2)):
                slanted = sign * math.pi / 2 + dice.uniform(-0.3, 0.3)
                motorcycle(builder, dice, city, Place(middle - 0.5 + spot, y, 0.0, slanted))


def _side_street(builder: Builder, dice: Dice, city: City, plan: Plan, taken: Occupied) -> None:
    """Waiting and parked cars in the side street, sometimes one on the crossing."""
    lane = 0.5 * plan.cross_half
    for side in (0, 1):
        sign = 1.0 if side == 0 else -1.0
        edge = plan.edge(side)
        yaw = sign * math.pi / 2
        y = sign * (edge + 8.0)
        for row in range(3):
            if dice.chance(0.5):
                leaving = dice.chance(0.5)
                x = plan.cross_x + (lane if leaving == (sign > 0) else -lane)
                heading = yaw if leaving else yaw + math.pi
                if taken.claim(x, y + sign * 9.0 * row, 2.2):
                    car(builder, dice, city, Place(x, y + sign * 9.0 * row, 0.0, heading))
    if dice.chance(0.3):
        y = dice.uniform(-2.0, 2.0)
        if taken.claim(plan.cross_x + lane, y, 2.6):
            kind = dice.weighted((0.5, 0.1, 0.15, 0.1, 0.15))
            place = Place(plan.cross_x + lane, y, 0.0, math.pi / 2)
            _vehicle(builder, dice, city, place, kind)


def _crossing_people(builder: Builder, dice: Dice, city: City, plan: Plan, taken: Occupied) -> None:
    """People on the zebra crossings."""
    for end in (-1.0, 1.0):
        for _ in range(dice.integer(0, round(2 * city.people))):
            x = plan.cross_x + end * (plan.cross_half + 2.2 + dice.uniform(-1.0, 1.0))
            y = dice.uniform(-plan.edge(1), plan.edge(0))
            if taken.claim(x, y, 0.45):
                yaw = dice.sign() * math.pi / 2 + dice.uniform(-0.2, 0.2)
                pedestrian(builder, dice, city, Place(x, y, 0.0, yaw))
