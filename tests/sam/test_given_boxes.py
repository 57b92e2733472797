"""Boxes that somebody has drawn become masks of windows."""

from __future__ import annotations

import logging
import sys
from pathlib import Path

import pytest
import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parent))
from small_coco import CONCEPTS, cut_windows, write_coco

from goodsam_pl.masks import WindowMasks
from goodsam_pl.masks.concepts import Concept, ConceptProposer
from goodsam_pl.masks.proposer import Description
from goodsam_pl.masks.window_masks import LogitFrame
from goodsam_pl.sam import Felzenszwalb, GivenBoxes, SegmentAnything
from goodsam_pl.sam.point_prompts import EmbeddedWindows


class Filler:
    """A SAM that fills the boxes that it is asked for, and what lies left of them."""

    windows_per_batch = 2

    def __init__(self) -> None:
        self.asked: list[list[list[float]]] = []

    def embed(self, windows: Tensor) -> EmbeddedWindows:
        count, _, height, width = windows.shape
        return EmbeddedWindows(torch.zeros(count, 1), LogitFrame(width, height, width), (8, 16))

    def decode_boxes(
        self, view: EmbeddedWindows, index: int, boxes: Tensor
    ) -> tuple[Tensor, Tensor]:
        self.asked.append(boxes.tolist())
        logits = torch.full((len(boxes), 16, 16), -1.0)
        for mask, (_, top, right, bottom) in zip(logits, boxes.tolist(), strict=True):
            mask[int(top) : int(bottom), : int(right)] = 1
        return logits, torch.full((len(boxes),), 0.5)

    def propose(self, windows: Tensor) -> list[WindowMasks]:
        raise AssertionError("nobody asks for this")

    def describe(self) -> Description:
        return {"proposer": "filler", "weights": "none", "points_per_side": 3}

    def to(self, device: torch.device | str) -> None:
        """Stay."""


def test_a_box_is_asked_in_each_window_that_shows_a_part_of_it(tmp_path: Path) -> None:
    path = write_coco(tmp_path, {"category_id": 1, "bbox": [12, 2, 6, 4], "score": 0.8})
    filler = Filler()
    found = GivenBoxes(path, filler).propose(cut_windows(), CONCEPTS)
    # windows begin at 0, 8, 16 and 24
    assert filler.asked == [[[12, 2, 16, 6]], [[4, 2, 10, 6]], [[0, 2, 2, 6]]]
    assert [len(masks) for masks in found] == [1, 1, 1, 0]
    assert found[1].classes.tolist() == [0]
    assert found[1].scores.tolist() == pytest.approx([0.4])
    expected = torch.zeros((1, 8, 16), dtype=torch.bool)
    expected[0, 2:6, 4:10] = True
    assert found[1].binary().equal(expected)
    expected[0, 2:6, :10] = True
    whole = GivenBoxes(path, Filler(), clip=False).propose(cut_windows(), CONCEPTS)
    assert whole[1].binary().equal(expected)


def test_a_box_goes_on_beyond_the_seam(tmp_path: Path) -> None:
    path = write_coco(tmp_path, {"category_id": 2, "bbox": [30, 0, 4, 8]})
    filler = Filler()
    found = GivenBoxes(path, filler).propose(cut_windows(), CONCEPTS)
    assert filler.asked == [[[0, 0, 2, 8]], [[14, 0, 16, 8]], [[6, 0, 10, 8]]]
    assert [masks.classes.tolist() for masks in found] == [[1], [], [1], [1]]


def test_a_photograph_ends_where_a_panorama_goes_on(tmp_path: Path) -> None:
    path = write_coco(tmp_path, {"category_id": 2, "bbox": [30, 0, 4, 8]})
    filler = Filler()
    GivenBoxes(path, filler).propose(cut_windows(wraps=False), CONCEPTS)
    assert filler.asked == [[[14, 0, 16, 8]], [[6, 0, 8, 8]]]


def test_a_box_around_the_whole_circle_has_no_ends(tmp_path: Path) -> None:
    path = write_coco(tmp_path, {"category_id": 2, "bbox": [5, 4, 32, 4]})
    filler = Filler()
    GivenBoxes(path, filler).propose(cut_windows(), CONCEPTS)
    assert filler.asked == [[[0, 4, 16, 8]]] * 4


def test_boxes_are_of_the_size_that_their_file_says(tmp_path: Path) -> None:
    path = write_coco(tmp_path, {"category_id": 2, "bbox": [0, 4, 4, 8]}, size=(16, 64))
    filler = Filler()
    GivenBoxes(path, filler).propose(cut_windows(), CONCEPTS)
    assert filler.asked[0] == [[0, 2, 2, 6]]


def test_boxes_that_reach_out_are_cut_and_those_outside_are_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_coco(
        tmp_path,
        {"category_id": 2, "bbox": [-3, -3, 5, 5]},
        {"category_id": 2, "bbox": [3, 9, 5, 5]},
        {"category_id": 1, "bbox": [40, 0, 5, 5]},
        {"category_id": 3, "bbox": [400, 0, 5, 5]},
    )
    filler = Filler()
    with caplog.at_level(logging.WARNING):
        GivenBoxes(path, filler).propose(cut_windows(), CONCEPTS)
    assert filler.asked[0] == [[0, 0, 2, 2]]
    assert "boxes outside of a are left out: 1 pole, 1 Van" in caplog.text


def test_classes_that_are_not_asked_for_are_left_out(tmp_path: Path) -> None:
    path = write_coco(tmp_path, {"category_id": 3, "bbox": [0, 0, 4, 4]})
    filler = Filler()
    assert [len(each) for each in GivenBoxes(path, filler).propose(cut_windows(), CONCEPTS)] == [
        0
    ] * 4
    assert filler.asked == []
    with pytest.raises(ValueError, match=r"none of its categories \(Van, pole, tree\) is among"):
        GivenBoxes(path, filler).propose(cut_windows(), (Concept("dog", ("dog",)),))


def test_the_small_sam_is_asked_at_points_and_others_by_boxes(tmp_path: Path) -> None:
    path = write_coco(tmp_path)
    assert GivenBoxes(path).prompts == "points"
    assert GivenBoxes(path, SegmentAnything("vit_b")).prompts == "box"
    assert GivenBoxes(path, SegmentAnything("vit_nano"), prompts="box").prompts == "box"
    with pytest.raises(ValueError, match="Filler answers no points"):
        GivenBoxes(path, Filler(), prompts="points")
    with pytest.raises(ValueError, match="Felzenszwalb answers no boxes"):
        GivenBoxes(path, Felzenszwalb())


def test_what_masks_depend_on_is_described(tmp_path: Path) -> None:
    path = write_coco(tmp_path, {"category_id": 3, "bbox": [0, 0, 4, 4]})
    proposer = GivenBoxes(path, Filler())
    assert isinstance(proposer, ConceptProposer)
    described = proposer.describe()
    assert {key: described[key] for key in ("prompts", "clip", "sam_proposer")} == {
        "prompts": "box",
        "clip": 1,
        "sam_proposer": "filler",
    }
    assert "sam_points_per_side" not in described
    write_coco(tmp_path, {"category_id": 3, "bbox": [0, 0, 4, 5]})
    assert GivenBoxes(path, Filler()).describe()["boxes"] != described["boxes"]
