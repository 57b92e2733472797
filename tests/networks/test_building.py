"""Networks are told as plain values, and nothing else is ever built from a file."""

from __future__ import annotations

from pathlib import Path

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import nn

from goodsam_pl.networks import (
    CustomNetwork,
    PretrainedNetwork,
    SegmentationNetwork,
    build_described,
    build_network,
    describe_network,
)


def _same(one: nn.Module, other: nn.Module) -> bool:
    image = torch.randn(1, 3, 32, 64)
    with torch.no_grad():
        return torch.equal(one.eval()(image), other.eval()(image))


def _unet(classes: int = 5) -> nn.Module:
    return smp.Unet(
        "mobilenet_v2", encoder_weights=None, classes=classes, decoder_channels=(8,) * 5
    )


@pytest.mark.parametrize(
    "network",
    [
        SegmentationNetwork(classes=3, circular=True),
        SegmentationNetwork("fpn", "mobilenet_v2", classes=4),
        _unet(),
        CustomNetwork(_unet()),
        PretrainedNetwork.around(_unet(), {"name": "owner/unet"}),
    ],
    ids=["circular", "fpn", "unet", "custom", "pretrained"],
)
def test_a_network_is_built_again_from_its_description(network: nn.Module) -> None:
    description = describe_network(network)
    assert description is not None
    again = build_network(description)
    assert type(again) is type(network)
    again.load_state_dict(network.state_dict())
    assert _same(network, again)
    assert describe_network(again) == description


def test_a_class_of_the_users_is_not_described() -> None:
    assert describe_network(nn.Conv2d(3, 5, 1)) is None
    assert describe_network(CustomNetwork(nn.Conv2d(3, 5, 1))) is None


class _Spy:
    called = False


def spy(**_: object) -> nn.Module:
    _Spy.called = True
    return nn.Identity()


@pytest.mark.parametrize(
    "description",
    [
        {"class_path": f"{__name__}.spy", "init_args": {}},
        {"class_path": "os.system", "init_args": {"command": "true"}},
        {"class_path": "segmentation_models_pytorch.from_pretrained", "init_args": {"name": "x"}},
        {"class_path": "segmentation_models_pytorch.Unet", "init_args": {"encoder_name": "a/b"}},
        {"class_path": "segmentation_models_pytorch.Unet", "init_args": {"encoder_name": "hf:b"}},
        {"class_path": "goodsam_pl.networks.load_weights", "init_args": {}},
        {
            "class_path": "goodsam_pl.networks.CustomNetwork",
            "init_args": {"network": {"class_path": f"{__name__}.spy", "init_args": {}}},
        },
        {"class_path": "goodsam_pl.networks.PretrainedNetwork", "init_args": {"name": "a/b"}},
        {"class_path": ["goodsam_pl.networks.SegmentationNetwork"], "init_args": {}},
        {"class_path": "goodsam_pl.networks.SegmentationNetwork", "init_args": {"classes": "x"}},
        {"init_args": {}},
    ],
)
def test_nothing_else_is_built(description: dict[str, object]) -> None:
    with pytest.raises(ValueError):  # noqa: PT011  # whatever it says, it is refused
        build_network(description)
    assert not _Spy.called


def test_a_network_is_no_larger_than_the_file_that_describes_it(tmp_path: Path) -> None:
    path = tmp_path / "a.safetensors"
    path.write_bytes(bytes(1000))
    description = {
        "class_path": "goodsam_pl.networks.SegmentationNetwork",
        "init_args": {"encoder": "mit_b5", "classes": 19},
    }
    with pytest.raises(ValueError, match=r"a\.safetensors: it describes a network that is larger"):
        build_described(description, path)
    description["init_args"] = {"encoder": "mit_b0", "classes": 19}
    network = build_described(description, path)
    assert describe_network(network) == describe_network(build_network(description))
    assert not any(tensor.is_meta for tensor in network.state_dict().values())
    torch.empty(1 << 25)  # elsewhere nothing is counted
