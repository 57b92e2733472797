"""What windows of a small panorama see of masks with a class."""

from __future__ import annotations

import torch

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks.concepts import ConceptMasks

SIZE = (6, 24)
GRID = WindowGrid.cover(SIZE, (6, 12), (6, 6))

Things = list[tuple[torch.Tensor, int, float]]
"""Masks ``(6, 24)`` bool of the whole image, each with a class and a score."""


def seen(things: Things) -> list[ConceptMasks]:
    """The masks of each window, in the order of the things."""
    return [_cut(things, GRID.corner(index)[1]) for index in range(GRID.count)]


def _cut(things: Things, left: int) -> ConceptMasks:
    cut = [
        (mask.roll(-left, 1)[:, :12], concept, score)
        for mask, concept, score in things
        if mask.roll(-left, 1)[:, :12].any()
    ]
    if not cut:
        return ConceptMasks.none((6, 12))
    masks, concepts, scores = zip(*cut, strict=True)
    boxes = torch.zeros((len(cut), 4))
    return ConceptMasks.pack(
        torch.stack(masks), torch.tensor(concepts), torch.tensor(scores), boxes
    )
