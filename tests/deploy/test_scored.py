"""Scores of files are those of ``goodsam score``."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from goodsam_pl.data import PanoramaFormat
from goodsam_pl.deploy.scored import labelled_images, mean_iou
from goodsam_pl.taxonomy import get_taxonomy

CITY = get_taxonomy("cityscapes-19")


def _road(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    return np.zeros(pixels.shape[:2], np.uint8)


def _true_of_b(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    labels = _road(pixels)
    labels[:, 0] = 1
    return labels


def test_miou_is_over_all_pixels_of_the_split(labelled: Path) -> None:
    images = labelled_images(labelled, "plain", "val", CITY)
    assert images.name == f"the 2 images of val of {labelled.name} (plain)"
    scores = mean_iou({"road": _road, "b": _true_of_b}, images, None, CITY)
    pixels, column = 2 * 32 * 128, 32
    road_alone = (pixels - column) / pixels  # and sidewalk is never found
    assert scores["road"] == pytest.approx(road_alone / 2)
    both = (pixels - 2 * column) / (pixels - column) + column / (2 * column)
    assert scores["b"] == pytest.approx(both / 2)


def test_pixels_outside_of_what_the_network_sees_miss_their_class(labelled: Path) -> None:
    images = labelled_images(labelled, "plain", "val", CITY)
    half = PanoramaFormat((16, 128), vertical_fov=45.0, file_vertical_fov=90.0)
    seen: list[tuple[int, ...]] = []

    def road(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
        seen.append(pixels.shape)
        return _road(pixels)

    whole = mean_iou({"road": _road}, images, None, CITY)["road"]
    upper = mean_iou({"road": road}, images, half, CITY)["road"]
    assert seen == [(16, 128, 3)] * 2
    assert upper == pytest.approx(whole / 2, rel=0.01)


def test_a_split_without_labels_is_refused(labelled: Path) -> None:
    with pytest.raises(ValueError, match=r"the test split of folder has no true labels|unknown"):
        labelled_images(labelled, "folder", "test", CITY)
