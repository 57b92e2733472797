from __future__ import annotations

import numpy as np
import pytest
import torch

from goodsam_pl.networks.daformer_head import DAFormerHead

B0, B5 = (32, 64, 160, 256), (64, 128, 320, 512)


@pytest.mark.parametrize("stages", [B0, B5])
def test_the_parameters_are_as_many_as_the_drawing_has(stages) -> None:
    head = DAFormerHead(stages, 19)

    wide, deep = 4 * 256, 256
    embedded = sum(each * deep + deep for each in stages)
    pixelwise = wide * deep + 2 * deep
    separable = wide * 9 + 2 * wide + pixelwise
    bottleneck = 9 * wide * deep + 2 * deep
    expected = embedded + pixelwise + 3 * separable + bottleneck + deep * 19 + 19
    assert sum(each.numel() for each in head.parameters()) == expected
    assert expected == {B0: 3_581_203, B5: 3_712_275}[stages]


def test_logits_have_the_size_of_the_finest_stage() -> None:
    sizes = [(16, 24), (8, 12), (4, 6), (2, 3)]
    features = [torch.randn(2, c, *size) for c, size in zip(B0, sizes, strict=True)]
    assert DAFormerHead(B0, 5, channels=8)(features).shape == (2, 5, 16, 24)


@pytest.mark.parametrize(("dilation", "reach"), [(1, 0), (6, 6), (12, 12), (18, 18)])
def test_a_branch_reaches_as_far_as_its_dilation(dilation: int, reach: int) -> None:
    """And the bottleneck one pixel further."""
    torch.manual_seed(0)
    head = DAFormerHead((3,), 2, channels=4, dilations=(dilation,)).double().eval()
    features = torch.randn(1, 3, 45, 45, dtype=torch.float64, requires_grad=True)
    head([features])[0, 0, 22, 22].backward()

    rows, columns = np.nonzero(features.grad[0].abs().sum(0).numpy())
    offsets = {abs(each - 22) for each in (*rows.tolist(), *columns.tolist())}
    near = {abs(each) for step in {0, reach} for each in (step - 1, step, step + 1)}
    assert offsets <= near
    assert max(offsets) == reach + 1
