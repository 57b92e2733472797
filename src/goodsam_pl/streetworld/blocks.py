"""What lines the street: town houses, villas, parks, railways, yards."""

from __future__ import annotations

import math

from goodsam_pl.streetworld.city import City
from goodsam_pl.streetworld.layout import KERB_HEIGHT, BlockKind, Plan
from goodsam_pl.streetworld.objects.buildings import building, villa
from goodsam_pl.streetworld.objects.furniture import fence, wall
from goodsam_pl.streetworld.objects.plants import bush, hedge, tree
from goodsam_pl.streetworld.objects.vehicles import train
from goodsam_pl.streetworld.primitives import Builder, Place
from goodsam_pl.streetworld.seeds import Dice

__all__ = ["fill_blocks"]

_AHEAD, _BEHIND = 105.0, -75.0
_STREAM = 10


class _Frontage:
    """A straight line of plots; ``s`` runs along it, plots lie to its +depth side.

    ``at(s, d)`` is the place ``d`` metres behind the line, heading back to the street.
    """

    def __init__(
        self, origin: tuple[float, float], along: float, length: float, left: bool
    ) -> None:
        self.origin, self.length = origin, length
        self._along = (math.cos(along), math.sin(along))
        turn = math.pi / 2 if left else -math.pi / 2
        self._deep = (math.cos(along + turn), math.sin(along + turn))
        self.facing = along - turn

    def at(self, s: float, d: float, yaw: float = 0.0) -> Place:
        x = self.origin[0] + s * self._along[0] + d * self._deep[0]
        y = self.origin[1] + s * self._along[1] + d * self._deep[1]
        return Place(x, y, KERB_HEIGHT, self.facing + yaw)


def fill_blocks(builder: Builder, seed: int, city: City, plan: Plan) -> None:
    """Fill all four blocks along the main road and along the side street."""
    for block in range(4):
        side, before = divmod(block, 2)
        sign = 1.0 if side == 0 else -1.0
        gap = plan.cross_half + plan.side_walk if plan.cross_half else 0.0
        start = plan.cross_x - gap if before else plan.cross_x + gap
        length = start - _BEHIND if before else _AHEAD - start
        front = plan.front(side)
        if length > 6.0:
            main = _Frontage(
                (start, sign * front),
                math.pi if before else 0.0,
                length,
                (side == 1) == bool(before),
            )
            _fill(builder, Dice(seed, _STREAM + block), city, main, plan.blocks[block], True)
        if plan.cross_half:
            deep = 16.0
            other = _Frontage(
                (start, sign * (front + deep)),
                sign * math.pi / 2,
                44.0,
                (side == 0) == bool(before),
            )
            kind = plan.blocks[block]
            if kind in (BlockKind.RAILWAY, BlockKind.YARD):
                kind = BlockKind.TOWN
            _fill(builder, Dice(seed, _STREAM + 4 + block), city, other, kind, False)
    _close(builder, Dice(seed, _STREAM + 8), city)


def _fill(
    builder: Builder, dice: Dice, city: City, line: _Frontage, kind: BlockKind, main: bool
) -> None:
    if kind == BlockKind.TOWN:
        _town(builder, dice, city, line)
    elif kind == BlockKind.VILLAS:
        _villas(builder, dice, city, line)
    elif kind == BlockKind.PARK:
        _park(builder, dice, city, line)
    elif kind == BlockKind.RAILWAY:
        _railway(builder, dice, city, line)
    else:
        _yard(builder, dice, city, line)
    if main and kind != BlockKind.TOWN:
        _background(builder, dice, city, line)


def _town(builder: Builder, dice: Dice, city: City, line: _Frontage) -> None:
    """Houses flush with the sidewalk, wall to wall, now and then a gap with a wall or a tree."""
    s = 0.0
    while s < line.length:
        if s > 0 and dice.chance(0.12):
            gap = dice.uniform(4.0, 9.0)
            _border(builder, dice, city, line, s, s + gap, 0.3, dice.integer(1, 3))
            tree(builder, dice, city, line.at(s + 0.5 * gap, 5.0), dice.uniform(5.0, 9.0))
            s += gap
            continue
        width = dice.uniform(8.0, 17.0)
        setback = dice.uniform(0.0, 0.25)
        place = line.at(s + 0.5 * width, setback)
        building(builder, dice, city, place, width - 0.05, dice.uniform(11.0, 14.0))
        s += width


def _villas(builder: Builder, dice: Dice, city: City, line: _Frontage) -> None:
    """Detached houses behind front gardens with hedge, fence or wall."""
    s = 0.0
    while s < line.length:
        width, garden = dice.uniform(9.0, 13.0), dice.uniform(4.0, 7.0)
        gap = dice.uniform(3.0, 7.0)
        villa(builder, dice, city, line.at(s + 0.5 * (width + gap), garden), width, 9.0)
        gate = dice.uniform(0.25, 0.75) * (width + gap)
        kind = dice.pick((0, 0, 1, 1, 2, 3, 3, 4))
        _border(builder, dice, city, line, s, s + gate - 0.8, 0.45, kind)
        _border(builder, dice, city, line, s + gate + 0.8, s + width + gap, 0.45, kind)
        if dice.chance(0.6):
            tree(builder, dice, city, line.at(s + 1.5, 2.4), dice.uniform(4.5, 9.0))
        if dice.chance(0.7):
            bush(
                builder,
                dice,
                city,
                line.at(s + width, dice.uniform(1.6, 3.0)),
                dice.uniform(0.8, 1.8),
            )
        s += width + gap


