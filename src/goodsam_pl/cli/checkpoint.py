"""What a checkpoint remembers about its model, as defaults for the command line.

Lightning lets a checkpoint's hyperparameters override the YAML and the options without a word.
Here what is written down wins; the checkpoint fills in the rest, and differences are reported.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from torch import nn

from goodsam_pl.networks import (
    brought_by,
    checked_description,
    classes_named_in,
    read_card,
    read_checkpoint,
    refuse_untrusted,
)
from goodsam_pl.taxonomy import Taxonomy, register_taxonomy

__all__ = [
    "differences",
    "is_weights_file",
    "loaded_from",
    "model_around",
    "model_of",
    "refuse_missing",
]

_KEYWORDS = {"best", "last", "hpc"}


def refuse_missing(ckpt_path: str) -> None:
    """Refuse a path without a file now, not after the data was prepared.

    Raises:
        FileNotFoundError: it is neither a file, nor one of Lightning's keywords, nor a URL.
    """
    known_to_lightning = ckpt_path in _KEYWORDS or ckpt_path.startswith("registry")
    if not known_to_lightning and "://" not in ckpt_path and not Path(ckpt_path).is_file():
        raise FileNotFoundError(f"--ckpt_path {ckpt_path}: there is no such checkpoint")


def model_of(ckpt_path: Path, chosen: Mapping[str, Any] | None = None) -> dict[str, Any]:
    """The model of a checkpoint in the form of the YAML: ``class_path`` and ``init_args``.

    The dictionary is empty for a checkpoint that was not made from the command line. Nothing in
    the file is executed.

    Args:
        ckpt_path: the file.
        chosen: the model that the user configured. If it is of the same class, or there is none,
            the checkpoint's goes to the parser, and may name no class but the user's and known
            ones, see :func:`goodsam_pl.networks.refuse_untrusted`.

    Raises:
        ValueError: the file is no checkpoint, one that would execute code, or its model is built of
            classes that nobody vouches for.
    """
    try:
        checkpoint = read_checkpoint(ckpt_path)
    except ValueError as error:
        raise ValueError(f"--ckpt_path {error}") from error
    remembered = dict(checkpoint.get("hyper_parameters", {}))
    remembered.pop("_instantiator", None)
    if "_class_path" not in remembered:
        return {}
    model = {"class_path": remembered.pop("_class_path"), "init_args": remembered}
    if chosen is None or chosen["class_path"] == model["class_path"]:
        try:
            refuse_untrusted(model, classes_named_in(chosen))
        except ValueError as error:
            raise ValueError(f"--ckpt_path {ckpt_path}: its {error}") from error
    return model


def is_weights_file(ckpt_path: str | None) -> bool:
    """Whether what is given as a checkpoint is a file of weights alone."""
    return bool(ckpt_path) and str(ckpt_path).endswith(".safetensors")


def model_around(weights: Path) -> dict[str, Any]:
    """The model that scores and predicts with a network alone, in the form of the YAML.

    Raises:
        ValueError: the file does not say what its network is, or it is of a class that is neither
            ours nor of segmentation-models-pytorch.
    """
    card = read_card(weights)
    if card is None or card.network is None:
        why = "does not say what its network is" if card is None else "is of a class of yours"
        raise ValueError(f"--ckpt_path {weights} {why}: name the model by --config or --model")
    network = checked_description(card.network, weights)  # the parser would import anything
    network = {name: network[name] for name in ("class_path", "init_args")}
    return {
        "class_path": "goodsam_pl.modules.SourceSegmentation",
        "init_args": {"network": network, "taxonomy": card.taxonomy_name},
    }


@contextmanager
def loaded_from(ckpt_path: Path) -> Iterator[list[nn.Module]]:
    """Build the model of a checkpoint: its classes are known, and its weights come from there.

    See :mod:`goodsam_pl.networks.postponed`.

    Yields:
        The networks whose weights were not read.

    Raises:
        ValueError: the file is damaged.
    """
    card = read_card(ckpt_path)
    if card is not None:
        try:
            register_taxonomy(Taxonomy.from_dict(card.taxonomy), card.taxonomy_name)
        except ValueError as error:
            raise ValueError(f"--ckpt_path {ckpt_path}: {error}") from error
    networks = {} if card is None else card.networks
    if is_weights_file(str(ckpt_path)):
        networks = {
            name: each and checked_description(each, ckpt_path) for name, each in networks.items()
        }
    with brought_by(networks) as postponed:
        yield postponed


def differences(used: Mapping[str, Any], remembered: Mapping[str, Any]) -> list[str]:
    """Name every key of a checkpoint's model that has another value now.

    Args:
        used: the model that will be built.
        remembered: the one of the checkpoint. When the classes differ, that is all there is to say.
    """
    if used["class_path"] != remembered["class_path"]:
        used, remembered = ({"class_path": each["class_path"]} for each in (used, remembered))
    now, then = dict(_flatten(used, "model")), dict(_flatten(remembered, "model"))
    return [
        f"{key} is {now.get(key)!r} here and {value!r} in the checkpoint"
        for key, value in then.items()
        if now.get(key) != value
    ]


def _flatten(tree: Mapping[str, Any], prefix: str) -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}.{key}")
        else:
            yield f"{prefix}.{key}", list(value) if isinstance(value, tuple) else value
