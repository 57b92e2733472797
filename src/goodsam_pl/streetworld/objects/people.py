"""People on foot, riders, motorcycles, bicycles."""

from __future__ import annotations

from goodsam_pl.streetworld.city import City, Colour, linear
from goodsam_pl.streetworld.primitives import Builder, Material, Paint, Place
from goodsam_pl.streetworld.seeds import Dice

__all__ = ["bicycle", "cyclist", "motorcycle", "motorcyclist", "pedestrian"]

PERSON, RIDER, MOTORCYCLE, BICYCLE = 11, 12, 17, 18
_SKIN: tuple[Colour, ...] = tuple(linear(c) for c in ("d8a888", "b88868", "8a5c40", "5c3c2c"))
_HAIR: tuple[Colour, ...] = tuple(linear(c) for c in ("1c1814", "3c2c20", "6c5030", "8c8884"))
_RUBBER: Colour = (0.015, 0.015, 0.016)
_DETAILED = 30.0
Point = tuple[float, float, float]


class _Outfit:
    """The paints of one person."""

    def __init__(self, builder: Builder, dice: Dice, city: City, label: int) -> None:
        instance = builder.instance(label)
        pattern = (dice.random(), dice.random(), 0.0, 0.0)
        top, bottom = dice.pick(city.clothes), dice.pick(city.clothes)
        self.top = Paint(label, instance, Material.CLOTH, top, dice.pick(city.clothes), pattern)
        self.bottom = Paint(label, instance, Material.CLOTH, bottom, bottom)
        self.skin = Paint(label, instance, Material.PLAIN, dice.pick(_SKIN))
        self.hair = Paint(label, instance, Material.PLAIN, dice.pick(_HAIR))
        self.shoes = Paint(label, instance, Material.PLAIN, (0.03, 0.028, 0.026))


def pedestrian(builder: Builder, dice: Dice, city: City, place: Place) -> None:
    """A person who stands or walks towards +x; children and adults."""
    outfit = _Outfit(builder, dice, city, PERSON)
    size = dice.uniform(0.62, 0.8) if dice.chance(0.1) else dice.uniform(0.92, 1.08)
    stout = size * dice.uniform(0.9, 1.25)
    stride = dice.uniform(0.0, 0.32) * size
    hip, shoulder = 0.92 * size, 1.45 * size
    long_coat = dice.chance(0.25)
    far = place.x * place.x + place.y * place.y > _DETAILED**2
    builder.ellipsoid(
        place, (0, 0, 1.62 * size), (0.105 * size, 0.085 * size, 0.135 * size), outfit.skin
    )
    builder.ellipsoid(
        place, (-0.02, 0, 1.67 * size), (0.11 * size, 0.095 * size, 0.11 * size), outfit.hair
    )
    low = 0.55 * size if long_coat else 0.85 * size
    builder.ellipsoid(
        place,
        (0, 0, 0.5 * (low + shoulder + 0.12)),
        (0.15 * stout, 0.225 * stout, 0.5 * (shoulder - low) + 0.1),
        outfit.top,
    )
    for side, swing in ((0.1 * stout, stride), (-0.1 * stout, -stride)):
        foot: Point = (swing, side, 0.08)
        if far:
            builder.capsule(place, (0, side, hip), foot, 0.085 * stout, outfit.bottom)
            continue
        knee: Point = (0.5 * swing + 0.06, side, 0.5 * size)
        builder.capsule(place, (0, side, hip), knee, 0.09 * stout, outfit.bottom)
        builder.capsule(place, knee, foot, 0.065 * stout, outfit.bottom)
        builder.ellipsoid(place, (swing + 0.06, side, 0.05), (0.14, 0.05, 0.06), outfit.shoes)
        elbow: Point = (-0.4 * swing, 2.25 * side, 1.15 * size)
        builder.capsule(place, (0, 1.95 * side, shoulder - 0.04), elbow, 0.055 * stout, outfit.top)
        hand: Point = (-0.9 * swing + 0.08, 2.3 * side, 0.9 * size)
        builder.capsule(place, elbow, hand, 0.045 * stout, outfit.top)
        builder.ellipsoid(place, hand, (0.05, 0.04, 0.06), outfit.skin)
    if dice.chance(0.25) and not far:
        bag = outfit.top._replace(colour=dice.pick(city.clothes))
        builder.ellipsoid(place, (-0.2 * stout, 0, 1.25 * size), (0.12, 0.17, 0.24), bag)


