"""A plan of the real presets, two steps each, through the real command line."""

from __future__ import annotations

import csv
import os
import sys
from functools import reduce
from operator import getitem
from pathlib import Path
from typing import Any

import pytest
import torch
import yaml

from goodsam_pl.cli import main
from goodsam_pl.experiments.plan import read_plan
from goodsam_pl.files.presets import read_preset

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from short_plans import SCENES

import warm_start

PLANS = Path(__file__).resolve().parents[2] / "configs" / "goodsam" / "ablation"
SMALL = {"data.size": [48, 256], "data.window_size": [48, 64], "data.window_stride": [48, 64]}
FEW_POINTS = {"trainer.callbacks.0.proposer.points_per_side": 4}


def short(out: Path) -> Path:
    """Our plan with one seed, one variation, few scenes and steps."""
    plan = read_preset(PLANS / "streetworld.yaml")
    plan["seeds"] = [3]
    plan["overrides"] |= {"trainer.max_steps": 2, "trainer.accelerator": "cpu"}
    plan["overrides"] |= {"data.batch_size": 1, "trainer.val_check_interval": 2}
    plan["shared"]["data"]["options"] |= SCENES
    preset = plan["presets"]["two_stage"]
    plan["presets"] = {"two_stage": preset}
    preset["variations"] = {"-whole link": preset["variations"]["-whole link"]}
    for stage in (*plan["shared"].values(), *preset["stages"].values()):
        if "config" in stage:
            stage["config"] = os.path.normpath(PLANS / stage["config"])
            if not stage["config"].endswith("source.yaml"):
                stage["overrides"] = stage.get("overrides", {}) | SMALL | FEW_POINTS
    path = out / "short.yaml"
    path.write_text(yaml.safe_dump(plan, sort_keys=False))
    return path


def short_with_a_self_trained_teacher(out: Path) -> Path:
    """Our plan of the same length, with the one row in which self-training comes first."""
    plan = read_preset(PLANS / "self_trained_teacher.yaml")
    plan["seeds"] = [3]
    plan["overrides"] |= {"trainer.max_steps": 2, "trainer.accelerator": "cpu"}
    plan["overrides"] |= {"trainer.val_check_interval": 2}
    plan["shared"]["data"]["options"] |= SCENES
    preset = plan["presets"]["self_trained"] | {"variations": {}}
    plan["presets"] = {"self_trained": preset}
    panoramas = SMALL | {"data.batch_size": 1}
    small = {
        "source": {"data.batch_size": 1},
        "self_training": {
            **{f"data.target.{key.removeprefix('data.')}": each for key, each in panoramas.items()},
            "data.source.batch_size": 1,
            "data.source.train_transforms.1": {"height": 32, "width": 48},
        },
    }
    for name, stage in (plan["shared"] | preset["stages"]).items():
        if "config" in stage:
            stage["config"] = os.path.normpath(PLANS / stage["config"])
            stage["overrides"] = stage.get("overrides", {}) | small.get(
                name, panoramas | FEW_POINTS
            )
    path = out / "short.yaml"
    path.write_text(yaml.safe_dump(plan, sort_keys=False))
    return path


