"""Votes of masks are those that a loop over windows, masks and classes counts."""

from __future__ import annotations

import pytest
import torch

from goodsam_pl.fusion import CTCF, mask_votes


def test_votes_are_those_of_a_loop(scene) -> None:
    votes = mask_votes(scene.probabilities, scene.layers)
    labels = scene.probabilities.argmax(dim=2).numpy()
    batch, windows, classes = scene.probabilities.shape[:3]
    masks = 7
    assert votes.shares.shape == (batch, windows, masks, classes)
    assert votes.areas.shape == (batch, windows, masks)
    for b in range(batch):
        for i in range(windows):
            for m, inside in enumerate(scene.listed[b][i]):
                area = int(inside.sum())
                assert votes.areas[b, i, m] == area
                for k in range(classes):
                    share = (labels[b, i][inside] == k).sum() / max(area, 1)
                    assert votes.shares[b, i, m, k].item() == pytest.approx(share, abs=1e-12)


def test_windows_may_have_different_numbers_of_masks() -> None:
    probabilities = torch.tensor([[0.9, 0.1], [0.2, 0.8]]).T[None].repeat(3, 1, 1).unsqueeze(2)
    masks = torch.tensor([[[-1, -1]], [[0, 1]], [[0, 0]]])[:, :, None]  # (N, L, h, w)
    votes = mask_votes(probabilities, masks)
    assert votes.areas.tolist() == [[0, 0], [1, 1], [2, 0]]
    assert votes.shares.tolist() == [
        [[0, 0], [0, 0]],
        [[1, 0], [0, 1]],
        [[0.5, 0.5], [0, 0]],
    ]


def test_a_mask_is_filled_where_its_largest_share_reaches_the_threshold(scene) -> None:
    votes = mask_votes(scene.probabilities, scene.layers[:, :, :1])  # the largest mask alone
    fused = CTCF(threshold=0.5)(scene.probabilities, scene.layers[:, :, :1])
    for b in range(2):
        for i in range(3):
            inside = torch.from_numpy(scene.listed[b][i][0])
            filled = bool(fused.filled[b, i][inside].all())
            assert filled == (votes.shares[b, i, 0].max() >= 0.5)


def test_shapes_that_do_not_belong_together_are_refused() -> None:
    with pytest.raises(ValueError, match="do not belong to probabilities"):
        mask_votes(torch.rand(2, 3, 4, 4), torch.zeros(1, 1, 4, 4, dtype=torch.int16))
