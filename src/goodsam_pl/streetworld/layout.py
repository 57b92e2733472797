"""The street plan: which ground lies where.

The main road runs along x, centred on y = 0, traffic keeps right. A side street may cross it at
``cross_x``. Four blocks lie around the crossing: block = 2·(y < 0) + (x < cross_x).
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from goodsam_pl.streetworld.primitives import Floats
from goodsam_pl.streetworld.seeds import Dice

__all__ = ["KERB_HEIGHT", "LANE", "PARKING", "BlockKind", "Plan", "Zone", "make_plan"]

KERB_HEIGHT = 0.13
LANE = 3.2
PARKING = 2.2
_CORNER = 3.5


class Zone(IntEnum):
    """Kinds of ground."""

    ROAD = 0
    SIDEWALK = 1
    VERGE = 2
    LAWN = 3


class BlockKind(IntEnum):
    """What lines the street in one of the four blocks."""

    TOWN = 0
    VILLAS = 1
    PARK = 2
    RAILWAY = 3
    YARD = 4


@dataclass(frozen=True)
class Plan:
    """Dimensions of one street, metres. Sides: 0 = left (y > 0), 1 = right.

    Attributes:
        lanes: lanes in each direction.
        tram: the innermost lanes carry tracks.
        parking: a parking lane on each side?
        sidewalks: width on each side, kerb to plot.
        verges: width of the grass strip next to the kerb on each side, 0 = none.
        cross_x: where the side street crosses.
        cross_half: half its width; 0 = no crossing.
        blocks: kind of each of the four blocks.
        zebra: marked crossings?
    """

    lanes: int
    tram: bool
    parking: tuple[bool, bool]
    sidewalks: tuple[float, float]
    verges: tuple[float, float]
    cross_x: float
    cross_half: float
    blocks: tuple[BlockKind, BlockKind, BlockKind, BlockKind]
    zebra: bool

    def edge(self, side: int) -> float:
        """Distance of the kerb from the centre line on a side."""
        return self.lanes * LANE + (PARKING if self.parking[side] else 0.0)

    def front(self, side: int) -> float:
        """Distance of the plots from the centre line on a side."""
        return self.edge(side) + self.sidewalks[side]

    @property
    def side_walk(self) -> float:
        """Width of the sidewalks along the side street."""
        return 2.4

    def kerb_distance(self, x: Floats, y: Floats) -> Floats:
        """How far points lie behind the nearest kerb, negative on the road; corners are round."""
        left = y > 0
        edge = np.where(left, np.float32(self.edge(0)), np.float32(self.edge(1)))
        across = np.abs(y) - edge
        if not self.cross_half:
            return np.asarray(across, dtype=np.float32)
        along = np.abs(x - np.float32(self.cross_x)) - np.float32(self.cross_half)
        nearest = np.minimum(across, along)
        inward_x = np.maximum(_CORNER - along, 0)
        inward_y = np.maximum(_CORNER - across, 0)
        rounded = _CORNER - np.sqrt(inward_x * inward_x + inward_y * inward_y)
        return np.asarray(
            np.where((inward_x > 0) & (inward_y > 0), np.minimum(nearest, rounded), nearest),
            dtype=np.float32,
        )

    def block(self, x: Floats, y: Floats) -> NDArray[np.uint8]:
        """Number of the block that points lie in."""
        return (2 * (y < 0) + (x < self.cross_x)).astype(np.uint8)

    def zones(self, x: Floats, y: Floats) -> NDArray[np.uint8]:
        """Kind of ground at points."""
        behind = self.kerb_distance(x, y)
        left = y > 0
        across = np.abs(y) - np.where(left, self.edge(0), self.edge(1))
        walk = np.where(left, self.sidewalks[0], self.sidewalks[1])
        verge = np.where(left, self.verges[0], self.verges[1])
        lawn = across > walk
        grass = (across > 0.25) & (across < 0.25 + verge)
        if self.cross_half:
            along = np.abs(x - np.float32(self.cross_x)) - np.float32(self.cross_half)
            lawn &= along > self.side_walk
            grass &= along > 6.0
        zone = np.where(lawn, Zone.LAWN, np.where(grass, Zone.VERGE, Zone.SIDEWALK))
        return np.where(behind < 0, Zone.ROAD, zone).astype(np.uint8)


def make_plan(dice: Dice) -> Plan:
    """Draw a street plan."""
    tram = dice.chance(0.16)
    lanes = 2 if dice.chance(0.30) or tram else 1
    parking = (dice.chance(0.5), dice.chance(0.5))
    sidewalks, verges = [], []
    for _ in range(2):
        grass = dice.uniform(1.2, 2.4) if dice.chance(0.38) else 0.0
        verges.append(grass)
        sidewalks.append(grass + dice.uniform(2.6, 5.2))
    crossing = dice.chance(0.72)
    position = dice.uniform(11.0, 42.0) if dice.chance(0.7) else -dice.uniform(11.0, 30.0)
    half = dice.uniform(2.9, 4.4) if crossing else 0.0
    weights = (0.49, 0.20, 0.17, 0.04, 0.10)
    kinds = [BlockKind(dice.weighted(weights)) for _ in range(4)]
    if not crossing:
        kinds[1], kinds[3] = kinds[0], kinds[2]
    return Plan(
        lanes=lanes,
        tram=tram,
        parking=(parking[0], parking[1]),
        sidewalks=(sidewalks[0], sidewalks[1]),
        verges=(verges[0], verges[1]),
        cross_x=position,
        cross_half=half,
        blocks=(kinds[0], kinds[1], kinds[2], kinds[3]),
        zebra=dice.chance(0.8),
    )
