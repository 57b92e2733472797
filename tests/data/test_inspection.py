"""Every fault that a file can have, in one pass over a split."""

from __future__ import annotations

import shutil

import numpy as np
import pytest

from goodsam_pl.data import (
    AdaptationDataModule,
    InstanceDataModule,
    PanoramaDataModule,
    SourceDataModule,
)
from goodsam_pl.data.inspection import Inspection
from goodsam_pl.data.split_sums import duplicates_of, look_at_all

SIZES = {"size": (24, 128), "window_size": (24, 24), "window_stride": (24, 16)}


def panoramas(root, **options):
    return PanoramaDataModule(dataset="densepass", root=root, **SIZES, **options)


def looked(data, workers=0, splits=("train", "val", "test")):
    return {each.split.name: each for each in look_at_all(data.inspected(splits), workers, print)}


def test_a_sound_data_set_has_no_fault(densepass_root):
    sums = looked(panoramas(densepass_root))
    assert [(len(each.looked), each.labelled, each.same_as) for each in sums.values()] == [
        (4, 0, None),
        (5, 5, None),
        (0, 0, "val"),  # DensePASS labels one split
    ]
    assert not any(each.stops or each.without_class() for each in sums.values())
    assert sums["train"].void is None
    assert sums["val"].void == 0
    assert sum(sums["val"].shares.values()) == pytest.approx(1)
    assert duplicates_of([*sums.values()]) == []


@pytest.mark.parametrize("workers", [0, 1])
def test_each_fault_is_told_and_none_ends_the_pass(
    densepass_root, write_image, write_label, workers
):
    labels = "gtFine/val/cs/{}_labelTrainIds.png".format
    (densepass_root / labels(0)).unlink()
    write_label(labels(1), classes=40)
    write_label(labels(2), height=12)
    (densepass_root / labels(3)).write_bytes(b"nothing")
    write_image("leftImg8bit/val/cs/3_.png", height=100)
    broken = densepass_root / "leftImg8bit/train/Oslo/0.png"
    broken.write_bytes(broken.read_bytes()[:500])
    (densepass_root / "leftImg8bit/train/Oslo/1.png").unlink()
    (densepass_root / "leftImg8bit/train/Oslo/1.png").symlink_to("nowhere.png")
    sums = looked(panoramas(densepass_root), workers, ("train", "val"))

    def told(split):
        return [(each.kind, each.file.relative_to(densepass_root)) for each in sums[split].faults]

    assert [(kind, path.name) for kind, path in told("train")] == [
        ("broken", "0.png"),
        ("missing", "1.png"),
    ]
    assert [(kind, path.name) for kind, path in told("val")] == [
        ("missing", "0_labelTrainIds.png"),
        ("ids", "1_labelTrainIds.png"),
        ("size", "2_labelTrainIds.png"),
        ("aspect", "3_.png"),
        ("broken", "3_labelTrainIds.png"),
    ]
    messages = [each.message for each in sums["val"].faults]
    assert "label id out of range" in messages[1]
    assert "export the label at the size of its image" in messages[2]
    assert "are 360° by 281.2°, but 67.5° are configured" in messages[3]
    assert "link to nowhere.png" in sums["train"].faults[1].message
    assert sums["val"].labelled == 1
    assert sums["train"].stops
    assert sums["val"].stops


def test_void_and_classes_are_counted_in_all_labels(densepass_root, write_label):
    ids = np.full((24, 128), 255, np.uint8)
    for index in range(5):
        write_label(f"gtFine/val/cs/{index}_labelTrainIds.png", ids=ids)
    road = ids.copy()
    road[:12, :64], road[:12, 64:] = 0, 8
    write_label("gtFine/val/cs/0_labelTrainIds.png", ids=road)
    val = looked(panoramas(densepass_root), splits=("val",))["val"]
    assert [each.void for each in val.looked] == [0.5, 1, 1, 1, 1]
    assert val.void == 0.9
    assert {name: share for name, share in val.shares.items() if share} == {
        "road": 0.5,
        "vegetation": 0.5,
    }
    assert [path.name for path in val.without_class()] == ["1_.png", "2_.png", "3_.png", "4_.png"]


def test_a_test_image_in_training_is_found_by_its_pixels(densepass_root):
    images = densepass_root / "leftImg8bit"
    shutil.copy(images / "train/Oslo/2.png", images / "train/Oslo/twice.png")
    shutil.copy(images / "val/cs/4_.png", images / "train/Oslo/leaked.png")
    sums = [*looked(panoramas(densepass_root)).values()]
    leak, twice = duplicates_of(sums)
    assert leak.is_leak
    assert [(name, path.name) for name, path in leak.files] == [
        ("train", "leaked.png"),
        ("val", "4_.png"),
    ]
    assert not twice.is_leak
    assert [path.name for _, path in twice.files] == ["2.png", "twice.png"]


