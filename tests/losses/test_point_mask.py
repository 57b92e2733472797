"""Losses at points against sums by hand."""

from __future__ import annotations

import math

import pytest
import torch

from goodsam_pl.losses import point_mask_loss, values_at


def test_both_terms_by_hand_for_hard_and_soft_targets_of_another_size() -> None:
    random = torch.Generator().manual_seed(1)
    logits = torch.randn(2, 1, 6, 5, generator=random)
    targets = torch.rand(2, 1, 9, 9, generator=random)
    points = torch.rand(2, 7, 2, generator=random)
    entropies, dices = [], []
    for drawn, wanted in zip(values_at(logits, points), values_at(targets, points), strict=True):
        chances = [1 / (1 + math.exp(-z)) for z in drawn.tolist()]
        pairs = list(zip(chances, wanted.tolist(), strict=True))
        entropies += [-(t * math.log(p) + (1 - t) * math.log(1 - p)) for p, t in pairs]
        overlap = sum(p * t for p, t in pairs)
        dices.append(1 - (2 * overlap + 1) / (sum(chances) + sum(wanted.tolist()) + 1))
    loss = point_mask_loss(logits, targets, points)
    assert loss.cross_entropy.item() == pytest.approx(sum(entropies) / 14, rel=1e-5)
    assert loss.dice.item() == pytest.approx(sum(dices) / 2, rel=1e-5)


def test_a_sure_right_mask_costs_nothing() -> None:
    target = torch.zeros(1, 1, 8, 8)
    target[..., :4] = 1
    points = torch.tensor([[[0.2, 0.5], [0.9, 0.5], [0.3, 0.7]]])
    loss = point_mask_loss(200 * target - 100, target, points)
    assert loss.cross_entropy.item() == pytest.approx(0, abs=1e-6)
    assert loss.dice.item() == pytest.approx(0, abs=1e-6)
