"""Whose predictions these are: all that decides about them besides the images."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from lightning.pytorch import LightningModule, Trainer

from goodsam_pl.callbacks.augmented_prediction import TestTimeAugmentation
from goodsam_pl.callbacks.protocols import PredictableData
from goodsam_pl.callbacks.tiled_prediction import TiledPrediction
from goodsam_pl.networks import weights_hash
from goodsam_pl.taxonomy import Taxonomy

__all__ = ["differences", "prediction_identity"]

_SHORT = 80
"""Characters of values that a message shows."""

_NOT_OF_THE_NETWORK = frozenset(
    {"weights", "learning_rate", "weight_decay", "warmup_steps", "_instantiator"}
)
"""Arguments of a model that say where its weights began and how they were trained; what has become
of them is hashed."""


def prediction_identity(
    trainer: Trainer,
    module: LightningModule,
    taxonomy: Taxonomy,
    data: PredictableData | None,
    written: Mapping[str, str],
) -> dict[str, Any]:
    """Everything that decides about predictions, besides the images.

    Args:
        trainer: gives precision, views and tiles.
        module: gives the network.
        taxonomy: of the predictions.
        data: gives size and angles.
        written: how the writer writes them, by its arguments.
    """
    # the trainer's attribute is declared without a type
    callbacks = trainer.callbacks  # type: ignore[attr-defined]
    views = [each.summary for each in callbacks if isinstance(each, TestTimeAugmentation)]
    tiles = [each.tile for each in callbacks if isinstance(each, TiledPrediction)]
    return {
        "model": {
            "class": f"{type(module).__module__}.{type(module).__qualname__}",
            "weights_sha256": weights_hash(module),
            "arguments": _plain(dict(module.hparams)),
        },
        "taxonomy": {
            "name": taxonomy.name,
            "void": taxonomy.ignore_index,
            "classes": [
                {"id": index, "name": name, "colour": list(colour)}
                for index, (name, colour) in enumerate(
                    zip(taxonomy.classes, taxonomy.palette, strict=True)
                )
            ],
        },
        "settings": {
            **({} if data is None else data.describe_predictions()),
            **written,
            "views": "; ".join(views) or "one",
            "tile": next((list(tile) for tile in tiles if tile is not None), None),
            "precision": str(trainer.precision),
        },
    }


def differences(before: Mapping[str, Any], now: Mapping[str, Any]) -> list[str]:
    """What differs between two identities, by name; the first three."""
    then, here = dict(_flatten(before)), dict(_flatten(now))
    keys = [key for key in {**then, **here} if then.get(key) != here.get(key)]
    told = [
        f"{key} is {then.get(key)!r} there and {here.get(key)!r} here"
        if len(f"{then.get(key)!r}{here.get(key)!r}") < _SHORT
        else f"{key} differs"
        for key in keys[:3]
    ]
    return [*told, f"{len(keys) - 3} more"] if len(keys) > 3 else told


def _flatten(tree: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in tree.items():
        if isinstance(value, Mapping):
            yield from _flatten(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


def _plain(value: Any) -> Any:
    """Arguments of a model as plain values, as far as they decide about its predictions.

    Objects are known by their class alone: their text may hold addresses.
    """
    if isinstance(value, Mapping):
        kept = {key: each for key, each in value.items() if key not in _NOT_OF_THE_NETWORK}
        return {str(key): _plain(each) for key, each in kept.items()}
    if isinstance(value, (list, tuple)):
        return [_plain(each) for each in value]
    if isinstance(value, (str, int, float, bool, type(None))):
        return value
    return f"{type(value).__module__}.{type(value).__qualname__}"
