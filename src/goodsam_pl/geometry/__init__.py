"""Equirectangular geometry on tensors: pure functions, no files."""

from __future__ import annotations

from goodsam_pl.geometry.windows import Overlap, WindowGrid, map_windows

__all__ = ["Overlap", "WindowGrid", "map_windows"]
