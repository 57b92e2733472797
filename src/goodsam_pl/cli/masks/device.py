"""The device that a command line names."""

from __future__ import annotations

import os

import torch

__all__ = ["find_device"]


def find_device(name: str) -> torch.device:
    """The device to compute on, before anything is computed.

    Args:
        name: ``"cpu"``, ``"cuda"``, ``"cuda:1"``, or another of PyTorch's; ``"auto"`` takes a GPU
            if there is one, under torchrun that of the process.

    Raises:
        ValueError: there is no such device.
    """
    gpus = torch.cuda.device_count()
    if name == "auto":
        name = f"cuda:{os.environ.get('LOCAL_RANK', '0')}" if gpus else "cpu"
    there = ", ".join(["auto", "cpu", *(f"cuda:{index}" for index in range(gpus))])
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    # PyTorch tells of missing drivers, backends and their packages in its own ways
    except (RuntimeError, AssertionError, ImportError) as error:
        missing = "" if gpus or not name.startswith("cuda") else ": PyTorch finds no GPU here"
        raise ValueError(f"device is {name!r}{missing}; choose among {there}") from error
    if device.type == "meta":
        raise ValueError(f"device is {name!r}, which computes nothing; choose among {there}")
    return device
