"""DAFormer's feature distance: features of things stay where ImageNet put them."""

from __future__ import annotations

from collections.abc import Collection

import torch
import torch.nn.functional as F
from torch import Tensor

__all__ = ["thing_cells", "thing_feature_distance"]


def thing_feature_distance(features: Tensor, reference: Tensor, cells: Tensor) -> Tensor:
    r"""How far features lie from frozen ones, on average over cells.

    .. math:: L_{FD} = \operatorname{mean}_{j : M(j)} \| f(j) - f_{ImageNet}(j) \|_2

    Args:
        features: f of the last stage, ``(B, C, h, w)``.
        reference: those of the frozen network, the same shape; no gradient runs through.
        cells: M, bool ``(B, h, w)``, of :func:`thing_cells`.

    Returns:
        Scalar ≥ 0; 0, with a gradient of 0, where no cell counts.
    """
    if not bool(cells.any()):
        return features.sum() * 0.0
    difference = (features.float() - reference.detach().float()).movedim(1, -1)[cells]
    distance: Tensor = torch.linalg.vector_norm(difference, dim=-1).mean()
    return distance


def thing_cells(
    labels: Tensor,
    cells: tuple[int, int],
    things: Collection[int],
    least_share: float,
    ignore_index: int,
) -> Tensor:
    """Cells of a coarse map that one thing class fills.

    Args:
        labels: int64 ``(B, H, W)``.
        cells: h and w of the map; H and W are the same multiple of them.
        things: trainIds of the classes.
        least_share: of a cell's pixels that the class has to have; above one half, so that no two
            classes can.
        ignore_index: a label that fills cells like any other, and is no thing.

    Returns:
        bool ``(B, h, w)``.

    Raises:
        ValueError: H or W is no multiple.
    """
    stride = labels.shape[-2] // cells[0]
    if tuple(labels.shape[-2:]) != (stride * cells[0], stride * cells[1]):
        height, width = labels.shape[-2:]
        raise ValueError(
            f"source crops of {height}×{width} do not divide into {cells[0]}×{cells[1]} features: "
            "take crops of a multiple of the encoder's stride, 32 for SegFormer"
        )
    found = torch.zeros(len(labels), *cells, dtype=torch.bool, device=labels.device)
    for thing in set(things) - {ignore_index}:
        share = F.avg_pool2d((labels == thing).float().unsqueeze(1), stride).squeeze(1)
        found |= share >= least_share
    return found
