from __future__ import annotations

import random

import albumentations
import numpy as np
import pytest
import torch
from jsonargparse import ArgumentParser

from goodsam_pl.data import PanoramaDataModule, photometric, with_labels
from goodsam_pl.data.transforms import draw_generator

IMAGE = np.random.default_rng(0).integers(0, 256, (16, 24, 3), dtype=np.uint8)
LABEL = np.random.default_rng(1).integers(0, 19, (16, 24), dtype=np.uint8)


def jitter() -> albumentations.ColorJitter:
    return albumentations.ColorJitter(brightness=(0.5, 1.5), p=1)


def test_a_pipeline_depends_on_its_generator_and_on_nothing_else():
    def run(pipeline, seed):
        random.seed(seed + 1)
        np.random.seed(seed + 2)  # noqa: NPY002  # the global state must not matter
        generator = np.random.default_rng(seed)
        return [pipeline.image(IMAGE, generator).sum() for _ in range(5)]

    def build():
        return photometric([jitter(), albumentations.GaussNoise(p=0.5)])

    assert run(build(), 3) == run(build(), 3)
    assert run(build(), 3) != run(build(), 4)
    assert len(set(run(build(), 3))) == 5


def test_transforms_decide_independently_of_each_other():
    # albumentations' own seed would give both the same stream: always both, or none
    pipeline = photometric(
        [
            albumentations.InvertImg(p=0.5),
            albumentations.ToGray(p=0.5),
        ]
    )
    generator = np.random.default_rng(0)
    image = np.full((2, 2, 3), (200, 30, 60), np.uint8)
    seen = set()
    for _ in range(100):
        pixel = pipeline.image(image, generator)[0, 0].astype(int)
        seen.add((bool(pixel.sum() > 400), bool(np.ptp(pixel) == 0)))
    assert len(seen) == 4


def test_an_empty_pipeline_changes_nothing():
    assert len(photometric(None)) == 0
    assert (photometric(None).image(IMAGE, np.random.default_rng(0)) == IMAGE).all()


@pytest.mark.parametrize(
    "transform",
    [
        albumentations.HorizontalFlip(),
        albumentations.OneOf([albumentations.Blur(), albumentations.RandomCrop(8, 8)]),
    ],
)
def test_panoramas_refuse_transforms_that_move_pixels(transform):
    with pytest.raises(ValueError, match=r"(HorizontalFlip|RandomCrop) moves pixels.*data\.roll"):
        photometric([jitter(), transform])
    photometric([albumentations.OneOf([albumentations.Blur(), albumentations.NoOp()])])


def test_image_and_label_move_alike():
    pipeline = with_labels([albumentations.RandomCrop(8, 8), albumentations.HorizontalFlip(p=1)])
    coded = np.dstack([LABEL] * 3)
    image, label = pipeline.image_and_label(coded, LABEL, np.random.default_rng(5))
    assert label.shape == (8, 8)
    assert (image == label[..., None]).all()


def test_what_lies_beyond_the_image_is_void():
    with pytest.raises(ValueError, match=r"PadIfNeeded fills labels with 0.*fill_mask: 255"):
        with_labels([albumentations.PadIfNeeded(32, 32)])
    with pytest.raises(ValueError, match="Rotate fills labels"):
        with_labels([albumentations.OneOf([albumentations.Rotate()])])
    with_labels([albumentations.RandomCrop(8, 8), albumentations.CoarseDropout()])
    pipeline = with_labels([albumentations.PadIfNeeded(32, 32, fill_mask=255)])
    _, label = pipeline.image_and_label(IMAGE, LABEL, np.random.default_rng(0))
    assert label.shape == (32, 32)
    assert (label == 255).sum() == 32 * 32 - 16 * 24


def test_visits_differ_repeat_with_the_seed_and_samples_differ():
    def draw():
        torch.manual_seed(4)
        return [draw_generator(index).integers(2**40) for index in (0, 0, 1)]

    assert draw() == draw()
    assert len(set(draw())) == 3
    torch.manual_seed(4)
    first = draw_generator(0).integers(2**40)
    torch.manual_seed(4)
    assert draw_generator(1).integers(2**40) != first


YAML = """
data:
  dataset: folder
  root: .
  transforms:
    - class_path: albumentations.ColorJitter
      init_args: {brightness: [0.5, 1.5], p: 0.8}
    - class_path: albumentations.OneOf
      init_args:
        p: 0.3
        transforms:
          - class_path: albumentations.GaussianBlur
          - class_path: albumentations.GaussNoise
            init_args: {std_range: [0.01, 0.05]}
"""


def parser() -> ArgumentParser:
    result = ArgumentParser(exit_on_error=False)
    result.add_class_arguments(PanoramaDataModule, "data")
    return result


@pytest.mark.filterwarnings("ignore:(?s).*does not round-trip")  # tuples are printed as lists
def test_pipelines_come_from_yaml():
    config = parser().parse_string(YAML)
    data = parser().instantiate(config).data
    color, either = data.augmentation.pipeline._compose.transforms
    assert isinstance(color, albumentations.ColorJitter)
    assert (color.brightness, color.p) == ((0.5, 1.5), 0.8)
    assert [type(each).__name__ for each in either.transforms] == ["GaussianBlur", "GaussNoise"]
    printed = parser().dump(config)
    assert parser().dump(parser().parse_string(printed)) == printed


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        ("brightness:", "brightnes:", "Option 'brightnes' is not accepted"),
        ("albumentations.ColorJitter", "albumentations.ColorJiter", "albumentations.ColorJiter"),
    ],
)
def test_a_wrong_key_or_class_is_named(right, wrong, message):
    with pytest.raises(Exception, match=message):
        parser().parse_string(YAML.replace(right, wrong))
