"""How much of a class is to be seen at each pixel of an image, from what windows say of it.

Evidence times presence, as a mask's score is its query's probability times the presence of the
phrase; where windows overlap, their mean. (Our choice: SAM 3 looks at whole photographs.)
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks.concepts import ConceptMasks

__all__ = ["join_evidence"]


def join_evidence(
    found: Sequence[ConceptMasks], windows: WindowGrid, concept: int
) -> NDArray[np.float32]:
    """Join the evidence of one class.

    Args:
        found: what each window says, in the grid's order.
        windows: the grid.
        concept: place of the class among those that were asked for.

    Returns:
        float32 ``(H, W)`` in [0, 1].

    Raises:
        ValueError: a window does not say.
    """
    parts = []
    for each in found:
        if each.evidence is None:
            raise ValueError("a window's proposer does not say how much of each class is seen")
        own = each.evidence[concept].float()
        if each.presence is not None:
            own = own * each.presence[concept]
        parts.append(F.interpolate(own[None, None], windows.window_size, mode="bilinear")[0])
    joined: NDArray[np.float32] = windows.stitch(torch.stack(parts)[None])[0, 0].numpy()
    return joined
