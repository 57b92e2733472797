from __future__ import annotations

import albumentations
import numpy as np
import pytest
import torch
from PIL import Image

from goodsam_pl.data import SourceDataset, denormalize, with_labels
from goodsam_pl.data.entries import Entry
from goodsam_pl.data.labels import train_ids


def entry(image, label) -> Entry:
    return Entry(image, label, train_ids("cityscapes-19"), "street")


def test_a_sample_is_resized_normalised_and_labelled(write_image, write_label):
    item = entry(write_image("a.png", 20, 30), write_label("l.png", 20, 30))
    sample = SourceDataset([item], "cityscapes-19", size=(10, 15))[0]
    assert (sample.image.shape, sample.image.dtype) == ((3, 10, 15), torch.float32)
    assert (sample.label.shape, sample.label.dtype) == ((10, 15), torch.int64)
    assert SourceDataset([item], "cityscapes-19")[0].image.shape == (3, 20, 30)
    assert sample.name == "street"


def test_transforms_move_image_and_label_alike(tmp_path, write_label):
    ids = np.random.default_rng(0).integers(0, 19, (20, 30), dtype=np.uint8)
    Image.fromarray(np.dstack([ids] * 3)).save(tmp_path / "a.png")
    pipeline = with_labels([albumentations.RandomCrop(8, 8), albumentations.HorizontalFlip()])
    dataset = SourceDataset(
        [entry(tmp_path / "a.png", write_label("l.png", ids=ids))], "cityscapes-19", None, pipeline
    )
    samples = [dataset[0] for _ in range(4)]
    for sample in samples:
        assert torch.equal(denormalize(sample.image)[0].long(), sample.label)
    assert not all(torch.equal(samples[0].label, sample.label) for sample in samples)


def test_an_image_without_a_label_is_refused(write_image):
    path = write_image("a.png")
    with pytest.raises(ValueError, match=r"a\.png has no label"):
        SourceDataset([Entry(path, None, None, "a")], "cityscapes-19")[0]


def test_a_crop_larger_than_the_image_is_told_with_the_file(write_image, write_label):
    pipeline = with_labels([albumentations.RandomCrop(24, 30)])
    items = [entry(write_image("a.png", 20, 30), write_label("l.png", 20, 30))]
    dataset = SourceDataset(items, "cityscapes-19", None, pipeline)
    with pytest.raises(
        ValueError,
        match=r"a\.png: a crop of train_transforms is larger than the image, which has 30×20 "
        r"pixels there .*: choose a smaller crop or a larger size, or give the crop pad_if_needed",
    ):
        dataset[0]


def test_without_labels_all_is_ignored(write_image):
    item = Entry(write_image("a.png", 20, 30), None, None, "a")
    sample = SourceDataset([item], "cityscapes-19", (10, 15), labelled=False)[0]
    assert sample.label.shape == (10, 15)
    assert (sample.label == 255).all()
