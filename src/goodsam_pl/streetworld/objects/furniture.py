"""Poles, signs, traffic lights, fences, walls, and the clutter that counts as void."""

from __future__ import annotations

from goodsam_pl.streetworld.city import City, Colour, linear
from goodsam_pl.streetworld.primitives import Builder, Material, Paint, Place
from goodsam_pl.streetworld.seeds import Dice

__all__ = [
    "bench",
    "bin_",
    "bollard",
    "fence",
    "guide_board",
    "lamp",
    "sign",
    "traffic_light",
    "wall",
]

WALL, FENCE, POLE, LIGHT, SIGN, VOID = 3, 4, 5, 6, 7, 255
_SIGN_COLOURS: tuple[Colour, ...] = tuple(
    linear(colour) for colour in ("b82020", "1c4c94", "c8a020", "d8d8d4", "2c6c44")
)


def _metal(builder: Builder, dice: Dice, city: City) -> Paint:
    return Paint(POLE, builder.instance(POLE), Material.METAL, dice.pick(city.poles))


def lamp(builder: Builder, dice: Dice, city: City, place: Place) -> None:
    """A street lamp whose arm reaches out to +x."""
    paint = _metal(builder, dice, city)
    height, reach = dice.uniform(5.5, 8.0), dice.uniform(0.6, 2.0)
    builder.capsule(place, (0, 0, 0), (0, 0, height), 0.075, paint)
    builder.capsule(place, (0, 0, 0), (0, 0, 1.0), 0.11, paint)
    builder.capsule(place, (0, 0, height), (reach, 0, height + 0.25), 0.05, paint)
    head = paint._replace(colour=(0.45, 0.45, 0.42))
    builder.ellipsoid(place, (reach + 0.25, 0, height + 0.25), (0.4, 0.16, 0.10), head)


def bollard(builder: Builder, dice: Dice, city: City, place: Place) -> None:
    """A knee-high post."""
    builder.capsule(place, (0, 0, 0), (0, 0, 0.9), 0.07, _metal(builder, dice, city))


def sign(builder: Builder, dice: Dice, city: City, place: Place) -> None:
    """One or two traffic signs on a pole, facing +x."""
    paint = _metal(builder, dice, city)
    height = dice.uniform(2.2, 2.9)
    builder.capsule(place, (0, 0, 0), (0, 0, height + 0.3), 0.038, paint)
    for _ in range(dice.integer(1, 2)):
        _plate(builder, dice, place, height, dice.integer(0, 2))
        height -= 0.72


def _plate(builder: Builder, dice: Dice, place: Place, height: float, shape: int) -> None:
    """A sign plate: 0 round, 1 rectangular, 2 triangular; facing +x."""
    colour = dice.pick(_SIGN_COLOURS)
    paint = Paint(
        SIGN,
        builder.instance(SIGN),
        Material.SIGN,
        colour,
        (0.75, 0.75, 0.73),
        (float(shape), dice.random(), dice.random(), 0.0),
    )
    if shape == 0:
        builder.ellipsoid(place, (0.07, 0, height), (0.03, 0.36, 0.36), paint)
    elif shape == 1:
        size = (0.02, dice.uniform(0.28, 0.45), dice.uniform(0.28, 0.36))
        builder.box(place, (0.06, 0, height), size, paint)
    else:
        builder.box(place, (0.06, 0, height), (0.02, 0.44, 0.38), paint, (0.0, 0.0, 0.43, 0.43))


def guide_board(builder: Builder, dice: Dice, city: City, place: Place) -> None:
    """A large direction board on two poles, facing +x."""
    post = _metal(builder, dice, city)
    wide, low, tall = dice.uniform(0.9, 1.5), dice.uniform(2.2, 2.8), dice.uniform(0.45, 0.8)
    for side in (-0.7 * wide, 0.7 * wide):
        builder.capsule(place, (0, side, 0), (0, side, low + 2 * tall), 0.05, post)
    colour = dice.pick(_SIGN_COLOURS[1:])
    paint = Paint(
        SIGN,
        builder.instance(SIGN),
        Material.SIGN,
        colour,
        (0.8, 0.8, 0.78),
        (3.0, dice.random(), dice.random(), 0.0),
    )
    builder.box(place, (0.09, 0, low + tall), (0.03, wide, tall), paint)


