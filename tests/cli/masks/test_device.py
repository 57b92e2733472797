"""A device is found before anything is computed, or named with those that there are."""

from __future__ import annotations

import pytest
import torch

from goodsam_pl.cli.masks.device import find_device


@pytest.fixture
def gpus(monkeypatch):
    """Make the machine one of so many GPUs, of which nothing is asked."""

    def have(count):
        monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
        if count:
            monkeypatch.setattr(torch, "empty", lambda size, device: None)

    monkeypatch.delenv("LOCAL_RANK", raising=False)
    return have


def test_auto_takes_a_gpu_if_there_is_one(gpus, monkeypatch):
    gpus(0)
    assert find_device("auto") == torch.device("cpu")
    gpus(2)
    assert find_device("auto") == torch.device("cuda", 0)
    monkeypatch.setenv("LOCAL_RANK", "1")
    assert find_device("auto") == torch.device("cuda", 1)
    assert find_device("cpu") == torch.device("cpu")
    assert find_device("cuda:0") == torch.device("cuda", 0)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("cuda:99", "device is 'cuda:99': PyTorch finds no GPU here; choose among auto, cpu"),
        ("gpu", "device is 'gpu'; choose among auto, cpu"),
        ("", "device is ''; choose among auto, cpu"),
        # backends of packages that are not there
        ("hpu", "device is 'hpu'; choose among auto, cpu"),
        ("xla", "device is 'xla'; choose among auto, cpu"),
        ("meta", "device is 'meta', which computes nothing; choose among auto, cpu"),
    ],
)
def test_others_are_refused(gpus, name, message):
    gpus(0)
    with pytest.raises(ValueError) as error:  # noqa: PT011  # all of the message is compared
        find_device(name)
    assert str(error.value) == message


def test_the_gpus_that_there_are_are_named(gpus, monkeypatch):
    gpus(2)

    def refuse(size, device):
        raise RuntimeError("invalid device ordinal")

    monkeypatch.setattr(torch, "empty", refuse)
    with pytest.raises(ValueError, match=r"^device is 'cuda:2'; choose .* cpu, cuda:0, cuda:1$"):
        find_device("cuda:2")
