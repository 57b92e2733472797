"""COCO files are found by image, and say what is wrong with them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodsam_pl.masks.coco_file import CocoFile


def content(**changes: Any) -> dict[str, Any]:
    polygon = [[2, 1, 6, 1, 6, 3, 2, 3]]
    whole: dict[str, Any] = {
        "images": [{"id": 7, "file_name": "street/a.jpg", "height": 4, "width": 8}],
        "annotations": [
            {"image_id": 7, "category_id": 3, "bbox": [2, 1, 4, 2], "segmentation": polygon},
            {"image_id": 7, "category_id": 1, "bbox": [0, 0, 1.5, 4], "score": 0.25},
        ],
        "categories": [{"id": 1, "name": "pole"}, {"id": 3, "name": "car"}],
    }
    return whole | changes


def write(folder: Path, tree: Any, name: str = "a.json") -> Path:
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(tree))
    return path


def test_things_of_an_image(tmp_path: Path) -> None:
    file = CocoFile(write(tmp_path, content()))
    image = file.image("a")
    assert file.categories == ("pole", "car")
    assert image.size == (4, 8)
    assert [each.category for each in image.annotations] == ["car", "pole"]
    assert [each.box for each in image.annotations] == [(2, 1, 6, 3), (0, 0, 1.5, 4)]
    assert [each.score for each in image.annotations] == [1.0, 0.25]
    expected = np.zeros((4, 8), np.bool_)
    expected[1:3, 2:6] = True
    np.testing.assert_array_equal(image.mask(image.annotations[0], (4, 8)), expected)
    larger = expected.repeat(2, axis=0).repeat(3, axis=1)
    np.testing.assert_array_equal(image.mask(image.annotations[0], (8, 24)), larger)
    with pytest.raises(ValueError, match=r"annotations\[1\]: it has no segmentation, only a box"):
        image.mask(image.annotations[1], (4, 8))


def test_classes_are_in_the_order_of_their_ids(tmp_path: Path) -> None:
    ids: list[int | str] = [10, "b", 9, "a", 1]
    categories = [{"id": number, "name": f"class {number}"} for number in ids]
    file = CocoFile(write(tmp_path, content(categories=categories, annotations=[])))
    assert file.categories == ("class 1", "class 9", "class 10", "class a", "class b")


@pytest.mark.parametrize("name", ["a", "street/a", "val/street/a", "street\\a"])
def test_an_image_is_found_by_the_end_of_its_path(name: str, tmp_path: Path) -> None:
    assert len(CocoFile(write(tmp_path, content())).image(name).annotations) == 2


def test_other_folders_are_another_image(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no image 'park/a'; it has 1, such as street/a"):
        CocoFile(write(tmp_path, content())).image("park/a")


def test_label_studio_puts_digits_before_names(tmp_path: Path) -> None:
    image = {"id": 7, "file_name": "images/1a2b3c4d-a.png", "height": 4, "width": 8}
    assert len(CocoFile(write(tmp_path, content(images=[image]))).image("a").annotations) == 2


def test_a_folder_of_files(tmp_path: Path) -> None:
    write(tmp_path, content(), "val/a.json")
    other = {"id": 0, "file_name": "b.jpg", "height": 2, "width": 2}
    write(tmp_path, content(images=[other], annotations=[]), "val/b.json")
    file = CocoFile(tmp_path)
    assert len(file.image("a").annotations) == 2
    assert file.image("b").annotations == ()
    write(tmp_path, content(), "val/c.json")
    with pytest.raises(ValueError, match="street/a is there twice"):
        CocoFile(tmp_path)


def test_names_that_fit_two_images_are_refused(tmp_path: Path) -> None:
    images = [
        {"id": number, "file_name": f"{folder}/a.jpg", "height": 4, "width": 8}
        for number, folder in ((7, "one"), (8, "two"))
    ]
    file = CocoFile(write(tmp_path, content(images=images)))
    assert len(file.image("one/a").annotations) == 2
    with pytest.raises(ValueError, match="2 of its images may be 'a'"):
        file.image("a")


def thing(**changes: Any) -> list[dict[str, Any]]:
    return [{"image_id": 7, "category_id": 1, "bbox": [0, 0, 1, 1]} | changes]


@pytest.mark.parametrize(
    ("changes", "told"),
    [
        ({"annotations": thing(category_id=9)}, r"category_id 9 is not in .*, which has 1 pole"),
        ({"annotations": thing(image_id=9)}, r"annotations\[0\]: image_id 9 is not in"),
        ({"annotations": thing(bbox=[0, 0, -1, 1])}, r"bbox \[0, 0, -1, 1\] is no left, top"),
        ({"annotations": thing(bbox=[0, 0, 1])}, r"annotations\[0\] is not as in COCO"),
        ({"annotations": thing(bbox=["a", 0, 1, 1])}, r"annotations\[0\] is not as in COCO"),
        ({"annotations": thing(score=2)}, r"score 2.0 is not in \[0, 1\]"),
        ({"annotations": thing(category_id=[1])}, r"annotations\[0\] is not as in COCO"),
        ({"annotations": thing(image_id={})}, r"annotations\[0\] is not as in COCO"),
        ({"annotations": [3]}, r"annotations\[0\] is not as in COCO"),
        ({"annotations": None}, "`annotations` is no list"),
        ({"categories": None}, "is no COCO file"),
        ({"categories": [{"id": 1, "name": "a"}] * 2}, "an id stands twice in `categories`"),
        ({"images": [{"id": 7, "file_name": "a.jpg"}]}, "no 'height'"),
        ({"images": [{"id": 7, "file_name": "", "height": 1, "width": 1}]}, "names no file"),
    ],
)
def test_what_is_wrong_is_told(changes: dict[str, Any], told: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=told) as error:
        CocoFile(write(tmp_path, content(**changes)))
    assert "a.json" in str(error.value)


def test_no_file_and_no_json(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="no such file"):
        CocoFile(tmp_path / "none.json")
    with pytest.raises(FileNotFoundError, match="no COCO file"):
        CocoFile(tmp_path)
    path = tmp_path / "broken.json"
    path.write_text("{")
    with pytest.raises(ValueError, match="is no COCO file"):
        CocoFile(path)
