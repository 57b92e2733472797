"""A scene: the solids of one street, its plan, and where the car with the cameras is."""

from __future__ import annotations

import math
from typing import NamedTuple

from goodsam_pl.streetworld.blocks import fill_blocks
from goodsam_pl.streetworld.city import City
from goodsam_pl.streetworld.layout import LANE, Plan, make_plan
from goodsam_pl.streetworld.primitives import Builder, Primitives
from goodsam_pl.streetworld.seeds import Dice
from goodsam_pl.streetworld.sidewalks import fill_sidewalks
from goodsam_pl.streetworld.traffic import fill_road

__all__ = ["FIRST_OBJECT", "STUFF", "Rig", "Scene", "build_scene"]

STUFF: dict[int, int] = {
    1: 10,
    2: 0,
    3: 1,
    4: 1,
    5: 1,
    6: 1,
    7: 9,
    8: 9,
    9: 9,
    10: 9,
    11: 9,
    12: 9,
    13: 9,
    14: 9,
    15: 2,
    16: 8,
}
"""Instance ids of what no object makes, with their trainIds: sky, road, then for each of the four
blocks its sidewalk, verge and lawn, and last the skyline's houses and trees."""

FIRST_OBJECT = 20


class Rig(NamedTuple):
    """Pose of the vehicle that carries the cameras; it heads along x.

    Attributes:
        position: of the cameras, metres.
        pitch: degrees upwards.
        roll: degrees clockwise.
        gaze: yaw of the pinhole camera, degrees to the right.
    """

    position: tuple[float, float, float]
    pitch: float
    roll: float
    gaze: float


class Scene(NamedTuple):
    """Everything there is to draw.

    Attributes:
        seed: of the scene.
        city: its look.
        plan: the ground.
        rig: where the cameras are.
        solids: buildings, plants, vehicles, people, furniture.
        classes: trainId of every instance id, objects and stuff alike.
        sun: unit vector towards the sun.
    """

    seed: int
    city: City
    plan: Plan
    rig: Rig
    solids: Primitives
    classes: dict[int, int]
    sun: tuple[float, float, float]


def build_scene(seed: int, city: City) -> Scene:
    """Build the scene of a seed. The same seed has the same plan in both cities.

    Args:
        seed: non-negative, see :data:`goodsam_pl.streetworld.SPLITS`.
        city: from :func:`goodsam_pl.streetworld.make_city`.

    Raises:
        ValueError: a negative seed.
    """
    if seed < 0:
        raise ValueError(f"seed {seed} is negative: take one from SPLITS")
    plan = make_plan(Dice(seed, 0))
    rig = _rig(Dice(seed, 1), city, plan)
    builder = Builder(FIRST_OBJECT)
    fill_blocks(builder, seed, city, plan)
    taken = fill_road(builder, seed, city, plan, rig.position[:2])
    fill_sidewalks(builder, seed, city, plan, taken)
    return Scene(
        seed,
        city,
        plan,
        rig,
        builder.build(),
        {**STUFF, **builder.classes},
        _sun(Dice(seed, 2), city),
    )


def _rig(dice: Dice, city: City, plan: Plan) -> Rig:
    lane = dice.integer(1 if plan.tram else 0, plan.lanes - 1)
    y = -(lane + 0.5) * LANE + dice.uniform(-0.4, 0.4)
    wide = dice.chance(0.2)
    gaze = dice.uniform(-180, 180) if wide else dice.uniform(-25, 25)
    pitch, roll = (dice.uniform(-1, 1) * city.tilt for _ in range(2))
    return Rig((0.0, y, city.camera_height + dice.uniform(-0.08, 0.08)), pitch, roll, gaze)


def _sun(dice: Dice, city: City) -> tuple[float, float, float]:
    azimuth = dice.uniform(0, 2 * math.pi)
    height = math.radians(city.sun_elevation + dice.uniform(-9, 9))
    return (
        math.cos(height) * math.cos(azimuth),
        math.cos(height) * math.sin(azimuth),
        math.sin(height),
    )
