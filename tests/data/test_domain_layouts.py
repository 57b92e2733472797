from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from domain_files import block, write_domain, write_mask, write_picture, write_split_domain

from goodsam_pl.data.domain_layouts import DOMAIN_LAYOUTS


def listed(layout: str, root: Path, folders: dict[str, str] | None = None) -> dict[str, list[str]]:
    found = DOMAIN_LAYOUTS[layout](root, folders)
    return {split: [each.name for each in images] for split, images in found.items()}


def write_beside(folder: Path, *numbers: int) -> None:
    for number in numbers:
        write_picture(folder / f"{number}.jpg", number)
        write_mask(folder / f"{number}.png", block(number))


def test_folders_with_and_without_splits(tmp_path):
    write_split_domain(tmp_path / "split", 2, 1, 1)
    assert listed("folders", tmp_path / "split") == {
        "train": ["00", "01"], "val": ["02"], "test": ["03"],
    }  # fmt: skip
    write_domain(tmp_path / "whole", 3)
    assert listed("folders", tmp_path / "whole") == {"train": ["00", "01", "02"]}
    by_name = {"test": "train", "train": "test"}
    assert listed("folders", tmp_path / "split", by_name) == {
        "train": ["03"], "test": ["00", "01"],
    }  # fmt: skip


def test_groups_of_mvtec(tmp_path):
    write_beside(tmp_path / "group1/new_train", 1, 2)
    write_beside(tmp_path / "group1/new_test", 3)
    folders = {"train": "new_train", "test": "new_test"}
    assert listed("beside", tmp_path / "group1", folders) == {"train": ["1", "2"], "test": ["3"]}
    write_beside(tmp_path / "rail", 4, 5)
    assert listed("beside", tmp_path / "rail") == {"train": ["4", "5"]}
    write_beside(tmp_path / "bs/train", 6)
    write_beside(tmp_path / "bs/test", 7)
    assert listed("beside", tmp_path / "bs") == {"train": ["6"], "test": ["7"]}


def test_camo_as_published(tmp_path):
    for number, split in ((1, "Train"), (2, "Train"), (3, "Test")):
        write_picture(tmp_path / f"Images/{split}/camourflage_{number:05d}.jpg", number)
        write_mask(tmp_path / f"GT/camourflage_{number:05d}.png", block(number))
    expected = {
        "train": ["camourflage_00001", "camourflage_00002"], "test": ["camourflage_00003"],
    }  # fmt: skip
    assert listed("camo", tmp_path) == expected
    twin = tmp_path / "Images/Train/camourflage_00001.png"
    write_picture(twin, 1)
    with pytest.raises(ValueError, match="have one name, 'camourflage_00001'"):
        listed("camo", tmp_path)
    twin.unlink()
    write_mask(tmp_path / "GT/camourflage_00009.png", block(9))
    with pytest.raises(FileNotFoundError, match=r"camourflage_00009\.png is a mask without"):
        listed("camo", tmp_path)
    with pytest.raises(FileNotFoundError, match="GT: no such folder"):
        listed("camo", tmp_path / "Images")


def test_coco_is_there_to_be_tested_on(tmp_path):
    with pytest.raises(FileNotFoundError, match="val2017: no such folder"):
        listed("coco", tmp_path)
    (tmp_path / "val2017").mkdir()
    with pytest.raises(FileNotFoundError, match=r"annotations/instances_val2017\.json: no such"):
        listed("coco", tmp_path)
