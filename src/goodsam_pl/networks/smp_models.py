"""Models of segmentation-models-pytorch, as plain values, and built again from them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

import segmentation_models_pytorch as smp
from segmentation_models_pytorch.base import SegmentationModel
from torch import nn

__all__ = [
    "Description",
    "build_smp_model",
    "describe_smp_model",
    "fill_from_imagenet",
    "is_smp_model",
    "plain_arguments",
]

Description = dict[str, Any]
"""``class_path`` and ``init_args`` of a network, as a configuration has them, plain values only."""

_PACKAGE = "segmentation_models_pytorch."
_MODELS: Mapping[str, type[SegmentationModel]] = {
    f"{_PACKAGE}{each.__name__}": each
    for each in (
        smp.DeepLabV3,
        smp.DeepLabV3Plus,
        smp.DPT,
        smp.FPN,
        smp.Linknet,
        smp.MAnet,
        smp.PAN,
        smp.PSPNet,
        smp.Segformer,
        smp.Unet,
        smp.UnetPlusPlus,
        smp.UPerNet,
    )
}
_NAME = re.compile(r"[\w.+-]*")
_LARGEST = 4096
"""Of channels, classes, depths that a file may name: our choice, none of smp's is larger."""


def is_smp_model(class_path: str) -> bool:
    """Whether a file may name this class as one of smp's."""
    return class_path in _MODELS


def describe_smp_model(model: nn.Module) -> Description | None:
    """Tell how to build a model like this one; ``None`` if it is none of smp's own."""
    path = f"{_PACKAGE}{type(model).__name__}"
    if type(model) is not _MODELS.get(path):
        return None
    arguments = {**dict(model.config), "encoder_weights": None}  # type: ignore[arg-type]  # smp keeps its arguments there
    return {"class_path": path, "init_args": plain_arguments(arguments)}


def build_smp_model(description: Mapping[str, Any]) -> SegmentationModel:
    """Build what :func:`describe_smp_model` described, with random weights and no download.

    Raises:
        ValueError: it is no model of smp's, or its arguments are not plain.
    """
    model = _MODELS.get(str(description.get("class_path")))
    if model is None:
        raise ValueError(f"{description.get('class_path')} is no model that a file may name")
    arguments = plain_arguments(description["init_args"])
    return model(**{**arguments, "encoder_weights": None})


def fill_from_imagenet(encoder: nn.Module, name: str) -> None:
    """Give an encoder of smp the weights that ImageNet taught it, from the hub."""
    released = smp.encoders.get_encoder(name, weights="imagenet")
    encoder.load_state_dict(released.state_dict())


def plain_arguments(arguments: Mapping[str, Any]) -> dict[str, Any]:
    """Arguments of nothing but numbers, plain names, lists and mappings of these.

    Raises:
        ValueError: there is something else, such as a text that a library could take for an
            address on a hub, or a number that no part of a network is as large as.
    """
    return {str(name): _plain(value) for name, value in arguments.items()}


def _plain(value: Any) -> Any:
    if isinstance(value, Mapping):
        return plain_arguments(value)
    if isinstance(value, list | tuple):
        return [_plain(each) for each in value]
    if isinstance(value, str) and not _NAME.fullmatch(value):
        raise ValueError(f"{value!r} is no plain name")
    if isinstance(value, int | float) and not abs(value) <= _LARGEST:
        raise ValueError(f"{value:.4g} is no size of a network")
    if value is None or isinstance(value, bool | int | float | str):
        return value
    raise ValueError(f"{value!r} is no plain value")
