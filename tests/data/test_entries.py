"""Entries of a split: what is missing is named, and so are names and labels that are shared."""

from __future__ import annotations

import pytest

from goodsam_pl.data.entries import Entry, MissingSplitError, Request, folder_entries, list_entries
from goodsam_pl.data.layouts import PANORAMA_LAYOUTS, SOURCE_LAYOUTS


def panoramas(dataset, root, split, taxonomy="cityscapes-19") -> list[Entry]:
    return list_entries(PANORAMA_LAYOUTS, dataset, Request(root, split, taxonomy))


def sources(dataset, root, split, taxonomy="cityscapes-19") -> list[Entry]:
    return list_entries(SOURCE_LAYOUTS, dataset, Request(root, split, taxonomy))


def names(entries):
    return [entry.name for entry in entries]


def test_every_missing_thing_is_named(tmp_path, write_image):
    with pytest.raises(FileNotFoundError, match=r"absent: no such folder: set data.root"):
        panoramas("folder", tmp_path / "absent", "train")
    with pytest.raises(ValueError, match=r"no image \(.bmp.*\) in the train split of folder"):
        panoramas("folder", tmp_path, "train")
    with pytest.raises(ValueError, match=r"unknown dataset 'city'; known: densepass, wildpass"):
        panoramas("city", tmp_path, "train")
    with pytest.raises(
        MissingSplitError, match=r"leftImg8bit/train: no such folder.*data\.dataset"
    ):
        panoramas("densepass", tmp_path, "train")
    write_image("leftImg8bit/val/cs/1_.png")
    with pytest.raises(FileNotFoundError, match=r"1_\.png has no label: .*1_labelTrainIds\.png"):
        panoramas("densepass", tmp_path, "val")


def test_images_that_differ_only_in_their_suffix_keep_it(tmp_path, write_image):
    for name in ("a.png", "a.jpg", "b.png", "c/a.png", "d.png", "d.jpg", "d.jpg.png"):
        write_image(name)
    expected = ["a.jpg", "a.png", "b", "c/a", "d.jpg", "d.jpg.png", "d.png"]
    entries = panoramas("folder", tmp_path, "train")
    assert names(entries) == expected
    assert [entry.image.name for entry in entries if entry.name.startswith("d")] == [
        *("d.jpg", "d.jpg.png", "d.png"),
    ]
    assert names(folder_entries(tmp_path)) == expected


def test_all_images_that_share_a_label_are_named_at_once(tmp_path, write_image, write_label):
    for number in range(12):
        write_image(f"train/{number:02}.png")
        write_image(f"train/{number:02}.jpg")
        write_label(f"trainannot/{number:02}.png")
    with pytest.raises(ValueError, match=r"share one label: .*00\.jpg and .*00\.png; ") as error:
        sources("camvid", tmp_path, "train")
    assert "09.jpg and" in str(error.value)
    assert str(error.value).endswith("; 2 more pairs: remove one of each pair")


def test_a_root_that_is_no_folder_and_pictures_that_are_not_read(tmp_path, write_image):
    path = write_image("a.png")
    with pytest.raises(
        FileNotFoundError, match=r"a\.png: is a file: set data\.root to where folder"
    ):
        panoramas("folder", path, "train")
    with pytest.raises(
        NotADirectoryError, match=r"a\.png is a file: name the folder that it is in"
    ):
        folder_entries(path)
    path.unlink()
    for name in ("a.HEIC", "b.heic", "c.mp4", "d.txt"):
        (tmp_path / name).touch()
    with pytest.raises(
        ValueError, match=r"no image .* below it; there are 2 \.heic, 1 \.mp4, which"
    ):
        folder_entries(tmp_path)
    with pytest.raises(ValueError, match=r"train split of folder; there are 2 \.heic, 1 \.mp4"):
        panoramas("folder", tmp_path, "train")
