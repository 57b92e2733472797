"""Folders as the hub has them are read by smp, and by us."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
import segmentation_models_pytorch as smp
import torch
from torch import nn

import goodsam_pl
from goodsam_pl.deploy.hub_folder import smp_configuration, write_hub_folder
from goodsam_pl.networks import CustomNetwork, NetworkCard, PretrainedNetwork
from goodsam_pl.networks import SegmentationNetwork as Network
from goodsam_pl.segmenter import Segmenter


@pytest.fixture
def segmenter(student: Path) -> Segmenter:
    return goodsam_pl.load(student)


def _write(folder: Path, segmenter: Segmenter, card: NetworkCard, half: bool = False) -> None:
    write_hub_folder(folder, segmenter.network, card, "# A student\n", half=half)


def test_smp_gets_the_weights_and_we_get_the_circle_too(
    student: Path, segmenter: Segmenter, tmp_path: Path
) -> None:
    card = goodsam_pl.networks.read_card(student)
    assert card is not None
    _write(tmp_path / "hub", segmenter, card)
    assert {each.name for each in (tmp_path / "hub").iterdir()} == {
        *("README.md", "config.json", "model.safetensors"),
    }
    theirs = smp.from_pretrained(str(tmp_path / "hub")).eval()
    images = torch.randn(1, 3, 64, 128)
    plain = Network().eval()
    plain.load_state_dict(segmenter.network.state_dict())
    ours = goodsam_pl.load(tmp_path / "hub/model.safetensors")
    as_teacher = PretrainedNetwork(str(tmp_path / "hub")).eval()
    with torch.no_grad():
        torch.testing.assert_close(theirs(images), plain(images), rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(as_teacher(images), plain(images))
        torch.testing.assert_close(ours(images), segmenter(images))
        assert not torch.allclose(ours(images), plain(images), atol=1e-3)  # the circle


def test_the_folder_is_written_again_but_nothing_else_is_overwritten(
    segmenter: Segmenter, card: NetworkCard, tmp_path: Path
) -> None:
    for half in (False, True):
        _write(tmp_path, segmenter, card, half)
    assert (tmp_path / "model.safetensors").stat().st_size < 8e6
    (tmp_path / "holiday.jpg").touch()
    with pytest.raises(FileExistsError, match=r"holds something else \(holiday\.jpg\)"):
        _write(tmp_path, segmenter, card)


def test_the_configuration_is_that_of_the_model_inside() -> None:
    network = Network("fpn", "resnet18", classes=5)
    found = smp_configuration(CustomNetwork(network))
    assert found == smp_configuration(network.model)
    assert (found["_model_class"], found["encoder_name"], found["classes"]) == (
        "FPN",
        "resnet18",
        5,
    )
    assert json.loads(json.dumps(found)) == found


def test_a_network_that_is_not_of_smp_is_refused() -> None:
    with pytest.raises(ValueError, match="a Conv2d is no model of segmentation-models-pytorch"):
        smp_configuration(nn.Conv2d(3, 5, 1))
