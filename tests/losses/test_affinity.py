"""What embeddings tell of instances."""

from __future__ import annotations

import math

import pytest
import torch

from goodsam_pl.losses import affinity_loss


def test_it_is_low_where_embeddings_tell_instances_apart() -> None:
    ids = torch.arange(16) // 4
    shares = torch.nn.functional.one_hot(ids).T[None].float()
    telling = torch.zeros(1, 64, 4, 4)
    telling.flatten(2)[0, ids * 16, torch.arange(16)] = 4.0
    assert float(affinity_loss(telling, shares)) < 0.1
    assert float(affinity_loss(torch.full((1, 64, 4, 4), 1.0), shares)) > 1.0
    assert float(affinity_loss(torch.zeros(1, 64, 4, 4), shares)) > 0.5


def test_embeddings_of_zero_by_hand() -> None:
    """C = 4: every logit is −1, two patches of one instance and one of another."""
    shares = torch.tensor([[[1.0, 1.0, 0.0], [0.0, 0.0, 1.0]]])
    probability = 1 / (1 + math.e)

    def row(same: int) -> float:
        entropy = (-same * math.log(probability) - (3 - same) * math.log(1 - probability)) / 3
        return entropy + 1 - (2 * same * probability + 1) / (3 * probability + same + 1)

    large, small = 2 / math.sqrt(2), 1.0  # two patches of 1 / √2 each, one of 1
    expected = (large * row(2) + small * row(1)) / (large + small)
    assert float(affinity_loss(torch.zeros(1, 4, 1, 3), shares)) == pytest.approx(expected)
