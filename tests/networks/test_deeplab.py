"""DeepLab-v2 beside plain convolutions, strides and dilations written out."""

from __future__ import annotations

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from goodsam_pl.networks import (
    DeepLabV2Network,
    PyramidNetwork,
    build_network,
    describe_network,
    save_weights,
)
from goodsam_pl.networks.deeplab import DeepLabV2Head

CLASSES = 3


def _network(*, circular: bool = False, frozen_norm: bool = False) -> DeepLabV2Network:
    torch.manual_seed(0)
    network = DeepLabV2Network(
        "resnet18", classes=CLASSES, circular=circular, frozen_norm=frozen_norm
    )
    for part in network.modules():
        if isinstance(part, nn.BatchNorm2d):  # running statistics of 0 and 1 hide mistakes
            part.running_mean.uniform_(-0.1, 0.1)
            part.running_var.uniform_(0.5, 2.0)
    return network.eval()


@pytest.fixture(scope="module")
def network() -> DeepLabV2Network:
    return _network()


def _reference(network: DeepLabV2Network, images: Tensor) -> Tensor:
    """A ResNet-18 with stride 8 and the head, by functions alone."""
    state = network.state_dict()

    def norm(name: str, features: Tensor) -> Tensor:
        names = ("running_mean", "running_var", "weight", "bias")
        return F.batch_norm(features, *(state[f"encoder.{name}.{each}"] for each in names))

    def conv(name: str, features: Tensor, stride: int, padding: int, dilation: int) -> Tensor:
        weight = state[f"encoder.{name}.weight"]
        return F.conv2d(features, weight, None, stride, padding, dilation)

    features = norm("bn1", conv("conv1", images, 2, 3, 1)).relu()
    features = F.max_pool2d(features, 3, 2, 1)
    for layer, first_stride, dilation in ((1, 1, 1), (2, 2, 1), (3, 1, 2), (4, 1, 4)):
        for block in range(2):
            name = f"layer{layer}.{block}"
            stride = first_stride if block == 0 else 1
            inner = conv(f"{name}.conv1", features, stride, dilation, dilation)
            inner = norm(f"{name}.bn1", inner).relu()
            inner = norm(f"{name}.bn2", conv(f"{name}.conv2", inner, 1, dilation, dilation))
            if f"encoder.{name}.downsample.0.weight" in state:
                across = conv(f"{name}.downsample.0", features, stride, 0, 1)
                features = norm(f"{name}.downsample.1", across)
            features = (features + inner).relu()
    logits = torch.zeros(())
    for branch, dilation in enumerate((6, 12, 18, 24)):
        weight = state[f"head.branches.{branch}.weight"]
        bias = state[f"head.branches.{branch}.bias"]
        logits = logits + F.conv2d(features, weight, bias, 1, dilation, dilation)
    return F.interpolate(logits, images.shape[-2:], mode="bilinear", align_corners=True)


def test_it_is_a_dilated_resnet_and_four_branches_that_are_summed(network) -> None:
    images = torch.randn(1, 3, 65, 97)  # 8 · 8 + 1 and 8 · 12 + 1: nothing is extended
    with torch.no_grad():
        torch.testing.assert_close(
            network(images), _reference(network, images), rtol=1e-4, atol=1e-5
        )


def test_a_branch_of_the_head_sees_as_far_as_its_dilation() -> None:
    head = DeepLabV2Head(2, 1, dilations=(6, 24))
    features = torch.zeros(1, 2, 64, 64, requires_grad=True)
    head(features)[0, 0, 32, 32].backward()
    assert features.grad is not None
    seen = features.grad[0].abs().sum(dim=0).nonzero().tolist()
    expected = {
        (32 + dilation * down, 32 + dilation * right)
        for dilation in (6, 24)
        for down in (-1, 0, 1)
        for right in (-1, 0, 1)
    }
    assert sorted(map(tuple, seen)) == sorted(expected)


def test_the_heads_parameters_by_closed_form() -> None:
    head = DeepLabV2Head(2048, 21)
    assert sum(each.numel() for each in head.parameters()) == 4 * (2048 * 21 * 9 + 21)
    assert abs(head.branches[0].weight.std().item() - 0.01) < 1e-4


