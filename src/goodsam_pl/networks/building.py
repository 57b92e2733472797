"""Describing how a network is built, and building it again from a description in a file.

A file may only name classes of a fixed table, with plain values as arguments: what it says is never
imported, and no function is ever called by its name.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from torch import nn

from goodsam_pl.networks.allowance import Allowance
from goodsam_pl.networks.custom import CustomNetwork
from goodsam_pl.networks.daformer import DAFORMER, DAFormerNetwork
from goodsam_pl.networks.deeplab import DEEPLAB_V2, DeepLabV2Network
from goodsam_pl.networks.segmentation import PRETRAINED, PretrainedNetwork, SegmentationNetwork
from goodsam_pl.networks.smp_models import (
    Description,
    build_smp_model,
    describe_smp_model,
    plain_arguments,
)

__all__ = ["build_described", "build_network", "checked_description", "describe_network"]

_SEGMENTATION = "goodsam_pl.networks.SegmentationNetwork"
_CUSTOM = "goodsam_pl.networks.CustomNetwork"


def describe_network(network: nn.Module) -> Description | None:
    """Tell how to build a network like this one, without its weights.

    Returns:
        ``None`` for a class that :func:`build_network` does not know.
    """
    if isinstance(network, SegmentationNetwork):
        return {"class_path": _SEGMENTATION, "init_args": dict(network.arguments)}
    if isinstance(network, DAFormerNetwork):
        return {"class_path": DAFORMER, "init_args": dict(network.arguments)}
    if isinstance(network, DeepLabV2Network):
        return {"class_path": DEEPLAB_V2, "init_args": dict(network.arguments)}
    if isinstance(network, PretrainedNetwork):
        model = describe_smp_model(network.model)
        return model and {
            "class_path": PRETRAINED,
            "init_args": {"name": network.name},
            "model": model,
        }
    if isinstance(network, CustomNetwork):
        inner = describe_network(network.network)
        return inner and {"class_path": _CUSTOM, "init_args": {"network": inner}}
    return describe_smp_model(network)


def build_network(description: Mapping[str, Any]) -> nn.Module:
    """Build what :func:`describe_network` described, with random weights and no download.

    Raises:
        ValueError: a class outside the table, or arguments that are no plain values or that the
            class does not take.
    """
    path, arguments = description.get("class_path"), description.get("init_args")
    if not isinstance(path, str) or not isinstance(arguments, Mapping):
        raise ValueError(f"{dict(description)} does not describe a network by class and arguments")  # noqa: TRY004  # of a file
    try:
        if path == _SEGMENTATION:
            return SegmentationNetwork(**{**plain_arguments(arguments), "weights": None})
        if path == DAFORMER:
            return DAFormerNetwork(**{**plain_arguments(arguments), "weights": None})
        if path == DEEPLAB_V2:
            return DeepLabV2Network(**{**plain_arguments(arguments), "weights": None})
        if path == _CUSTOM:
            return CustomNetwork(build_network(arguments["network"]))
        if path == PRETRAINED:
            return PretrainedNetwork.around(build_smp_model(description["model"]), arguments)
        model: nn.Module = build_smp_model(description)
    except (TypeError, KeyError, AttributeError, RuntimeError) as error:
        raise ValueError(f"{path} cannot be built with {dict(arguments)}: {error}") from error
    return model


def build_described(description: Mapping[str, Any], path: Path) -> nn.Module:
    """Build a network that a file describes, and no larger one than its weights fill.

    Args:
        description: out of the file.
        path: the file.

    Raises:
        ValueError: as for :func:`build_network`, or it is larger; the message names the file.
    """
    try:
        with Allowance(path.stat().st_size):
            return build_network(description)
    except (ValueError, RecursionError, MemoryError, OverflowError) as error:
        raise ValueError(f"{path}: {error}") from error


def checked_description(description: Mapping[str, Any], path: Path) -> Description:
    """A description out of a file with nothing in it but what :func:`build_network` uses.

    Raises:
        ValueError: as for :func:`build_described`.
    """
    checked = describe_network(build_described(description, path))
    assert checked is not None  # noqa: S101  # what can be built can be described
    return checked