@pytest.mark.slow
def test_a_self_trained_teacher_goes_into_rectification_and_distillation(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    plan, out = short_with_a_self_trained_teacher(tmp_path), tmp_path / "out"
    program = Path(__file__).with_name("ablate_in_forks.py")
    words = ["ablate", str(plan), f"--out={out}", "--threads=1", "--jobs=2"]
    done = warm_start.run([sys.executable, program, *words])
    assert done.returncode == 0, done.stdout + done.stderr
    with (out / "ablation.csv").open() as file:
        [row] = csv.DictReader(file)
    scores = [float(row[f"{name}_miou"]) for name in ("student", "fused", "ta", "source_only")]
    assert all(0 <= score <= 100 for score in scores)

    def run(stage: str) -> tuple[Path, dict[str, Any]]:
        [path] = out.glob(f"stages/{stage}-fit-*/config.yaml")
        return path.parent, yaml.safe_load(path.read_text())

    trained, config = run("self_training")
    assert config["model"]["class_path"].startswith("goodsam_pl.modules.")
    rectified, config = run("rectification")
    weights = config["model"]["init_args"]["teacher_assistant"]["init_args"]["weights"]
    assert weights == str(trained / "last.ckpt")
    _, config = run("distillation")
    weights = config["model"]["init_args"]["teacher_assistant"]["init_args"]["weights"]
    assert weights == str(rectified / "last.ckpt")


def test_the_self_trained_teacher_learns_at_the_size_of_its_windows() -> None:
    plan = read_plan(PLANS / "self_trained_teacher.yaml")
    stages = plan.presets["self_trained"].stages
    preset = read_preset(PLANS / "../../streetworld/rectification.yaml")
    scale = preset["model"]["init_args"]["teachers"]["window_scale"]
    window = [round(scale * side) for side in preset["data"]["init_args"]["window_size"]]
    size = [round(scale * side) for side in preset["data"]["init_args"]["size"]]
    chosen = stages["self_training"].overrides
    assert chosen["data.target.size"] == size
    assert chosen["data.target.window_size"] == window
    assert [*chosen["data.source.train_transforms.1"].values()] == window


def test_self_training_starts_from_the_network_that_it_is_compared_with() -> None:
    plan = read_plan(PLANS / "self_training.yaml")
    for name, preset in plan.presets.items():
        [stage] = preset.stages.values()
        assert stage.overrides == {"model.network.weights": "{source}/last.ckpt"}
        assert plan.score_sources(name) == {
            "student": ("self_training", "iou"),
            "source_only": ("source_only", "iou_whole"),
        }
        arguments = read_preset(PLANS / str(stage.config))["model"]["init_args"]
        for row in preset.variations.values():
            [[key, value]] = row.overrides["self_training"].items()
            path = key.removeprefix("model.").split(".")
            assert reduce(getitem, path, arguments) != value  # each changes one thing


@pytest.mark.slow
def test_a_plan_from_the_data_to_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    plan, out = short(tmp_path), tmp_path / "out"
    ablate = ["ablate", str(plan), f"--out={out}"]
    program = Path(__file__).with_name("ablate_in_forks.py")
    done = warm_start.run([sys.executable, program, *ablate, "--threads=1", "--jobs=2"])
    assert done.returncode == 0, done.stdout + done.stderr
    with (out / "ablation.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [(row["variation"], row["seed"]) for row in rows] == [
        ("full", "3"),
        ("-whole link", "3"),
    ]
    assert all(
        0 <= float(row[name]) <= 100 for row in rows for name in row if name.endswith("miou")
    )
    first, second = rows
    assert first["ta_miou"] == second["ta_miou"]  # one and the same rectification
    configs = sorted(out.glob("stages/distillation-fit-*/config.yaml"))
    runs = [yaml.safe_load(path.read_text())["model"]["init_args"] for path in configs]
    preset = read_preset(PLANS / "../../streetworld/distillation.yaml")
    usual = preset["model"]["init_args"]["whole_weight"]
    assert {run["whole_weight"] for run in runs} == {0.0, usual}
    assert runs[0]["student"]["init_args"] == runs[1]["student"]["init_args"]
    states = [torch.load(path.with_name("last.ckpt"), weights_only=True) for path in configs]
    students = [state["state_dict"]["student.model.segmentation_head.0.weight"] for state in states]
    assert not torch.equal(*students)  # two steps change the weights, though hardly a label
    stages = sorted(folder.name.rpartition("-")[0] for folder in (out / "stages").iterdir())
    assert stages == [
        "data", "distillation-fit", "distillation-fit", "distillation-test", "distillation-test",
        "rectification-fit", "rectification-test", "source-fit", "source_only-test",
    ]  # fmt: skip
    assert sorted(path.name for path in tmp_path.iterdir()) == ["out", "short.yaml"]

    results = {path: path.stat().st_mtime_ns for path in out.rglob("result.json")}
    main(ablate)
    assert {path: path.stat().st_mtime_ns for path in out.rglob("result.json")} == results
