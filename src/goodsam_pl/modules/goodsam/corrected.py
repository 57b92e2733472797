"""What the teachers would say if they knew the truth: how far true labels would bring a student."""

from __future__ import annotations

import torch
import torch.nn.functional as F
from torch import Tensor

from goodsam_pl.fusion import Fused, FusedWindows, refined_boundary
from goodsam_pl.geometry import extract_families
from goodsam_pl.modules.goodsam.teachers import Look, Teachers

__all__ = ["corrected"]


def corrected(look: Look, label: Tensor, teachers: Teachers) -> Look:
    """A look with true labels in the place of the teachers'; for studies alone.

    Where the truth is not known, the teachers' word stays. Of E_i that is its label. B_ref are the
    edges of these labels.

    Args:
        look: at panoramas.
        label: of the same, int64 ``(B, H, W)``; others than 0 to K − 1 are not known.
        teachers: who looked.

    Returns:
        The same with other ``target``, ``fused`` and ``boundary``; M_i is 1 where the truth is
        known.
    """
    classes = look.target.shape[1]
    known = (label >= 0) & (label < classes)
    certain = F.one_hot(label.where(known, 0), classes).movedim(-1, 1).to(look.target)
    cut = extract_families(torch.stack([label, known.long()], dim=1), look.windows)
    fused = tuple(
        _told(part, each[:, :, 0], each[:, :, 1] > 0)
        for part, each in zip(look.fused, cut, strict=True)
    )
    named = tuple(part.winner.long() for part in fused)
    return look._replace(
        target=torch.where(known[:, None], certain, look.target),
        fused=fused,
        boundary=refined_boundary(
            tuple(each[:, :, None] for each in named),
            named,
            look.windows,
            teachers.boundary_radius,
            teachers.boundary,
        ),
    )


def _told(part: Fused, label: Tensor, known: Tensor) -> FusedWindows:
    """The windows of one family, each pixel with one label."""
    return FusedWindows(
        probabilities=part.ensemble,
        winner=torch.where(known, label, part.label.long()).to(torch.uint8),
        filled=torch.ones_like(known),
        weight=torch.where(known, 1, part.weight),
        instance_weight=1.0,
    )
