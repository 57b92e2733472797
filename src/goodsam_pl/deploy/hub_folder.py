"""Folders as the hub has them, which segmentation-models-pytorch reads without our code."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from torch import nn

from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.networks import CustomNetwork, NetworkCard, save_weights
from goodsam_pl.networks.segmentation import PretrainedNetwork, SegmentationNetwork
from goodsam_pl.networks.smp_models import describe_smp_model

__all__ = ["smp_configuration", "write_hub_folder"]

_FILES = ("config.json", "README.md", "model.safetensors")


def smp_configuration(network: nn.Module) -> dict[str, Any]:
    """What ``config.json`` says: the class of smp's and its arguments.

    Raises:
        ValueError: the network is none of smp's.
    """
    if isinstance(network, CustomNetwork):
        return smp_configuration(network.network)
    if isinstance(network, SegmentationNetwork | PretrainedNetwork):
        return smp_configuration(network.model)
    description = describe_smp_model(network)
    if description is None:
        raise ValueError(
            f"a {type(network).__name__} is no model of segmentation-models-pytorch, which is what "
            "a hub folder is for: export it as safetensors"
        )
    name = description["class_path"].rpartition(".")[2]
    return {**description["init_args"], "_model_class": name}


def write_hub_folder(
    folder: Path, network: nn.Module, card: NetworkCard, readme: str, *, half: bool = False
) -> None:
    """Write ``config.json``, ``README.md`` and ``model.safetensors``, the weights last.

    ``model.safetensors`` has our card as well, so that ``goodsam_pl.load`` reads it.

    Args:
        folder: made when missing.
        network: of smp, as it is or in one of our classes.
        card: of the network.
        readme: the model card.
        half: store float16.

    Raises:
        ValueError: the network is none of smp's.
        FileExistsError: there is something else in the folder.
    """
    configuration = smp_configuration(network)
    others = sorted(each.name for each in folder.glob("*") if each.name not in _FILES)
    if others:
        raise FileExistsError(
            f"{folder} holds something else ({others[0]}): name a new folder for the export"
        )
    model = _model_of(network)
    write_atomically(folder / "config.json", json.dumps(configuration, indent=2).encode())
    write_atomically(folder / "README.md", readme.encode())
    save_weights(model.state_dict(), folder / "model.safetensors", half, card)


def _model_of(network: nn.Module) -> nn.Module:
    if isinstance(network, CustomNetwork):
        return _model_of(network.network)
    if isinstance(network, SegmentationNetwork | PretrainedNetwork):
        model: nn.Module = network.model
        return model
    return network
