"""Masks that somebody has drawn are cut for each window."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from small_coco import CONCEPTS, cut_windows, write_coco

from goodsam_pl.masks.concepts import ConceptProposer
from goodsam_pl.sam import GivenMasks


def test_given_masks_are_cut_for_each_window(tmp_path: Path) -> None:
    ring = [[30, 1, 32, 1, 32, 4, 30, 4], [0, 1, 2, 1, 2, 4, 0, 4]]
    path = write_coco(
        tmp_path,
        {"category_id": 2, "bbox": [30, 1, 4, 3], "segmentation": ring, "score": 0.5},
        {"category_id": 3, "bbox": [0, 0, 1, 1]},  # without a mask, and not asked for
    )
    found = GivenMasks(path).propose(cut_windows(), CONCEPTS)
    assert [masks.classes.tolist() for masks in found] == [[1], [], [1], [1]]
    assert [masks.boxes.tolist() for masks in found] == [
        [[0, 1, 2, 4]],
        [],
        [[14, 1, 16, 4]],
        [[6, 1, 10, 4]],
    ]
    assert found[3].binary().sum() == 12
    assert found[3].scores.tolist() == [0.5]


def test_what_masks_depend_on_is_described(tmp_path: Path) -> None:
    path = write_coco(tmp_path, {"category_id": 3, "bbox": [0, 0, 4, 4]})
    proposer = GivenMasks(path)
    assert isinstance(proposer, ConceptProposer)
    described = proposer.describe()
    assert described["proposer"] == "given_masks"
    write_coco(tmp_path, {"category_id": 3, "bbox": [0, 0, 4, 5]})
    assert GivenMasks(path).describe() != described
