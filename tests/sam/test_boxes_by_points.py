"""Boxes choose among what a model answers to points in them."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks.window_masks import LogitFrame, WindowMasks
from goodsam_pl.sam import SegmentAnything
from goodsam_pl.sam.box_prompts import masks_in_boxes
from goodsam_pl.sam.boxes_by_points import BoxesByPoints
from goodsam_pl.sam.point_prompts import Answers, EmbeddedWindows
from goodsam_pl.streetworld import View

FRAME = LogitFrame(16, 16, 16)


class Squares:
    """Answers a point with the 4×4 square that it lies in, and with the whole window."""

    points_per_side = 1
    windows_per_batch = 1

    def __init__(self) -> None:
        self.points = torch.zeros(0, 2)

    def embed(self, windows: Tensor) -> EmbeddedWindows:
        return EmbeddedWindows(torch.zeros(len(windows), 1), FRAME, (16, 16))

    def ask(self, view: EmbeddedWindows, index: int, points: Tensor) -> Answers:
        self.points = points
        corners = (points // 4 * 4).int()
        logits = torch.full((2 * len(points), 16, 16), -1.0)
        boxes = torch.tensor([[0, 0, 15, 15]]).repeat(2 * len(points), 1).int()
        for number, (x, y) in enumerate(corners.tolist()):
            logits[2 * number] = 1.0
            logits[2 * number + 1, y : y + 4, x : x + 4] = 1.0
            boxes[2 * number + 1] = torch.tensor([x, y, x + 3, y + 3])
        scores = torch.tensor([0.9, 0.8]).repeat(len(points))
        prompts = torch.arange(len(points)).repeat_interleave(2)
        return Answers(prompts, logits, boxes, scores, scores, scores)

    def decode_boxes(
        self, view: EmbeddedWindows, index: int, boxes: Tensor
    ) -> tuple[Tensor, Tensor]:
        raise AssertionError("nobody asks for this")

    def keep_best(self, view: EmbeddedWindows, answers: Answers) -> WindowMasks:
        raise AssertionError("nobody asks for this")

    def describe(self) -> dict[str, str | int | float]:
        return {"proposer": "squares"}

    def to(self, device: torch.device | str) -> None:
        """Stay."""


def test_the_answer_that_fits_the_box_is_taken() -> None:
    model = BoxesByPoints(Squares())
    boxes = torch.tensor([[4.0, 8.0, 8.0, 12.0], [0.0, 0.0, 16.0, 16.0], [4.0, 4.0, 6.0, 8.0]])
    (answer,) = masks_in_boxes(model, torch.zeros((1, 3, 16, 16), dtype=torch.uint8), [boxes])
    areas = answer.binary.flatten(1).sum(dim=1)
    assert areas.tolist() == [16, 256, 16]
    assert answer.predicted_iou.tolist() == pytest.approx([0.8, 0.9, 0.4])
    assert answer.binary[0, 8:12, 4:8].all()


def test_points_lie_evenly_in_the_box() -> None:
    asked = Squares()
    view = asked.embed(torch.zeros(1, 3, 16, 16))
    BoxesByPoints(asked).decode_boxes(view, 0, torch.tensor([[3.0, 0.0, 9.0, 3.0]]))
    assert asked.points.tolist() == [[x, y] for y in (0.5, 1.5, 2.5) for x in (4.0, 6.0, 8.0)]


def test_a_box_without_an_answer_has_an_empty_mask() -> None:
    model = SegmentAnything("vit_nano", predicted_iou_threshold=10.0)
    (answer,) = masks_in_boxes(
        BoxesByPoints(model),
        torch.zeros((1, 3, 64, 64), dtype=torch.uint8),
        [torch.tensor([[4.0, 8.0, 30.0, 40.0]])],
    )
    assert answer.predicted_iou.tolist() == [0]
    assert not answer.binary.any()


def test_the_small_sam_finds_cars_in_their_boxes(street: View, street_image: Tensor) -> None:
    model = SegmentAnything(predicted_iou_threshold=0.0, stability_threshold=0.0, minimum_area=1)
    grid = WindowGrid.cover((192, 1024), (192, 192), (192, 192))
    windows = grid.extract(street_image[None])[0]
    ids = torch.from_numpy(street.instance.copy())
    cars = torch.from_numpy(street.label == 13)
    overlaps = []
    for index in range(grid.count):
        top, left = grid.corner(index)
        shown = ids.roll(-left, 1)[top : top + 192, :192]
        is_car = cars.roll(-left, 1)[top : top + 192, :192]
        masks = [
            mask
            for each in shown[is_car].unique().tolist()
            if (mask := (shown == each) & is_car).sum() > 100
        ]
        if not masks:
            continue
        boxes = torch.stack([_box(mask) for mask in masks])
        (answer,) = masks_in_boxes(BoxesByPoints(model), windows[index : index + 1], [boxes])
        for mask, found in zip(masks, answer.binary, strict=True):
            overlaps.append(float((mask & found).sum() / (mask | found).sum()))
    assert len(overlaps) > 3
    assert sorted(overlaps)[len(overlaps) // 2] > 0.6


def _box(mask: Tensor) -> Tensor:
    rows, columns = mask.nonzero(as_tuple=True)
    return torch.stack([columns.min(), rows.min(), columns.max() + 1, rows.max() + 1]).float()
