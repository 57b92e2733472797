"""Stage-wise feature adaptation: the "multi-level feature knowledge" of GoodSAM's abstract.

The paper's drawing has no link between features, so the form is our reading of the words: at each
of the four stages of both encoders, the student's features, projected to the width of the teacher
assistant's, point where those do.
"""

from __future__ import annotations

from collections.abc import Sequence

import torch
import torch.nn.functional as F
from torch import Tensor, nn

__all__ = ["FeatureAdaptation", "feature_distance"]


class FeatureAdaptation(nn.Module):
    """:func:`feature_distance` with a learnt projection wherever widths differ.

    Args:
        student_channels: widths of the student's stages.
        teacher_channels: widths of the teacher assistant's.
    """

    def __init__(self, student_channels: Sequence[int], teacher_channels: Sequence[int]) -> None:
        super().__init__()
        self.projections = nn.ModuleList(
            nn.Identity() if own == other else nn.Conv2d(own, other, kernel_size=1)
            for own, other in zip(student_channels, teacher_channels, strict=True)
        )

    def forward(self, student: Sequence[Tensor], teacher: Sequence[Tensor]) -> Tensor:
        """Compare all stages, see :func:`feature_distance`; the teacher gets no gradient."""
        projected = [
            projection(features)
            for projection, features in zip(self.projections, student, strict=True)
        ]
        return feature_distance(projected, teacher)


def feature_distance(student: Sequence[Tensor], teacher: Sequence[Tensor]) -> Tensor:
    r"""How far two feature pyramids point apart.

    .. math:: L_{feat} = \operatorname{mean}_l \operatorname{mean}_p
        \tfrac12 \| N(f^S_l(p)) - N(f^{TA}_l(p)) \|_2^2 = 1 - \cos(f^S_l(p), f^{TA}_l(p))

    with N the division by the norm over channels.

    Args:
        student: ``(B, C_l, h_l, w_l)`` for each stage l.
        teacher: the same widths; resized to the student's h_l × w_l. No gradient runs through.

    Returns:
        Scalar in [0, 2].
    """
    stages = []
    for own, other in zip(student, teacher, strict=True):
        target = other.detach().float()
        if target.shape[-2:] != own.shape[-2:]:
            target = F.interpolate(target, size=own.shape[-2:], mode="bilinear")
        stages.append((1 - F.cosine_similarity(own.float(), target, dim=1)).mean())
    return torch.stack(stages).mean()
