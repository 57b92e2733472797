"""Pixels in, the answers of the network out."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from goodsam_pl.data import normalize
from goodsam_pl.deploy import Uint8Network
from goodsam_pl.deploy.uint8_network import is_circular, stride_of
from goodsam_pl.networks import CustomNetwork, DAFormerNetwork, SegmentationNetwork


def _pixels(height: int, width: int) -> np.ndarray:
    return np.random.default_rng(0).integers(0, 256, (height, width, 3), dtype=np.uint8)


@pytest.mark.parametrize("circular", [False, True])
def test_it_says_what_the_network_says_of_normalised_pixels(circular: bool) -> None:
    torch.manual_seed(0)
    network = SegmentationNetwork(classes=5, circular=circular).eval()
    pixels = _pixels(50, 96 if circular else 90)
    images = torch.from_numpy(pixels).permute(2, 0, 1)[None]
    with torch.no_grad():
        expected = network(normalize(pixels)[None])
        logits = Uint8Network(network)(images)
        labels = Uint8Network(network, "labels")(images)
    torch.testing.assert_close(logits, expected, rtol=0, atol=1e-6)
    assert labels.dtype == torch.uint8
    assert torch.equal(labels.long(), expected.argmax(dim=1))


def test_a_network_without_a_stride_sees_the_image_itself() -> None:
    network = nn.Conv2d(3, 2, 1)
    with torch.no_grad():
        logits = Uint8Network(network)(torch.zeros(1, 3, 5, 7, dtype=torch.uint8))
        expected = network(normalize(np.zeros((5, 7, 3), np.uint8))[None])
    torch.testing.assert_close(logits, expected)


def test_strides_and_circles_are_found_inside_of_others() -> None:
    network = SegmentationNetwork(circular=True)
    assert [stride_of(each) for each in (network, network.model, nn.Conv2d(3, 2, 1))] == [32, 32, 1]
    assert stride_of(CustomNetwork(DAFormerNetwork("mit_b0"))) == 32
    assert is_circular(CustomNetwork(network))
    assert not is_circular(SegmentationNetwork())
