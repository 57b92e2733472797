"""What a trained network says of an image, in the classes that are asked for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image

from goodsam_pl.cli.labels.teacher import TeacherLabels, classes_there
from goodsam_pl.data.normalization import NORMALIZATION
from goodsam_pl.files import content_key
from goodsam_pl.networks import NetworkCard, SegmentationNetwork, describe_network, save_weights
from goodsam_pl.taxonomy import get_taxonomy, read_classes


@pytest.fixture(scope="module")
def weights(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A network of Cityscapes' classes that sees cars everywhere."""
    network = SegmentationNetwork(architecture="fpn", encoder="mobilenet_v2", classes=19)
    last = [each for each in network.modules() if isinstance(each, torch.nn.Conv2d)][-1]
    torch.nn.init.zeros_(last.weight)
    assert last.bias is not None
    with torch.no_grad():
        last.bias.copy_(torch.eye(19)[13])
    path = tmp_path_factory.mktemp("teacher") / "ta.safetensors"
    taxonomy = get_taxonomy("cityscapes-19")
    card = NetworkCard(
        networks={"network": describe_network(network)},
        taxonomy=taxonomy.to_dict(),
        taxonomy_name=taxonomy.name,
        view=None,
        normalization=NORMALIZATION,
    )
    save_weights(network.state_dict(), path, half=False, card=card)
    return path


def test_a_network_speaks_in_the_classes_that_are_asked_for(weights: Path, tmp_path: Path) -> None:
    image = tmp_path / "a.png"
    Image.fromarray(np.zeros((32, 64, 3), np.uint8)).save(image)
    for name, expected in (("cityscapes-19", 13), ("camvid-11", 8), ("voc-21", 7)):
        teacher = TeacherLabels(weights, get_taxonomy(name))
        teacher.to(torch.device("cpu"))
        labels = teacher.look(image)
        assert labels.shape == (32, 64)
        assert (labels == expected).all()
    assert teacher.sha256 == content_key(weights)


def test_if_nothing_is_asked_for_it_speaks_in_its_own_classes(
    weights: Path, tmp_path: Path
) -> None:
    image = tmp_path / "a.png"
    Image.fromarray(np.zeros((32, 64, 3), np.uint8)).save(image)
    teacher = TeacherLabels(weights)
    assert teacher.taxonomy == get_taxonomy("cityscapes-19")
    assert (teacher.look(image) == 13).all()


def test_classes_that_it_cannot_speak_in_are_refused(weights: Path, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="labels of 'cityscapes-19' cannot be expressed in"):
        TeacherLabels(weights, read_classes("car, dog"))
    with pytest.raises(FileNotFoundError):
        TeacherLabels(tmp_path / "none.safetensors", get_taxonomy("cityscapes-19"))


def test_classes_above_a_share_of_what_is_labelled_are_there() -> None:
    labels = np.full((10, 20), 255, np.uint8)
    labels[:5] = 3
    labels[0, :2] = 7
    labels[1, 0] = 254
    assert classes_there(labels, 0.0) == {3, 7, 254}
    assert classes_there(labels, 0.01) == {3, 7}
    assert classes_there(labels, 0.02) == {3}
    assert classes_there(np.full((2, 2), 255, np.uint8), 0.0) == frozenset()
