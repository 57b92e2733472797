"""What a checkpoint does not bring is read when it is asked for, and nothing else is."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import nn

from goodsam_pl.networks import (
    CustomNetwork,
    FrozenNetwork,
    SegmentationNetwork,
    brought_by,
    read_postponed,
    save_weights,
)


def _custom(weights: Path) -> CustomNetwork:
    return CustomNetwork(nn.Conv2d(3, 2, 1), weights=str(weights))


def test_files_that_are_not_there_matter_only_when_a_teacher_is_asked(tmp_path: Path) -> None:
    path = tmp_path / "teacher.safetensors"
    with brought_by({}) as postponed:
        network = _custom(path)
        SegmentationNetwork("fpn", "mobilenet_v2", 2, weights=str(path))
    assert len(postponed) == 2
    assert postponed[0] is network
    teacher = FrozenNetwork(network)
    with pytest.raises(FileNotFoundError, match=r"teacher\.safetensors.*to train on it does"):
        teacher(torch.zeros(1, 3, 4, 8))

    with brought_by({}):
        teacher = FrozenNetwork(_custom(path))
    trained = CustomNetwork(nn.Conv2d(3, 2, 1))
    save_weights(trained.state_dict(), path)
    images = torch.randn(1, 3, 4, 8)
    assert torch.equal(teacher(images), trained(images))
    path.unlink()
    assert torch.equal(teacher(images), trained(images))  # read once


def test_networks_of_others_are_filled_afterwards(tmp_path: Path) -> None:
    path = tmp_path / "other.safetensors"
    trained = CustomNetwork(nn.Conv2d(3, 2, 1))
    save_weights(trained.state_dict(), path)
    with brought_by({}) as postponed:
        other = _custom(path)
    for network in postponed:
        read_postponed(network)
    for name, tensor in trained.state_dict().items():
        assert torch.equal(other.state_dict()[name], tensor)


def test_outside_files_are_read_at_once(tmp_path: Path) -> None:
    with brought_by({}):
        pass
    with pytest.raises(FileNotFoundError, match="no weights at"):
        _custom(tmp_path / "none.safetensors")
