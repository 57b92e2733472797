"""What can be said of predictions where nobody knows the truth.

Agreement, trust, entropy and class shares do not say how good a network is. They say where a
training goes: a student that comes to agree with its teachers learns, one whose entropy falls to
nothing or whose panoramas become all road has gone astray.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from goodsam_pl.metrics.confusion import confusion_matrix
from goodsam_pl.metrics.segmentation_scores import scores_from_confusion

__all__ = ["Agreement", "LabelFreeScores", "agreement", "class_shares", "normalized_entropy"]


@dataclass(frozen=True)
class Agreement:
    """How alike two labellings are; which of them comes first does not matter.

    Attributes:
        pixels: share of pixels with the same class.
        miou: mean IoU of the classes that either names.
    """

    pixels: float
    miou: float


@dataclass(frozen=True)
class LabelFreeScores:
    """What a few panoramas without labels say; ``None`` where somebody is missing.

    Attributes:
        with_teacher: the student's labels and the teacher assistant's.
        with_fused: the trained network's labels and the fused ones E.
        trusted: the mean of M.
        entropy: of the trained network, see :func:`normalized_entropy`.
        teacher_entropy: of the teacher assistant, beside a student.
        shares: ``(K,)``, see :func:`class_shares`, of the trained network.
    """

    with_teacher: Agreement | None
    with_fused: Agreement | None
    trusted: float | None
    entropy: float
    teacher_entropy: float | None
    shares: Tensor

    def as_log(self, classes: Sequence[str], prefix: str = "label_free") -> dict[str, float]:
        """The scores under the names that the dashboards show.

        Args:
            classes: the K class names.
            prefix: of all names.

        Returns:
            Of ``agreement``, ``agreement_miou``, ``agreement_fused``, ``agreement_fused_miou``,
            ``trusted``, ``entropy`` and ``entropy_teacher`` what there is, and ``share/<class>`` of
            each class.

        Raises:
            ValueError: the number of names is not K.
        """
        log: dict[str, float | None] = {
            "trusted": self.trusted,
            "entropy": self.entropy,
            "entropy_teacher": self.teacher_entropy,
        }
        for name, alike in (
            ("agreement", self.with_teacher),
            ("agreement_fused", self.with_fused),
        ):
            if alike is not None:
                log |= {name: alike.pixels, f"{name}_miou": alike.miou}
        log |= {
            f"share/{name}": share
            for name, share in zip(classes, self.shares.tolist(), strict=True)
        }
        return {f"{prefix}/{name}": value for name, value in log.items() if value is not None}


def agreement(first: Tensor, second: Tensor, classes: int) -> Agreement:
    """Compare two labellings of the same pixels.

    Args:
        first: class ids int64 ``(B, H, W)``.
        second: likewise.
        classes: K.

    Example:
        >>> agreement(torch.tensor([[[0, 0, 1, 1]]]), torch.tensor([[[0, 1, 1, 1]]]), classes=3)
        Agreement(pixels=0.75, miou=0.5833333333333333)
    """
    scores = scores_from_confusion(confusion_matrix(first, second, classes))
    return Agreement(scores.pixel_accuracy.item(), scores.miou.item())


def normalized_entropy(probabilities: Tensor) -> Tensor:
    """How undecided a network is at each pixel: 0 where it is sure, 1 where all classes are equal.

    The entropy over log K, so that class sets of different sizes compare.

    Args:
        probabilities: ``(B, K, H, W)``; what does not add up to 1, as stitched windows, is scaled.

    Returns:
        float32 ``(B, H, W)``.
    """
    shares = probabilities.float() / probabilities.float().sum(dim=1, keepdim=True)
    entropy: Tensor = torch.special.entr(shares).sum(dim=1)
    return entropy / math.log(shares.shape[1])


def class_shares(labels: Tensor, classes: int) -> Tensor:
    """The share of pixels that got each class, float64 ``(K,)`` on the CPU.

    Args:
        labels: class ids, integer, of any shape.
        classes: K.
    """
    counts = torch.bincount(labels.flatten(), minlength=classes).cpu()
    return counts.double() / labels.numel()
