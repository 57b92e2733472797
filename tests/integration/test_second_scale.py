"""The second scale: what sets its presets apart, and its plan, shortened, from data to table."""

from __future__ import annotations

import csv
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
import yaml

sys.path.insert(0, str(Path(__file__).parent))
sys.path.insert(0, str(Path(__file__).parents[1]))

from short_plans import shortened, written

import warm_start
from goodsam_pl.files.presets import read_preset
from goodsam_pl.streetworld.redrawing import true_label

CONFIGS = Path(__file__).resolve().parents[2] / "configs"
ROWS = ("true labels", "CM-SSL", "DAKD")


def _differences(first: Any, second: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    """The keys in which two configurations are not the same, and what the second says."""
    if isinstance(first, dict) and isinstance(second, dict):
        for key in first.keys() | second.keys():
            yield from _differences(first.get(key), second.get(key), f"{path}.{key}")
    elif isinstance(first, list) and isinstance(second, list) and len(first) == len(second):
        for number, pair in enumerate(zip(first, second, strict=True)):
            yield from _differences(*pair, f"{path}.{number}")
    elif first != second:
        yield path.removeprefix(".").replace("init_args.", ""), second


@pytest.mark.parametrize("stage", ["source", "rectification", "distillation"])
def test_a_preset_differs_from_the_demos_by_paths_and_lengths_alone(stage: str) -> None:
    demo, full = (
        read_preset(CONFIGS / "streetworld" / f"{name}.yaml") for name in (stage, f"full_{stage}")
    )
    different = dict(_differences(demo, full))
    lengths = {"model.warmup_steps", "trainer.max_steps", "trainer.val_check_interval"}
    assert lengths <= different.keys()
    paths = {key: value for key, value in different.items() if key not in lengths}
    assert {"data.root", "trainer.default_root_dir"} <= paths.keys()
    assert all("/streetworld_full/" in value for value in paths.values()), paths
    warmup = full["model"]["init_args"]["warmup_steps"] / full["trainer"]["max_steps"]
    assert 0.01 <= warmup <= 0.1
    assert full["trainer"]["max_steps"] % full["trainer"]["val_check_interval"] == 0


def _short(out: Path) -> Path:
    """The plan with one seed, a few rows, scenes and steps."""
    steps = {"trainer.max_steps": 2, "trainer.val_check_interval": 2}
    plan = shortened("full_streetworld.yaml", steps)
    preset = plan["presets"]["two_stage"]
    preset["variations"] = {name: preset["variations"][name] for name in ROWS}
    return written(plan, out)


@pytest.mark.slow
def test_the_plan_from_the_data_to_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    plan, out = _short(tmp_path), tmp_path / "out"
    program = Path(__file__).with_name("ablate_in_forks.py")
    words = ["ablate", str(plan), f"--out={out}", "--threads=1", "--jobs=2"]
    done = warm_start.run([sys.executable, program, *words])
    assert done.returncode == 0, done.stdout + done.stderr
    with (out / "ablation.csv").open() as file:
        rows = {row["variation"]: row for row in csv.DictReader(file)}
    assert [*rows] == ["full", *ROWS]
    assert len({row["ta_miou"] for row in rows.values()}) == 1  # of one and the same rectification
    assert all(0 <= float(row["student_miou"]) <= 100 for row in rows.values())

    folders = _folders_by_row(out)
    terms = {name: _terms(folder) for name, folder in folders.items()}
    usual = {"whole", "ensemble", "boundary"}
    assert terms["full"] == terms["true labels"] == usual
    assert terms["CM-SSL"] == usual | {"structural_similarity"}
    assert terms["DAKD"] == usual | {"divergence", "stage_error", "teacher_labels"}
    students = {
        name: torch.load(folder / "last.ckpt", weights_only=True)["state_dict"][
            "student.model.segmentation_head.0.weight"
        ]
        for name, folder in folders.items()
    }
    for name in ROWS:
        assert not torch.equal(students[name], students["full"]), name

    [data] = (out / "stages").glob("data-*")
    of_truth = _true_targets(data)
    labels = [true_label(path) for path in sorted((data / "densepass").glob("left*/train/*.png"))]
    assert len(of_truth) == len(labels) == 2
    for label in labels:
        # packed at stride 4: the class of most of 4×4 pixels
        agreement = max(
            (whole.argmax(0).repeat(4, 0).repeat(4, 1) == label).mean() for whole in of_truth
        )
        assert agreement > 0.75  # of another panorama it is 0.43


def _folders_by_row(out: Path) -> dict[str, Path]:
    """The folders of the distillations, told apart by what they were asked to do."""
    found = {}
    for path in out.glob("stages/distillation-fit-*/settings.yaml"):
        tree = yaml.safe_load(path.read_text())
        features = tree["model"]["init_args"].get("features", {})
        truth = tree["trainer"]["callbacks"][1]["class_path"].endswith("TrueTargets")
        name = "true labels" if truth else "full"
        name = "CM-SSL" if "structural_similarity" in features else name
        found["DAKD" if "divergence" in features else name] = path.parent
    return found


def _terms(folder: Path) -> set[str]:
    """Weighted terms that a training logged, with a value."""
    [log] = folder.rglob("metrics.csv")
    with log.open() as file:
        logged = {name for row in csv.DictReader(file) for name, value in row.items() if value}
    start = "train/weighted/"
    return {name.removeprefix(start) for name in logged if name.startswith(start)}


def _true_targets(data: Path) -> list[np.ndarray]:
    """The stored targets of which all pixels are certain, as far as they are known."""
    stores = [[*folder.glob("*.npz")] for folder in (data / "targets").iterdir()]
    loaded = [[np.load(path)["whole"] for path in paths] for paths in stores]
    certain = [np.mean([np.isin(each, (0, 255)).mean() for each in wholes]) for wholes in loaded]
    return loaded[int(np.argmax(certain))]
