"""How solids look: one function a material, from points on the surface to albedo."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from goodsam_pl.streetworld.noise import clouds, grain, random_cell, solid_noise
from goodsam_pl.streetworld.objects.buildings import FLOOR
from goodsam_pl.streetworld.primitives import Floats, Material
from goodsam_pl.streetworld.surfaces import Surface

__all__ = ["albedo", "ruffle"]


def _blend(first: Floats, second: Floats | float, share: Floats) -> Floats:
    """Mix colours; the share is clipped to [0, 1]."""
    weight = np.clip(share, 0, 1)[:, None].astype(np.float32)
    return np.asarray(first + (second - first) * weight, dtype=np.float32)


def _fade(distance: Floats, reach: float) -> Floats:
    """Weight of detail that blurs beyond a distance."""
    return np.asarray(1 / (1 + (distance / reach) ** 2), dtype=np.float32)


def _weathered(s: Surface, amount: float, scale: float) -> Floats:
    """Factor of blotches and fine grain."""
    u, v = s.along + 0.37 * s.instance, s.height
    coarse = clouds(scale * u, scale * v)
    fine = grain(17 * u, 17 * v) * _fade(s.distance, 14)
    return np.asarray(1 + amount * (0.5 * coarse + 0.8 * fine), dtype=np.float32)


def _plain(s: Surface) -> Floats:
    return s.colour * (1 + 0.06 * grain(40 * s.x + s.instance, 40 * s.z))[:, None]


def _bricks(s: Surface) -> Floats:
    """Factor of a brick bond, 25 cm by 8 cm."""
    row = np.floor(s.height / 0.085)
    across = s.along / 0.26 + 0.5 * (row % 2)
    column = np.floor(across)
    tone = random_cell(column, row, 5)
    joint = (across - column < 0.06) | (s.height / 0.085 - row < 0.16)
    near = _fade(s.distance, 16)
    return np.asarray(1 + near * np.where(joint, 0.30, 0.5 * (tone - 0.5)), dtype=np.float32)


def _masonry(s: Surface) -> Floats:
    blocks = np.where(s.detail[:, 0] > 0.5, _bricks(s), 1)
    stain = 1 - 0.25 * np.clip(0.5 - s.up, 0, 0.5)
    return s.colour * (blocks * stain * _weathered(s, 0.16, 2.5))[:, None]


def _facade(s: Surface) -> Floats:
    """Windows in bays and floors, a door, shops on the ground floor, ledges between floors."""
    salt = np.floor(s.detail[:, 2])
    wall = s.colour * (
        np.where(s.detail[:, 0] > 1, _bricks(s), 1) * _weathered(s, 0.10, 1.4)
    )[:, None]
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


def _roof(s: Surface) -> Floats:
    gable = np.abs(s.normal[2]) < 0.15
    row = np.floor(s.height / 0.22)
    tiles = 1 + 0.22 * _fade(s.distance, 22) * (2 * (s.height / 0.22 - row) - 1)
    tiles = tiles * (0.9 + 0.2 * random_cell(np.floor(s.along / 0.3), row, 3))
    base = np.where(gable[:, None], s.second, s.colour * tiles[:, None])
    return base * _weathered(s, 0.15, 1.2)[:, None]


def _car_body(s: Surface) -> Floats:
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


def _car_cabin(s: Surface) -> Floats:
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


def _wheel(s: Surface) -> Floats:
    ring = np.hypot(s.x, s.z) / s.half[0]
    spoke = np.sin(5 * np.arctan2(s.z, s.x)) > -0.3
    rim = (ring < 0.62) & ((ring < 0.2) | spoke | (ring > 0.55))
    return np.where(rim[:, None], s.second, s.colour).astype(np.float32)


def _bus(s: Surface) -> Floats:
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


def _train(s: Surface) -> Floats:
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


def _cargo(s: Surface) -> Floats:
    ribs = 1 - 0.16 * (s.along % 0.42 < 0.05) * _fade(s.distance, 25)
    stripe = (s.detail[:, 0] > 0.55) & (np.abs(s.z / s.half[2] - 0.15) < 0.22)
    colour = np.where(stripe[:, None], s.second, s.colour)
    return colour * (ribs * _weathered(s, 0.10, 2.0))[:, None]


def _cloth(s: Surface) -> Floats:
    stripes = (s.detail[:, 0] > 0.78) & (s.height % 0.16 < 0.08)
    panel = (s.detail[:, 1] > 0.7) & (s.height % 1.0 > 0.45)
    colour = np.where((stripes | panel)[:, None], s.second, s.colour)
    folds = 1 + 0.16 * clouds(55 * (s.x + s.y) + 9 * s.instance, 28 * s.height)
    return np.asarray(colour * folds[:, None], dtype=np.float32)


def _foliage(s: Surface) -> Floats:
    clumps = 0.6 * solid_noise(s.x + s.instance, s.y, s.height, 12.0)
    leaves = 0.6 * solid_noise(s.x, s.y, s.height, 24.0) * _fade(s.distance, 14)
    factor = np.clip(0.90 + 0.26 * clumps + 0.42 * leaves, 0.15, 2.0)
    dry = np.clip(0.07 * clumps, 0, 0.25)
    return _blend(s.colour * factor[:, None], 1.6 * s.second, dry)


def ruffle(s: Surface) -> tuple[Floats, Floats, Floats]:
    """Normals, with those of foliage turned at random: leaves look everywhere, crowns do not."""
    chosen = np.flatnonzero(s.material == Material.FOLIAGE)
    if not len(chosen):
        return s.normal
    x, y, z = s.x[chosen], s.y[chosen], s.height[chosen]
    normal = np.stack(s.normal)
    leaf = normal[:, chosen]
    for axis in range(3):
        leaf[axis] += 0.45 * solid_noise(x + 40 * axis, y, z, 10.0)
    normal[:, chosen] = leaf / np.sqrt(np.maximum((leaf * leaf).sum(axis=0), 1e-6))
    return normal[0], normal[1], normal[2]


def _bark(s: Surface) -> Floats:
    angle = np.arctan2(s.y, s.x)
    return s.colour * np.clip(1 + 0.35 * grain(22 * angle, 5 * s.height), 0.3, 2)[:, None]


def _metal(s: Surface) -> Floats:
    return s.colour * (1 + 0.10 * clouds(20 * s.x, 6 * s.height))[:, None]


def _sign(s: Surface) -> Floats:
    """Detail: 0 round, 1 rectangular, 2 triangular, 3 board; two numbers that choose the picture."""
    shape, kind, salt = s.detail[:, 0], s.detail[:, 1], s.detail[:, 2]
    u, v = s.y / s.half[1], s.z / s.half[2]
    radius = np.where(shape == 0, np.hypot(u, v), np.maximum(np.abs(u), np.abs(v)))
    radius = np.where(shape == 2, np.maximum(-v, np.abs(u) * 2 + v) * 0.9, radius)
    glyph = random_cell(np.floor(3.5 * u + 20), np.floor(3.5 * v + 20), np.floor(salt * 97)) > 0.55
    glyph &= radius < 0.62
    ring = radius > 0.74
    ringed = (kind < 0.55) | (shape == 2)
    face = np.where(ringed[:, None], s.second, s.colour)
    mark = np.where(ringed[:, None], 0.03, s.second)
    face = np.where(glyph[:, None], mark, face)
    face = np.where((ring & ringed)[:, None], s.colour, face)
    face = np.where((~ringed & (radius > 0.92))[:, None], s.second, face)
    lines = (np.abs((v + 1) % 0.5 - 0.25) < 0.10) & (np.abs(u) < 0.78)
    lines &= random_cell(np.floor(u * 9 + 20), np.floor(2 * v + 4), np.floor(salt * 91)) > 0.3
    board = np.where(lines[:, None], s.second, s.colour)
    face = np.where((shape == 3)[:, None], board, face)
    back = (s.face == 1) | ((s.face == 6) & (s.x < 0))
    return np.where(back[:, None], 0.30, face).astype(np.float32)


def _signal(s: Surface) -> Floats:
    """A dark housing whose one lamp shines; detail: 0 red, 1 amber, 2 green."""
    slot = np.clip(np.floor((s.half[2] - s.z) / (2 * s.half[2]) * 3), 0, 2)
    middle = s.half[2] * (1 - (2 * slot + 1) / 3)
    lens = (np.hypot(s.y, s.z - middle) < 0.115) & (s.face == 0)
    lamps = np.array([[2.4, 0.15, 0.10], [2.3, 1.2, 0.1], [0.15, 2.2, 1.0]], dtype=np.float32)
    shine = lamps[slot.astype(np.int64)] * np.where(slot == s.detail[:, 0], 1, 0.05)[:, None]
    return np.where(lens[:, None], shine, s.colour).astype(np.float32)


def _boards(s: Surface) -> Floats:
    plank = np.floor(s.x / 0.13)
    gap = (s.x / 0.13 - plank < 0.13) & (s.distance < 25)
    tone = 0.8 + 0.4 * random_cell(plank, 1, s.instance)
    rail = np.abs(np.abs(s.z) - 0.6 * s.half[2]) < 0.05
    shade = np.where(gap & ~rail, 0.25, tone) * (1 + 0.15 * grain(30 * s.x, 4 * s.height))
    return s.colour * shade[:, None]


_PAINTERS: dict[Material, Callable[[Surface], Floats]] = {
    Material.PLAIN: _plain,
    Material.FACADE: _facade,
    Material.ROOF: _roof,
    Material.MASONRY: _masonry,
    Material.CAR_BODY: _car_body,
    Material.CAR_CABIN: _car_cabin,
    Material.WHEEL: _wheel,
    Material.BUS: _bus,
    Material.TRAIN: _train,
    Material.CARGO: _cargo,
    Material.CLOTH: _cloth,
    Material.FOLIAGE: _foliage,
    Material.BARK: _bark,
    Material.METAL: _metal,
    Material.SIGN: _sign,
    Material.SIGNAL: _signal,
    Material.BOARDS: _boards,
    Material.RAILING: _metal,
    Material.SPOKES: _plain,
}


def albedo(surface: Surface) -> Floats:
    """Albedo ``(M, 3)``, linear RGB, of points on solids; lamps exceed 1."""
    colour = np.zeros_like(surface.colour)
    order = np.argsort(surface.material, kind="stable")
    counts = np.bincount(surface.material, minlength=len(Material))
    ends = np.cumsum(counts)
    for material, paint in _PAINTERS.items():
        if counts[material]:
            chosen = order[ends[material] - counts[material] : ends[material]]
            colour[chosen] = paint(surface.part(chosen))
    return colour
