"""Boundaries to learn from: B_SAM from masks, and B_ref, refined by the teacher assistant.

GoodSAM, Sec. 3.1, "boundary enhancement block" (Fig. 3). The figure shows B_ref as the part of
SAM's edges that also divides classes in the prediction of at least one of the overlapping windows;
the rule below says that in pixels. GoodSAM++ draws the block alike, on the overlaps O_ij between
its two families of windows.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
from torch import Tensor

from goodsam_pl.geometry import Windowed, Windows, dilate

__all__ = [
    "BoundaryVersion",
    "boundary_region",
    "check_boundary_version",
    "edges",
    "refined_boundary",
]

BoundaryVersion = Literal["v1", "v2"]
"""Which windows boundary enhancement looks at: v1 (GoodSAM) at those of the family that slides
horizontally, v2 (GoodSAM++) at both families of crossed windows."""


def check_boundary_version(version: BoundaryVersion, *, crossed: bool) -> None:
    """Look whether windows are those of the version.

    Args:
        version: of boundary enhancement.
        crossed: whether there are two families of windows.

    Raises:
        ValueError: v2 without crossed windows; or v1 with them, whose families need not overlap
            with themselves, so that the loss would be 0.
    """
    if version == "v1" and crossed:
        raise ValueError(
            "boundary v1 is for sliding windows: set boundary to v2, which takes the overlaps of "
            "both families of crossed windows, or data.init_args.windows to sliding"
        )
    if version == "v2" and not crossed:
        raise ValueError(
            "boundary v2 is for crossed windows: set data.init_args.windows to crossed, or "
            "boundary to v1"
        )


def edges(index_map: Tensor) -> Tensor:
    """Pixels beside which another value lies, to the left, right, above or below.

    An edge is marked on both of its sides, so that the edges of a mirror image are the mirror image
    of the edges.

    Args:
        index_map: integers ``(..., h, w)``.

    Returns:
        bool ``(..., h, w)``; what lies outside of the map is no neighbour.
    """
    result = torch.zeros_like(index_map, dtype=torch.bool)
    across = index_map[..., :, :-1] != index_map[..., :, 1:]
    down = index_map[..., :-1, :] != index_map[..., 1:, :]
    result[..., :, :-1] |= across
    result[..., :, 1:] |= across
    result[..., :-1, :] |= down
    result[..., 1:, :] |= down
    return result


def refined_boundary(
    masks: Windowed,
    labels: Windowed,
    windows: Windows,
    radius: int = 3,
    version: BoundaryVersion = "v1",
) -> Tensor:
    """B_ref = {p ∈ B_SAM : a class edge of some window lies within the radius}.

    SAM says where an edge is, the teacher assistant whether it divides classes; seen in any of the
    windows that overlap at a pixel, an edge survives (as the pole in the paper's figure does).

    Args:
        masks: SAM's index maps, int ``(B, N, L, h, w)``, of each family.
        labels: the teacher assistant's labels argmax S_i, int ``(B, N, h, w)``, likewise.
        windows: what N runs over.
        radius: how far apart the two edges may lie, pixels.
        version: v2 takes SAM's edges from both families, and class edges that either sees.

    Returns:
        bool ``(B, H, W)`` on the whole panorama; of a mirror image it is the mirror image.

    Raises:
        ValueError: see :func:`check_boundary_version`.
    """
    check_boundary_version(version, crossed=len(windows.families) > 1)
    sam = _union([edges(part.amax(dim=2)) for part in masks], windows)
    semantic = _union([edges(part) for part in labels], windows)
    return sam & dilate(semantic, radius)


def boundary_region(windows: Windows, version: BoundaryVersion = "v1") -> Tensor:
    """The overlaps that L_bd is taken on: bool ``(H, W)``.

    v1: where two windows of the horizontal family meet; v2: the union of all O_ij, where one of
    each family does.

    Raises:
        ValueError: see :func:`check_boundary_version`.
    """
    check_boundary_version(version, crossed=len(windows.families) > 1)
    first, *others = (grid.coverage() for grid in windows.families)
    if not others:
        return first > 1
    return (first > 0) & (others[0] > 0)


def _union(flags: Sequence[Tensor], windows: Windows) -> Tensor:
    """Windows' flags ``(B, N, h, w)`` on the whole panorama: set where any window sets them."""
    first, *others = (
        grid.add_up(part[:, :, None].float()).squeeze(1) > 0
        for grid, part in zip(windows.families, flags, strict=True)
    )
    return first | others[0] if others else first
