"""A teacher assistant is rectified and a student distilled with the masks of one point."""

from __future__ import annotations

import csv
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from goodsam_pl.files.overrides import overridden
from goodsam_pl.files.presets import read_preset

__all__ = ["train_student"]

PRESETS = Path("configs/streetworld")


def train_student(
    point: Mapping[str, Any],
    masks: Path,
    source: str,
    world: Path,
    run: Path,
    split: str,
    seed: int,
    options: Sequence[str],
) -> dict[str, float]:
    """Train both as the presets do, and score them.

    What a broken run has finished is not done again.

    Args:
        point: the proposer, by class path.
        masks: folder of its masks.
        source: weights of the teacher assistant before.
        world: the export.
        run: folder to write to.
        split: ``val`` or ``test``, which the student is scored on.
        seed: of both trainings.
        options: further ones of both trainings.

    Returns:
        mIoU of ``student``, fraction of 1.
    """
    common = {
        "seed_everything": seed,
        "data.root": str(world / "densepass"),
        "data.mask_root": str(masks),
        "data.mask_splits": ["train"],
        "trainer.logger": False,
        "trainer.callbacks.0.proposer": dict(point),
        "trainer.callbacks.0.keep_logits": False,
    }
    rectified, distilled = run / "rectification", run / "distillation"
    _fit("rectification", rectified, {**common, "model.teacher_assistant.weights": source}, options)
    learns = {
        **common,
        "model.student.weights": source,
        "model.teacher_assistant.weights": str(rectified / "last.ckpt"),
        "trainer.callbacks.1.root": str(run / "targets"),
    }
    config = _fit("distillation", distilled, learns, options)
    verb = "validate" if split == "val" else "test"
    _goodsam(verb, f"--config={config}", f"--ckpt_path={distilled / 'last.ckpt'}", *options)
    with (distilled / f"{split}_classes.csv").open(encoding="utf-8") as file:
        rows = {row["class"]: row for row in csv.DictReader(file)}
    return {"student": float(rows["mean"]["iou"])}


def _fit(preset: str, run: Path, values: Mapping[str, Any], options: Sequence[str]) -> Path:
    """Train a preset with other values, unless that is done; its configuration."""
    run.mkdir(parents=True, exist_ok=True)
    config, done = run / "config.yaml", run / "done"
    if not done.exists():
        tree = overridden(
            read_preset(PRESETS / f"{preset}.yaml"),
            {**values, "trainer.default_root_dir": str(run)},
        )
        config.write_text(yaml.safe_dump(tree, sort_keys=False), encoding="utf-8")
        _goodsam("fit", f"--config={config}", *options)
        done.touch()
    return config


def _goodsam(*words: str) -> None:
    print(f"$ goodsam {' '.join(words)}", flush=True)
    # ours, by the interpreter that runs this
    subprocess.run([sys.executable, "-m", "goodsam_pl", *words], check=True)  # noqa: S603
