"""Predictions that are none are refused, and so are places that are not theirs."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch

from goodsam_pl.callbacks.prediction_checks import (
    labels_and_scores,
    refuse_folder_of_images,
    refuse_what_fits_nowhere,
)
from goodsam_pl.callbacks.prediction_outcome import UnlabelledImagesError
from goodsam_pl.data.entries import Entry
from goodsam_pl.taxonomy import get_taxonomy

CLASSES = get_taxonomy("wildpass-8")
IMAGE = torch.zeros(2, 3, 4, 6)


def check(prediction, *, wants_scores=False):
    return labels_and_scores(prediction, IMAGE, CLASSES, wants_scores=wants_scores)


def test_predictions_go_beside_images_but_not_above_them(tmp_path):
    images = tmp_path / "images"
    for allowed in (tmp_path / "predictions", images / "predictions"):
        refuse_folder_of_images(allowed, images)
    (tmp_path / "linked").symlink_to(tmp_path)
    for root in (images, tmp_path, tmp_path / "linked" / "images"):
        with pytest.raises(ValueError, match=rf"go to {root}, where .* as {root / 'predictions'}$"):
            refuse_folder_of_images(root, images)


class Data:
    """Locates the images of some names."""

    def __init__(self, *right):
        self.right = right
        self.asked = []

    def locate(self, image):
        self.asked.append(int(image.stem))
        if int(image.stem) not in self.right:
            raise ValueError(f"{image}: 90° are configured")


def entries(count):
    return [Entry(Path(f"{index}.png"), None, None, str(index)) for index in range(count)]


def test_one_image_that_fits_is_enough():
    data = Data(5)
    refuse_what_fits_nowhere(entries(8), data)
    assert data.asked == [0, 1, 2, 3, 4, 5]
    refuse_what_fits_nowhere(entries(8), None)
    refuse_what_fits_nowhere([], data)


def test_of_many_images_sixteen_are_looked_at_evenly():
    data = Data()
    with pytest.raises(UnlabelledImagesError) as error:
        refuse_what_fits_nowhere(entries(40), data)
    assert data.asked == [index * 40 // 16 for index in range(16)]
    first, *lines = str(error.value).splitlines()
    assert first == "16 of 16 images have no labels:"
    assert lines[1] == "  2.png: 90° are configured"


def test_class_ids_come_as_bytes():
    ids = torch.tensor([0, 7, 255, 3]).repeat(2, 4, 2)[..., :6]
    labels, scores = check(ids)
    assert scores is None
    assert labels.dtype == np.uint8
    assert labels[0, 0].tolist() == [0, 7, 255, 3, 0, 7]


def test_probabilities_come_with_their_largest_class():
    probabilities = torch.rand(2, 8, 4, 6, generator=torch.Generator().manual_seed(0))
    probabilities[:, 5, 1, 2] = 2.0
    labels, scores = check(probabilities, wants_scores=True)
    assert scores is probabilities
    assert labels.dtype == np.uint8
    assert labels.shape == (2, 4, 6)
    assert labels[:, 1, 2].tolist() == [5, 5]


@pytest.mark.parametrize(
    ("prediction", "wants_scores", "message"),
    [
        (torch.zeros(2, 4, 5, dtype=torch.int64), False, r"\(2, 4, 5\) .* returns whole class ids"),
        (torch.zeros(2, 4, 6), False, r"\(2, 4, 6\) .* returns whole class ids"),
        (torch.zeros(2, 4, 6, dtype=torch.int64), True, "returns probabilities"),
        (torch.zeros(2, 7, 4, 6), True, r"\(2, 7, 4, 6\) do not fit images \(2, 3, 4, 6\)"),
        (torch.zeros(2, 8, 4, 6, dtype=torch.int64), True, "returns probabilities"),
    ],
)
def test_other_forms_are_refused(prediction, wants_scores, message):
    with pytest.raises(ValueError, match=message):
        check(prediction, wants_scores=wants_scores)


@pytest.mark.parametrize("wrong", [-1, 8, 254, 256])
def test_ids_that_the_classes_do_not_have_are_refused(wrong):
    ids = torch.zeros(2, 4, 6, dtype=torch.int64)
    ids[1, 3, 5] = wrong
    with pytest.raises(ValueError, match=rf"0\.\.7 and 255, the labels hold {wrong}$"):
        check(ids)
