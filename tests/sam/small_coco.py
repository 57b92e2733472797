"""Boxes and masks that somebody has given, on a small panorama and its windows."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import torch

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks.concepts import Concept, ConceptWindows

SIZE = (8, 32)
GRID = WindowGrid.cover(SIZE, (8, 16), (8, 8))
CONCEPTS = (Concept("car", ("car", "van")), Concept("pole", ("pole",)))


def write_coco(folder: Path, *things: dict[str, Any], size: tuple[int, int] = SIZE) -> str:
    path = folder / "boxes.json"
    content = {
        "images": [{"id": 1, "file_name": "a.png", "height": size[0], "width": size[1]}],
        "annotations": [{"image_id": 1, **thing} for thing in things],
        "categories": [
            {"id": 1, "name": "Van"},
            {"id": 2, "name": "pole"},
            {"id": 3, "name": "tree"},
        ],
    }
    path.write_text(json.dumps(content))
    return str(path)


def cut_windows(
    size: tuple[int, int] = SIZE, image: str = "a", *, wraps: bool = True
) -> ConceptWindows:
    corners = torch.tensor([GRID.corner(index)[::-1] for index in range(GRID.count)])
    pixels = torch.zeros((GRID.count, 3, *GRID.window_size), dtype=torch.uint8)
    return ConceptWindows(image, pixels, corners, size, wraps)
