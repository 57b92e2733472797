"""What embeddings tell of instances."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch

from goodsam_pl.losses import affinity_loss, anchor_loss


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


def test_anchors_draw_their_instance_by_likeness() -> None:
    """Every place an anchor: against loops in NumPy, with the draw replaced by a permutation."""
    random = np.random.default_rng(4)
    features = random.normal(size=(1, 12, 5))
    ids = np.array([0] * 7 + [1] * 4 + [2])
    expected = []
    for anchor in range(12):
        total, overlap, probabilities, same = 0.0, 0.0, 0.0, 0.0
        for place in range(12):
            lengths = np.linalg.norm(features[0, anchor]) * np.linalg.norm(features[0, place])
            logit = 14 * (features[0, anchor] @ features[0, place] / lengths - 0.6)
            probability, target = 1 / (1 + np.exp(-logit)), float(ids[anchor] == ids[place])
            entropy = -math.log(probability if target else 1 - probability)
            total += (probability - target) ** 2 * entropy / 12
            overlap += probability * target
            probabilities += probability
            same += target
        expected.append(20 * total + 1 - (2 * overlap + 1) / (probabilities + same + 1))
    # as many anchors as places, drawn without repetition
    loss = anchor_loss(torch.tensor(features), torch.tensor(ids)[None], anchors=12)
    assert float(loss) == pytest.approx(np.mean(expected), rel=1e-4)


def test_anchors_are_drawn_with_the_square_root_of_the_area() -> None:
    """One place of a small instance beside 99 of a large one: drawn 1 time in 1 + √99."""
    torch.manual_seed(0)
    ids = torch.zeros(1, 100, dtype=torch.int64)
    ids[:, 7] = 1
    features = torch.zeros(1, 100, 2)
    features[..., 0] = 1.0
    features[0, 7] = torch.tensor([0.0, 1.0])
    losses = [round(float(anchor_loss(features, ids, anchors=1)), 6) for _ in range(4000)]
    large, small = sorted(set(losses))  # an anchor among 99 like places, and one alone
    assert losses.count(small) / 4000 == pytest.approx(1 / (1 + math.sqrt(99)), abs=0.015)
    assert large < small
