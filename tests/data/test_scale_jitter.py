from __future__ import annotations

import numpy as np
import pytest

from goodsam_pl.data.masked_image import ImageWithMask
from goodsam_pl.data.scale_jitter import ScaleJitter


def pair(size=(20, 30), where=(slice(5, 15), slice(10, 20))):
    mask = np.zeros(size, dtype=bool)
    mask[where] = True
    image = np.where(mask[..., None], 250, 10).astype(np.uint8)
    return ImageWithMask(np.repeat(image, 3, axis=2), mask)


def draw(seed=0):
    return np.random.default_rng(seed)


def test_what_is_smaller_is_padded_with_grey():
    image, mask = ScaleJitter(60, (0.5, 0.5))(pair(), draw())
    assert image.shape == (60, 60, 3)
    assert np.array_equal(image[:20, :30], pair().image)
    assert (image[20:] == 128).all()
    assert (image[:, 30:] == 128).all()
    assert np.array_equal(mask[:20, :30], pair().mask)
    assert mask.sum() == 100


def test_what_is_larger_is_cropped_image_and_mask_alike():
    corners = set()
    for seed in range(20):
        image, mask = ScaleJitter(60, (2.0, 2.0))(pair(), draw(seed))
        assert mask.any()
        assert mask.shape == (60, 60)
        assert image[mask].mean() > 200
        assert image[~mask].mean() < 60
        corners.add(tuple(np.argwhere(mask)[0].tolist()))
    assert len(corners) > 5


def test_scales_are_uniform_between_the_factors():
    random = draw()
    jitter = ScaleJitter(300, (0.2, 0.9))
    widths = [
        np.ptp(np.flatnonzero(jitter(pair(), random).mask.any(axis=0))) + 1 for _ in range(300)
    ]
    factors = np.array(widths) / 100  # of a third of the square
    assert 0.19 < factors.min() < 0.23
    assert 0.87 < factors.max() < 0.91
    assert factors.mean() == pytest.approx(0.55, abs=0.03)


@pytest.mark.parametrize("corner", [(0, 0), (39, 59), (0, 59), (20, 30)])
def test_a_crop_never_loses_a_small_mask(corner):
    small = pair((40, 60), corner)
    for seed in range(10):
        assert ScaleJitter(8, (8.0, 8.0))(small, draw(seed)).mask.any()
        assert ScaleJitter(8, (0.2, 0.2))(small, draw(seed)).mask.any()


def test_factors_that_cannot_be_are_refused():
    for scales in ((0, 1), (2, 1)):
        with pytest.raises(ValueError, match=r"jitter \[.*\]: give the smallest and the largest"):
            ScaleJitter(8, scales)
