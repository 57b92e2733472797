"""Options of ``goodsam predict``, and how they reach the callbacks."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

from jsonargparse import ActionYesNo
from jsonargparse.typing import NonNegativeInt, PositiveInt
from lightning.pytorch import Callback
from lightning.pytorch.callbacks import BasePredictionWriter
from lightning.pytorch.cli import LightningArgumentParser

from goodsam_pl.callbacks import PredictionWriter, TiledPrediction
from goodsam_pl.cli.verbs import PREDICT_OPTIONS
from goodsam_pl.data.picture_tags import KeptTags

__all__ = ["add_predict_options", "add_tile_option", "tiling", "writer"]

_OPTIONS: dict[str, tuple[str, Any, str]] = {
    "out": ("output_dir", str | None, "folder of the predictions; else predictions/ of the run"),
    "label_size": (
        "label_size",
        Literal["file", "training"] | None,
        "labels at the size of the file (the default), or as the network sees it",
    ),
    "overlay_width": (
        "overlay_width",
        NonNegativeInt | None,
        "overlays are at most so wide, pixels (default: 2048); 0: none",
    ),
    "confidence": ("confidence", bool, "write the probability of the chosen class, too"),
    "probabilities": ("probabilities", bool, "write those of all classes, too"),
    "on_error": (
        "on_error",
        Literal["raise", "skip"] | None,
        "files that cannot be read: end with an error after all others, or only name them",
    ),
    "skip_existing": (
        "skip_existing",
        bool,
        "leave out images that this model labelled before: go on where a run was stopped",
    ),
    "overwrite": ("overwrite", bool, "replace predictions of another model"),
    "keep_metadata": (
        "keep_metadata",
        KeptTags | None,
        "what pictures tell of their panorama (default: all): projection leaves out place and time",
    ),
}
"""Options by name: the writer's argument, its type, and help. What is not given changes nothing."""


def add_predict_options(parser: LightningArgumentParser) -> None:
    """Let the command line say what is written, and where."""
    for name in PREDICT_OPTIONS:
        _, kind, text = _OPTIONS[name]
        if kind is bool:
            parser.add_argument(f"--{name}", action=ActionYesNo, default=False, help=text)
        else:
            parser.add_argument(f"--{name}", type=kind, default=None, help=text)


def add_tile_option(parser: LightningArgumentParser) -> None:
    """Let the command line say how much the network looks at in one go."""
    parser.add_argument(
        "--tile",
        type=Literal["auto", "off"] | tuple[PositiveInt, PositiveInt],
        default="auto",
        help="look at tiles of [height, width] pixels; auto: where memory asks for it",
    )


def writer(config: Any, callbacks: Sequence[Callback]) -> list[Callback]:
    """What ``predict`` has to add so that something is written; the options reach our writer.

    Raises:
        ValueError: options for our writer, where there is only another one.
    """
    given = {
        argument: config[name]
        for name, (argument, _, _) in _OPTIONS.items()
        if config[name] not in (None, False)
    }
    ours = [each for each in callbacks if isinstance(each, PredictionWriter)]
    for each in ours:
        vars(each).update(given)
    if not any(isinstance(each, BasePredictionWriter) for each in callbacks):
        return [PredictionWriter(**given)]
    if given and not ours:
        raise ValueError(
            f"--{', --'.join(name for name, (key, _, _) in _OPTIONS.items() if key in given)}: "
            "options of goodsam_pl.callbacks.PredictionWriter, but the configuration has another "
            "prediction writer: take that out of trainer.callbacks"
        )
    return []


def tiling(tile: Any, callbacks: Sequence[Callback]) -> list[Callback]:
    """What lets images be larger than memory, unless it is there or switched off."""
    if tile == "off" or any(isinstance(each, TiledPrediction) for each in callbacks):
        return []
    return [TiledPrediction(None if tile == "auto" else tuple(tile))]
