from __future__ import annotations

import copy

import pytest
import segmentation_models_pytorch as smp
import torch

from goodsam_pl.networks import SegmentationNetwork
from goodsam_pl.networks.segformer_decoder import FoldedSegformerDecoder, fold_decoder

NOISE = 1e-12
"""Gradients that are zero by construction (of biases before a normalisation) are no more."""


@pytest.fixture(params=["mit_b0", "mit_b1"])
def pair(request):
    """smp's own network and the folded one with the same weights, in float64."""
    torch.manual_seed(0)
    plain = smp.create_model("segformer", request.param, encoder_weights=None, classes=5).double()
    return plain, fold_decoder(copy.deepcopy(plain))


def test_gives_the_logits_of_smp(pair):
    plain, folded = pair
    images = torch.randn(2, 3, 64, 96, dtype=torch.float64)

    torch.testing.assert_close(folded.eval()(images), plain.eval()(images), rtol=1e-10, atol=NOISE)


def test_gives_the_gradients_and_running_statistics_of_smp(pair):
    images = torch.randn(2, 3, 64, 96, dtype=torch.float64)
    for network in pair:
        torch.manual_seed(1)  # dropped paths
        network.train()(images).square().mean().backward()
    plain, folded = pair

    gradients = {name: value.grad for name, value in folded.named_parameters()}
    for name, value in plain.named_parameters():
        torch.testing.assert_close(gradients[name], value.grad, rtol=1e-8, atol=NOISE)
    torch.testing.assert_close(dict(folded.named_buffers()), dict(plain.named_buffers()))


def test_keeps_the_names_of_weights(pair):
    plain, folded = pair

    assert list(folded.state_dict()) == list(plain.state_dict())
    plain.load_state_dict(folded.state_dict())


def test_is_what_our_networks_use_and_leaves_other_architectures_alone():
    segformer = SegmentationNetwork(classes=3)
    unet = SegmentationNetwork("unet", "resnet18", classes=3)

    assert isinstance(segformer.model.decoder, FoldedSegformerDecoder)
    assert not isinstance(unet.model.decoder, FoldedSegformerDecoder)
