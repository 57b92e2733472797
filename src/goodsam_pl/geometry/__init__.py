"""Equirectangular geometry on tensors: pure functions, no files."""

from __future__ import annotations

from goodsam_pl.geometry.crossed import CrossedWindows, FamilyPair, map_crossed_windows
from goodsam_pl.geometry.equirectangular import (
    direction_to_pixel,
    pixel_directions,
    sample_equirectangular,
    solid_angle_weights,
)
from goodsam_pl.geometry.families import (
    Windowed,
    Windows,
    as_families,
    by_family,
    extract_families,
    map_families,
    stitch_families,
)
from goodsam_pl.geometry.neighbours import dilate, largest_around
from goodsam_pl.geometry.perspective import (
    equirectangular_from_perspective,
    focal_length,
    perspective_from_equirectangular,
    pinhole_directions,
)
from goodsam_pl.geometry.windows import Overlap, WindowGrid, map_windows

__all__ = [
    "CrossedWindows",
    "FamilyPair",
    "Overlap",
    "WindowGrid",
    "Windowed",
    "Windows",
    "as_families",
    "by_family",
    "dilate",
    "direction_to_pixel",
    "equirectangular_from_perspective",
    "extract_families",
    "focal_length",
    "largest_around",
    "map_crossed_windows",
    "map_families",
    "map_windows",
    "perspective_from_equirectangular",
    "pinhole_directions",
    "pixel_directions",
    "sample_equirectangular",
    "solid_angle_weights",
    "stitch_families",
]
