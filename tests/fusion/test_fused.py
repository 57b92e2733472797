"""The ensemble is its formula."""

from __future__ import annotations

import pytest
import torch

from goodsam_pl.fusion import FusedWindows


@pytest.mark.parametrize("instance_weight", [0.0, 0.25, 1.0])
def test_the_winner_replaces_as_much_as_its_weight_says(instance_weight: float) -> None:
    generator = torch.Generator().manual_seed(0)
    softmax = torch.randn(2, 3, 5, 4, 6, generator=generator).softmax(dim=2)
    winner = torch.randint(0, 5, (2, 3, 4, 6), generator=generator)
    filled = torch.rand(2, 3, 4, 6, generator=generator) < 0.5
    fused = FusedWindows(softmax, winner.byte(), filled, filled.float(), instance_weight)
    one_hot = torch.nn.functional.one_hot(winner, 5).movedim(-1, 2)
    mixed = (1 - instance_weight) * softmax + instance_weight * one_hot
    expected = torch.where(filled.unsqueeze(2), mixed, softmax)
    if instance_weight == 0.25:
        torch.testing.assert_close(fused.ensemble, expected)
        assert torch.equal(fused.label.long(), expected.argmax(dim=2))
    else:
        assert torch.equal(fused.ensemble, expected)
    assert torch.equal(fused.ensemble.movedim(2, 0)[:, ~filled], softmax.movedim(2, 0)[:, ~filled])
