"""Boundaries: B_SAM from masks, B_ref refined by the teacher assistant, and the loss L_bd.

GoodSAM, Sec. 3.1, "boundary enhancement block" (Fig. 3) and L_bd^{T,S} of Sec. 3.2. The figure
shows B_ref as the part of SAM's edges that also divides classes in the prediction of at least one
of the overlapping windows; the rule below says that in pixels. GoodSAM++ draws the block alike, on
the overlaps O_ij between its two families of windows. The soft boundary and the form of the loss
are our choice.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from goodsam_pl.geometry import Windowed, Windows, as_families

__all__ = [
    "BoundaryVersion",
    "boundary_loss",
    "boundary_region",
    "check_boundary_version",
    "edges",
    "refined_boundary",
    "soft_boundary",
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
    sam, semantic = (
        _union([edges(part) for part in parts], windows)
        for parts in (
            tuple(part.amax(dim=2) for part in as_families(masks)),
            as_families(labels),
        )
    )
    return sam & _dilate(semantic, radius)


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


def soft_boundary(probabilities: Tensor) -> Tensor:
    r"""B_S: how far the prediction changes towards a neighbour.

    .. math:: B_S(p) = \max_{q \in \{left, right, above, below\}}
        \tfrac12 \sum_c | P(p, c) - P(q, c) |

    the total variation between neighbours; on one-hot predictions it equals :func:`edges`, but for
    the seam.

    Args:
        probabilities: ``(B, K, H, W)`` of a whole panorama; its last column and its first are
            neighbours.

    Returns:
        ``(B, H, W)`` in [0, 1]: 0 inside uniform regions, 1 on both sides of a sharp edge.
    """
    right = (probabilities - probabilities.roll(-1, dims=-1)).abs().sum(dim=1) / 2
    below = (probabilities[..., :-1, :] - probabilities[..., 1:, :]).abs().sum(dim=1) / 2
    across = torch.maximum(right, right.roll(1, dims=-1))
    down = torch.maximum(F.pad(below, (0, 0, 0, 1)), F.pad(below, (0, 0, 1, 0)))
    return torch.maximum(across, down)


def boundary_loss(probabilities: Tensor, boundary: Tensor, where: Tensor | None = None) -> Tensor:
    r"""L_bd between the student's soft boundary B_S and B_ref, with a pixel of tolerance.

    .. math:: L_{bd} = \tfrac12 \big[
              \operatorname{mean}_{p \in B_{ref}} -\log \max_{3 \times 3} B_S(p)
              + \operatorname{mean}_{p \notin B_{ref} \oplus 3 \times 3} -\log (1 - B_S(p)) \big]

    Both halves weigh the same, as edges are few. Panoramas are whole: what lies right of the last
    column is the first, here as in B_ref, so that the loss of a turned panorama is the same.

    Args:
        probabilities: softmax of P_S, ``(B, K, H, W)``.
        boundary: B_ref, bool ``(B, H, W)``.
        where: bool, broadcast to ``(B, H, W)``: pixels that take part (the paper draws the loss on
            overlaps); ``None`` takes all.

    Returns:
        Scalar ≥ 0, nats; a half without pixels counts 0.
    """
    soft = soft_boundary(probabilities.float()).clamp(1e-4, 1 - 1e-4)
    taking_part = torch.ones_like(boundary) if where is None else where.expand_as(boundary)
    on, off = boundary & taking_part, ~_dilate(boundary, 1) & taking_part
    hit = -(_largest_around(soft, 1).log() * on).sum() / on.sum().clamp(min=1)
    miss = -((1 - soft).log() * off).sum() / off.sum().clamp(min=1)
    return (hit + miss) / 2


def _union(flags: Sequence[Tensor], windows: Windows) -> Tensor:
    """Windows' flags ``(B, N, h, w)`` on the whole panorama: set where any window sets them."""
    first, *others = (
        grid.add_up(part[:, :, None].float()).squeeze(1) > 0
        for grid, part in zip(windows.families, flags, strict=True)
    )
    return first | others[0] if others else first


def _dilate(flags: Tensor, radius: int) -> Tensor:
    """Grow flags ``(B, H, W)`` by a square of the radius, across the seam."""
    return _largest_around(flags.float(), radius) > 0


def _largest_around(values: Tensor, radius: int) -> Tensor:
    """The maximum of ``(B, H, W)`` over a square of the radius, across the seam."""
    around = F.pad(values[:, None], (radius, radius, 0, 0), mode="circular")
    square = 2 * radius + 1
    return F.max_pool2d(around, square, stride=1, padding=(radius, 0)).squeeze(1)
