"""Windows encoded a few at a time, so that somebody refines the masks of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import torch
from torch import Tensor

from goodsam_pl.masks.refined_labels import RefinedMasks
from goodsam_pl.sam.point_prompts import EmbeddedWindows, EmbeddingModel

__all__ = ["refine_windows"]


def refine_windows(
    model: EmbeddingModel,
    windows: Tensor,
    coarse: Sequence[Tensor],
    refine: Callable[[EmbeddedWindows, int, Tensor], RefinedMasks],
) -> list[RefinedMasks]:
    """Refine the masks of each window; one without any is not encoded.

    Args:
        model: encodes.
        windows: ``(N, 3, h, w)`` uint8, RGB.
        coarse: of each window ``(M, h, w)`` bool, none of them empty.
        refine: gives the refined masks of one window, from the encoded windows, its place among
            them, and its coarse masks.
    """
    refined = [RefinedMasks(masks, torch.zeros(len(masks))) for masks in coarse]
    asked = [index for index, masks in enumerate(coarse) if len(masks)]
    for first in range(0, len(asked), model.windows_per_batch):
        batch = asked[first : first + model.windows_per_batch]
        view = model.embed(windows[batch])
        for place, index in enumerate(batch):
            refined[index] = refine(view, place, coarse[index])
    return refined
