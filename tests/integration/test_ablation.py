"""A plan of the real presets, two steps each, through the real command line."""

from __future__ import annotations

import csv
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
import yaml

from goodsam_pl.cli import main
from goodsam_pl.files.presets import read_preset

PLANS = Path(__file__).resolve().parents[2] / "configs" / "goodsam" / "ablation"
SMALL = {"data.size": [48, 256], "data.window_size": [48, 64], "data.window_stride": [48, 64]}


def short(out: Path) -> Path:
    """Our plan with one seed, one variation, few scenes and steps."""
    plan = read_preset(PLANS / "streetworld.yaml")
    plan["seeds"] = [3]
    plan["overrides"] |= {"trainer.max_steps": 2, "trainer.accelerator": "cpu"}
    plan["overrides"] |= {"data.batch_size": 1, "trainer.val_check_interval": 2}
    scenes = {"source_train": 2, "source_val": 1, "target_train": 2}
    plan["shared"]["data"]["options"] |= scenes | {"target_val": 1, "target_test": 1, "workers": 1}
    preset = plan["presets"]["two_stage"]
    plan["presets"] = {"two_stage": preset}
    preset["variations"] = {"-whole link": preset["variations"]["-whole link"]}
    for stage in (*plan["shared"].values(), *preset["stages"].values()):
        if "config" in stage:
            stage["config"] = os.path.normpath(PLANS / stage["config"])
            if not stage["config"].endswith("source.yaml"):
                stage["overrides"] = stage.get("overrides", {}) | SMALL
    path = out / "short.yaml"
    path.write_text(yaml.safe_dump(plan, sort_keys=False))
    return path


@pytest.mark.slow
def test_a_plan_from_the_data_to_the_table(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    plan, out = short(tmp_path), tmp_path / "out"
    ablate = ["ablate", str(plan), f"--out={out}"]
    program = Path(__file__).with_name("ablate_in_forks.py")
    subprocess.run([sys.executable, program, *ablate, "--threads=1", "--jobs=2"], check=True)
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
