"""What a checkpoint says of its training, and under which terms that went in."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Any

from goodsam_pl.networks import read_checkpoint
from goodsam_pl.networks.weights_file import SHIPPED, split_name

__all__ = ["Ingredients", "read_ingredients"]

_OWN = "made by goodsam_pl itself, Apache-2.0"
_OF_DATA: Mapping[str, str] = {
    "cityscapes": "Cityscapes: its own terms, for research and no commercial use",
    "gta5": "GTA5 (Playing for Data): for research and education",
    "camvid": "CamVid: ask its owners",
    "densepass": "DensePASS: ask its owners",
    "wildpass": "WildPASS: ask its owners",
    "stanford2d3d": "Stanford 2D-3D-S: its own terms, for research and no commercial use",
}
"""By layout; others are of whoever made them."""
_RELEASED = "smp-hub/segformer-b5-1024x1024-city-160k"
"""The default of :class:`goodsam_pl.networks.PretrainedNetwork`."""
_IMAGENET = "weights from ImageNet: those of SegFormer (mit_*) are NVIDIA's, for no commercial use"
_SAM = "masks: Segment Anything and its released weights are Apache-2.0"


@dataclass(frozen=True)
class Ingredients:
    """What is known of a training; names of files without their folders.

    Attributes:
        system: class of the LightningModule.
        steps: optimiser steps.
        data: data sets by layout and folder.
        weights: where weights came from.
        licences: a line each, of all that is known to have gone in.
    """

    system: str
    steps: int
    data: tuple[str, ...]
    weights: tuple[str, ...]
    licences: tuple[str, ...]


def read_ingredients(checkpoint: str) -> Ingredients | None:
    """Read them out of a checkpoint; ``None`` for a file of weights alone, which has none.

    Raises:
        FileNotFoundError: no such file.
        ValueError: a damaged file.
    """
    path, _ = split_name(Path(checkpoint))
    if path.suffix == ".safetensors":
        return None
    content = read_checkpoint(path)
    model = content.get("hyper_parameters", {})
    data = content.get("datamodule_hyper_parameters", {})
    found = [each for each in _mappings(data) if isinstance(each.get("root"), str)]
    weights = [*dict.fromkeys(_weights(model))]
    licences = [_of_data(each) for each in found]
    licences += [_IMAGENET] if "imagenet" in weights else []
    licences += [f"weights {each}: {_OWN}" for each in weights if each in SHIPPED]
    licences += [_SAM] if any(each.get("mask_root") for each in found) else []
    return Ingredients(
        system=str(model.get("_class_path", "unknown")).rpartition(".")[2],
        steps=int(content.get("global_step", 0)),
        data=tuple(f"{_layout(each)} in {_end_of(each['root'])}" for each in found),
        weights=tuple(weights),
        licences=tuple(dict.fromkeys(licences)),
    )


def _layout(data: Mapping[str, Any]) -> str:
    return str(data.get("dataset", "images"))


def _of_data(data: Mapping[str, Any]) -> str:
    """Terms of a data set; a street world that was drawn says so beside its folders."""
    root = Path(data["root"])
    if "streetworld" in str(root) or (root.parent / "streetworld.json").is_file():
        return f"StreetWorld: {_OWN}"
    return _OF_DATA.get(_layout(data), f"{root.name}: ask whoever made the images and the labels")


def _weights(model: Any) -> Iterator[str]:
    for each in _mappings(model):
        given = each.get("weights")
        if isinstance(given, str):
            yield _end_of(given)
        if str(each.get("class_path", "")).endswith("PretrainedNetwork"):
            yield str(
                each.get("init_args", {}).get("name", "smp-hub/segformer-b5-1024x1024-city-160k")
            )


def _end_of(path: str) -> str:
    """Of a path the part that tells of the run; the rest tells of a machine."""
    return "/".join(PurePath(path).parts[-2:])


def _mappings(tree: Any) -> Iterator[Mapping[str, Any]]:
    if isinstance(tree, Mapping):
        yield tree
        for each in tree.values():
            yield from _mappings(each)
    elif isinstance(tree, list | tuple):
        for each in tree:
            yield from _mappings(each)
