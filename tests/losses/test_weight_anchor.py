"""Elastic weight consolidation on functions whose derivatives are known."""

from __future__ import annotations

import pytest
import torch

from goodsam_pl.losses import anchor_penalty, fisher_diagonal


def test_importance_is_the_mean_square_of_the_batches_gradients() -> None:
    weights = {name: torch.tensor([2.0, -1.0], requires_grad=True) for name in "ab"}
    losses = ((factor * weights["a"].square()).sum() for factor in (1.0, 3.0))
    found = fisher_diagonal(losses, weights)
    # derivatives 2fθ: (4, -2) and (12, -6)
    assert found["a"].tolist() == [(16 + 144) / 2, (4 + 36) / 2]
    assert found["b"].tolist() == [0, 0]
    assert weights["a"].grad is None


def test_the_penalty_is_a_weighted_square_distance_and_pulls_back() -> None:
    weight = torch.tensor([2.0, 5.0], requires_grad=True)
    penalty = anchor_penalty(
        {"w": weight}, {"w": torch.tensor([1.0, 2.0])}, {"w": torch.tensor([10.0, 0.5])}
    )
    assert penalty.item() == 10 * 1 + 0.5 * 9
    penalty.backward()
    assert weight.grad is not None
    assert weight.grad.tolist() == [2 * 10 * 1, 2 * 0.5 * 3]


def test_without_a_batch_nothing_matters() -> None:
    with pytest.raises(ValueError, match="at least one batch"):
        fisher_diagonal([], {})
