"""A folder of labels says whose they are."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest
from PIL import Image

from goodsam_pl.cli.labels.label_folder import LabelFolder
from goodsam_pl.data.entries import Entry, folder_entries
from goodsam_pl.files import content_key
from goodsam_pl.taxonomy import read_classes

RECORD = {"size": [2, 3], "claimed": 0.5, "things": []}


@pytest.fixture
def entries(tmp_path: Path) -> list[Entry]:
    (tmp_path / "images").mkdir()
    for index in range(2):
        Image.new("RGB", (3, 2), (index, 0, 0)).save(tmp_path / f"images/{index}.png")
    return folder_entries(tmp_path / "images")


def taken(root: Path, **identity: object) -> LabelFolder:
    folder = LabelFolder(root / "out", {"kind": "test"} | identity, ("labels",))
    folder.begin(read_classes("car"), folder_entries(root / "images"), overwrite=False)
    return folder


def put(folder: LabelFolder, entry: Entry, sha256: str) -> None:
    with folder.claim(entry) as claimed:
        assert claimed is not None
        folder.write(entry, {"labels": b"picture"}, {"sha256": sha256, **RECORD}, claimed)


def test_an_image_is_done_while_it_is_the_same(tmp_path: Path, entries: list[Entry]) -> None:
    folder = taken(tmp_path)
    assert folder.done(entries[0]) is None
    put(folder, entries[0], content_key(entries[0].image))
    assert folder.done(entries[0]) is not None
    assert folder.picture("labels", entries[0]).read_bytes() == b"picture"
    folder.picture("labels", entries[0]).unlink()
    assert folder.done(entries[0]) is None
    put(folder, entries[0], "0" * 64)
    assert folder.done(entries[0]) is None


def test_what_was_made_of_a_label_is_done_while_that_is_the_same(
    tmp_path: Path, entries: list[Entry]
) -> None:
    folder = taken(tmp_path)
    label = tmp_path / "label.png"
    label.write_bytes(b"one")
    entry = replace(entries[0], label=label)
    with folder.claim(entry) as claimed:
        assert claimed is not None
        keys = {"sha256": content_key(entry.image), "label_sha256": content_key(label)}
        folder.write(entry, {"labels": b"picture"}, {**RECORD, **keys}, claimed)
    assert folder.done(entry) is not None
    label.write_bytes(b"another")
    assert folder.done(entry) is None


def test_labels_that_were_made_otherwise_are_refused(tmp_path: Path, entries: list[Entry]) -> None:
    folder = taken(tmp_path)
    put(folder, entries[0], "0" * 64)
    with pytest.raises(ValueError, match="kind is 'test' there and 'other' here"):
        taken(tmp_path, kind="other")
    other = LabelFolder(tmp_path / "out", {"kind": "other"}, ("labels",))
    other.begin(read_classes("car"), entries, overwrite=True)
    assert other.read(entries[0]) is None
    put(other, entries[0], "0" * 64)
    (tmp_path / "out/labels.json").unlink()
    with pytest.raises(ValueError, match=r"holds labels, and no labels\.json that says whose"):
        taken(tmp_path)
    (tmp_path / "out/labels.json").write_text("{}")
    with pytest.raises(ValueError, match="does not say whose labels these are"):
        taken(tmp_path)


def test_overwriting_that_is_stopped_leaves_no_label_of_before(
    tmp_path: Path, entries: list[Entry]
) -> None:
    folder = taken(tmp_path)
    for entry in entries:
        put(folder, entry, "0" * 64)
    (tmp_path / "out/labels/of_another_folder.png").write_bytes(b"picture")
    other = LabelFolder(tmp_path / "out", {"kind": "other"}, ("labels",))
    other.begin(read_classes("car"), entries, overwrite=True)
    assert not any(other.picture("labels", entry).exists() for entry in entries)
    assert (tmp_path / "out/labels/of_another_folder.png").exists()
    put(other, entries[0], "1" * 64)
    other.begin(read_classes("car"), entries, overwrite=True)  # another process, or a restart
    assert other.picture("labels", entries[0]).exists()


def test_the_end_sums_up_what_is_there(tmp_path: Path, entries: list[Entry]) -> None:
    folder = taken(tmp_path)
    images = tmp_path / "images"
    assert folder.finish(entries, ["car"], images) is None
    put(folder, entries[1], "0" * 64)
    assert folder.finish(entries, ["car"], images) == 0.5
    content = json.loads((tmp_path / "out/instances.json").read_text())
    assert [each["file_name"] for each in content["images"]] == ["1.png"]
    left = [path.name for path in (tmp_path / "out").rglob(".*") if path.name != ".goodsam"]
    assert left == []


def test_another_process_has_it_in_hand(tmp_path: Path, entries: list[Entry]) -> None:
    folder = taken(tmp_path)
    with folder.claim(entries[0]) as first, folder.claim(entries[0]) as second:
        assert first is not None
        assert second is None