def _park(builder: Builder, dice: Dice, city: City, line: _Frontage) -> None:
    """Lawn with trees and bushes behind a low border."""
    border = dice.pick((0, 1, 2, 3, 3, 4, 5))
    s = 0.0
    while s < line.length:
        step = dice.uniform(5.0, 9.0)
        if border < 5:
            _border(builder, dice, city, line, s, s + step - 0.1, 0.45, border)
        tree(
            builder,
            dice,
            city,
            line.at(s + 0.5 * step, dice.uniform(3.0, 7.0)),
            dice.uniform(6.0, 13.0),
        )
        if dice.chance(0.6):
            bush(
                builder,
                dice,
                city,
                line.at(s + 0.3 * step, dice.uniform(8.0, 11.0)),
                dice.uniform(1.0, 2.4),
            )
        if dice.chance(0.5):
            tree(builder, dice, city, line.at(s, dice.uniform(10.5, 16.0)), dice.uniform(7.0, 13.0))
        s += step


def _railway(builder: Builder, dice: Dice, city: City, line: _Frontage) -> None:
    """A track behind a fence or a wall, mostly with a train on it."""
    kind = 1 if dice.chance(0.45) else 2
    s = 0.0
    while s < line.length:
        step = dice.uniform(9.0, 14.0)
        _border(builder, dice, city, line, s, s + step, 0.4, kind)
        s += step
    if dice.chance(0.85):
        wagons = dice.integer(2, 4)
        half = 7.2 * wagons
        position = dice.uniform(min(half, 0.4 * line.length), 0.7 * line.length)
        place = line.at(position, 4.0, math.pi / 2)
        place.z += 0.25
        train(builder, dice, city, place, wagons)


def _yard(builder: Builder, dice: Dice, city: City, line: _Frontage) -> None:
    """A long wall with bushes before and a hall behind it."""
    s = 0.0
    height = dice.uniform(1.4, 2.6)
    while s < line.length:
        step = dice.uniform(10.0, 18.0)
        wall(builder, dice, city, line.at(s + 0.5 * step, 0.3, math.pi / 2), step, height)
        if dice.chance(0.5):
            width = dice.uniform(10.0, 14.0)
            building(builder, dice, city, line.at(s + 8.0, 5.0), width, 11.0)
            s += max(step, width + 3.0)
            continue
        tree(builder, dice, city, line.at(s + 0.5 * step, 4.0), dice.uniform(6.0, 11.0))
        s += step


def _background(builder: Builder, dice: Dice, city: City, line: _Frontage) -> None:
    """A second row of houses and trees far behind, so that no block ends in the void."""
    s = 6.0
    while s < line.length:
        width = dice.uniform(12.0, 20.0)
        if dice.chance(0.55):
            building(builder, dice, city, line.at(s + 0.5 * width, 24.0), width, 12.0)
        else:
            tree(builder, dice, city, line.at(s + 4.0, 21.0), dice.uniform(8.0, 14.0))
        s += width + dice.uniform(2.0, 12.0)


def _border(
    builder: Builder,
    dice: Dice,
    city: City,
    line: _Frontage,
    start: float,
    end: float,
    depth: float,
    kind: int,
) -> None:
    """Hedge (0), board fence (1), wall (2), railing (3) or a low wall (4) from start to end."""
    length = end - start
    if length < 0.8:
        return
    place = line.at(0.5 * (start + end), depth, math.pi / 2)
    if kind == 0:
        hedge(builder, dice, city, place, length, dice.uniform(0.9, 1.8))
    elif kind == 1:
        fence(builder, dice, city, place, length, open_=False)
    elif kind == 2:
        wall(builder, dice, city, place, length, dice.uniform(1.1, 2.0))
    elif kind == 3:
        fence(builder, dice, city, place, length, open_=True)
    else:
        wall(builder, dice, city, place, length, dice.uniform(0.5, 0.9))


def _close(builder: Builder, dice: Dice, city: City) -> None:
    """Houses or trees across both far ends of the road, as where a street bends."""
    for end, facing in ((_AHEAD + 20.0, math.pi), (_BEHIND - 20.0, 0.0)):
        closed = dice.chance(0.6)
        for offset in (-24.0, -9.0, 6.0, 21.0):
            y = offset + dice.uniform(-2, 2)
            if closed and dice.chance(0.7):
                building(builder, dice, city, Place(end, y, 0.0, facing), 14.0, 10.0)
            elif closed:
                tree(builder, dice, city, Place(end, y, 0.0), dice.uniform(8.0, 14.0))
