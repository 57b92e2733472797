from __future__ import annotations

import json
import sys
from pathlib import Path

import numpy as np
import pytest

sys.path.insert(0, str(Path(__file__).parent))
from domain_files import write_picture

from goodsam_pl.data.coco_things import largest_things

SQUARE = [[4, 2, 14, 2, 14, 12, 4, 12]]


def thing(image: int, area: float, polygon: list[list[int]] = SQUARE, **more: object) -> dict:
    box = [4, 2, 10, 10]
    return {
        "id": 1, "image_id": image, "category_id": 7, "bbox": box, "area": area,
        "segmentation": polygon, **more,
    }  # fmt: skip


def write_coco(root: Path, things: list[dict], height: int = 20) -> Path:
    for number in range(3):
        write_picture(root / f"val2017/{number:012d}.jpg", number)
    images = [
        {"id": number, "file_name": f"{number:012d}.jpg", "height": height, "width": 30}
        for number in range(3)
    ]
    content = {"images": images, "annotations": things, "categories": [{"id": 7, "name": "cat"}]}
    path = root / "annotations/instances_val2017.json"
    path.parent.mkdir(exist_ok=True)
    path.write_text(json.dumps(content))
    return path


def test_the_largest_thing_that_is_no_crowd(tmp_path):
    small = [[20, 2, 24, 2, 24, 6, 20, 6]]
    annotations = write_coco(
        tmp_path,
        [
            thing(0, 16, small),
            thing(0, 100),
            thing(0, 900, small, iscrowd=1),
            thing(2, 16, small),
            thing(1, 500, iscrowd=1),
        ],
    )
    found = largest_things(tmp_path / "val2017", annotations)
    assert [each.name for each in found] == ["000000000000", "000000000002"]
    expected = np.zeros((20, 30), dtype=bool)
    expected[2:12, 4:14] = True
    assert np.array_equal(found[0].read().mask, expected)
    assert found[1].read().mask.sum() == 16
    assert str(found[0].mask) == f"{annotations}: annotations[1]"


def test_what_cannot_be_is_told(tmp_path):
    annotations = write_coco(tmp_path, [thing(0, 1, iscrowd=1)])
    with pytest.raises(ValueError, match=r"none of the images in .*val2017 has an annotated thing"):
        largest_things(tmp_path / "val2017", annotations)
    with pytest.raises(FileNotFoundError, match="train2017: no such folder"):
        largest_things(tmp_path / "train2017", annotations)
    taller = write_coco(tmp_path, [thing(0, 1)], height=40)
    [image] = largest_things(tmp_path / "val2017", taller)
    with pytest.raises(ValueError, match="30×20 pixels, but its COCO file says 30×40"):
        image.read()
