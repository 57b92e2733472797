from __future__ import annotations

import numpy as np
import pytest
import torch
from segment_anything.utils.transforms import ResizeLongestSide

from goodsam_pl.data import SquareFrame, denormalize


@pytest.mark.parametrize("original", [(20, 30), (77, 41), (64, 64), (200, 3)])
def test_sizes_are_those_of_sam(original):
    frame = SquareFrame(original, 64)
    assert frame.inner == ResizeLongestSide.get_preprocess_shape(*original, 64)
    pixels = np.random.default_rng(0).integers(0, 256, (*original, 3), dtype=np.uint8)
    image = frame.image(pixels)
    height, width = frame.inner
    inside = denormalize(image)[:, :height, :width].permute(1, 2, 0).numpy()
    assert np.array_equal(inside, ResizeLongestSide(64).apply_image(pixels))
    assert image.shape == (3, 64, 64)
    assert not image[:, height:].any()
    assert not image[:, :, width:].any()


def test_logits_come_back_as_sam_brings_them_back():
    frame = SquareFrame((40, 100), 64)
    logits = torch.randn(2, 3, 16, 16, generator=torch.Generator().manual_seed(0))
    square = torch.nn.functional.interpolate(logits, (64, 64), mode="bilinear")
    cut = square[..., :26, :64]  # 40 · 64 / 100 = 25.6
    expected = torch.nn.functional.interpolate(cut, (40, 100), mode="bilinear")
    torch.testing.assert_close(frame.restore(logits), expected)
    torch.testing.assert_close(frame.restore(logits[0, 1]), expected[0, 1])


def test_masks_and_points_lie_where_the_image_lies():
    frame = SquareFrame((20, 30), 60)
    mask = np.zeros((20, 30), dtype=bool)
    mask[4:8, 10:25] = True
    square = frame.mask(mask)
    assert square.shape == (60, 60)
    assert np.argwhere(square).min(axis=0).tolist() == [8, 20]
    assert np.argwhere(square).max(axis=0).tolist() == [15, 49]
    # the centre of a pixel becomes the centre of its block of 2×2
    assert frame.points(np.array([[10, 4], [24, 7]], np.float32)).tolist() == [
        [20.5, 8.5], [48.5, 14.5],
    ]  # fmt: skip
    assert np.array_equal(SquareFrame((5, 5), 5).points(np.eye(2, dtype=np.float32)), np.eye(2))
