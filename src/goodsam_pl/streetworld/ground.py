"""The ground: where rays meet road and sidewalk, and how asphalt, paving and grass look."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.streetworld.city import City, as_array
from goodsam_pl.streetworld.layout import KERB_HEIGHT, LANE, Plan, Zone
from goodsam_pl.streetworld.noise import clouds, grain, random_cell, speckle
from goodsam_pl.streetworld.primitives import Floats, Integers

__all__ = ["GroundHits", "cast_ground", "ground_albedo"]


class GroundHits(NamedTuple):
    """Where downward rays meet the ground; M of them.

    Attributes:
        ray: which rays.
        distance: along the ray, metres.
        riser: hit the kerb's face rather than a level surface?
    """

    ray: Integers
    distance: Floats
    riser: NDArray[np.bool_]


def cast_ground(
    plan: Plan,
    origin: tuple[float, float, float],
    direction: tuple[Floats, Floats, Floats],
    reach: float,
) -> GroundHits:
    """Intersect rays with the road, the raised ground behind the kerbs, and the kerbs' faces."""
    ray = np.flatnonzero(direction[2] < -origin[2] / reach)
    x, y, z = (axis[ray] for axis in direction)
    level = np.float32(origin[2])
    upper = (np.float32(KERB_HEIGHT) - level) / z
    lower = -level / z
    start_x, start_y = np.float32(origin[0]), np.float32(origin[1])
    raised = plan.kerb_distance(start_x + upper * x, start_y + upper * y) >= 0
    distance = np.where(raised, upper, lower)
    low = np.flatnonzero(~raised)
    behind = plan.kerb_distance(start_x + lower[low] * x[low], start_y + lower[low] * y[low])
    cut = low[behind >= 0]
    before, after = upper[cut], lower[cut]
    for _ in range(8):
        middle = np.float32(0.5) * (before + after)
        hit = plan.kerb_distance(start_x + middle * x[cut], start_y + middle * y[cut]) >= 0
        after, before = np.where(hit, middle, after), np.where(hit, before, middle)
    distance[cut] = after
    riser = np.zeros(len(ray), dtype=bool)
    riser[cut] = True
    return GroundHits(ray, distance.astype(np.float32), riser)


def ground_albedo(
    plan: Plan,
    city: City,
    zone: NDArray[np.uint8],
    riser: NDArray[np.bool_],
    x: Floats,
    y: Floats,
    distance: Floats,
) -> Floats:
    """Albedo ``(M, 3)``, linear RGB, of ground points.

    Args:
        plan: of the street.
        city: palette and wear.
        zone: :class:`Zone` of each point.
        riser: points on the face of a kerb.
        x: metres.
        y: metres.
        distance: from the camera, metres; fine detail fades with it.
    """
    colour = np.empty((len(x), 3), dtype=np.float32)
    for kind, paint in ((Zone.ROAD, _road), (Zone.SIDEWALK, _sidewalk)):
        part = np.flatnonzero(zone == kind)
        colour[part] = paint(plan, city, x[part], y[part], distance[part])
    part = np.flatnonzero(zone >= Zone.VERGE)
    colour[part] = _grass(city, x[part], y[part], distance[part])
    colour[riser] = np.float32(0.6) * as_array(city.kerb)
    return colour


def _fade(distance: Floats, reach: float) -> Floats:
    return np.asarray(1 / (1 + (distance / reach) ** 2), dtype=np.float32)


def _road(plan: Plan, city: City, x: Floats, y: Floats, distance: Floats) -> Floats:
    """Asphalt with wheel tracks, patches, cracks and manholes; markings on top."""
    near = _fade(distance, 12)
    tone = 1 + 0.10 * clouds(1.1 * x, 1.1 * y) + 0.05 * grain(7 * x, 7 * y)
    tone = tone + 0.13 * near * speckle(45 * x, 45 * y)
    lane = (np.abs(y) / LANE) % 1.0
    tracks = np.abs(np.abs(lane - 0.5) - 0.24) < 0.10
    tone = tone * np.where(tracks, 0.93, 1.0)
    lot = random_cell(np.floor(x / 5.3), np.floor(y / 1.9), 7)
    tone = tone * np.where(lot < 0.12 * (1 + city.wear), 0.80, 1.0)
    crack = np.abs(clouds(2.2 * x + 60, 2.2 * y)) < 0.035 * city.wear
    tone = tone * np.where(crack & (distance < 18), 0.62, 1.0)
    colour = as_array(city.asphalt) * tone[:, None].astype(np.float32)
    cell_x, cell_y = np.floor(x / 13), np.floor(y / 3)
    hole = np.hypot(x - 13 * (cell_x + 0.5), y - 3 * (cell_y + 0.4)) < 0.33
    hole &= random_cell(cell_x, cell_y, 8) < 0.5
    colour = np.where(hole[:, None], 0.6 * colour, colour)
    parking = np.abs(y) > plan.lanes * LANE
    setts = 1 + 0.3 * near * (random_cell(np.floor(x / 0.12), np.floor(y / 0.12), 9) - 0.5)
    parked = as_array(city.kerb) * (0.62 * tone * setts)[:, None]
    colour = np.where((parking & _straight(plan, x))[:, None], parked, colour)
    rails = np.abs(np.abs(np.abs(y) - 0.5 * LANE) - 0.72) < 0.05
    if plan.tram:
        colour = np.where(rails[:, None], 0.30, colour)
        colour = np.where(
            (np.abs(np.abs(np.abs(y) - 0.5 * LANE) - 0.80) < 0.05)[:, None], 0.03, colour
        )
    worn = 1 - (0.25 + 0.45 * city.wear) * np.clip(grain(9 * x, 9 * y) + 0.4, 0, 1)
    paint = _markings(plan, x, y) * worn
    marking = as_array(city.marking) * 0.9
    return np.asarray(colour + (marking - colour) * paint[:, None], dtype=np.float32)


