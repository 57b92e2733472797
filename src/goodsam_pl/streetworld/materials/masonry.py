"""Façades, walls, roofs."""

from __future__ import annotations

import numpy as np

from goodsam_pl.streetworld.materials.basics import fade, weathered
from goodsam_pl.streetworld.noise import random_cell
from goodsam_pl.streetworld.objects.buildings import FLOOR
from goodsam_pl.streetworld.primitives import Floats
from goodsam_pl.streetworld.surfaces import Surface

__all__ = ["bricks", "facade", "masonry", "roof"]


def bricks(s: Surface) -> Floats:
    """Factor of a brick bond, 25 cm by 8 cm."""
    row = np.floor(s.height / 0.085)
    across = s.along / 0.26 + 0.5 * (row % 2)
    column = np.floor(across)
    tone = random_cell(column, row, 5)
    joint = (across - column < 0.06) | (s.height / 0.085 - row < 0.16)
    near = fade(s.distance, 16)
    return np.asarray(1 + near * np.where(joint, 0.30, 0.5 * (tone - 0.5)), dtype=np.float32)


def masonry(s: Surface) -> Floats:
    """Plain walls; detail: above 0.5 for bricks."""
    blocks = np.where(s.detail[:, 0] > 0.5, bricks(s), 1)
    stain = 1 - 0.25 * np.clip(0.5 - s.up, 0, 0.5)
    return np.asarray(s.colour * (blocks * stain * weathered(s, 0.16, 2.5))[:, None])


def facade(s: Surface) -> Floats:
    """Windows in bays and floors, a door, shops on the ground floor, ledges between floors."""
    salt = np.floor(s.detail[:, 2])
    wall = (
        s.colour * (np.where(s.detail[:, 0] > 1, bricks(s), 1) * weathered(s, 0.10, 1.4))[:, None]
    )
    bays = np.maximum(np.floor(2 * s.breadth / s.detail[:, 1]), 1)
    across = (s.along + s.breadth) * (bays / (2 * s.breadth))
    bay = np.floor(across)
    floor = np.floor(s.up / FLOOR)
    u, v = across - bay - 0.5, s.up / FLOOR - floor
    width = 0.5 * (s.detail[:, 2] - salt)
    sill = np.where(s.detail[:, 0] % 1.0 > 0.5, 0.24, 0.32)
    lintel = sill + s.detail[:, 0] % 1.0
    shop = (s.detail[:, 3] > 0.5) & (floor == 0)
    door = (floor == 0) & ~shop & (bay == np.floor(bays * random_cell(salt, 3)))
    width = np.where(shop, 0.44, np.where(door, 0.20, width))
    sill = np.where(shop, 0.12, np.where(door, 0.0, sill))
    lintel = np.where(shop, 0.78, np.where(door, 0.74, lintel))
    rows = np.floor((2 * s.half[2] - 0.4) / FLOOR)
    hole = (np.abs(u) < width) & (v > sill) & (v < lintel) & (floor < rows)
    inner = (np.abs(u) < width - 0.028) & (v > sill + 0.025) & (v < lintel - 0.025)
    bar = (np.abs(u) < 0.012) | (np.abs(v - 0.62 * lintel - 0.38 * sill) < 0.010)
    lot = random_cell(bay + 31 * s.face, floor, salt)
    pane = inner & ~(bar & (lot < 0.75) & ~shop) & ~door
    depth = (v - sill) / (lintel - sill)
    mirror = np.clip(0.03 + 0.16 * (lot - 0.2) + 0.10 * depth * (lot > 0.4), 0.012, 0.5)
    glass = np.stack([0.85 * mirror, 0.95 * mirror, 1.12 * mirror], axis=1)
    curtain = (lot > 0.72) & ((depth > 0.55) | (np.abs(u) > 0.55 * width)) & ~shop
    glass = np.where(curtain[:, None], 0.9 * s.second, glass)
    goods = 0.06 + 0.30 * random_cell(np.floor(9 * u) + 50 * bay, np.floor(5 * v), salt) ** 3
    glass = np.where(shop[:, None], goods[:, None] * (0.5 + s.second), glass)
    frame = np.where(door[:, None] & inner[:, None], 0.35 * s.colour + 0.02, s.second)
    colour = np.where(hole[:, None], frame, wall)
    colour = np.where((hole & pane)[:, None], glass, colour)
    shade = np.where(hole & (v > lintel - 0.09), 0.55, 1.0)
    ledge = (v < 0.05) & (floor > 0) & (random_cell(salt, 4) > 0.4)
    colour = np.where(ledge[:, None], 0.8 * s.second, colour)
    board = (s.detail[:, 3] > 0.5) & (floor == 0) & (v > 0.82) & (v < 0.97)
    letters = random_cell(np.floor(26 * across), np.floor(9 * v), salt) > 0.55
    letters &= (np.abs(v - 0.895) < 0.04) & (np.abs(u) < 0.33)
    tint = np.stack([random_cell(salt, 6), random_cell(salt, 7), random_cell(salt, 8)], axis=1)
    name = np.where(letters[:, None], 0.7, 0.5 * tint**2)
    colour = np.where(board[:, None], name, colour)
    plinth = (s.up < 0.45) & ~hole
    shade = np.where(plinth, 0.72, shade)
    return np.asarray(colour * shade[:, None], dtype=np.float32)


def roof(s: Surface) -> Floats:
    """Tiles; the gable below them continues the wall."""
    gable = np.abs(s.normal[2]) < 0.15
    row = np.floor(s.height / 0.22)
    tiles = 1 + 0.22 * fade(s.distance, 22) * (2 * (s.height / 0.22 - row) - 1)
    tiles = tiles * (0.9 + 0.2 * random_cell(np.floor(s.along / 0.3), row, 3))
    base = np.where(gable[:, None], s.second, s.colour * tiles[:, None])
    return base * weathered(s, 0.15, 1.2)[:, None]
