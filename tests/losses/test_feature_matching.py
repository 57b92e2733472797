from __future__ import annotations

import numpy as np
import pytest
import torch

from goodsam_pl.losses import feature_matching


def test_it_is_one_less_the_mean_cosine() -> None:
    torch.manual_seed(0)
    features, frozen = torch.randn(2, 5, 3, 4), torch.randn(2, 5, 3, 4)
    one, other = features.double().numpy(), frozen.double().numpy()
    cosine = (one * other).sum(1) / np.linalg.norm(one, axis=1) / np.linalg.norm(other, axis=1)
    assert float(feature_matching(features, frozen)) == pytest.approx(1 - cosine.mean(), rel=1e-5)


def test_length_does_not_count_and_opposites_are_two_apart() -> None:
    features = torch.randn(1, 5, 3, 4)
    assert float(feature_matching(features, 7 * features)) == pytest.approx(0, abs=1e-6)
    assert float(feature_matching(features, -features)) == pytest.approx(2, abs=1e-6)


def test_the_frozen_ones_are_brought_to_the_places_of_the_others() -> None:
    # left half one direction, right half another: fine and coarse features that agree are at 0
    frozen = torch.zeros(1, 2, 4, 4)
    frozen[:, 0, :, :2] = frozen[:, 1, :, 2:] = 1
    coarse = torch.zeros(1, 2, 1, 2)
    coarse[0, 0, 0, 0] = coarse[0, 1, 0, 1] = 1
    apart = float(feature_matching(coarse, frozen))
    assert apart < 0.05
    assert float(feature_matching(coarse.flip(3), frozen)) > 0.8


def test_gradients_reach_the_features_alone() -> None:
    features, frozen = torch.randn(2, 1, 5, 3, 4, requires_grad=True).unbind()
    features.retain_grad()
    frozen.retain_grad()
    feature_matching(features, frozen).backward()
    assert frozen.grad is None
    assert features.grad is not None
    assert float(features.grad.abs().sum()) > 0