def _straight(plan: Plan, x: Floats) -> NDArray[np.bool_]:
    """Away from the crossing."""
    if not plan.cross_half:
        return np.ones(len(x), dtype=bool)
    return np.asarray(np.abs(x - plan.cross_x) > plan.cross_half + 3.5)


def _markings(plan: Plan, x: Floats, y: Floats) -> Floats:
    """Share of road paint at points of the road, 0 or 1."""
    straight = _straight(plan, x)
    dash = (x % 9.0) < 4.0
    centre = np.abs(y) < 0.07
    if plan.lanes > 1:
        centre = np.abs(np.abs(y) - 0.12) < 0.06
    painted = centre & (dash | (plan.lanes > 1)) & straight
    for lane in range(1, plan.lanes):
        painted |= (np.abs(np.abs(y) - lane * LANE) < 0.07) & ((x % 6.0) < 3.0) & straight
    edge = plan.lanes * LANE
    painted |= (np.abs(np.abs(y) - edge + 0.05) < 0.06) & straight & (plan.lanes > 1)
    bays = (np.abs(y) > edge) & ((x % 6.0) < 0.1) & straight
    painted |= bays
    if plan.cross_half:
        away = np.abs(x - plan.cross_x) - plan.cross_half
        inside = (y < plan.edge(0) - 0.3) & (y > 0.3 - plan.edge(1))
        if plan.zebra:
            painted |= (away > 0.9) & (away < 3.7) & inside & ((y % 1.0) < 0.5)
        approach = (x < plan.cross_x) == (y < 0)
        painted |= (np.abs(away - 4.6) < 0.2) & approach & inside & (np.abs(y) < edge)
        side = np.abs(y) - np.where(y > 0, plan.edge(0), plan.edge(1))
        along = np.abs(x - plan.cross_x)
        painted |= (along < 0.06) & (side > 4.0) & ((y % 6.0) < 3.0)
        painted |= (np.abs(side - 2.6) < 0.2) & (along < plan.cross_half - 0.2)
    return painted.astype(np.float32)


def _sidewalk(plan: Plan, city: City, x: Floats, y: Floats, distance: Floats) -> Floats:
    """Slabs of 50 cm between kerb stones of 1 m."""
    near = _fade(distance, 11)
    tone = 1 + 0.10 * clouds(1.6 * x + 30, 1.6 * y) + 0.08 * near * grain(25 * x, 25 * y)
    u, v = x / 0.5, y / 0.5
    slab = random_cell(np.floor(u), np.floor(v), 11)
    joint = (u - np.floor(u) < 0.06) | (v - np.floor(v) < 0.06)
    tone = tone * (1 + near * np.where(joint, -0.30, 0.16 * (slab - 0.5)))
    colour = as_array(city.paving) * tone[:, None].astype(np.float32)
    kerb = plan.kerb_distance(x, y) < 0.16
    stone = as_array(city.kerb) * (tone * np.where(x % 1.0 < 0.02, 0.7, 1.0))[:, None]
    return np.asarray(np.where(kerb[:, None], stone, colour), dtype=np.float32)


def _grass(city: City, x: Floats, y: Floats, distance: Floats) -> Floats:
    """Grass with bare patches."""
    near = _fade(distance, 14)
    blades = 0.22 * near * speckle(38 * x, 38 * y) + 0.12 * grain(5 * x, 5 * y)
    patch = np.clip(0.5 * clouds(0.9 * x, 0.9 * y + 70) - 0.35, 0, 0.75)
    green = as_array(city.grass) * (1 + blades)[:, None]
    bare = as_array(city.bark) * (1.25 + blades)[:, None]
    return np.asarray(green + (bare - green) * patch[:, None], dtype=np.float32)
