from __future__ import annotations

import pytest
import torch

from goodsam_pl.modules.ssr.target_crop import crop_like


def test_all_places_are_cut_and_all_images_at_the_same() -> None:
    images = torch.arange(4 * 6).view(1, 1, 4, 6).expand(2, 3, -1, -1)
    generator = torch.Generator().manual_seed(0)
    crops = [crop_like(images, (3, 4), generator) for _ in range(100)]

    assert {int(crop[0, 0, 0, 0]) for crop in crops} == {0, 1, 2, 6, 7, 8}
    for crop in crops:
        first = int(crop[0, 0, 0, 0])
        expected = [[first + 6 * row + column for column in range(4)] for row in range(3)]
        assert crop.tolist() == [[expected] * 3] * 2


def test_a_crop_larger_than_the_images_is_refused() -> None:
    with pytest.raises(ValueError, match=r"source are 5×4, .* 4×6: .*data\.target\.size"):
        crop_like(torch.zeros(1, 3, 4, 6), (5, 4), torch.Generator())
