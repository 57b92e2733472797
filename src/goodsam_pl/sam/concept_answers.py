"""What a model says about phrases, made into masks of classes."""

from __future__ import annotations

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from goodsam_pl.masks.concepts import ConceptMasks

__all__ = ["ConceptAnswers", "masks_of_answers"]

_LAID_TOGETHER = 16
"""Masks that are laid over their window together: 64 MiB at 1024×1024 pixels."""


class ConceptAnswers(NamedTuple):
    """P phrases asked for in one window, Q queries each.

    Attributes:
        logits: ``(P, Q, h', w')`` float of masks, laid over the whole window.
        scores: ``(P, Q)`` float in [0, 1].
        boxes: ``(P, Q, 4)`` float, left, top, right, bottom, shares of the window's sides.
        evidence: ``(P, h', w')`` float in [0, 1].
        presence: ``(P,)`` float in [0, 1].
    """

    logits: Tensor
    scores: Tensor
    boxes: Tensor
    evidence: Tensor
    presence: Tensor

    def chosen(self, score_threshold: float) -> ChosenMasks:
        """Queries with a higher score, phrase by phrase."""
        phrases, queries = (self.scores > score_threshold).nonzero(as_tuple=True)
        return ChosenMasks(
            phrases,
            self.logits[phrases, queries],
            self.scores[phrases, queries],
            self.boxes[phrases, queries],
        )


class ChosenMasks(NamedTuple):
    """K queries of one window.

    Attributes:
        phrases: ``(K,)`` int64.
        logits: ``(K, h', w')`` float.
        scores: ``(K,)`` float.
        boxes: ``(K, 4)`` float, shares of the window's sides.
    """

    phrases: Tensor
    logits: Tensor
    scores: Tensor
    boxes: Tensor


def masks_of_answers(
    chosen: ChosenMasks,
    evidence: Tensor,
    presence: Tensor,
    classes: Tensor,
    size: tuple[int, int],
    repeat_threshold: float,
) -> ConceptMasks:
    """Masks of one window; what several phrases of a class say is what the strongest says.

    Masks without a pixel are dropped.

    Args:
        chosen: K queries.
        evidence: ``(P, h', w')`` of all phrases.
        presence: ``(P,)`` of all phrases.
        classes: ``(P,)`` int64, place of each phrase's class; every class has a phrase.
        size: ``(h, w)`` of the window, pixels.
        repeat_threshold: of two masks that two phrases of one class have found, and whose IoU is
            higher, the one with the lower score is dropped.
    """
    kept = ~_repeats(chosen, classes, repeat_threshold)
    chosen = ChosenMasks(*(part[kept] for part in chosen))
    binary = _lay(chosen.logits, size)
    seen = binary.flatten(1).any(dim=1)
    of_class = [classes == number for number in range(int(classes.max()) + 1)]
    height, width = size
    return ConceptMasks.pack(
        binary[seen],
        classes[chosen.phrases][seen],
        chosen.scores[seen],
        (chosen.boxes * chosen.boxes.new_tensor([width, height] * 2))[seen],
        torch.stack([evidence[each].amax(dim=0) for each in of_class]),
        torch.stack([presence[each].amax() for each in of_class]),
    )


def _lay(logits: Tensor, size: tuple[int, int]) -> Tensor:
    """Masks ``(K, h, w)`` bool; logits are resized, as Meta's code does, not probabilities."""
    parts = [
        (F.interpolate(some[:, None], size, mode="bilinear") > 0)[:, 0]
        for some in logits.split(_LAID_TOGETHER)
        if len(some)
    ]
    return torch.cat(parts) if parts else logits.new_zeros((0, *size), dtype=torch.bool)


def _repeats(chosen: ChosenMasks, classes: Tensor, threshold: float) -> Tensor:
    """Which of K masks ``(K,)`` bool repeat one that another phrase of their class has found."""
    repeats = torch.zeros_like(chosen.phrases, dtype=torch.bool)
    owners = classes[chosen.phrases]
    for owner in owners.unique().tolist():
        places = (owners == owner).nonzero()[:, 0]
        if len(chosen.phrases[places].unique()) == 1:
            continue
        places = places[chosen.scores[places].argsort(descending=True, stable=True)]
        masks = (chosen.logits[places] > 0).flatten(1).float()
        shared = masks @ masks.T
        areas = shared.diagonal()
        overlap = shared / (areas[:, None] + areas - shared).clamp(min=1)
        phrases = chosen.phrases[places]
        alike = (overlap > threshold) & (phrases[:, None] != phrases)
        dropped: list[int] = []
        for row in range(len(places)):
            better = alike[row, :row].clone()
            better[dropped] = False
            if better.any():
                dropped.append(row)
        repeats[places[dropped]] = True
    return repeats
