"""Cars, trucks, buses, trains."""

from __future__ import annotations

from goodsam_pl.streetworld.city import City, Colour
from goodsam_pl.streetworld.primitives import Builder, Material, Paint, Place
from goodsam_pl.streetworld.seeds import Dice

__all__ = ["CAR_LENGTH", "bus", "car", "train", "truck"]

CAR, TRUCK, BUS, TRAIN = 13, 14, 15, 16
CAR_LENGTH = 4.5
_BLACK: Colour = (0.012, 0.012, 0.013)
_GLASS: Colour = (0.035, 0.045, 0.055)


def _wheels(
    builder: Builder,
    place: Place,
    label: int,
    instance: int,
    axles: list[float],
    side: float,
    radius: float,
) -> None:
    paint = Paint(label, instance, Material.WHEEL, _BLACK, (0.35, 0.35, 0.36))
    for axle in axles:
        for flank in (side, -side):
            builder.ellipsoid(place, (axle, flank, radius), (radius, 0.14, radius), paint)


def car(builder: Builder, dice: Dice, city: City, place: Place) -> None:
    """A passenger car or a small van, standing with its middle at the place."""
    instance = builder.instance(CAR)
    style = dice.weighted((0.30, 0.25, 0.2, 0.15, 0.10))
    # length, width, sill, belt, roof, cabin front, cabin rear, front slope, rear slope
    long, wide, belt, roof, front, rear, bonnet, tail = (
        (3.9, 1.72, 0.92, 1.48, 0.85, -1.85, 0.75, 0.30),
        (4.6, 1.80, 0.90, 1.44, 0.90, -1.60, 0.80, 0.75),
        (4.7, 1.82, 0.92, 1.50, 0.95, -2.25, 0.80, 0.35),
        (4.5, 1.88, 1.08, 1.72, 1.00, -2.15, 0.70, 0.30),
        (4.9, 1.92, 1.20, 1.95, 1.75, -2.40, 0.60, 0.10),
    )[style]
    colour = dice.pick(city.cars)
    shade = dice.uniform(0.8, 1.15)
    colour = (colour[0] * shade, colour[1] * shade, colour[2] * shade)
    half = 0.5 * long
    body = Paint(CAR, instance, Material.CAR_BODY, colour, _BLACK, (dice.random(), belt, 0, 0))
    sill = 0.24
    lower = 0.5 * (belt - sill)
    builder.box(
        place, (0, 0, sill + lower), (half, 0.5 * wide, lower), body, (0.22, 0.10, 0.05, 0.05)
    )
    cabin = Paint(CAR, instance, Material.CAR_CABIN, colour, _GLASS, (dice.random(), 0, 0, 0))
    length = 0.5 * (front - rear)
    rise = 0.5 * (roof - belt)
    builder.box(
        place,
        (0.5 * (front + rear), 0, belt + rise),
        (length, 0.5 * wide - 0.05, rise),
        cabin,
        (bonnet, tail, 0.20, 0.20),
    )
    _wheels(builder, place, CAR, instance, [half - 0.85, 0.8 - half], 0.5 * wide - 0.10, 0.32)
    shadow = Paint(CAR, instance, Material.PLAIN, _BLACK)
    builder.box(place, (0, 0, 0.2), (half - 0.3, 0.5 * wide - 0.2, 0.08), shadow)


def truck(builder: Builder, dice: Dice, city: City, place: Place) -> None:
    """A lorry with a box or flat bed; about 8 m long."""
    instance = builder.instance(TRUCK)
    colour = dice.pick(city.cars)
    long, tall = dice.uniform(5.0, 7.0), dice.uniform(2.3, 2.9)
    front = 0.5 * long + 1.0
    cab = Paint(TRUCK, instance, Material.BUS, colour, _GLASS, (1.0, 0.50, 0.85, dice.random()))
    builder.box(place, (front - 0.95, 0, 1.6), (0.95, 1.15, 1.15), cab, (0.30, 0.0, 0.08, 0.08))
    load_colour = dice.pick((*city.cars, *city.facades))
    load = Paint(TRUCK, instance, Material.CARGO, load_colour, colour, (dice.random(), 0, 0, 0))
    rear = front - 2.1 - long
    if dice.chance(0.8):
        builder.box(
            place, (rear + 0.5 * long, 0, 0.95 + 0.5 * tall), (0.5 * long, 1.22, 0.5 * tall), load
        )
    else:
        builder.box(place, (rear + 0.5 * long, 0, 1.25), (0.5 * long, 1.20, 0.30), load)
        builder.box(
            place,
            (rear + 0.45 * long, 0, 1.9),
            (0.35 * long, 1.0, 0.4),
            load._replace(colour=dice.pick(city.walls)),
            (0.6, 0.4, 0.3, 0.3),
        )
    frame = Paint(TRUCK, instance, Material.PLAIN, _BLACK)
    builder.box(
        place, (0.5 * (front + rear), 0, 0.65), (0.5 * (front - rear) - 0.2, 0.9, 0.22), frame
    )
    _wheels(builder, place, TRUCK, instance, [front - 1.2, rear + 1.9, rear + 0.9], 1.05, 0.48)


def bus(builder: Builder, dice: Dice, city: City, place: Place) -> None:
    """A city bus, 12 m long."""
    instance = builder.instance(BUS)
    colour = dice.pick((*city.cars, *city.facades))
    trim = dice.pick(city.cars)
    paint = Paint(BUS, instance, Material.BUS, colour, trim, (0.0, 0.42, 0.86, dice.random()))
    builder.box(place, (0, 0, 1.75), (5.9, 1.26, 1.42), paint, (0.18, 0.06, 0.06, 0.06))
    roof = Paint(BUS, instance, Material.PLAIN, (0.5, 0.5, 0.5))
    builder.box(place, (-2.0, 0, 3.28), (2.0, 0.8, 0.12), roof, (0.2, 0.2, 0.1, 0.1))
    _wheels(builder, place, BUS, instance, [3.4, -2.9], 1.16, 0.48)


def train(builder: Builder, dice: Dice, city: City, place: Place, wagons: int) -> None:
    """A tram or a short train, 14 m a wagon, its front at +x."""
    instance = builder.instance(TRAIN)
    colour = dice.pick((*city.cars[3:], *city.facades))
    trim = dice.pick(city.cars)
    length, wide = 13.6, 1.28
    for wagon in range(wagons):
        middle = -14.2 * wagon + 7.1 * (wagons - 1)
        paint = Paint(TRAIN, instance, Material.TRAIN, colour, trim, (dice.random(), 0, 0, 0))
        nose = 0.9 if wagon == 0 else 0.05
        tail = 0.9 if wagon == wagons - 1 else 0.05
        builder.box(
            place, (middle, 0, 1.85), (0.5 * length, wide, 1.55), paint, (nose, tail, 0.12, 0.12)
        )
        dark = Paint(TRAIN, instance, Material.PLAIN, _BLACK)
        builder.box(place, (middle, 0, 0.22), (0.46 * length, wide - 0.15, 0.2), dark)
        roof = Paint(TRAIN, instance, Material.PLAIN, (0.22, 0.22, 0.23))
        builder.box(place, (middle, 0, 3.52), (0.3 * length, 0.8, 0.14), roof, (0.3, 0.3, 0.2, 0.2))
    metal = Paint(TRAIN, instance, Material.METAL, (0.08, 0.08, 0.08))
    builder.capsule(place, (0, 0, 3.6), (1.0, 0, 4.3), 0.04, metal)
    builder.capsule(place, (1.0, 0, 4.3), (0, 0, 5.0), 0.04, metal)
