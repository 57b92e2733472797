"""A city is the look of its streets: light, palette, building style, weather, camera, clutter."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

__all__ = ["City", "Colour", "as_array", "linear", "make_city"]

Colour = tuple[float, float, float]
Palette = tuple[Colour, ...]


def linear(hexadecimal: str) -> Colour:
    """Linear RGB in [0, 1] of an sRGB colour written as six hexadecimal digits."""
    red, green, blue = (int(hexadecimal[i : i + 2], 16) / 255 for i in (0, 2, 4))
    return red**2.2, green**2.2, blue**2.2


def as_array(colours: Colour | Palette) -> NDArray[np.float32]:
    """Colours as ``(3,)`` or ``(n, 3)`` float32."""
    return np.array(colours, dtype=np.float32)


def _palette(colours: str) -> Palette:
    return tuple(linear(colour) for colour in colours.split())


@dataclass(frozen=True)
class City:
    """All that differs between cities. Colours are linear RGB, lengths metres, angles degrees.

    Between two cities every number can be interpolated; palettes have equal lengths for that.
    """

    name: str
    # camera
    camera_height: float
    tilt: float
    exposure: float
    white_balance: Colour
    noise: float
    blur: float
    contrast: float
    # light and weather
    sun_elevation: float
    sun_colour: Colour
    ambient_colour: Colour
    haze: float
    haze_colour: Colour
    zenith_colour: Colour
    cloud_cover: float
    cloud_colour: Colour
    # buildings
    floors_low: float
    floors_high: float
    flat_roof: float
    window_width: float
    window_height: float
    balcony: float
    shop: float
    brick: float
    facades: Palette
    trims: Palette
    roofs: Palette
    # ground
    asphalt: Colour
    paving: Colour
    kerb: Colour
    marking: Colour
    wear: float
    # plants
    foliage: Palette
    grass: Colour
    bark: Colour
    street_tree: float
    # life
    cars: Palette
    clothes: Palette
    people: float
    traffic: float
    parked_bicycles: float
    clutter: float
    lamp_spacing: float
    poles: Palette
    fences: Palette
    walls: Palette


_SOURCE = City(
    name="source",
    camera_height=1.4,
    tilt=0.0,
    exposure=1.0,
    white_balance=(1.0, 1.0, 1.0),
    noise=0.006,
    blur=0.21,
    contrast=1.0,
    sun_elevation=46.0,
    sun_colour=(2.1, 1.98, 1.75),
    ambient_colour=(0.50, 0.57, 0.70),
    haze=0.0016,
    haze_colour=(0.62, 0.70, 0.80),
    zenith_colour=(0.20, 0.38, 0.72),
    cloud_cover=0.50,
    cloud_colour=(0.98, 0.98, 1.0),
    floors_low=2.0,
    floors_high=5.0,
    flat_roof=0.15,
    window_width=0.46,
    window_height=0.56,
    balcony=0.12,
    shop=0.30,
    brick=0.38,
    facades=_palette(
        "d9cdb4 c9b79a b8a68a e3ddcf a9a49a 8f5a45 a56a4e 7a4a3c c8a878 b5b0a6 cfae8c 9c8f80 d8c8a0"
    ),
    trims=_palette("efece4 d8d2c4 8a8378 6b5a4a e8e4da"),
    roofs=_palette("8a4a36 7a4030 5a4a46 6a5850 4c4a4c"),
    asphalt=linear("6a6a6a"),
    paving=linear("a09a90"),
    kerb=linear("b4b0a8"),
    marking=linear("e6e6e0"),
    wear=0.35,
    foliage=_palette("4a6230 586e36 3f582e 646f3a 50653a 3a5232"),
    grass=linear("68743f"),
    bark=linear("5f5244"),
    street_tree=0.66,
    cars=_palette(
        "7d8084 3a3c40 1f2022 c8cacb e6e6e4 8a1f1c 24406e 4c5a44 a09888 5a2a24 6a7078 304c3c b8a050"
    ),
    clothes=_palette(
        "22242a 2e3c58 5a5a5c b8a78c 7a4a3a 883030 d8d4cc 46563c 8a8478 30302e c0b090 4c4858 6c5a44"
    ),
    people=1.5,
    traffic=1.0,
    parked_bicycles=0.32,
    clutter=0.5,
    lamp_spacing=26.0,
    poles=_palette("7c7e7e 5c605e 9a9c9a 4a4038"),
    fences=_palette("6a5440 8a7a64 3c4a3c 4c4c4e a49c8c"),
    walls=_palette("a89c8c 8a5a48 9a968e b8ac98 7c766c"),
)

_TARGET = City(
    name="target",
    camera_height=2.4,
    tilt=1.6,
    exposure=1.06,
    white_balance=(1.08, 1.0, 0.90),
    noise=0.020,
    blur=0.25,
    contrast=0.93,
    sun_elevation=21.0,
    sun_colour=(1.75, 1.32, 0.82),
    ambient_colour=(0.62, 0.57, 0.54),
    haze=0.0046,
    haze_colour=(0.76, 0.72, 0.68),
    zenith_colour=(0.52, 0.58, 0.66),
    cloud_cover=0.78,
    cloud_colour=(0.84, 0.80, 0.76),
    floors_low=3.6,
    floors_high=10.5,
    flat_roof=0.93,
    window_width=0.66,
    window_height=0.46,
    balcony=0.55,
    shop=0.55,
    brick=0.06,
    facades=_palette(
        "b4b0aa 98968f c89870 7c9ca8 dccaa8 b8604c 70889c cc9a44 98b090 8a8784 a8789c 5c7484 d0aca0"
    ),
    trims=_palette("c8c4be a8a49e 5c5e60 3c4448 9a948c"),
    roofs=_palette("787470 84807a 5c5a58 6a6664 706a64"),
    asphalt=linear("5c5854"),
    paving=linear("9a8478"),
    kerb=linear("98948c"),
    marking=linear("d8ccaa"),
    wear=0.85,
    foliage=_palette("58602c 6c6630 4c5a38 7a7034 606638 485440"),
    grass=linear("7c7a48"),
    bark=linear("6c6056"),
    street_tree=0.55,
    cars=_palette(
        "a4a6a8 505458 2a2c30 d8d8d6 f0efec a8402c 38607c 5c6a54 b8b0a0 74382c 848a90 406454 d0b450"
    ),
    clothes=_palette(
        "2c2c34 3c4a68 6c6a6a c4b498 8c5c4c a04040 e0dcd4 566648 9a9488 3c3c3a ccbca0 5c5868 7c6a54"
    ),
    people=2.2,
    traffic=1.15,
    parked_bicycles=0.60,
    clutter=1.0,
    lamp_spacing=20.0,
    poles=_palette("8c8a86 6c6a66 a8a49e 3c4440"),
    fences=_palette("7c7468 949088 4c5a54 5c5c5e b4aca0"),
    walls=_palette("a8a49c 9a8478 8c8a86 b0a89c 888480"),
)


def make_city(name: Literal["source", "target"], severity: float = 1.0) -> City:
    """Build a city.

    Args:
        name: ``source``, a sunny brick and plaster town seen from a low car camera, or ``target``,
            a hazy evening among flat-roofed blocks seen from a car's roof, with more clutter.
        severity: how far the target lies from the source. At 0 both draw the same pictures, at 1
            the gap is full; every number in between is interpolated. The source ignores it.

    Raises:
        ValueError: an unknown name, or a severity outside [0, 1].
    """
    if name not in ("source", "target"):
        raise ValueError(f"city {name!r} is unknown: choose 'source' or 'target'")
    if not 0.0 <= severity <= 1.0:
        raise ValueError(f"severity {severity} is not in [0, 1]")
    if name == "source":
        return _SOURCE
    mixed: dict[str, Any] = {
        field.name: _mix(getattr(_SOURCE, field.name), getattr(_TARGET, field.name), severity)
        for field in dataclasses.fields(City)
        if field.name != "name"
    }
    return City(name="target", **mixed)


def _mix(first: object, second: object, share: float) -> object:
    """Linear interpolation through nested tuples; the ends are met exactly."""
    if isinstance(first, tuple) and isinstance(second, tuple):
        return tuple(_mix(a, b, share) for a, b in zip(first, second, strict=True))
    if not isinstance(first, float) or not isinstance(second, float):
        raise TypeError(f"a city holds numbers and tuples of numbers, not {first!r}")
    return first * (1.0 - share) + second * share
