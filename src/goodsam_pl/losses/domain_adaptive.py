"""Domain-adaptive knowledge distillation (DAKD): what a teacher says of images without labels.

Kothandaraman et al., "Domain Adaptive Knowledge Distillation for Driving Scene Semantic
Segmentation" (WACV workshops 2021, arXiv 2011.08007), of which these are the three terms between
teacher and student. Its terms on labelled source images and its discriminators are not here: the
student begins with weights of the source, and sees panoramas alone, as in the paper's target
distillation.
"""

from __future__ import annotations

from typing import Literal

import torch.nn.functional as F
from torch import Tensor, nn

__all__ = [
    "DivergenceFrom",
    "StageError",
    "knowledge_divergence",
    "teacher_cross_entropy",
]

DivergenceFrom = Literal["teacher", "student"]
"""Whose probabilities weigh: KL(P_T ‖ P_S), as usual, or KL(P_S ‖ P_T), as a note of the paper
prints it."""


def knowledge_divergence(
    student: Tensor, teacher: Tensor, divergence_from: DivergenceFrom = "teacher"
) -> Tensor:
    r"""L_KL between the two predictions.

    .. math:: L_{KL} = \operatorname{mean}_p \sum_c P_T(p, c) \,
        [\log P_T(p, c) - \log P_S(p, c)]

    or, from the student, with P_S and P_T exchanged. The released code gives log-probabilities to a
    function that takes probabilities, which is no number, and divides by the number of classes,
    too; this is the formula.

    Args:
        student: logits, ``(B, K, h, w)``.
        teacher: logits, the same. No gradient runs through.
        divergence_from: see above.

    Returns:
        Scalar ≥ 0, nats.
    """
    own, other = student.float().log_softmax(dim=1), teacher.detach().float().log_softmax(dim=1)
    first, second = (other, own) if divergence_from == "teacher" else (own, other)
    return (first.exp() * (first - second)).sum(dim=1).mean()


def teacher_cross_entropy(student: Tensor, teacher: Tensor) -> Tensor:
    r"""L_PT, of the teacher's labels as they are: noisy ground truth.

    .. math:: L_{PT} = \operatorname{mean}_p -\log P_S(p, \arg\max_c P_T(p, c))

    Args:
        student: logits, ``(B, K, h, w)``.
        teacher: logits, the same. No gradient runs through.

    Returns:
        Scalar ≥ 0, nats.
    """
    return F.cross_entropy(student.float(), teacher.detach().argmax(dim=1))


class StageError(nn.Module):
    r"""L_MSE between features of one stage, with a learnt projection where widths differ.

    .. math:: L_{MSE} = \operatorname{mean}_{p, c} (f_S(p, c) - f_T(p, c))^2

    The release compares the maps of an auxiliary head on the last stage but one, of which both its
    networks have one; ours have none, so these are that stage's features (our choice).

    Args:
        student_channels: width of the student's stage.
        teacher_channels: width of the teacher's.
    """

    def __init__(self, student_channels: int, teacher_channels: int) -> None:
        super().__init__()
        self.projection: nn.Module = nn.Identity()
        if student_channels != teacher_channels:
            self.projection = nn.Conv2d(student_channels, teacher_channels, kernel_size=1)

    def forward(self, student: Tensor, teacher: Tensor) -> Tensor:
        """The mean squared error.

        Args:
            student: ``(B, C_S, h, w)``.
            teacher: ``(B, C_T, h', w')``, resized to the student's. No gradient runs through.

        Returns:
            Scalar ≥ 0.
        """
        own, target = self.projection(student).float(), teacher.detach().float()
        if target.shape[-2:] != own.shape[-2:]:
            target = F.interpolate(target, size=own.shape[-2:], mode="bilinear")
        return F.mse_loss(own, target)
