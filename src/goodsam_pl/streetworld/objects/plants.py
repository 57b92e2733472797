"""Trees, bushes, hedges."""

from __future__ import annotations

import math

from goodsam_pl.streetworld.city import City, Colour
from goodsam_pl.streetworld.primitives import Builder, Material, Paint, Place
from goodsam_pl.streetworld.seeds import Dice

__all__ = ["bush", "hedge", "tree"]

VEGETATION = 8


def _leaves(
    builder_instance: int, dice: Dice, city: City, colour: Colour, density: float = 0.1
) -> Paint:
    shade = dice.uniform(0.75, 1.2)
    tinted = (colour[0] * shade * dice.uniform(0.9, 1.15), colour[1] * shade, colour[2] * shade)
    return Paint(
        VEGETATION, builder_instance, Material.FOLIAGE, tinted, city.bark, (density, 0, 0, 0)
    )


def tree(builder: Builder, dice: Dice, city: City, place: Place, size: float) -> None:
    """A leafy or, at times, a coniferous tree, ``size`` metres high."""
    instance = builder.instance(VEGETATION)
    bark = Paint(VEGETATION, instance, Material.BARK, city.bark, city.bark)
    colour = dice.pick(city.foliage)
    radius = 0.024 * size * dice.uniform(0.8, 1.3)
    if dice.chance(0.15):
        builder.capsule(place, (0, 0, 0), (0, 0, 0.4 * size), radius, bark)
        for layer in range(7):
            share = layer / 7
            spread = size * 0.23 * (1.05 - share)
            builder.ellipsoid(
                place,
                (0, 0, size * (0.24 + 0.68 * share)),
                (spread, spread, 0.11 * size),
                _leaves(instance, dice, city, colour),
            )
        return
    fork = size * dice.uniform(0.26, 0.42)
    top: tuple[float, float, float] = (dice.uniform(-0.2, 0.2), dice.uniform(-0.2, 0.2), fork)
    builder.capsule(place, (0, 0, -0.1), top, radius, bark)
    wide = size * dice.uniform(0.20, 0.30)
    lumps = dice.integer(8, 12)
    turn = dice.uniform(0, 2 * math.pi)
    for lump in range(lumps):
        angle = turn + lump * 2.4
        away = wide * (0.1 if lump == 0 else dice.uniform(0.4, 1.0))
        height = 0.74 * size if lump == 0 else dice.uniform(fork + 0.3 * wide, 0.92 * size)
        x, y = away * math.cos(angle), away * math.sin(angle)
        spread = wide * (0.95 if lump == 0 else dice.uniform(0.42, 0.72))
        builder.ellipsoid(
            place,
            (x, y, height),
            (spread, spread * dice.uniform(0.8, 1.1), spread * dice.uniform(0.65, 0.95)),
            _leaves(instance, dice, city, colour),
        )
        if lump < 4:
            builder.capsule(place, top, (0.8 * x, 0.8 * y, height), 0.4 * radius, bark)


def bush(builder: Builder, dice: Dice, city: City, place: Place, size: float) -> None:
    """A bush, ``size`` metres high."""
    instance = builder.instance(VEGETATION)
    colour = dice.pick(city.foliage)
    for _ in range(dice.integer(2, 4)):
        spread = 0.5 * size * dice.uniform(0.7, 1.2)
        builder.ellipsoid(
            place,
            (dice.uniform(-0.4, 0.4) * size, dice.uniform(-0.4, 0.4) * size, 0.42 * size),
            (spread, spread, 0.5 * size * dice.uniform(0.8, 1.1)),
            _leaves(instance, dice, city, colour, 0.3),
        )


def hedge(
    builder: Builder, dice: Dice, city: City, place: Place, length: float, height: float
) -> None:
    """A clipped hedge along x, its middle at the place."""
    instance = builder.instance(VEGETATION)
    paint = _leaves(instance, dice, city, dice.pick(city.foliage), 2.4)
    builder.box(place, (0, 0, 0.5 * height), (0.5 * length, 0.4, 0.5 * height), paint, (0.05,) * 4)