def bicycle(builder: Builder, dice: Dice, city: City, place: Place) -> None:
    """A bicycle, wheels on the ground, its front at +x."""
    instance = builder.instance(BICYCLE)
    tyre = Paint(BICYCLE, instance, Material.SPOKES, _RUBBER, (0.3, 0.3, 0.3))
    frame = Paint(BICYCLE, instance, Material.METAL, dice.pick(city.cars))
    for wheel in (0.52, -0.52):
        builder.ellipsoid(place, (wheel, 0, 0.34), (0.34, 0.045, 0.34), tyre)
    seat, handle, crank = (-0.22, 0.0, 0.86), (0.40, 0.0, 0.95), (-0.04, 0.0, 0.32)
    neck = (0.36, 0.0, 0.80)
    for start, end in (
        (crank, seat),
        (crank, neck),
        (seat, neck),
        (neck, (0.52, 0.0, 0.34)),
        (crank, (-0.52, 0.0, 0.34)),
        (seat, (-0.52, 0.0, 0.34)),
        (neck, handle),
    ):
        builder.capsule(place, start, end, 0.024, frame)
    dark = Paint(BICYCLE, instance, Material.PLAIN, _RUBBER)
    builder.capsule(place, (0.42, 0.27, 0.97), (0.42, -0.27, 0.97), 0.02, dark)
    builder.ellipsoid(place, (-0.24, 0, 0.92), (0.14, 0.07, 0.04), dark)
    if dice.chance(0.35):
        basket = dark._replace(colour=(0.10, 0.08, 0.06))
        builder.box(place, (0.55, 0, 0.88), (0.15, 0.16, 0.12), basket)


def motorcycle(builder: Builder, dice: Dice, city: City, place: Place) -> None:
    """A motorcycle or a scooter, its front at +x."""
    instance = builder.instance(MOTORCYCLE)
    colour = dice.pick(city.cars)
    tyre = Paint(MOTORCYCLE, instance, Material.WHEEL, _RUBBER, (0.3, 0.3, 0.3))
    body = Paint(MOTORCYCLE, instance, Material.METAL, colour)
    dark = Paint(MOTORCYCLE, instance, Material.PLAIN, (0.02, 0.02, 0.022))
    for wheel in (0.68, -0.66):
        builder.ellipsoid(place, (wheel, 0, 0.31), (0.31, 0.09, 0.31), tyre)
    builder.ellipsoid(place, (0.0, 0, 0.48), (0.34, 0.17, 0.24), dark)
    builder.ellipsoid(place, (0.16, 0, 0.76), (0.30, 0.16, 0.15), body)
    builder.ellipsoid(place, (-0.42, 0, 0.76), (0.42, 0.14, 0.09), dark)
    builder.ellipsoid(place, (-0.62, 0, 0.68), (0.26, 0.12, 0.12), body)
    builder.capsule(place, (0.68, 0.07, 0.31), (0.42, 0.07, 0.98), 0.035, dark)
    builder.capsule(place, (0.68, -0.07, 0.31), (0.42, -0.07, 0.98), 0.035, dark)
    builder.capsule(place, (0.38, 0.36, 1.02), (0.38, -0.36, 1.02), 0.025, dark)
    builder.ellipsoid(place, (0.52, 0, 0.90), (0.10, 0.12, 0.12), body)
    builder.capsule(place, (-0.1, -0.2, 0.34), (-0.8, -0.22, 0.42), 0.05, tyre)


def cyclist(builder: Builder, dice: Dice, city: City, place: Place) -> None:
    """A bicycle with its rider."""
    bicycle(builder, dice, city, place)
    _rider(builder, dice, city, place, (-0.22, 0.98), (0.38, 0.97), (0.0, 0.30), helmet=0.45)


def motorcyclist(builder: Builder, dice: Dice, city: City, place: Place) -> None:
    """A motorcycle with its rider."""
    motorcycle(builder, dice, city, place)
    _rider(builder, dice, city, place, (-0.35, 0.92), (0.36, 1.02), (-0.02, 0.36), helmet=1.0)


def _rider(
    builder: Builder,
    dice: Dice,
    city: City,
    place: Place,
    hip: tuple[float, float],
    hand: tuple[float, float],
    foot: tuple[float, float],
    helmet: float,
) -> None:
    """A seated person; hip, hand and foot as (x, z)."""
    outfit = _Outfit(builder, dice, city, RIDER)
    lean = dice.uniform(0.15, 0.32)
    shoulder = (hip[0] + lean, hip[1] + 0.50)
    builder.capsule(
        place, (hip[0], 0, hip[1] + 0.05), (shoulder[0], 0, shoulder[1] - 0.06), 0.18, outfit.top
    )
    head = (shoulder[0] + 0.08, 0.0, shoulder[1] + 0.26)
    builder.ellipsoid(place, head, (0.11, 0.09, 0.14), outfit.skin)
    crown = outfit.hair
    if dice.chance(helmet):
        crown = crown._replace(colour=dice.pick(city.cars))
    size = (0.15, 0.13, 0.14) if helmet == 1.0 else (0.12, 0.10, 0.10)
    builder.ellipsoid(place, (head[0] - 0.02, 0, head[2] + 0.05), size, crown)
    for side, lift in ((0.12, 0.1), (-0.12, -0.06)):
        knee = (hip[0] + 0.38, 1.3 * side, hip[1] - 0.32 + lift)
        builder.capsule(place, (hip[0], side, hip[1]), knee, 0.085, outfit.bottom)
        toe = (foot[0], 1.2 * side, foot[1] - 0.1 + lift)
        builder.capsule(place, knee, toe, 0.06, outfit.bottom)
        builder.ellipsoid(
            place, (toe[0] + 0.06, toe[1], toe[2] - 0.04), (0.13, 0.05, 0.05), outfit.shoes
        )
        builder.capsule(
            place,
            (shoulder[0], 1.6 * side, shoulder[1] - 0.05),
            (hand[0], 2.0 * side, hand[1]),
            0.05,
            outfit.top,
        )
