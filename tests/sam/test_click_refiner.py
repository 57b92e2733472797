"""Clicks on a coarse mask, which chooses among the answers."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from goodsam_pl.masks.layers import mask_boxes
from goodsam_pl.masks.proposer import Description
from goodsam_pl.masks.window_masks import LogitFrame
from goodsam_pl.sam import SegmentAnything
from goodsam_pl.sam.click_refiner import ClickedModel, ClickRefiner
from goodsam_pl.sam.coarse_prompts import spread_points
from goodsam_pl.sam.point_prompts import Answers, EmbeddedWindows
from goodsam_pl.streetworld import View

SIDE = 24


class Things:
    """Answers a click with the things under it; each has a predicted IoU."""

    windows_per_batch = 2

    def __init__(self, *things: tuple[Tensor, float]) -> None:
        self.things = things
        self.clicks: list[list[list[float]]] = []
        self.encoded: list[int] = []

    def embed(self, windows: Tensor) -> EmbeddedWindows:
        self.encoded.append(len(windows))
        frame = LogitFrame(SIDE, SIDE, SIDE)
        return EmbeddedWindows(torch.zeros(len(windows), 1, 6, 6), frame, (SIDE, SIDE))

    def ask(self, view: EmbeddedWindows, index: int, points: Tensor) -> Answers:
        self.clicks.append(points.tolist())
        hits = [
            (number, mask, score)
            for number, (x, y) in enumerate(points.tolist())
            for mask, score in self.things
            if mask[int(y), int(x)]
        ]
        masks = torch.stack([mask for _, mask, _ in hits] or [torch.zeros(SIDE, SIDE)])[: len(hits)]
        scores = torch.tensor([score for *_, score in hits])
        prompts = torch.tensor([number for number, *_ in hits], dtype=torch.int64)
        areas = masks.flatten(1).sum(dim=1).float()
        return Answers(prompts, masks.float() - 0.5, mask_boxes(masks > 0), areas, scores, scores)

    def describe(self) -> Description:
        return {"proposer": "things", "weights": "w", "stability_threshold": 0.5, "precision": "x"}

    def to(self, device: torch.device | str) -> None:
        """Stay."""


def rectangle(top: int, left: int, height: int, width: int) -> Tensor:
    mask = torch.zeros(SIDE, SIDE, dtype=torch.bool)
    mask[top : top + height, left : left + width] = True
    return mask


WINDOWS = torch.zeros(1, 3, SIDE, SIDE, dtype=torch.uint8)


def test_the_answer_that_agrees_best_is_taken() -> None:
    thing, part, whole = rectangle(4, 4, 8, 8), rectangle(6, 6, 3, 3), rectangle(0, 0, 24, 24)
    model = Things((whole, 0.9), (part, 0.9), (thing, 0.8))
    coarse = rectangle(5, 3, 8, 8)
    (found,) = ClickRefiner(model, rounds=1).refine(WINDOWS, [coarse[None]])
    assert torch.equal(found.binary[0], thing)
    assert found.scores.tolist() == pytest.approx([49 / 79 * 0.8])
    expected = [[column + 0.5, row + 0.5] for column, row in spread_points(coarse.numpy(), 5)]
    assert model.clicks == [expected]


def test_the_predicted_iou_counts() -> None:
    coarse = rectangle(4, 4, 8, 8)
    model = Things((coarse, 0.4), (rectangle(4, 4, 8, 7), 0.9))
    (found,) = ClickRefiner(model, rounds=1).refine(WINDOWS, [coarse[None]])
    assert torch.equal(found.binary[0], rectangle(4, 4, 8, 7))


def test_rounds_go_on_from_the_answer_and_end_when_it_gets_no_better() -> None:
    """The best thing has a hole under the first click; from the first answer it is hit."""
    coarse, first = rectangle(6, 6, 9, 9), rectangle(4, 9, 13, 9)
    best = coarse.clone()
    best[10, 10] = False
    model = Things((first, 0.9), (best, 0.9))
    (once,) = ClickRefiner(model, rounds=1, points=1).refine(WINDOWS, [coarse[None]])
    assert torch.equal(once.binary[0], first)
    assert model.clicks == [[[10.5, 10.5]]]
    (found,) = ClickRefiner(model, rounds=5, points=1).refine(WINDOWS, [coarse[None]])
    assert torch.equal(found.binary[0], best)
    assert len(model.clicks) == 1 + 3  # the third round finds nothing better


def test_answers_are_held_against_the_first_mask_in_every_round() -> None:
    """Each round alone would move on by some columns; the coarse mask holds it back."""
    coarse = rectangle(4, 0, 8, 8)
    near, far = rectangle(4, 3, 8, 8), rectangle(4, 6, 8, 8)
    model = Things((near, 0.9), (far, 1.0))
    (found,) = ClickRefiner(model, rounds=5, points=9).refine(WINDOWS, [coarse[None]])
    assert torch.equal(found.binary[0], near)


def test_a_mask_without_an_answer_stays_with_score_0() -> None:
    coarse = torch.stack([rectangle(2, 2, 4, 4), rectangle(12, 12, 6, 6)])
    (found,) = ClickRefiner(Things((rectangle(12, 12, 6, 5), 0.9))).refine(WINDOWS, [coarse])
    assert torch.equal(found.binary[0], coarse[0])
    assert torch.equal(found.binary[1], rectangle(12, 12, 6, 5))
    assert found.scores.tolist() == pytest.approx([0.0, 30 / 36 * 0.9])
    (nothing,) = ClickRefiner(Things()).refine(WINDOWS, [coarse])
    assert torch.equal(nothing.binary, coarse)


def test_windows_without_masks_are_not_encoded_and_many_masks_go_through() -> None:
    model = Things((rectangle(0, 0, 24, 24), 0.9))
    nothing = torch.zeros(0, SIDE, SIDE, dtype=torch.bool)
    many = torch.stack([rectangle(row, 0, 1, 24) for row in range(20)])
    found = ClickRefiner(model, 1).refine(WINDOWS.repeat(2, 1, 1, 1), [nothing, many])
    assert model.encoded == [1]
    assert [len(each.binary) for each in found] == [0, 20]
    assert found[1].scores.tolist() == pytest.approx([24 / 24**2 * 0.9] * 20)


def test_the_small_sam_gives_a_blurred_road_its_edge_back(
    street: View, street_image: Tensor
) -> None:
    """A true label of the road, eight pixels off: the refined one is nearer to the truth."""
    model = SegmentAnything(predicted_iou_threshold=0.0, stability_threshold=0.0, minimum_area=1)
    assert isinstance(model, ClickedModel)
    truth = torch.from_numpy(street.label[:, :192] == 0)
    coarse = truth.roll(8, 0)
    coarse[:8] = False
    (found,) = ClickRefiner(model, 1).refine(street_image[None, :, :, :192], [coarse[None]])
    assert _iou(found.binary[0], truth) > _iou(coarse, truth)


def test_it_says_what_its_masks_depend_on() -> None:
    assert ClickRefiner(Things(), 3, 4).describe() == {
        "refiner": "clicks",
        "rounds": 3,
        "points": 4,
        "sam_proposer": "things",
        "sam_weights": "w",
        "sam_precision": "x",
        "stability_threshold": 0.5,
    }


@pytest.mark.parametrize("name", ["rounds", "points"])
def test_numbers_out_of_range_are_refused(name: str) -> None:
    with pytest.raises(ValueError, match=f"{name} is 0: choose 1 or more"):
        ClickRefiner(Things(), **{name: 0})


def _iou(one: Tensor, other: Tensor) -> float:
    return float((one & other).sum() / (one | other).sum())
