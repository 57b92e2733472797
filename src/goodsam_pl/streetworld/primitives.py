"""The solids a scene is made of: tapered boxes, ellipsoids, capsules.

A tapered box is a box whose side faces lean inwards by an inset at the top: gables, car cabins and
plain boxes alike. All solids stand upright or lie along an axis, so that a turn about z is enough.
"""

from __future__ import annotations

import math
from enum import IntEnum
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.streetworld.city import Colour

__all__ = ["Builder", "Floats", "Integers", "Material", "Paint", "Place", "Primitives"]

Floats = NDArray[np.floating]
Integers = NDArray[np.integer]
Point = tuple[float, float, float]


class Material(IntEnum):
    """What a surface is made of: which function colours it."""

    PLAIN = 0
    FACADE = 1
    ROOF = 2
    MASONRY = 3
    CAR_BODY = 4
    CAR_CABIN = 5
    WHEEL = 6
    BUS = 7
    TRAIN = 8
    CARGO = 9
    CLOTH = 10
    FOLIAGE = 11
    BARK = 12
    METAL = 13
    SIGN = 14
    SIGNAL = 15
    BOARDS = 16
    RAILING = 17
    SPOKES = 18


class Paint(NamedTuple):
    """How a primitive counts and looks.

    Attributes:
        label: Cityscapes trainId, 255 = void.
        instance: id of the object it belongs to.
        material: which function colours it.
        colour: main colour, linear RGB.
        second: second colour, linear RGB.
        detail: four numbers whose meaning depends on the material.
    """

    label: int
    instance: int
    material: Material
    colour: Colour
    second: Colour = (0.05, 0.05, 0.05)
    detail: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)


class Place:
    """A position on the ground and a heading; objects are modelled in its frame, x forward."""

    __slots__ = ("cos", "sin", "x", "y", "yaw", "z")

    def __init__(self, x: float, y: float, z: float = 0.0, yaw: float = 0.0) -> None:
        self.x, self.y, self.z, self.yaw = x, y, z, yaw
        self.cos, self.sin = math.cos(yaw), math.sin(yaw)

    def at(self, x: float, y: float, z: float) -> Point:
        """World position of a point in this frame."""
        return (
            self.x + self.cos * x - self.sin * y,
            self.y + self.sin * x + self.cos * y,
            self.z + z,
        )

    def shifted(self, x: float, y: float, z: float = 0.0, yaw: float = 0.0) -> Place:
        """A place given in this frame."""
        return Place(*self.at(x, y, z), self.yaw + yaw)


class Primitives(NamedTuple):
    """All solids of a scene: N of them, first boxes, then ellipsoids, then capsules.

    Attributes:
        boxes: number of tapered boxes.
        ellipsoids: number of ellipsoids.
        centre: ``(N, 3)`` centre of a box or ellipsoid, start of a capsule, metres.
        half: ``(N, 3)`` half sizes of a box, radii of an ellipsoid, axis of a capsule, metres.
        heading: ``(N, 2)`` cosine and sine of the turn about z.
        inset: ``(N, 4)`` by which the top of the faces +x, -x, +y, -y lies inside the bottom;
            a capsule keeps its radius in the first column. Metres.
        label: ``(N,)`` trainIds.
        instance: ``(N,)`` object ids.
        material: ``(N,)`` :class:`Material`.
        colour: ``(N, 3)`` linear RGB.
        second: ``(N, 3)`` linear RGB.
        detail: ``(N, 4)`` numbers for the material.
    """

    boxes: int
    ellipsoids: int
    centre: Floats
    half: Floats
    heading: Floats
    inset: Floats
    label: NDArray[np.uint8]
    instance: NDArray[np.int32]
    material: NDArray[np.uint8]
    colour: Floats
    second: Floats
    detail: Floats

    def corners(self) -> Floats:
        """Corners ``(N, 8, 3)`` of a box around each solid."""
        signs = np.array(
            [[x, y, z] for x in (-1, 1) for y in (-1, 1) for z in (-1, 1)], dtype=np.float32
        )
        solid = self.boxes + self.ellipsoids
        local = signs[None] * self.half[:solid, None]
        cos, sin = self.heading[:solid, None, 0], self.heading[:solid, None, 1]
        x = cos * local[..., 0] - sin * local[..., 1]
        y = sin * local[..., 0] + cos * local[..., 1]
        around = np.stack([x, y, local[..., 2]], axis=-1) + self.centre[:solid, None]
        axis = self.half[solid:]
        middle = self.centre[solid:] + 0.5 * axis
        reach = 0.5 * np.abs(axis) + self.inset[solid:, :1]
        capsules = middle[:, None] + signs[None] * reach[:, None]
        return np.concatenate([around, capsules]).astype(np.float32)


class Builder:
    """Collects primitives and hands out instance ids."""

    def __init__(self, first_instance: int) -> None:
        self._rows: tuple[list[tuple[float, ...]], ...] = ([], [], [])
        self._next = first_instance
        self.classes: dict[int, int] = {}

    def instance(self, label: int) -> int:
        """A new object id for an object of this class."""
        number = self._next
        self._next += 1
        self.classes[number] = label
        return number

    def box(
        self,
        place: Place,
        centre: Point,
        half: Point,
        paint: Paint,
        inset: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0),
    ) -> None:
        """Add a tapered box; centre in the frame of the place, half sizes along its axes."""
        self._add(0, place.at(*centre), half, place, inset, paint)

    def ellipsoid(self, place: Place, centre: Point, radii: Point, paint: Paint) -> None:
        """Add an ellipsoid; centre in the frame of the place, radii along its axes."""
        self._add(1, place.at(*centre), radii, place, (0.0, 0.0, 0.0, 0.0), paint)

    def capsule(self, place: Place, start: Point, end: Point, radius: float, paint: Paint) -> None:
        """Add a capsule between two points in the frame of the place."""
        x, y, z = place.at(*start)
        to_x, to_y, to_z = place.at(*end)
        axis = (to_x - x, to_y - y, to_z - z)
        self._add(2, (x, y, z), axis, place, (radius, 0.0, 0.0, 0.0), paint)

    def _add(
        self,
        kind: int,
        centre: Point,
        half: Point,
        place: Place,
        inset: tuple[float, float, float, float],
        paint: Paint,
    ) -> None:
        label, instance, material, colour, second, detail = paint
        self._rows[kind].append(
            (
                *(*centre, *half, place.cos, place.sin, *inset),
                *(label, instance, material, *colour, *second, *detail),
            )
        )

    def build(self) -> Primitives:
        """All primitives as arrays."""
        boxes, ellipsoids, capsules = self._rows
        table = np.array([*boxes, *ellipsoids, *capsules], dtype=np.float64).reshape(-1, 25)
        floats = np.ascontiguousarray(table, dtype=np.float32)
        return Primitives(
            boxes=len(boxes),
            ellipsoids=len(ellipsoids),
            centre=floats[:, 0:3],
            half=floats[:, 3:6],
            heading=floats[:, 6:8],
            inset=floats[:, 8:12],
            label=table[:, 12].astype(np.uint8),
            instance=table[:, 13].astype(np.int32),
            material=table[:, 14].astype(np.uint8),
            colour=floats[:, 15:18],
            second=floats[:, 18:21],
            detail=floats[:, 21:25],
        )
