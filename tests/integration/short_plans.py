"""Plans of experiments, shortened so that a test can go through them."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import yaml

from goodsam_pl.files.presets import read_preset

PLANS = Path(__file__).resolve().parents[2] / "configs" / "goodsam" / "ablation"

SCENES = {
    "source_train": 2,
    "source_val": 1,
    "target_train": 2,
    "target_val": 1,
    "target_test": 1,
    "source_size": [64, 128],
    "panorama_size": [48, 256],
    "workers": 1,
}
"""Of the step that draws StreetWorld."""
_SMALL = {
    "data.size": [48, 256],
    "data.window_size": [48, 64],
    "data.window_stride": [48, 64],
    "data.batch_size": 1,
    "trainer.callbacks.0.proposer.points_per_side": 4,
}


def shortened(name: str, steps: dict[str, Any]) -> dict[str, Any]:
    """A plan with one seed, a few small scenes, and steps.

    Args:
        name: of the plan's file.
        steps: overrides of all stages, and of those of a stage's own.
    """
    plan = read_preset(PLANS / name)
    plan["seeds"] = [3]
    usual = {"trainer.accelerator": "cpu", "trainer.log_every_n_steps": 1}
    plan["overrides"] |= usual | steps
    plan["shared"]["data"]["options"] |= SCENES
    stages = [*plan["shared"].items()]
    stages += [item for preset in plan["presets"].values() for item in preset["stages"].items()]
    for stage, settings in stages:
        if "config" in settings:
            settings["config"] = os.path.normpath(PLANS / settings["config"])
            small = {"data.batch_size": 2} if stage == "source" else _SMALL
            settings["overrides"] = settings.get("overrides", {}) | small | steps
    return plan


def written(plan: dict[str, Any], folder: Path) -> Path:
    """The plan as a file."""
    path = folder / "short.yaml"
    path.write_text(yaml.safe_dump(plan, sort_keys=False))
    return path
