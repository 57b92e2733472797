"""Things of images as JSON and as COCO has them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from goodsam_pl.cli.labels.thing_records import coco_file, found_boxes, thing_record
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks.coco_file import CocoFile
from goodsam_pl.masks.concepts import Concept, ConceptMasks
from goodsam_pl.masks.joined_concepts import ClassMask

CONCEPTS = (Concept("car", ("car",)), Concept("pole", ("pole",)))


def test_a_thing_across_the_seam_comes_back_from_coco(tmp_path: Path) -> None:
    mask = ClassMask(1, 6, np.ones((2, 4), np.bool_), 1, 0.5, 0)
    record = {"size": [4, 8], "things": [thing_record(mask, (4, 8), CONCEPTS)]}
    assert {key: record["things"][0][key] for key in ("class", "score", "box", "area")} == {
        "class": "pole",
        "score": 0.5,
        "box": [6, 1, 4, 2],
        "area": 8,
    }
    path = tmp_path / "a.json"
    path.write_bytes(coco_file([("b/a.png", record)], ["car", "pole"], "a test"))
    image = CocoFile(path).image("b/a")
    (thing,) = image.annotations
    assert (thing.category, thing.box, thing.score) == ("pole", (6, 1, 10, 3), 0.5)
    expected = np.zeros((4, 8), np.bool_)
    expected[1:3, [6, 7, 0, 1]] = True
    np.testing.assert_array_equal(image.mask(thing, (4, 8)), expected)
    content = json.loads(path.read_bytes())
    assert [each["id"] for each in content["categories"]] == [1, 2]


def test_what_was_found_is_told_on_the_image() -> None:
    grid = WindowGrid.cover((4, 8), (4, 4), (4, 4))
    found = ConceptMasks.pack(
        torch.ones((1, 4, 4), dtype=torch.bool),
        torch.tensor([1]),
        torch.tensor([0.25]),
        torch.tensor([[1.0, 0.5, 3.0, 4.0]]),
    )
    rows = found_boxes([ConceptMasks.none((4, 4)), found], grid, CONCEPTS)
    assert rows == [{"window": 1, "class": "pole", "score": 0.25, "box": [5, 0.5, 2, 3.5]}]
