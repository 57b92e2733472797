"""Networks of each family have the CPU's logits and gradients on any device, to three digits."""

from __future__ import annotations

import copy
from collections.abc import Callable

import pytest
import torch
from torch import nn

from goodsam_pl.networks import DAFormerNetwork, SegmentationNetwork, TiledNetwork
from goodsam_pl.networks.small_sam import SmallSam

NETWORKS: dict[str, Callable[[], nn.Module]] = {
    "segformer": lambda: SegmentationNetwork(encoder="mit_b0", circular=True),
    "unet": lambda: SegmentationNetwork("unet", "resnet18"),
    "daformer": lambda: DAFormerNetwork(channels=32),
    "tiled": lambda: TiledNetwork(SegmentationNetwork(encoder="mit_b0")),
}


@pytest.mark.parametrize("name", NETWORKS)
def test_a_network_answers_and_learns_as_on_the_cpu(name: str, device: torch.device) -> None:
    torch.manual_seed(0)
    network = NETWORKS[name]().eval()
    images = torch.randn(1, 3, 64, 128, generator=torch.Generator().manual_seed(0))
    found = []
    for at in (torch.device("cpu"), device):
        own = copy.deepcopy(network).to(at)
        logits = own(images.to(at))
        assert logits.device.type == at.type
        logits.square().mean().backward()
        first = next(each for each in own.parameters() if each.grad is not None)
        found.append((logits.detach().cpu(), first.grad.cpu()))
    (logits, gradient), (there, gradient_there) = found
    scale = logits.abs().max()
    assert (there - logits).abs().max() <= 1e-3 * scale
    assert (gradient_there - gradient).abs().max() <= 1e-3 * gradient.abs().max()


def test_a_small_sam_embeds_as_on_the_cpu(tiny_sam: SmallSam, device: torch.device) -> None:
    images = torch.rand(2, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.no_grad():
        expected = tiny_sam.image_encoder(images)
        found = copy.deepcopy(tiny_sam).to(device).image_encoder(images.to(device))
    torch.testing.assert_close(found.cpu(), expected, rtol=1e-3, atol=1e-4)
