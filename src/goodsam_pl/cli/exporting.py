"""``goodsam export``: the small model at the end, in the form that its place of work takes."""

from __future__ import annotations

import shlex
from pathlib import Path
from typing import Literal

from goodsam_pl.data.entries import Split
from goodsam_pl.deploy.deployment import Deployment
from goodsam_pl.deploy.hub_folder import write_hub_folder
from goodsam_pl.deploy.ingredients import read_ingredients
from goodsam_pl.deploy.model_card import CardScore, model_card
from goodsam_pl.deploy.scored import LabelledImages, labelled_images
from goodsam_pl.files.atomic import write_atomically
from goodsam_pl.networks import export_weights

__all__ = ["export"]

_SUFFIXES = {"onnx": ".onnx", "int8": ".onnx", "torch-export": ".pt2"}


def export(
    checkpoint: str,
    out: Path,
    format: Literal["safetensors", "onnx", "int8", "torch-export", "hub"] = "safetensors",  # noqa: A002  # a user's word
    output: Literal["labels", "logits"] = "labels",
    half: bool = False,
    calibrate: Path | None = None,
    labelled: Path | None = None,
    dataset: str = "plain",
    split: Literal["train", "val", "test"] = "val",
    licence: str = "other",
) -> str:
    """Take the trained network out of a checkpoint.

    `safetensors` and `hub` hold what it needs to be used again; `goodsam_pl.load` reads them. The
    other formats hold the whole graph, normalisation in it, for images of any size; before they are
    written, they are held against the network at three sizes.

    Args:
        checkpoint: of any of our trainings; of a distillation the student is taken, of a joint one
            also the teacher assistant as ``last.ckpt:teacher_assistant``. Or what was exported
            before, as safetensors.
        out: the file to write: .safetensors, .onnx (onnx, int8) or .pt2 (torch-export); a folder
            for hub.
        format: of the file.
        output: what the graph of onnx, int8 and torch-export gives.
        half: store float16, at half the size; for safetensors and hub.
        calibrate: for int8, a folder of panoramas like those that it will see.
        labelled: folder of a data set with labels: int8 measures what it loses there, hub how good
            the network is.
        dataset: its layout, as `goodsam score` names it.
        split: which part of it.
        licence: of the network, by the hub's name for it, for the model card of hub.

    Returns:
        What was written, in words.

    Raises:
        FileNotFoundError: no such file or folder.
        ModuleNotFoundError: the extra ``onnx`` is not installed.
        ValueError: the checkpoint is damaged, ``out`` has another suffix, an option is missing or
            is of another format, or the graph does not say what the network says.
    """
    _refuse_options(format, half=half, calibrate=calibrate, labelled=labelled)
    if format == "safetensors":
        return export_weights(checkpoint, str(out), half)
    if format in _SUFFIXES and out.suffix != _SUFFIXES[format]:
        raise ValueError(f"out is {str(out)!r}: {format} is written as {_SUFFIXES[format]}")
    deployment = Deployment(checkpoint, output)
    scored = None if labelled is None else _scored(deployment, labelled, dataset, split)
    if format == "hub":
        return _hub(deployment, checkpoint, out, half, scored, licence)
    if format == "int8":
        assert calibrate is not None  # noqa: S101  # refused before
        small = deployment.int8(calibrate, scored)
        write_atomically(out, small.content)
        where = "" if scored is None else f" on {scored.name}"
        return f"{_written(out)}: {output}; {small}{where}"
    content, parity = deployment.onnx() if format == "onnx" else deployment.torch_program()
    write_atomically(out, content)
    return f"{_written(out)}: {output}; {parity}"


def _refuse_options(
    format: str,  # noqa: A002  # as above
    *,
    half: bool,
    calibrate: Path | None,
    labelled: Path | None,
) -> None:
    """Refuse what a format has no use for, before anything is read."""
    if format == "int8" and calibrate is None:
        raise ValueError("int8 needs --calibrate FOLDER: panoramas like those that it will see")
    if calibrate is not None and format != "int8":
        raise ValueError(f"--calibrate is for --format int8, not for {format}: leave it out")
    if half and format not in {"safetensors", "hub"}:
        raise ValueError(f"--half is for safetensors and hub, not for {format}: leave it out")
    if labelled is not None and format not in {"int8", "hub"}:
        raise ValueError(f"--labelled is for int8 and hub, not for {format}: leave it out")


def _scored(deployment: Deployment, root: Path, dataset: str, split: Split) -> LabelledImages:
    return labelled_images(root, dataset, split, deployment.segmenter.taxonomy)


def _hub(
    deployment: Deployment,
    checkpoint: str,
    out: Path,
    half: bool,
    scored: LabelledImages | None,
    licence: str,
) -> str:
    network, card = deployment.segmenter.network, deployment.card
    score = None
    if scored is not None:
        # what a reader types; the folders are theirs
        command = f"goodsam export {shlex.quote(Path(checkpoint).name)} FOLDER --format hub "
        command += f"--labelled ROOT --dataset {scored.dataset} --split {scored.split}"
        score = CardScore(deployment.miou(scored), scored.name, command)
    ingredients = read_ingredients(checkpoint)
    readme = model_card(out.name, network, card, ingredients, score, licence)
    write_hub_folder(out, network, card, readme, half=half)
    told = "" if score is None else f"; mIoU {score.miou:.2%} on {score.images}"
    return f"{out}: config.json, README.md and model.safetensors{told}"


def _written(path: Path) -> str:
    return f"{path}, {path.stat().st_size / 1e6:.1f} MB"
