"""Label files of a COCO file, pixel by pixel."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from goodsam_pl.data.labels import LabelReader, train_ids
from goodsam_pl.taxonomy import get_taxonomy

PERSON, CAR, BRUSH = (
    {"id": 1, "name": "person"},
    {"id": 3, "name": "car"},
    {"id": 90, "name": "toothbrush"},
)


def square(left: int, top: int, width: int, height: int) -> dict:
    right, bottom = left + width, top + height
    corners = [left, top, right, top, right, bottom, left, bottom]
    return {"bbox": [left, top, width, height], "segmentation": [corners]}


def write(things: list[dict], categories: list[dict], images: int = 1) -> str:
    content = {
        "images": [
            {"id": number, "file_name": f"COCO_{number}.jpg", "height": 6, "width": 8}
            for number in range(images)
        ],
        "annotations": [{"image_id": 0, **thing} for thing in things],
        "categories": categories,
    }
    Path("instances.json").write_text(json.dumps(content))
    return "instances.json"


def painted(name: str = "COCO_0") -> np.ndarray:
    return np.asarray(Image.open(f"out/{name}.png"))


def test_ids_are_contiguous_and_the_smallest_thing_is_in_front(goodsam):
    small, large = square(2, 2, 2, 2), square(0, 0, 6, 6)
    file = write(
        [{**small, "category_id": 90}, {**large, "category_id": 1}], [PERSON, CAR, BRUSH], images=2
    )
    told = goodsam("paint", file, "out", "--classes", "coco-81", "--unclaimed", "background").out
    assert "2 label files of coco-81" in told
    expected = np.zeros((6, 8), np.uint8)
    expected[:, :6] = 1
    expected[2:4, 2:4] = 80  # the category 90
    np.testing.assert_array_equal(painted(), expected)
    assert not painted("COCO_1").any()
    read = LabelReader("coco-81").read(Path("out/COCO_0.png"), train_ids("coco-81"))
    np.testing.assert_array_equal(read, expected)
    assert tuple(Image.open("out/COCO_0.png").getpalette()[3:6]) == (128, 0, 0)


def test_a_crowd_is_behind_everything_whatever_its_size(goodsam):
    whole = np.zeros((6, 8), np.uint8)
    whole[1:3, 1:3] = 1
    flat = whole.T.ravel()
    runs = np.flatnonzero(np.diff(np.concatenate([[0], flat, [1 - flat[-1]]])))
    counts = np.diff(np.concatenate([[0], runs])).tolist()
    crowd = {"bbox": [1, 1, 2, 2], "segmentation": {"size": [6, 8], "counts": counts}}
    file = write(
        [
            {**square(0, 0, 8, 6), "category_id": 3},
            {**crowd, "iscrowd": 1, "category_id": 1},
        ],
        [PERSON, CAR],
    )
    goodsam("paint", file, "out", "--classes", "coco-81")
    assert (painted() == 3).all()
    file = write([{**crowd, "iscrowd": 1, "category_id": 1}], [PERSON])
    goodsam("paint", file, "out", "--classes", "coco-81")
    np.testing.assert_array_equal(painted(), np.where(whole, 1, 255))


def test_all_categories_of_coco_find_their_class(goodsam):
    gaps = {12, 26, 29, 30, 45, 66, 68, 69, 71, 83}
    sparse = [number for number in range(1, 91) if number not in gaps]
    names = get_taxonomy("coco-81").classes[1:]
    categories = [{"id": number, "name": name} for number, name in zip(sparse, names, strict=True)]
    for number in (1, 13, 46, 90):
        file = write([{**square(0, 0, 8, 6), "category_id": number}], categories)
        goodsam("paint", file, "out", "--classes", "coco-81")
        assert painted().tolist() == [[sparse.index(number) + 1] * 8] * 6


def test_a_list_of_images_with_a_thing(goodsam):
    file = write([{**square(2, 2, 3, 3), "category_id": 1}], [PERSON], images=3)
    goodsam("paint", file, "out", "--classes", "coco-81", "--listing", "splits/train.txt")
    assert Path("splits/train.txt").read_text() == "COCO_0\n"


def test_words_of_a_class_file_name_its_class(goodsam):
    Path("own.yaml").write_text("classes: [{name: vehicle, id: 7, phrases: [car, Tooth-brush]}]")
    things = [{**square(0, 0, 4, 6), "category_id": 3}, {**square(4, 0, 4, 6), "category_id": 90}]
    goodsam("paint", write(things, [CAR, BRUSH]), "out", "--classes", "own.yaml")
    assert (painted() == 7).all()


def test_what_is_no_class_is_an_error_or_void(goodsam, fails):
    things = [{**square(0, 0, 4, 6), "category_id": 3}, {**square(4, 0, 4, 6), "category_id": 90}]
    words = ("paint", write(things, [CAR, BRUSH]), "out", "--classes", "background, car")
    assert "the category 'toothbrush' is no class of classes" in fails(*words)
    goodsam(*words, "--others", "void", "--unclaimed", "background")
    assert painted().tolist() == [[1] * 4 + [255] * 4] * 6


@pytest.mark.parametrize(
    ("options", "told"),
    [
        (("--classes", ""), "no class names"),
        (("--classes", "car", "--unclaimed", "background"), "has no class of that name"),
    ],
)
def test_mistakes(fails, options, told):
    assert told in fails("paint", write([], [CAR]), "out", *options)


@pytest.mark.parametrize("name", ["COCO_0.png", "val/photograph.jpg"])
def test_pictures_of_others_are_not_painted_over(goodsam, fails, name):
    Path("out/val").mkdir(parents=True)
    Image.new("RGB", (8, 6), (9, 9, 9)).save(f"out/{name}")
    before = Path("out", name).read_bytes()
    words = ("paint", write([], [CAR]), "out", "--classes", "car")
    assert f"out has pictures that nobody painted ({Path('out', name)}" in fails(*words)
    assert [path for path in Path("out").rglob("*") if path.is_file()] == [Path("out", name)]
    assert Path("out", name).read_bytes() == before
    Path("out", name).unlink()
    goodsam(*words)
    goodsam(*words)  # its own are painted anew


def test_a_box_alone_is_no_mask(fails):
    words = ("out", "--classes", "car")
    file = write([{"bbox": [0, 0, 2, 2], "category_id": 3}], [CAR])
    assert "annotations[0]: it has no segmentation" in fails("paint", file, *words)
    file = write([{**square(0, 0, 2, 2), "category_id": 5}], [CAR])
    assert "category_id 5 is not in `categories`" in fails("paint", file, *words)
