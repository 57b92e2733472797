from __future__ import annotations

import colorsys

import numpy as np
import pytest
import torch

from goodsam_pl.data import IMAGENET_MEAN, IMAGENET_STD
from goodsam_pl.modules.ssr.mixed_image import augment, blur, jitter

GREY = np.array([0.2989, 0.587, 0.114])[:, None, None]


def _pixels() -> np.ndarray:
    return np.random.default_rng(0).uniform(0.2, 0.7, (3, 9, 11)).astype(np.float32)


@pytest.mark.parametrize("change", [-0.2, 0.0, 0.15])
def test_each_change_of_colour_is_that_of_numpy(change: float) -> None:
    pixels = _pixels()
    grey = (GREY * pixels).sum(0)
    expected = [
        pixels * (1 + change),
        grey.mean() + (1 + change) * (pixels - grey.mean()),
        grey + (1 + change) * (pixels - grey),
    ]
    for place, wanted in enumerate(expected):
        changes = [0.0] * 4
        changes[place] = change
        found = jitter(torch.from_numpy(pixels), *changes).numpy()
        np.testing.assert_allclose(found, wanted.clip(0, 1), atol=2e-3)

    turned = jitter(torch.from_numpy(pixels), 0.0, 0.0, 0.0, change).numpy()
    for row, column in np.ndindex(9, 11):
        hue, saturation, value = colorsys.rgb_to_hsv(*pixels[:, row, column].tolist())
        wanted = colorsys.hsv_to_rgb((hue + change) % 1, saturation, value)
        np.testing.assert_allclose(turned[:, row, column], wanted, atol=1e-5)


def test_the_blur_is_that_of_numpy() -> None:
    pixels, sigma, radius = _pixels(), 0.8, 4  # radius: ceil(4 · 0.8)
    steps = np.arange(-radius, radius + 1)
    kernel = np.exp(-(steps**2) / (2 * sigma**2))
    kernel /= kernel.sum()
    padded = np.pad(pixels, ((0, 0), (radius, radius), (radius, radius)), mode="reflect")
    expected = np.zeros_like(pixels)
    for row, column in np.ndindex(9, 11):
        part = padded[:, row : row + 2 * radius + 1, column : column + 2 * radius + 1]
        expected[:, row, column] = (part * np.outer(kernel, kernel)).sum((1, 2))
    np.testing.assert_allclose(blur(torch.from_numpy(pixels), sigma).numpy(), expected, atol=1e-5)


def test_four_in_five_are_jittered_half_are_blurred_and_the_rest_stays() -> None:
    mean, std = (torch.tensor(each).view(3, 1, 1) for each in (IMAGENET_MEAN, IMAGENET_STD))
    images = ((torch.from_numpy(_pixels()) - mean) / std).expand(400, -1, -1, -1)
    changed = augment(images, torch.Generator().manual_seed(0))

    assert changed.shape == images.shape
    is_same = (changed - images).abs().flatten(1).amax(1) < 1e-5
    assert is_same.float().mean() == pytest.approx(0.2 * 0.5, abs=0.04)
    assert torch.equal(changed, augment(images, torch.Generator().manual_seed(0)))
    assert not torch.equal(changed, augment(images, torch.Generator().manual_seed(1)))


def test_an_image_narrower_than_the_kernel_is_blurred_by_a_smaller_one() -> None:
    assert blur(torch.rand(3, 3, 8), 1.15).shape == (3, 3, 8)
