"""What a panorama shows, in the form of COCO, says what its labels say."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np

from goodsam_pl.masks.coco_file import CocoFile
from goodsam_pl.streetworld.boxes import boxes_json
from goodsam_pl.streetworld.rendering import View
from goodsam_pl.taxonomy import get_taxonomy


def panorama() -> View:
    label = np.full((8, 16), 10, np.uint8)  # sky
    instance = np.ones((8, 16), np.int32)
    label[5:, :] = 0  # road
    instance[5:, :] = 2
    label[4:7, [14, 15, 0, 1, 2]] = 13  # a car across the seam
    instance[4:7, [14, 15, 0, 1, 2]] = 300
    label[2:5, 8] = 12  # a rider on a bicycle, one instance
    label[5, 8] = 18
    instance[2:6, 8] = 301
    label[0, 5] = 255
    instance[0, 5] = 302
    return View(np.zeros((8, 16, 3), np.uint8), label, instance, np.ones((8, 16)))


def test_things_are_whole_across_the_seam_and_void_is_nothing(tmp_path: Path) -> None:
    view = panorama()
    path = tmp_path / "a.json"
    path.write_bytes(boxes_json(view, "val/a.png"))
    content = json.loads(path.read_bytes())
    names = {each["id"]: each["name"] for each in content["categories"]}
    boxes = {names[each["category_id"]]: each["bbox"] for each in content["annotations"]}
    assert boxes == {
        "sky": [0, 0, 16, 5],
        "road": [0, 5, 16, 3],
        "car": [14, 4, 5, 3],
        "rider": [8, 2, 1, 3],
        "bicycle": [8, 5, 1, 1],
    }
    image = CocoFile(path).image("a")
    drawn = np.full((8, 16), 255)
    for thing in image.annotations:
        drawn[image.mask(thing, (8, 16))] = get_taxonomy("cityscapes-19").index(thing.category)
    np.testing.assert_array_equal(drawn, view.label)
    assert [each["area"] for each in content["annotations"]] == [
        int(image.mask(thing, (8, 16)).sum()) for thing in image.annotations
    ]
