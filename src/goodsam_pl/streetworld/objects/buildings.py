"""Buildings: façades with roofs, balconies, awnings, chimneys."""

from __future__ import annotations

from goodsam_pl.streetworld.city import City
from goodsam_pl.streetworld.primitives import Builder, Material, Paint, Place
from goodsam_pl.streetworld.seeds import Dice

__all__ = ["building", "villa"]

BUILDING = 2
FLOOR = 3.1


def building(
    builder: Builder, dice: Dice, city: City, place: Place, width: float, depth: float
) -> None:
    """A town house; its front lies in the plane x = 0, looks to +x and is centred on y = 0."""
    instance = builder.instance(BUILDING)
    low, high = city.floors_low, city.floors_high
    floors = max(1, round(low + (high - low) * dice.random() ** 1.5))
    tall = FLOOR * floors + 0.7
    wall = _facade(dice, city, instance)
    builder.box(place, (-0.5 * depth, 0, 0.5 * tall), (0.5 * depth, 0.5 * width, 0.5 * tall), wall)
    _roof(dice, city, builder, place, wall, (width, depth, tall))
    _front(dice, city, builder, place, wall, width, floors)


def villa(
    builder: Builder, dice: Dice, city: City, place: Place, width: float, depth: float
) -> None:
    """A detached house of one or two floors behind a garden."""
    instance = builder.instance(BUILDING)
    floors = dice.integer(1, 2) + round(max(0.0, city.floors_low - 2.0))
    tall = FLOOR * floors + 0.4
    wall = _facade(dice, city, instance)
    wall = wall._replace(detail=(*wall.detail[:3], 0.0))
    builder.box(place, (-0.5 * depth, 0, 0.5 * tall), (0.5 * depth, 0.5 * width, 0.5 * tall), wall)
    _roof(dice, city, builder, place, wall, (width, depth, tall))


def _facade(dice: Dice, city: City, instance: int) -> Paint:
    """Detail: bricks? + window height, bay width, a whole salt + window width, shops below?

    Window sizes are shares of the floor and of the bay.
    """
    bricks = 1.0 if dice.chance(city.brick) else 0.0
    colour = dice.pick(city.facades)
    shade = dice.uniform(0.82, 1.1)
    bay = dice.uniform(2.2, 3.6)
    tall = city.window_height * dice.uniform(0.85, 1.15)
    wide = city.window_width * dice.uniform(0.8, 1.25)
    salt, shop = dice.integer(0, 4999), dice.chance(city.shop)
    return Paint(
        BUILDING,
        instance,
        Material.FACADE,
        (colour[0] * shade, colour[1] * shade, colour[2] * shade),
        dice.pick(city.trims),
        (bricks + tall, bay, salt + wide, 1.0 if shop else 0.0),
    )


def _roof(
    dice: Dice,
    city: City,
    builder: Builder,
    place: Place,
    wall: Paint,
    size: tuple[float, float, float],
) -> None:
    width, depth, tall = size
    colour = dice.pick(city.roofs)
    tiles = wall._replace(material=Material.ROOF, colour=colour, second=wall.colour)
    flat, ridge, slope = dice.chance(city.flat_roof), dice.random(), dice.uniform(0.45, 0.8)
    chimneys = dice.integer(0, 2)
    if flat:
        edge = wall._replace(material=Material.MASONRY, colour=wall.second, detail=(0, 0, 0, 0))
        builder.box(
            place,
            (-0.5 * depth, 0, tall + 0.15),
            (0.5 * depth + 0.12, 0.5 * width + 0.02, 0.22),
            edge,
        )
        box = wall._replace(material=Material.MASONRY, colour=colour, detail=(0, 0, 0, 0))
        builder.box(
            place, (-0.6 * depth, (ridge - 0.5) * 0.5 * width, tall + 1.2), (1.6, 2.0, 1.1), box
        )
        return
    along = ridge < 0.7
    rise = slope * 0.5 * (depth if along else width)
    over = 0.3
    half = (0.5 * depth + over, 0.5 * width + (0.0 if along else over), 0.5 * rise)
    hip = 0.4 * rise if ridge < 0.2 else 0.0
    inset = (half[0], half[0], hip, hip) if along else (hip, hip, half[1], half[1])
    builder.box(place, (-0.5 * depth, 0, tall + 0.5 * rise), half, tiles, inset)
    brick = wall._replace(material=Material.MASONRY, detail=(1.0, 0, 0, 0))
    for chimney in range(chimneys):
        side = (0.35 - 0.6 * chimney) * width
        builder.box(place, (-0.6 * depth, side, tall + rise), (0.35, 0.3, 0.9), brick)


def _front(
    dice: Dice, city: City, builder: Builder, place: Place, wall: Paint, width: float, floors: int
) -> None:
    """Balconies and awnings; they start above head height."""
    balconies, awning = dice.chance(city.balcony), dice.chance(0.45)
    bays = max(1, int(width / wall.detail[1]))
    phase, colour = dice.integer(0, 1), dice.pick(city.cars)
    if awning and wall.detail[3]:
        cloth = wall._replace(material=Material.CLOTH, colour=colour, second=wall.second)
        cloth = cloth._replace(detail=(0.9, 0.9, 0, 0))
        builder.box(place, (0.6, 0, 2.85), (0.6, 0.42 * width, 0.22), cloth, (1.1, 0.0, 0.0, 0.0))
    if not balconies:
        return
    slab = wall._replace(material=Material.MASONRY, colour=wall.second, detail=(0, 0, 0, 0))
    for floor in range(1, min(floors, 7)):
        for bay in range(phase, bays, 2):
            side = (bay + 0.5) * width / bays - 0.5 * width
            builder.box(place, (0.5, side, FLOOR * floor + 0.45), (0.5, 1.05, 0.52), slab)
