"""How solids look: one function a material, from points on the surface to albedo."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from goodsam_pl.streetworld.materials import furniture, masonry, plants, vehicles
from goodsam_pl.streetworld.materials.plants import ruffle
from goodsam_pl.streetworld.primitives import Floats, Material
from goodsam_pl.streetworld.surfaces import Surface

__all__ = ["albedo", "ruffle"]

_PAINTERS: dict[Material, Callable[[Surface], Floats]] = {
    Material.PLAIN: furniture.plain,
    Material.FACADE: masonry.facade,
    Material.ROOF: masonry.roof,
    Material.MASONRY: masonry.masonry,
    Material.CAR_BODY: vehicles.car_body,
    Material.CAR_CABIN: vehicles.car_cabin,
    Material.WHEEL: vehicles.wheel,
    Material.BUS: vehicles.bus,
    Material.TRAIN: vehicles.train,
    Material.CARGO: vehicles.cargo,
    Material.CLOTH: furniture.cloth,
    Material.FOLIAGE: plants.foliage,
    Material.BARK: plants.bark,
    Material.METAL: furniture.metal,
    Material.SIGN: furniture.sign,
    Material.SIGNAL: furniture.signal,
    Material.BOARDS: furniture.boards,
    Material.RAILING: furniture.metal,
    Material.SPOKES: furniture.plain,
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
