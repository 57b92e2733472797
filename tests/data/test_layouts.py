from __future__ import annotations

import pytest

from goodsam_pl.data.entries import Entry, MissingSplitError, Request, list_entries
from goodsam_pl.data.labels import CAMVID_IDS, CITYSCAPES_LABEL_IDS, WILDPASS_IDS
from goodsam_pl.data.layouts import PANORAMA_LAYOUTS, SOURCE_LAYOUTS


def panoramas(dataset, root, split, taxonomy="cityscapes-19") -> list[Entry]:
    return list_entries(PANORAMA_LAYOUTS, dataset, Request(root, split, taxonomy))


def sources(dataset, root, split, taxonomy="cityscapes-19") -> list[Entry]:
    return list_entries(SOURCE_LAYOUTS, dataset, Request(root, split, taxonomy))


def names(entries):
    return [entry.name for entry in entries]


def test_densepass_as_published(densepass_root):
    train = panoramas("densepass", densepass_root, "train")
    assert names(train) == [f"Oslo/{index}" for index in range(4)]
    assert {entry.label for entry in train} == {None}
    val = panoramas("densepass", densepass_root, "val")
    assert names(val) == [f"cs/{index}_" for index in range(5)]
    assert val[3].label == densepass_root / "gtFine/val/cs/3_labelTrainIds.png"
    assert panoramas("densepass", densepass_root, "test") == val


def test_a_streetworld_export_has_a_test_split_of_its_own(tmp_path, write_image, write_label):
    for split in ("val", "test"):
        write_image(f"leftImg8bit/{split}/target_0000007_.png")
        write_label(f"gtFine/{split}/target_0000007_labelTrainIds.png")
    [entry] = panoramas("densepass", tmp_path, "test")
    assert entry.name == "target_0000007_"
    assert entry.label == tmp_path / "gtFine/test/target_0000007_labelTrainIds.png"


def test_train_labels_of_panoramas_are_never_listed(tmp_path, write_image, write_label):
    write_image("leftImg8bit/train/a_.png")
    write_label("gtFine/train/a_labelTrainIds.png")
    write_image("images/a.png")
    write_label("labels/a.png")
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits/train.txt").write_text("a\n")
    for dataset in ("densepass", "wildpass", "plain"):
        assert [entry.label for entry in panoramas(dataset, tmp_path, "train")] == [None]


def test_wildpass_as_published(tmp_path, write_image, write_label):
    write_image("leftImg8bit/val/cs/Oslo1.jpg")
    label = write_label("gtFine/val/cs/Oslo1.png")
    assert panoramas("wildpass", tmp_path, "test") == [
        Entry(tmp_path / "leftImg8bit/val/cs/Oslo1.jpg", label, WILDPASS_IDS, "cs/Oslo1")
    ]


def test_a_folder_is_searched_below_and_through_links(tmp_path, write_image):
    write_image("elsewhere/deep/c.jpeg")
    write_image("root/b.PNG")
    write_image("root/a/a.jpg")
    write_image("root/.thumbnails/a.jpg")
    (tmp_path / "root/notes.txt").write_text("no image")
    (tmp_path / "root/linked").symlink_to(tmp_path / "elsewhere")
    entries = panoramas("folder", tmp_path / "root", "train")
    assert names(entries) == ["a/a", "b", "linked/deep/c"]
    assert panoramas("folder", tmp_path / "root", "test") == entries


def test_plain_splits_take_names_with_and_without_suffix(tmp_path, write_image, write_label):
    for name in ("x/one", "two", "three"):
        write_image(f"images/{name}.jpg")
        write_label(f"labels/{name}.png")
    (tmp_path / "splits").mkdir()
    (tmp_path / "splits/val.txt").write_text("two.jpg\n\nx/one\n")
    entries = panoramas("plain", tmp_path, "val", "wildpass-8")
    assert names(entries) == ["two", "x/one"]
    assert {entry.label_format.taxonomy for entry in entries} == {"wildpass-8"}
    assert sources("plain", tmp_path, "val") != entries
    (tmp_path / "splits/val.txt").write_text("two\nfour\n")
    with pytest.raises(FileNotFoundError, match=r"val\.txt, line 2: 'four' is not below .*images"):
        panoramas("plain", tmp_path, "val")
    with pytest.raises(MissingSplitError, match=r"test\.txt: no such file: write one image name"):
        panoramas("plain", tmp_path, "test")


def test_cityscapes_prefers_train_ids(tmp_path, write_image, write_label):
    for frame in ("000000", "000001"):
        write_image(f"leftImg8bit/train/ulm/ulm_{frame}_000019_leftImg8bit.png")
        write_label(f"gtFine/train/ulm/ulm_{frame}_000019_gtFine_labelIds.png")
    first = write_label("gtFine/train/ulm/ulm_000000_000019_gtFine_labelTrainIds.png")
    entries = sources("cityscapes", tmp_path, "train")
    assert entries[0].label == first
    assert entries[0].label_format.name == "trainIds of cityscapes-19"
    assert entries[1].label_format is CITYSCAPES_LABEL_IDS
    assert entries[1].name == "ulm/ulm_000001_000019_leftImg8bit"


def test_camvid_in_the_segnet_split(tmp_path, write_image, write_label):
    write_image("train/0001TP_1.jpg")
    label = write_label("trainannot/0001TP_1.png")
    [entry] = sources("camvid", tmp_path, "train")
    assert (entry.label, entry.label_format) == (label, CAMVID_IDS)
    with pytest.raises(MissingSplitError, match=r"the test split is expected there"):
        sources("camvid", tmp_path, "test")
