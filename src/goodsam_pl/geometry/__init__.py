"""Equirectangular geometry on tensors: pure functions, no files."""

from __future__ import annotations

from goodsam_pl.geometry.crossed import CrossedWindows
from goodsam_pl.geometry.equirectangular import (
    pixel_directions,
)
from goodsam_pl.geometry.families import (
    Windowed,
    Windows,
    by_family,
    extract_families,
    map_families,
    stitch_families,
)
from goodsam_pl.geometry.neighbours import dilate, largest_around
from goodsam_pl.geometry.perspective import (
    focal_length,
    pinhole_directions,
)
from goodsam_pl.geometry.windows import Overlap, WindowGrid, at_scale, map_windows

__all__ = [
    "CrossedWindows",
    "Overlap",
    "WindowGrid",
    "Windowed",
    "Windows",
    "at_scale",
    "by_family",
    "dilate",
    "extract_families",
    "focal_length",
    "largest_around",
    "map_families",
    "map_windows",
    "pinhole_directions",
    "pixel_directions",
    "stitch_families",
]
