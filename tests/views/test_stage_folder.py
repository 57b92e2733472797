"""Stages of a panorama, written and read back."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from goodsam_pl.views.stage_folder import INDEX, Stage, StageFolder, stage_folders

LABELS = np.array([[0, 1, 255, 1]] * 2, np.uint8)
WEIGHT = np.array([[0, 85, 170, 255]] * 2, np.uint8)
PHOTOGRAPH = np.full((16, 32, 3), (90, 120, 200), np.uint8)
MASKS = np.array([[[255, 0, 9], [0, 0, 0]]] * 2, np.uint8)


def street(name: str = "oslo/1", **changes: Any) -> StageFolder:
    about: dict[str, Any] = {
        "panorama": name,
        "vertical_fov": 70.0,
        "classes": ("road", "sky"),
        "palette": ((128, 64, 128), (70, 130, 180)),
        "stages": (
            Stage("Panorama", "image", PHOTOGRAPH),
            Stage("SAM masks", "masks", MASKS),
            Stage("Fused labels E", "labels", LABELS),
            Stage("Weights M", "weight", WEIGHT),
        ),
    }
    return StageFolder(**about | changes)


def test_what_is_saved_is_loaded(tmp_path: Path) -> None:
    folder = street().save(tmp_path)
    assert folder == tmp_path / "oslo/1"
    loaded = StageFolder.load(folder)
    assert (loaded.panorama, loaded.vertical_fov) == ("oslo/1", 70.0)
    assert loaded.classes == ("road", "sky")
    assert loaded.palette == ((128, 64, 128), (70, 130, 180))
    assert [(each.name, each.kind) for each in loaded.stages] == [
        ("Panorama", "image"),
        ("SAM masks", "masks"),
        ("Fused labels E", "labels"),
        ("Weights M", "weight"),
    ]
    image, masks, labels, weight = (each.pixels for each in loaded.stages)
    assert np.abs(image.astype(int) - PHOTOGRAPH).max() <= 3  # a JPEG
    assert (masks == MASKS).all()
    assert (labels == LABELS).all()
    assert (weight == WEIGHT).all()


def test_files_are_named_by_their_stages_and_hold_plain_ids(tmp_path: Path) -> None:
    folder = street().save(tmp_path)
    files = sorted(path.name for path in folder.iterdir())
    assert files == [
        "00_panorama.jpg",
        "01_sam_masks.png",
        "02_fused_labels_e.png",
        "03_weights_m.png",
        INDEX,
    ]
    with Image.open(folder / "02_fused_labels_e.png") as image:
        assert image.mode == "L"
        assert image.getpixel((2, 0)) == 255


def test_every_panorama_below_a_folder_is_found_by_name(tmp_path: Path) -> None:
    for name in ("b", "oslo/2", "oslo/1"):
        street(name).save(tmp_path)
    found = [str(path.relative_to(tmp_path)) for path in stage_folders(tmp_path)]
    assert found == ["b", "oslo/1", "oslo/2"]
    assert stage_folders(tmp_path / "b") == [tmp_path / "b"]
    assert stage_folders(tmp_path / "nothing") == []


@pytest.mark.parametrize(
    ("make", "told"),
    [
        (lambda: Stage("s", "photo", LABELS), "'photo' is no kind"),  # type: ignore[arg-type]
        (lambda: Stage("s", "labels", MASKS), r"labels are uint8 \(H, W\), these are"),
        (lambda: Stage("s", "image", LABELS), r"image are uint8 \(H, W, 3\)"),
        (lambda: Stage("s", "weight", WEIGHT.astype(float)), "these are float64"),
        (lambda: street("../out"), "a path below a folder"),
        (lambda: street("/out"), "a path below a folder"),
        (lambda: street(vertical_fov=181), r"not in \(0, 180\]"),
        (lambda: street(palette=((0, 0, 0),)), "2 classes have 1 colours"),
        (lambda: street(classes=("a",), palette=((0, 0, 0),)), "has the id 1, and there are 1"),
    ],
)
def test_parts_that_do_not_fit_are_refused(make: Callable[[], object], told: str) -> None:
    with pytest.raises(ValueError, match=told):
        make()


@pytest.mark.parametrize(
    ("change", "told"),
    [
        ({"stages": None}, "does not say what stages there are"),
        ({"palette": [[0, 0]] * 2}, "three numbers from 0 to 255"),
        ({"vertical_fov": "wide"}, "does not say what stages there are"),
        ({"stages": [{"name": "x", "kind": "labels", "file": "../x.png"}]}, "no name of a file"),
        ({"stages": [{"name": "x", "kind": "video", "file": "x.png"}]}, "no kind of stage"),
        (
            {"stages": [{"name": "x", "kind": "labels", "file": "00_panorama.jpg"}]},
            "this is a colour image",
        ),
    ],
)
def test_a_damaged_index_is_told_with_its_path(
    change: dict[str, object], told: str, tmp_path: Path
) -> None:
    folder = street().save(tmp_path)
    path = folder / INDEX
    path.write_text(json.dumps(json.loads(path.read_text("utf-8")) | change), "utf-8")
    with pytest.raises(ValueError, match=told) as raised:
        StageFolder.load(folder)
    assert str(path) in str(raised.value)


def test_what_is_no_json_and_what_is_missing_is_told(tmp_path: Path) -> None:
    folder = street().save(tmp_path)
    (folder / "03_weights_m.png").unlink()
    with pytest.raises(FileNotFoundError, match="03_weights_m"):
        StageFolder.load(folder)
    (folder / INDEX).write_text("[1, 2", "utf-8")
    with pytest.raises(ValueError, match="does not say what stages"):
        StageFolder.load(folder)
    with pytest.raises(FileNotFoundError):
        StageFolder.load(tmp_path)
