"""Boxes and masks that somebody has given become masks of windows."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import Tensor

from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import WindowMasks
from goodsam_pl.masks.concepts import Concept, ConceptProposer, ConceptWindows
from goodsam_pl.masks.proposer import Description
from goodsam_pl.masks.window_masks import LogitFrame
from goodsam_pl.sam import Felzenszwalb, GivenBoxes, GivenMasks, SegmentAnything
from goodsam_pl.sam.point_prompts import EmbeddedWindows

SIZE = (8, 32)
GRID = WindowGrid.cover(SIZE, (8, 16), (8, 8))
CONCEPTS = (Concept("car", ("car", "van")), Concept("pole", ("pole",)))


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
        raise NotImplementedError

    def describe(self) -> Description:
        return {"proposer": "filler", "weights": "none", "points_per_side": 3}

    def to(self, device: torch.device | str) -> None:
        """Stay."""


def write(folder: Path, *things: dict[str, Any], size: tuple[int, int] = SIZE) -> str:
    path = folder / "boxes.json"
    content = {
        "images": [{"id": 1, "file_name": "a.png", "height": size[0], "width": size[1]}],
        "annotations": [{"image_id": 1, **thing} for thing in things],
        "categories": [
            {"id": 1, "name": "Van"},
            {"id": 2, "name": "pole"},
            {"id": 3, "name": "tree"},
        ],
    }
    path.write_text(json.dumps(content))
    return str(path)


def windows(size: tuple[int, int] = SIZE, image: str = "a") -> ConceptWindows:
    corners = torch.tensor([GRID.corner(index)[::-1] for index in range(GRID.count)])
    pixels = torch.zeros((GRID.count, 3, *GRID.window_size), dtype=torch.uint8)
    return ConceptWindows(image, pixels, corners, size)


def test_a_box_is_asked_in_each_window_that_shows_a_part_of_it(tmp_path: Path) -> None:
    path = write(tmp_path, {"category_id": 1, "bbox": [12, 2, 6, 4], "score": 0.8})
    filler = Filler()
    found = GivenBoxes(path, filler).propose(windows(), CONCEPTS)
    # windows begin at 0, 8, 16 and 24
    assert filler.asked == [[[12, 2, 16, 6]], [[4, 2, 10, 6]], [[0, 2, 2, 6]]]
    assert [len(masks) for masks in found] == [1, 1, 1, 0]
    assert found[1].classes.tolist() == [0]
    assert found[1].scores.tolist() == pytest.approx([0.4])
    expected = torch.zeros((1, 8, 16), dtype=torch.bool)
    expected[0, 2:6, 4:10] = True
    assert found[1].binary().equal(expected)
    expected[0, 2:6, :10] = True
    whole = GivenBoxes(path, Filler(), clip=False).propose(windows(), CONCEPTS)
    assert whole[1].binary().equal(expected)


def test_a_box_goes_on_beyond_the_seam(tmp_path: Path) -> None:
    path = write(tmp_path, {"category_id": 2, "bbox": [30, 0, 4, 8]})
    filler = Filler()
    found = GivenBoxes(path, filler).propose(windows(), CONCEPTS)
    assert filler.asked == [[[0, 0, 2, 8]], [[14, 0, 16, 8]], [[6, 0, 10, 8]]]
    assert [masks.classes.tolist() for masks in found] == [[1], [], [1], [1]]


def test_boxes_are_of_the_size_that_their_file_says(tmp_path: Path) -> None:
    path = write(tmp_path, {"category_id": 2, "bbox": [0, 4, 4, 8]}, size=(16, 64))
    filler = Filler()
    GivenBoxes(path, filler).propose(windows(), CONCEPTS)
    assert filler.asked[0] == [[0, 2, 2, 6]]


def test_boxes_that_reach_out_are_cut_and_those_outside_are_told_of(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write(
        tmp_path,
        {"category_id": 2, "bbox": [-3, -3, 5, 5]},
        {"category_id": 2, "bbox": [3, 9, 5, 5]},
        {"category_id": 1, "bbox": [40, 0, 5, 5]},
        {"category_id": 3, "bbox": [400, 0, 5, 5]},
    )
    filler = Filler()
    with caplog.at_level(logging.WARNING):
        GivenBoxes(path, filler).propose(windows(), CONCEPTS)
    assert filler.asked[0] == [[0, 0, 2, 2]]
    assert "boxes outside of a are left out: 1 pole, 1 Van" in caplog.text


def test_classes_that_are_not_asked_for_are_left_out(tmp_path: Path) -> None:
    path = write(tmp_path, {"category_id": 3, "bbox": [0, 0, 4, 4]})
    filler = Filler()
    assert [len(each) for each in GivenBoxes(path, filler).propose(windows(), CONCEPTS)] == [0] * 4
    assert filler.asked == []
    with pytest.raises(ValueError, match=r"none of its categories \(Van, pole, tree\) is among"):
        GivenBoxes(path, filler).propose(windows(), (Concept("dog", ("dog",)),))


def test_an_image_without_boxes_is_told_of(tmp_path: Path) -> None:
    path = write(tmp_path, {"category_id": 3, "bbox": [0, 0, 4, 4]})
    with pytest.raises(ValueError, match="has no image 'b'"):
        GivenBoxes(path, Filler()).propose(windows(image="b"), CONCEPTS)
    with pytest.raises(FileNotFoundError, match="no such file"):
        GivenBoxes(str(tmp_path / "none.json"), Filler()).propose(windows(), CONCEPTS)


def test_what_labels_depend_on_is_described(tmp_path: Path) -> None:
    path = write(tmp_path, {"category_id": 3, "bbox": [0, 0, 4, 4]})
    proposer = GivenBoxes(path, Filler())
    assert isinstance(proposer, ConceptProposer)
    described = proposer.describe()
    assert {key: described[key] for key in ("prompts", "clip", "sam_proposer")} == {
        "prompts": "box",
        "clip": 1,
        "sam_proposer": "filler",
    }
    assert "sam_points_per_side" not in described
    write(tmp_path, {"category_id": 3, "bbox": [0, 0, 4, 5]})
    assert GivenBoxes(path, Filler()).describe()["boxes"] != described["boxes"]
    folder = GivenMasks(str(tmp_path))
    assert isinstance(folder, ConceptProposer)
    assert folder.describe()["masks"] != GivenMasks(path).describe()["masks"]


def test_the_small_sam_is_asked_at_points_and_others_by_boxes(tmp_path: Path) -> None:
    path = write(tmp_path)
    assert GivenBoxes(path).prompts == "points"
    assert GivenBoxes(path, SegmentAnything("vit_b")).prompts == "box"
    assert GivenBoxes(path, SegmentAnything("vit_nano"), prompts="box").prompts == "box"
    with pytest.raises(ValueError, match="Filler answers no points"):
        GivenBoxes(path, Filler(), prompts="points")
    with pytest.raises(ValueError, match="Felzenszwalb answers no boxes"):
        GivenBoxes(path, Felzenszwalb())


def test_given_masks_are_cut_for_each_window(tmp_path: Path) -> None:
    ring = [[30, 1, 32, 1, 32, 4, 30, 4], [0, 1, 2, 1, 2, 4, 0, 4]]
    path = write(
        tmp_path,
        {"category_id": 2, "bbox": [30, 1, 4, 3], "segmentation": ring, "score": 0.5},
        {"category_id": 3, "bbox": [0, 0, 1, 1]},  # without a mask, and not asked for
    )
    found = GivenMasks(path).propose(windows(), CONCEPTS)
    assert [masks.classes.tolist() for masks in found] == [[1], [], [1], [1]]
    assert [masks.boxes.tolist() for masks in found] == [
        [[0, 1, 2, 4]],
        [],
        [[14, 1, 16, 4]],
        [[6, 1, 10, 4]],
    ]
    assert found[3].binary().sum() == 12
    assert found[3].scores.tolist() == [0.5]
