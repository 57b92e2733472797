"""Scores of label files beside sums by hand."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from PIL import Image

VOC = ("said", "voc", "--dataset", "voc", "--classes", "voc-21")


def save(path: str, ids: list[list[int]]) -> None:
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(np.array(ids, np.uint8)).save(path)


@pytest.fixture
def voc(workplace):
    """Two images of four pixels with true labels, and labels of somebody else."""
    for name in "ab":
        save(f"voc/JPEGImages/{name}.jpg", [[0] * 4])
    lists = workplace / "voc/ImageSets/Segmentation"
    lists.mkdir(parents=True)
    (lists / "train.txt").write_text("a\nb\n")
    save("voc/SegmentationClass/a.png", [[0, 0, 7, 7]])
    save("voc/SegmentationClass/b.png", [[7, 7, 255, 0]])
    save("said/labels/a.png", [[0, 7, 7, 255]])
    save("said/labels/b.png", [[7, 7, 1, 0]])


def test_iou_is_of_all_images_together(goodsam, voc):
    told = goodsam("score", *VOC, "--split", "train", "--out", "table.csv").out
    # background: 2 of 3; car: 3 of 5 (one more is said, one is missed); what is void says nothing
    mean = (2 / 3 + 3 / 5) / 2
    assert f"mIoU {mean:.2%} of 2 images; {6 / 7:.1%} of the true labels' pixels" in told
    rows = dict(line.split(",")[::2] for line in Path("table.csv").read_text().splitlines())
    assert float(rows["background"]) == pytest.approx(2 / 3)
    assert float(rows["car"]) == pytest.approx(3 / 5)
    assert rows["person"] == "nan"
    assert float(rows["mean"]) == pytest.approx(mean)


def test_the_folder_of_the_files_and_their_classes_count(goodsam, voc):
    assert "mIoU 63.33%" in goodsam("score", "said/labels", *VOC[1:], "--split", "train").out
    meanings = "to: {voc-21: {background: background, car: car}}"
    Path("said/classes.yaml").write_text(f"classes: [background, car, bird]\n{meanings}\n")
    save("said/labels/a.png", [[0, 1, 1, 255]])
    save("said/labels/b.png", [[1, 1, 2, 0]])
    assert "mIoU 63.33%" in goodsam("score", *VOC, "--split", "train").out


def test_mistakes_are_named(fails, voc, workplace):
    assert "val.txt: no such list" in fails("score", *VOC)
    save("said/labels/b.png", [[7, 7]])
    assert "b.png has (1, 2) pixels" in fails("score", *VOC, "--split", "train")
    save("said/labels/b.png", [[7, 7, 33, 0]])
    told = fails("score", *VOC, "--split", "train")
    assert "b.png: label id out of range: 1 pixels hold 33" in told
    (workplace / "said/labels/b.png").unlink()
    assert "b.jpg has no label in" in fails("score", *VOC, "--split", "train")
    save("dense/leftImg8bit/train/x.png", [[0]])
    told = fails("score", "said", "dense", "--dataset", "densepass", "--split", "train")
    assert "the train split of densepass has no true labels" in told
    save("voc/SegmentationClass/a.png", [[255] * 4])
    told = fails("score", *VOC, "--split", "train", "--limit", "1")
    assert "no pixel of train has a true label in voc-21" in told
