"""Things of images: folders of ``goodsam label`` and COCO files, and what is refused of them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from goodsam_pl.masks.coco import compress_counts, counts_of
from goodsam_pl.masks.found_things import FoundThings, ImageThings, read_things

SIZE = (4, 6)
IMAGE = Path("/far/away/images/train/a/b.png")


def _mask(left: int) -> np.ndarray:
    mask = np.zeros(SIZE, dtype=bool)
    mask[1:3, left:] = True
    return mask


def _segmentation(left: int) -> dict[str, Any]:
    return {"size": list(SIZE), "counts": compress_counts(counts_of(_mask(left)))}


def _label_folder(root: Path, name: str, **changes: Any) -> FoundThings:
    things = [
        {"class": "pole", "score": 0.5, "segmentation": _segmentation(4)},
        {"class": "rider", "score": 1.0, "segmentation": _segmentation(2)},
    ]
    record = {"fingerprint": "of this run", "size": list(SIZE), "sha256": "ab", "things": things}
    record |= changes
    path = root / "things" / f"{name}.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(record))
    words = {"pole": ["pole"], "rider": ["rider"]}
    about = {"fingerprint": "of this run", "identity": {"words": words}}
    (root / "labels.json").write_text(json.dumps(about))
    return read_things(root)


def _coco(path: Path, **changes: Any) -> FoundThings:
    things = [
        {"category_id": 3, "score": 0.5, "segmentation": _segmentation(4)},
        {"category_id": 8, "segmentation": _segmentation(2), **changes},
    ]
    content = {
        "images": [{"id": 1, "file_name": "train/a/b.png", "height": 4, "width": 6}],
        "categories": [{"id": 3, "name": "pole"}, {"id": 8, "name": "rider"}],
        "annotations": [{"image_id": 1, "bbox": [0, 0, 1, 1], **each} for each in things],
    }
    path.write_text(json.dumps(content))
    return read_things(path)


def _are_both(found: ImageThings) -> None:
    assert found.size == SIZE
    first, second = found.things
    assert (first.category, first.score) == ("pole", 0.5)
    assert (second.category, second.score) == ("rider", 1.0)
    rows, columns = np.arange(4), np.arange(6)
    np.testing.assert_array_equal(first.mask.sample(rows, columns), _mask(4))
    np.testing.assert_array_equal(second.mask.sample(rows, columns), _mask(2))


@pytest.mark.parametrize("name", ["a/b", "train/a/b", "images/train/a/b"])
def test_a_folder_of_labels_is_found_from_any_folder_above_the_split(
    tmp_path: Path, name: str
) -> None:
    found = _label_folder(tmp_path, name)
    assert found.categories == ("pole", "rider")
    assert found.knows(IMAGE, "a/b")
    _are_both(found.of(IMAGE, "a/b"))
    assert found.of(IMAGE, "a/b").image_sha256 == "ab"
    assert not found.knows(IMAGE.with_name("c.png"), "a/c")


def test_a_coco_file_says_the_same(tmp_path: Path) -> None:
    found = _coco(tmp_path / "things.json")
    assert found.categories == ("pole", "rider")
    assert found.knows(IMAGE, "a/b")
    assert not found.knows(IMAGE.with_name("c.png"), "a/c")
    _are_both(found.of(IMAGE, "a/b"))
    assert found.of(IMAGE, "a/b").image_sha256 is None


def test_content_changes_with_what_is_written_down(tmp_path: Path) -> None:
    before = _label_folder(tmp_path / "folder", "a/b").content(IMAGE, "a/b")
    assert _label_folder(tmp_path / "folder", "a/b").content(IMAGE, "a/b") == before
    assert _label_folder(tmp_path / "folder", "a/b", sha256="cd").content(IMAGE, "a/b") != before
    path = tmp_path / "things.json"
    listed = _coco(path).content(IMAGE, "a/b")
    assert _coco(path).content(IMAGE, "a/b") == listed
    assert _coco(path, score=0.9).content(IMAGE, "a/b") != listed
    assert _coco(path, segmentation=_segmentation(3)).content(IMAGE, "a/b") != listed


def test_what_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="find things with `goodsam label IMAGES"):
        read_things(tmp_path / "nothing")
    with pytest.raises(ValueError, match=r"is no folder of `goodsam label` \(labels.json is miss"):
        read_things(tmp_path)
    found = _label_folder(tmp_path, "a/b")
    with pytest.raises(FileNotFoundError, match=r"has no things of .*c\.png"):
        found.content(IMAGE.with_name("c.png"), "a/c")
    listed = _coco(tmp_path / "things.json")
    with pytest.raises(FileNotFoundError, match="has no image"):
        listed.of(IMAGE.with_name("c.png"), "a/c")


@pytest.mark.parametrize(
    "changes",
    [
        {"things": [{"class": "pole", "score": 2, "segmentation": _segmentation(1)}]},
        {"things": [{"class": "pole", "score": 1}]},
        {"size": [5, 6]},
        {"things": None},
    ],
    ids=["score", "no mask", "size", "nothing"],
)
def test_a_damaged_record_is_named(tmp_path: Path, changes: dict[str, Any]) -> None:
    found = _label_folder(tmp_path, "a/b", **changes)
    with pytest.raises(ValueError, match=r"b\.json is damaged .*run `goodsam label` again"):
        found.of(IMAGE, "a/b")


def test_a_record_of_another_run_is_refused(tmp_path: Path) -> None:
    found = _label_folder(tmp_path, "a/b", fingerprint="of another run")
    with pytest.raises(ValueError, match=r"b\.json was made otherwise than .*labels\.json says"):
        found.of(IMAGE, "a/b")


def test_boxes_without_masks_are_refused_with_the_way_to_masks(tmp_path: Path) -> None:
    path = tmp_path / "things.json"
    content = json.loads((_coco(path), path.read_text())[1])
    del content["annotations"][1]["segmentation"]
    path.write_text(json.dumps(content))
    with pytest.raises(ValueError, match=r"annotations\[1\]: it has no segmentation.*SAM fill"):
        read_things(path).of(IMAGE, "a/b")
