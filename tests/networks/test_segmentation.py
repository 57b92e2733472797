"""Networks map any image to logits of its size."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from goodsam_pl.networks import (
    FeatureNetwork,
    PretrainedNetwork,
    PyramidNetwork,
    SegmentationNetwork,
)


def test_the_default_is_the_papers_smallest_student() -> None:
    parameters = sum(p.numel() for p in SegmentationNetwork().parameters())
    assert round(parameters / 1e6, 2) == 3.72


@pytest.mark.parametrize("size", [(64, 96), (50, 70), (32, 33)])
def test_logits_have_the_size_of_the_image(size: tuple[int, int]) -> None:
    network = SegmentationNetwork(classes=5).eval()
    with torch.no_grad():
        assert network(torch.rand(1, 3, *size)).shape == (1, 5, *size)


def test_padding_leaves_an_image_that_fits_alone() -> None:
    network = SegmentationNetwork(classes=5).eval()
    image = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        torch.testing.assert_close(network(image), network.model(image))


def test_other_architectures_of_smp_build() -> None:
    network = SegmentationNetwork("deeplabv3plus", "resnet18", classes=4).eval()
    with torch.no_grad():
        assert network(torch.rand(1, 3, 40, 72)).shape == (1, 4, 40, 72)


def test_a_released_network_loads_from_a_local_folder(tmp_path: Path) -> None:
    original = SegmentationNetwork(classes=6).eval()
    original.model.save_pretrained(tmp_path)
    loaded = PretrainedNetwork(str(tmp_path)).eval()
    image = torch.rand(1, 3, 64, 64)
    with torch.no_grad():
        torch.testing.assert_close(loaded(image), original(image))


@pytest.mark.parametrize(
    ("architecture", "encoder", "channels"),
    [("segformer", "mit_b0", (32, 64, 160, 256)), ("unet", "resnet18", (64, 128, 256, 512))],
)
def test_features_of_four_stages_come_with_the_same_logits(architecture, encoder, channels) -> None:
    network = SegmentationNetwork(architecture, encoder, classes=5).eval()
    assert isinstance(network, FeatureNetwork)
    image = torch.rand(1, 3, 64, 100)
    with torch.no_grad():
        features, logits = network.forward_features(image)
        assert torch.equal(logits, network(image))
    assert tuple(each.shape[1] for each in features) == network.feature_channels == channels
    assert [tuple(each.shape[2:]) for each in features] == [(16, 32), (8, 16), (4, 8), (2, 4)]


@pytest.mark.parametrize(
    ("architecture", "encoder"), [("segformer", "mit_b0"), ("unet", "resnet18")]
)
def test_classes_can_be_read_from_features_that_were_changed(architecture, encoder) -> None:
    network = SegmentationNetwork(architecture, encoder, classes=5).eval()
    assert isinstance(network, PyramidNetwork)
    image = torch.rand(1, 3, 40, 100)
    with torch.no_grad():
        features = network.encode(image)
        assert network.decode(features, (40, 100)).equal(network(image))
        changed = (*features[:-1], features[-1] + 1)
        assert not network.decode(changed, (40, 100)).equal(network(image))
