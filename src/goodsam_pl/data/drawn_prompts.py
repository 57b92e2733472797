"""Prompts drawn from a mask: a box, points, or the mask itself with noise on its outline."""

from __future__ import annotations

from typing import Literal

import cv2
import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F

__all__ = ["PromptKind", "box_of", "inner_points", "noisy_box", "noisy_mask", "points_in"]

PromptKind = Literal["box", "points", "mask"]

Floats = npt.NDArray[np.float32]
Mask = npt.NDArray[np.bool_]

_COARSER = 8
_LEAST_RESIDUE = 0.01


def box_of(mask: Mask) -> Floats:
    """The box of a mask: its outermost pixels, as HQ-SAM has it.

    Args:
        mask: ``(H, W)`` bool, somewhere true.

    Returns:
        ``(4,)`` float32, left, top, right and bottom; the last ones belong to the mask.

    Raises:
        ValueError: the mask is empty.
    """
    rows, columns = (np.flatnonzero(mask.any(axis=axis)) for axis in (1, 0))
    if not len(rows):
        raise ValueError("an empty mask has no box")
    return np.array([columns[0], rows[0], columns[-1], rows[-1]], dtype=np.float32)


def noisy_box(
    box: Floats,
    size: tuple[int, int],
    random: np.random.Generator,
    share: float = 0.1,
    most: float = 20.0,
) -> Floats:
    """Move each side of a box, as SAM was trained (Kirillov et al., 2023, App. A).

    Args:
        box: ``(4,)``, left, top, right, bottom.
        size: height and width of the image, which the box does not leave.
        random: draws.
        share: standard deviation as a share of the box's own width and height.
        most: pixels that a side moves at most.

    Returns:
        ``(4,)`` float32; a box that would turn over becomes a line.
    """
    height, width = size
    sides = np.tile(box[2:] - box[:2] + 1, 2)
    moved = box + np.clip(random.standard_normal(4) * share * sides, -most, most)
    last = np.array([width - 1, height - 1])
    lower = np.clip(np.minimum(moved[:2], moved[2:]), 0, last)
    upper = np.clip(np.maximum(moved[:2], moved[2:]), 0, last)
    return np.concatenate([lower, upper]).astype(np.float32)


def points_in(mask: Mask, count: int, random: np.random.Generator) -> Floats:
    """Random pixels of a mask, each once.

    CoSAM draws 10. Where a mask has fewer pixels, some come more than once (our choice: the release
    gives points up for the whole batch then).

    Args:
        mask: ``(H, W)`` bool, somewhere true.
        count: P.
        random: draws.

    Returns:
        ``(P, 2)`` float32, x and y.

    Raises:
        ValueError: the mask is empty.
    """
    places = np.flatnonzero(mask)
    if not len(places):
        raise ValueError("an empty mask has no points")
    chosen = random.choice(places, size=count, replace=len(places) < count)
    rows, columns = np.divmod(chosen, mask.shape[1])
    return np.stack([columns, rows], axis=1).astype(np.float32)


def inner_points(mask: Mask, count: int) -> Floats:
    """Points deep inside of a mask and far from each other, without a draw (our choice).

    The first is the pole of inaccessibility, the pixel farthest from all outside of the mask, and
    from the edge of the image. Each further one is the pixel farthest from these and from the
    points before it. Where no pixel is left, the first comes again.

    Args:
        mask: ``(H, W)`` bool, somewhere true.
        count: P.

    Returns:
        ``(P, 2)`` float32, x and y.

    Raises:
        ValueError: the mask is empty.
    """
    if not mask.any():
        raise ValueError("an empty mask has no points")
    free = np.pad(mask, 1).astype(np.uint8)
    points: list[tuple[int, int]] = []
    for _ in range(count):
        depth = cv2.distanceTransform(free, cv2.DIST_L2, cv2.DIST_MASK_PRECISE)
        row, column = divmod(int(depth.argmax()), free.shape[1])
        chosen = (column - 1, row - 1) if free[row, column] else points[0]
        points.append(chosen)
        free[chosen[1] + 1, chosen[0] + 1] = 0
    return np.array(points, dtype=np.float32)


def noisy_mask(
    mask: Mask, side: int, random: np.random.Generator, levels: tuple[float, float] = (-10.0, 10.0)
) -> Floats:
    """A mask prompt whose outline and fine parts are uncertain.

    Where the mask, made eight times coarser and enlarged again, differs from itself by 0.01 or
    more, normal noise is added before it is cut at 0.5 (as HQ-SAM has it from Mask Transfiner).

    Args:
        mask: ``(S, S)`` bool, in SAM's square.
        side: of the prompt, pixels: that of SAM's low-resolution logits, 256 for a square of 1024.
        random: draws.
        levels: value outside and inside. Our choice are logits, on which SAM was trained; HQ-SAM
            and CoSAM give ``(0, 255)``.

    Returns:
        ``(1, side, side)`` float32.
    """
    whole = torch.from_numpy(mask).to(torch.float32)[None, None]
    small = _resized(whole, side)
    coarse = _resized(_resized(small, max(1, side // _COARSER)), side)
    noise = torch.from_numpy(random.standard_normal((side, side), dtype=np.float32))
    unsure = (small - coarse).abs() >= _LEAST_RESIDUE
    inside = (small + noise * unsure)[0] > 0.5
    outside_level, inside_level = levels
    return torch.where(inside, inside_level, outside_level).to(torch.float32).numpy()


def _resized(image: torch.Tensor, side: int) -> torch.Tensor:
    return F.interpolate(image, (side, side), mode="bilinear", align_corners=False)
