"""What is drawn, and in which order, by hand."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from goodsam_pl.sam.point_prompts import Answers
from goodsam_pl.sam.suppression import (
    Candidates,
    answer_distinct,
    outline_boxes,
    sketched_stability,
)


class Drawer:
    """Draws given boxes, but none of those that fail."""

    def __init__(self, boxes: Tensor, scores: Tensor, failing: tuple[int, ...] = ()) -> None:
        self.boxes, self.scores, self.failing = boxes, scores, failing
        self.drawn: list[list[int]] = []

    def __call__(self, chosen: Tensor) -> Answers:
        self.drawn.append(chosen.tolist())
        kept = torch.tensor([i for i in chosen.tolist() if i not in self.failing]).long()
        zeros = torch.zeros(len(kept))
        return Answers(kept, zeros, self.boxes[kept], zeros, self.scores[kept], zeros)


def squares(*lefts: int) -> Tensor:
    return torch.tensor([[left, 0, left + 100, 100] for left in lefts])


def test_the_best_of_each_crowd_and_its_runner_up_are_drawn_and_no_other() -> None:
    boxes, scores = squares(0, 1, 300, 2, 301), torch.tensor([0.5, 0.9, 0.7, 0.6, 0.8])
    drawer = Drawer(boxes, scores)
    found = answer_distinct(Candidates(scores, boxes.float()), drawer, 0.7)
    assert sorted(found.prompts.tolist()) == [1, 4]
    assert drawer.drawn == [[], [1, 4, 2, 3]]


def test_who_fails_or_repeats_a_better_one_leaves_the_field() -> None:
    boxes = squares(0, 1, 2, 12, 20)
    scores = torch.tensor([0.9, 0.8, 0.7, 0.6, 0.5])
    drawer = Drawer(boxes, scores, failing=(0, 1))
    found = answer_distinct(Candidates(scores, boxes.float()), drawer, 0.7)
    # 0 and its runner-up 1 fail, 2 takes their place; then 3 (IoU 0.82 with 2) is a repeat, and 4,
    # which was one of 3 (0.85) and is 0.69 of 2, is none any more, as if all had been drawn at once
    assert drawer.drawn == [[], [0, 3, 1, 4], [2]]
    assert sorted(found.prompts.tolist()) == [2, 4]


def test_without_candidates_nothing_is_found() -> None:
    none = Candidates(torch.empty(0), torch.empty(0, 4))
    drawer = Drawer(squares(0).int()[:0], torch.empty(0))
    assert len(answer_distinct(none, drawer, 0.7).prompts) == 0


def test_sides_of_boxes_lie_where_logits_cross_zero() -> None:
    logits = torch.full((2, 6, 8), -1.0)
    logits[0, 2:4, 3:6] = 1.0
    logits[0, 2, 3:6] = 3.0
    logits[1] = 2.0
    boxes = outline_boxes(logits)
    assert boxes[0].tolist() == pytest.approx([2.25, 1.25, 5.75, 3.5])
    assert boxes[1].tolist() == pytest.approx([-0.5, -0.5, 7.5, 5.5])


def test_stability_of_sketches() -> None:
    logits = torch.tensor([[[1.0, 0.2, -0.2, -1.0]], [[-1.0, -1.0, -1.0, -1.0]]])
    assert sketched_stability(logits, 0.5).tolist() == pytest.approx([1 / 3, 0.0])
