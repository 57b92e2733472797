"""What a step of self-training makes of one pair of images, and how it looks."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from goodsam_pl.data import AdaptationBatch
from goodsam_pl.metrics import LabelFreeScores, agreement, class_shares, normalized_entropy
from goodsam_pl.modules import MixedDomains, SelfTraining
from goodsam_pl.taxonomy import Taxonomy
from goodsam_pl.views.pictures import image_picture, label_picture, weight_picture
from goodsam_pl.views.stages import Panel

__all__ = ["MixedStages", "mixing_scores", "observe_mixing"]


@dataclass(frozen=True, eq=False)
class MixedStages:
    """A source and a target image on their way to the loss.

    Attributes:
        mixed: of one image of each.
        student: its labels of the target, int64 ``(H, W)``.
        student_entropy: of its probabilities, 0 to 1, see
            :func:`goodsam_pl.metrics.normalized_entropy`.
        maps: what else the system shows, by caption, each in [0, 1] and of any size ``(h, w)``.
        taxonomy: of all these labels.
    """

    mixed: MixedDomains
    student: Tensor
    student_entropy: Tensor
    maps: Mapping[str, Tensor]
    taxonomy: Taxonomy

    @property
    def labels(self) -> Mapping[str, Tensor]:
        """The label maps of the target, by caption."""
        return {"pseudo-labels": self.mixed.pseudo_labels[0], "student": self.student}

    def panels(self) -> list[Panel]:
        """Draw every stage, in the order of a step."""
        mixed, taxonomy = self.mixed, self.taxonomy
        drawn = [Panel("target", image_picture(mixed.target[0]))]
        drawn += [Panel(name, label_picture(each, taxonomy)) for name, each in self.labels.items()]
        drawn += [
            Panel("mixed image", image_picture(mixed.images[0])),
            Panel("mixed labels", label_picture(mixed.labels[0], taxonomy)),
            Panel(f"weights, q = {mixed.trust.max():.3f}", weight_picture(mixed.weights[0])),
        ]
        size = mixed.target.shape[-2:]
        for caption, each in self.maps.items():
            enlarged = F.interpolate(each[None, None].float(), size=size, mode="nearest")[0, 0]
            drawn.append(Panel(caption, weight_picture(enlarged.clamp(0, 1))))
        return drawn


@torch.no_grad()
def observe_mixing(batch: AdaptationBatch, module: SelfTraining, seed: int) -> MixedStages:
    """Mix the first images of both domains as a step does, and leave no trace in the teacher.

    Args:
        batch: on the device of the module.
        module: whose teacher labels the target.
        seed: of crop, classes, colours and blur: the same seed draws the same.
    """
    draws = torch.Generator().manual_seed(seed)
    with _keeping_buffers(module.teacher):
        mixed = module.mix(batch, draws)
    logits = module(mixed.target[:1])
    return MixedStages(
        mixed=mixed,
        student=logits[0].argmax(dim=0),
        student_entropy=normalized_entropy(logits.softmax(dim=1))[0],
        maps=module.shown_maps(mixed),
        taxonomy=module.taxonomy,
    )


def mixing_scores(observed: Sequence[MixedStages]) -> LabelFreeScores:
    """What some pairs say without labels of the target.

    Agreement is the student's with the pseudo-labels, ``trusted`` the mean of q.

    Args:
        observed: at least one; targets of one size.
    """
    classes = len(observed[0].taxonomy.classes)
    student = torch.stack([each.student for each in observed])
    pseudo = torch.stack([each.mixed.pseudo_labels[0] for each in observed])
    return LabelFreeScores(
        with_teacher=agreement(student, pseudo, classes),
        with_fused=None,
        trusted=torch.stack([each.mixed.trust[0] for each in observed]).mean().item(),
        entropy=torch.stack([each.student_entropy for each in observed]).mean().item(),
        teacher_entropy=None,
        shares=class_shares(student, classes),
    )


@contextmanager
def _keeping_buffers(module: nn.Module) -> Iterator[None]:
    """Running statistics that learn as they are asked are put back."""
    kept = [each.clone() for each in module.buffers()]
    try:
        yield
    finally:
        for each, value in zip(module.buffers(), kept, strict=True):
            each.copy_(value)
