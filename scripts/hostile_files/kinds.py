"""A small good file of every kind that is read, and what reads it."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import asdict
from functools import partial
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from PIL import Image

from goodsam_pl.callbacks.prediction_folder import PredictionFolder
from goodsam_pl.callbacks.prediction_outcome import Outcome
from goodsam_pl.cli.checkpoint import loaded_from, model_around, model_of
from goodsam_pl.cli.configs import checked_config
from goodsam_pl.cli.masks.exchange import pack_masks
from goodsam_pl.cli.masks.image_names import ImageNames
from goodsam_pl.cli.masks.saved_groups import group_files
from goodsam_pl.data import PanoramaFormat, TargetStore, TeacherTargets
from goodsam_pl.data.entries import Request
from goodsam_pl.data.files import read_image, read_label
from goodsam_pl.data.layouts import PANORAMA_LAYOUTS
from goodsam_pl.data.stanford import stanford_format
from goodsam_pl.experiments.jobs import Job, Run, plan_runs
from goodsam_pl.experiments.plan import read_plan
from goodsam_pl.experiments.results import read_scores
from goodsam_pl.experiments.runner import is_done
from goodsam_pl.geometry import WindowGrid
from goodsam_pl.masks import MaskStore
from goodsam_pl.networks import NetworkCard, read_card, read_weights, save_weights
from goodsam_pl.networks.weights_file import read_file
from goodsam_pl.sam import Felzenszwalb
from goodsam_pl.sam.transformers_checkpoint import read_object as read_sam_config
from goodsam_pl.taxonomy import get_taxonomy, read_class_file
from hostile_files.mutations import Mutation, spoil_bytes, spoil_json, spoil_lines, spoil_png
from hostile_files.records import (
    spoil_archive,
    spoil_checkpoint,
    spoil_record,
    spoil_safetensors,
)

__all__ = ["Kind", "all_kinds"]

HEIGHT, WIDTH = 16, 64
KEY = "0123456789abcdef" * 4
Read = Callable[[], object]


class Kind(NamedTuple):
    """A file and its readers.

    Attributes:
        name: of the kind.
        path: of the file, which is good as it is.
        spoil: how it is spoiled.
        reads: all that reads it.
    """

    name: str
    path: Path
    spoil: Mutation
    reads: tuple[Read, ...]


def all_kinds(root: Path) -> list[Kind]:
    """Write one file of each kind.

    Args:
        root: an empty folder.
    """
    makers = (_images, _labels, _masks, _imports, _targets, _weights, _texts, _results)
    kinds = [kind for make in makers for kind in make(_folder(root, make.__name__))]
    for kind in kinds:
        for read in kind.reads:
            read()  # as it is, it is good
    return kinds


def _folder(root: Path, name: str) -> Path:
    folder = root / name.strip("_")
    folder.mkdir()
    return folder


def _images(folder: Path) -> Iterator[Kind]:
    dice = np.random.default_rng(0)
    picture = Image.fromarray(dice.integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8))
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010E] = "a street"
    namespace = "http://ns.google.com/photos/1.0/panorama/"
    packet = f'<x xmlns:GPano="{namespace}" GPano:FullPanoWidthPixels="{WIDTH}"/>'.encode()
    panoramas = PanoramaFormat((8, 64), 45.0, 90.0)
    tags: dict[str, dict[str, Any]] = {
        "png": {"exif": exif},
        "jpg": {"exif": exif, "xmp": packet},
        "webp": {"exif": exif, "xmp": packet},
        "tif": {"compression": "tiff_lzw", "exif": exif},
        "bmp": {},
    }
    for name, options in tags.items():
        path = folder / f"image.{name}"
        picture.save(path, **options)
        upright = folder / f"upright.{name}"
        picture.save(upright)
        spoil = spoil_png if name == "png" else spoil_bytes
        yield Kind(f"{name} with tags", path, spoil, (partial(read_image, path),))
        yield Kind(
            name,
            upright,
            spoil,
            (
                partial(panoramas.read, upright),
                partial(panoramas.locate, upright),
            ),
        )


def _labels(folder: Path) -> Iterator[Kind]:
    ids = np.arange(HEIGHT * WIDTH, dtype=np.uint8).reshape(HEIGHT, WIDTH) % 19
    for name in ("png", "tif", "bmp"):
        path = folder / f"label.{name}"
        Image.fromarray(ids).save(path)
        spoil = spoil_png if name == "png" else spoil_bytes
        yield Kind(f"label {name}", path, spoil, (partial(read_label, path),))


def _masks(folder: Path) -> Iterator[Kind]:
    windows = WindowGrid.cover((HEIGHT, WIDTH), (HEIGHT, 16), (HEIGHT, 16))
    store = MaskStore.create(folder / "store", windows, Felzenszwalb(), {"vertical_fov": 90.0})
    images = torch.randint(0, 255, (4, 3, HEIGHT, 16), generator=torch.manual_seed(0))
    store.write(KEY, "a.png", Felzenszwalb().propose(images.to(torch.uint8)))
    yield Kind(
        "record",
        store.path(KEY),
        spoil_record,
        (lambda: store.read(KEY), lambda: store.layers(KEY), lambda: store.describe(KEY)),
    )
    yield Kind(
        "store.json",
        store.root / "store.json",
        spoil_json,
        (lambda: MaskStore.open(store.root).windows.count,),
    )


def _imports(folder: Path) -> Iterator[Kind]:
    images = folder / "images"
    images.mkdir()
    pixels = np.random.default_rng(1).integers(0, 256, (HEIGHT, WIDTH, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(images / "a.png")
    names = ImageNames(images, [images / "a.png"])
    panoramas = PanoramaFormat((HEIGHT, WIDTH), 90.0, 90.0)
    grid = WindowGrid.cover((HEIGHT, WIDTH), (HEIGHT, WIDTH), (HEIGHT, WIDTH))

    def reads(path: Path) -> tuple[Read, ...]:
        def read() -> None:
            for group in group_files(path, names, grid.count):
                for found in group.read(names):
                    pack_masks(found, panoramas, grid)

        return (read,)

    scores = {"predicted_iou": 0.9, "stability_score": 0.8}
    square = [[4.0, 2.0, 30.0, 2.0, 30.0, 9.0, 4.0, 9.0]]
    counts = {"size": [HEIGHT, WIDTH], "counts": [100, 24, HEIGHT * WIDTH - 124]}
    text = {"size": [2 * HEIGHT, 2 * WIDTH], "counts": "PP2"}
    rows = np.eye(HEIGHT, WIDTH, dtype=int).tolist()
    annotations = [{"segmentation": each, **scores} for each in (counts, rows)]
    text["counts"] = [2048, 100, 4 * HEIGHT * WIDTH - 2148]
    image = {"id": 1, "file_name": "a.png", "height": HEIGHT, "width": WIDTH}
    documents: dict[str, Any] = {
        "plain": annotations,
        "sa1b": {"image": image, "annotations": [*annotations, {"segmentation": text}]},
        "coco": {
            "images": [image],
            "annotations": [
                {"segmentation": each, "image_id": 1, "score": 0.5} for each in (counts, square)
            ],
        },
    }
    for name, document in documents.items():
        path = folder / name / "a.json"
        path.parent.mkdir()
        path.write_text(json.dumps(document), encoding="utf-8")
        yield Kind(f"import {name}", path, spoil_json, reads(path))
    path = folder / "arrays" / "a.npz"
    path.parent.mkdir()
    masks = np.zeros((2, HEIGHT, WIDTH), bool)
    masks[0, 3:9, 5:50] = masks[1, :4] = True
    ones = np.full(2, 0.9)
    np.savez_compressed(path, segmentation=masks, predicted_iou=ones, stability_score=ones)
    yield Kind("import npz", path, spoil_archive, reads(path))
    table = folder / "a" / "metadata.csv"
    table.parent.mkdir()
    table.write_text("id,area,predicted_iou,stability_score\n0,9,0.9,0.8\n", encoding="utf-8")
    Image.fromarray(masks[0]).save(table.parent / "0.png")
    yield Kind("import table", table, spoil_lines, reads(table.parent))
    yield Kind("import png", table.parent / "0.png", spoil_png, reads(table.parent))


def _targets(folder: Path) -> Iterator[Kind]:
    store = TargetStore(folder, "f" * 64)
    labels = torch.zeros((8, 32), dtype=torch.uint8)
    windows = torch.zeros((4, 8, 8), dtype=torch.uint8)
    store.write(KEY, TeacherTargets(labels, (windows,), (windows,), labels > 0))
    yield Kind("targets", store.path(KEY), spoil_archive, (lambda: store.read(KEY),))


def _weights(folder: Path) -> Iterator[Kind]:
    state = {f"network.layer{index}": torch.ones(index, 3) for index in range(1, 4)}
    network = {
        "class_path": "goodsam_pl.networks.SegmentationNetwork",
        "init_args": {"architecture": "segformer", "encoder": "mit_b0", "classes": 11},
    }
    card = NetworkCard(
        {"network": network},
        get_taxonomy("camvid-11").to_dict(),
        "camvid-11",
        {"size": [96, 512], "vertical_fov": 67.5, "file_vertical_fov": 67.5},
        {"mean": [0.5, 0.5, 0.5], "std": [0.2, 0.2, 0.2]},
    )
    path = folder / "last.ckpt"
    remembered = {
        "_class_path": "goodsam_pl.modules.SourceSegmentation",
        "taxonomy": "camvid-11",
        "learning_rate": 1e-4,
        "network": network,
    }
    content = {
        "state_dict": state,
        "hyper_parameters": remembered,
        "goodsam_pl": card.to_dict(),
        "epoch": 1,
        "global_step": 3,
        "pytorch-lightning_version": "2.6.0",
        "loops": {},
        "callbacks": {},
        "optimizer_states": [],
        "lr_schedulers": [],
    }
    torch.save(content, path)

    def enter(path: Path) -> None:
        with loaded_from(path):
            pass

    yield Kind(
        "checkpoint",
        path,
        spoil_checkpoint,
        (
            lambda: model_of(path),
            lambda: read_weights(path),
            lambda: read_card(path),
            lambda: enter(path),
        ),
    )
    plain = folder / "weights.pth"
    torch.save(state, plain)
    yield Kind("state dict", plain, spoil_checkpoint, (lambda: read_weights(plain),))
    tensors = folder / "student.safetensors"
    save_weights(state, tensors, card=card)
    yield Kind(
        "safetensors",
        tensors,
        spoil_safetensors,
        (lambda: read_file(tensors), lambda: read_card(tensors), lambda: _around(tensors)),
    )


def _around(path: Path) -> None:
    card = read_card(path)
    if card is not None and card.network is None:
        model_around(path)


def _texts(folder: Path) -> Iterator[Kind]:
    classes = folder / "classes.yaml"
    classes.write_text(
        "name: own\nclasses:\n  - {name: road, color: [1, 2, 3], id: 7}\n"
        "  - {name: car, id: 26}\nvoid: [0]\nto:\n  cityscapes-19: {road: road, car: car}\n",
        encoding="utf-8",
    )
    yield Kind("class file", classes, spoil_lines, (lambda: read_class_file(classes),))
    (folder / "dough.yaml").write_text(
        "model: {class_path: Dough, init_args: {water: 0.7}}\n"
        "trainer:\n  default_root_dir: runs/dough\n",
        encoding="utf-8",
    )
    plan = folder / "plan.yaml"
    plan.write_text(
        "title: Bread\nseeds: [0, 1]\noverrides: {trainer.max_steps: 3}\npresets:\n  loaf:\n"
        "    stages:\n      rectification: {config: dough.yaml}\n    variations:\n      -yeast:\n"
        "        note: Flat.\n        overrides: {rectification: {model.water: 0.0}}\n",
        encoding="utf-8",
    )
    yield Kind("plan", plan, spoil_lines, (lambda: plan_runs(read_plan(plan)),))
    dough = folder / "dough.yaml"
    yield Kind("configuration of a plan", dough, spoil_lines, (lambda: plan_runs(read_plan(plan)),))
    config = folder / "config.yaml"
    config.write_bytes(dough.read_bytes() + b"x: &a {y: [1, 2]}\nz: {<<: *a}\n")
    yield Kind("configuration", config, spoil_lines, (lambda: checked_config(config),))
    (folder / "images").mkdir()
    for name in ("a.png", "ü.png"):
        Image.fromarray(np.zeros((4, 8, 3), np.uint8)).save(folder / "images" / name)
    (folder / "splits").mkdir()
    split = folder / "splits" / "train.txt"
    split.write_text("a.png\nü\n", encoding="utf-8")
    yield Kind(
        "list",
        split,
        spoil_lines,
        (lambda: PANORAMA_LAYOUTS["plain"](Request(folder, "train", "cityscapes-19")),),
    )
    instances = folder / "semantic_labels.json"
    instances.write_text(json.dumps(["wall_1_office_1", "<UNK>_0_<UNK>_0"]), encoding="utf-8")
    # anew each time, for what was read is kept
    yield Kind("instances", instances, spoil_json, (lambda: stanford_format.__wrapped__(folder),))
    sam = folder / "sam.json"
    sam.write_text(
        json.dumps({"model_type": "sam", "vision_config": {"size": 3}, "x": [1, "a"]}),
        encoding="utf-8",
    )
    yield Kind("config.json", sam, spoil_json, (lambda: read_sam_config(sam),))


def _results(folder: Path) -> Iterator[Kind]:
    job = Job("source-test", "test", {"model": 1})
    job.folder(folder).mkdir(parents=True)
    table = job.folder(folder) / "test_classes.csv"
    table.write_text("class,pixels,iou\nroad,9,0.9\nmean,9,0.5\n", encoding="utf-8")
    result = job.folder(folder) / "result.json"
    result.write_text(json.dumps({"key": job.key, "job": job.name}), encoding="utf-8")
    yield Kind("result.json", result, spoil_json, (lambda: is_done(job, folder),))
    run = Run("two_stage", "full", 0, {"source_only": (job, "iou")})
    yield Kind("table of classes", table, spoil_lines, (lambda: read_scores([run], folder),))
    predictions = PredictionFolder(folder)
    outcome = asdict(
        Outcome("a", "/x/a.png", 3, 4, {"labels": "labels/a.png"}, (4, 8), (0, 4), (4, 8))
    )
    summary = folder / "summary.json"
    summary.write_text(json.dumps({"identity": {"a": 1}, "images": [outcome]}), encoding="utf-8")
    journal = folder / "journal.0.jsonl"
    journal.write_text(json.dumps(outcome) + "\n", encoding="utf-8")

    def found() -> None:
        before = predictions._read_summary()  # noqa: SLF001  # what `goodsam predict` reads
        predictions._found(before or {"images": []})  # noqa: SLF001  # likewise

    yield Kind("summary.json", summary, spoil_json, (found,))
    yield Kind("journal", journal, spoil_json, (found,))
