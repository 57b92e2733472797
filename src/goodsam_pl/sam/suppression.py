"""Draw only masks that no better one repeats.

Of a thousand masks that a window's points are answered with, suppression of repeats leaves about
ten. It needs nothing but scores and boxes; scores are known before a mask is drawn, and boxes can
be told well enough from a sketch, one logit a token instead of sixteen. So candidates are sketched,
the best of each crowd is drawn, along its outline, and drawn masks are judged by stability, area
and box as ``segment_anything`` does. (Our choice.)
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import torch
from torch import Tensor
from torchvision.ops import nms

from goodsam_pl.sam.point_prompts import Answers, join_answers

__all__ = ["SURE_REPEAT", "Candidates", "answer_distinct", "outline_boxes", "sketched_stability"]

SURE_REPEAT = 0.85
"""IoU of sketched boxes from which on a mask counts as a repeat without being drawn.

Well above the IoU at which drawn boxes repeat each other (0.7), because sketches are coarse. On
StreetWorld with vit_nano: at 0.7, 0.8 and 0.85, 91, 97 and 98 % of the masks of SAM's own generator
are found again at IoU 0.8; at 0.7 in a seventh less time.
"""


class Candidates(NamedTuple):
    """Masks of one window that are not drawn yet.

    Attributes:
        predicted_iou: ``(K,)`` float.
        boxes: ``(K, 4)`` float, left, top, right, bottom of their sketches, in any unit.
    """

    predicted_iou: Tensor
    boxes: Tensor


def answer_distinct(
    candidates: Candidates,
    draw: Callable[[Tensor], Answers],
    box_nms_threshold: float,
    sure_repeat: float = SURE_REPEAT,
) -> Answers:
    """Draw the best candidates, and the best of the rest, until all others repeat one that stays.

    A candidate that fails once it is drawn, or repeats a better one, leaves the field to those that
    it had kept from being drawn. Runners-up are drawn along because sketched boxes err: some repeat
    nothing once they are drawn, and others are what is wanted if the best one fails.

    Args:
        candidates: what could be drawn.
        draw: draws those whose indices it is given, ``(k,)`` int64; its answers name them as
            ``prompts`` and lack those that fail a threshold.
        box_nms_threshold: of drawn masks, boxes with a higher IoU repeat each other.
        sure_repeat: IoU of boxes from which on a candidate is not drawn beside a better one.

    Returns:
        Answers without repeats; ``prompts`` are indices of candidates.
    """
    alive = torch.ones_like(candidates.predicted_iou, dtype=torch.bool)
    drawn = torch.zeros_like(alive)
    answers = draw(alive.new_empty(0, dtype=torch.long))
    while True:
        kept = nms(answers.boxes.float(), answers.predicted_iou, box_nms_threshold)
        alive &= ~drawn
        alive[answers.prompts[kept]] = True
        best = _best_of_crowds(candidates, alive, sure_repeat)
        if bool(drawn[best].all()):
            return Answers(*(part[kept] for part in answers))
        rest = alive & ~drawn
        rest[best] = False
        runners_up = _best_of_crowds(candidates, rest, sure_repeat)
        chosen = torch.cat([best[~drawn[best]], runners_up])
        answers = join_answers([answers, draw(chosen)])
        drawn[chosen] = True


def outline_boxes(logits: Tensor) -> Tensor:
    """Boxes ``(K, 4)`` float32 around what is positive in ``(K, h, w)``, to fractions of a cell.

    A side lies where the largest logit of its rows or columns, linear in between, crosses zero.
    """
    left, right = _crossings(logits.float().amax(dim=1))
    top, bottom = _crossings(logits.float().amax(dim=2))
    return torch.stack([left, top, right, bottom], dim=1)


def sketched_stability(logits: Tensor, offset: float) -> Tensor:
    """The stability ``(K,)`` of sketches ``(K, h, w)``; 0 where there is nothing at all."""
    high, low = ((logits > shift).sum(dim=(1, 2)) for shift in (offset, -offset))
    return high / low.clamp(min=1)


def _crossings(profile: Tensor) -> tuple[Tensor, Tensor]:
    """Where each row of ``(K, n)`` first rises above zero, and where it last falls below."""
    length = profile.shape[1]
    counted = (profile > 0).to(torch.uint8)
    first = counted.argmax(dim=1)
    last = length - 1 - counted.flip(1).argmax(dim=1)
    return first - _beyond(profile, first, -1), last + _beyond(profile, last, 1)


def _beyond(profile: Tensor, places: Tensor, step: int) -> Tensor:
    """How far beyond a place the line to its neighbour reaches zero; half a cell at the rim."""
    neighbours = places + step
    inside = (neighbours >= 0) & (neighbours < profile.shape[1])
    here = profile.gather(1, places[:, None])[:, 0].clamp(min=0)
    there = profile.gather(1, neighbours.clamp(0, profile.shape[1] - 1)[:, None])[:, 0]
    return torch.where(inside, here / (here - there).clamp(min=1e-6), 0.5)


def _best_of_crowds(candidates: Candidates, alive: Tensor, sure_repeat: float) -> Tensor:
    """Which living candidates ``(k,)`` int64 repeat no better one."""
    living = alive.nonzero()[:, 0]
    boxes, scores = candidates.boxes[living], candidates.predicted_iou[living]
    return living[nms(boxes, scores, sure_repeat).sort().values]
