from __future__ import annotations

import numpy as np
import torch

from goodsam_pl.modules.ssr.block_masks import draw_block_masks


def test_a_block_is_hidden_whole_where_its_draw_is_below_the_ratio() -> None:
    masks = draw_block_masks((2, 70, 100), 32, 0.7, torch.Generator().manual_seed(3))

    draws = torch.rand(2, 1, 3, 4, generator=torch.Generator().manual_seed(3)).numpy()
    expected = np.zeros((2, 1, 70, 100), np.float32)
    for row in range(70):
        for column in range(100):
            expected[:, 0, row, column] = draws[:, 0, row // 32, column // 32] > 0.7
    np.testing.assert_array_equal(masks.numpy(), expected)


def test_the_ratio_is_hidden_on_average() -> None:
    masks = draw_block_masks((8, 512, 512), 16, 0.7, torch.Generator().manual_seed(0))
    assert abs(float(masks.mean()) - 0.3) < 0.01
