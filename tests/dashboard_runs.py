"""A short joint training with all that a dashboard shows, and its test: offline runs of W&B."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import wandb
import yaml
from PIL import Image

from goodsam_pl.cli import main
from wandb_runs import history_with

FOLDER = "runs/street/joint"
CONV = {
    "class_path": "torch.nn.Conv2d",
    "init_args": {"in_channels": 3, "out_channels": 19, "kernel_size": 1},
}


@dataclass(frozen=True)
class DashboardRuns:
    """What is left of them.

    Attributes:
        folder: holds ``runs/street/joint`` with the checkpoints, and the data.
        fitted: the log of the training.
        tested: the log of the test.
    """

    folder: Path
    fitted: Path
    tested: Path


def run_both(folder: Path) -> DashboardRuns:
    """Fit and test.

    Args:
        folder: empty, for all files.
    """
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        patch.setenv("WANDB_MODE", "offline")
        for name in ("RUN_GROUP", "JOB_TYPE", "NAME", "RUN_ID"):
            patch.delenv(f"WANDB_{name}", raising=False)
        wandb.finish()  # a run that is not over would be gone on with
        preset = write_preset(folder)
        main(["fit", "--config", preset])
        wandb.finish()
        [fitted] = (folder / "dash").rglob("run-*.wandb")
        assert history_with(fitted, "val/miou")
        main(["test", "--config", preset, "--ckpt_path", f"{FOLDER}/last.ckpt"])
        wandb.finish()
        [tested] = set((folder / "dash").rglob("run-*.wandb")) - {fitted}
        assert history_with(tested, "test/miou")
    return DashboardRuns(folder, fitted, tested)


def write_preset(folder: Path) -> str:
    """A preset ``run.yaml`` with its data: two panoramas to train on, one with labels to score."""
    generator = np.random.default_rng(0)
    for kind in ("images", "labels", "splits"):
        (folder / "data" / kind).mkdir(parents=True)
    for name in ("a", "b", "c"):
        blocks = generator.integers(0, 256, (2, 8, 3), dtype=np.uint8)
        pixels = blocks.repeat(8, axis=0).repeat(8, axis=1)
        Image.fromarray(pixels).save(folder / f"data/images/{name}.png")
        label = generator.integers(0, 19, (16, 64), dtype=np.uint8)
        label[:2] = 255
        Image.fromarray(label).save(folder / f"data/labels/{name}.png")
    for split, names in (("train", "a\nb\n"), ("val", "c\n"), ("test", "c\n")):
        (folder / f"data/splits/{split}.txt").write_text(names)
    content: dict[str, Any] = {
        "model": {
            "class_path": "goodsam_pl.modules.JointDistillation",
            "init_args": {"student": CONV, "teacher_assistant": CONV, "warmup_steps": 0},
        },
        "data": {
            "class_path": "goodsam_pl.data.PanoramaDataModule",
            "init_args": {
                "dataset": "plain",
                "root": "data",
                "size": [16, 64],
                "vertical_fov": 90,
                "window_size": [16, 16],
                "window_stride": [16, 16],
                "mask_root": "masks",
                "mask_splits": ["train", "val"],
                "batch_size": 1,
                "num_workers": 0,
            },
        },
        "trainer": {
            "max_epochs": 1,
            "accelerator": "cpu",
            "num_sanity_val_steps": 0,
            "log_every_n_steps": 1,
            "enable_progress_bar": False,
            "enable_model_summary": False,
            "logger": {
                "class_path": "lightning.pytorch.loggers.WandbLogger",
                "init_args": {
                    "project": "p",
                    "name": "mine",
                    "save_dir": os.fspath(folder / "dash"),  # W&B's process may stand elsewhere
                    "offline": True,
                },
            },
            "callbacks": [
                {"class_path": name, "init_args": options} for name, options in _callbacks().items()
            ],
        },
    }
    (folder / "run.yaml").write_text(yaml.safe_dump(content))
    return os.fspath(folder / "run.yaml")


def _callbacks() -> dict[str, dict[str, Any]]:
    proposer = {"class_path": "goodsam_pl.sam.Felzenszwalb", "init_args": {"scales": [50.0]}}
    checkpoint = {"dirpath": FOLDER, "filename": "best", "monitor": "val/miou", "mode": "max"}
    return {
        "goodsam_pl.callbacks.PrecomputeSAM": {"proposer": proposer},
        "goodsam_pl.callbacks.RunCheckpoint": checkpoint,
        "lightning.pytorch.callbacks.LearningRateMonitor": {},
        "goodsam_pl.callbacks.TrainingSignals": {},
        "goodsam_pl.callbacks.ClassTable": {},
        "goodsam_pl.callbacks.ScorePictures": {},
        "goodsam_pl.callbacks.StagePanels": {"panoramas": 1},
    }
