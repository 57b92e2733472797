"""Which label file belongs to which image."""

from __future__ import annotations

from pathlib import Path

import pytest

from goodsam_pl.cli.labels.given_labels import classes_beside, with_labels
from goodsam_pl.data.entries import Entry
from goodsam_pl.data.folder_labels import label_files
from goodsam_pl.taxonomy import class_file_text, read_classes

CLASSES = read_classes("car, person")


def write(root: Path, *names: str) -> None:
    for name in names:
        path = root / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()


def entries(*names: str) -> list[Entry]:
    return [Entry(Path(f"images/{name}.jpg"), None, None, name) for name in names]


def test_labels_are_called_as_their_images(tmp_path: Path) -> None:
    write(tmp_path, "a/1", "b/1", "a/.1.tmp")
    found = with_labels(entries("a/1", "b/1"), tmp_path, CLASSES)
    assert [entry.label for entry in found] == [tmp_path / "a/1.png", tmp_path / "b/1.png"]
    assert {*found[0].label_format.ids} == {0, 1, 255}  # type: ignore[union-attr]


def test_what_has_no_partner_is_named(tmp_path: Path) -> None:
    write(tmp_path, *"abcdefgh")
    with pytest.raises(FileNotFoundError, match=r"1 of 2 images have no label: .*x\.png: give"):
        with_labels(entries("a", "x"), tmp_path, CLASSES)
    with pytest.raises(ValueError, match=r"7 labels have no image: .*b\.png, .* and 2 more: give"):
        with_labels(entries("a"), tmp_path, CLASSES)


def test_labels_lie_in_the_folder_or_in_its_labels(tmp_path: Path) -> None:
    write(tmp_path / "plain", "a")
    write(tmp_path / "ours/labels", "a")
    write(tmp_path / "ours/overlays", "a")
    assert label_files(tmp_path / "plain") == tmp_path / "plain"
    assert label_files(tmp_path / "ours") == tmp_path / "ours/labels"
    with pytest.raises(FileNotFoundError, match="no such folder: give the folder of label files"):
        label_files(tmp_path / "none")
    with pytest.raises(FileNotFoundError, match="is a file"):
        label_files(tmp_path / "plain/a.png")


def test_classes_are_those_that_are_named_or_those_beside(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"has no classes\.yaml, and nothing says what the ids"):
        classes_beside(tmp_path, "")
    assert classes_beside(tmp_path, "car, person").classes == ("car", "person")
    (tmp_path / "classes.yaml").write_text(class_file_text(read_classes("tree, car")))
    assert classes_beside(tmp_path, "").classes == ("tree", "car")
    assert classes_beside(tmp_path, "car, person").classes == ("car", "person")
