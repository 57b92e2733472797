"""Self-training from and to published data sets, in small, by all verbs of the command line."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch
import wandb
import yaml
from PIL import Image

from goodsam_pl.cli import main
from goodsam_pl.networks import SegmentationNetwork

sys.path.insert(0, str(Path(__file__).parents[1]))
sys.path.insert(0, str(Path(__file__).parents[1] / "docs"))
from given import cityscapes, densepass, gta5

from preset_files import whole
from wandb_runs import history_with

SMALL = {
    "encoder: mit_b5": "encoder: mit_b0",
    "model: vit_b": "model: vit_nano",
    "weights: imagenet": "weights: null",
    "channels: 256": "channels: 32",
    "num_workers: 4": "num_workers: 0",
    "height: 512": "height: 32",
    "width: 512": "width: 32",
    "[704, 1280]": "[48, 96]",
    "[512, 1024]": "[32, 64]",
    "[1024, 5248]": "[48, 256]",
    "[1024, 1024]": "[48, 64]",
    "[1024, 656]": "[48, 64]",
    "[15, 120]": "[2, 5]",
}


@pytest.fixture(autouse=True)
def _one_wandb_run_each() -> Iterator[None]:
    yield
    wandb.finish()


def _config(tmp_path: Path, name: str) -> Path:
    """A preset that reads and writes below a folder."""
    gta5(tmp_path / "GTA5")
    cityscapes(tmp_path / "Cityscapes")
    densepass(tmp_path / "DensePASS")
    config = tmp_path / f"{name}.yaml"
    moved = {"root: data/": f"root: {tmp_path}/", "runs/ssr": str(tmp_path / "runs")}
    config.write_text(whole(f"ssr/{name}.yaml", moved | SMALL))
    return config


def _run(verb: str, config: Path, *options: str) -> None:
    quiet = ("--trainer.accelerator=cpu", "--trainer.enable_progress_bar=false")
    main([verb, f"--config={config}", *quiet, *options])
    wandb.finish()


def _miou(table: Path) -> float:
    with table.open() as file:
        [mean] = [row for row in csv.DictReader(file) if row["class"] == "mean"]
    return float(mean["iou"])


@pytest.mark.slow
def test_gta5_to_cityscapes(tmp_path: Path) -> None:
    config, runs = _config(tmp_path, "gta5_cityscapes"), tmp_path / "runs/gta5_cityscapes"
    model = yaml.safe_load(config.read_text())["model"]["init_args"]
    assert model["network"]["class_path"] == "goodsam_pl.networks.DAFormerNetwork"
    assert model["feature_weight"] == 0.005
    assert model["sam"]["init_args"]["model"] == "vit_nano"  # in the place of ViT-B
    _run("fit", config, "--trainer.max_steps=2", "--trainer.val_check_interval=2")
    [log] = runs.rglob("run-*.wandb")
    [shown] = history_with(log, "stages/ulm/ulm_000000_000019_leftImg8bit/captions", count=1)
    captions = shown["stages/ulm/ulm_000000_000019_leftImg8bit/captions"]
    assert captions[:4] == ["target", "pseudo-labels", "student", "mixed image"]
    assert "attention of the middle" in captions

    last = f"--ckpt_path={runs / 'last.ckpt'}"
    _run("validate", config, last)
    assert 0 <= _miou(runs / "val_classes.csv") <= 1
    for split in ("leftImg8bit", "gtFine"):  # one copy of the val split stands for test
        (tmp_path / f"Cityscapes/{split}/test").symlink_to(tmp_path / f"Cityscapes/{split}/val")
    _run("test", config, last)
    assert _miou(runs / "test_classes.csv") == _miou(runs / "val_classes.csv")
    writer = "--trainer.callbacks=goodsam_pl.callbacks.PredictionWriter"
    _run("predict", config, last, writer, f"--trainer.callbacks.output_dir={tmp_path / 'out'}")
    [label] = (tmp_path / "out/labels").rglob("*.png")
    assert Image.open(label).size in {(64, 32), (192, 96)}


@pytest.mark.slow
def test_photographs_to_panoramas_make_a_teacher_assistant(tmp_path: Path) -> None:
    config = _config(tmp_path, "cityscapes_panoramas")
    runs = tmp_path / "runs/cityscapes_panoramas"
    _run("fit", config, "--trainer.max_steps=2")
    _run("test", config, f"--ckpt_path={runs / 'last.ckpt'}")
    assert 0 <= _miou(runs / "test_classes.csv") <= 1

    state = torch.load(runs / "last.ckpt", weights_only=True)["state_dict"]
    for part, key in (("", "network"), (":teacher", "teacher")):
        teacher = SegmentationNetwork("segformer", "mit_b0", weights=f"{runs / 'last.ckpt'}{part}")
        for name, value in teacher.state_dict().items():
            assert torch.equal(value, state[f"{key}.{name}"]), name
