from __future__ import annotations

import pytest

from goodsam_pl.data.entries import MissingSplitError, Request, list_entries
from goodsam_pl.data.layouts import SOURCE_LAYOUTS


def image(split: str, number: int) -> str:
    return f"COCO_{split}2014_{number:012d}"


def listed(root, split, labelled=True):
    return list_entries(SOURCE_LAYOUTS, "coco", Request(root, split, "coco-81", labelled))


@pytest.mark.parametrize("images", ["images/", ""])
@pytest.mark.parametrize("labels", ["labels", "SegmentationClass"])
def test_images_find_labels_of_their_name(tmp_path, write_image, write_label, images, labels):
    for split, number in (("train", 9), ("train", 25), ("val", 42)):
        write_image(f"{images}{split}2014/{image(split, number)}.jpg")
        write_label(f"{labels}/{split}2014/{image(split, number)}.png")
    train = listed(tmp_path, "train")
    assert [each.name for each in train] == [image("train", 9), image("train", 25)]
    assert train[1].label == tmp_path / f"{labels}/train2014/{image('train', 25)}.png"
    assert listed(tmp_path, "test") == listed(tmp_path, "val")
    ids = train[0].label_format.ids
    assert sorted(ids) == [*range(81), 255]
    assert all(ids[each] == each for each in ids)


def test_labels_are_found_by_the_number_of_their_image(tmp_path, write_image, write_label):
    write_image(f"images/val2014/{image('val', 42)}.jpg")
    label = write_label("SegmentationClass/val2014/000000000042.png")
    assert [each.label for each in listed(tmp_path, "val")] == [label]


def test_a_list_takes_some_images(tmp_path, write_image, write_label):
    for number in (1, 2):
        write_image(f"images/train2014/{image('train', number)}.jpg")
        write_label(f"labels/train2014/{image('train', number)}.png")
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits/train.txt").write_text(f"{image('train', 2)}\n")
    assert [each.name for each in listed(tmp_path, "train")] == [image("train", 2)]


def test_without_label_files_it_is_said_how_they_are_made(tmp_path, write_image):
    write_image(f"images/train2014/{image('train', 1)}.jpg")
    with pytest.raises(
        MissingSplitError, match=r"goodsam paint .*/annotations/instances_train2014\.json"
    ):
        listed(tmp_path, "train")
    assert [each.label for each in listed(tmp_path, "train", labelled=False)] == [None]
