"""Pictures of a label, and the folders that they lie in."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image

from goodsam_pl.cli.labels.label_pictures import label_pictures, picture_kinds
from goodsam_pl.taxonomy import read_classes

CLASSES = read_classes("road, car")


def opened(content: bytes) -> np.ndarray:
    return np.asarray(Image.open(io.BytesIO(content)))


@pytest.mark.parametrize("overlay_width", [0, 4])
def test_each_folder_has_its_picture(overlay_width: int) -> None:
    pixels, label = np.zeros((2, 8, 3), np.uint8), np.zeros((2, 8), np.uint8)
    pictures = label_pictures(pixels, label, CLASSES, overlay_width)
    assert tuple(pictures) == picture_kinds(overlay_width)
    assert picture_kinds(0) == ("labels",)


def test_the_label_is_whole_and_the_overlay_half_as_strong_and_no_wider_than_asked() -> None:
    label = np.repeat([[0, 0, 0, 0, 1, 1, 255, 255]], 4, axis=0).astype(np.uint8)
    pictures = label_pictures(np.full((4, 8, 3), 100, np.uint8), label, CLASSES, 4)
    np.testing.assert_array_equal(opened(pictures["labels"]), label)
    overlay = opened(pictures["overlays"])
    assert overlay.shape == (2, 4, 3)
    for column, train_id in ((0, 0), (2, 1)):
        expected = [round((100 + colour) / 2) for colour in CLASSES.palette[train_id]]
        assert np.abs(overlay[0, column].astype(int) - expected).max() <= 1
