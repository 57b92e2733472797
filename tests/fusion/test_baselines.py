"""What CTCF is compared with does what its public rule says, to the bit."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from goodsam_pl.fusion import SEPL, SSA, Fusion, MajorityVote, NoFusion


def _none(own, sure, masks, label, weight) -> None:
    weight[:] = sure


def _majority(own, sure, masks, label, weight) -> None:
    weight[:] = sure
    for mask in masks:
        counts = np.bincount(own[mask], minlength=5)
        if 2 * counts.max() > mask.sum():
            label[mask], weight[mask] = counts.argmax(), True


def _ssa(own, sure, masks, label, weight) -> None:
    weight[:] = True
    for mask in masks:
        if mask.sum() >= 100:
            label[mask] = np.bincount(own[mask], minlength=5).argmax()


def _sepl(own, sure, masks, label, weight) -> None:
    weight[:] = ~np.any(masks, axis=0)
    for mask in masks:
        counts = np.bincount(own[mask], minlength=5)
        stands = [
            counts[k]
            if counts[k] > 0.5 * mask.sum() or 0 < counts[k] >= 0.85 * (own == k).sum()
            else 0
            for k in range(5)
        ]
        if max(stands) > 0:
            label[mask], weight[mask] = np.argmax(stands), True


@pytest.mark.parametrize(
    ("fusion", "rule"),
    [
        (NoFusion(0.6), _none),
        (MajorityVote(0.5, 0.6), _majority),
        (SSA(100), _ssa),
        (SEPL(), _sepl),
    ],
)
def test_it_is_the_loop_over_masks_to_the_bit(scene, fusion: Fusion, rule) -> None:
    fused = fusion(scene.probabilities, scene.layers)
    for place in np.ndindex(2, 3):
        softmax = scene.probabilities[place].numpy()
        own, sure = softmax.argmax(0), softmax.max(0) >= np.float32(0.6)
        label, weight = own.copy(), np.zeros(own.shape, bool)
        rule(own, sure, scene.listed[place[0]][place[1]], label, weight)
        np.testing.assert_array_equal(fused.label[place].numpy(), label)
        np.testing.assert_array_equal(fused.weight[place].numpy(), weight)
        outside = ~fused.filled[place]
        np.testing.assert_array_equal(own[outside.numpy()], fused.label[place][outside].numpy())


def test_a_small_mask_without_majority_leaves_what_a_larger_one_painted() -> None:
    labels = torch.tensor([0, 0, 0, 0, 1, 2])
    softmax = torch.nn.functional.one_hot(labels, 3).T.float().view(1, 3, 1, 6)
    masks = torch.tensor([[0] * 6, [-1, -1, -1, -1, 1, 1]]).view(1, 2, 1, 6)
    fused = MajorityVote()(softmax, masks)
    assert fused.label.flatten().tolist() == [0] * 6
    assert torch.equal(fused.ensemble.argmax(dim=1).flatten(), torch.zeros(6, dtype=torch.int64))
