"""A network that is traced in seconds, and files with real students."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from PIL import Image
from segmentation_models_pytorch.encoders import encoders
from torch import Tensor, nn

from goodsam_pl.data.normalization import NORMALIZATION
from goodsam_pl.networks import NetworkCard, SegmentationNetwork, describe_network, save_weights
from goodsam_pl.taxonomy import get_taxonomy

VIEW = {"size": [32, 128], "vertical_fov": 90.0, "file_vertical_fov": 90.0}


class TinyNetwork(nn.Module):
    """Of every kind of layer that is treated apart in 8 bits."""

    def __init__(self, classes: int = 19) -> None:
        super().__init__()
        self.first = nn.Conv2d(3, 8, 3, padding=1, stride=2)
        self.single = nn.Conv2d(8, 8, 3, padding=1, groups=8)
        self.middle = nn.Conv2d(8, 8, 1)
        self.last = nn.Conv2d(8, classes, 1)

    def forward(self, images: Tensor) -> Tensor:
        features = self.middle(self.single(self.first(images).relu()).relu()).relu()
        return F.interpolate(self.last(features), size=images.shape[-2:], mode="bilinear")


@pytest.fixture
def tiny() -> TinyNetwork:
    torch.manual_seed(0)
    return TinyNetwork().eval()


@pytest.fixture
def card() -> NetworkCard:
    return card_of(None)


def card_of(network: nn.Module | None) -> NetworkCard:
    return NetworkCard(
        networks={"student": None if network is None else describe_network(network)},
        taxonomy=get_taxonomy("cityscapes-19").to_dict(),
        taxonomy_name="cityscapes-19",
        view=VIEW,
        normalization=NORMALIZATION,
    )


@pytest.fixture(scope="session")
def student(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A circular SegFormer-B0 that was trained on StreetWorld's photographs."""
    network = SegmentationNetwork(weights="streetworld", circular=True)
    path = tmp_path_factory.mktemp("student") / "student.safetensors"
    save_weights(network.state_dict(), path, card=card_of(network))
    return path


@pytest.fixture
def circle(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A circular SegFormer-B0 of StreetWorld, less blocks that are like those that stay.

    Tracing takes its time block by block. There is one with reduced keys and values, one without,
    at the finest and the coarsest stride; all that is between them and behind them is the B0's.
    """
    b0 = encoders["mit_b0"]
    shallow = {**b0, "params": {**b0["params"], "depths": [1, 0, 0, 1]}}
    monkeypatch.setitem(encoders, "mit_shallow", shallow)
    network = SegmentationNetwork(encoder="mit_shallow", circular=True)
    trained = SegmentationNetwork(weights="streetworld").state_dict()
    network.load_state_dict({name: trained[name] for name in network.state_dict()})
    path = tmp_path / "circle.safetensors"
    save_weights(network.state_dict(), path, card=card_of(network))
    return path


@pytest.fixture(scope="session")
def labelled(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two panoramas in the layout plain: all of it is road, but the first column of ``b``."""
    root = tmp_path_factory.mktemp("labelled")
    generator = np.random.default_rng(0)
    for folder in ("images", "labels", "splits"):
        (root / folder).mkdir()
    for name in "ab":
        blocks = generator.integers(0, 256, (4, 16, 3), dtype=np.uint8)
        Image.fromarray(blocks.repeat(8, 0).repeat(8, 1)).save(root / f"images/{name}.png")
        label = np.zeros((32, 128), np.uint8)
        label[:, 0] = name == "b"
        Image.fromarray(label).save(root / f"labels/{name}.png")
    (root / "splits/val.txt").write_text("a\nb\n")
    return root
