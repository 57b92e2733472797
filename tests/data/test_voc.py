from __future__ import annotations

import numpy as np
import pytest
from PIL import Image

from goodsam_pl.data.entries import MissingSplitError, Request, list_entries
from goodsam_pl.data.labels import LabelReader
from goodsam_pl.data.layouts import SOURCE_LAYOUTS

NAMES = ("2007_000027", "2007_000032", "2008_000008")
LISTS = {"train": NAMES[:1], "val": NAMES[1:2], "trainval": NAMES[:2]}


@pytest.fixture
def root(tmp_path, write_image, write_label):
    for name in NAMES:
        write_image(f"JPEGImages/{name}.jpg", 20, 30)
        write_label(f"SegmentationClassAug/{name}.png", 20, 30, classes=21)
    for name in NAMES[:2]:
        write_label(f"SegmentationClass/{name}.png", 20, 30, classes=21)
    lists = tmp_path / "ImageSets/Segmentation"
    lists.mkdir(parents=True)
    for name, held in LISTS.items():
        (lists / f"{name}.txt").write_text("\n".join(held) + "\n")
    return tmp_path


def listed(dataset, root, split, labelled=True):
    return list_entries(SOURCE_LAYOUTS, dataset, Request(root, split, "voc-21", labelled))


def test_the_released_splits(root):
    [train] = listed("voc", root, "train")
    assert (train.name, train.image) == (NAMES[0], root / f"JPEGImages/{NAMES[0]}.jpg")
    assert train.label == root / f"SegmentationClass/{NAMES[0]}.png"
    assert [each.name for each in listed("voc", root, "val")] == [NAMES[1]]
    assert listed("voc", root, "test") == listed("voc", root, "val")
    assert [each.name for each in listed("voc_trainval", root, "train")] == list(NAMES[:2])


@pytest.mark.parametrize("name", ["train_aug", "trainaug"])
@pytest.mark.parametrize("form", ["{0}", "/JPEGImages/{0}.jpg /SegmentationClassAug/{0}.png"])
def test_sbd_adds_images_to_train_on_and_none_to_validate_on(root, name, form):
    lines = [form.format(each) for each in (NAMES[0], NAMES[2])]
    (root / f"ImageSets/Segmentation/{name}.txt").write_text("\n".join(lines))
    train = listed("voc_aug", root, "train")
    assert [each.label for each in train] == [
        root / f"SegmentationClassAug/{each}.png" for each in (NAMES[0], NAMES[2])
    ]
    assert [each.label for each in listed("voc_aug", root, "val")] == [
        root / f"SegmentationClass/{NAMES[1]}.png"
    ]


def test_without_labels_the_list_is_enough(root):
    for path in (root / "SegmentationClass").iterdir():
        path.unlink()
    assert [each.label for each in listed("voc", root, "train", labelled=False)] == [None]
    with pytest.raises(FileNotFoundError, match="has no label"):
        listed("voc", root, "train")


def test_mistakes_are_named(root):
    with pytest.raises(MissingSplitError, match=r"train_aug\.txt: no such list .* SBD's labels"):
        listed("voc_aug", root, "train")
    with pytest.raises(FileNotFoundError, match=r"JPEGImages: no such folder"):
        listed("voc", root / "ImageSets", "train")
    place = root / "ImageSets/Segmentation/train.txt"
    place.write_text("2007_999999\n")
    with pytest.raises(FileNotFoundError, match=r"train\.txt, line 1: '2007_999999' is not below"):
        listed("voc", root, "train")
    place.write_text(f"{NAMES[0]}\n{NAMES[0]}\n")
    with pytest.raises(ValueError, match=r"line 2: .* stands there twice"):
        listed("voc", root, "train")


def test_a_palette_file_is_read_by_its_indices(root):
    """VOC's labels are pictures in colours, 255 the cream line around things."""
    ids = np.array([[0, 1, 20], [15, 255, 255]], np.uint8)
    picture = Image.fromarray(ids)
    picture.putpalette([each * 3 % 256 for each in range(768)])
    [entry] = listed("voc", root, "train")
    picture.save(entry.label)
    assert LabelReader("voc-21").read(entry.label, entry.label_format).tolist() == ids.tolist()
    Image.fromarray(np.full((2, 2), 21, np.uint8)).save(entry.label)
    with pytest.raises(
        ValueError,
        match=r"000027\.png: label id out of range: 4 pixels hold 21; .* 0\.\.20 and 255",
    ):
        LabelReader("voc-21").read(entry.label, entry.label_format)
