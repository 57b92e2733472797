from __future__ import annotations

import numpy as np
import pytest
import torch

from goodsam_pl.data import denormalize, normalize


def test_imagenet_statistics():
    image = normalize(np.full((2, 3, 3), 255, np.uint8))
    assert image.dtype == torch.float32
    assert image.shape == (3, 2, 3)
    # the well-known largest values of a normalised image
    assert image[:, 0, 0].tolist() == pytest.approx([2.2489, 2.4286, 2.64], abs=1e-4)


def test_all_256_values_come_back():
    ramp = np.arange(256, dtype=np.uint8).reshape(16, 16, 1).repeat(3, axis=2)
    back = denormalize(normalize(ramp)[None])
    assert back.dtype == torch.uint8
    assert torch.equal(back[0].permute(1, 2, 0), torch.from_numpy(ramp))
    assert denormalize(torch.tensor([9.0, -9.0, 0.0]).view(3, 1, 1)).flatten().tolist()[:2] == [
        255,
        0,
    ]