def traffic_light(
    builder: Builder, dice: Dice, city: City, place: Place, state: int, arm: float
) -> None:
    """A traffic light facing +x.

    Args:
        builder: takes the primitives.
        dice: random numbers.
        city: palette.
        place: foot of the pole.
        state: 0 red, 1 amber, 2 green.
        arm: how far a second light hangs over the road towards +y, metres; 0 = no arm.
    """
    post = _metal(builder, dice, city)
    height = 5.4 if arm else 3.1
    builder.capsule(place, (0, 0, 0), (0, 0, height), 0.07, post)
    sites = [(0.16, 0.0, 2.6)]
    if arm:
        builder.capsule(place, (0, 0, height), (0, arm, height), 0.055, post)
        sites.append((0.12, arm, height - 0.1))
    for site in sites:
        paint = Paint(
            LIGHT,
            builder.instance(LIGHT),
            Material.SIGNAL,
            (0.02, 0.022, 0.02),
            (0.03, 0.03, 0.03),
            (float(state), 0.0, 0.0, 0.0),
        )
        builder.box(place, site, (0.13, 0.17, 0.48), paint)


def fence(
    builder: Builder, dice: Dice, city: City, place: Place, length: float, open_: bool
) -> None:
    """A fence along x, its middle at the place: open railings, or boards."""
    instance = builder.instance(FENCE)
    material = Material.RAILING if open_ else Material.BOARDS
    height = dice.uniform(0.9, 1.3) if open_ else dice.uniform(1.0, 1.9)
    paint = Paint(
        FENCE, instance, material, dice.pick(city.fences), city.bark, (dice.random(), 0, 0, 0)
    )
    builder.box(place, (0, 0, 0.5 * height), (0.5 * length, 0.03, 0.5 * height), paint)


def wall(
    builder: Builder, dice: Dice, city: City, place: Place, length: float, height: float
) -> None:
    """A wall with coping along x, its middle at the place."""
    instance = builder.instance(WALL)
    colour = dice.pick(city.walls)
    bricks = 1.0 if dice.chance(0.5) else 0.0
    paint = Paint(WALL, instance, Material.MASONRY, colour, colour, (bricks, dice.random(), 0, 0))
    builder.box(place, (0, 0, 0.5 * height), (0.5 * length, 0.14, 0.5 * height), paint)
    cap = Paint(WALL, instance, Material.MASONRY, city.kerb, city.kerb, (0, dice.random(), 0, 0))
    builder.box(place, (0, 0, height + 0.04), (0.5 * length, 0.19, 0.05), cap)


def bin_(builder: Builder, dice: Dice, city: City, place: Place) -> None:
    """A wheelie bin, a container or a switch cabinet: void."""
    instance = builder.instance(VOID)
    colour = dice.pick((*city.cars[3:], *city.fences))
    paint = Paint(VOID, instance, Material.CARGO, colour, colour, (dice.random(), 0, 0, 0))
    size = dice.pick(((0.3, 0.28, 0.52), (0.45, 0.25, 0.62), (0.85, 0.5, 0.68)))
    builder.box(place, (0, 0, size[2]), size, paint)


def bench(builder: Builder, dice: Dice, city: City, place: Place) -> None:
    """A bench along x, open to +y: void."""
    paint = Paint(VOID, builder.instance(VOID), Material.BARK, dice.pick(city.fences), city.bark)
    builder.box(place, (0, 0, 0.45), (0.8, 0.22, 0.03), paint)
    builder.box(place, (0, -0.24, 0.70), (0.8, 0.03, 0.16), paint)
    for end in (-0.65, 0.65):
        builder.box(place, (end, 0, 0.21), (0.04, 0.2, 0.21), paint)
