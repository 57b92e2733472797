"""A share that just reaches its threshold is enough."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from goodsam_pl.fusion import CTCF, SEPL, SSA, CTCFv2, Fusion, MajorityVote


def _softmax(labels: list[int], classes: int = 3) -> Tensor:
    """Certain predictions of one row of pixels, ``(1, K, 1, P)``."""
    return F.one_hot(torch.tensor(labels), classes).T.float().view(1, classes, 1, -1)


def _masks(*layers: list[int]) -> Tensor:
    return torch.tensor(layers, dtype=torch.int16)[None, :, None]


def test_masks_that_are_all_alike_reach_their_mean() -> None:
    # two of three in each: the mean of their level is just their share
    softmax = _softmax([0, 0, 1, 2, 2, 1])
    fused = CTCFv2(confidence=2.0)(softmax, _masks([0, 0, 0, 1, 1, 1]))
    assert fused.label.flatten().tolist() == [0, 0, 0, 2, 2, 2]
    assert fused.weight.flatten().tolist() == [1.0] * 6


def test_below_the_mean_of_its_own_level_a_mask_is_not_trusted() -> None:
    # of the small ones 3/4 and 1/2, of the medium one 1/3: it stands alone on its level
    softmax = _softmax([0, 0, 0, 1, 0, 1, *[0, 1, 2] * 4])
    masks = _masks([1, 1, 1, 1, 2, 2, *[0] * 12])
    fused = CTCFv2(area_limits=(12, 100), confidence=2.0)(softmax, masks)
    assert fused.weight.flatten().tolist() == [1.0] * 4 + [0.0] * 2 + [1.0] * 12
    assert fused.label.flatten().tolist() == [0] * 4 + [0, 1] + [0] * 12


@pytest.mark.parametrize(
    ("fusion", "accepted"),
    [
        (CTCF(threshold=0.5), True),  # reaches
        (CTCF(threshold=0.51), False),
        (MajorityVote(majority=0.5), False),  # exceeds
        (MajorityVote(majority=0.49), True),
        (SSA(least_area=4), True),  # reaches
        (SSA(least_area=5), False),
        (SEPL(inside=0.5, covered=1.0), False),  # exceeds
        (SEPL(inside=1.0, covered=0.5), True),  # reaches
        (SEPL(inside=1.0, covered=0.51), False),
    ],
)
def test_half_of_a_mask_reaches_a_half_and_does_not_exceed_it(
    fusion: Fusion, accepted: bool
) -> None:
    # two of the mask's four pixels are 1, and half of the pixels of each class lie in the mask
    said = [1, 1, 0, 2, 1, 1, 0, 2]
    fused = fusion(_softmax(said), _masks([0, 0, 0, 0, -1, -1, -1, -1]))
    assert fused.label.flatten().tolist() == ([1] * 4 if accepted else said[:4]) + said[4:]


@pytest.mark.parametrize(("confidence", "trusted"), [(0.75, 1.0), (0.76, 0.0)])
def test_a_pixel_outside_every_mask_is_trusted_from_its_confidence_on(
    confidence: float, trusted: float
) -> None:
    softmax = torch.tensor([0.75, 0.25]).view(1, 2, 1, 1)
    fused = CTCF(confidence=confidence)(softmax, _masks([-1]))
    assert fused.weight.item() == trusted


@pytest.mark.parametrize(("share", "label"), [(0.25, 0), (0.26, 1)])
def test_a_label_from_the_distinct_share_on_is_filled_over(share: float, label: int) -> None:
    fused = CTCF(distinct_share=share)(_softmax([0, 0, 0, 1]), _masks([0] * 4))
    assert fused.label.flatten().tolist() == [0, 0, 0, label]
