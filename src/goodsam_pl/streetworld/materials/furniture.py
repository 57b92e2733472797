"""Signs, signals, metal, boards, cloth, and plain paint."""

from __future__ import annotations

import numpy as np

from goodsam_pl.streetworld.noise import clouds, grain, random_cell
from goodsam_pl.streetworld.primitives import Floats
from goodsam_pl.streetworld.surfaces import Surface

__all__ = ["boards", "cloth", "metal", "plain", "sign", "signal"]


def plain(s: Surface) -> Floats:
    """Paint, a little uneven."""
    return s.colour * (1 + 0.06 * grain(40 * s.x + s.instance, 40 * s.z))[:, None]


def cloth(s: Surface) -> Floats:
    """Folds; on some garments stripes or a panel of a second colour."""
    stripes = (s.detail[:, 0] > 0.78) & (s.height % 0.16 < 0.08)
    panel = (s.detail[:, 1] > 0.7) & (s.height % 1.0 > 0.45)
    colour = np.where((stripes | panel)[:, None], s.second, s.colour)
    folds = 1 + 0.16 * clouds(55 * (s.x + s.y) + 9 * s.instance, 28 * s.height)
    return np.asarray(colour * folds[:, None], dtype=np.float32)


def metal(s: Surface) -> Floats:
    """Painted metal."""
    return s.colour * (1 + 0.10 * clouds(20 * s.x, 6 * s.height))[:, None]


def sign(s: Surface) -> Floats:
    """Detail: 0 round, 1 rectangular, 2 triangular, 3 board; two numbers choose the picture."""
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


def signal(s: Surface) -> Floats:
    """A dark housing whose one lamp shines; detail: 0 red, 1 amber, 2 green."""
    slot = np.clip(np.floor((s.half[2] - s.z) / (2 * s.half[2]) * 3), 0, 2)
    middle = s.half[2] * (1 - (2 * slot + 1) / 3)
    lens = (np.hypot(s.y, s.z - middle) < 0.115) & (s.face == 0)
    lamps = np.array([[2.4, 0.15, 0.10], [2.3, 1.2, 0.1], [0.15, 2.2, 1.0]], dtype=np.float32)
    shine = lamps[slot.astype(np.int64)] * np.where(slot == s.detail[:, 0], 1, 0.05)[:, None]
    return np.where(lens[:, None], shine, s.colour).astype(np.float32)


def boards(s: Surface) -> Floats:
    """Planks with dark gaps, two rails behind them."""
    plank = np.floor(s.x / 0.13)
    gap = (s.x / 0.13 - plank < 0.13) & (s.distance < 25)
    tone = 0.8 + 0.4 * random_cell(plank, 1, s.instance)
    rail = np.abs(np.abs(s.z) - 0.6 * s.half[2]) < 0.05
    shade = np.where(gap & ~rail, 0.25, tone) * (1 + 0.15 * grain(30 * s.x, 4 * s.height))
    return np.asarray(s.colour * shade[:, None])
