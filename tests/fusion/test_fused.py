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
    winner = torch.where(filled, winner, softmax.argmax(dim=2))  # others keep their own
    fused = FusedWindows(softmax, winner.byte(), filled, filled.float(), instance_weight)
    one_hot = torch.nn.functional.one_hot(winner, 5).movedim(-1, 2)
    mixed = (1 - instance_weight) * softmax + instance_weight * one_hot
    expected = torch.where(filled.unsqueeze(2), mixed, softmax)
    # to the bit where nothing, or everything, is replaced
    rounding = 0 if instance_weight in (0, 1) else 1e-6
    torch.testing.assert_close(fused.ensemble, expected, rtol=0, atol=rounding)
    assert torch.equal(fused.label.long(), expected.argmax(dim=2))
    assert torch.equal(fused.ensemble.movedim(2, 0)[:, ~filled], softmax.movedim(2, 0)[:, ~filled])
