"""Domains of StreetWorld: what each looks like, and what it calls one thing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from goodsam_pl.streetworld.city import City, linear, make_city

__all__ = ["DOMAIN_STYLES", "DomainStyle"]

_TRAFFIC = frozenset(range(11, 19))
_HOUSES = frozenset({2})
_PLANTS = frozenset({8})
_PAVED = frozenset({0, 1})
_ALL = frozenset(range(19))


@dataclass(frozen=True)
class DomainStyle:
    """One domain.

    Attributes:
        name: of the domain.
        city: its look, weather included.
        camera: a ``pinhole``, or all that a panorama has, squeezed into a square: the whole
            ``sphere`` with its poles.
        classes: trainIds of what is masked.
        whole: one ``thing`` is an object (a car, a tree, a house), or it is a ``region``, all that
            hangs together of one class, as a row of houses.
    """

    name: str
    city: City
    camera: Literal["pinhole", "sphere"]
    classes: frozenset[int]
    whole: Literal["thing", "region"]


def _in_fog(city: City) -> City:
    """Nothing but grey beyond some thirty metres."""
    return replace(
        city,
        haze=0.035,
        haze_colour=(0.80, 0.82, 0.85),
        sun_colour=(0.5, 0.5, 0.5),
        ambient_colour=(0.85, 0.88, 0.92),
        zenith_colour=(0.80, 0.82, 0.85),
        cloud_cover=1.0,
        cloud_colour=(0.85, 0.87, 0.90),
        contrast=0.8,
    )


def _by_night(city: City) -> City:
    """Moonlight, and a sensor that makes noise of it."""
    return replace(
        city,
        exposure=1.6,
        noise=0.05,
        contrast=1.1,
        sun_elevation=14.0,
        sun_colour=(0.16, 0.20, 0.34),
        ambient_colour=(0.10, 0.13, 0.24),
        haze=0.006,
        haze_colour=(0.05, 0.06, 0.10),
        zenith_colour=(0.02, 0.03, 0.07),
        cloud_cover=0.3,
        cloud_colour=(0.08, 0.09, 0.13),
    )


def _in_snow(city: City) -> City:
    """Snow on all that lies flat and on the trees, under a white sky."""
    white = linear("e8ecf2")
    return replace(
        city,
        exposure=1.05,
        sun_colour=(0.25, 0.26, 0.28),
        ambient_colour=(0.80, 0.86, 0.96),
        haze=0.008,
        haze_colour=(0.86, 0.90, 0.96),
        zenith_colour=(0.80, 0.85, 0.92),
        cloud_cover=1.0,
        cloud_colour=(0.90, 0.93, 0.98),
        asphalt=linear("d8dce2"),
        paving=white,
        kerb=white,
        marking=linear("d8dce0"),
        grass=white,
        roofs=(white,) * len(city.roofs),
        foliage=tuple(linear(leaf) for leaf in _SNOWED),
    )


_SNOWED = ("c4ccd4", "d8dee4", "b0bac0", "e0e6ec", "ccd4da", "a8b2b8")
"""Trees in snow, in sRGB."""

_TOWN, _EVENING = make_city("source"), make_city("target")

DOMAIN_STYLES: tuple[DomainStyle, ...] = (
    DomainStyle("town", _TOWN, "pinhole", _TRAFFIC, "thing"),
    DomainStyle("fog", _in_fog(_TOWN), "pinhole", _PLANTS, "thing"),
    DomainStyle("night", _by_night(_TOWN), "pinhole", _HOUSES, "thing"),
    DomainStyle("evening", _EVENING, "pinhole", _PLANTS, "region"),
    DomainStyle("town_360", _TOWN, "sphere", _HOUSES, "region"),
    DomainStyle("snow_360", _in_snow(make_city("target", 0.6)), "sphere", _PAVED, "region"),
    DomainStyle("between", make_city("target", 0.5), "pinhole", _ALL, "thing"),
)
"""Six domains to learn one after another, and ``between``, a place that none of them shows: it
stands for natural images, which a SAM must not forget.

Look and meaning differ, as those of defects, polyps and shadows do: what is one thing in one domain
is part of one, or several, in another. Our choice.
"""
