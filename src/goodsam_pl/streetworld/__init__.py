"""StreetWorld: a procedural street with exact labels, drawn by one ray caster for two cameras."""

from __future__ import annotations

from goodsam_pl.streetworld.cameras import Equirectangular, Pinhole
from goodsam_pl.streetworld.city import City, make_city
from goodsam_pl.streetworld.rendering import View, default_camera, render, view
from goodsam_pl.streetworld.scene import Scene, build_scene
from goodsam_pl.streetworld.seeds import SPLITS

__all__ = [
    "SPLITS",
    "City",
    "Equirectangular",
    "Pinhole",
    "Scene",
    "View",
    "build_scene",
    "default_camera",
    "make_city",
    "render",
    "view",
]
