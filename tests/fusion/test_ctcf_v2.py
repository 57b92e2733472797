"""CTCF v2: thresholds are means over the masks of a size, votes carry confidence."""

from __future__ import annotations

from fractions import Fraction

import numpy as np
import torch

from goodsam_pl.fusion import CTCFv2
from goodsam_pl.fusion.ctcf_v2 import area_level
from goodsam_pl.fusion.votes import UNIT


def _thresholds_by_loop(weights, own, windows, limits):
    """Winner and verdict of every mask of one panorama, in exact arithmetic."""
    found = []
    for window, masks in enumerate(windows):
        for mask in masks:
            votes = [int(weights[window][mask & (own[window] == k)].sum()) for k in range(5)]
            share = Fraction(max(votes) * UNIT // sum(votes), UNIT)
            level = sum(int(mask.sum()) >= limit for limit in limits)
            found.append((window, mask, int(np.argmax(votes)), share, level))
    means = {
        level: sum(each[3] for each in found if each[4] == level)
        / sum(each[4] == level for each in found)
        for level in {each[4] for each in found}
    }
    return [
        (window, mask, winner, share >= means[level])
        for window, mask, winner, share, level in found
    ]


def test_it_is_the_loop_over_masks_to_the_bit(scene) -> None:
    fusion = CTCFv2(area_limits=(40, 120), confidence=0.6)
    fused = fusion(scene.probabilities, scene.layers)
    for batch in range(2):
        softmax = scene.probabilities[batch].numpy()
        own, best = softmax.argmax(1), softmax.max(1)
        weights = np.rint(best * np.float32(UNIT)).astype(np.int64)
        label, trusted = own.copy(), best >= np.float32(0.6)
        verdicts = _thresholds_by_loop(weights, own, scene.listed[batch], (40, 120))
        for window, mask, winner, accepted in verdicts:
            label[window][mask] = winner if accepted else own[window][mask]
            trusted[window][mask] = accepted
        np.testing.assert_array_equal(fused.label[batch].numpy(), label)
        np.testing.assert_array_equal(fused.weight[batch].numpy(), trusted)


def test_a_panorama_is_fused_alike_alone_and_in_a_batch(scene) -> None:
    together = CTCFv2((40, 120))(scene.probabilities, scene.layers)
    alone = CTCFv2((40, 120))(scene.probabilities[1], scene.layers[1])
    assert torch.equal(together.label[1], alone.label)
    assert torch.equal(together.weight[1], alone.weight)


def test_limits_belong_to_the_larger_level() -> None:
    areas = torch.tensor([1, 1023, 1024, 9215, 9216])
    assert area_level(areas, (32**2, 96**2)).tolist() == [0, 0, 1, 1, 2]