def test_the_papers_encoder_has_stride_8_and_2048_channels() -> None:
    network = DeepLabV2Network()
    assert network.feature_channels == (256, 512, 1024, 2048)
    assert network.encoder.output_stride == 8
    with torch.no_grad():
        shapes = [each.shape[1:] for each in network.eval().encode(torch.zeros(1, 3, 33, 41))]
    assert shapes == [(256, 9, 11), (512, 5, 6), (1024, 5, 6), (2048, 5, 6)]
    own = sum(each.numel() for each in network.parameters())
    assert own == 42_500_160 + 4 * (2048 * 21 * 9 + 21)  # torchvision's, without its classifier


@pytest.mark.parametrize("size", [(40, 70), (33, 64), (8, 9), (1, 1)])
def test_any_size_gives_logits_of_its_own(network, size) -> None:
    images = torch.randn(1, 3, *size)
    with torch.no_grad():
        features, logits = network.forward_features(images)
        assert logits.shape == (1, CLASSES, *size)
        assert isinstance(network, PyramidNetwork)
        assert network.decode(network.encode(images), size).equal(network(images))
        changed = (*features[:3], features[3] + 1)
        assert not network.decode(changed, size).equal(logits)


def test_a_logit_stands_at_its_pixel(network) -> None:
    """Every eighth pixel from the first on has the head's own answer."""
    images = torch.randn(1, 3, 45, 50)
    with torch.no_grad():
        logits, coarse = network(images), network.head(network.encode(images)[-1])
    torch.testing.assert_close(logits[..., ::8, ::8], coarse[..., :6, :7])


@pytest.mark.parametrize("shift", [8, 72, -40])
def test_a_circular_network_has_no_seam(shift) -> None:
    # 16 features in width, less than the widest dilation
    network, images = _network(circular=True), torch.randn(1, 3, 40, 128)
    with torch.no_grad():
        torch.testing.assert_close(
            network(images.roll(shift, dims=-1)),
            network(images).roll(shift, dims=-1),
            rtol=1e-4,
            atol=1e-5,
        )
        plain = _network()
        plain.load_state_dict(network.state_dict())
        seam = plain(images.roll(shift, dims=-1)) - plain(images).roll(shift, dims=-1)
    assert seam.abs().max() > 1e-2
    with pytest.raises(ValueError, match="multiples of 8, these images are 60 wide"):
        network(torch.zeros(1, 3, 40, 60))


def test_frozen_statistics_stay_and_have_no_gradient() -> None:
    network = _network(frozen_norm=True).train()
    before = {name: value.clone() for name, value in network.encoder.named_buffers()}
    network(torch.randn(2, 3, 33, 33)).sum().backward()
    assert all(value.equal(before[name]) for name, value in network.encoder.named_buffers())
    for part in network.encoder.modules():
        if isinstance(part, nn.BatchNorm2d):
            assert not part.training
            assert part.weight.grad is None
    assert network.training
    assert network.encoder.conv1.weight.grad is not None
    thawed = _network().train()
    thawed(torch.randn(2, 3, 33, 33))
    assert not thawed.encoder.bn1.running_mean.equal(before["bn1.running_mean"])


def test_a_description_builds_it_again_and_weights_fit(network, tmp_path) -> None:
    described = describe_network(network)
    assert described == {
        "class_path": "goodsam_pl.networks.DeepLabV2Network",
        "init_args": {
            "encoder": "resnet18",
            "classes": CLASSES,
            "dilations": [6, 12, 18, 24],
            "frozen_norm": False,
            "circular": False,
        },
    }
    again = build_network(described)
    again.load_state_dict(network.state_dict())

    save_weights(network.state_dict(), tmp_path / "w.safetensors", False, None)
    filled = DeepLabV2Network("resnet18", CLASSES, weights=str(tmp_path / "w.safetensors"))
    images = torch.randn(1, 3, 33, 65)
    with torch.no_grad():
        torch.testing.assert_close(filled.eval()(images), network(images))


def test_an_encoder_that_cannot_be_dilated_is_refused() -> None:
    with pytest.raises(ValueError, match=r"vgg11 cannot be dilated to stride 8 .* resnet101"):
        DeepLabV2Network("vgg11")
