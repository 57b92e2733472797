"""Packed probabilities keep what a target needs."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F

from goodsam_pl.data import pack_probabilities, unpack_probabilities


@pytest.mark.parametrize("shape", [(2, 5, 8, 16), (2, 3, 5, 8, 16)])
def test_uniform_regions_come_back_within_a_step(shape: tuple[int, ...]) -> None:
    probabilities = torch.rand(*shape[:-2], 1, 1).softmax(-3).expand(shape).contiguous()
    packed = pack_probabilities(probabilities)
    assert packed.dtype == torch.uint8
    assert packed.shape == (*shape[:-2], 2, 4)
    unpacked = unpack_probabilities(packed)
    assert unpacked.shape == shape
    # a step of rounding, and as much by making the sum 1 again
    assert (unpacked - probabilities).abs().max() < 2 / 255
    torch.testing.assert_close(unpacked.sum(-3), torch.ones(unpacked.sum(-3).shape))


def test_a_packed_value_is_the_mean_of_its_square() -> None:
    probabilities = torch.rand(1, 3, 4, 8).softmax(1)
    packed = pack_probabilities(probabilities)
    expected = probabilities.view(1, 3, 4, 2, 4).mean((2, 4))[:, :, None]
    assert (packed.float() / 255 - expected).abs().max() <= 0.5 / 255 + 1e-6


def test_unpacking_is_bilinear_between_centres() -> None:
    one_hot = F.one_hot(torch.tensor([[0, 1]]), 2).movedim(-1, 0)[None].float()
    packed = (one_hot * 255).byte()
    row = unpack_probabilities(packed)[0, 1, 0]
    expected = [0, 0, 1 / 8, 3 / 8, 5 / 8, 7 / 8, 1, 1]
    torch.testing.assert_close(row, torch.tensor(expected))


def test_sizes_between_the_stride_are_refused() -> None:
    with pytest.raises(ValueError, match=r"stride 4, which does not divide 8×10: .*targets: hard"):
        pack_probabilities(torch.rand(1, 3, 8, 10))