def test_a_split_that_is_scored_on_what_it_is_trained_on_is_a_leak(
    tmp_path, write_image, write_label
):
    for name in "ab":
        write_image(f"images/{name}.png", seed=ord(name))
        write_label(f"labels/{name}.png", classes=5)
    (tmp_path / "splits").mkdir()
    for split in ("train", "val", "test"):
        (tmp_path / f"splits/{split}.txt").write_text("a\nb\n")
    sums = [*looked(SourceDataModule(dataset="plain", root=tmp_path)).values()]
    assert [each.same_as for each in sums] == [None, "train", "train"]
    found = duplicates_of(sums)
    assert [[(name, path.name) for name, path in each.files] for each in found] == [
        [("train", "a.png"), ("val", "a.png"), ("test", "a.png")],
        [("train", "b.png"), ("val", "b.png"), ("test", "b.png")],
    ]
    assert all(each.is_leak for each in found)


def test_lists_are_read_past_their_wrong_lines(tmp_path, write_image, write_label):
    for name in "ab":
        write_image(f"images/{name}.png", seed=ord(name))
        write_label(f"labels/{name}.png", classes=5)
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits/train.txt").write_text("a\nnowhere\nb\na\n")
    data = SourceDataModule(dataset="plain", root=tmp_path)
    sums = looked(data)
    assert len(sums["train"].looked) == 2
    assert [fault.split("train.txt, ")[1] for fault in sums["train"].split.found.faults] == [
        f"line 2: 'nowhere' is not below {tmp_path / 'images'}",
        "line 4: 'a' stands in line 1 already: remove one of them",
    ]
    assert sums["train"].stops
    assert "write one image name per line" in sums["val"].split.found.absent
    assert not sums["val"].stops
    (tmp_path / "splits/train.txt").unlink()
    assert looked(data)["train"].stops


def test_transforms_are_tried_on_each_size(tmp_path, write_image, write_label):
    from albumentations import RandomCrop  # noqa: PLC0415  # after goodsam_pl has set it up

    for name, height in (("a", 24), ("b", 24), ("c", 64)):
        write_image(f"images/{name}.png", height=height)
        write_label(f"labels/{name}.png", height=height)
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits/train.txt").write_text("a\nb\nc\n")
    crop = RandomCrop(height=32, width=32, fill_mask=255)
    data = SourceDataModule(dataset="plain", root=tmp_path, train_transforms=[crop])
    (told,) = looked(data, splits=("train",))["train"].rehearsed
    assert told.startswith(f"{tmp_path / 'images/a.png'}: a crop of train_transforms is larger")


def test_labels_that_no_table_translates_are_a_fault_of_the_split(tmp_path, write_image):
    write_image("train/a.png")
    write_image("trainannot/a.png")
    data = SourceDataModule(dataset="camvid", root=tmp_path, taxonomy="stanford2d3d-13")
    train = looked(data, splits=("train",))["train"]
    assert len(train.split.found.faults) == 1
    assert "stanford2d3d-13" in train.split.found.faults[0]
    assert (len(train.looked), train.labelled, train.faults) == (1, 0, [])


def test_both_domains_of_an_adaptation_are_looked_at(tmp_path, densepass_root, write_image):
    write_image("images/a.png", seed=2)  # as the target's train/Oslo/2.png
    (tmp_path / "labels").mkdir()
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits/train.txt").write_text("a\n")
    source = SourceDataModule(dataset="plain", root=tmp_path)
    sums = looked(AdaptationDataModule(source=source, target=panoramas(densepass_root)))
    assert [*sums] == ["source train", "train", "val", "test"]
    assert [each.kind for each in sums["source train"].faults] == ["missing"]
    assert sums["source train"].stops
    shutil.copy(densepass_root / "gtFine/val/cs/0_labelTrainIds.png", tmp_path / "labels/a.png")
    sums = looked(AdaptationDataModule(source=source, target=panoramas(densepass_root)))
    (duplicate,) = duplicates_of([*sums.values()])
    assert [name for name, _ in duplicate.files] == ["source train", "train"]
    assert not duplicate.is_leak


def test_scenes_that_are_damaged_are_named(tmp_path):
    data = InstanceDataModule(cache=str(tmp_path), panoramas=2, photographs=0)
    assert [len(each.found.entries) for each in data.inspected(("train", "val"))] == [0]
    path = data.dataset.panoramas.files[0]
    arrays = {"image": np.zeros((8, 16, 3), np.uint8), "instances": np.zeros((8, 16), np.int16)}
    np.savez(path, **arrays)
    assert looked(data)["train"].faults == []
    path.write_bytes(path.read_bytes()[:-40])
    (fault,) = looked(data)["train"].faults
    assert fault.kind == "broken"
    assert "remove it, it is drawn anew" in fault.message


def test_warnings_of_the_reader_stay_with_their_file(densepass_root, caplog):
    from PIL import Image  # noqa: PLC0415

    path = densepass_root / "leftImg8bit/train/Oslo/3.png"
    pixels = np.asarray(Image.open(path)).copy()
    pixels[:, :4] = 0
    Image.fromarray(pixels).save(path)
    split = panoramas(densepass_root).inspected(("train",))[0]
    notes = [Inspection(split)[index].notes for index in range(4)]
    assert notes[:3] == [(), (), ()]
    assert "pure black in columns on the left" in notes[3][0]
    assert caplog.text == ""
