"""Images are gone through; what went wrong is told at the end."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from goodsam_pl.callbacks.prediction_outcome import UnlabelledImagesError
from goodsam_pl.cli.labels.label_folder import LabelFolder
from goodsam_pl.cli.labels.label_work import LabelWork, SeenImage
from goodsam_pl.data.entries import Entry, folder_entries
from goodsam_pl.files import content_key
from goodsam_pl.taxonomy import read_classes


class Maker:
    """Cannot read some images, and has no label of others."""

    def __init__(self, unreadable: str = "", refused: str = "") -> None:
        self.unreadable = unreadable
        self.refused = refused
        self.done: list[str] = []

    def read(self, entry: Entry) -> SeenImage:
        if entry.name in self.unreadable:
            raise OSError(f"{entry.name} is broken")
        pixels = np.zeros((2, 2, 3), np.uint8)
        return SeenImage(entry.name, content_key(entry.image), pixels, None)

    def label(self, image: SeenImage) -> tuple[Mapping[str, bytes], dict[str, Any]]:
        if image.name in self.refused:
            raise ValueError(f"{image.name}: no label")
        self.done.append(image.name)
        record = {"sha256": image.sha256, "size": [2, 2], "claimed": 1.0, "things": []}
        return {"labels": b"picture"}, record


@pytest.fixture
def entries(tmp_path: Path) -> list[Entry]:
    (tmp_path / "images").mkdir()
    for index, name in enumerate("abcd"):
        Image.new("RGB", (2, 2), (index, 0, 0)).save(tmp_path / f"images/{name}.png")
    return folder_entries(tmp_path / "images")


@pytest.fixture
def folder(tmp_path: Path, entries: list[Entry]) -> LabelFolder:
    found = LabelFolder(tmp_path / "out", {"kind": "test"}, ("labels",))
    found.begin(read_classes("car"), entries, overwrite=False)
    return found


def test_each_image_is_done_once(entries: list[Entry], folder: LabelFolder) -> None:
    maker = Maker()
    first = LabelWork(maker, folder)
    first.do(entries[:3], show_progress=False)
    second = LabelWork(maker, folder)
    second.do(entries, show_progress=False)
    assert maker.done == ["a", "b", "c", "d"]
    assert (first.labelled, first.present) == (3, 0)
    assert (second.labelled, second.present) == (1, 3)
    second.report(4, "raise")


def test_what_fails_is_named_in_the_end(
    entries: list[Entry], folder: LabelFolder, caplog: pytest.LogCaptureFixture
) -> None:
    work = LabelWork(Maker(unreadable="a", refused="c"), folder)
    work.do(entries, show_progress=False)
    assert (work.labelled, len(work.failed)) == (2, 2)
    told = r"2 of 4 images have no labels:\n.*a is broken\n.*c: no label"
    with pytest.raises(UnlabelledImagesError, match=told):
        work.report(4, "raise")
    work.report(4, "skip")
    assert "2 of 4 images have no labels" in caplog.text


def test_without_any_label_skipping_is_an_error(entries: list[Entry], folder: LabelFolder) -> None:
    work = LabelWork(Maker(unreadable="abcd"), folder)
    work.do(entries, show_progress=False)
    with pytest.raises(UnlabelledImagesError):
        work.report(4, "skip")


def test_a_first_image_without_a_label_ends_all(entries: list[Entry], folder: LabelFolder) -> None:
    maker = Maker(refused="a")
    with pytest.raises(ValueError, match="a: no label"):
        LabelWork(maker, folder).do(entries, show_progress=False)
    assert maker.done == []
