"""Domains of StreetWorld: what each looks like, and what it calls one thing."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Literal

from goodsam_pl.streetworld.city import City, make_city

__all__ = ["DOMAIN_STYLES", "DomainStyle"]

_TRAFFIC = frozenset(range(11, 19))
_HOUSES = frozenset({2})
_PLANTS = frozenset({8})
_ALL = frozenset(range(19))


@dataclass(frozen=True)
class DomainStyle:
    """One domain.

    Attributes:
        name: of the domain.
        city: its look, weather included.
        panorama: windows of panorama images; otherwise images of a pinhole camera.
        classes: trainIds of what is masked.
        whole: one ``thing`` is an object (a car, a tree, a house), or it is a ``region``, all that
            hangs together of one class, as a row of houses.
    """

    name: str
    city: City
    panorama: bool
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


_TOWN, _EVENING = make_city("source"), make_city("target")

DOMAIN_STYLES: tuple[DomainStyle, ...] = (
    DomainStyle("town", _TOWN, False, _TRAFFIC, "thing"),
    DomainStyle("fog", _in_fog(_TOWN), False, _PLANTS, "thing"),
    DomainStyle("night", _by_night(_TOWN), False, _HOUSES, "thing"),
    DomainStyle("evening", _EVENING, False, _PLANTS, "region"),
    DomainStyle("town_360", _TOWN, True, _HOUSES, "region"),
    DomainStyle("evening_360", _EVENING, True, _TRAFFIC, "thing"),
    DomainStyle("between", make_city("target", 0.5), False, _ALL, "thing"),
)
"""Six domains to learn one after another, and ``between``, a place that none of them shows: it
stands for natural images, which a SAM must not forget.

Look and meaning differ, as those of defects, polyps and shadows do: what is one thing in one domain
is part of one, or several, in another. Our choice.
"""
