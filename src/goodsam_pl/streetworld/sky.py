"""Sky and skyline: what a ray meets when it meets nothing."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.streetworld.city import City, as_array
from goodsam_pl.streetworld.noise import clouds, grain, random_cell
from goodsam_pl.streetworld.primitives import Floats

__all__ = ["SKYLINE_DISTANCE", "sky_radiance", "skyline", "skyline_albedo"]

SKYLINE_DISTANCE = 190.0
Vector = tuple[Floats, Floats, Floats]


def sky_radiance(city: City, seed: int, sun: tuple[float, float, float], rays: Vector) -> Floats:
    """Radiance ``(M, 3)`` of the sky: a gradient, clouds on a plane, a glow around the sun."""
    x, y, z = rays
    up = np.maximum(z, 0)
    share = np.sqrt(up)[:, None]
    zenith, horizon = as_array(city.zenith_colour), as_array(city.haze_colour)
    colour = horizon + (zenith - horizon) * np.minimum(1.25 * share, 1)
    scale = 14.0 / (up + 0.12)
    shift = 37.0 * (seed % 97)
    u, v = x * scale + shift, y * scale + 0.7 * shift
    density = 0.75 * clouds(u, v) + 0.35 * clouds(2.7 * v, 2.7 * u) + 0.10 * grain(6 * u, 6 * v)
    cover = np.clip(0.55 * (density + 2.6 * city.cloud_cover - 1.3) + 0.15, 0, 1)
    cover = cover * np.clip(6 * up + 0.25, 0, 1)
    lit = np.clip(1.0 - 0.13 * density * cover, 0.6, 1.15)[:, None]
    colour = colour + (as_array(city.cloud_colour) * lit - colour) * (0.92 * cover)[:, None]
    towards = np.clip(x * sun[0] + y * sun[1] + z * sun[2], 0, 1)
    glow = (0.35 * towards**12 + 0.9 * towards**200)[:, None]
    return np.asarray(colour + as_array(city.sun_colour) * 0.5 * glow, dtype=np.float32)


def skyline(seed: int, rays: Vector) -> tuple[Floats, Floats, Floats]:
    """Horizontal length of the rays, and the tangents of the skyline's elevation above them.

    The first skyline is that of far houses, the second that of far trees.
    """
    flat = np.maximum(np.hypot(rays[0], rays[1]), np.float32(1e-6))
    turn = np.arctan2(rays[1], rays[0]) * np.float32(0.5 / np.pi) + 0.5
    plot = np.floor(turn * 90)
    houses = 0.022 + 0.055 * random_cell(plot, seed % 4096, 21)
    houses = np.where(random_cell(plot, seed % 4096, 22) < 0.3, 0.0, houses)
    u = turn * 512
    trees = 0.030 + 0.012 * clouds(0.6 * u + seed % 512, u * 0) + 0.006 * grain(6 * u, u * 0 + 9)
    return flat, houses.astype(np.float32), trees.astype(np.float32)


def skyline_albedo(city: City, seed: int, rays: Vector, houses: NDArray[np.bool_]) -> Floats:
    """Albedo ``(M, 3)`` of far houses (where ``houses`` is true) and trees."""
    turn = np.arctan2(rays[1], rays[0]) * np.float32(0.5 / np.pi) + 0.5
    plot = np.floor(turn * 90)
    choice = random_cell(plot, seed % 4096, 23)
    walls = as_array(city.facades)[(choice * len(city.facades)).astype(np.int64)]
    tall = rays[2] / np.hypot(rays[0], rays[1])
    dark = (np.floor(turn * 1080) % 2 == 0) & (np.floor(tall * 260) % 2 == 0)
    walls = walls * np.where(dark, 0.6, 1.0)[:, None]
    leaves = as_array(city.foliage)[(choice * len(city.foliage)).astype(np.int64)]
    leaves = leaves * (1 + 0.3 * grain(turn * 2048, tall * 1500))[:, None]
    return np.asarray(np.where(houses[:, None], walls, leaves), dtype=np.float32)
