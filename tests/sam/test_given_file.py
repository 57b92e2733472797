"""A COCO file is asked about images and classes."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
from small_coco import CONCEPTS, cut_windows, write_coco

from goodsam_pl.files import content_key
from goodsam_pl.sam.given_file import GivenFile


def test_categories_are_meant_by_names_and_phrases(tmp_path: Path) -> None:
    path = write_coco(
        tmp_path,
        {"category_id": 1, "bbox": [0, 0, 1, 1]},
        {"category_id": 3, "bbox": [0, 0, 2, 2]},
        {"category_id": 2, "bbox": [0, 0, 3, 3]},
    )
    image, things = GivenFile(path).of(cut_windows(), CONCEPTS)
    assert image.size == (8, 32)
    assert [(each.annotation.category, each.concept) for each in things] == [
        ("Van", 0),
        ("pole", 1),
    ]


def test_an_image_that_it_does_not_have_is_told_of(tmp_path: Path) -> None:
    path = write_coco(tmp_path, {"category_id": 3, "bbox": [0, 0, 4, 4]})
    with pytest.raises(ValueError, match="has no image 'b'"):
        GivenFile(path).of(cut_windows(image="b"), CONCEPTS)
    with pytest.raises(FileNotFoundError, match="no such file"):
        GivenFile(str(tmp_path / "none.json")).of(cut_windows(), CONCEPTS)


def test_its_hash_is_that_of_its_content(tmp_path: Path) -> None:
    path = write_coco(tmp_path, {"category_id": 3, "bbox": [0, 0, 4, 4]})
    assert GivenFile(path).sha256 == content_key(Path(path))
    folder = GivenFile(str(tmp_path)).sha256
    write_coco(tmp_path, {"category_id": 3, "bbox": [0, 0, 4, 5]})
    assert GivenFile(str(tmp_path)).sha256 not in {folder, content_key(Path(path))}
