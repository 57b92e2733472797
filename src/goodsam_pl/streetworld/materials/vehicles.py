"""Cars, wheels, buses, trains, and the sheet metal of loads and bins."""

from __future__ import annotations

import numpy as np

from goodsam_pl.streetworld.materials.basics import fade, weathered
from goodsam_pl.streetworld.noise import clouds, grain, random_cell
from goodsam_pl.streetworld.primitives import Floats
from goodsam_pl.streetworld.surfaces import Surface

__all__ = ["bus", "car_body", "car_cabin", "cargo", "train", "wheel"]


def car_body(s: Surface) -> Floats:
    """Paint with doors, lamps, number plates, bumpers and wheel arches."""
    share = s.up / (2 * s.half[2])
    colour = s.colour * (1 + 0.15 * (share - 0.6))[:, None]
    flank, end = (s.face == 2) | (s.face == 3), s.face < 2
    seam = flank & ((np.abs(s.x - 0.1) < 0.012) | (np.abs(s.x + 0.95) < 0.012))
    low = share < 0.22
    arch = flank & (np.hypot(np.abs(s.x) - s.half[0] + 0.82, s.up - 0.08) < 0.40)
    dark = seam | arch | (low & ~end) | (end & (share < 0.30))
    colour = np.where(dark[:, None], 0.018, colour)
    side = np.abs(s.y) / s.half[1]
    lamp = end & (share > 0.58) & (share < 0.86) & (side > 0.58) & (side < 0.96)
    front = (s.face == 0)[:, None]
    colour = np.where(
        lamp[:, None], np.where(front, (0.75, 0.75, 0.72), (0.45, 0.012, 0.012)), colour
    )
    grille = (s.face == 0) & (share > 0.42) & (share < 0.72) & (side < 0.45)
    colour = np.where(grille[:, None], 0.03, colour)
    plate = end & (share > 0.30) & (share < 0.46) & (side < 0.30)
    letters = random_cell(np.floor(s.y / 0.05), 1, s.instance) > 0.5
    colour = np.where(plate[:, None], np.where(letters, 0.25, 0.75)[:, None], colour)
    dirt = 1 - 0.25 * np.clip(0.4 - s.up, 0, 0.4) * (1 + 0.5 * grain(20 * s.x, 20 * s.z))
    return np.asarray(colour * dirt[:, None], dtype=np.float32)


def car_cabin(s: Surface) -> Floats:
    """Windows all around below a painted roof."""
    share = s.up / (2 * s.half[2])
    flank = (s.face == 2) | (s.face == 3)
    lean = np.where(s.x > 0, np.float32(0.78), np.float32(0.35))
    ends = np.abs(s.x) > s.half[0] - 0.10 - lean * share
    pillar = flank & ((np.abs(s.x + 0.05) < 0.05) | ends)
    window = (share > 0.10) & (share < 0.88) & ~pillar & (s.face < 4)
    inner = np.abs(s.y) < s.half[1] - 0.06 - 0.18 * share
    window &= flank | inner
    mirror = 0.25 + 1.6 * share + 0.5 * (clouds(30 * s.along + s.instance, 14 * share))
    glass = s.second * np.clip(mirror, 0.2, 3.0)[:, None]
    seats = (share < 0.55) & flank & (np.abs((s.x % 0.95) - 0.5) < 0.2)
    glass = np.where(seats[:, None], 0.5 * glass, glass)
    return np.asarray(np.where(window[:, None], glass, s.colour), dtype=np.float32)


def wheel(s: Surface) -> Floats:
    """Tyre and rim with five spokes."""
    ring = np.hypot(s.x, s.z) / s.half[0]
    spoke = np.sin(5 * np.arctan2(s.z, s.x)) > -0.3
    rim = (ring < 0.62) & ((ring < 0.2) | spoke | (ring > 0.55))
    return np.where(rim[:, None], s.second, s.colour).astype(np.float32)


def bus(s: Surface) -> Floats:
    """A band of windows between two heights; detail: 1 for a lorry's cab, from, to, a salt."""
    share = s.up / (2 * s.half[2])
    cab = s.detail[:, 0] > 0.5
    flank, end = (s.face == 2) | (s.face == 3), s.face < 2
    pane = np.abs(s.x % 1.5 - 0.75) < 0.69
    band = (share > s.detail[:, 1]) & (share < s.detail[:, 2])
    window = band & ((flank & (pane | cab)) | ((s.face == 0) | (end & ~cab)))
    window &= np.abs(s.y) < np.where(end, s.half[1] - 0.12, 9)
    door = flank & ~cab & (np.abs(np.abs(s.x - 0.9) - 3.6) < 0.62) & (share < 0.86) & (share > 0.08)
    door &= s.face == 3
    mirror = 0.03 + 0.05 * random_cell(np.floor(s.x / 1.5), 1, s.instance) + 0.05 * share
    glass = np.stack([0.85 * mirror, mirror, 1.15 * mirror], axis=1)
    colour = np.where((flank & (share < 0.30) & ~cab)[:, None], s.second, s.colour)
    board = end & ~cab & (share > 0.88) & (share < 0.96) & (np.abs(s.y) < 0.8)
    colour = np.where(board[:, None], 0.02, colour)
    colour = np.where((window | door)[:, None], glass, colour)
    lamp = end & (np.abs(share - 0.16) < 0.05) & (np.abs(s.y) > 0.7 * s.half[1])
    front = (s.face == 0)[:, None]
    colour = np.where(lamp[:, None], np.where(front, 0.75, (0.45, 0.02, 0.02)), colour)
    dirt = 1 - 0.3 * np.clip(0.25 - share, 0, 1) + 0.04 * grain(12 * s.along, 12 * s.z)
    return np.asarray(colour * dirt[:, None], dtype=np.float32)


def train(s: Surface) -> Floats:
    """Windows, doors, stripes, head lamps."""
    share = s.up / (2 * s.half[2])
    flank, end = (s.face == 2) | (s.face == 3), s.face < 2
    pane = np.abs(s.x % 1.7 - 0.85) < 0.70
    door = flank & (np.abs(s.x % 4.6 - 2.3) < 0.65) & (share > 0.06) & (share < 0.88)
    window = (share > 0.44) & (share < 0.80) & ((flank & pane) | (end & (np.abs(s.y) < 1.05)))
    mirror = 0.03 + 0.06 * random_cell(np.floor(s.x / 1.7), 2, s.instance)
    glass = np.stack([0.8 * mirror, mirror, 1.2 * mirror], axis=1)
    stripe = (share > 0.28) & (share < 0.38) | (share > 0.90)
    colour = np.where(stripe[:, None], s.second, s.colour)
    colour = np.where((door & ~window)[:, None], 0.5 * s.second + 0.1, colour)
    colour = np.where(window[:, None], glass, colour)
    lamp = end & (np.abs(share - 0.2) < 0.04) & (np.abs(np.abs(s.y) - 0.8) < 0.14)
    colour = np.where(lamp[:, None], 0.8, colour)
    return np.asarray(colour * (1 + 0.06 * clouds(6 * s.x, 6 * s.z))[:, None], dtype=np.float32)


def cargo(s: Surface) -> Floats:
    """Ribbed sheet metal, sometimes with a stripe."""
    ribs = 1 - 0.16 * (s.along % 0.42 < 0.05) * fade(s.distance, 25)
    stripe = (s.detail[:, 0] > 0.55) & (np.abs(s.z / s.half[2] - 0.15) < 0.22)
    colour = np.where(stripe[:, None], s.second, s.colour)
    return colour * (ribs * weathered(s, 0.10, 2.0))[:, None]
